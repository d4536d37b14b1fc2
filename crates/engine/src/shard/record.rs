//! What a loop knows of itself: how late it woke, how long its turns took, how it stood over time.
//!
//! All of it is counted at clocks that a turn reads anyway.

use canvass_model::{LOOP_SAMPLES_MAX, LatenessHistogram, LoopSample, ShardReport, Time};

use super::Shard;
use crate::net::Net;

/// How often the loop looks at how it stands. Samples are kept as often at first.
const LOOK_INTERVAL_NS: u64 = 20_000_000;

/// The record of one loop.
#[derive(Debug, Default)]
pub(super) struct Record {
    late_wakes: LatenessHistogram,
    turns: LatenessHistogram,
    /// When the turn that is not over yet began.
    turn_began: Option<Time>,
    look_at: Time,
    samples: Samples,
}

/// Samples in even steps, however long the run.
#[derive(Debug)]
struct Samples {
    kept: Vec<LoopSample>,
    /// One is kept for each such step of the clock, the first that falls into it.
    interval_ns: u64,
}

impl Record {
    /// The clock before a wait, which ends the turn before it.
    pub(super) fn on_turn_end(&mut self, now: Time) {
        if let Some(began) = self.turn_began.take() {
            self.turns.record(now.since(began));
        }
    }

    /// The clock after a wait. `slept_until` is the time it was to end at, where one was set. An
    /// event that ends it sooner is not late.
    pub(super) fn on_woken(&mut self, slept_until: Option<Time>, woken: Time) {
        self.turn_began = Some(woken);
        if let Some(until) = slept_until.filter(|until| woken >= *until) {
            self.late_wakes.record(woken.since(until));
        }
    }

    /// Whether it is time to look at how the loop stands.
    #[inline]
    pub(super) fn wants_sample(&self, now: Time) -> bool {
        now >= self.look_at
    }

    fn on_sample(&mut self, sample: LoopSample) {
        let step = sample.at.as_nanos() / LOOK_INTERVAL_NS;
        self.look_at = Time::from_nanos((step + 1).saturating_mul(LOOK_INTERVAL_NS));
        self.samples.push(sample);
    }

    /// Puts what was recorded into the report, with how it stood at the end.
    fn write_to(mut self, last: LoopSample, report: &mut ShardReport) {
        self.on_turn_end(last.at);
        report.late_wakes = self.late_wakes;
        report.turns = self.turns;
        report.samples = self.samples.end_with(last);
    }
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            interval_ns: LOOK_INTERVAL_NS,
        }
    }
}

impl Samples {
    fn push(&mut self, sample: LoopSample) {
        let last = self.kept.last().map(|last| self.step_of(last));
        if last == Some(self.step_of(&sample)) {
            return;
        }
        self.make_room();
        self.kept.push(sample);
    }

    /// The last moment is kept whatever step it falls into.
    fn end_with(mut self, last: LoopSample) -> Vec<LoopSample> {
        if self.kept.last().is_some_and(|kept| kept.at >= last.at) {
            self.kept.pop();
        }
        self.make_room();
        self.kept.push(last);
        self.kept
    }

    /// Where every step has its sample, every second one goes; where there are gaps, none that
    /// is alone in its longer step, so that what is left is as even.
    fn make_room(&mut self) {
        while self.kept.len() >= LOOP_SAMPLES_MAX {
            self.interval_ns = self.interval_ns.saturating_mul(2);
            let interval_ns = self.interval_ns;
            self.kept
                .dedup_by_key(|sample| sample.at.as_nanos() / interval_ns);
        }
    }

    fn step_of(&self, sample: &LoopSample) -> u64 {
        sample.at.as_nanos() / self.interval_ns
    }
}

impl<N: Net> Shard<N> {
    /// Takes down how the loop stands.
    pub(super) fn take_sample(&mut self, now: Time) {
        let sample = self.sample(now);
        self.record.on_sample(sample);
    }

