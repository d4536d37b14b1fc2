//! Whether what a shard recorded of itself is what the world saw.

use std::time::Duration;

use canvass_model::{Health, LOOP_SAMPLES_MAX, ShardReport, Time, UpstreamReport};

use crate::world::WAIT_COST_NS;

/// What the world held a shard up by, on its way to a set time and in its turns.
#[derive(Debug, Default)]
pub(crate) struct Lags {
    /// Stalls since the last wait began or ended.
    pending: Duration,
    /// When the shard was to go on after a rest that it took.
    rest_end: Option<Time>,
    /// The most by which stalls made a shard late that slept until a set time.
    late_wake_max: Duration,
    /// The longest that it stood still in a turn.
    held_in_turn_max: Duration,
    /// The most that its calls cost in a turn.
    work_max: Duration,
    /// All stalls together.
    stalled: Duration,
}

impl Lags {
    /// The shard stood still for `span`.
    pub fn on_stall(&mut self, span: Duration) {
        self.pending += span;
        self.stalled += span;
    }

    /// It begins to rest until `end`.
    pub fn on_rest(&mut self, end: Time) {
        self.rest_end = Some(end);
    }

    /// It waits, and comes from a turn whose calls cost `work`, unless it comes from a rest.
    pub fn on_wait(&mut self, work: Duration) {
        if self.rest_end.is_none() {
            self.held_in_turn_max = self.held_in_turn_max.max(std::mem::take(&mut self.pending));
            self.work_max = self.work_max.max(work);
        }
    }

    /// A wait that began at `from` and was to end at `until` is over.
    pub fn on_waited(&mut self, from: Time, until: Time, now: Time) {
        let set = Some(until).filter(|until| from < *until && *until < Time::MAX);
        let slept_until = self.rest_end.take().or(set);
        if let Some(until) = slept_until.filter(|_| !self.pending.is_zero()) {
            self.late_wake_max = self.late_wake_max.max(now.since(until));
        }
        self.pending = Duration::ZERO;
    }

    /// What is wrong with the record of a shard that is done at `end`, after so many turns.
    pub fn check(&self, report: &ShardReport, end: Time, turns: u64) -> Vec<String> {
        let mut wrong = self.check_lags(report, turns);
        wrong.extend(check_samples(report, end));
        wrong.extend(check_last_rate(report));
        wrong
    }

    fn check_lags(&self, report: &ShardReport, turns: u64) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut say = |holds: bool, what: String| {
            if !holds {
                wrong.push(what);
            }
        };
        let late = report.late_wakes.max();
        // Before a rest and after it the shard looks whether something is there.
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

/// At the end all resolvers together allow what each says that it does.
fn check_last_rate(report: &ShardReport) -> Option<String> {
    // What is left alone on one of its lanes may still be asked on the other.
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

    fn lags(spans: &[Duration]) -> LatenessHistogram {
        let mut lags = LatenessHistogram::default();
        spans.iter().for_each(|span| lags.record(*span));
        lags
    }

    fn report(late_wakes: &[Duration], turns: &[Duration]) -> ShardReport {
        ShardReport {
            late_wakes: lags(late_wakes),
            turns: lags(turns),
            samples: vec![LoopSample {
                at: at_s(9),
                ..LoopSample::default()
            }],
            ..ShardReport::default()
        }
    }

    #[test]
    fn a_stall_in_a_sleep_must_be_among_the_late_wakes() {
        let mut seen = Lags::default();
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
        let mut seen = Lags::default();
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
        let seen = Lags::default();
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
