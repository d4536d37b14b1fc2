//! Parses the keywords of output lines.

use std::fmt::Display;

/// A text is not a known keyword.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} {word:?}")]
pub struct KeywordError {
    kind: &'static str,
    word: Box<str>,
}

impl KeywordError {
    /// `kind` is what was expected (`verdict`, `phase`, ...). A long text is shortened.
    pub(crate) fn new(kind: &'static str, word: &str) -> Self {
        Self {
            kind,
            word: word.chars().take(WORD_CHARS_MAX).collect(),
        }
    }
}

/// Characters of the text in an error.
const WORD_CHARS_MAX: usize = 40;

/// Finds the value whose keyword is `word`.
pub(crate) fn read<T: Copy>(
    kind: &'static str,
    word: &str,
    all: &[T],
    as_str: fn(T) -> &'static str,
) -> Result<T, KeywordError> {
    let found = all.iter().find(|known| as_str(**known) == word);
    found.copied().ok_or_else(|| KeywordError::new(kind, word))
}

/// Checks that a parsed value is displayed as `word`: `007` is a number, but not a status.
pub(crate) fn exactly<T: Display>(
    kind: &'static str,
    word: &str,
    read: Option<T>,
) -> Result<T, KeywordError> {
    read.filter(|value| value.to_string() == word)
        .ok_or_else(|| KeywordError::new(kind, word))
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::str::FromStr;

    use super::*;
    use crate::{Cause, Errno, HttpWarning, Phase, Rcode, Status, Transport, Verdict};
    use proptest::prelude::*;

    fn reads_back<T>(value: T)
    where
        T: FromStr<Err = KeywordError> + Display + PartialEq + Debug,
    {
        assert_eq!(value.to_string().parse(), Ok(value));
    }

    #[test]
    fn every_word_reads_back() {
        for verdict in Verdict::ALL {
            assert_eq!(verdict.as_str().parse(), Ok(verdict));
        }
        for transport in Transport::ALL {
            assert_eq!(transport.as_str().parse(), Ok(transport));
        }
        Phase::TIMED.into_iter().for_each(reads_back);
        reads_back(Phase::Target);
        Cause::ALL.into_iter().for_each(reads_back);
        HttpWarning::ALL.into_iter().for_each(reads_back);
        Status::WORDS.into_iter().for_each(reads_back);
        for code in 0..=u16::MAX {
            reads_back(Rcode(code));
            reads_back(Status::Rcode(Rcode(code)));
            reads_back(Status::Http(code));
        }
        (1..=4095).map(Errno).for_each(reads_back);
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, error) in [
            (
                "Answered".parse::<Verdict>().map(drop),
                "unknown verdict \"Answered\"",
            ),
            (
                "RCODE3".parse::<Status>().map(drop),
                "unknown status \"RCODE3\"",
            ),
            (
                "0200".parse::<Status>().map(drop),
                "unknown status \"0200\"",
            ),
            (
                "70000".parse::<Status>().map(drop),
                "unknown status \"70000\"",
            ),
            (
                "E4096".parse::<Errno>().map(drop),
                "unknown errno \"E4096\"",
            ),
            ("E111".parse::<Errno>().map(drop), "unknown errno \"E111\""),
            ("".parse::<Cause>().map(drop), "unknown cause \"\""),
        ] {
            assert_eq!(text.unwrap_err().to_string(), error);
        }
        let long = "x".repeat(1000).parse::<Phase>().unwrap_err();
        assert!(long.to_string().len() < 80);
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_as_it_was(text in "[A-Z]{1,12}[0-9]{0,5}|[0-9]{1,6}|.{0,10}") {
            if let Ok(status) = text.parse::<Status>() {
                prop_assert_eq!(status.to_string(), text);
            }
        }
    }
}
