use super::*;
use crate::fixture;
use canvass_model::Answer;
use proptest::prelude::*;

fn written(outcomes: &[Outcome]) -> String {
    let columns = Columns::of(&outcomes[0].job.spec);
    let mut format = Csv::new(columns, fixture::epoch());
    let mut out = Vec::new();
    format.header(&mut out);
    for outcome in outcomes {
        format.line(outcome, &mut out);
    }
    String::from_utf8(out).unwrap()
}

/// Reads as RFC 4180 says, with LF or CRLF as the end of a record.
fn read(text: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            other => field.push(other),
        }
    }
    assert!(record.is_empty() && field.is_empty() && !quoted, "{text:?}");
    records
}

fn cell(outcome: &Outcome, column: &str) -> String {
    let records = read(&written(std::slice::from_ref(outcome)));
    let index = records[0].iter().position(|name| name == column).unwrap();
    records[1][index].clone()
}

#[test]
fn rows_are_as_the_header_says() {
    let text = written(&[
        fixture::ptr_answered(),
        fixture::ptr_timeout(),
        fixture::dns_answered(),
    ]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "seq,line,target,probe,type,outcome,status,names,ttl,answers,confirmed,forward,\
         resolver,transport,attempts,started,latency_ms,response_ms,wait_ms,dns_ms,\
         error_phase,error_cause,error_message,error_errno,stalled,\
         cname,class,flags,ede,nsid,subnet,edns,authority,additional,expected,seen,recheck"
    );
    assert_eq!(
        lines[1],
        "0,1,10.1.2.3,ptr,,answered,NOERROR,host-10-1-2-3.example.net.,400,,,,127.0.0.1:53,\
         udp,1,2026-01-02T03:04:05.123474Z,0.412,0.43,0,0.412,,,,,false,,,,,,,,,,,,false"
    );
    assert_eq!(
        lines[2],
        "2,9,010.9.9.9,ptr,,failed,TIMEOUT,,,,,,127.0.0.1:53,udp,8,\
         2026-01-02T03:04:05.123456Z,10000,10000,0,10000,dns,timeout,\
         no answer from 127.0.0.1:53 in 8 attempts,,true,,,,,,,,,,,,false"
    );
    assert_eq!(
        lines[3],
        "6,2,www.example.net,dns,A,answered,NOERROR,,,\
         www.example.net. 300 CNAME web.example.net. | web.example.net. 60 A 192.0.2.1 | \
         web.example.net. 60 A 192.0.2.2,,,127.0.0.1:53,udp,1,2026-01-02T03:04:05.123456Z,\
         1.5,1.5,0,1.5,,,,,false,,,aa rd ra,,,,,,,,,false"
    );
}

#[test]
fn an_expectation_of_a_lookup_has_the_last_columns() {
    let outcome = fixture::dns_unexpected();
    assert_eq!(cell(&outcome, "outcome"), "negative");
    assert_eq!(cell(&outcome, "expected"), "an answer with \"192.0.2.7\"");
    assert_eq!(cell(&outcome, "seen"), "192.0.2.1, 192.0.2.2");
}

#[test]
fn an_alias_alone_has_a_column() {
    let alias = fixture::ptr_alias();
    assert_eq!(cell(&alias, "cname"), "7.0-25.2.0.192.in-addr.arpa.");
    assert_eq!(cell(&alias, "names"), "");
}

#[test]
fn what_the_response_says_besides_its_answer_is_in_the_last_columns() {
    let outcome = fixture::dns_with_details();
    for (column, text) in [
        ("answers", "version.bind. 0 CH TXT \"9.18\""),
        ("class", "CH"),
        ("flags", "aa rd ra ad"),
        (
            "ede",
            "Stale Answer (3) | 49152: \"a, \\u{1b}[2J\\n\\\"b\\\"\"",
        ),
        ("nsid", "6e 73 31 (\"ns1\")"),
        ("subnet", "192.0.2.0/24/0"),
        ("edns", "true"),
        ("authority", "bind. 0 CH NS bind."),
        ("additional", "a.bind. 0 A 192.0.2.1"),
    ] {
        assert_eq!(cell(&outcome, column), text, "{column}");
    }
    let mut ptr = fixture::ptr_answered();
    let mut details = outcome.details.unwrap();
    (details.sections, details.edns) = (None, None);
    ptr.details = Some(details);
    assert_eq!(cell(&ptr, "class"), "");
    assert_eq!(cell(&ptr, "flags"), "");
}

