//! Targets grouped by why they failed or were negative.

use std::cmp::Reverse;

use canvass_model::{Cause, Errno, Outcome, Phase, Status};
use serde::{Deserialize, Serialize};

use super::{GROUPS_MAX, NamedTarget, TARGETS_MAX, cut, request_number};

/// Groups of targets with a reason in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Groups(Vec<Group>);

/// The targets that ended for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    /// The reason.
    pub(crate) reason: Reason,
    /// The number of their outcomes.
    pub(crate) outcomes: u64,
    /// The first of them, in the order in which they ended.
    pub(crate) targets: Vec<NamedTarget>,
}

/// Why a target failed or was negative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reason {
    /// A fault.
    Fault(Phase, Cause, Option<Errno>),
    /// An expectation that did not hold.
    Unmet(Box<str>),
    /// A negative answer.
    Status(Status),
    /// Any reason after the limit was reached.
    Other,
}

impl Groups {
    pub(super) fn record(&mut self, outcome: &Outcome) {
        let known = self.0.iter().position(|group| group.reason.is_of(outcome));
        let place = known.unwrap_or_else(|| {
            let reason = match self.0.len() {
                0..GROUPS_MAX => Reason::of(outcome),
                _ => Reason::Other,
            };
            self.0.push(Group {
                reason,
                outcomes: 0,
                targets: Vec::new(),
            });
            self.0.len() - 1
        });
        self.0[place].record(outcome);
    }

    /// Adds the groups of other targets.
    pub(super) fn merge(&mut self, other: &Self) {
        for added in &other.0 {
            let known = self.0.iter().position(|group| group.reason == added.reason);
            // The group of all other reasons is the last one.
            let place = match known {
                Some(place) => place,
                None if self.0.len() > GROUPS_MAX => GROUPS_MAX,
                None => {
                    let reason = match self.0.len() {
                        0..GROUPS_MAX if added.reason != Reason::Other => added.reason.clone(),
                        _ => Reason::Other,
                    };
                    self.0.push(Group {
                        reason,
                        outcomes: 0,
                        targets: Vec::new(),
                    });
                    self.0.len() - 1
                }
            };
            self.0[place].merge(added);
        }
    }

    /// The groups, the largest first.
    pub(crate) fn largest_first(&self) -> Vec<&Group> {
        let mut groups: Vec<&Group> = self.0.iter().collect();
        groups.sort_by_key(|group| (group.reason == Reason::Other, Reverse(group.outcomes)));
        groups
    }

    /// The number of outcomes of all groups.
    pub(crate) fn outcomes(&self) -> u64 {
        self.0.iter().map(|group| group.outcomes).sum()
    }
}

impl Group {
    fn record(&mut self, outcome: &Outcome) {
        self.outcomes += 1;
        if request_number(outcome).is_some() {
            let seq = outcome.job.seq;
            let same = self.targets.iter_mut().rev().find(|named| named.seq == seq);
            if let Some(same) = same {
                same.requests += 1;
                return;
            }
        }
        if self.targets.len() < TARGETS_MAX {
            self.targets.push(NamedTarget::of(outcome));
        }
    }

    fn merge(&mut self, other: &Self) {
        self.outcomes += other.outcomes;
        let room = TARGETS_MAX.saturating_sub(self.targets.len());
        self.targets
            .extend(other.targets.iter().take(room).cloned());
    }

    /// The number of outcomes of targets that are not among [`targets`](Self::targets).
    pub(crate) fn unnamed(&self) -> u64 {
        let named = self.targets.iter().map(|target| target.requests);
        self.outcomes - named.sum::<u64>()
    }
}

impl Reason {
    fn of(outcome: &Outcome) -> Self {
        if let Some(fault) = &outcome.fault {
            return Self::Fault(fault.phase, fault.cause, fault.errno);
        }
        match outcome.answer.unmet() {
            Some(unmet) => Self::Unmet(cut(&unmet.expected).into()),
            None => Self::Status(outcome.status),
        }
    }

