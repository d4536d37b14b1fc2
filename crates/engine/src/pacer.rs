//! A limit on a rate (`--rate`, `--rate-per-resolver`), which all shards of a run share.
//!
//! Queries are spaced evenly (as in virtual scheduling, ITU-T I.371 annex A), and what a late turn
//! did not send is made up for: up to [`SPAN`] on a schedule, and otherwise, where nothing may have
//! waited, [`MADE_UP`] or one. Whatever is made up for, no [`SPAN`] holds more
//! than its part of the rate, rounded down, and one: as many as evenly spaced queries have in it
//! when it begins and ends with one of them. Above 10,000 per second the one is [`SLACK`].
//!
//! Without these few, late turns would add up over a run: of two queries that are a full span
//! apart, the second could never be less late than the first.
//!
//! The rate is the run's share of it. When that changes, the next query is spaced from the last one by the
//! new rate, and nothing from before is made up for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use canvass_model::Time;

use crate::cap_share::{CapShare, SHARE_LOOK};

/// The span that a rate is kept in.
pub(crate) const SPAN: Duration = Duration::from_millis(100);
/// What is made up for without a schedule, and at least one.
const MADE_UP: Duration = Duration::from_millis(2);
/// What a span may hold above its part of the rate, as a share of that part: this much of it may be
/// lost to late turns without being missed at the end.
const SLACK: f64 = 0.002;
/// How much later than the next query a shard looks again at most, to leave some to others.
const STAGGER_MAX: Duration = Duration::from_millis(1);

/// One limit.
#[derive(Debug)]
pub(crate) struct RateLimit {
    /// The whole rate.
    rate_per_second: f64,
    is_scheduled: bool,
    shards: usize,
    share: CapShare,
    passage: Mutex<Passage>,
}

/// What passed within the last [`SPAN`], and when the next may.
#[derive(Debug)]
struct Passage {
    pace: Pace,
    /// The change of the share since which it is so.
    version: u64,
    /// When the last one passed, in nanoseconds, if they are spaced evenly. `None` at first.
    last_ns: Option<f64>,
    /// The times of those that passed, in order.
    passed: VecDeque<Time>,
}

/// How those that pass are spaced.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    interval_ns: f64,
    /// How much of a wait is made up for.
    made_up_ns: f64,
    span_max: usize,
    /// How much later than the next query a shard looks again.
    stagger: Duration,
    /// How long it waits at most.
    wait_max: Duration,
}

/// The most that pass in any [`SPAN`].
fn span_max(rate_per_second: f64) -> usize {
    let part = rate_per_second * SPAN.as_secs_f64();
    part as usize + ((part * SLACK) as usize).max(1)
}

impl RateLimit {
    pub(crate) fn new(
        rate_per_second: f64,
        shards: usize,
        is_scheduled: bool,
        share: &CapShare,
    ) -> Self {
        let version = share.version();
        let limit = Self {
            rate_per_second,
            is_scheduled,
            shards,
            share: share.clone(),
            passage: Mutex::new(Passage {
                pace: Pace::default(),
                version,
                last_ns: None,
                passed: VecDeque::new(),
            }),
        };
        limit.passage().pace = limit.pace();
        limit
    }

    fn passage(&self) -> MutexGuard<'_, Passage> {
        self.passage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pace of the present share.
    fn pace(&self) -> Pace {
        let share = self.share.of_caps();
        let rate_per_second = self.rate_per_second * share;
        let interval_ns = 1e9 / rate_per_second;
        let made_up_ns = if self.is_scheduled {
            SPAN.as_nanos() as f64
        } else {
            interval_ns.max(MADE_UP.as_nanos() as f64)
        };
        let stagger_ns = interval_ns * (self.shards - 1) as f64;
        Pace {
            interval_ns,
            made_up_ns,
            span_max: span_max(rate_per_second),
            stagger: Duration::from_nanos(stagger_ns as u64).min(STAGGER_MAX),
            wait_max: if share < 1.0 {
                SHARE_LOOK
            } else {
                Duration::MAX
            },
        }
    }

