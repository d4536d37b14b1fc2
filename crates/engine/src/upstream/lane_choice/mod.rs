//! Which transport takes a query that may go over either, at one upstream.
//!
//! A stream costs half of the CPU that datagrams cost, because many queries share a write, and it
//! loses nothing. But some servers answer one query at a time on it, close it early or refuse it,
//! and none of that shows before it is tried. So after some questions by datagram one stream is
//! opened and given a few queries. As long as their answers come about as soon as those to
//! datagrams, it is given more, until both lanes are filled side by side. Then the stream lane is
//! left alone for a moment: if it delivers what both did, datagrams are not needed.

mod comparison;
#[cfg(test)]
mod tests;
mod trial;

use std::time::Duration;

use canvass_model::{LaneVerdict, StreamFlaw, Time, Transport};

use comparison::Comparison;
use trial::{IN_FLIGHT_PROVEN, Trial};

/// First questions by datagram before streams are tried. A shorter list opens no stream.
const QUESTIONS_BEFORE: u32 = 2_000;
/// A cap on the rate, in queries per second, below which streams are never tried: only many queries
/// in a write save anything.
pub(super) const RATE_CAP_MIN: f64 = 50_000.0;
/// A connection that is closed after fewer answers is not worth opening.
const ANSWERS_PER_CONNECTION_MIN: u32 = 200;
/// Round trips by datagram over which their time is averaged.
const RECENT: u32 = 16;
/// The share of what both lanes deliver at which streams are tried alone, at once or when they
/// have stopped growing.
const SHARE_TO_TRY: f64 = 0.5;
const SHARE_TO_KEEP: f64 = 0.2;
/// The share below which streams have stalled, so that what is out on them is taken back.
const SHARE_STALLED: f64 = 0.05;
/// The share of what both lanes delivered that streams alone must deliver, since they cost half.
const SHARE_ENOUGH: f64 = 0.85;
/// After how long a choice is tested again. It doubles each time that the choice is the same.
const STREAMS_AGAIN: Duration = Duration::from_secs(1);
const BOTH_AGAIN: Duration = Duration::from_secs(2);
const HELD_UP_AGAIN: Duration = Duration::from_secs(2);
const DATAGRAMS_AGAIN: Duration = Duration::from_secs(10);
const AGAIN_MAX: Duration = Duration::from_secs(120);

/// Which lanes a query may take now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lanes {
    /// Datagrams.
    Datagrams,
    /// Streams, or datagrams if the stream lane has no permit.
    Both,
    /// Streams, not before this time.
    Streams(Time),
    /// Streams, once something in flight there has ended.
    Full,
}

/// What follows from a look at the lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    Stay,
    /// The server answers many queries of a stream at once: it may have more connections.
    Proven,
    /// The stream lane is alone. It is to look for its rate anew if `restart`.
    Alone { restart: bool },
    /// The choice is made. Queries that are out on streams stay there.
    Settled,
    /// Streams are given up. What is out on them goes by datagram.
    GivenUp,
}

/// The choice of a transport at one upstream.
#[derive(Debug)]
pub(super) struct LaneChoice {
    state: State,
    /// First questions by datagram since a stream was given up.
    questions: u32,
    /// Answers by datagram and by stream.
    delivered: [u64; 2],
    /// What a round trip by datagram usually takes, and what the last ones took on average.
    usual: Duration,
    recent: Duration,
    /// How long datagrams lately waited to be read. Their round trips do not include that, but those
    /// on streams do.
    unread: Duration,
    /// The stream lane said that it has no permit before this time.
    hold_until: Time,
    /// The last choice, and after how long it was to be tested again.
    verdict: Option<LaneVerdict>,
    span: Duration,
}