    /// Whether an outcome belongs to the group of this reason. Takes no memory, unlike [`Self::of`].
    fn is_of(&self, outcome: &Outcome) -> bool {
        let fault = outcome.fault.as_ref();
        let unmet = outcome.answer.unmet();
        match self {
            Self::Fault(phase, cause, errno) => fault.is_some_and(|fault| {
                (fault.phase, fault.cause, fault.errno) == (*phase, *cause, *errno)
            }),
            Self::Unmet(expected) => {
                fault.is_none() && unmet.is_some_and(|unmet| cut(&unmet.expected) == &**expected)
            }
            Self::Status(status) => fault.is_none() && unmet.is_none() && outcome.status == *status,
            // It is the last group, so none of the others fits.
            Self::Other => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use canvass_model::{Answer, Rcode, Unmet};

    fn refused(seq: u64) -> Outcome {
        let mut outcome = fixture::tcp_refused();
        outcome.job.seq = seq;
        outcome
    }

    fn expected(text: &str) -> Outcome {
        let mut outcome = fixture::http_unexpected();
        outcome.answer.set_unmet(Unmet {
            expected: text.into(),
            seen: "503".into(),
        });
        outcome
    }

    #[test]
    fn the_first_targets_of_each_reason_are_named_and_the_rest_are_counted() {
        let mut groups = Groups::default();
        groups.record(&fixture::http_expired());
        for seq in 0..120 {
            groups.record(&refused(seq));
        }
        let largest_first = groups.largest_first();
        let [refused, expired] = largest_first[..] else {
            panic!("{groups:?}");
        };
        assert_eq!(refused.outcomes, 120);
        assert_eq!(refused.targets.len(), 50);
        assert_eq!(refused.targets[49].seq, 49);
        assert_eq!(refused.unnamed(), 70);
        assert_eq!((expired.outcomes, expired.unnamed()), (1, 0));
    }

    #[test]
    fn reasons_of_every_kind_are_apart() {
        let mut groups = Groups::default();
        let mut no_data = fixture::ptr_negative();
        no_data.status = Status::Rcode(Rcode::NOERROR);
        for _ in 0..2 {
            groups.record(&fixture::ptr_negative());
            groups.record(&no_data);
            groups.record(&expected("status 200"));
            groups.record(&expected("a body that contains \"ok\""));
        }
        let counts = groups.largest_first();
        assert_eq!(counts.len(), 4);
        assert!(counts.iter().all(|group| group.outcomes == 2));
    }

    #[test]
    fn memory_does_not_grow_with_the_number_of_reasons() {
        let mut groups = Groups::default();
        for number in 0..1_000 {
            groups.record(&expected(&format!("{number}")));
        }
        groups.record(&expected("3"));
        let counts = groups.largest_first();
        assert_eq!(counts.len(), GROUPS_MAX + 1);
        assert_eq!(counts[0].outcomes, 2);
        let other = counts[GROUPS_MAX];
        assert_eq!(other.reason, Reason::Other);
        assert_eq!(other.outcomes, 1_000 - GROUPS_MAX as u64);
        assert_eq!(other.targets.len(), TARGETS_MAX);
        assert_eq!(groups.outcomes(), 1_001);
    }

    #[test]
    fn a_target_that_is_requested_repeatedly_is_named_once() {
        let mut groups = Groups::default();
        for repeat in 1..=200 {
            let mut outcome = expected("status 200");
            if let Answer::Http(answer) = &mut outcome.answer {
                answer.repeat = Some(repeat);
            }
            outcome.job.seq = u64::from(repeat % 3);
            groups.record(&outcome);
        }
        let group = groups.largest_first()[0];
        let requests: Vec<u64> = group.targets.iter().map(|named| named.requests).collect();
        assert_eq!(requests, [67, 67, 66]);
        assert_eq!(group.unnamed(), 0);
    }
}
