//! How fast an upstream is asked: the search for the rate that it sustains.
//!
//! Loss alone is no signal: a path that drops one packet in ten does so at any rate, and halving the
//! rate for it ends at nothing. What counts is the effect of a change of rate. Each epoch is judged,
//! once its answers are due, by the share of its queries that were answered. While a higher rate is
//! answered as well as a lower one, the rate goes up. If the share falls, or answers queue up, there
//! is a plateau: the rate goes just below what was delivered, and the search tries higher rates now
//! and then. If a lower rate does not help, the loss has another reason, and the rate goes back (the
//! idea of BBR, with the caution of RFC 9743).
//!
//! Only first queries count here. Most of those that are sent again cannot be answered, so they do
//! not measure a rate.

use std::collections::VecDeque;
use std::time::Duration;

use canvass_model::Time;

use super::epoch::Epoch;

/// The rate at the start, in queries per second.
const RATE_FIRST: f64 = 1_000.0;
/// The lowest rate.
const RATE_MIN: f64 = 10.0;
/// A rate that nothing can send at.
const RATE_TOP: f64 = 10_000_000.0;
/// The fewest queries of an epoch whose share of answers is significant.
pub(super) const EPOCH_SENT_MIN: u32 = 32;
/// The part of the share of answers that may be missing in an epoch by chance.
const SHARE_TOLERANCE: f64 = 0.10;
/// Answers that may queue at the peer, in packets, before the queue counts as its limit.
const QUEUE_MAX: f64 = 256.0;
/// Answers are queued if they take longer than twice the usual time and this.
const QUEUE_SPAN: Duration = Duration::from_millis(10);
/// The rate below a plateau, as a share of what was delivered on it.
const UNDER_PLATEAU: f64 = 0.95;
/// The same while a queue at the peer drains.
const UNDER_LINE: f64 = 0.75;
/// After how long a plateau is tested again, at first and at most.
const PROBE_FIRST: Duration = Duration::from_millis(250);
const PROBE_MAX: Duration = Duration::from_secs(4);
/// The first step of such a test. Each that succeeds is followed by its square.
const PROBE_STEP: f64 = 1.1;
const PROBE_STEP_MAX: f64 = 2.0;
/// A test that ends higher by this factor has found that conditions have changed.
const PROBE_GAIN: f64 = 1.2;
/// Epochs whose best delivery is remembered, so that one bad epoch is not taken for a limit.
const PEAKS: usize = 16;

/// Why the rate is what it is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// No limit has been found: the rate doubles.
    Startup,
    /// It is below a plateau, which is tested again at this time.
    Cruise { probe_at: Time },
    /// The plateau is being tested.
    Probe(Probe),
    /// It went down, to test whether that helps.
    Cut(Cut),
}

/// A step up, and the state before it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Probe {
    /// The rate of the first step.
    began_at: f64,
    /// The last rate that was answered well, and what it delivered.
    safe: f64,
    delivered: f64,
    step: f64,
}

/// A step down, and the state before it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cut {
    from: f64,
    /// The setting that was too much.
    setting: u32,
    share: f64,
    median_ns: Option<u64>,
    in_startup: bool,
    lossy: bool,
    /// Where the test began that led to this, if one did.
    probed_from: Option<f64>,
    /// The next epoch still has the queue of the one before it.
    draining: bool,
}

/// What an epoch showed.
#[derive(Clone, Copy, Debug)]
struct Verdict {
    share: f64,
    /// Answers per second.
    delivered: f64,
    median_ns: Option<u64>,
    used: bool,
    lossy: bool,
    slow: bool,
}

/// The search for the rate that one upstream sustains on one transport.
#[derive(Debug)]
pub(super) struct RateSearch {
    rate: f64,
    rate_max: f64,
    /// Whether these are datagrams: they can be lost, and a queue of them at the peer soon is,
    /// since the buffer of a socket is short.
    datagrams: bool,
    phase: Phase,
    probe_interval: Duration,
    /// The share of queries that is answered in time when nothing is wrong with the rate.
    share: f64,
    /// The least median of an epoch, in ns: what a round trip takes without a queue.
    median_ns: Option<u64>,
    median_settled: bool,
    delivered: f64,
    /// The best delivery of the last epochs.
    peaks: VecDeque<f64>,
    /// What each epoch delivered that was sent at the rate that was too high.
    overloads: Vec<f64>,
    /// The last epoch was short of answers, and the one before it was not.
    warned: bool,
    plateau_seen: bool,
    setting: u32,
}

