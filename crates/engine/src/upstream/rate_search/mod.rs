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

mod early_look;
mod phase;
mod share;
mod usual_time;

use std::collections::VecDeque;
use std::time::Duration;

use canvass_model::Time;

use super::epoch::Epoch;
use phase::{Cut, Doubt, Phase, Probe, Verdict};
use share::{SHARE_TOLERANCE, Share};
use usual_time::UsualTime;

/// The rate at the start, in queries per second.
const RATE_FIRST: f64 = 1_000.0;
/// The lowest rate.
const RATE_MIN: f64 = 10.0;
/// A rate that nothing can send at.
const RATE_TOP: f64 = 10_000_000.0;
/// The fewest queries of an epoch whose share of answers is significant.
pub(super) const EPOCH_SENT_MIN: u32 = 32;
/// The rate below a plateau, as a share of what was delivered on it.
const UNDER_PLATEAU: f64 = 0.95;
/// The same while a queue at the peer drains.
const UNDER_LINE: f64 = 0.75;
/// After how long a plateau is tested again, at first and at most.
const PROBE_FIRST: Duration = Duration::from_millis(250);
const PROBE_MAX: Duration = Duration::from_secs(4);
/// The first step of such a test. Each that succeeds is followed by its square.
const PROBE_STEP: f64 = 1.1;
const PROBE_STEP_MAX: f64 = 1.25;
/// A test that ends higher by this factor has found that conditions have changed.
const PROBE_GAIN: f64 = 1.2;
/// The step of the rate during startup.
const STARTUP_STEP: f64 = 2.0;
/// Epochs whose best delivery is remembered, so that one bad epoch is not taken for a limit.
const PEAKS: usize = 16;