#[derive(Debug)]
enum State {
    /// Never streams.
    Fixed,
    /// Datagrams, and streams once it is due.
    Untried,
    /// One stream with a few queries.
    Trial(Trial),
    /// Both lanes, to find out what they deliver together.
    Together(Comparison),
    /// Streams alone, to find out whether they deliver as much.
    Alone {
        comparison: Comparison,
        both_per_second: f64,
    },
    /// A choice, which is tested again at this time.
    Settled {
        verdict: LaneVerdict,
        again: Time,
        /// Queries may still be out on streams that the verdict is against.
        lingering: bool,
    },
}

impl LaneChoice {
    /// Datagrams at first; always if not `may_stream`.
    pub(super) fn new(may_stream: bool) -> Self {
        Self {
            state: if may_stream {
                State::Untried
            } else {
                State::Fixed
            },
            questions: 0,
            delivered: [0; 2],
            usual: Duration::ZERO,
            recent: Duration::ZERO,
            unread: Duration::ZERO,
            hold_until: Time::ZERO,
            verdict: None,
            span: Duration::ZERO,
        }
    }

    /// The last choice; `None` if there was none.
    pub(super) fn verdict(&self) -> Option<LaneVerdict> {
        self.verdict
    }

    /// Which lanes a query may take, with `in_flight` queries on streams.
    #[inline]
    pub(super) fn lanes(&self, now: Time, in_flight: impl Fn() -> u32) -> Lanes {
        let streams = Lanes::Streams(self.hold_until);
        let both_within = |in_flight_max: u32| {
            if now < self.hold_until || in_flight() >= in_flight_max {
                Lanes::Datagrams
            } else {
                Lanes::Both
            }
        };
        match &self.state {
            State::Fixed | State::Untried => Lanes::Datagrams,
            State::Trial(trial) => both_within(trial.in_flight_max),
            State::Together(comparison) => both_within(comparison.in_flight_max),
            State::Alone { comparison, .. } if in_flight() >= comparison.in_flight_max => {
                Lanes::Full
            }
            State::Alone { .. } => streams,
            State::Settled { verdict, .. } => match verdict {
                LaneVerdict::Datagrams(_) => Lanes::Datagrams,
                LaneVerdict::Both { .. } => both_within(u32::MAX),
                LaneVerdict::Streams { .. } => streams,
            },
        }
    }

    /// Whether queries that may go over either transport may be on streams.
    #[inline]
    pub(super) fn uses_streams(&self) -> bool {
        match &self.state {
            State::Fixed | State::Untried => false,
            State::Trial(_) | State::Together(_) | State::Alone { .. } => true,
            State::Settled { verdict, .. } => !matches!(verdict, LaneVerdict::Datagrams(_)),
        }
    }

    /// The stream lane has no permit before `until`.
    pub(super) fn hold_streams(&mut self, until: Time) {
        self.hold_until = until;
    }

    /// A first question that might go over either transport goes over this one.
    #[inline]
    pub(super) fn on_question(&mut self, now: Time, transport: Transport) {
        if transport == Transport::Udp {
            self.questions = self.questions.saturating_add(1);
            return;
        }
        let usual = self.usual_now();
        if let State::Trial(trial) = &mut self.state {
            trial.on_sent(now, usual);
        }
    }

    /// A query was answered.
    #[inline]
    pub(super) fn on_answer(&mut self, transport: Transport, round_trip: Duration) -> Step {
        self.delivered[lane_of(transport)] += 1;
        if transport == Transport::Udp {
            self.recent = (self.recent * (RECENT - 1) + round_trip) / RECENT;
            return Step::Stay;
        }
        let usual = self.usual_now();
        if let State::Trial(trial) = &mut self.state
            && trial.on_answer(round_trip, usual)
        {
            return Step::Proven;
        }
        Step::Stay
    }

    /// What a round trip takes now, until its answer is read.
    fn usual_now(&self) -> Duration {
        self.usual.max(self.recent) + self.unread
    }