impl RateSearch {
    /// Starts low, and never exceeds `rate_max` queries per second.
    pub(super) fn new(rate_max: f64, datagrams: bool) -> Self {
        Self {
            rate: RATE_FIRST.min(rate_max),
            rate_max,
            datagrams,
            phase: Phase::Startup,
            probe_interval: PROBE_FIRST,
            share: 1.0,
            median_ns: None,
            median_settled: false,
            delivered: 0.0,
            peaks: VecDeque::new(),
            overloads: Vec::new(),
            warned: false,
            plateau_seen: false,
            setting: 0,
        }
    }

    /// Starts at another rate, unless it is lower than usual.
    pub(super) fn start_at(&mut self, rate_per_second: f64) {
        self.set_rate(rate_per_second.max(RATE_FIRST));
    }

    /// The rate to send at, in queries per second.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// The number of changes of the rate, to tell the epochs of the present one.
    pub(super) fn setting(&self) -> u32 {
        self.setting
    }

    /// What the last epoch delivered, in answers per second.
    pub(super) fn delivered(&self) -> f64 {
        self.delivered
    }

    /// The share of queries that is answered in time when nothing is wrong with the rate.
    pub(super) fn share(&self) -> f64 {
        self.share
    }

    /// What a round trip takes without a queue, in ns; `None` until there was one.
    pub(super) fn median_ns(&self) -> Option<u64> {
        self.median_ns
    }

    pub(super) fn plateau_seen(&self) -> bool {
        self.plateau_seen
    }

    /// Whether a queue at the peer must drain before anything else.
    pub(super) fn is_draining(&self) -> bool {
        matches!(self.phase, Phase::Cut(Cut { draining: true, .. }))
    }

    /// An answer was received. The first one gives a rough round-trip time.
    pub(super) fn on_round_trip(&mut self, round_trip_ns: u64) {
        self.median_ns.get_or_insert(round_trip_ns.max(1));
    }

    /// The peer is back: starts again from half of the rate before.
    pub(super) fn restart(&mut self) {
        self.set_rate((self.best() / 2.0).max(RATE_FIRST));
        self.phase = Phase::Startup;
    }

    /// Whether an epoch has fewer answers than it should.
    pub(super) fn is_short(&self, epoch: &Epoch) -> bool {
        let share = epoch.share();
        let deviation = (share * (1.0 - share) / f64::from(epoch.sent.max(1))).sqrt();
        let tolerance = (SHARE_TOLERANCE * self.share).max(3.0 * deviation);
        share < self.share - tolerance
    }

    /// Judges an epoch whose answers are due, and sets the rate accordingly.
    pub(super) fn judge(&mut self, now: Time, epoch: &Epoch) {
        // Without any answer the rate is not judged: the health monitor decides whether the peer is
        // alive.
        if epoch.sent < EPOCH_SENT_MIN / 4 || epoch.answered == 0 {
            return;
        }
        let span_s = epoch.ended.since(epoch.began).as_secs_f64().max(1e-6);
        let share = epoch.share();
        let sent = f64::from(epoch.left) / span_s;
        let delivered = sent * share;
        let median_ns = epoch.round_trips.median_ns();
        let short = self.is_short(epoch);
        let slow = match (median_ns, self.median_ns) {
            (Some(median), Some(usual)) => self.is_slow(median, usual, delivered),
            _ => false,
        };
        let verdict = Verdict {
            share,
            delivered,
            median_ns,
            // The rate was what limited it, and not this side or the limit on what is in flight.
            used: epoch.held_back && sent >= self.rate * 0.7,
            lossy: short && self.datagrams,
            slow: slow || short && !self.datagrams,
        };
        if let Some(median) = median_ns {
            // The first figure was that of a single answer.
            let known = self.median_ns.filter(|_| self.median_settled);
            self.median_ns = Some(known.map_or(median, |usual| usual.min(median)));
            self.median_settled = true;
        }
        match self.phase {
            _ if epoch.setting == self.setting => {
                self.delivered = delivered;
                self.decide(now, &verdict);
            }
            // More epochs of the rate that was too high: a bucket or a buffer may have hidden the
            // limit from the first ones, but not from these.
            Phase::Cut(cut) if verdict.lossy && cut.setting == epoch.setting => {
                let rate = self.capacity(&verdict) * UNDER_PLATEAU;
                if rate < self.rate {
                    self.set_rate(rate);
                }
            }
            // The rate went up meanwhile, because of the first epochs of this one.
            Phase::Startup | Phase::Probe(_) if verdict.lossy => self.overloaded(now, &verdict),
            _ => {}
        }
    }

