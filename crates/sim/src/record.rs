//! Checks the statistics of a shard against what happened in the world.

use std::time::Duration;

use canvass_model::{Health, LOOP_SAMPLES_MAX, ShardReport, Time, UpstreamReport};

use crate::world::WAIT_COST_NS;

/// By how much the world delayed a shard in its waits and in its turns.
#[derive(Debug, Default)]
pub(crate) struct Delays {
    /// Stalls since the start or the end of the last wait.
    pending: Duration,
    /// The planned end of the last rest.
    rest_end: Option<Time>,
    /// The maximum delay of the end of a timed wait by stalls.
    late_wake_max: Duration,
    /// The longest stall in a turn.
    held_in_turn_max: Duration,
    /// The maximum cost of the system calls of a turn.
    work_max: Duration,
    /// The sum of all stalls.
    stalled: Duration,
}

impl Delays {
    /// The process was stalled for `span`.
    pub(crate) fn on_stall(&mut self, span: Duration) {
        self.pending += span;
        self.stalled += span;
    }

    /// The shard rests until `end`.
    pub(crate) fn on_rest(&mut self, end: Time) {
        self.rest_end = Some(end);
    }

    /// The shard waits, after a turn whose system calls cost `work` or after a rest.
    pub(crate) fn on_wait(&mut self, work: Duration) {
        if self.rest_end.is_none() {
            self.held_in_turn_max = self.held_in_turn_max.max(std::mem::take(&mut self.pending));
            self.work_max = self.work_max.max(work);
        }
    }

    /// A wait from `from` to `until` has ended.
    pub(crate) fn on_waited(&mut self, from: Time, until: Time, now: Time) {
        let set = Some(until).filter(|until| from < *until && *until < Time::MAX);
        let slept_until = self.rest_end.take().or(set);
        if let Some(until) = slept_until.filter(|_| !self.pending.is_zero()) {
            self.late_wake_max = self.late_wake_max.max(now.since(until));
        }
        self.pending = Duration::ZERO;
    }

    /// Returns the errors in the statistics of a shard that finished at `end` after `turns` turns.
    pub(crate) fn check(&self, report: &ShardReport, end: Time, turns: u64) -> Vec<String> {
        let mut wrong = self.check_delays(report, turns);
        wrong.extend(check_samples(report, end));
        wrong.extend(check_last_rate(report));
        wrong
    }

    fn check_delays(&self, report: &ShardReport, turns: u64) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut say = |holds: bool, what: String| {
            if !holds {
                wrong.push(what);
            }
        };
        let late = report.late_wakes.max();
        // The shard polls before and after a rest.
        let usual = Duration::from_nanos(2 * WAIT_COST_NS);
        say(
            self.late_wake_max <= late && late <= self.stalled + usual,
            format!(
                "it says that it woke late by {late:?}, and was made to by {:?} at least, in {:?} of \
                 stalls",
                self.late_wake_max, self.stalled
            ),
        );
        let turn = report.turns.max();
        let least = self.held_in_turn_max.max(self.work_max);
        say(
            least <= turn && turn <= self.stalled + self.work_max,
            format!(
                "it says that a turn took {turn:?}, and one cost {:?}, and one was held up for {:?}",
                self.work_max, self.held_in_turn_max
            ),
        );
        let counted = report.turns.total();
        say(
            counted == turns,
            format!("it counted {counted} of {turns} turns"),
        );
        wrong
    }
}

fn check_samples(report: &ShardReport, end: Time) -> Option<String> {
    let samples = &report.samples;
    let count = samples.len();
    if count > LOOP_SAMPLES_MAX {
        return Some(format!("{count} samples"));
    }
    if samples.last().map(|last| (last.at, last.in_flight)) != Some((end, 0)) {
        return Some(format!("the last sample is {:?}", samples.last()));
    }
    let unused = report.upstreams.iter().all(|upstream| upstream.sent == 0);
    let in_order = samples.windows(2).all(|pair| pair[0].at < pair[1].at);
    let sound = samples.iter().all(|sample| {
        sample.in_flight <= report.in_flight_max
            && sample.rate_per_second >= 0.0
            && (!unused || sample.rate_per_second == 0.0 && sample.window == 0)
    });
    (!in_order || !sound).then(|| format!("samples that cannot be: {samples:?}"))
}

