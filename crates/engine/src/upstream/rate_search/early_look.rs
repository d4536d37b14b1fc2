//! A look at an epoch before it is judged: a rate that is raised need not wait for the last answers, and
//! is left when they are missing.

use canvass_model::Time;

use super::phase::{Doubt, Phase, Verdict};
use super::share::SHARE_TOLERANCE;
use super::{EPOCH_SENT_MIN, RateSearch, STARTUP_STEP};
use crate::upstream::epoch::Epoch;

impl RateSearch {
    /// Raises the rate if an epoch, whose last answers are not due yet, already has enough of them.
    pub(in crate::upstream) fn foresee(&mut self, epoch: &Epoch) {
        let is_enough = if self.share_due.is_known() {
            !self.share_due.is_above(epoch)
        } else {
            epoch.share() >= 1.0 - SHARE_TOLERANCE
        };
        if is_enough {
            self.raise_after(epoch);
        }
    }

    /// Looks at an epoch when its answers are due for the first time. During startup, that raises
    /// the rate. A raised rate is left if datagrams are missing, until they are received or given
    /// up.
    pub(in crate::upstream) fn read(&mut self, epoch: &Epoch) {
        if !self.is_raised() || epoch.sent < EPOCH_SENT_MIN || self.doubt.is_some() {
            return;
        }
        if !self.share_due.is_above(epoch) {
            self.share_due.learn(epoch.share(), f64::from(epoch.sent));
            self.raise_after(epoch);
        } else if self.datagrams && epoch.setting == self.setting && self.share_due.is_known() {
            self.doubt = Some(Doubt {
                rate: self.rate,
                setting: self.setting,
                share: epoch.share(),
                sent: f64::from(epoch.sent),
            });
            self.set_rate(match self.phase {
                Phase::Probe(probe) => probe.safe,
                _ => self.rate / STARTUP_STEP,
            });
        }
    }

    fn raise_after(&mut self, epoch: &Epoch) {
        // On a stream, what is not answered yet waits in line.
        if !self.datagrams || self.phase != Phase::Startup || epoch.setting != self.setting {
            return;
        }
        let verdict = self.verdict(epoch);
        if verdict.used && !verdict.is_delayed && epoch.sent >= EPOCH_SENT_MIN {
            self.set_rate(self.rate * STARTUP_STEP);
        }
    }

    /// An epoch at a rate that was given up for the time being has all its answers.
    pub(super) fn resolve(&mut self, now: Time, doubt: Doubt, verdict: &Verdict) {
        let safe = self.rate;
        self.rate = doubt.rate;
        if verdict.lossy || verdict.slow {
            self.overloaded(now, verdict);
            let rate = self.rate.min(safe);
            self.set_rate(rate);
        } else {
            // Answers vary more than was thought.
            self.share_due.learn(doubt.share, doubt.sent);
            self.set_rate(match self.phase {
                Phase::Startup => doubt.rate * STARTUP_STEP,
                _ => doubt.rate,
            });
        }
    }
}
