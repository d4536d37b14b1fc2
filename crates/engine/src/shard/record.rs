//! Measurements of an event loop: how late it woke, how long its turns took, samples over time. And its
//! report, which they are a part of.
//!
//! All of it uses clock readings that a turn takes anyway.

use canvass_model::{LOOP_SAMPLES_MAX, LatenessHistogram, LoopSample, ShardReport, Time};

use super::Shard;
use super::schedule::Schedule;
use crate::net::Net;

/// How often the loop samples its state. At first every sample is kept.
const LOOK_INTERVAL_NS: u64 = 20_000_000;

/// The record of one loop.
#[derive(Debug, Default)]
pub(super) struct Record {
    late_wakes: LatenessHistogram,
    turns: LatenessHistogram,
    /// When the present turn began.
    turn_began: Option<Time>,
    look_at: Time,
    samples: Samples,
}

/// Samples at even intervals, however long the run is.
#[derive(Debug)]
struct Samples {
    kept: Vec<LoopSample>,
    /// One is kept per such interval of the clock: the first in it.
    interval_ns: u64,
}

impl Record {
    /// A wait begins, which ends the turn before it.
    pub(super) fn on_turn_end(&mut self, now: Time) {
        if let Some(began) = self.turn_began.take() {
            self.turns.record(now.since(began));
        }
    }

    /// A wait has ended. `slept_until` is when it was meant to end, if a time was set. An event that
    /// ends it earlier is not late.
    pub(super) fn on_woken(&mut self, slept_until: Option<Time>, woken: Time) {
        self.turn_began = Some(woken);
        if let Some(until) = slept_until.filter(|until| woken >= *until) {
            self.late_wakes.record(woken.since(until));
        }
    }

    /// Whether it is time for a sample.
    #[inline]
    pub(super) fn wants_sample(&self, now: Time) -> bool {
        now >= self.look_at
    }

    fn on_sample(&mut self, sample: LoopSample) {
        let step = sample.at.as_nanos() / LOOK_INTERVAL_NS;
        self.look_at = Time::from_nanos((step + 1).saturating_mul(LOOK_INTERVAL_NS));
        self.samples.push(sample);
    }

    /// Writes what was recorded into a report, but for the samples.
    fn write_to(&self, report: &mut ShardReport) {
        report.late_wakes = self.late_wakes;
        report.turns = self.turns;
    }

    /// Writes what was recorded into the report of the end, with the sample of the end.
    fn end(mut self, last: LoopSample, report: &mut ShardReport) {
        self.on_turn_end(last.at);
        self.write_to(report);
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

    /// The last sample is kept whatever interval it is in.
    fn end_with(mut self, last: LoopSample) -> Vec<LoopSample> {
        if self.kept.last().is_some_and(|kept| kept.at >= last.at) {
            self.kept.pop();
        }
        self.make_room();
        self.kept.push(last);
        self.kept
    }

    /// Doubles the interval and keeps the first sample in each, so that the rest is as even.
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
    /// Samples the state of the loop.
    pub(super) fn take_sample(&mut self, now: Time) {
        let sample = self.sample(now);
        self.channels.latest.set(sample);
        self.record.on_sample(sample);
    }

    /// Publishes what the shard has done until now, if somebody wants to know.
    pub(super) fn publish_if_wanted(&mut self) {
        if self.channels.live.is_wanted() {
            let mut report = self.current_report();
            self.record.write_to(&mut report);
            self.channels.live.publish(report, false);
        }
    }

    /// The report of a shard that is done.
    pub fn into_report(mut self) -> ShardReport {
        let mut report = self.current_report();
        report.leaked = self.census().total() as u64;
        let now = self.net.now();
        let last = self.sample(now);
        self.channels.latest.set(last);
        std::mem::take(&mut self.record).end(last, &mut report);
        self.channels.live.publish(report.clone(), true);
        report
    }

    /// What was counted until now.
    fn current_report(&mut self) -> ShardReport {
        let mut report = self.report.clone();
        let (upstreams, kernel_drops) = self.upstreams.reports(&self.net);
        let losses = &mut report.losses;
        losses.kernel_drops = kernel_drops + self.sockets.kernel_drops();
        for upstream in &upstreams {
            losses.refused += upstream.refused;
            losses.late_replies += upstream.late;
            losses.silence += upstream.timeouts.saturating_sub(upstream.late);
            losses.mismatched += upstream.mismatched;
        }
        report.upstreams = upstreams;
        report.connections = self.probes.report(&self.names);
        report.schedule_shift = self.schedule.shift();
        report.schedule_is_awaited = matches!(self.schedule, Schedule::Awaited { .. });
        report
    }

    fn sample(&mut self, now: Time) -> LoopSample {
        let allowance = self.upstreams.allowance(now);
        LoopSample {
            at: now,
            rate_per_second: allowance.rate_per_second,
            window: allowance.in_flight,
            in_flight: self.tasks.jobs() as u64,
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
        record.end(sample_at(at_ms(looks * gap_ms)), &mut report);
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
        record.end(sample_at(at_ms(11)), &mut report);
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