    /// Datagrams were read, the first of which had waited for so long.
    #[inline]
    pub(super) fn on_read(&mut self, waited: Duration) {
        self.unread = (self.unread * (RECENT - 1) / RECENT).max(waited);
    }

    /// Whether it is time to try streams, or to test the last choice.
    #[inline]
    pub(super) fn is_due(&self, now: Time) -> bool {
        match &self.state {
            State::Fixed | State::Trial(_) | State::Together(_) | State::Alone { .. } => false,
            State::Untried => self.questions >= QUESTIONS_BEFORE,
            State::Settled { verdict, again, .. } => {
                now >= *again
                    && (self.questions >= QUESTIONS_BEFORE
                        || !matches!(verdict, LaneVerdict::Datagrams(_)))
            }
        }
    }

    /// Tries streams, or tests the last choice. A round trip by datagram usually takes `usual`.
    /// Returns whether it is a trial of one stream.
    pub(super) fn begin(&mut self, now: Time, usual: Duration) -> bool {
        self.questions = 0;
        self.hold_until = now;
        if self.uses_streams() {
            self.state = State::Together(self.comparison(now, u32::MAX));
            return false;
        }
        self.usual = usual;
        self.state = State::Trial(Trial::new());
        true
    }

    /// Fills both lanes side by side, after a trial of one stream.
    pub(super) fn compare(&mut self, now: Time) {
        self.state = State::Together(self.comparison(now, IN_FLIGHT_PROVEN * 2));
    }

    /// When to look at the lanes next; `None` if there is no test.
    pub(super) fn look_at(&self) -> Option<Time> {
        match &self.state {
            State::Trial(trial) => Some(trial.look_at),
            State::Together(comparison) | State::Alone { comparison, .. } => {
                Some(comparison.look_at)
            }
            State::Fixed | State::Untried | State::Settled { .. } => None,
        }
    }

    /// Looks at what the lanes delivered, once it is time. `is_limited` says whether the stream
    /// lane has met a limit of the server.
    pub(super) fn look(&mut self, now: Time, is_limited: bool) -> Step {
        let (delivered, usual) = (self.delivered, self.usual_now());
        match &mut self.state {
            State::Fixed | State::Untried | State::Settled { .. } => Step::Stay,
            State::Trial(trial) => {
                if trial.look(now, usual) {
                    self.give_up(now, StreamFlaw::Late)
                } else {
                    Step::Stay
                }
            }
            State::Together(comparison) => {
                if comparison.measure(now, delivered, usual) {
                    self.look_at_both(now, is_limited)
                } else {
                    Step::Stay
                }
            }
            State::Alone { comparison, .. } => {
                if comparison.measure(now, delivered, usual) {
                    self.look_at_streams(now)
                } else {
                    Step::Stay
                }
            }
        }
    }

    /// Looks at an interval with both lanes.
    fn look_at_both(&mut self, now: Time, is_limited: bool) -> Step {
        let State::Together(comparison) = &self.state else {
            return Step::Stay;
        };
        let (streams, both) = (comparison.streams_per_second, comparison.both_per_second);
        if streams < both * SHARE_STALLED && (streams == 0.0 || comparison.intervals > 1) {
            return self.give_up(now, fewer(streams, both));
        }
        // If streams have met a limit, what datagrams can do is to be seen first.
        if comparison.intervals < 2 || is_limited && comparison.may_grow() {
            return Step::Stay;
        }
        let is_steady = comparison.is_steady();
        if streams >= both * SHARE_TO_TRY || is_steady && streams >= both * SHARE_TO_KEEP {
            let in_flight_max = comparison.in_flight_max;
            self.state = State::Alone {
                both_per_second: comparison.both_on_average(),
                comparison: self.comparison(now, in_flight_max),
            };
            let restart = is_limited && streams < both * SHARE_ENOUGH;
            return Step::Alone { restart };
        }
        if is_steady {
            self.settle(now, LaneVerdict::Datagrams(fewer(streams, both)));
            return Step::Settled;
        }
        Step::Stay
    }

