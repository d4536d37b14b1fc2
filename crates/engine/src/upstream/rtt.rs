//! The round-trip times of an upstream, its slow answers included.
//!
//! A recursive resolver answers from its cache in a millisecond, and a miss takes it most of a
//! second. Statistics over the answers received so far show it as fast until the slow ones arrive,
//! and a client that relies on them sends everything twice. So each span is counted against the
//! queries that have been out at least that long: the share answered after about 800 ms is known
//! once some queries are 800 ms old, and not before. A query that is never answered counts for no
//! span.

use std::time::Duration;

use canvass_model::Time;

/// Spans are counted in quarters of octaves, from 2^14 ns (16 µs) on.
const FIRST_OCTAVE: u32 = 14;
const STEPS: usize = 4;
/// Up to 2^32 ns (4.3 s): longer than any attempt waits by default.
const BUCKETS: usize = (32 - FIRST_OCTAVE as usize) * STEPS;
/// The interval at which the counts decay.
const TICK_NS: u64 = 50_000_000;
/// Ticks of sending that are remembered: as long as the longest span.
const TICKS: usize = 88;
/// What is left of a count after a tick; half of it is gone after 2.4 s.
const FADE: f32 = 0.98;
/// Queries that must have been out for [`PATIENCE_FIRST`] before the quantiles are used.
const RIPE_SENT: f32 = 16.0;

/// The wait for an attempt while nothing is known (RFC 6298 §2.1).
pub(crate) const PATIENCE_FIRST: Duration = Duration::from_secs(1);
/// The shortest wait for an attempt: a busy peer, or this process, may be delayed for that long.
const PATIENCE_MIN: Duration = Duration::from_millis(50);
/// How much longer than the first answers the wait is while little is known: with the first one
/// alone, as RFC 6298 §2.2 has it.
const PATIENCE_EARLY_FIRST: u32 = 3;
const PATIENCE_EARLY: u32 = 2;
/// How much longer than the 99th percentile the wait is, for answers just beyond it.
const PATIENCE_MARGIN: f64 = 1.25;

/// The distribution of round trips.
#[derive(Debug)]
pub(crate) struct RoundTrips {
    answered: [f32; BUCKETS],
    exposed: [f32; BUCKETS],
    /// Queries sent in each of the last ticks, the running one at `tick % TICKS`.
    sent: [u32; TICKS],
    tick: u64,
    patience: Duration,
    /// Whether queries can be lost, so that the first answers tell how long to wait.
    lossy: bool,
    any_answered: bool,
    known: bool,
}

impl RoundTrips {
    /// Those of datagrams, or of queries on streams, which are not lost but may wait in line.
    pub(crate) fn new(datagrams: bool) -> Self {
        Self {
            answered: [0.0; BUCKETS],
            exposed: [0.0; BUCKETS],
            sent: [0; TICKS],
            tick: 0,
            patience: PATIENCE_FIRST,
            lossy: datagrams,
            any_answered: false,
            known: false,
        }
    }

    /// How long to wait for an answer.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// Whether any answer was received.
    pub(crate) fn any_answered(&self) -> bool {
        self.any_answered
    }

    /// Whether it is known how long slow answers take, and not only the first ones.
    pub(crate) fn is_known(&self) -> bool {
        self.known
    }

    /// The median and the 99th percentile of the answers received so far, for the report.
    pub(crate) fn quantiles(&mut self) -> (Duration, Duration) {
        self.learn();
        let seen = |q| self.quantile(q).unwrap_or_default();
        (seen(0.5), seen(0.99))
    }

    pub(crate) fn on_sent(&mut self, now: Time) {
        self.advance(now);
        self.sent[self.tick as usize % TICKS] += 1;
    }

    pub(crate) fn on_answered(&mut self, now: Time, round_trip_ns: u64) {
        self.advance(now);
        self.answered[bucket_of(round_trip_ns)] += 1.0;
        if !self.any_answered {
            self.any_answered = true;
            if !self.lossy {
                return;
            }
            let first = Duration::from_nanos(round_trip_ns);
            self.patience = (first * PATIENCE_EARLY_FIRST).clamp(PATIENCE_MIN, PATIENCE_FIRST);
        }
    }

    fn advance(&mut self, now: Time) {
        let tick = now.as_nanos() / TICK_NS;
        // Answers are dated by their arrival, which may be before what was last sent.
        if tick <= self.tick {
            return;
        }
        // Time without traffic measures nothing, and after a long gap all is forgotten.
        let steps = (tick - self.tick).min(TICKS as u64 * 2);
        for _ in 0..steps {
            self.step();
        }
        self.tick = tick;
        self.sent[tick as usize % TICKS] = 0;
        self.learn();
    }

    /// One tick has passed: what was sent in it is now one tick older.
    fn step(&mut self) {
        for (at, (answered, exposed)) in self.answered.iter_mut().zip(&mut self.exposed).enumerate()
        {
            let age_ticks = (bucket_end_ns(at) / TICK_NS) as usize;
            // `tick % TICKS` is the tick that just ended, and so of age zero.
            let sent = if age_ticks < TICKS {
                self.sent[(self.tick as usize + TICKS - age_ticks) % TICKS]
            } else {
                0
            };
            *answered *= FADE;
            *exposed = (*exposed + sent as f32) * FADE;
        }
        self.tick += 1;
        self.sent[self.tick as usize % TICKS] = 0;
    }

