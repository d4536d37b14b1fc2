//! Counts over a whole run.

use std::collections::BTreeMap;

use canvass_model::{Answer, Cause, Outcome, ProbeSpec, Rcode, Status, Verdict};

/// How many outcomes there were of each kind. Its size does not grow with the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    verdicts: [u64; 3],
    no_data: u64,
    rcodes: [u64; COMMON_RCODES],
    other_rcodes: BTreeMap<u16, u64>,
    other_statuses: [u64; OTHER_STATUSES.len()],
    causes: [u64; CAUSES.len()],
    attempts: u64,
    attempts_max: u32,
    answered_after_retry: u64,
    stalled: u64,
    confirmations: Confirmations,
}

/// What forward confirmation gave, for the `ptr` probes it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confirmations {
    /// A name leads back to the address.
    pub confirmed: u64,
    /// No name leads back.
    pub unconfirmed: u64,
    /// It could not be told, or there was no name to look up.
    pub unknown: u64,
}

/// Response codes with a place of their own; every code a server commonly gives is below it.
const COMMON_RCODES: usize = 24;
const OTHER_STATUSES: [Status; 8] = [
    Status::Timeout,
    Status::ConnRefused,
    Status::Reset,
    Status::Unreachable,
    Status::Truncated,
    Status::Malformed,
    Status::Invalid,
    Status::Local,
];
const CAUSES: [Cause; 11] = [
    Cause::Invalid,
    Cause::Timeout,
    Cause::Refused,
    Cause::Reset,
    Cause::Unreachable,
    Cause::Truncated,
    Cause::Malformed,
    Cause::Rcode,
    Cause::Descriptors,
    Cause::System,
    Cause::Interrupted,
];

impl Tally {
    /// Counts one outcome.
    pub fn record(&mut self, outcome: &Outcome) {
        self.verdicts[verdict_index(outcome.verdict)] += 1;
        match outcome.status {
            Status::Rcode(Rcode(code)) => match self.rcodes.get_mut(usize::from(code)) {
                Some(count) => *count += 1,
                None => *self.other_rcodes.entry(code).or_default() += 1,
            },
            other => self.other_statuses[status_index(other)] += 1,
        }
        if outcome.verdict == Verdict::Negative && outcome.status == Status::Rcode(Rcode::NOERROR) {
            self.no_data += 1;
        }
        if let Some(fault) = &outcome.fault {
            self.causes[cause_index(fault.cause)] += 1;
        }
        self.attempts += u64::from(outcome.attempts);
        self.attempts_max = self.attempts_max.max(outcome.attempts);
        self.stalled += u64::from(outcome.stalled);
        let forward_confirm = matches!(
            outcome.job.spec,
            ProbeSpec::Ptr {
                forward_confirm: true
            }
        );
        if forward_confirm {
            self.confirmations.record(&outcome.answer);
        } else if outcome.attempts > 1 && outcome.verdict != Verdict::Failed {
            self.answered_after_retry += 1;
        }
    }

    /// Counts many outcomes.
    pub fn record_all(&mut self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            self.record(outcome);
        }
    }

    /// Outcomes of all kinds.
    pub fn total(&self) -> u64 {
        self.verdicts.iter().sum()
    }

    /// Outcomes with this verdict.
    pub fn verdict(&self, verdict: Verdict) -> u64 {
        self.verdicts[verdict_index(verdict)]
    }

    /// Negatives whose status is NOERROR: the name exists and has nothing of the type.
    pub fn no_data(&self) -> u64 {
        self.no_data
    }

    /// The statuses that occurred with their counts, the commonest first.
    pub fn statuses(&self) -> Vec<(Status, u64)> {
        let common = (0..)
            .map(|code| Status::Rcode(Rcode(code)))
            .zip(self.rcodes);
        let rare = self
            .other_rcodes
            .iter()
            .map(|(&code, &count)| (Status::Rcode(Rcode(code)), count));
        let others = OTHER_STATUSES.into_iter().zip(self.other_statuses);
        commonest_first(common.chain(rare).chain(others))
    }

    /// The causes of failures that occurred with their counts, the commonest first.
    pub fn causes(&self) -> Vec<(Cause, u64)> {
        commonest_first(CAUSES.into_iter().zip(self.causes))
    }

    /// Failures with this cause.
    pub fn cause(&self, cause: Cause) -> u64 {
        self.causes[cause_index(cause)]
    }

    /// Queries sent for all outcomes.
    pub fn attempts(&self) -> u64 {
        self.attempts
    }

    /// The most queries sent for one outcome.
    pub fn attempts_max(&self) -> u32 {
        self.attempts_max
    }

    /// Outcomes that are no failure and took more than one query; a change to TCP after a
    /// truncated answer counts. Outcomes with forward confirmation do not: they send more than
    /// one query by their nature.
    pub fn answered_after_retry(&self) -> u64 {
        self.answered_after_retry
    }

    /// Outcomes that a hold-up of this process touched.
    pub fn stalled(&self) -> u64 {
        self.stalled
    }

    /// What forward confirmation gave; all zero where it was not asked for.
    pub fn confirmations(&self) -> Confirmations {
        self.confirmations
    }
}

