use super::*;

#[test]
fn an_errno_is_found_by_name_and_by_number() {
    let refused = explain("ECONNREFUSED").unwrap();
    assert_eq!(refused.kind, Kind::Errno(Errno(111)));
    for text in ["econnrefused", "111", " 111\n"] {
        assert_eq!(explain(text), Some(refused), "{text:?}");
    }
    assert_eq!(explain("EWOULDBLOCK").unwrap().name, "EAGAIN");
    for nothing in ["41", "0", "-1", "99999", "E41", "", "nonsense"] {
        assert_eq!(explain(nothing), None, "{nothing:?}");
    }
}

#[test]
fn case_selects_between_a_cause_and_a_status() {
    assert_eq!(
        explain("wronghost").unwrap().kind,
        Kind::Cause(Cause::WrongHost)
    );
    assert_eq!(
        explain("WrongHost").unwrap().kind,
        Kind::Cause(Cause::WrongHost)
    );
    assert_eq!(explain("TLS").unwrap().kind, Kind::Status);
    assert_eq!(explain("tls").unwrap().kind, Kind::Status);
    assert_eq!(explain("TIMEOUT").unwrap().kind, Kind::Status);
    assert_eq!(
        explain("timeout").unwrap().kind,
        Kind::Cause(Cause::Timeout)
    );
    assert!(explain("REFUSED").unwrap().meaning.contains("DNS"));
    assert!(!explain("refused").unwrap().meaning.contains("DNS"));
}

#[test]
fn every_word_has_an_explanation_in_whole_sentences() {
    let sentence = |text: &str| text.ends_with('.') && !text.contains("  ") && text.len() > 10;
    let mut seen = 0;
    for word in words() {
        let explanation = explain(word).unwrap_or_else(|| panic!("{word} has no explanation"));
        assert_eq!(explanation.name, word);
        assert!(
            sentence(explanation.meaning),
            "{word}: {}",
            explanation.meaning
        );
        assert!(
            sentence(explanation.advice),
            "{word}: {}",
            explanation.advice
        );
        for (phase, advice) in explanation.advice_by_phase {
            assert!(sentence(advice), "{word}: {advice}");
            assert!(explanation.phases.contains(phase), "{word} in {phase}");
        }
        seen += 1;
    }
    assert_eq!(
        seen,
        Errno::all().count() + Cause::ALL.len() + statuses::all().count()
    );
}

#[test]
fn every_number_of_the_model_has_one_entry() {
    for errno in Errno::all() {
        let entries = [network_errnos::find(errno), other_errnos::find(errno)];
        assert_eq!(entries.iter().flatten().count(), 1, "{errno}");
    }
}

#[test]
fn every_fault_has_a_line_of_advice() {
    for cause in Cause::ALL {
        for phase in Phase::TIMED.into_iter().chain([Phase::Target]) {
            let line = advice(phase, cause, None);
            assert!(line.len() > 10 && !line.contains(". "), "{cause}: {line}");
        }
    }
    let connect = advice(Phase::Connect, Cause::Timeout, None);
    assert!(connect.contains("SYN"), "{connect}");
    assert_ne!(connect, advice(Phase::FirstByte, Cause::Timeout, None));
    let refused = advice(Phase::Connect, Cause::Refused, Some(Errno(111)));
    assert!(refused.starts_with("The host is up"), "{refused}");
}

#[test]
fn an_explanation_fits_a_terminal() {
    let text = explain("timeout").unwrap().to_string();
    assert!(
        text.starts_with("timeout (cause)\n  meaning        No answer was received in time.\n"),
        "{text}"
    );
    assert!(
        text.contains("\n  in connect     No answer to the SYN"),
        "{text}"
    );
    assert!(
        text.contains("\n  in first_byte  The connection is open"),
        "{text}"
    );
    for word in words() {
        let text = explain(word).unwrap().to_string();
        assert!(text.ends_with('\n') && !text.contains(" \n"), "{text}");
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(LINE_WIDTH), "{text}");
    }
    assert!(
        explain("111")
            .unwrap()
            .to_string()
            .starts_with("ECONNREFUSED (errno 111)\n")
    );
}

#[test]
fn a_slip_is_guessed_at() {
    assert_eq!(suggestions("ECONREFUSED")[0], "ECONNREFUSED");
    assert_eq!(suggestions("timeuot")[0], "TIMEOUT");
    assert_eq!(suggestions("wrong-host")[0], "wronghost");
    assert!(suggestions("unreach").contains(&"EHOSTUNREACH"));
    assert!(suggestions("cert").contains(&"badcertificate"));
    assert!(suggestions("").is_empty());
    assert!(suggestions("xyzzyxyzzy").is_empty());
    assert!(words().all(|word| suggestions(word)[0].eq_ignore_ascii_case(word)));
}

#[test]
fn slips_are_counted() {
    let letters = |text: &str| text.chars().collect::<Vec<_>>();
    for (one, other, slips) in [
        ("", "abc", 3),
        ("abc", "abc", 0),
        ("abc", "acb", 1),
        ("ab", "xb", 1),
    ] {
        assert_eq!(
            distance(&letters(one), &letters(other)),
            slips,
            "{one} {other}"
        );
    }
}
