//! The text of a script, and another in its place.

use std::sync::Arc;

use super::rig::{Peer, run, talk};
use crate::talk::{GivenText, GivenTextError, Script, TEXT_BYTES_MAX, Talk};

const SCRIPT: &str =
    "text: abc\nquery_response:\n- send: 'say ${text}'\n- expect_line: '${text}'\n";

#[test]
fn a_script_sends_and_expects_its_text_or_another() {
    let own = run(talk(SCRIPT), &[Peer::Says(b"abc\n")]);
    assert_eq!(own.said, "say abc\n");
    let script = Script::parse(SCRIPT, "test").unwrap();
    assert_eq!(script.text(), Some("abc"));
    let other = Arc::new(script.with_text(GivenText::new("$1 ${nonce}").unwrap()));
    let said = run(Talk::new(&other, None, 0, 0), &[]).said;
    assert_eq!(said, "say $1 ${nonce}\n", "a text is sent as it is");
    let without = Script::parse("- send: a", "test").unwrap();
    let without = without.with_text(GivenText::new("b").unwrap());
    assert_eq!(without.text(), None);
}

#[test]
fn without_a_text_the_name_is_that_of_a_group() {
    let script = "- expect: '^(?P<text>.)'\n- send: '${text}'\n";
    assert_eq!(run(talk(script), &[Peer::Says(b"xy\n")]).said, "x\n");
    for (script, reason) in [
        ("- send: '${text}'", "has no `expect` before it"),
        (
            "text: a\nquery_response: [{send: b}]",
            "no step uses `${text}`",
        ),
        (
            "text: \"a\\n\"\nquery_response: [{send: '${text}'}]",
            "line 1: `text`: the text has a control",
        ),
    ] {
        let error = Script::parse(script, "test").unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_text_is_a_part_of_a_line() {
    for (text, expected) in [
        ("", Err(GivenTextError::Empty)),
        ("a\r\nEND", Err(GivenTextError::Control)),
        ("ü", Ok(())),
    ] {
        assert_eq!(GivenText::new(text).map(drop), expected, "{text:?}");
    }
    let longest = "x".repeat(TEXT_BYTES_MAX);
    assert!(GivenText::new(&longest).is_ok());
    assert_eq!(
        GivenText::new(&(longest + "x")),
        Err(GivenTextError::Length)
    );
}