    fn is_slow(&self, median_ns: u64, usual_ns: u64, delivered: f64) -> bool {
        let over_ns = median_ns.saturating_sub(usual_ns);
        let in_line = delivered * over_ns as f64 / 1e9;
        over_ns > usual_ns + QUEUE_SPAN.as_nanos() as u64
            || self.datagrams && in_line > QUEUE_MAX && over_ns > usual_ns
    }

    fn decide(&mut self, now: Time, verdict: &Verdict) {
        if let Phase::Cut(Cut {
            draining: draining @ true,
            ..
        }) = &mut self.phase
        {
            *draining = false;
            return;
        }
        if verdict.lossy || verdict.slow {
            // One bad epoch below a plateau may be chance; two are not.
            let calm = matches!(self.phase, Phase::Cruise { .. }) && !verdict.slow;
            if calm && !std::mem::replace(&mut self.warned, true) {
                return;
            }
            self.overloaded(now, verdict);
            return;
        }
        self.warned = false;
        self.learn(verdict);
        let delivered = verdict.delivered;
        match self.phase {
            Phase::Startup if verdict.used => self.set_rate(self.rate * 2.0),
            Phase::Cruise { probe_at } if verdict.used && now >= probe_at => {
                let safe = self.rate;
                let step = PROBE_STEP;
                self.phase = Phase::Probe(Probe {
                    began_at: safe,
                    safe,
                    delivered,
                    step,
                });
                self.set_rate(safe * step);
            }
            Phase::Startup | Phase::Cruise { .. } => {}
            Phase::Probe(probe)
                if verdict.used
                    && delivered >= probe.delivered * (1.0 + (probe.step - 1.0) / 2.0) =>
            {
                let step = (probe.step * probe.step).min(PROBE_STEP_MAX);
                self.phase = Phase::Probe(Probe {
                    safe: self.rate,
                    delivered,
                    step,
                    ..probe
                });
                self.set_rate(self.rate * step);
            }
            Phase::Probe(probe) => {
                self.set_rate(probe.safe);
                self.cruise(
                    now,
                    probe.safe > probe.began_at * PROBE_GAIN || !verdict.used,
                );
            }
            // The bad epoch was chance.
            Phase::Cut(cut) if cut.lossy && !self.helped(&cut, verdict) => self.resume(now, &cut),
            Phase::Cut(cut) => {
                // The queue is gone, or the loss is: back to the best that was delivered.
                let best = self.best() * UNDER_PLATEAU;
                if best > self.rate {
                    self.set_rate(best.min(cut.from));
                }
                self.cruise(
                    now,
                    cut.probed_from
                        .is_none_or(|from| self.rate > from * PROBE_GAIN),
                );
            }
        }
    }

