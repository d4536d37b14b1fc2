//! The windows of all shards for one transport of a resolver.

use std::time::Duration;

use canvass_model::WindowReport;

/// Rates and numbers in flight are added up. The median is the mean of the medians of the shards,
/// weighted by their answers, and the 99th percentile is the worst of theirs.
#[derive(Default)]
pub(super) struct Window {
    /// Queries per second allowed at the end.
    pub(super) rate_per_second: f64,
    /// Queries in flight allowed at the end.
    pub(super) in_flight_max: u64,
    /// Whether the resolver showed a limit.
    pub(super) plateau: bool,
    /// The 99th percentile of the round trip.
    pub(super) rtt_p99: Duration,
    weighted_p50_s: f64,
    weight: f64,
}

impl Window {
    /// Adds the window of a shard that received `answers` answers.
    pub(super) fn add(&mut self, window: &WindowReport, answers: u64) {
        self.rate_per_second += window.rate_per_second;
        self.in_flight_max += u64::from(window.in_flight_max);
        self.plateau |= window.plateau;
        self.rtt_p99 = self.rtt_p99.max(window.rtt_p99);
        // The estimate of a shard without answers counts only if there is no other.
        let weight = answers as f64 + f64::EPSILON;
        self.weighted_p50_s += weight * window.rtt_p50.as_secs_f64();
        self.weight += weight;
    }

    /// The median of the round trip.
    pub(super) fn rtt_p50(&self) -> Duration {
        Duration::from_secs_f64(self.weighted_p50_s / self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_weighted_by_answers_and_the_worst_tail_stays() {
        let one = WindowReport {
            rate_per_second: 1000.0,
            in_flight_max: 20,
            rtt_p50: Duration::from_millis(10),
            rtt_p99: Duration::from_millis(50),
            ..WindowReport::default()
        };
        let other = WindowReport {
            rate_per_second: 500.0,
            in_flight_max: 10,
            plateau: true,
            rtt_p50: Duration::from_millis(30),
            rtt_p99: Duration::from_millis(40),
            ..WindowReport::default()
        };
        let mut window = Window::default();
        window.add(&one, 0);
        assert_eq!(window.rtt_p50(), Duration::from_millis(10));
        let mut window = Window::default();
        window.add(&one, 300);
        window.add(&other, 100);
        assert_eq!(window.rtt_p50(), Duration::from_millis(15));
        assert_eq!(window.rtt_p99, Duration::from_millis(50));
        assert_eq!((window.rate_per_second, window.in_flight_max), (1500.0, 30));
        assert!(window.plateau);
    }
}
