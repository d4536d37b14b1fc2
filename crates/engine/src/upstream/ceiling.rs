//! The most queries that an upstream takes at once, if it shows that it has such a limit.
//!
//! A forwarder has a table of the queries that it has passed on. When that is full it refuses more
//! (dnsmasq), fails them (BIND), or drops them (Unbound). A rate that fits while answers are fast is
//! too much when they are slow, so such a limit is kept to as what it is: a limit on what is in
//! flight. It shows by failures that come where much was in flight, and not where little was.

use std::time::Duration;

use canvass_model::Time;

/// Levels are quarters of octaves, up to 2^16 queries in flight.
const STEPS: usize = 4;
const LEVELS: usize = 16 * STEPS;
/// Failures between two looks.
const FAILURES_PER_LOOK: u32 = 16;
/// The fewest queries below the limit that were answered.
const ANSWERED_MIN: f32 = 32.0;
/// The share of failures above the limit, at least, and below it, at most; and how many times as
/// high the former must be.
const FAILED_ABOVE_MIN: f32 = 0.25;
const FAILED_BELOW_MAX: f32 = 0.15;
const FAILED_RATIO_MIN: f32 = 4.0;
/// By how many standard deviations the two must differ: each look could be wrong by chance, and
/// there are many.
const DEVIATIONS_MIN: f32 = 5.0;
/// Queries after which older ones count half, as they do after each look.
const COUNTED_MAX: f32 = 8_192.0;
/// How much of the limit is used.
const USED: f32 = 0.85;
/// The lowest limit that is believed.
const LIMIT_MIN: f32 = 8.0;
/// After how long a limit is forgotten: the upstream may be another by then.
const MEMORY: Duration = Duration::from_secs(30);

/// How many queries were answered and how many failed, by how many were in flight.
#[derive(Debug)]
pub(super) struct Ceiling {
    answered: [f32; LEVELS],
    failed: [f32; LEVELS],
    /// The sum of what was in flight at these failures.
    failed_at: [f32; LEVELS],
    counted: f32,
    /// Failures since the last look.
    fresh: u32,
    limit: Option<u32>,
    found: Time,
    /// The limit that others have found, or this one's part of it, and when that was said last.
    known: Option<u32>,
    known_at: Time,
}

impl Default for Ceiling {
    fn default() -> Self {
        Self {
            answered: [0.0; LEVELS],
            failed: [0.0; LEVELS],
            failed_at: [0.0; LEVELS],
            counted: 0.0,
            fresh: 0,
            limit: None,
            found: Time::ZERO,
            known: None,
            known_at: Time::ZERO,
        }
    }
}

impl Ceiling {
    /// The most that may be in flight, if that is known.
    pub(super) fn limit(&self) -> Option<u32> {
        match (self.limit, self.known) {
            (Some(limit), Some(known)) => Some(limit.min(known)),
            (limit, known) => limit.or(known),
        }
    }

    /// The limit that was found here.
    pub(super) fn found(&self) -> Option<u32> {
        self.limit
    }

    /// Keeps to a limit that others have found, until it is old.
    pub(super) fn know(&mut self, now: Time, known: Option<u32>) {
        self.known = known;
        self.known_at = now;
    }

    /// A query was answered, before which so many were in flight.
    pub(super) fn on_answered(&mut self, in_flight: u32) {
        self.answered[level_of(in_flight)] += 1.0;
        self.count();
    }

    /// A query failed, or was not answered, before which so many were in flight.
    pub(super) fn on_failed(&mut self, now: Time, in_flight: u32) {
        let level = level_of(in_flight);
        self.failed[level] += 1.0;
        self.failed_at[level] += in_flight as f32;
        self.count();
        self.fresh += 1;
        if self.fresh >= FAILURES_PER_LOOK {
            self.fresh = 0;
            self.look(now);
            self.fade();
        }
    }

    /// Forgets a limit that was found long ago.
    pub(super) fn age(&mut self, now: Time) {
        if self.known.is_some() && now.since(self.known_at) >= MEMORY {
            self.known = None;
        }
        if self.limit.is_some() && now.since(self.found) >= MEMORY {
            *self = Self {
                known: self.known,
                known_at: self.known_at,
                ..Self::default()
            };
        }
    }

    fn count(&mut self) {
        self.counted += 1.0;
        if self.counted >= COUNTED_MAX {
            self.fade();
        }
    }

    fn fade(&mut self) {
        self.counted /= 2.0;
        let counts = self.answered.iter_mut().chain(&mut self.failed);
        counts
            .chain(&mut self.failed_at)
            .for_each(|count| *count /= 2.0);
    }