#[test]
fn http_rows_have_columns_of_their_own() {
    let text = written(&[fixture::http_redirected(27), fixture::http_expired()]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "seq,line,target,probe,outcome,status,url,remote,http_version,status_code,content_length,\
         body_bytes,decoded_bytes,redirects,tls_version,tls_days_left,repeat,addresses,attempts,\
         started,latency_ms,response_ms,wait_ms,resolve_ms,connect_ms,tls_ms,first_byte_ms,\
         transfer_ms,error_phase,error_cause,error_message,error_errno,stalled,body_error,proxy,\
         warnings,surplus_bytes,expected,seen,headers,title,body_sha256,favicon_url,favicon_status,\
         favicon_mmh3,recheck"
    );
    assert_eq!(
        lines[1],
        "1,2,http://example.net/,http,answered,200,https://example.net/,192.0.2.1:443,1.1,200,,5,\
         25,1,TLSv1.3,27,1,[2001:db8::1]:443=CONNREFUSED,2,2026-01-02T03:04:05.123456Z,15,15,0,1,\
         2,3,4,5,,,,,false,,,,,,,,,,,,,false"
    );
    assert_eq!(
        lines[2],
        "2,3,https://expired.example.net/,http,failed,TLS,https://expired.example.net/,\
         192.0.2.1:443,,,,,,0,,-3,,,1,2026-01-02T03:04:05.123456Z,6,6,0,1,2,3,,,tls,expired,\
         the certificate of 192.0.2.1:443 expired 3 days ago,,false,,,,,,,,,,,,,false"
    );
    let unsaved = fixture::http_unsaved("no space, none");
    assert!(written(&[unsaved]).ends_with(",false,\"no space, none\",,,,,,,,,,,,false\n"));
    let odd = written(&[fixture::http_odd()]);
    assert!(
        odd.ends_with(",false,,,status_line chunk_size,5,,,,,,,,,false\n"),
        "{odd}"
    );
}

#[test]
fn tcp_and_udp_rows_have_columns_of_their_own() {
    let text = written(&[
        fixture::tcp_matched(),
        fixture::tcp_refused(),
        fixture::udp_replies(),
    ]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "seq,line,target,probe,outcome,status,remote,captures,sent_bytes,received_bytes,\
         tls_version,tls_days_left,mismatch,replies,addresses,captures_hex,attempts,started,latency_ms,\
         response_ms,wait_ms,resolve_ms,connect_ms,tls_ms,first_byte_ms,transfer_ms,error_phase,error_cause,\
         error_message,error_errno,stalled,proxy,expected,seen,recheck"
    );
    assert_eq!(
        lines[1],
        "3,4,127.0.0.1:110,tcp,answered,MATCHED,127.0.0.1:110,\"messages=72; bytes=1,024\",40,61,\
         ,,,,,,1,2026-01-02T03:04:05.123456Z,1.34,1.34,0,,0.04,,0.3,1,,,,,false,,,,false"
    );
    assert_eq!(
        lines[2],
        "4,5,[2001:db8::1]:25,tcp,failed,CONNREFUSED,[2001:db8::1]:25,,0,0,,,,,,,1,\
         2026-01-02T03:04:05.123456Z,0.12,0.12,0,,0.12,,,,connect,refused,\
         [2001:db8::1]:25 refused the connection,ECONNREFUSED,false,,,,false"
    );
    assert!(lines[3].contains(",8,,,,2,,,1,"), "{}", lines[3]);
}

