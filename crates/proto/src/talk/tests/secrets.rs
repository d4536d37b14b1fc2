//! Nobody reads a password.

use proptest::prelude::*;

use super::rig::{Peer, preset, run, run_split, talk, talk_as, why};
use crate::talk::{Preset, Script, TalkOutput};

const PASSWORD: &str = r#"hunter"2\x"#;

#[test]
fn what_comes_back_of_a_password_is_masked() {
    let script = r#"
        - send: "PASS ${password}"
        - expect: "^(?P<all>PASS (?P<secret>.*))$"
          gather: "^(?P<lines>.*)$"
          labels: [{name: label, value: "<${secret}>"}]
        - read: 15
          as: read
        - read: 12
          as: hex
        - expect: never
    "#;
    let said = format!(
        "you said {PASSWORD}\nPASS {PASSWORD}\nread {PASSWORD}\0\0{PASSWORD}still {PASSWORD}?\n"
    );
    let whole = run(
        talk_as(script, "me", PASSWORD),
        &[Peer::Says(said.as_bytes())],
    );
    assert_eq!(whole.said, format!("PASS {PASSWORD}\n"));
    assert_eq!(
        whole.shown(),
        "all=PASS *** secret=*** lines=you said ***, PASS *** label=<***> read=read *** hex=***"
    );
    assert_eq!(
        whole.waiting_for,
        "a line that matches /never/; the last it said was \"still ***?\""
    );
}

#[test]
fn messages_do_not_hold_it() {
    let said = format!("+OK\r\n+OK\r\n-ERR {PASSWORD} is wrong\r\n");
    let whole = run_split(
        &talk_as(preset("pop3-stat"), "me", PASSWORD),
        said.as_bytes(),
    );
    assert_eq!(
        why(&whole.end).1,
        r#"waiting for a line that matches /^\+OK/, the peer said "-ERR *** is wrong""#
    );
    // Also where only its beginning would have been shown.
    let said = format!("+OK\r\n+OK\r\n-ERR {}{PASSWORD}\r\n", "x".repeat(190));
    let whole = run(
        talk_as(preset("pop3-stat"), "me", PASSWORD),
        &[Peer::Says(said.as_bytes())],
    );
    assert!(!why(&whole.end).1.contains("hun"), "{whole:?}");
    let quoted = format!("* OK\r\na1 OK\r\na4 BAD LOGIN \"me\" {:?}\r\n", PASSWORD);
    let whole = run_split(&talk_as(preset("imap"), "me", PASSWORD), quoted.as_bytes());
    assert!(
        why(&whole.end).1.contains(r#"LOGIN \"me\" \"***\""#),
        "{whole:?}"
    );
}

#[test]
fn nothing_is_sent_where_there_is_none() {
    let whole = run_split(&talk(preset("pop3-stat")), b"+OK\r\n");
    assert_eq!(
        why(&whole.end).1,
        "step 1 needs credentials, and there are none"
    );
    assert_eq!(whole.said, "");
}

#[test]
fn credentials_stand_in_send_alone() {
    for text in [
        "[{expect_line: '${password}'}]",
        "[{expect: a, labels: [{name: x, value: '${user}'}]}]",
        "[{expect: '(?P<password>.*)'}]",
    ] {
        assert!(Script::parse(text, "test").is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_password_is_shown(password in "[ -~\u{a0}-\u{2ff}]{4,20}", cut in 0..40_usize, which in 0..Preset::ALL.len()) {
        let script = Preset::ALL[which].text;
        let line = format!("+OK {password} {password}\r\n* OK {password}\r\na1 OK\r\n220 {password}\r\n250 {password}\r\n");
        let (first, second) = line.as_bytes().split_at(cut.min(line.find('\r').unwrap() + 1));
        let talk = talk_as(script, "me", &password);
        let shown = format!("{talk:?}");
        let whole = run(talk, &[Peer::Says(first), Peer::Says(second), Peer::Closes]);
        // The script's own text may contain what is also the password.
        let own = |text: &str| script.contains(&password) || !text.contains(&password);
        prop_assert!(own(&shown) && own(&whole.shown()), "{whole:?}");
        if let TalkOutput::Unmatched(mismatch) = &whole.end {
            let text = &mismatch.to_string();
            prop_assert!(own(text) || "waiting for a line that matches, the peer said its side before came; the last it was".contains(&password), "{text}");
        }
    }
}