    /// Learns from an epoch with which nothing was wrong.
    fn learn(&mut self, verdict: &Verdict) {
        // A much better share is adopted at once, other changes slowly, and a worse one not if a
        // queue explains it.
        let in_line = match (verdict.median_ns, self.median_ns) {
            (Some(median), Some(usual)) => median > usual * 2,
            _ => false,
        };
        let weight = match verdict.share {
            share if share > self.share * (1.0 + SHARE_TOLERANCE) => 0.5,
            share if share < self.share && in_line => 0.0,
            _ => 0.1,
        };
        self.share += (verdict.share - self.share) * weight;
        if self.peaks.len() >= PEAKS {
            self.peaks.pop_front();
        }
        self.peaks.push_back(verdict.delivered);
        // A rate far above what was delivered lately permits a burst (RFC 7661 §4).
        if !verdict.used {
            let proven = (self.best() * 2.0).max(RATE_FIRST);
            if self.rate > proven {
                self.rate = proven.min(self.rate_max);
            }
        }
    }

    /// The rate that was answered best lately.
    fn best(&self) -> f64 {
        self.peaks.iter().copied().fold(0.0, f64::max) / self.share.max(0.05)
    }

    fn overloaded(&mut self, now: Time, verdict: &Verdict) {
        if let Phase::Cut(cut) = self.phase {
            let share_helped = verdict.share > cut.share + (self.share - cut.share) * 0.3;
            let median_helped = match (verdict.median_ns, cut.median_ns) {
                (Some(median), Some(before)) => median < before / 10 * 7,
                _ => true,
            };
            if verdict.lossy && !share_helped || !verdict.lossy && !median_helped {
                // A lower rate did not help: the reason is another.
                if verdict.lossy && !verdict.slow {
                    self.share = verdict.share;
                }
                if verdict.slow {
                    self.median_ns = verdict.median_ns;
                }
                self.resume(now, &cut);
                return;
            }
        }
        self.plateau_seen = true;
        self.overloads.clear();
        self.phase = Phase::Cut(Cut {
            from: self.rate,
            setting: self.setting,
            share: verdict.share,
            median_ns: verdict.median_ns,
            in_startup: matches!(self.phase, Phase::Startup),
            lossy: verdict.lossy,
            probed_from: match self.phase {
                Phase::Probe(probe) => Some(probe.began_at),
                Phase::Cut(cut) => cut.probed_from,
                _ => None,
            },
            draining: verdict.slow,
        });
        let capacity = self.capacity(verdict);
        let under = if verdict.slow {
            UNDER_LINE
        } else {
            UNDER_PLATEAU
        };
        self.set_rate((capacity * under).min(self.rate * 0.9));
    }

    /// Whether the share of answers rose as it must if a peer with a limit is asked less.
    fn helped(&self, cut: &Cut, verdict: &Verdict) -> bool {
        let hoped = (cut.share * cut.from / self.rate).min(self.share);
        !verdict.used || verdict.share >= (cut.share + hoped) / 2.0
    }

    /// Goes back to where a step down began, since the rate was not the reason.
    fn resume(&mut self, now: Time, cut: &Cut) {
        self.set_rate(cut.from);
        if cut.in_startup {
            self.plateau_seen = false;
            self.phase = Phase::Startup;
        } else {
            self.cruise(now, false);
        }
    }

    /// The limit of the peer, by its overloaded epochs: the median of what they delivered, since the
    /// first may have used up a reserve and any may be an outlier; divided by the share that is
    /// answered at any rate.
    fn capacity(&mut self, verdict: &Verdict) -> f64 {
        self.overloads.push(verdict.delivered);
        let mut sorted = self.overloads.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted[sorted.len() / 2];
        if verdict.lossy {
            // What was delivered before came out of a reserve (a bucket, a buffer).
            self.peaks.clear();
        }
        self.peaks.push_back(middle);
        middle / self.share.max(0.05)
    }

    /// Stays below the plateau. `changed` says that conditions are not as they were when it was
    /// last tested, so that the next test comes soon.
    fn cruise(&mut self, now: Time, changed: bool) {
        if changed {
            self.probe_interval = PROBE_FIRST;
        }
        self.phase = Phase::Cruise {
            probe_at: now + self.probe_interval,
        };
        self.probe_interval = (self.probe_interval * 2).min(PROBE_MAX);
    }

    fn set_rate(&mut self, rate: f64) {
        self.rate = rate.clamp(RATE_MIN, RATE_TOP).min(self.rate_max);
        self.setting += 1;
    }
}
