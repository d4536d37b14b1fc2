//! `canvass explain`: what an error means, and where to look next.

use crate::common::canvass;

/// What is printed, with blanks where lines were broken.
#[track_caller]
fn explained(words: &[&str]) -> String {
    let run = canvass(&[&["explain"], words].concat()).exits(0);
    assert_eq!(run.err, "");
    assert!(
        run.out.lines().all(|line| line.chars().count() <= 80),
        "{}",
        run.out
    );
    run.out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn an_errno_is_known_by_name_and_by_number() {
    let by_name = explained(&["ECONNREFUSED"]);
    assert!(
        by_name.starts_with("ECONNREFUSED (errno 111) meaning "),
        "{by_name}"
    );
    assert!(by_name.contains("ss -ltnp"), "{by_name}");
    assert_eq!(explained(&["111"]), by_name);
    assert_eq!(explained(&["econnrefused"]), by_name);
    assert!(explained(&["EWOULDBLOCK"]).starts_with("EAGAIN (errno 11)"));
}

#[test]
fn every_errno_that_lines_carry_is_known() {
    for errno in [
        "ECONNREFUSED",
        "ECONNRESET",
        "EHOSTUNREACH",
        "ENETUNREACH",
        "ETIMEDOUT",
        "EMFILE",
        "ENFILE",
        "EADDRNOTAVAIL",
        "EACCES",
        "EPERM",
        "ENOENT",
        "EPIPE",
        "ENOBUFS",
        "ENETDOWN",
        "EMSGSIZE",
    ] {
        let text = explained(&[errno]);
        assert!(text.starts_with(&format!("{errno} (errno ")), "{text}");
        assert!(text.contains(" advice "), "{text}");
    }
}

#[test]
fn causes_and_statuses_are_known_and_told_apart_by_their_letters() {
    assert!(explained(&["timeout"]).starts_with("timeout (cause) meaning "));
    assert!(explained(&["TIMEOUT"]).starts_with("TIMEOUT (status) meaning "));
    for cause in [
        "refused",
        "expired",
        "wronghost",
        "unknownissuer",
        "descriptors",
        "nodata",
    ] {
        assert!(
            explained(&[cause]).starts_with(&format!("{cause} (cause)")),
            "{cause}"
        );
    }
    for status in [
        "OPEN",
        "MATCHED",
        "UNMATCHED",
        "UNREACHABLE",
        "LOCAL",
        "INVALID",
        "NXDOMAIN",
    ] {
        assert!(
            explained(&[status]).starts_with(&format!("{status} (status)")),
            "{status}"
        );
    }
    // The advice depends on the phase.
    let reset = explained(&["reset"]);
    for phase in ["in connect", "in tls", "in first_byte", "in transfer"] {
        assert!(reset.contains(phase), "{phase}: {reset}");
    }
}

#[test]
fn several_are_explained_at_once() {
    let run = canvass(&["explain", "EMFILE", "expired"]).exits(0);
    let heads: Vec<&str> = run.out.lines().filter(|line| line.ends_with(')')).collect();
    assert_eq!(heads, ["EMFILE (errno 24)", "expired (cause)"]);
    assert_eq!(run.out.matches("\n\n").count(), 1);
}

#[test]
fn what_is_unknown_is_a_usage_error_with_a_hint_where_it_is_near() {
    for (word, hint) in [
        ("ECONREFUSED", "did you mean ECONNREFUSED"),
        ("EHOSTUNREACHED", "EHOSTUNREACH"),
        ("timout", "timeout"),
        ("unknown-issuer", "unknownissuer"),
    ] {
        let run = canvass(&["explain", word])
            .exits(2)
            .says(&format!("unknown error, cause or status {word:?}"))
            .says(hint);
        assert_eq!(run.out, "");
    }
    let run = canvass(&["explain", "zzzzzzzz"]).exits(2);
    assert!(!run.err.contains("did you mean"), "{}", run.err);
    canvass(&["explain", "99999"]).exits(2);
    canvass(&["explain", "41"]).exits(2);
    canvass(&["explain"]).exits(2).says("Usage");
}

#[test]
fn what_a_run_says_can_be_explained() {
    let run = canvass(&["tcp", "127.255.255.255:80", "-f", "ndjson"]).exits(1);
    let object = &run.whole(1)[0];
    for word in [
        &object["status"],
        &object["error"]["cause"],
        &object["error"]["errno"],
    ] {
        let word = word.as_str().unwrap();
        assert!(explained(&[word]).starts_with(word), "{word}");
    }
}