    /// Ends the record with the moment that the run is over.
    pub(super) fn end_record(&mut self) {
        let now = self.net.now();
        let last = self.sample(now);
        std::mem::take(&mut self.record).write_to(last, &mut self.report);
    }

    fn sample(&mut self, now: Time) -> LoopSample {
        let allowance = self.upstreams.allowance(now);
        LoopSample {
            at: now,
            rate_per_second: allowance.rate_per_second,
            window: allowance.in_flight,
            in_flight: self.jobs_under_way() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    fn at_ms(at_ms: u64) -> Time {
        Time::from_nanos(at_ms * 1_000_000)
    }

    fn sample_at(at: Time) -> LoopSample {
        LoopSample {
            at,
            ..LoopSample::default()
        }
    }

    /// The times of the samples after looks that are `gap_ms` apart, in milliseconds.
    fn sampled(looks: u64, gap_ms: u64) -> Vec<u64> {
        let mut record = Record::default();
        for look in 0..looks {
            let now = at_ms(look * gap_ms);
            if record.wants_sample(now) {
                record.on_sample(sample_at(now));
            }
        }
        let mut report = ShardReport::default();
        record.write_to(sample_at(at_ms(looks * gap_ms)), &mut report);
        let in_ms = |sample: &LoopSample| sample.at.as_nanos() / 1_000_000;
        report.samples.iter().map(in_ms).collect()
    }

    #[test]
    fn only_a_wake_at_its_time_or_after_it_can_be_late() {
        let mut record = Record::default();
        record.on_woken(Some(at_ms(10)), at_ms(9));
        record.on_woken(None, at_ms(50));
        assert_eq!(record.late_wakes.total(), 0);
        record.on_woken(Some(at_ms(60)), at_ms(60));
        record.on_woken(Some(at_ms(70)), at_ms(73));
        assert_eq!(record.late_wakes.total(), 2);
        assert_eq!(record.late_wakes.max(), Duration::from_millis(3));
    }

    #[test]
    fn a_turn_is_counted_once_from_its_wait_to_the_next_one() {
        let mut record = Record::default();
        record.on_turn_end(at_ms(1));
        assert_eq!(record.turns.total(), 0);
        record.on_woken(None, at_ms(5));
        record.on_turn_end(at_ms(7));
        record.on_turn_end(at_ms(9));
        record.on_woken(None, at_ms(10));
        let mut report = ShardReport::default();
        record.write_to(sample_at(at_ms(11)), &mut report);
        assert_eq!(report.turns.total(), 2);
        assert_eq!(report.turns.max(), Duration::from_millis(2));
    }

    #[test]
    fn a_short_run_has_a_sample_every_20_ms_and_its_end() {
        assert_eq!(sampled(100, 1), [0, 20, 40, 60, 80, 100]);
        assert_eq!(sampled(0, 1), [0]);
    }

    #[test]
    fn a_long_run_is_as_even_and_no_longer() {
        // An hour of turns a millisecond apart; 256 steps of 20,480 ms are more than that.
        let times = sampled(3_600_000, 1);
        assert!(times.len() <= LOOP_SAMPLES_MAX, "{}", times.len());
        let steps: Vec<u64> = (0..3_600_000).step_by(20_480).collect();
        assert_eq!(times[..times.len() - 1], steps);
        assert_eq!(times.last(), Some(&3_600_000));
    }

    #[test]
    fn a_loop_that_mostly_sleeps_is_sampled_as_evenly() {
        let times = sampled(1_000, 1_000);
        assert!((128..=LOOP_SAMPLES_MAX).contains(&times.len()));
        let steps = &times[..times.len() - 1];
        let gaps = steps.windows(2).map(|pair| pair[1] - pair[0]);
        let (least, most) = (gaps.clone().min(), gaps.max());
        // Steps of 5,120 ms have five or six seconds each.
        assert_eq!((least, most), (Some(5_000), Some(6_000)));
    }
}
