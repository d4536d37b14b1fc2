//! Whether this machine is cut off from its targets.

/// The share of the targets in use that fail at once when it is not them.
const CUT_OFF_SHARE_PERCENT: u64 = 50;
/// The share down to which that goes on.
const BACK_SHARE_PERCENT: u64 = 25;
/// Fewer targets than these may well fail together.
const TARGETS_MIN: u64 = 5;

/// Watches how many of the targets that are up fail at the same time.
#[derive(Clone, Debug, Default)]
pub(crate) struct CutOffWatch {
    is_cut_off: bool,
}

/// A change of whether the sweep is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutOffChange {
    /// Most targets began to fail at once.
    Began,
    /// They answer again.
    Ended,
}

impl CutOffWatch {
    /// Whether this machine is taken to be cut off.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }

    /// Goes on as cut off, as before a restart.
    pub(crate) fn resume(&mut self) {
        self.is_cut_off = true;
    }

    /// Takes the number of targets that are not down, and how many of them failed in their last
    /// round.
    pub(crate) fn look(&mut self, in_use: u64, failing: u64) -> Option<CutOffChange> {
        let is_over = |percent| failing * 100 >= in_use * percent;
        if self.is_cut_off {
            if !is_over(BACK_SHARE_PERCENT) || in_use == 0 {
                self.is_cut_off = false;
                return Some(CutOffChange::Ended);
            }
        } else if failing >= TARGETS_MIN && is_over(CUT_OFF_SHARE_PERCENT) {
            self.is_cut_off = true;
            return Some(CutOffChange::Began);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_targets_at_once_is_us_until_three_quarters_are_back() {
        let mut watch = CutOffWatch::default();
        assert_eq!(watch.look(4, 4), None);
        assert_eq!(watch.look(100, 49), None);
        assert_eq!(watch.look(100, 50), Some(CutOffChange::Began));
        assert_eq!(watch.look(100, 100), None);
        assert_eq!(watch.look(100, 25), None);
        assert!(watch.is_cut_off());
        assert_eq!(watch.look(100, 24), Some(CutOffChange::Ended));
        assert!(!watch.is_cut_off());
    }
}