    /// Lets one pass. Returns the time under which it is kept.
    ///
    /// # Errors
    /// When to ask again.
    fn take(&self, passage: &mut Passage, now: Time) -> Result<Time, Time> {
        let version = self.share.version();
        if passage.version != version {
            passage.version = version;
            passage.set_pace(now, self.pace());
        }
        let wait_end = now + passage.pace.wait_max;
        passage.take(now).map_err(|at| at.min(wait_end))
    }
}

impl Passage {
    /// Spaces those that pass otherwise from now on. The next is a new interval after the last, and not
    /// in arrears.
    fn set_pace(&mut self, now: Time, pace: Pace) {
        let now_ns = now.as_nanos() as f64;
        self.pace = pace;
        self.last_ns = self
            .last_ns
            .map(|last_ns| last_ns.max(now_ns - pace.interval_ns));
    }

    /// Lets one pass. Returns the time under which it is kept.
    ///
    /// # Errors
    /// When to ask again; somewhat later if other shards may ask for the same one.
    fn take(&mut self, now: Time) -> Result<Time, Time> {
        let Pace {
            interval_ns,
            made_up_ns,
            span_max,
            stagger,
            ..
        } = self.pace;
        let now_ns = now.as_nanos() as f64;
        let next_ns = self.last_ns.map_or(now_ns, |last_ns| last_ns + interval_ns);
        let next_ns = next_ns.max(now_ns - made_up_ns);
        if next_ns > now_ns {
            return Err(Time::from_nanos(next_ns.ceil() as u64) + stagger);
        }
        while self.passed.front().is_some_and(|first| *first + SPAN < now) {
            self.passed.pop_front();
        }
        if self.passed.len() >= span_max {
            let first = self.passed[self.passed.len() - span_max];
            return Err((first + SPAN).plus_nanos(1));
        }
        self.last_ns = Some(next_ns);
        Ok(self.keep(now))
    }

    /// One that was let pass is not used.
    fn give_back(&mut self, kept: Time) {
        if self.forget(kept) {
            self.last_ns = self.last_ns.map(|last_ns| last_ns - self.pace.interval_ns);
        }
    }

    /// One that was let pass did so by `passed` at the latest.
    fn settle(&mut self, kept: Time, passed: Time) {
        if passed > kept {
            self.forget(kept);
            self.keep(passed);
        }
    }

    fn keep(&mut self, at: Time) -> Time {
        // Shards read the clock before they come here.
        let at = self.passed.back().map_or(at, |last| at.max(*last));
        self.passed.push_back(at);
        at
    }

    fn forget(&mut self, kept: Time) -> bool {
        let place = self.passed.iter().rposition(|at| *at == kept);
        place.and_then(|place| self.passed.remove(place)).is_some()
    }
}

/// The queries of one shard under a limit on their rate.
#[derive(Debug)]
pub(crate) struct Pacer {
    limit: Option<Arc<RateLimit>>,
    /// The time of one that may pass and has not.
    taken: Option<Time>,
}

impl Pacer {
    pub(crate) fn new(limit: Option<Arc<RateLimit>>) -> Self {
        Self { limit, taken: None }
    }

    /// Whether there is a limit.
    #[inline]
    pub(crate) fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// When to ask again; `None` when one may pass in this turn.
    #[inline]
    pub(crate) fn hold(&mut self, now: Time) -> Option<Time> {
        let limit = self.limit.as_ref()?;
        if self.taken.is_some_and(|kept| kept >= now) {
            return None;
        }
        let mut passage = limit.passage();
        if let Some(unused) = self.taken.take() {
            passage.give_back(unused);
        }
        match limit.take(&mut passage, now) {
            Ok(kept) => {
                self.taken = Some(kept);
                None
            }
            Err(at) => Some(at),
        }
    }

