//! The time that was spent in each phase of a job.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Phase;

/// The time spent in each phase from the first send to the end. A phase that was not reached is
/// `None`; the others add up to [`Outcome::latency`](crate::Outcome::latency).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// Nanoseconds by [`Phase::index`], or `NOT_REACHED`.
    spans_ns: [u64; Phase::TIMED.len()],
}

const NOT_REACHED: u64 = u64::MAX;

impl Default for Phases {
    fn default() -> Self {
        Self {
            spans_ns: [NOT_REACHED; Phase::TIMED.len()],
        }
    }
}

impl Phases {
    /// The time spent in `phase`. `None` if it was not reached, and for [`Phase::Target`], which
    /// takes no time.
    pub fn span(&self, phase: Phase) -> Option<Duration> {
        let span_ns = self.spans_ns[phase.index()?];
        (span_ns != NOT_REACHED).then_some(Duration::from_nanos(span_ns))
    }

    /// Adds `span` to the time spent in `phase`, which thereby is reached. Saturates.
    pub fn add(&mut self, phase: Phase, span: Duration) {
        let Some(index) = phase.index() else { return };
        let span_ns = u64::try_from(span.as_nanos()).unwrap_or(NOT_REACHED);
        let slot = &mut self.spans_ns[index];
        let before_ns = if *slot == NOT_REACHED { 0 } else { *slot };
        *slot = before_ns.saturating_add(span_ns).min(NOT_REACHED - 1);
    }

    /// Returns the phases with `span` added to `phase`.
    #[must_use]
    pub fn with(mut self, phase: Phase, span: Duration) -> Self {
        self.add(phase, span);
        self
    }

    /// The time spent since it was `earlier`. A phase counts as reached if it was not before, or if
    /// time was spent in it.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut since = Self::default();
        let spans = self.spans_ns.iter().zip(earlier.spans_ns);
        for (slot, (&now_ns, before_ns)) in since.spans_ns.iter_mut().zip(spans) {
            if before_ns == NOT_REACHED {
                *slot = now_ns;
            } else if now_ns > before_ns && now_ns != NOT_REACHED {
                *slot = now_ns - before_ns;
            }
        }
        since
    }

    /// The total time. `None` if no phase was reached.
    pub fn total(&self) -> Option<Duration> {
        let reached = Phase::TIMED.iter().filter_map(|phase| self.span(*phase));
        reached.reduce(|all, span| all.saturating_add(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_none_until_it_is_reached_and_then_adds_up() {
        let mut phases = Phases::default();
        assert_eq!((phases.span(Phase::Dns), phases.total()), (None, None));
        phases.add(Phase::Dns, Duration::ZERO);
        assert_eq!(phases.span(Phase::Dns), Some(Duration::ZERO));
        phases.add(Phase::Dns, Duration::from_nanos(5));
        phases.add(Phase::Wait, Duration::from_nanos(2));
        assert_eq!(phases.span(Phase::Dns), Some(Duration::from_nanos(5)));
        assert_eq!(phases.total(), Some(Duration::from_nanos(7)));
        phases.add(Phase::Target, Duration::from_nanos(1));
        assert_eq!(phases.span(Phase::Target), None);
    }

    #[test]
    fn what_was_spent_since_is_the_difference_of_the_phases_that_grew() {
        let earlier = Phases::default()
            .with(Phase::Wait, Duration::ZERO)
            .with(Phase::Connect, Duration::from_nanos(3));
        let now = earlier
            .with(Phase::Connect, Duration::from_nanos(4))
            .with(Phase::Tls, Duration::ZERO);
        let since = now.since(&earlier);
        assert_eq!(since.span(Phase::Wait), None);
        assert_eq!(since.span(Phase::Connect), Some(Duration::from_nanos(4)));
        assert_eq!(since.span(Phase::Tls), Some(Duration::ZERO));
        assert_eq!(since.span(Phase::Transfer), None);
        assert_eq!(now.since(&Phases::default()), now);
    }

    #[test]
    fn a_span_beyond_all_measure_is_still_a_span() {
        let phases = Phases::default()
            .with(Phase::Wait, Duration::MAX)
            .with(Phase::Wait, Duration::MAX);
        assert_eq!(
            phases.span(Phase::Wait),
            Some(Duration::from_nanos(u64::MAX - 1))
        );
    }
}
