//! The pace of one upstream, and how much may be in flight to it.
//!
//! Time is divided into epochs. `rate_search` judges them and sets the rate; here the rate becomes
//! permits, spread evenly, under a limit on what is in flight.

use std::collections::VecDeque;
use std::time::Duration;

use canvass_model::Time;

use super::attempts::Attempt;
use super::ceiling::Ceiling;
use super::epoch::{Epoch, EpochId};
use super::rate_search::{EPOCH_SENT_MIN, RateSearch};
use super::repeats::Repeats;
use crate::known_windows::Known;

/// What is always allowed in flight once a peer has answered: the queries of this span, in seconds,
/// up to those of a turn.
const IN_FLIGHT_FLOOR_S: f64 = 0.05;
const IN_FLIGHT_FLOOR: std::ops::RangeInclusive<f64> = 4.0..=64.0;
/// The limit on what is in flight, as a multiple of what the measured spans require.
const IN_FLIGHT_MARGIN: f64 = 1.25;
/// An answer that takes more than so many medians is a slow one, and is accounted for separately.
const USUAL_MEDIANS: u8 = 4;
/// How often epochs are examined.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);
/// The shortest epoch.
const EPOCH_MIN: Duration = Duration::from_millis(10);
/// The most queries of an epoch that lasts longer because few of them are first ones.
const EPOCH_LEFT_MAX: u32 = 256;
/// The share of queries that is answered where few names are silent.
const SHARE_OF_FEW_SILENT: f64 = 0.95;
/// The longest epoch.
const EPOCH_MAX: Duration = Duration::from_secs(1);
/// The same while the rate is raised: what is missing then may be too much already, so it is noticed
/// after little more than a round trip.
const USUAL_MEDIANS_RAISED: u8 = 2;
/// How much longer than usual the answers of an epoch may take.
const SETTLE_MARGIN: Duration = Duration::from_millis(5);
/// How much longer an epoch waits if answers are missing: a peer that was delayed answers late, and
/// only what is missing after that is lost.
const SETTLE_GRACE: Duration = Duration::from_millis(30);
/// A peer stands still if it answers nothing for so many usual round trips, and how long an epoch
/// waits for it.
const STILL_MEDIANS: u8 = 2;
const STILL_MAX: Duration = Duration::from_secs(1);
/// How long an epoch waits if there was never an answer.
const SETTLE_BLIND: Duration = Duration::from_secs(1);
/// Epochs that may wait for their answers at the same time.
const UNSETTLED_MAX: usize = 16;

/// What a window allows, or several together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Allowance {
    /// Queries per second.
    pub(crate) rate_per_second: f64,
    /// Queries in flight.
    pub(crate) in_flight: u64,
}

/// The limits of a window, and how it is paced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowLimits {
    /// The highest rate, in queries per second.
    pub(crate) rate_max: f64,
    /// The most in flight before the peer has ever answered.
    pub(crate) in_flight_first: u32,
    /// The most in flight ever.
    pub(crate) in_flight_max: u32,
    /// The span whose queries are permitted together: those of a write on a stream.
    pub(crate) quantum: Duration,
    /// The most queries that are permitted together.
    pub(crate) batch_max: u32,
    /// The most batches that are made up for after a late turn.
    pub(crate) batches_saved_max: f64,
    /// How much longer than the usual round trip a queue at the peer may take.
    pub(crate) slack: Duration,
    /// Whether these are datagrams: they can be lost, and a queue of them at the peer soon is,
    /// since the buffer of a socket is short.
    pub(crate) datagrams: bool,
}

/// Whether a query may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    /// Now.
    Now,
    /// At this time.
    At(Time),
    /// When something in flight ends.
    Full,
}

/// The pace and the limit of one upstream on one transport.
#[derive(Debug)]
pub(crate) struct Window {
    limits: WindowLimits,
    rate_search: RateSearch,
    /// The present epoch is the last one.
    epochs: VecDeque<Epoch>,
    first_epoch: u32,
    tokens: f64,
    refilled: Time,
    in_flight: u32,
    /// Those of them whose answers are not overdue: of epochs that are not judged yet.
    recent_in_flight: u32,
    in_flight_peak: u32,
    ceiling: Ceiling,
    repeats: Repeats,
    patience: Duration,
    /// When the last query in flight expires.
    horizon: Time,
    look_at: Time,
    /// When the last answer was received.
    answered: Time,
    /// When the peer last began to answer after it had stood still.
    resumed: Time,
}