    /// One passed, by `now` at the latest: a reading of the clock after it.
    #[inline]
    pub(crate) fn pass(&mut self, now: Time) {
        let Some(limit) = &self.limit else {
            return;
        };
        let mut passage = limit.passage();
        match self.taken.take() {
            Some(kept) => passage.settle(kept, now),
            None => {
                let interval_ns = passage.pace.interval_ns;
                passage.last_ns = passage.last_ns.map(|last_ns| last_ns + interval_ns);
                passage.keep(now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caps::Caps;

    use proptest::prelude::*;

    fn whole() -> CapShare {
        CapShare::new(Caps {
            rate_per_second: Some(1.0),
            ..Caps::default()
        })
    }

    fn limit(rate_per_second: f64, shards: usize) -> Arc<RateLimit> {
        Arc::new(RateLimit::new(rate_per_second, shards, true, &whole()))
    }

    fn pacer(rate_per_second: f64) -> Pacer {
        Pacer::new(Some(limit(rate_per_second, 1)))
    }

    fn at_us(at_us: u64) -> Time {
        Time::from_nanos(at_us * 1_000)
    }

    /// Everything that passes until `end` in turns that are late by `late_us`, over and over.
    fn passed(pacers: &mut [Pacer], late_us: &[u64], end: Time) -> Vec<Time> {
        let mut passed = Vec::new();
        let mut now = Time::ZERO;
        for late_us in late_us.iter().cycle() {
            let mut next = Time::MAX;
            for pacer in &mut *pacers {
                loop {
                    match pacer.hold(now) {
                        None => pacer.pass(now),
                        Some(at) => {
                            next = next.min(at);
                            break;
                        }
                    }
                    passed.push(now);
                }
            }
            now = next + Duration::from_micros(*late_us);
            if now >= end {
                break;
            }
        }
        passed
    }

    /// The most within 100 ms, both ends included.
    fn most_in_span(passed: &[Time]) -> usize {
        let mut first = 0;
        let counts = passed.iter().enumerate().map(|(last, at)| {
            while passed[first] + SPAN < *at {
                first += 1;
            }
            last + 1 - first
        });
        counts.max().unwrap_or(0)
    }

    #[test]
    fn the_rate_is_kept_and_reached() {
        for (rate, span_max) in [
            (0.5, 1),
            (5.0, 1),
            (25.0, 3),
            (500.0, 51),
            (5_000.0, 501),
            (50_000.0, 5_010),
        ] {
            let passed = passed(&mut [pacer(rate)], &[0], at_us(10_000_000));
            assert_eq!(passed.len(), (rate * 10.0) as usize, "{rate}");
            assert_eq!(
                most_in_span(&passed),
                span_max.min((rate / 10.0) as usize + 1)
            );
            assert_eq!(super::span_max(rate), span_max);
        }
    }

    #[test]
    fn late_turns_do_not_add_up() {
        for rate in [20.0, 500.0, 5_000.0, 50_000.0] {
            let late_us = [0, 60, 130, 40, 900, 20, 100];
            let passed = passed(&mut [pacer(rate)], &late_us, at_us(100_000_000));
            let missing = (rate * 100.0) as usize - passed.len();
            assert!(
                missing as f64 <= 1.0 + rate / 500.0,
                "{rate}: {missing} are missing"
            );
            assert!(most_in_span(&passed) <= span_max(rate));
        }
    }

    #[test]
    fn a_long_wait_is_made_up_for_within_the_law() {
        let mut pacer = pacer(50.0);
        let mut burst = |now| {
            let passed = std::iter::from_fn(|| {
                let hold = pacer.hold(now);
                hold.is_none().then(|| pacer.pass(now))
            });
            passed.count()
        };
        assert_eq!(burst(at_us(0)), 1);
        assert_eq!(burst(at_us(60_000)), 3);
        // A hundred seconds are lost but for 100 ms of them.
        assert_eq!(burst(at_us(100_000_000)), 6);
        assert_eq!(burst(at_us(100_100_000)), 0);
        assert_eq!(burst(at_us(100_100_001)), 5);
    }

    #[test]
    fn without_a_schedule_a_long_wait_is_made_up_for_by_2_ms_or_one() {
        for (rate, most) in [(50.0, 2), (5_000.0, 11)] {
            let mut pacer = Pacer::new(Some(RateLimit::new(rate, 1, false, &whole()).into()));
            for (at_s, expected) in [(0, 1), (10, most)] {
                let now = at_us(at_s * 1_000_000);
                let burst = std::iter::from_fn(|| {
                    let hold = pacer.hold(now);
                    hold.is_none().then(|| pacer.pass(now))
                });
                assert_eq!(burst.count(), expected, "{rate}");
            }
        }
    }

    #[test]
    fn one_that_was_let_pass_and_did_not_costs_nothing() {
        let mut pacer = pacer(1_000.0);
        for at in 0..50 {
            assert_eq!(pacer.hold(at_us(at)), None);
        }
        pacer.pass(at_us(60));
        assert_eq!(pacer.hold(at_us(70)), Some(at_us(1_000)));
    }

    #[test]
    fn one_counts_from_when_it_has_passed_for_certain() {
        // At most two pass within 100 ms.
        let mut pacer = pacer(10.0);
        assert_eq!(pacer.hold(at_us(0)), None);
        pacer.pass(at_us(150_000));
        assert_eq!(pacer.hold(at_us(150_000)), None);
        pacer.pass(at_us(150_000));
        let after = Time::from_nanos(250_000_001);
        assert_eq!(pacer.hold(at_us(200_000)), Some(after));
        assert_eq!(pacer.hold(after), None);
    }

    #[test]
    fn shards_share_a_limit() {
        let limit = limit(5_000.0, 4);
        let mut pacers: Vec<Pacer> = (0..4)
            .map(|_| Pacer::new(Some(Arc::clone(&limit))))
            .collect();
        let all = passed(&mut pacers, &[80, 0, 300], at_us(10_000_000));
        assert!(most_in_span(&all) <= 501);
        assert!((49_990..=50_000).contains(&all.len()), "{}", all.len());
        // Alone, one has all of it.
        let mut one = [Pacer::new(Some(
            RateLimit::new(5_000.0, 4, true, &whole()).into(),
        ))];
        let alone = passed(&mut one, &[80], at_us(10_000_000)).len();
        assert!((49_990..=50_000).contains(&alone), "{alone}");
    }

    #[test]
    fn a_share_that_changes_is_kept_and_reached_at_once_and_nothing_is_made_up_for() {
        let share = whole();
        let mut pacer = Pacer::new(Some(RateLimit::new(1_000.0, 1, true, &share).into()));
        let mut in_second = |second: u64, part: f64| {
            let begin = at_us(second * 1_000_000);
            share.set(begin, part);
            let (mut now, mut passed) = (begin, 0);
            while now < begin + Duration::from_secs(1) {
                match pacer.hold(now) {
                    None => {
                        pacer.pass(now);
                        passed += 1;
                    }
                    Some(at) => {
                        assert!(part == 1.0 || at <= now + SHARE_LOOK);
                        now = at;
                    }
                }
            }
            passed
        };
        assert_eq!(in_second(0, 1.0), 1_000);
        // It waits until what passed at the higher rate is out of the last 100 ms.
        assert!((470..=501).contains(&in_second(1, 0.5)));
        assert!((998..=1_001).contains(&in_second(2, 1.0)));
        assert!(in_second(3, 0.005) <= 5);
        // Nothing was asked for during a minute.
        assert!((998..=1_001).contains(&in_second(60, 1.0)));
    }

    proptest! {
        #[test]
        fn no_span_has_more_than_its_part_and_one(
            rate in 1.0..30_000.0f64,
            late_us in proptest::collection::vec(0..250_000u64, 1..20),
            shards in 1..5usize,
        ) {
            let limit = limit(rate, shards);
            let mut pacers: Vec<Pacer> = (0..shards)
                .map(|_| Pacer::new(Some(Arc::clone(&limit))))
                .collect();
            let passed = passed(&mut pacers, &late_us, at_us(2_000_000));
            prop_assert!(most_in_span(&passed) <= span_max(rate));
            prop_assert!(passed.len() as f64 <= rate * 2.0 + 1.0);
        }
    }
}
