//! Classes of outcomes, which have a colour each: verdicts, and the classes of HTTP status codes.

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
    /// Negative.
    Negative,
    /// Failed.
    Failed,
}

impl Class {
    /// All classes, in the order of a bar from its start, and of a stack from its bottom.
    pub(super) const ALL: [Self; 8] = [
        Self::Answered,
        Self::Http(0),
        Self::Http(1),
        Self::Http(2),
        Self::Http(3),
        Self::Http(4),
        Self::Negative,
        Self::Failed,
    ];

    /// The class that a status usually has.
    pub(super) fn of_status(status: Status) -> Self {
        match status {
            Status::Http(code) => http_class(code).map_or(Self::Answered, Self::Http),
            Status::Rcode(Rcode::NOERROR) | Status::Open | Status::Matched => Self::Answered,
            Status::Rcode(Rcode::NXDOMAIN) | Status::Unmatched => Self::Negative,
            _ => Self::Failed,
        }
    }

    /// The name of the class.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Http(class) => ["1xx", "2xx", "3xx", "4xx", "5xx"][class],
            Self::Negative => "negative",
            Self::Failed => "failed",
        }
    }

    /// The class in `page.css` that sets the colour.
    pub(super) fn css(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Http(class) => ["http1", "http2", "http3", "http4", "http5"][class],
            Self::Negative => "negative",
            Self::Failed => "failed",
        }
    }

    /// Whether it is a part of the answered outcomes.
    pub(super) fn is_answered(self) -> bool {
        matches!(self, Self::Answered | Self::Http(_))
    }

    /// The outcomes of this class in a run.
    pub(super) fn of_tally(self, tally: &Tally) -> u64 {
        let by_http = tally.answered_by_http_class();
        self.pick(Verdict::ALL.map(|verdict| tally.verdict(verdict)), by_http)
    }

    /// The outcomes of this class in a bin.
    pub(super) fn of_bin(self, bin: &Bin) -> u64 {
        let verdicts = [bin.answered, bin.negative, bin.failed];
        self.pick(verdicts, bin.answered_http)
    }

    fn pick(self, [answered, negative, failed]: [u64; 3], by_http: [u64; 5]) -> u64 {
        match self {
            Self::Answered => answered.saturating_sub(by_http.iter().sum()),
            Self::Http(class) => by_http[class],
            Self::Negative => negative,
            Self::Failed => failed,
        }
    }
}

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
        assert_eq!(counts, [1, 0, 1, 1, 0, 0, 1, 1]);
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
            assert_eq!(Class::of_status(status), class, "{status}");
        }
    }
}