impl Window {
    /// Starts from what is known of the peer, if anything is.
    pub(crate) fn new(limits: WindowLimits, known: Option<Known>) -> Self {
        let mut rate_search = RateSearch::new(limits.rate_max, limits.datagrams);
        let mut ceiling = Ceiling::default();
        if let Some(known) = known {
            if let Some(rate_per_second) = known.rate_per_second {
                rate_search.start_below(Time::ZERO, rate_per_second);
            }
            ceiling.know(Time::ZERO, known.in_flight);
        }
        Self {
            limits,
            rate_search,
            epochs: VecDeque::new(),
            first_epoch: 0,
            tokens: 1.0,
            refilled: Time::ZERO,
            in_flight: 0,
            recent_in_flight: 0,
            in_flight_peak: 0,
            ceiling,
            repeats: Repeats::default(),
            patience: Duration::ZERO,
            horizon: Time::ZERO,
            look_at: Time::ZERO,
            answered: Time::ZERO,
            resumed: Time::ZERO,
        }
    }

    pub(crate) fn rate_per_second(&self) -> f64 {
        self.rate_search.rate()
    }

    pub(crate) fn delivered_per_second(&self) -> f64 {
        self.rate_search.delivered()
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight
    }

    pub(crate) fn in_flight_peak(&self) -> u32 {
        self.in_flight_peak
    }

    /// Whether a limit on what is in flight was found lately.
    pub(crate) fn has_ceiling(&self) -> bool {
        self.ceiling.limit().is_some()
    }

    /// The limit on what is in flight that was found lately.
    pub(crate) fn ceiling_found(&self) -> Option<u32> {
        self.ceiling.found()
    }

    /// Takes in what is known of the peer now, and was before.
    pub(crate) fn follow_known(&mut self, now: Time, known: Known, before: Option<Known>) {
        self.ceiling.know(now, known.in_flight);
        let is_new = before.is_none_or(|before| before.rate_per_second != known.rate_per_second);
        if let Some(rate_per_second) = known.rate_per_second.filter(|_| is_new)
            && rate_per_second < self.rate_search.rate()
        {
            self.rate_search.start_below(now, rate_per_second);
        }
    }

    pub(crate) fn plateau_seen(&self) -> bool {
        self.rate_search.plateau_seen()
    }

    /// What it allows at `now`.
    pub(crate) fn allowance(&self, now: Time) -> Allowance {
        Allowance {
            rate_per_second: self.rate_search.rate(),
            in_flight: self.in_flight_cap(now) as u64,
        }
    }

    /// Whether a query may be sent, if an attempt expires after `patience`.
    pub(crate) fn permit(&mut self, now: Time, patience: Duration) -> Permit {
        self.patience = patience;
        let is_at_ceiling = self.ceiling.limit().is_some_and(|limit| {
            // Names that are slow or never answered would otherwise take all of it.
            self.recent_in_flight >= limit
        });
        if is_at_ceiling || f64::from(self.in_flight) >= self.in_flight_cap(now) {
            return Permit::Full;
        }
        self.refill(now);
        if self.tokens >= 1.0 {
            return Permit::Now;
        }
        if let Some(epoch) = self.epochs.back_mut() {
            epoch.held_back = true;
        }
        let missing_s = (self.batch() - self.tokens) / self.rate_search.rate();
        Permit::At(now.plus_nanos((missing_s * 1e9).ceil().max(1.0) as u64))
    }

    /// The most that may be in flight: the rate times how long queries stay in flight. Most are
    /// answered in the usual time, with some slack for a queue at the peer and for turns. The
    /// share that is not (slow answers of a recursive resolver, and what is lost) stays until the
    /// high quantile that `patience` is derived from.
    ///
    /// The usual time is the least median of an epoch, so that a queue of our own queries does not
    /// make room for more of them.
    ///
    /// Queries that repeat earlier ones have room of their own, by how many they are and how long
    /// they stay: names that are never answered would otherwise take that of all others.
    fn in_flight_cap(&self, now: Time) -> f64 {
        let Some(median_ns) = self.rate_search.median_ns() else {
            return f64::from(self.limits.in_flight_first);
        };
        let floor = (self.rate_search.rate() * IN_FLIGHT_FLOOR_S)
            .clamp(*IN_FLIGHT_FLOOR.start(), *IN_FLIGHT_FLOOR.end());
        let usual_s = median_ns as f64 / 1e9;
        let medians = if self.rate_search.is_raised() {
            USUAL_MEDIANS_RAISED
        } else {
            USUAL_MEDIANS
        };
        let fast_s = if self.rate_search.is_draining() {
            usual_s
        } else {
            self.limits.slack.as_secs_f64() + usual_s * f64::from(medians)
        };
        let slow_span = self.patience.max(self.horizon.since(now));
        let slow_s = (1.0 - self.rate_search.share()) * slow_span.as_secs_f64();
        let first_s = fast_s + slow_s;
        let repeated_s = self.repeats.in_flight_s(first_s).max(first_s);
        let span_s = first_s + self.repeats.share() * (repeated_s - first_s);
        let cap = floor + self.rate_search.rate() * span_s * IN_FLIGHT_MARGIN;
        cap.min(f64::from(self.limits.in_flight_max))
    }

