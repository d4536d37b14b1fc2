use super::*;
use crate::fixture;
use crate::write::is_breaking;
use proptest::prelude::*;

fn line(outcome: &Outcome) -> String {
    let mut out = Vec::new();
    Text::default().header(&mut out);
    Text::default().line(outcome, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_status_has_the_colour_of_its_class_and_nothing_else_changes() {
    for (outcome, colour) in [
        (fixture::ptr_answered(), "\x1b[32m"),
        (fixture::ptr_negative(), "\x1b[33m"),
        (fixture::ptr_timeout(), "\x1b[31m"),
        (fixture::http_answered(), "\x1b[32m"),
        (fixture::http_unexpected(), "\x1b[31m"),
        (fixture::tcp_refused(), "\x1b[31m"),
    ] {
        let mut out = Vec::new();
        let mut coloured = Text::default();
        coloured.colour();
        coloured.line(&outcome, &mut out);
        let text = String::from_utf8(out).unwrap();
        let word = format!("\t{colour}{}\x1b[0m\t", outcome.status);
        assert!(text.contains(&word), "{text}");
        assert_eq!(
            text.replace(colour, "").replace("\x1b[0m", ""),
            line(&outcome)
        );
    }
}

#[test]
fn ptr_lines_have_three_columns() {
    for (outcome, text) in [
        (
            fixture::ptr_answered(),
            "10.1.2.3\tNOERROR\thost-10-1-2-3.example.net.\n",
        ),
        (fixture::ptr_negative(), "2001:db8::7\tNXDOMAIN\t-\n"),
        (
            fixture::ptr_timeout(),
            "010.9.9.9\tTIMEOUT\tno answer from 127.0.0.1:53 in 8 attempts\n",
        ),
        (
            fixture::local_failure(),
            "10.1.2.4\tLOCAL\tno descriptor is left for a socket\n",
        ),
        (
            fixture::invalid(ProbeSpec::Ptr {
                forward_confirm: false,
            }),
            "not\\tan \"address\" \\ ü\\u{85}\tINVALID\tneither an address nor a name\n",
        ),
    ] {
        assert_eq!(line(&outcome), text);
    }
}

#[test]
fn forward_confirmation_is_the_fourth_column() {
    for (confirmed, word) in [
        (Some(true), "confirmed"),
        (Some(false), "unconfirmed"),
        (None, "unknown"),
    ] {
        assert_eq!(
            line(&fixture::ptr_confirmed(confirmed)),
            format!("10.1.2.3\tNOERROR\ta.example.net. b.example.net.\t{word}\n")
        );
    }
}

#[test]
fn an_expectation_of_a_lookup_that_does_not_hold_is_in_the_last_column() {
    assert_eq!(
        line(&fixture::ptr_unexpected()),
        "10.1.2.3\tNOERROR\thost-10-1-2-3.example.net.\texpected dns within 1ms, seen 2ms\n"
    );
    assert!(line(&fixture::dns_unexpected()).ends_with(
        "| 192.0.2.2\texpected an answer with \"192.0.2.7\", seen 192.0.2.1, 192.0.2.2\n"
    ));
    let mut none = fixture::ptr_negative();
    none.answer.set_unmet(canvass_model::Unmet {
        expected: "at least 1 record".into(),
        seen: "NXDOMAIN".into(),
    });
    assert_eq!(
        line(&none),
        "2001:db8::7\tNXDOMAIN\t-\texpected at least 1 record, seen NXDOMAIN\n"
    );
}

#[test]
fn dns_lines_name_the_type_and_mark_other_types() {
    assert_eq!(
        line(&fixture::dns_answered()),
        "www.example.net\tA\tNOERROR\tCNAME web.example.net. | 192.0.2.1 | 192.0.2.2\n"
    );
    let mut negative = fixture::dns_answered();
    negative.verdict = Verdict::Negative;
    assert_eq!(line(&negative), "www.example.net\tA\tNOERROR\t-\n");
}

#[test]
fn what_the_response_says_besides_its_answer_is_one_more_column() {
    let mut outcome = fixture::dns_with_details();
    assert_eq!(
        line(&outcome),
        concat!(
            "www.example.net\tCH TXT\tNOERROR\t\"9.18\"\tflags: aa rd ra ad | ",
            "EDE: Stale Answer (3) | EDE: 49152: \"a, \\u{1b}[2J\\n\\\"b\\\"\" | ",
            "NSID: 6e 73 31 (\"ns1\") | CLIENT-SUBNET: 192.0.2.0/24/0 | ",
            "AUTHORITY: bind. 0 CH NS bind. | ADDITIONAL: a.bind. 0 A 192.0.2.1\n",
        )
    );
    let details = outcome.details.as_mut().unwrap();
    (details.sections, details.nsid, details.subnet) = (None, None, None);
    details.edns = Some(false);
    details.errors.pop();
    let notes = |outcome: &Outcome| line(outcome).split('\t').nth(4).map(str::to_owned);
    assert_eq!(
        notes(&outcome).as_deref(),
        Some("flags: aa rd ra ad | EDE: Stale Answer (3) | EDNS: not supported\n")
    );
    let mut ptr = fixture::ptr_answered();
    ptr.details = outcome.details.take();
    ptr.class = Class::CH;
    assert_eq!(
        line(&ptr),
        "10.1.2.3\tNOERROR\thost-10-1-2-3.example.net.\t\
         class: CH | flags: aa rd ra ad | EDE: Stale Answer (3) | EDNS: not supported\n"
    );
    // The message of a failure has its errors.
    let mut failed = fixture::ptr_timeout();
    failed.details = ptr.details;
    failed.fault.as_mut().unwrap().cause = canvass_model::Cause::Rcode;
    assert!(!line(&failed).contains("EDE"));
}

#[test]
fn an_alias_is_shown_where_it_is_all_there_is() {
    assert_eq!(
        line(&fixture::ptr_alias()),
        "2001:db8::7\tNOERROR\tCNAME 7.0-25.2.0.192.in-addr.arpa.\n"
    );
    let mut dangling = fixture::dns_answered();
    dangling.verdict = Verdict::Negative;
    let Answer::Dns(answer) = &mut dangling.answer else {
        panic!("the fixture has records");
    };
    answer.records.truncate(1);
    assert_eq!(
        line(&dangling),
        "www.example.net\tA\tNOERROR\tCNAME web.example.net.\n"
    );
}

#[test]
fn http_lines_have_size_time_and_details() {
    for (outcome, text) in [
        (
            fixture::http_answered(),
            "http://127.0.0.1:8080/\t200\t1369\t260 µs\t-\n",
        ),
        (
            fixture::http_redirected(1),
            "http://example.net/\t200\t5\t15.0 ms\t-> https://example.net/ | certificate ends in 1 \
             day | [2001:db8::1]:443 CONNREFUSED\n",
        ),
        (
            fixture::http_expired(),
            "https://expired.example.net/\tTLS\t-\t6.00 ms\texpired: the certificate of \
             192.0.2.1:443 expired 3 days ago | certificate ended 3 days ago | not verified\n",
        ),
        (
            fixture::http_unsaved("no space"),
            "http://127.0.0.1:8080/\t200\t1369\t260 µs\tbody not kept: no space\n",
        ),
        (
            fixture::http_unexpected(),
            "http://127.0.0.1:8080/\t503\t1369\t260 µs\texpected status 200-399,401, seen 503\n",
        ),
        (
            fixture::http_extras(),
            "http://127.0.0.1:8080/\t200\t1369\t260 µs\t302 http://127.0.0.1:8080/a -> \
             http://127.0.0.1:8080/ | title a < b | sha256 \
             5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a | favicon -235701012 | \
             Server: nginx | Set-Cookie: a=\"b\"\\t | Set-Cookie: c\n",
        ),
        (
            fixture::http_odd(),
            "http://127.0.0.1:8080/\t200\t1369\t260 µs\twarnings: status_line, chunk_size | 5 \
             octets after the answer\n",
        ),
    ] {
        assert_eq!(line(&outcome), text);
    }
}

#[test]
fn tcp_and_udp_lines_show_what_was_captured() {
    for (outcome, text) in [
        (
            fixture::tcp_matched(),
            "127.0.0.1:110\tMATCHED\t1.34 ms\tmessages=72; bytes=1,024\n",
        ),
        (
            fixture::tcp_unmatched(),
            "127.0.0.1:110\tUNMATCHED\t340 µs\t220 is not what /^\\+OK/ matches\n",
        ),
        (
            fixture::tcp_refused(),
            "[2001:db8::1]:25\tCONNREFUSED\t120 µs\trefused: [2001:db8::1]:25 refused the \
             connection\n",
        ),
        (
            fixture::udp_replies(),
            "127.255.255.255:37\tMATCHED\t2.00 ms\t127.0.0.1:37 drift_s=0.25 | 127.0.0.2:37 \
             unmatched\n",
        ),
    ] {
        assert_eq!(line(&outcome), text);
    }
}

proptest! {
    #[test]
    fn every_outcome_is_one_line_with_its_columns(outcome in fixture::any_outcome()) {
        let text = line(&outcome);
        prop_assert_eq!(text.matches(|c: char| c != '\t' && is_breaking(c)).count(), 1);
        prop_assert!(text.ends_with('\n'));
        let columns = match outcome.job.spec {
            ProbeSpec::Ptr { forward_confirm: false } => 3,
            ProbeSpec::Http { .. } => 5,
            _ => 4,
        };
        let has_notes = matches!(outcome.answer, Answer::Ptr(_) | Answer::Dns(_))
            && (outcome.details.is_some() || outcome.class != Class::IN);
        let notes = text.split('\t').count() - columns;
        prop_assert!(notes <= usize::from(has_notes));
    }
}

#[test]
fn what_answered_only_when_it_was_asked_again_is_marked() {
    for (mut outcome, end) in [
        (fixture::ptr_answered(), "\trecheck: failed at first\n"),
        (fixture::dns_answered(), "\trecheck: failed at first\n"),
        (fixture::tcp_matched(), " | recheck: failed at first\n"),
        (fixture::http_answered(), "\trecheck: failed at first\n"),
    ] {
        outcome.recheck = true;
        outcome.details = None;
        let text = line(&outcome);
        assert!(text.ends_with(end), "{text}");
    }
}