/// The last sample must be the sum of the rates of all resolvers.
fn check_last_rate(report: &ShardReport) -> Option<String> {
    // A resolver that is not used over one transport may be used over the other.
    let well = |one: &UpstreamReport| matches!(one.health, Health::Good | Health::Unused);
    if !report.upstreams.iter().all(well) {
        return None;
    }
    let lanes = report
        .upstreams
        .iter()
        .flat_map(|upstream| upstream.udp.iter().chain(&upstream.tcp));
    let rate: f64 = lanes
        .filter(|lane| lane.in_flight_max > 0)
        .map(|lane| lane.rate_per_second)
        .sum();
    let sampled = report.samples.last()?.rate_per_second;
    let same = (sampled - rate).abs() <= rate * 1e-9;
    (!same).then(|| format!("the last sample has {sampled} queries a second, and its parts {rate}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    use canvass_model::{LatenessHistogram, LoopSample};

    const SECOND: Duration = Duration::from_secs(1);

    fn at_s(at_s: u64) -> Time {
        Time::from_nanos(at_s * 1_000_000_000)
    }

    fn delays(spans: &[Duration]) -> LatenessHistogram {
        let mut delays = LatenessHistogram::default();
        spans.iter().for_each(|span| delays.record(*span));
        delays
    }

    fn report(late_wakes: &[Duration], turns: &[Duration]) -> ShardReport {
        ShardReport {
            late_wakes: delays(late_wakes),
            turns: delays(turns),
            samples: vec![LoopSample {
                at: at_s(9),
                ..LoopSample::default()
            }],
            ..ShardReport::default()
        }
    }

    #[test]
    fn a_stall_in_a_sleep_must_be_among_the_late_wakes() {
        let mut seen = Delays::default();
        seen.on_wait(Duration::ZERO);
        seen.on_stall(SECOND);
        seen.on_waited(at_s(1), at_s(2), at_s(3));
        let wrong = |late: &[Duration]| {
            let turn = [Duration::ZERO];
            seen.check(&report(late, &turn), at_s(9), 1)
        };
        assert_eq!(wrong(&[SECOND]), [""; 0]);
        assert_eq!(wrong(&[]).len(), 1);
        assert_eq!(wrong(&[SECOND * 2]).len(), 1);
    }

    #[test]
    fn a_stall_in_a_turn_must_be_in_the_length_of_one() {
        let mut seen = Delays::default();
        seen.on_stall(SECOND);
        seen.on_wait(Duration::from_millis(1));
        let wrong = |turns: &[Duration]| seen.check(&report(&[], turns), at_s(9), 1);
        assert_eq!(wrong(&[SECOND]), [""; 0]);
        assert_eq!(wrong(&[Duration::from_millis(1)]).len(), 1);
        assert_eq!(wrong(&[SECOND * 2]).len(), 1);
        assert_eq!(wrong(&[SECOND, SECOND]), ["it counted 2 of 1 turns"]);
    }

    #[test]
    fn samples_that_cannot_be_are_told() {
        let seen = Delays::default();
        let wrong = |change: &dyn Fn(&mut ShardReport)| {
            let mut report = report(&[], &[]);
            report.in_flight_max = 2;
            change(&mut report);
            seen.check(&report, at_s(9), 0).len()
        };
        let push_first = |report: &mut ShardReport, sample| report.samples.insert(0, sample);
        assert_eq!(wrong(&|_| {}), 0);
        assert_eq!(wrong(&|report| report.samples.clear()), 1);
        assert_eq!(wrong(&|report| report.samples[0].at = at_s(8)), 1);
        for (at, in_flight, rate_per_second, count) in [
            (at_s(1), 2, 0.0, 0),
            (at_s(1), 3, 0.0, 1),
            (at_s(9), 2, 0.0, 1),
            (at_s(1), 2, 5.0, 1),
        ] {
            let sample = LoopSample {
                at,
                rate_per_second,
                window: 0,
                in_flight,
            };
            assert_eq!(wrong(&|report| push_first(report, sample)), count);
        }
    }
}
