//! Classes of outcomes, which have a colour each: verdicts, and the classes of HTTP status codes. A
//! negative outcome with a code has the colour of the code, and is hatched.

use canvass_model::{Rcode, Status, Verdict};

use crate::http_class::http_class;
use crate::{Bin, Tally};

/// A class of outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Answered, but not with an HTTP status code.
    Answered,
    /// Answered with an HTTP status code of the class with this index ([`http_class`]).
    Http(usize),
    /// Negative without an HTTP status code.
    Negative,
    /// Negative with an HTTP status code of the class with this index.
    NegativeHttp(usize),
    /// Failed.
    Failed,
}

impl Class {
    /// All classes, in the order of a bar from its start, and of a stack from its bottom.
    pub(super) const ALL: [Self; 13] = [
        Self::Answered,
        Self::Http(0),
        Self::Http(1),
        Self::Http(2),
        Self::Http(3),
        Self::Http(4),
        Self::Negative,
        Self::NegativeHttp(0),
        Self::NegativeHttp(1),
        Self::NegativeHttp(2),
        Self::NegativeHttp(3),
        Self::NegativeHttp(4),
        Self::Failed,
    ];

    /// The class of a status where the verdict is unknown. `of_hosts` is whether only hosts were probed,
    /// for which the response code of a resolver is a failure.
    pub(super) fn of_status(status: Status, of_hosts: bool) -> Self {
        match status {
            Status::Http(code) => http_class(code).map_or(Self::Answered, Self::Http),
            Status::Open | Status::Matched => Self::Answered,
            Status::Unmatched => Self::Negative,
            Status::Rcode(Rcode::NOERROR) if !of_hosts => Self::Answered,
            Status::Rcode(Rcode::NXDOMAIN) if !of_hosts => Self::Negative,
            _ => Self::Failed,
        }
    }

    /// The name of the class. Those of negative outcomes say so.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Http(class) => HTTP_NAMES[class],
            Self::Negative => "negative",
            Self::NegativeHttp(class) => [
                "negative 1xx",
                "negative 2xx",
                "negative 3xx",
                "negative 4xx",
                "negative 5xx",
            ][class],
            Self::Failed => "failed",
        }
    }

    /// The name of the class among those with its verdict.
    pub(super) fn short_name(self) -> &'static str {
        match self {
            Self::Answered | Self::Negative => "without a code",
            Self::Http(class) | Self::NegativeHttp(class) => HTTP_NAMES[class],
            Self::Failed => "failed",
        }
    }

    /// The classes in `page.css` that set colour and hatching.
    pub(super) fn css(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Http(class) => ["http1", "http2", "http3", "http4", "http5"][class],
            Self::Negative => "negative",
            Self::NegativeHttp(class) => [
                "unmet http1",
                "unmet http2",
                "unmet http3",
                "unmet http4",
                "unmet http5",
            ][class],
            Self::Failed => "failed",
        }
    }

    /// The verdict of its outcomes.
    pub(super) fn verdict(self) -> Verdict {
        match self {
            Self::Answered | Self::Http(_) => Verdict::Answered,
            Self::Negative | Self::NegativeHttp(_) => Verdict::Negative,
            Self::Failed => Verdict::Failed,
        }
    }

    /// Whether its outcomes have an HTTP status code.
    pub(super) fn is_http(self) -> bool {
        matches!(self, Self::Http(_) | Self::NegativeHttp(_))
    }

    /// The outcomes of this class in a run.
    pub(super) fn of_tally(self, tally: &Tally) -> u64 {
        let verdict = self.verdict();
        self.pick(tally.verdict(verdict), tally.by_http_class(verdict))
    }

    /// The outcomes of this class in a bin.
    pub(super) fn of_bin(self, bin: &Bin) -> u64 {
        match self.verdict() {
            Verdict::Answered => self.pick(bin.answered, bin.answered_http),
            Verdict::Negative => self.pick(bin.negative, bin.negative_http),
            Verdict::Failed => bin.failed,
        }
    }

    /// The outcomes of this class among `all` with its verdict.
    fn pick(self, all: u64, by_http: [u64; 5]) -> u64 {
        match self {
            Self::Http(class) | Self::NegativeHttp(class) => by_http[class],
            _ => all.saturating_sub(by_http.iter().sum()),
        }
    }
}

const HTTP_NAMES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn classes_add_up_to_all_outcomes() {
        let mut tally = Tally::default();
        let mut moved = fixture::http_answered();
        moved.status = Status::Http(301);
        tally.record_all(&[
            fixture::http_answered(),
            moved,
            fixture::http_unexpected(),
            fixture::http_expired(),
            fixture::tcp_matched(),
        ]);
        let counts = Class::ALL.map(|class| class.of_tally(&tally));
        assert_eq!(counts, [1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(counts.iter().sum::<u64>(), tally.total());
    }

    #[test]
    fn a_status_has_the_colour_of_what_it_means() {
        for (status, class) in [
            (Status::Http(204), Class::Http(1)),
            (Status::Http(503), Class::Http(4)),
            (Status::Http(999), Class::Answered),
            (Status::Matched, Class::Answered),
            (Status::Rcode(Rcode::NXDOMAIN), Class::Negative),
            (Status::Rcode(Rcode::SERVFAIL), Class::Failed),
            (Status::Timeout, Class::Failed),
        ] {
            assert_eq!(Class::of_status(status, false), class, "{status}");
        }
        let gone = Status::Rcode(Rcode::NXDOMAIN);
        assert_eq!(Class::of_status(gone, true), Class::Failed);
    }
}