/// The search for the rate that one upstream sustains on one transport.
#[derive(Debug)]
pub(super) struct RateSearch {
    rate: f64,
    rate_max: f64,
    /// Whether these are datagrams: they can be lost, and a queue of them at the peer soon is,
    /// since the buffer of a socket is short.
    datagrams: bool,
    phase: Phase,
    /// The rate that was given up for the time being, if one was.
    doubt: Option<Doubt>,
    probe_interval: Duration,
    /// The share of queries that is answered in time when nothing is wrong with the rate.
    share: Share,
    /// The share that is answered by when most answers are due.
    share_due: Share,
    usual: UsualTime,
    delivered: f64,
    /// The best delivery of the last epochs.
    peaks: VecDeque<f64>,
    /// What each epoch delivered that was sent at the rate that was too high.
    overloads: Vec<f64>,
    /// The last epoch was short of answers, and the one before it was not.
    warned: bool,
    /// Whether a lower rate was tested since a higher one was.
    tested_below: bool,
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
            doubt: None,
            probe_interval: PROBE_FIRST,
            share: Share::default(),
            share_due: Share::default(),
            usual: UsualTime::new(datagrams),
            delivered: 0.0,
            peaks: VecDeque::new(),
            overloads: Vec::new(),
            warned: false,
            tested_below: false,
            plateau_seen: false,
            setting: 0,
        }
    }

    /// Starts at another rate, unless it is lower than usual.
    pub(super) fn start_at(&mut self, rate_per_second: f64) {
        self.peaks.clear();
        self.peaks.push_back(rate_per_second);
        self.set_rate(rate_per_second.max(RATE_FIRST));
    }

    /// Starts just below a plateau that others have found. It is tested before long.
    pub(super) fn start_below(&mut self, now: Time, rate_per_second: f64) {
        self.peaks.clear();
        self.peaks.push_back(rate_per_second);
        self.doubt = None;
        self.plateau_seen = true;
        self.set_rate(rate_per_second);
        self.cruise(now, true);
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
        self.share.value
    }

    /// What a round trip takes without a queue, in ns; `None` until there was one.
    pub(super) fn median_ns(&self) -> Option<u64> {
        self.usual.median_ns()
    }

    /// How long after the end of an epoch most of its answers are due.
    pub(super) fn due(&self) -> Option<Duration> {
        self.usual.due()
    }

    pub(super) fn plateau_seen(&self) -> bool {
        self.plateau_seen
    }

    /// Whether a queue at the peer must drain before anything else.
    pub(super) fn is_draining(&self) -> bool {
        matches!(self.phase, Phase::Cut(Cut { draining: true, .. }))
    }

    /// An answer was received in this epoch.
    pub(super) fn on_round_trip(&mut self, epoch: &Epoch) {
        self.usual.on_answer(epoch);
    }

    /// The peer is back: starts again from half of the rate before.
    pub(super) fn restart(&mut self) {
        self.set_rate((self.best() / 2.0).max(RATE_FIRST));
        self.phase = Phase::Startup;
    }

    /// Whether the rate is being raised.
    pub(super) fn is_raised(&self) -> bool {
        matches!(self.phase, Phase::Startup | Phase::Probe(_))
    }

    /// Whether an epoch has fewer answers than it should.
    pub(super) fn is_short(&self, epoch: &Epoch) -> bool {
        self.share.is_above(epoch)
    }

    /// Judges an epoch whose answers are due, and sets the rate accordingly.
    pub(super) fn judge(&mut self, now: Time, epoch: &Epoch) {
        // Without any answer the rate is not judged: the health monitor decides whether the peer is
        // alive.
        if epoch.sent < EPOCH_SENT_MIN / 4 || epoch.answered == 0 {
            return;
        }
        let verdict = self.verdict(epoch);
        self.usual.learn(epoch);
        if let Some(doubt) = self.doubt.take_if(|doubt| doubt.setting == epoch.setting) {
            self.resolve(now, doubt, &verdict);
            return;
        }
        match self.phase {
            _ if epoch.setting == self.setting => {
                self.delivered = verdict.delivered;
                self.decide(now, &verdict);
            }
            // More epochs of rates that were too high: a bucket or a buffer may have hidden the limit
            // from the first ones, but not from these.
            Phase::Cut(_) if verdict.lossy => {
                let rate = self.capacity(&verdict) * self.under_plateau();
                if rate < self.rate {
                    self.set_rate(rate);
                }
            }
            // The rate went up meanwhile, because of the first epochs of this one.
            Phase::Startup | Phase::Probe(_) if verdict.lossy || verdict.slow => {
                self.overloaded(now, &verdict);
            }
            Phase::Startup => {
                self.delivered = verdict.delivered;
                self.share.learn(verdict.share, verdict.sent);
                self.remember(verdict.delivered);
            }
            _ => {}
        }
    }

    fn verdict(&self, epoch: &Epoch) -> Verdict {
        let span_s = epoch.ended.since(epoch.began).as_secs_f64().max(1e-6);
        let share = epoch.share();
        let sent_per_second = f64::from(epoch.left) / span_s;
        let delivered = sent_per_second * share;
        let median_ns = epoch.round_trips.median_ns();
        let short = self.is_short(epoch);
        let is_delayed = self.usual.is_exceeded_by(median_ns, delivered);
        Verdict {
            sent: f64::from(epoch.sent),
            sent_per_second,
            share,
            delivered,
            received: f64::from(epoch.received) / span_s,
            median_ns,
            // The rate was what limited it, and not this side or the limit on what is in flight.
            used: epoch.held_back && sent_per_second >= self.rate * 0.7,
            lossy: short && self.datagrams,
            is_delayed,
            slow: is_delayed || short && !self.datagrams,
        }
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
        match self.phase {
            Phase::Startup if verdict.used => self.set_rate(self.rate * STARTUP_STEP),
            // A limit that was taken for loss of the path shows at a lower rate.
            Phase::Cruise { probe_at }
                if now >= probe_at
                    && self.share.value < 1.0 - SHARE_TOLERANCE
                    && !self.tested_below =>
            {
                self.tested_below = true;
                self.cut(verdict);
            }
            Phase::Cruise { probe_at } if verdict.used && now >= probe_at => {
                self.tested_below = false;
                let safe = self.rate;
                let step = PROBE_STEP;
                self.phase = Phase::Probe(Probe {
                    began_at: safe,
                    safe,
                    sent: verdict.sent_per_second,
                    step,
                });
                self.set_rate(safe * step);
            }
            Phase::Startup | Phase::Cruise { .. } => {}
            Phase::Probe(probe)
                if verdict.used
                    && verdict.sent_per_second >= probe.sent * (1.0 + (probe.step - 1.0) / 2.0) =>
            {
                let step = (probe.step * probe.step).min(PROBE_STEP_MAX);
                self.phase = Phase::Probe(Probe {
                    safe: self.rate,
                    sent: verdict.sent_per_second,
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
                let best = self.best() * self.under_plateau();
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
        let in_line = self.usual.is_doubled_by(verdict.median_ns);
        if self.share.is_below(verdict.share, verdict.sent) {
            self.share.sent = self.share.sent.min(verdict.sent);
        }
        if verdict.share >= self.share.value || !in_line {
            self.share.learn(verdict.share, verdict.sent);
        }
        self.remember(verdict.delivered);
        // A rate far above what was delivered lately permits a burst (RFC 7661 §4).
        if !verdict.used {
            let proven = (self.best() * 2.0).max(RATE_FIRST);
            if self.rate > proven {
                self.rate = proven.min(self.rate_max);
            }
        }
    }

    fn remember(&mut self, delivered: f64) {
        if self.peaks.len() >= PEAKS {
            self.peaks.pop_front();
        }
        self.peaks.push_back(delivered);
    }

    /// The rate that was answered best lately.
    fn best(&self) -> f64 {
        self.peaks.iter().copied().fold(0.0, f64::max) / self.share.value.max(0.05)
    }

    fn overloaded(&mut self, now: Time, verdict: &Verdict) {
        if let Phase::Cut(cut) = self.phase {
            let share_helped = verdict.share > cut.share + (self.share.value - cut.share) * 0.3;
            let median_helped = match (verdict.median_ns, cut.median_ns) {
                (Some(median), Some(before)) => median < before / 10 * 7,
                _ => true,
            };
            if verdict.lossy && !share_helped || !verdict.lossy && !median_helped {
                // A lower rate did not help: the reason is another.
                if verdict.lossy && !verdict.slow {
                    self.share = Share {
                        value: verdict.share,
                        sent: verdict.sent,
                    };
                }
                if verdict.slow {
                    self.usual.set(verdict.median_ns);
                }
                if self.datagrams {
                    self.resume(now, &cut);
                } else {
                    // What is sent to a slow stream waits there.
                    self.cruise(now, false);
                }
                return;
            }
        }
        self.plateau_seen = true;
        self.cut(verdict);
    }

    /// Lowers the rate to what was delivered, to see whether that helps.
    fn cut(&mut self, verdict: &Verdict) {
        self.overloads.clear();
        self.doubt = None;
        self.phase = Phase::Cut(Cut {
            from: self.rate,
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
            self.under_plateau()
        };
        self.set_rate((capacity * under).min(self.rate * 0.9));
    }

    /// Whether the share of answers rose as it must if a peer with a limit is asked less.
    fn helped(&self, cut: &Cut, verdict: &Verdict) -> bool {
        let hoped = (cut.share * cut.from / self.rate).min(1.0);
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
        // A stream holds what it does not answer yet, so those that were received say what the peer
        // does.
        let delivered = if !self.datagrams && verdict.received > 0.0 {
            verdict.delivered.min(verdict.received)
        } else {
            verdict.delivered
        };
        self.overloads.push(delivered);
        let mut sorted = self.overloads.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted[(sorted.len() - 1) / 2];
        if verdict.lossy || !self.datagrams {
            // What was delivered before came out of a reserve (a bucket), or was put into one (a
            // buffer of a stream).
            self.peaks.clear();
        }
        self.peaks.push_back(middle);
        middle / self.share.value.max(0.05)
    }

    /// How far below a plateau the rate stays. A stream loses nothing at it.
    fn under_plateau(&self) -> f64 {
        if self.datagrams { UNDER_PLATEAU } else { 1.0 }
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