    /// The number of queries that are permitted together.
    fn batch(&self) -> f64 {
        let quantum = self.rate_search.rate() * self.limits.quantum.as_secs_f64();
        quantum.clamp(1.0, f64::from(self.limits.batch_max))
    }

    fn refill(&mut self, now: Time) {
        let span_s = now.since(self.refilled).as_secs_f64();
        self.refilled = now;
        // What a late turn did not send is made up for, up to some batches.
        let most = self.batch() * self.limits.batches_saved_max;
        self.tokens = (self.tokens + span_s * self.rate_search.rate()).min(most);
    }

    /// A query was sent; `first` when it was its job's first. Returns the epoch, and how many were
    /// in flight before it, but for overdue ones.
    pub(crate) fn on_sent(&mut self, now: Time, first: bool) -> (EpochId, u32) {
        self.turn_epoch(now);
        self.tokens -= 1.0;
        self.repeats.on_sent(!first);
        let in_flight_before = self.recent_in_flight;
        self.recent_in_flight += 1;
        self.in_flight += 1;
        self.in_flight_peak = self.in_flight_peak.max(self.in_flight);
        self.horizon = self.horizon.max(now + self.patience);
        let epoch = self.epochs.back_mut().expect("an epoch is running");
        epoch.left += 1;
        epoch.in_flight += 1;
        epoch.sent += u32::from(first);
        let epoch = EpochId(self.first_epoch + self.epochs.len() as u32 - 1);
        (epoch, in_flight_before)
    }

    /// An attempt is no longer in flight: it was answered, or it has expired.
    pub(crate) fn on_landed(&mut self, now: Time, attempt: &Attempt) {
        self.take_out(attempt);
        if !attempt.first {
            self.repeats.on_landed(now.since(attempt.sent));
        }
    }

    /// Returns the epoch of what is no longer in flight, if it is not judged yet.
    fn take_out(&mut self, attempt: &Attempt) -> Option<&mut Epoch> {
        self.in_flight -= 1;
        let at = self.place_of(attempt.epoch);
        let epoch = self.epochs.get_mut(at)?;
        epoch.in_flight -= 1;
        self.recent_in_flight -= 1;
        Some(epoch)
    }

    /// A query was not answered in time. `answers` says whether one that was sent later was: else
    /// the upstream stands still, which says nothing of a limit.
    pub(crate) fn on_expired(&mut self, now: Time, attempt: &Attempt, answers: bool) {
        // Where many names are silent at any rate, silence says nothing of a limit.
        if attempt.first && answers && self.rate_search.share() >= SHARE_OF_FEW_SILENT {
            self.ceiling.on_failed(now, attempt.in_flight_before);
        }
        self.on_landed(now, attempt);
    }

    /// The upstream says that it has failed to answer a query, or that it will not. That may be
    /// because of what was in flight when it was sent, or because of what is now.
    pub(crate) fn on_failed(&mut self, now: Time, attempt: &Attempt) {
        let in_flight = attempt.in_flight_before.max(self.recent_in_flight);
        if !attempt.expired {
            self.ceiling.on_failed(now, in_flight);
        }
        self.on_useless(attempt);
    }

    /// The reply to a query is of no use.
    pub(crate) fn on_useless(&mut self, attempt: &Attempt) {
        if attempt.first
            && let Some(epoch) = self.epoch(attempt.epoch)
        {
            epoch.useless += 1;
        }
    }

    /// An attempt has ended without a result: it tells nothing.
    pub(crate) fn on_dropped(&mut self, attempt: &Attempt) {
        let epoch = self.take_out(attempt);
        if attempt.first
            && let Some(epoch) = epoch
        {
            epoch.sent = epoch.sent.saturating_sub(1);
        }
    }

    /// A first query was answered.
    pub(crate) fn on_answered(&mut self, now: Time, attempt: &Attempt, round_trip_ns: u64) {
        self.ceiling.on_answered(attempt.in_flight_before);
        if self.is_still(now) {
            self.resumed = now;
        }
        self.answered = now;
        if let Some(running) = self.epochs.back_mut() {
            running.received += 1;
        }
        let at = self.place_of(attempt.epoch);
        if let Some(epoch) = self.epochs.get_mut(at) {
            epoch.answered += 1;
            epoch.round_trips.record(round_trip_ns);
            self.rate_search.on_round_trip(epoch);
        }
        self.turn_epoch(now);
    }

    fn epoch(&mut self, id: EpochId) -> Option<&mut Epoch> {
        let at = self.place_of(id);
        self.epochs.get_mut(at)
    }

