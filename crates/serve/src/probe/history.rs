//! The latest probes.

use std::collections::VecDeque;
use std::sync::Arc;

use canvass_blackbox::shown_target;
use jiff::Timestamp;

/// The maximum number of probes, and of earlier ones that failed.
const PROBES_MAX: usize = 100;
/// The maximum size of what is kept of one probe, in octets.
const DEBUG_SIZE_MAX: usize = 64 * 1024;

/// The latest probes, and those before them that failed.
#[derive(Debug, Default)]
pub(super) struct History {
    next_id: u64,
    latest: VecDeque<PastProbe>,
    failed: VecDeque<PastProbe>,
}

/// A probe that has ended.
#[derive(Clone, Debug)]
pub(super) struct PastProbe {
    pub id: u64,
    pub ended: Timestamp,
    pub module: Box<str>,
    pub target: Box<str>,
    pub success: bool,
    /// What happened, the metrics, and the module.
    pub debug: Arc<str>,
}

impl History {
    /// Adds a probe that has ended now.
    pub(super) fn add(&mut self, module: &str, target: &str, success: bool, debug: &str) {
        let mut ends = (0..=debug.len().min(DEBUG_SIZE_MAX)).rev();
        let end = ends.find(|end| debug.is_char_boundary(*end)).unwrap_or(0);
        self.latest.push_back(PastProbe {
            id: self.next_id,
            ended: Timestamp::now(),
            module: module.into(),
            target: shown_target(target).into(),
            success,
            debug: debug[..end].into(),
        });
        self.next_id += 1;
        if self.latest.len() <= PROBES_MAX {
            return;
        }
        let oldest = self.latest.pop_front();
        self.failed.extend(oldest.filter(|probe| !probe.success));
        if self.failed.len() > PROBES_MAX {
            self.failed.pop_front();
        }
    }

    /// All probes, the latest first.
    pub(super) fn probes(&self) -> impl Iterator<Item = &PastProbe> {
        self.latest.iter().rev().chain(self.failed.iter().rev())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_probes_are_kept_longer() {
        let mut history = History::default();
        history.add("m", "http://me:hunter2@a.test/", false, "first");
        for number in 0..PROBES_MAX as u64 {
            history.add("m", &number.to_string(), true, "");
        }
        let ids: Vec<u64> = history.probes().map(|probe| probe.id).collect();
        assert_eq!(ids.len(), PROBES_MAX + 1);
        assert_eq!((ids[0], ids[PROBES_MAX]), (PROBES_MAX as u64, 0));
        let first = history.probes().last().unwrap();
        assert_eq!(&*first.target, "http://me:<secret>@a.test/");
        for number in 0..3 * PROBES_MAX {
            history.add("m", &number.to_string(), false, "x");
        }
        assert_eq!(history.probes().count(), 2 * PROBES_MAX);
        history.add("m", "long", true, &"\u{e9}".repeat(DEBUG_SIZE_MAX));
        let long = history.probes().next().unwrap();
        assert_eq!(long.debug.len(), DEBUG_SIZE_MAX);
    }
}
