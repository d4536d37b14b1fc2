//! The share of queries that is answered, and whether another differs from it by more than chance.

use crate::upstream::epoch::Epoch;

/// The part of the share of answers that may be missing in an epoch by chance.
pub(super) const SHARE_TOLERANCE: f64 = 0.10;
/// The share of answers that is taken for that of the path when nothing is known yet. A limit of the
/// rate shows by a lower share at the next rate.
const SHARE_FIRST_MIN: f64 = 0.5;
/// The share of replies of no use that is not.
const USELESS_FIRST_MAX: f64 = 0.25;
/// The most queries that the share of answers is thought to rest on.
const SHARE_SENT_MAX: f64 = 2_048.0;

/// A share of queries, and how many queries it rests on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) value: f64,
    pub(super) sent: f64,
}

impl Default for Share {
    fn default() -> Self {
        Self {
            value: 1.0,
            sent: 0.0,
        }
    }
}

impl Share {
    pub(super) fn is_known(&self) -> bool {
        self.sent > 0.0
    }

    pub(super) fn learn(&mut self, share: f64, sent: f64) {
        self.sent = (self.sent + sent).min(SHARE_SENT_MAX.max(sent));
        self.value += (share - self.value) * sent / self.sent;
    }

    /// Whether the share of an epoch is lower, and not by chance.
    pub(super) fn is_above(&self, epoch: &Epoch) -> bool {
        let share = epoch.share();
        if !self.is_known() {
            let useless = f64::from(epoch.useless) / f64::from(epoch.sent.max(1));
            return share < SHARE_FIRST_MIN || useless > USELESS_FIRST_MAX;
        }
        share < self.value - self.tolerance(share, f64::from(epoch.sent.max(1)))
    }

    /// Whether `share` of so many is higher, and not by chance.
    pub(super) fn is_below(&self, share: f64, sent: f64) -> bool {
        share > self.value + self.tolerance(share, sent)
    }

    fn tolerance(&self, share: f64, sent: f64) -> f64 {
        let mean = (share * sent + self.value * self.sent) / (sent + self.sent);
        let deviation = (mean * (1.0 - mean) * (1.0 / sent + 1.0 / self.sent)).sqrt();
        (SHARE_TOLERANCE * self.value).max(3.0 * deviation)
    }
}