    fn learn(&mut self) {
        let ripe = bucket_of(PATIENCE_FIRST.as_nanos() as u64);
        let is_ripe = self.exposed[ripe] >= RIPE_SENT;
        self.known |= is_ripe;
        if !self.any_answered || (self.known || !self.lossy) && !is_ripe {
            return;
        }
        let Some(p99) = self.quantile(0.99) else {
            return;
        };
        self.patience = if self.known {
            p99.mul_f64(PATIENCE_MARGIN).max(PATIENCE_MIN)
        } else {
            (p99 * PATIENCE_EARLY).clamp(PATIENCE_MIN, PATIENCE_FIRST)
        };
    }

    /// The span within which the share `q` of all answers is received.
    fn quantile(&self, q: f32) -> Option<Duration> {
        let share = |at: usize| {
            if self.exposed[at] >= 1.0 {
                self.answered[at] / self.exposed[at]
            } else {
                // Answers received before any query was that old count as they are.
                self.answered[at].min(1.0) / self.exposed[0].max(1.0)
            }
        };
        let total: f32 = (0..BUCKETS).map(share).sum();
        if total <= 0.0 {
            return None;
        }
        let mut sum = 0.0;
        for at in 0..BUCKETS {
            sum += share(at);
            if sum >= total * q {
                return Some(Duration::from_nanos(bucket_end_ns(at)));
            }
        }
        None
    }
}

fn bucket_of(span_ns: u64) -> usize {
    let span_ns = span_ns.max(1 << FIRST_OCTAVE);
    let octave = 63 - span_ns.leading_zeros();
    let step = (span_ns >> (octave - 2)) as usize & (STEPS - 1);
    ((octave - FIRST_OCTAVE) as usize * STEPS + step).min(BUCKETS - 1)
}

/// The upper bound of a bucket.
fn bucket_end_ns(at: usize) -> u64 {
    let octave = FIRST_OCTAVE + (at / STEPS) as u32;
    ((STEPS + at % STEPS + 1) as u64) << (octave - 2)
}

/// A small histogram for the median of one epoch.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    counts: [u32; BUCKETS],
    total: u32,
}

impl Moment {
    pub(crate) fn new() -> Self {
        Self {
            counts: [0; BUCKETS],
            total: 0,
        }
    }

    pub(crate) fn record(&mut self, span_ns: u64) {
        self.counts[bucket_of(span_ns)] += 1;
        self.total += 1;
    }

    pub(crate) fn median_ns(&self) -> Option<u64> {
        self.percentile_ns(50)
    }

    /// The time within which more than this percentage were answered.
    pub(crate) fn percentile_ns(&self, percentage: u32) -> Option<u64> {
        let mut sum = 0;
        let at = self.counts.iter().position(|count| {
            sum += count;
            sum * 100 > self.total * percentage
        })?;
        (self.total > 0).then(|| bucket_end_ns(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn buckets_hold_their_spans() {
        for span_ns in [1, 16_384, 20_000, MS, 800 * MS, 1_000 * MS, 4_000 * MS] {
            let at = bucket_of(span_ns);
            assert!(bucket_end_ns(at) >= span_ns);
            assert!(at == 0 || bucket_end_ns(at - 1) <= span_ns);
            assert!(bucket_end_ns(at) <= span_ns.max(16_384) * 5 / 4 + 1);
        }
    }

    /// Sends `per_ms` queries per millisecond for `ms` milliseconds; `answer(n)` is how long the
    /// n-th takes, in milliseconds.
    fn run(ms: u64, per_ms: u64, answer: impl Fn(u64) -> Option<u64>) -> RoundTrips {
        let mut trips = RoundTrips::new(true);
        let mut due = std::collections::BTreeMap::<u64, Vec<u64>>::new();
        let mut n = 0;
        for at in 0..ms {
            let now = Time::from_nanos(at * MS);
            for _ in 0..per_ms {
                trips.on_sent(now);
                if let Some(span) = answer(n) {
                    due.entry(at + span).or_default().push(span);
                }
                n += 1;
            }
            for span in due.remove(&at).unwrap_or_default() {
                trips.on_answered(now, span * MS);
            }
        }
        trips
    }

    #[test]
    fn slow_answers_are_waited_for_as_soon_as_they_can_be_known() {
        // 90 % in 1 ms, 9 % in 800 ms, 1 % never.
        let answer = |n: u64| match n % 100 {
            0..90 => Some(1),
            90..99 => Some(800),
            _ => None,
        };
        let early = run(500, 20, answer);
        assert!(!early.is_known());
        assert_eq!(early.patience(), PATIENCE_MIN);
        for ms in [1_500, 3_000, 10_000] {
            let trips = run(ms, 20, answer);
            assert!(trips.is_known());
            let patience = trips.patience();
            assert!(
                patience > Duration::from_millis(850),
                "{patience:?} after {ms} ms"
            );
            assert!(
                patience < Duration::from_millis(1_300),
                "{patience:?} after {ms} ms"
            );
        }
    }

    #[test]
    fn loss_does_not_lengthen_the_wait() {
        let answer = |n: u64| (!n.is_multiple_of(10)).then_some(20 + n % 10);
        let patience = run(1_300, 5, answer).patience();
        assert_eq!(patience, PATIENCE_MIN);
    }

    #[test]
    fn the_first_answer_sets_the_first_wait() {
        assert_eq!(run(10, 1, |_| None).patience(), PATIENCE_FIRST);
        assert_eq!(run(10, 1, |_| Some(1)).patience(), PATIENCE_MIN);
        let patience = run(200, 1, |_| Some(100)).patience();
        let expected = Duration::from_millis(200)..Duration::from_millis(320);
        assert!(expected.contains(&patience), "{patience:?}");
    }
}
