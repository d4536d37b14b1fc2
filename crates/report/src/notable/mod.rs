//! The targets of a run that its page names: those that failed or were negative, the slowest of those
//! that answered, and those whose certificate ends soon.
//!
//! The memory is bounded whatever the list is: at most [`GROUPS_MAX`] + 1 reasons for each of the two
//! verdicts with [`TARGETS_MAX`] targets each, [`SLOWEST_MAX`] slow targets and [`CERTIFICATES_MAX`]
//! certificates, and no text is longer than [`TEXT_CHARS_MAX`]. An outcome that is not kept costs a
//! few comparisons.

mod certificates;
mod groups;
mod slowest;

use std::num::NonZeroU64;
use std::time::Duration;

use canvass_model::{Answer, Outcome, ProbeSpec, RecordType, Status, Verdict};
use serde::{Deserialize, Serialize};

use crate::write::target_name;
use crate::{Part, Sink, SinkError};

pub(crate) use certificates::{CERTIFICATE_DAYS_MAX, CertificateEnds};
pub(crate) use groups::{Group, Groups, Reason};
pub(crate) use slowest::SlowTarget;

use slowest::Slowest;

/// The maximum number of reasons for each verdict. Further ones are one group.
const GROUPS_MAX: usize = 16;
/// The maximum number of targets of a group.
const TARGETS_MAX: usize = 50;
/// The maximum number of slow targets.
const SLOWEST_MAX: usize = 10;
/// The maximum number of certificates.
const CERTIFICATES_MAX: usize = 50;
/// The maximum number of characters of a target, a message or an expectation.
const TEXT_CHARS_MAX: usize = 400;

/// The targets of a run that its page names. Its size does not grow with the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotableTargets {
    failed: Groups,
    negative: Groups,
    slowest: Slowest,
    certificates: CertificateEnds,
}

/// A target and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NamedTarget {
    /// The text of the target.
    pub(crate) target: Box<str>,
    /// The type of the records that were asked for, of `dns`.
    pub(crate) record_type: Option<RecordType>,
    /// Its line in the list, from 1.
    pub(crate) line: Option<NonZeroU64>,
    /// The status of its outcome.
    pub(crate) status: Status,
    /// Why it failed, or what was seen instead of what was expected; may be empty.
    pub(crate) detail: Box<str>,
    /// The number of queries or connections.
    pub(crate) attempts: u32,
    /// The service time; `None` if nothing was sent.
    pub(crate) took: Option<Duration>,
    /// Whether this process was held up during it.
    pub(crate) stalled: bool,
    /// How many requests of the target ended for the same reason. Over 1 only if it is requested
    /// repeatedly.
    pub(crate) requests: u64,
    seq: u64,
}

impl NotableTargets {
    /// Takes note of an outcome.
    pub fn record(&mut self, outcome: &Outcome) {
        match outcome.verdict {
            Verdict::Failed => self.failed.record(outcome),
            Verdict::Negative => {
                self.negative.record(outcome);
                self.slowest.record(outcome);
            }
            Verdict::Answered => self.slowest.record(outcome),
        }
        self.certificates.record(outcome);
    }

    /// Adds those of other targets.
    fn merge(&mut self, other: &Self) {
        self.failed.merge(&other.failed);
        self.negative.merge(&other.negative);
        self.slowest.merge(&other.slowest);
        self.certificates.merge(&other.certificates);
    }

    /// The targets that failed.
    pub(crate) fn failed(&self) -> &Groups {
        &self.failed
    }

    /// The targets that were negative.
    pub(crate) fn negative(&self) -> &Groups {
        &self.negative
    }

    /// The slowest of the targets that did not fail, the slowest first.
    pub(crate) fn slowest(&self) -> &[SlowTarget] {
        self.slowest.targets()
    }

    /// The certificates that end soon.
    pub(crate) fn certificates(&self) -> &CertificateEnds {
        &self.certificates
    }
}

impl Sink for NotableTargets {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        outcomes.iter().for_each(|outcome| self.record(outcome));
        Ok(())
    }

    fn merge(&mut self, part: &Part) -> Result<(), SinkError> {
        self.merge(&part.counts.notable);
        Ok(())
    }
}