impl Confirmations {
    fn record(&mut self, answer: &Answer) {
        let confirmed = match answer {
            Answer::Ptr(answer) => answer
                .confirmation
                .as_ref()
                .and_then(|confirmation| confirmation.confirmed),
            Answer::Dns(_) => None,
        };
        match confirmed {
            Some(true) => self.confirmed += 1,
            Some(false) => self.unconfirmed += 1,
            None => self.unknown += 1,
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.confirmed + self.unconfirmed + self.unknown
    }
}

fn commonest_first<T>(counts: impl Iterator<Item = (T, u64)>) -> Vec<(T, u64)> {
    let mut counts: Vec<_> = counts.filter(|&(_, count)| count > 0).collect();
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    counts
}

fn verdict_index(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Answered => 0,
        Verdict::Negative => 1,
        Verdict::Failed => 2,
    }
}

/// The place of a status that is no response code; a match, so that a new status is noticed.
fn status_index(status: Status) -> usize {
    match status {
        Status::Timeout => 0,
        Status::ConnRefused => 1,
        Status::Reset => 2,
        Status::Unreachable => 3,
        Status::Truncated => 4,
        Status::Malformed => 5,
        Status::Invalid => 6,
        Status::Local => 7,
        Status::Rcode(_) => unreachable!("response codes are counted by number"),
    }
}

fn cause_index(cause: Cause) -> usize {
    match cause {
        Cause::Invalid => 0,
        Cause::Timeout => 1,
        Cause::Refused => 2,
        Cause::Reset => 3,
        Cause::Unreachable => 4,
        Cause::Truncated => 5,
        Cause::Malformed => 6,
        Cause::Rcode => 7,
        Cause::Descriptors => 8,
        Cause::System => 9,
        Cause::Interrupted => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use proptest::prelude::*;

    #[test]
    fn places_and_lists_agree() {
        for (index, status) in OTHER_STATUSES.into_iter().enumerate() {
            assert_eq!(status_index(status), index);
        }
        for (index, cause) in CAUSES.into_iter().enumerate() {
            assert_eq!(cause_index(cause), index);
        }
    }

    #[test]
    fn each_kind_is_counted_where_it_belongs() {
        let mut tally = Tally::default();
        let mut no_data = fixture::ptr_negative();
        no_data.status = Status::Rcode(Rcode::NOERROR);
        let mut odd = fixture::ptr_timeout();
        odd.status = Status::Rcode(Rcode(3841));
        tally.record_all(&[
            fixture::ptr_answered(),
            fixture::ptr_answered(),
            fixture::ptr_negative(),
            no_data,
            odd,
            fixture::ptr_timeout(),
            fixture::local_failure(),
            fixture::ptr_confirmed(Some(true)),
            fixture::ptr_confirmed(Some(false)),
            fixture::ptr_confirmed(None),
        ]);
        assert_eq!(tally.total(), 10);
        assert_eq!(tally.verdict(Verdict::Answered), 5);
        assert_eq!(tally.verdict(Verdict::Negative), 2);
        assert_eq!(tally.verdict(Verdict::Failed), 3);
        assert_eq!(tally.no_data(), 1);
        let statuses = tally.statuses();
        assert_eq!(statuses[0], (Status::Rcode(Rcode::NOERROR), 6));
        assert!(statuses.contains(&(Status::Rcode(Rcode(3841)), 1)));
        assert!(statuses.contains(&(Status::Timeout, 1)));
        assert_eq!(
            tally.causes(),
            [(Cause::Timeout, 2), (Cause::Descriptors, 1)]
        );
        assert_eq!(tally.cause(Cause::Timeout), 2);
        assert_eq!((tally.attempts(), tally.attempts_max()), (25, 8));
        assert_eq!(tally.answered_after_retry(), 2);
        assert_eq!(tally.stalled(), 2);
        assert_eq!(
            tally.confirmations(),
            Confirmations {
                confirmed: 1,
                unconfirmed: 1,
                unknown: 1
            }
        );
    }

    proptest! {
        #[test]
        fn every_outcome_is_counted_once(outcomes in prop::collection::vec(fixture::any_outcome(), 0..20)) {
            let mut tally = Tally::default();
            tally.record_all(&outcomes);
            prop_assert_eq!(tally.total(), outcomes.len() as u64);
            let statuses: u64 = tally.statuses().iter().map(|&(_, count)| count).sum();
            prop_assert_eq!(statuses, outcomes.len() as u64);
            let causes: u64 = tally.causes().iter().map(|&(_, count)| count).sum();
            let faults = outcomes.iter().filter(|outcome| outcome.fault.is_some()).count();
            prop_assert_eq!(causes, faults as u64);
        }
    }
}
