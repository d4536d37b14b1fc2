//! The plan for asking again what failed.

use std::num::NonZeroUsize;

use super::Plan;

/// What [`Plan::gentle`] allows: targets at once, queries per second to one resolver or requests to one
/// host, and retries of a question.
const GENTLE_TARGETS_MAX: usize = 32;
const GENTLE_RATE_PER_SECOND: f64 = 100.0;
const GENTLE_RETRIES_MAX: u32 = 2;

impl Plan {
    /// The same plan for asking again what failed under load: without a schedule, slowly, and one at a
    /// time for each resolver and for each host.
    pub(crate) fn gentle(self) -> Self {
        let at_once = GENTLE_TARGETS_MAX.min(self.concurrency);
        let capped = |rate: Option<f64>, cap: f64| Some(rate.map_or(cap, |rate| rate.min(cap)));
        let mut plan = self.unscheduled();
        plan.event_loops = NonZeroUsize::MIN;
        plan.concurrency = at_once;
        let config = &mut plan.config;
        config.shards = NonZeroUsize::MIN;
        config.jobs_max = at_once;
        config.concurrency_cap = None;
        config.in_flight_per_resolver_max = Some(1);
        config.rate_per_resolver_max_per_second = capped(
            config.rate_per_resolver_max_per_second,
            GENTLE_RATE_PER_SECOND,
        );
        config.limits.retries = config.limits.retries.min(GENTLE_RETRIES_MAX);
        let probing = &mut config.probing;
        probing.per_host_max = 1;
        probing.per_host_is_cap = false;
        probing.rate_per_host_max_per_second =
            capped(probing.rate_per_host_max_per_second, GENTLE_RATE_PER_SECOND);
        plan
    }
}
