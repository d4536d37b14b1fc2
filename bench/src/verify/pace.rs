//! The rates of a run, computed from its output lines.

use jiff::Timestamp;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// When targets were started and finished, in microseconds since 1970 (UTC).
#[derive(Debug, Default)]
pub(super) struct Paces {
    started_us: Vec<i64>,
    finished_us: Vec<i64>,
}

impl Paces {
    /// Adds the times of a line. [`sort`](Self::sort) must be called after the last one.
    ///
    /// # Errors
    /// `started` is not an RFC 3339 time.
    pub(super) fn add(&mut self, started: &str, latency_ms: f64) -> Result<(), String> {
        let time: Timestamp = started
            .parse()
            .map_err(|error| format!("started is not a time: {error}"))?;
        let started_us = time.as_microsecond();
        self.started_us.push(started_us);
        self.finished_us
            .push(started_us + (latency_ms * 1000.0) as i64);
        Ok(())
    }

    /// Prepares the times for the rates.
    pub(super) fn sort(&mut self) {
        self.started_us.sort_unstable();
        self.finished_us.sort_unstable();
    }

    /// Targets finished in the second second of the run. `None` if the run was shorter.
    pub(super) fn second_second_per_second(&self) -> Option<f64> {
        let begin = self.started_us.first()? + MICROS_PER_SECOND;
        let end = begin + MICROS_PER_SECOND;
        let done = |by: i64| self.finished_us.partition_point(|&time| time < by);
        (*self.finished_us.last()? >= end).then(|| (done(end) - done(begin)) as f64)
    }

    /// Targets finished per second between 50 % and 95 % of them: the rate without start and tail.
    pub(super) fn final_per_second(&self) -> Option<f64> {
        between(&self.finished_us, 0.5, 0.95)
    }

    /// Targets started per second up to 99 % of them, without the wait for the last ones.
    pub(super) fn started_per_second(&self) -> Option<f64> {
        between(&self.started_us, 0.0, 0.99)
    }
}

/// The rate between two shares of the sorted times.
fn between(times_us: &[i64], from: f64, to: f64) -> Option<f64> {
    let last = times_us.len().checked_sub(1)?;
    let at = |share: f64| (last as f64 * share) as usize;
    let (from, to) = (at(from), at(to));
    let span_us = times_us[to] - times_us[from];
    (span_us > 0).then(|| (to - from) as f64 * MICROS_PER_SECOND as f64 / span_us as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One target per millisecond for three seconds, over midnight.
    fn steady() -> Paces {
        let mut paces = Paces::default();
        let begin: Timestamp = "2026-02-28T23:59:59Z".parse().unwrap();
        for ms in 0..3000 {
            let time = Timestamp::from_millisecond(begin.as_millisecond() + ms).unwrap();
            paces.add(&time.to_string(), 0.25).unwrap();
        }
        paces.sort();
        paces
    }

    #[test]
    fn a_steady_run_has_one_rate() {
        let paces = steady();
        assert_eq!(paces.second_second_per_second(), Some(1000.0));
        assert_eq!(paces.final_per_second(), Some(1000.0));
        assert_eq!(paces.started_per_second(), Some(1000.0));
    }

    #[test]
    fn a_short_run_has_no_second_second() {
        let mut paces = Paces::default();
        assert_eq!(paces.final_per_second(), None);
        paces.add("2026-02-28T23:59:59.5Z", 1.0).unwrap();
        assert_eq!(paces.second_second_per_second(), None);
        assert_eq!(paces.final_per_second(), None);
    }

    #[test]
    fn a_late_tail_leaves_the_rates_alone() {
        let mut paces = steady();
        for _ in 0..30 {
            paces.add("2026-02-28T23:59:59Z", 10_000.0).unwrap();
        }
        paces.sort();
        assert_eq!(paces.final_per_second(), Some(1000.0));
    }

    #[test]
    fn an_invalid_time_is_an_error() {
        let error = Paces::default().add("yesterday", 0.0).unwrap_err();
        assert!(error.starts_with("started is not a time"), "{error}");
    }
}
