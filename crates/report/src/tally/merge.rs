//! Adds counts to counts.

use std::collections::BTreeMap;

use super::{Confirmations, EndingCertificates, Tally};

impl Tally {
    /// Adds what was counted elsewhere. The sum is as if all outcomes had been counted here.
    pub fn merge(&mut self, other: &Self) {
        let Self {
            verdicts,
            of_hosts,
            unexpected,
            unmet,
            no_data,
            rcodes,
            other_rcodes,
            http_codes,
            http_classes,
            other_statuses,
            faults,
            attempts,
            attempts_max,
            answered_after_retry,
            stalled,
            rechecked,
            late_starts,
            late_start_max,
            confirmations,
            ending,
        } = other;
        add_each(&mut self.verdicts, verdicts);
        self.of_hosts += of_hosts;
        self.unexpected += unexpected;
        self.unmet.merge(unmet);
        self.no_data += no_data;
        add_each(&mut self.rcodes, rcodes);
        add_keyed(&mut self.other_rcodes, other_rcodes);
        add_keyed(&mut self.http_codes, http_codes);
        for (classes, added) in self.http_classes.iter_mut().zip(http_classes) {
            add_each(classes, added);
        }
        add_each(&mut self.other_statuses, other_statuses);
        add_keyed(&mut self.faults, faults);
        self.attempts += attempts;
        self.attempts_max = self.attempts_max.max(*attempts_max);
        self.answered_after_retry += answered_after_retry;
        self.stalled += stalled;
        self.rechecked += rechecked;
        self.late_starts += late_starts;
        self.late_start_max = self.late_start_max.max(*late_start_max);
        self.confirmations.merge(confirmations);
        self.ending.merge(ending);
    }
}

impl Confirmations {
    fn merge(&mut self, other: &Self) {
        self.confirmed += other.confirmed;
        self.unconfirmed += other.unconfirmed;
        self.unknown += other.unknown;
    }
}

impl EndingCertificates {
    fn merge(&mut self, other: &Self) {
        self.targets += other.targets;
        if let Some((target, days_left)) = &other.first
            && self
                .first
                .as_ref()
                .is_none_or(|(_, least)| days_left < least)
        {
            self.first = Some((target.clone(), *days_left));
        }
    }
}

fn add_each(counts: &mut [u64], added: &[u64]) {
    for (count, added) in counts.iter_mut().zip(added) {
        *count += added;
    }
}

fn add_keyed<K: Ord + Copy>(counts: &mut BTreeMap<K, u64>, added: &BTreeMap<K, u64>) {
    for (key, added) in added {
        *counts.entry(*key).or_default() += added;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{LatencyRecorder, Measure, fixture};

    proptest! {
        #[test]
        fn counts_of_parts_add_up_to_those_of_the_whole(
            outcomes in prop::collection::vec(fixture::any_outcome(), 0..40),
            cuts in prop::collection::vec(0..40_usize, 0..4),
        ) {
            let (mut tally, mut latency) = (Tally::default(), LatencyRecorder::new());
            for outcome in &outcomes {
                tally.record(outcome);
                latency.record(outcome);
            }
            let (mut tally_sum, mut latency_sum) = (Tally::default(), LatencyRecorder::new());
            let mut rest = &outcomes[..];
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (part, later) = rest.split_at(cut.min(rest.len()));
                rest = later;
                let (mut tally, mut latency) = (Tally::default(), LatencyRecorder::new());
                for outcome in part {
                    tally.record(outcome);
                    latency.record(outcome);
                }
                tally_sum.merge(&tally);
                latency_sum.merge(&latency);
            }
            prop_assert_eq!(tally_sum, tally);
            prop_assert_eq!(latency_sum.is_scheduled(), latency.is_scheduled());
            for measure in Measure::ALL {
                prop_assert_eq!(latency_sum.distribution(measure), latency.distribution(measure));
            }
        }
    }
}
