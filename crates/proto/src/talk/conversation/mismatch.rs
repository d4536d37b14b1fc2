//! How what came differs from what a script waits for.

use std::fmt;

use canvass_model::Unmet;

use super::{Talk, Unread};
use crate::talk::script::Action;

/// The most characters of a quote.
const QUOTED_CHARS_MAX: usize = 200;
/// The most octets skipped by `expect_bytes` that are kept to be quoted.
pub(super) const PASSED_BYTES_MAX: usize = 256;

/// How what came differs from what a script waits for. Its text is a message for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What the script waited for, as in `a line that matches /^220/`.
    pub expected: Box<str>,
    /// What came instead. `None` if it is too much to be quoted, or if several hosts replied.
    pub seen: Option<Quote>,
    pub(super) end: End,
}

/// What ended the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// What came excludes a match.
    Refused,
    /// The peer closed its side after so many octets.
    Closed { came: usize },
    /// The time is over after so many octets.
    TimedOut { came: usize },
    /// None of several replies matches.
    NoReply,
}

/// What a peer sent, for people: the password is masked, and it may be shortened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The text, with control characters as they came.
    pub text: Box<str>,
    /// Whether more came than the text shows.
    pub is_shortened: bool,
}

impl Mismatch {
    /// The expectation that does not hold.
    pub(crate) fn unmet(&self) -> Unmet {
        let seen = match (&self.seen, self.end) {
            (Some(seen), _) => seen.to_string(),
            (None, End::Closed { came: 0 } | End::TimedOut { came: 0 } | End::NoReply) => {
                "nothing".into()
            }
            (None, End::Closed { came } | End::TimedOut { came }) => format!("{came} octets"),
            (None, End::Refused) => "something else".into(),
        };
        Unmet {
            expected: self.expected.clone(),
            seen: seen.into(),
        }
    }

    /// None of several replies to a datagram matches.
    pub(crate) fn of_replies() -> Self {
        Self {
            expected: "a reply that matches the script".into(),
            seen: None,
            end: End::NoReply,
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = &self.expected;
        let came = match self.end {
            End::NoReply => return f.write_str("no reply is what the script expects"),
            End::Refused => {
                write!(f, "waiting for {expected}, the peer said ")?;
                return match &self.seen {
                    Some(seen) => seen.fmt(f),
                    None => f.write_str("something else"),
                };
            }
            End::Closed { came } => {
                write!(f, "the peer closed its side before {expected} came")?;
                came
            }
            End::TimedOut { came } => {
                write!(f, "nothing that came is {expected}")?;
                came
            }
        };
        f.write_str(&instead(self.seen.as_ref(), came))
    }
}

impl fmt::Display for Quote {
    /// In quotation marks, with control characters escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.is_shortened { "..." } else { "" };
        let text = self.text.escape_debug().to_string().replace("\\'", "'");
        write!(f, "\"{text}\"{more}")
    }
}

/// What was received instead, if anything.
fn instead(seen: Option<&Quote>, came: usize) -> String {
    match (seen, came) {
        (Some(seen), _) => format!("; the last it said was {seen}"),
        (None, 0) => String::new(),
        (None, came) => format!("; {came} octets came"),
    }
}

impl Talk {
    /// The mismatch if the time is over, and something was received that the present step does not
    /// match. This tells a peer that sent something else (UNMATCHED) from a silent one (TIMEOUT).
    pub fn mismatch(&self) -> Option<Mismatch> {
        self.received_other().then(|| {
            let came = self.state.taken;
            self.mismatch_by(End::TimedOut { came })
        })
    }

    /// What it waits for, as in `a line that matches /^220/`, and what was received instead, if
    /// anything. The password is masked.
    pub fn waiting_for(&self) -> String {
        self.wanted() + &instead(self.seen().as_ref(), self.state.taken)
    }

    /// The mismatch of the present step.
    pub(super) fn mismatch_by(&self, end: End) -> Mismatch {
        Mismatch {
            expected: self.wanted().into(),
            seen: self.seen(),
            end,
        }
    }

    /// The mismatch of the present step with octets that exclude a match.
    pub(super) fn refused(&self, octets: &[u8]) -> Mismatch {
        Mismatch {
            seen: Some(self.quote(octets, false)),
            ..self.mismatch_by(End::Refused)
        }
    }

    /// The last that was received and the present step does not match: what lies there without an
    /// end, or else what it skipped.
    pub(super) fn seen(&self) -> Option<Quote> {
        let step = self.script.steps.get(self.index)?;
        let stream = match &self.unread {
            Unread::Stream(stream) if self.end.is_none() => stream,
            _ => return self.state.other.clone(),
        };
        let rest = stream.rest();
        match &step.action {
            Action::Expect(_) | Action::ExpectLine(_) if !rest.is_empty() => {
                Some(self.quote(rest, true))
            }
            Action::Read(_) if self.state.is_oversize => Some(self.quote(rest, true)),
            // If what was skipped were shown from some place in it, it might show part of the
            // password.
            Action::ExpectBytes(_) if self.state.taken <= PASSED_BYTES_MAX => {
                let octets = [&self.state.passed[..], rest].concat();
                (!octets.is_empty()).then(|| self.quote(&octets, true))
            }
            Action::ExpectBytes(_) => None,
            _ => self.state.other.clone(),
        }
    }

    /// Whether something was received that the present step does not match.
    fn received_other(&self) -> bool {
        if self.end.is_some() {
            return false;
        }
        let waits_for_words = match self.script.steps.get(self.index).map(|step| &step.action) {
            Some(Action::Expect(_) | Action::ExpectLine(_) | Action::ExpectBytes(_)) => true,
            Some(Action::Read(_)) => self.state.is_oversize,
            _ => return false,
        };
        let lies_there = match &self.unread {
            Unread::Stream(stream) => !stream.rest().is_empty(),
            Unread::Datagrams(_) => false,
        };
        self.state.other.is_some() || (waits_for_words && (self.state.taken > 0 || lies_there))
    }

    /// Quotes what the peer sent. If more of it may come (`is_cut`), its end may be the beginning of
    /// the password, and is masked too.
    pub(super) fn quote(&self, octets: &[u8], is_cut: bool) -> Quote {
        let text = self.text(octets, is_cut);
        let end = text.char_indices().nth(QUOTED_CHARS_MAX);
        Quote {
            is_shortened: end.is_some(),
            text: text[..end.map_or(text.len(), |(at, _)| at)].into(),
        }
    }

    /// Octets as text, with the password masked.
    pub(super) fn text(&self, octets: &[u8], is_cut: bool) -> String {
        let text = String::from_utf8_lossy(octets);
        match &self.credentials {
            Some(credentials) if is_cut => credentials.mask_cut(octets),
            Some(credentials) => credentials.mask(&text).into_owned(),
            None => text.into_owned(),
        }
    }
}
