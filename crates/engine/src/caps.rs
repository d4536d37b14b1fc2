//! The caps that a user has given, which several runs may have to share.

use crate::config::Config;

/// By how much a share may miss a whole number of slots: a third of three is not quite one.
const ROUNDING: f64 = 1e-9;

/// The caps that a user has given to a run. `None` is a limit that the run has set itself, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Caps {
    /// Queries and targets per second.
    pub rate_per_second: Option<f64>,
    /// Queries per second to one resolver.
    pub rate_per_resolver_per_second: Option<f64>,
    /// Requests per second to one host.
    pub rate_per_host_per_second: Option<f64>,
    /// Targets at once.
    pub concurrency: Option<usize>,
    /// Probes of one host at once.
    pub per_host: Option<u32>,
}

impl Caps {
    /// Those of a configuration.
    pub fn of(config: &Config) -> Self {
        let probing = &config.probing;
        Self {
            rate_per_second: config.rate_max_per_second,
            rate_per_resolver_per_second: config.rate_per_resolver_max_per_second,
            rate_per_host_per_second: probing.rate_per_host_max_per_second,
            concurrency: config.concurrency_cap,
            per_host: probing
                .per_host_is_cap
                .then_some(probing.per_host_max.max(1)),
        }
    }

    /// Whether there are none. A share of them means nothing then.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The least share above 0 with which a run begins targets: one slot of the smallest cap on what is
    /// done at once. A cap of 6 per host can be shared by 6 runs; a seventh must have none of it.
    pub fn share_min(&self) -> f64 {
        let concurrency = self.concurrency.map(|slots| 1.0 / slots as f64);
        let per_host = self.per_host.map(|slots| 1.0 / f64::from(slots));
        concurrency.into_iter().chain(per_host).fold(0.0, f64::max)
    }

    /// Whether a run with this share begins targets.
    pub(crate) fn admits(&self, share: f64) -> bool {
        self.is_empty() || share > 0.0 && share + ROUNDING >= self.share_min()
    }
}

/// The whole slots of a cap that a share amounts to, at least one.
pub(crate) fn slots(cap: usize, share: f64) -> usize {
    ((cap as f64 * share + ROUNDING) as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slots_of_all_shares_are_never_more_than_the_cap_and_reach_it_if_they_divide_it() {
        for cap in 1..200 {
            for runs in 1..=cap {
                let each = slots(cap, 1.0 / runs as f64);
                assert_eq!(each, cap / runs, "{cap} for {runs}");
            }
        }
    }

    #[test]
    fn a_share_below_one_slot_admits_nothing() {
        let caps = Caps {
            concurrency: Some(3),
            per_host: Some(6),
            ..Caps::default()
        };
        assert!(caps.admits(1.0) && caps.admits(1.0 / 3.0));
        assert!(!caps.admits(0.3) && !caps.admits(0.0));
        let rate = Caps {
            rate_per_second: Some(5.0),
            ..Caps::default()
        };
        assert!(rate.admits(0.001) && !rate.admits(0.0));
        assert!(
            Caps::default().admits(0.0),
            "without caps a share is nothing"
        );
    }
}