    /// The place of an epoch among those that are not judged yet: none if it was.
    fn place_of(&self, id: EpochId) -> usize {
        id.0.wrapping_sub(self.first_epoch) as usize
    }

    /// The peer is back: starts again from half of the rate before.
    pub(crate) fn restart(&mut self, now: Time) {
        self.rate_search.restart();
        self.forget_epochs(now);
    }

    /// Starts again as with a peer that is not known.
    pub(crate) fn start_over(&mut self, now: Time) {
        self.rate_search = RateSearch::new(self.limits.rate_max, self.limits.datagrams);
        self.forget_epochs(now);
    }

    /// Starts again at this rate, which the peer has shown to bear on its other lane.
    pub(crate) fn start_at(&mut self, now: Time, rate_per_second: f64) {
        self.start_over(now);
        self.rate_search.start_at(rate_per_second);
    }

    fn forget_epochs(&mut self, now: Time) {
        self.first_epoch += self.epochs.len() as u32;
        self.epochs.clear();
        self.recent_in_flight = 0;
        self.look_at = now;
        self.tokens = self.tokens.min(1.0);
    }

    /// Ends the present epoch when its time is over, and judges those whose answers are due.
    fn turn_epoch(&mut self, now: Time) {
        if now < self.look_at && !self.epochs.is_empty() {
            return;
        }
        self.look_at = now + LOOK_INTERVAL;
        self.ceiling.age(now);
        let Some(epoch) = self.epochs.back_mut() else {
            self.epochs
                .push_back(Epoch::new(now, self.rate_search.setting()));
            return;
        };
        let span = now.since(epoch.began);
        let length = EPOCH_MIN.max(Duration::from_nanos(
            self.rate_search.median_ns().unwrap_or(0),
        ));
        if span >= length && (epoch.sent >= EPOCH_SENT_MIN || epoch.left >= EPOCH_LEFT_MAX)
            || span >= EPOCH_MAX
        {
            epoch.ended = now;
            if self.epochs.len() >= UNSETTLED_MAX {
                self.judge_oldest(now);
            }
            self.epochs
                .push_back(Epoch::new(now, self.rate_search.setting()));
        }
        self.read_due(now);
        let settle = self.rate_search.median_ns().map_or(SETTLE_BLIND, |median| {
            Duration::from_nanos(median * u64::from(USUAL_MEDIANS)) + SETTLE_MARGIN
        });
        while self.epochs.len() > 1 {
            let age = now.since(self.epochs[0].ended);
            if age < settle {
                break;
            }
            // A peer that stood still answers late, and all at once.
            let resumed = now.since(self.resumed) < settle + SETTLE_GRACE;
            let may_be_late = self.is_still(now) || resumed;
            let grace = if may_be_late { STILL_MAX } else { SETTLE_GRACE };
            if age < settle + grace && self.rate_search.is_short(&self.epochs[0]) {
                break;
            }
            self.judge_oldest(now);
        }
        self.follow_rate(now);
    }

    /// Looks at epochs whose answers are due for the first time, and before that at what they have
    /// so far: a rate that is raised need not wait for the last answers.
    fn read_due(&mut self, now: Time) {
        let Some(due) = self.rate_search.due() else {
            return;
        };
        let running = self.epochs.len() - 1;
        for epoch in self.epochs.iter_mut().take(running) {
            if epoch.is_read {
                continue;
            }
            epoch.is_read = now.since(epoch.ended) >= due;
            if epoch.is_read {
                self.rate_search.read(epoch);
            } else {
                self.rate_search.foresee(epoch);
            }
        }
    }

    /// Whether the peer has answered nothing for longer than usual.
    fn is_still(&self, now: Time) -> bool {
        let usual_ns = self.rate_search.median_ns().unwrap_or(0);
        let usual = Duration::from_nanos(usual_ns * u64::from(STILL_MEDIANS)) + SETTLE_MARGIN;
        self.answered > Time::ZERO && now.since(self.answered) > usual
    }

    fn judge_oldest(&mut self, now: Time) {
        if let Some(epoch) = self.epochs.pop_front() {
            self.first_epoch += 1;
            self.recent_in_flight -= epoch.in_flight;
            self.rate_search.judge(now, &epoch);
        }
    }

    /// Begins a new epoch for a rate that has just been set.
    fn follow_rate(&mut self, now: Time) {
        let fresh = Epoch::new(now, self.rate_search.setting());
        match self.epochs.back_mut() {
            Some(epoch) if epoch.setting == fresh.setting => {}
            Some(epoch) if epoch.left == 0 => *epoch = fresh,
            Some(epoch) => {
                epoch.ended = now;
                self.epochs.push_back(fresh);
            }
            None => {}
        }
    }
}