impl NamedTarget {
    fn of(outcome: &Outcome) -> Self {
        let fault = outcome.fault.as_ref().map(|fault| &*fault.message);
        let unmet = outcome.answer.unmet().map(|unmet| &*unmet.seen);
        Self {
            target: cut(&target_name(&outcome.job.target)).into(),
            record_type: match outcome.job.spec {
                ProbeSpec::Dns { record_type } => Some(record_type),
                _ => None,
            },
            line: outcome.job.line,
            status: outcome.status,
            detail: cut(fault.or(unmet).unwrap_or_default()).into(),
            attempts: outcome.attempts,
            took: outcome.latency(),
            stalled: outcome.stalled,
            requests: 1,
            seq: outcome.job.seq,
        }
    }
}

/// The number of the request, from 1, if the target is requested repeatedly.
fn request_number(outcome: &Outcome) -> Option<u32> {
    match &outcome.answer {
        Answer::Http(answer) => answer.repeat,
        _ => None,
    }
}

/// As much of `text` as is kept.
fn cut(text: &str) -> &str {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        None => text,
        Some((end, _)) => &text[..end],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture;

    #[test]
    fn an_outcome_is_named_where_it_belongs() {
        let mut notable = NotableTargets::default();
        for outcome in [
            fixture::http_answered(),
            fixture::http_unexpected(),
            fixture::http_expired(),
            fixture::tcp_refused(),
            fixture::ptr_negative(),
        ] {
            notable.record(&outcome);
        }
        assert_eq!(notable.failed().outcomes(), 2);
        assert_eq!(notable.negative().outcomes(), 2);
        let slowest = notable.slowest().iter();
        let slowest: Vec<&str> = slowest.map(|slow| &*slow.named.target).collect();
        let fast = "http://127.0.0.1:8080/";
        assert_eq!(slowest, ["2001:db8::7", fast, fast]);
        assert_eq!(notable.certificates().targets(), 1);
    }

    proptest! {
        #[test]
        fn those_of_parts_make_up_those_of_the_whole(
            outcomes in prop::collection::vec(fixture::any_outcome(), 0..40),
            cut in 0..40_usize,
        ) {
            let of = |outcomes: &[Outcome]| {
                let mut notable = NotableTargets::default();
                outcomes.iter().for_each(|outcome| notable.record(outcome));
                let octets = postcard::to_stdvec(&notable).unwrap();
                postcard::from_bytes::<NotableTargets>(&octets).unwrap()
            };
            let (first, second) = outcomes.split_at(cut.min(outcomes.len()));
            let (mut sum, whole) = (of(first), of(&outcomes));
            sum.merge(&of(second));
            prop_assert_eq!(sum.failed().outcomes(), whole.failed().outcomes());
            prop_assert_eq!(sum.negative().outcomes(), whole.negative().outcomes());
            prop_assert_eq!(sum.certificates().targets(), whole.certificates().targets());
            let slowest = |one: &NotableTargets| -> Vec<Duration> {
                one.slowest().iter().map(|slow| slow.took).collect()
            };
            prop_assert_eq!(slowest(&sum), slowest(&whole));
        }
    }

    #[test]
    fn a_target_has_what_a_person_needs_to_find_it() {
        let named = NamedTarget::of(&fixture::http_expired());
        assert_eq!(&*named.target, "https://expired.example.net/");
        assert_eq!(named.line.map(NonZeroU64::get), Some(3));
        assert_eq!(
            &*named.detail,
            "the certificate of 192.0.2.1:443 expired 3 days ago"
        );
        assert_eq!(named.took, Some(Duration::from_millis(6)));
        let unmet = NamedTarget::of(&fixture::http_unexpected());
        assert_eq!(&*unmet.detail, "503");
    }

    #[test]
    fn long_texts_are_cut() {
        let mut outcome = fixture::http_expired();
        if let Some(fault) = &mut outcome.fault {
            fault.message = "é".repeat(10_000).into();
        }
        let named = NamedTarget::of(&outcome);
        assert_eq!(named.detail.chars().count(), TEXT_CHARS_MAX);
    }
}