#[test]
fn rows_of_mixed_endpoints_share_the_columns_of_every_probe() {
    let mut format = Csv::new(Columns::Endpoints, fixture::epoch());
    let mut out = Vec::new();
    format.header(&mut out);
    let outcomes = [
        fixture::dns_answered(),
        fixture::http_expired(),
        fixture::tcp_matched(),
        fixture::tcp_unmatched(),
    ];
    for outcome in &outcomes {
        format.line(outcome, &mut out);
    }
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..4],
        [
            "seq,line,target,probe,outcome,status,type,answers,resolver,transport,remote,url,\
             body_bytes,captures,received_bytes,mismatch,tls_version,tls_days_left,warnings,attempts,\
             started,latency_ms,response_ms,wait_ms,dns_ms,resolve_ms,connect_ms,tls_ms,first_byte_ms,\
             transfer_ms,error_phase,error_cause,error_message,error_errno,stalled,expected,seen,recheck",
            "6,2,www.example.net,dns,answered,NOERROR,A,www.example.net. 300 CNAME web.example.net. \
             | web.example.net. 60 A 192.0.2.1 | web.example.net. 60 A 192.0.2.2,127.0.0.1:53,udp,\
             ,,,,,,,,,1,2026-01-02T03:04:05.123456Z,1.5,1.5,0,1.5,,,,,,,,,,false,,,false",
            "2,3,https://expired.example.net/,http,failed,TLS,,,,,192.0.2.1:443,\
             https://expired.example.net/,,,,,,-3,,1,2026-01-02T03:04:05.123456Z,6,6,0,,1,2,3,,,tls,\
             expired,the certificate of 192.0.2.1:443 expired 3 days ago,,false,,,false",
            "3,4,127.0.0.1:110,tcp,answered,MATCHED,,,,,127.0.0.1:110,,,\
             \"messages=72; bytes=1,024\",61,,,,,1,2026-01-02T03:04:05.123456Z,1.34,1.34,0,,,0.04,,\
             0.3,1,,,,,false,,,false",
        ]
    );
    assert!(lines[4].contains("220 is not what"), "{}", lines[4]);
    let records = read(&text);
    let columns = records[0].len();
    assert!(records.iter().all(|record| record.len() == columns));
    // A name means what it means in the tables of the probes.
    let families = [Columns::Dns, Columns::Http, Columns::Talk].map(Columns::names);
    for name in &records[0] {
        assert!(
            families.iter().flatten().any(|known| known == name),
            "{name}"
        );
    }
}

#[test]
fn what_was_asked_for_and_what_was_expected_have_columns() {
    let extras = fixture::http_extras();
    for (column, expected) in [
        (
            "headers",
            "Server: nginx; Set-Cookie: a=\"b\"\t; Set-Cookie: c",
        ),
        ("title", "a < b"),
        ("favicon_url", "http://127.0.0.1:8080/favicon.ico"),
        ("favicon_status", "200"),
        ("favicon_mmh3", "-235701012"),
        ("redirects", "1"),
        ("expected", ""),
    ] {
        assert_eq!(cell(&extras, column), expected, "{column}");
    }
    assert_eq!(cell(&extras, "body_sha256"), "5a".repeat(32));
    let text = written(&[fixture::http_unexpected()]);
    assert!(
        text.ends_with(",\"status 200-399,401\",503,,,,,,,false\n"),
        "{text}"
    );
    assert_eq!(cell(&fixture::tcp_unmatched(), "seen"), "\"220\"");
}

#[test]
fn a_mismatch_has_its_column() {
    assert_eq!(
        cell(&fixture::tcp_unmatched(), "mismatch"),
        "220 is not what /^\\+OK/ matches"
    );
}

#[test]
fn what_has_no_column_is_left_out() {
    let mut format = Csv::new(Columns::Http, fixture::epoch());
    let mut out = Vec::new();
    format.header(&mut out);
    for outcome in [fixture::ptr_answered(), fixture::tcp_matched()] {
        format.line(&outcome, &mut out);
    }
    let records = read(&String::from_utf8(out).unwrap());
    assert_eq!(records.len(), 3);
    assert!(
        records
            .iter()
            .all(|record| record.len() == records[0].len())
    );
}

#[test]
fn forward_confirmation_has_its_columns() {
    let outcome = fixture::ptr_confirmed(Some(true));
    assert_eq!(cell(&outcome, "confirmed"), "true");
    assert_eq!(
        cell(&outcome, "forward"),
        "a.example.net.=10.1.2.3 2001:db8::1; b.example.net.="
    );
    assert_eq!(cell(&fixture::ptr_confirmed(None), "confirmed"), "");
}

#[test]
fn a_bad_line_reads_back_as_it_was() {
    let outcome = fixture::invalid(ProbeSpec::Ptr {
        forward_confirm: false,
    });
    assert_eq!(cell(&outcome, "target"), "not\tan \"address\" \\ ü\u{85}");
    assert_eq!(cell(&outcome, "latency_ms"), "");
    assert_eq!(cell(&fixture::local_failure(), "error_errno"), "EMFILE");
}

proptest! {
    #[test]
    fn every_outcome_is_one_record_that_reads_back(outcome in fixture::any_outcome()) {
        let records = read(&written(std::slice::from_ref(&outcome)));
        prop_assert_eq!(records.len(), 2);
        prop_assert_eq!(records[0].len(), records[1].len());
        prop_assert_eq!(cell(&outcome, "target"), fixture::target_string(&outcome));
        let message = outcome.fault.as_ref().map_or("", |fault| &fault.message);
        prop_assert_eq!(cell(&outcome, "error_message"), message);
        if let Answer::Ptr(answer) = &outcome.answer {
            prop_assert_eq!(cell(&outcome, "names"), answer.names.join(" "));
        }
    }
}