    /// Looks for the level that parts answers from failures best.
    fn look(&mut self, now: Time) {
        let answered: f32 = self.answered.iter().sum();
        let failed: f32 = self.failed.iter().sum();
        let (mut answered_below, mut failed_below) = (0.0, 0.0);
        let mut best: Option<(f32, usize)> = None;
        for level in 0..LEVELS {
            let above = share(failed - failed_below, answered - answered_below);
            let below = share(failed_below, answered_below);
            let count_below = answered_below + failed_below;
            let deviation = deviation(failed, answered, count_below);
            let parts = self.failed[level] > 0.5
                && answered_below >= ANSWERED_MIN
                && failed - failed_below >= FAILURES_PER_LOOK as f32 / 2.0
                && above >= FAILED_ABOVE_MIN.max(below * FAILED_RATIO_MIN)
                && below <= FAILED_BELOW_MAX
                && above - below >= DEVIATIONS_MIN * deviation;
            if parts && best.is_none_or(|(gap, _)| above - below > gap) {
                best = Some((above - below, level));
            }
            answered_below += self.answered[level];
            failed_below += self.failed[level];
        }
        let Some((_, level)) = best else {
            return;
        };
        let mean = self.failed_at[level] / self.failed[level];
        let limit = (mean * USED).max(LIMIT_MIN) as u32;
        if self.limit.is_none_or(|known| limit < known) {
            self.limit = Some(limit);
            self.found = now;
        }
    }
}

fn share(part: f32, rest: f32) -> f32 {
    part / (part + rest).max(1.0)
}

/// The standard deviation of the difference between the shares of two groups, one of which has
/// `first` of all queries, if both fail alike.
fn deviation(failed: f32, answered: f32, first: f32) -> f32 {
    let all = failed + answered;
    let mean = share(failed, answered);
    let second = (all - first).max(1.0);
    (mean * (1.0 - mean) * (1.0 / first.max(1.0) + 1.0 / second)).sqrt()
}

fn level_of(in_flight: u32) -> usize {
    let octaves = (in_flight.max(1) as f32).log2();
    ((octaves * STEPS as f32) as usize).min(LEVELS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has a limit of `limit` be seen while what is in flight rises to `top`.
    fn seen(limit: u32, top: u32, failed: impl Fn(u32) -> bool) -> Option<u32> {
        let mut ceiling = Ceiling::default();
        for in_flight in 0..top {
            if in_flight >= limit || failed(in_flight) {
                ceiling.on_failed(Time::ZERO, in_flight);
            } else {
                ceiling.on_answered(in_flight);
            }
        }
        ceiling.limit()
    }

    #[test]
    fn a_table_that_is_full_is_found_and_not_filled() {
        let limit = seen(150, 190, |_| false).expect("a limit");
        assert!((100..150).contains(&limit), "{limit}");
        let limit = seen(1_024, 1_300, |_| false).expect("a limit");
        assert!((700..1_024).contains(&limit), "{limit}");
    }

    #[test]
    fn loss_that_is_the_same_everywhere_is_no_limit() {
        for every in [3, 5, 10] {
            let failed = |in_flight: u32| in_flight.is_multiple_of(every);
            assert_eq!(seen(u32::MAX, 2_000, failed), None);
        }
    }

    #[test]
    fn a_limit_that_others_have_found_holds_until_it_is_old_and_a_lower_one_is_found() {
        let mut ceiling = Ceiling::default();
        ceiling.know(Time::ZERO, Some(40));
        assert_eq!((ceiling.limit(), ceiling.found()), (Some(40), None));
        for in_flight in 0..20 {
            for _ in 0..4 {
                ceiling.on_answered(in_flight);
            }
        }
        for in_flight in 20..40 {
            ceiling.on_failed(Time::ZERO, in_flight);
            ceiling.on_failed(Time::ZERO, in_flight);
        }
        let found = ceiling.found().expect("a limit");
        assert!(found < 40 && ceiling.limit() == Some(found), "{found}");
        let later = Time::ZERO + MEMORY;
        ceiling.know(later, Some(30));
        ceiling.age(later);
        assert_eq!((ceiling.limit(), ceiling.found()), (Some(30), None));
        ceiling.age(later + MEMORY);
        assert_eq!(ceiling.limit(), None);
    }

    #[test]
    fn it_is_forgotten_after_half_a_minute() {
        let mut ceiling = Ceiling::default();
        for in_flight in 0..150 {
            ceiling.on_answered(in_flight);
        }
        for in_flight in 150..200 {
            ceiling.on_failed(Time::ZERO, in_flight);
        }
        assert!(ceiling.limit().is_some());
        ceiling.age(Time::ZERO + Duration::from_secs(29));
        assert!(ceiling.limit().is_some());
        ceiling.age(Time::ZERO + Duration::from_secs(30));
        assert_eq!(ceiling.limit(), None);
    }
}
