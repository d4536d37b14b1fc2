//! Judges outcomes by the assertions of their targets, before they are recorded.

use canvass_model::{Outcome, Time, Verdict};
use canvass_run::{SoaTimes, contradict, soa};

use super::Watch;
use crate::TargetId;

impl Watch {
    /// Judges the outcome of a round. One that is not as expected is negative.
    pub fn judge(&mut self, now: Time, outcome: &mut Outcome) {
        if let Some(id) = self.probes.get(&outcome.job.seq) {
            self.judge_of(*id, now, outcome);
        }
    }

    /// Judges a second opinion in the same way.
    pub fn judge_opinion(&mut self, now: Time, outcome: &mut Outcome) {
        if let Some(id) = self.opinions.get(&outcome.job.seq) {
            self.judge_of(*id, now, outcome);
        }
    }

    fn judge_of(&mut self, id: TargetId, now: Time, outcome: &mut Outcome) {
        let Some(watched) = self.get(id) else { return };
        let Some(assertions) = watched.target.assertions.clone() else {
            return;
        };
        assertions.outcome.apply(outcome);
        let Some(primary) = &assertions.primary else {
            return;
        };
        if outcome.verdict != Verdict::Answered {
            return;
        }
        let of_primary = self.soa_of(&primary.key);
        if let (Some(of_primary), Some(own)) = (of_primary, soa(outcome))
            && let Some(watched) = self.targets[id.0 as usize].as_mut()
            && let Some(unmet) = watched.serial_lag.look(now, own, of_primary, primary)
        {
            contradict(outcome, unmet);
        }
    }

    /// The start of authority that a target answered last.
    fn soa_of(&self, key: &str) -> Option<SoaTimes> {
        self.get(*self.by_key.get(key)?)?.soa
    }
}
