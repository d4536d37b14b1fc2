//! The colours of text for a terminal.

use canvass_model::{Rcode, Status, Verdict};

use crate::write::push_visible;

/// Resets all emphasis.
pub(crate) const PLAIN: &str = "\x1b[0m";
pub(crate) const GREEN: &str = "\x1b[32m";
pub(crate) const YELLOW: &str = "\x1b[33m";
pub(crate) const RED: &str = "\x1b[31m";
const CYAN: &str = "\x1b[36m";
const BOLD: &str = "\x1b[1m";
const BOLD_GREEN: &str = "\x1b[1;32m";

/// How good a status is, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StatusClass {
    /// An answer, with HTTP 1xx or 2xx.
    Good,
    /// HTTP 3xx.
    Redirection,
    /// A negative outcome, or HTTP 4xx.
    Negative,
    /// A failure, or HTTP 5xx.
    Failed,
}

impl StatusClass {
    /// The class of an outcome: that of its verdict or of its status code, whichever is worse.
    pub(crate) fn of(verdict: Verdict, status: Status) -> Self {
        let of_verdict = Self::of_verdict(verdict);
        match status {
            Status::Http(_) => of_verdict.max(Self::of_status(status)),
            _ => of_verdict,
        }
    }

    /// The class of the outcomes with this verdict.
    pub(crate) fn of_verdict(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Answered => Self::Good,
            Verdict::Negative => Self::Negative,
            Verdict::Failed => Self::Failed,
        }
    }

    /// The class of a status by itself, as most outcomes with it have it.
    pub(crate) fn of_status(status: Status) -> Self {
        match status {
            Status::Rcode(Rcode::NOERROR) | Status::Open | Status::Matched => Self::Good,
            Status::Http(300..=399) => Self::Redirection,
            Status::Http(400..=499) => Self::Negative,
            Status::Http(500..) => Self::Failed,
            Status::Http(_) => Self::Good,
            Status::Rcode(Rcode::NXDOMAIN) | Status::Unmatched => Self::Negative,
            _ => Self::Failed,
        }
    }

    /// The escape sequence of its colour.
    pub(crate) const fn colour(self) -> &'static str {
        match self {
            Self::Good => GREEN,
            Self::Redirection => CYAN,
            Self::Negative => YELLOW,
            Self::Failed => RED,
        }
    }
}

/// Whether text is emphasised with escape sequences (ECMA-48 §8.3.117).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Theme(pub(crate) bool);

impl Theme {
    /// The name of a side of a comparison.
    pub(crate) fn name(self, text: &str) -> String {
        self.with(BOLD, text)
    }

    /// An important figure.
    pub(crate) fn figure(self, text: &str) -> String {
        self.with(BOLD_GREEN, text)
    }

    /// The label of a warning.
    pub(crate) fn warning(self, text: &str) -> String {
        self.with(YELLOW, text)
    }

    /// A status, or the word for a verdict.
    pub(crate) fn status(self, class: StatusClass, text: &str) -> String {
        self.with(class.colour(), text)
    }

    /// `text` in a colour.
    pub(crate) fn with(self, colour: &str, text: &str) -> String {
        if self.0 {
            format!("{colour}{text}{PLAIN}")
        } else {
            text.to_owned()
        }
    }
}

/// `text` with escapes for characters that could break a line or control a terminal.
pub(crate) fn visible(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    push_visible(&mut out, text);
    String::from_utf8(out).expect("escapes and what was a str are UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_of_verdict_and_code_decides() {
        for (verdict, status, class) in [
            (Verdict::Answered, Status::Http(204), StatusClass::Good),
            (
                Verdict::Answered,
                Status::Http(301),
                StatusClass::Redirection,
            ),
            (Verdict::Answered, Status::Http(404), StatusClass::Negative),
            (Verdict::Answered, Status::Http(503), StatusClass::Failed),
            (Verdict::Negative, Status::Http(200), StatusClass::Negative),
            (Verdict::Negative, Status::Http(503), StatusClass::Failed),
            (
                Verdict::Negative,
                Status::Rcode(Rcode::NOERROR),
                StatusClass::Negative,
            ),
            (
                Verdict::Answered,
                Status::Rcode(Rcode::NXDOMAIN),
                StatusClass::Good,
            ),
            (Verdict::Failed, Status::Timeout, StatusClass::Failed),
        ] {
            assert_eq!(StatusClass::of(verdict, status), class, "{status}");
        }
    }
}
