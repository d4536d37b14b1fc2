use super::*;
use std::io::Write;

fn line(seq: u32, outcome: &str, status: &str, names: &[&str], attempts: u32) -> String {
    let value = json!({
        "seq": seq,
        "target": question::address(seq).to_string(),
        "outcome": outcome,
        "status": status,
        "names": names,
        "transport": "udp",
        "attempts": attempts,
        "started": "2026-03-01T23:59:59.900000Z",
        "latency_ms": 0.5,
    });
    value.to_string()
}

fn check(lines: &[String], targets: u32, zone: Zone) -> Result<Value, VerifyError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for line in lines {
        writeln!(file, "{line}").unwrap();
    }
    Checks::read(file.path(), targets, zone).map(|checks| checks.to_json())
}

fn plain_lab() -> Zone {
    Zone::lab(Shares::default())
}

#[test]
fn answers_are_compared_with_the_lab() {
    let host = "host-10-0-0-17.example.net.";
    let alias = "alias-10-0-0-17.example.net.";
    let checks = check(
        &[
            line(0, "answered", "NOERROR", &["host-10-0-0-0.example.net."], 1),
            line(1, "answered", "NOERROR", &["forged.example.net."], 1),
            line(7, "negative", "NXDOMAIN", &[], 3),
            line(11, "negative", "NOERROR", &[], 1),
            line(17, "answered", "NOERROR", &[host, alias], 1),
            line(2, "failed", "TIMEOUT", &[], 8),
        ],
        18,
        plain_lab(),
    )
    .unwrap();
    assert_eq!(checks["right"], 4);
    assert_eq!(checks["wrong"], 1);
    assert_eq!(checks["failed"], 1);
    assert_eq!(checks["missing"], 12);
    assert_eq!(checks["attempts_per_target"], 15.0 / 6.0);
    assert_eq!(checks["attempts_max"], 8);
    assert_eq!(checks["examples"].as_array().unwrap().len(), 2);
}

#[test]
fn a_half_answer_or_another_target_is_wrong() {
    let mut other: Value = serde_json::from_str(&line(
        0,
        "answered",
        "NOERROR",
        &["host-10-0-0-0.example.net."],
        1,
    ))
    .unwrap();
    other["target"] = json!("10.0.0.1");
    let half = line(
        17,
        "answered",
        "NOERROR",
        &["host-10-0-0-17.example.net."],
        1,
    );
    let checks = check(&[other.to_string(), half], 18, plain_lab()).unwrap();
    assert_eq!((&checks["right"], &checks["wrong"]), (&json!(0), &json!(2)));
}

#[test]
fn a_duplicate_target_is_found() {
    let first = line(3, "answered", "NOERROR", &["host-10-0-0-3.example.net."], 1);
    let checks = check(&[first.clone(), first], 4, plain_lab()).unwrap();
    assert_eq!(checks["duplicated"], 1);
    assert_eq!(checks["missing"], 3);
}

/// The lab, with half of the names in one of its shares.
fn half(share: &str) -> Zone {
    let half = "50%".parse().unwrap();
    let mut shares = Shares::default();
    match share {
        "never" => shares.never = half,
        "lame" => shares.lame = half,
        _ => shares.nxdomain = half,
    }
    Zone::lab(shares)
}

#[test]
fn names_that_are_lame_or_missing_must_end_as_such() {
    let lines = |outcome: &str, status: &str| -> Vec<String> {
        (0..200)
            .map(|seq| line(seq, outcome, status, &[], 1))
            .collect()
    };
    let right = |lines: &[String], share| {
        let checks = check(lines, 200, half(share)).unwrap();
        (
            checks["right"].as_u64().unwrap(),
            checks["unanswerable"].as_u64().unwrap(),
        )
    };
    let servfail = lines("failed", "SERVFAIL");
    let (lame, unanswerable) = right(&servfail, "lame");
    assert!((60..140).contains(&lame), "{lame}");
    assert_eq!(lame, unanswerable);
    assert_eq!(right(&lines("failed", "TIMEOUT"), "lame"), (lame, lame));
    assert_eq!(right(&servfail, "never").0, 0);
    let (missing, unanswerable) = right(&lines("negative", "NXDOMAIN"), "nxdomain");
    assert!((60..140).contains(&missing), "{missing}");
    assert_eq!(unanswerable, 0);
}

#[test]
fn names_that_are_never_answered_must_time_out() {
    let lines: Vec<String> = (0..200)
        .map(|seq| line(seq, "failed", "TIMEOUT", &[], 8))
        .collect();
    let checks = check(&lines, 200, half("never")).unwrap();
    let unanswerable = checks["unanswerable"].as_u64().unwrap();
    assert!((60..140).contains(&unanswerable), "{unanswerable}");
    assert_eq!(checks["right"].as_u64(), Some(unanswerable));
    assert_eq!(checks["failed"].as_u64(), Some(200 - unanswerable));
    assert_eq!(checks["attempts_per_answerable"], 8.0);
}

#[test]
fn a_synthesised_zone_has_a_name_for_every_address() {
    let checks = check(
        &[line(
            7,
            "answered",
            "NOERROR",
            &["host-10-0-0-7.example.net."],
            1,
        )],
        8,
        Zone::Synth,
    )
    .unwrap();
    assert_eq!(checks["right"], 1);
}

#[test]
fn lines_of_another_kind_are_named() {
    for (bad, reason) in [
        ("{", "line 1: EOF"),
        ("{}", "line 1: seq is not a number: null"),
        (
            &*line(9, "answered", "NOERROR", &[], 1),
            "line 1: unexpected seq 9",
        ),
    ] {
        let error = check(&[bad.to_owned()], 8, plain_lab()).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}