    /// Looks at an interval with streams alone.
    fn look_at_streams(&mut self, now: Time) -> Step {
        let State::Alone {
            comparison,
            both_per_second,
        } = &self.state
        else {
            return Step::Stay;
        };
        let (streams_per_second, both_per_second) =
            (comparison.streams_per_second, *both_per_second);
        let may_reach =
            comparison.intervals < 2 || streams_per_second >= both_per_second * SHARE_TO_TRY;
        let verdict = if streams_per_second >= both_per_second * SHARE_ENOUGH {
            LaneVerdict::Streams {
                streams_per_second,
                both_per_second,
            }
        } else if may_reach && !comparison.is_steady() {
            return Step::Stay;
        } else if streams_per_second >= both_per_second * SHARE_TO_KEEP {
            LaneVerdict::Both {
                streams_per_second,
                both_per_second,
            }
        } else {
            LaneVerdict::Datagrams(fewer(streams_per_second, both_per_second))
        };
        self.settle(now, verdict);
        Step::Settled
    }

    /// The server closed a connection with queries open that had answered `answers`.
    pub(super) fn on_closed(&mut self, now: Time, answers: u32) -> Step {
        if answers >= ANSWERS_PER_CONNECTION_MIN {
            return Step::Stay;
        }
        self.on_flaw(now, StreamFlaw::Closed { queries: answers })
    }

    /// Streams have failed. If queries are out on them by choice, they are given up.
    pub(super) fn on_flaw(&mut self, now: Time, flaw: StreamFlaw) -> Step {
        match &self.state {
            State::Settled {
                verdict: LaneVerdict::Datagrams(_),
                lingering,
                ..
            } => {
                if *lingering {
                    Step::GivenUp
                } else {
                    Step::Stay
                }
            }
            _ if self.uses_streams() => self.give_up(now, flaw),
            _ => Step::Stay,
        }
    }

    /// Nothing is out any more on streams that were given up.
    pub(super) fn on_taken_back(&mut self) {
        if let State::Settled { lingering, .. } = &mut self.state {
            *lingering = false;
        }
    }

    fn give_up(&mut self, now: Time, flaw: StreamFlaw) -> Step {
        self.settle(now, LaneVerdict::Datagrams(flaw));
        Step::GivenUp
    }

    fn settle(&mut self, now: Time, verdict: LaneVerdict) {
        let first = match verdict {
            LaneVerdict::Streams { .. } => STREAMS_AGAIN,
            LaneVerdict::Both { .. } => BOTH_AGAIN,
            // The server, or this side, may only have been held up.
            LaneVerdict::Datagrams(StreamFlaw::Late | StreamFlaw::Silent) => HELD_UP_AGAIN,
            LaneVerdict::Datagrams(_) => DATAGRAMS_AGAIN,
        };
        let is_same = self
            .verdict
            .is_some_and(|last| std::mem::discriminant(&last) == std::mem::discriminant(&verdict));
        self.span = if is_same {
            (self.span * 2).min(AGAIN_MAX)
        } else {
            first
        };
        self.verdict = Some(verdict);
        self.questions = 0;
        self.hold_until = now;
        self.state = State::Settled {
            verdict,
            again: now + self.span,
            lingering: true,
        };
    }

    fn comparison(&self, now: Time, in_flight_max: u32) -> Comparison {
        Comparison::new(now, self.usual_now(), self.delivered, in_flight_max)
    }
}

/// Streams deliver too little.
fn fewer(streams_per_second: f64, both_per_second: f64) -> StreamFlaw {
    StreamFlaw::Fewer {
        streams_per_second,
        both_per_second,
    }
}

fn lane_of(transport: Transport) -> usize {
    match transport {
        Transport::Udp => 0,
        Transport::Tcp => 1,
    }
}
