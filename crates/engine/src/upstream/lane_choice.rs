//! Which transport takes a query that may go over either, at one upstream.
//!
//! A stream costs half of the CPU that datagrams cost, because many queries share a write, and it
//! loses nothing. But some servers answer one query at a time on it, close it early or refuse it,
//! and none of that shows before it is tried. So after some questions by datagram one stream is
//! opened and given a few queries. As long as their answers come about as soon as those to
//! datagrams, it is given more, until both lanes are filled side by side. Then the stream lane is
//! left alone for a moment: if it delivers what both did, datagrams are not needed.

use std::time::Duration;

use canvass_model::{LaneVerdict, StreamFlaw, Time, Transport};

use super::resolver::STREAM_SLACK;

/// First questions by datagram before streams are tried. A shorter list opens no stream.
const QUESTIONS_BEFORE: u32 = 2_000;
/// A cap on the rate, in queries per second, below which streams are never tried: they would save
/// nothing that matters.
pub(super) const RATE_CAP_MIN: f64 = 2_000.0;
/// Queries in flight on the stream at the start of a trial. If they are not answered, 8 of 2,000
/// questions took three times as long, which is 1 % of their time.
const IN_FLIGHT_FIRST: u32 = 8;
/// With so many in flight answered in time, the server does not answer one at a time.
const IN_FLIGHT_PROVEN: u32 = 128;
/// An answer on a stream is late if it takes longer than twice the usual time by datagram and this.
const LATE_SLACK: Duration = Duration::from_millis(10);
/// The share of answers that must not be late.
const TIMELY_MIN: f64 = 0.6;
/// A connection that is closed after fewer answers is not worth opening.
const ANSWERS_PER_CONNECTION_MIN: u32 = 200;
/// The shortest interval over which lanes are compared, and how many usual round trips it has.
const INTERVAL_MIN: Duration = Duration::from_millis(50);
const INTERVAL_ROUND_TRIPS: u32 = 4;
/// Fewer answers in an interval say nothing.
const INTERVAL_ANSWERS_MIN: u64 = 64;
/// A lane is still on its way up if it delivers more than the interval before by this factor.
const GROWTH: f64 = 1.15;
/// Intervals without growth after which a lane has reached what it can deliver.
const STEADY_INTERVALS: u32 = 3;
/// The share of what both lanes deliver at which streams are tried alone, at once or when they
/// have stopped growing.
const SHARE_TO_TRY: f64 = 0.5;
const SHARE_TO_KEEP: f64 = 0.2;
/// The share below which streams have stalled, so that what is out on them is taken back.
const SHARE_STALLED: f64 = 0.05;
/// The share of what both lanes delivered that streams alone must deliver.
const SHARE_ENOUGH: f64 = 0.9;
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
    /// What a round trip by datagram usually takes.
    usual: Duration,
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

/// A few queries on one stream.
#[derive(Debug)]
struct Trial {
    in_flight_max: u32,
    sent: u32,
    timely: u32,
    /// How many had been sent when the time began that ends at `look_at`: their answers are due
    /// then.
    due: u32,
    /// [`Time::MAX`] if nothing was sent since the last look.
    look_at: Time,
}

/// What lanes deliver, in intervals.
#[derive(Debug)]
struct Comparison {
    began: Time,
    look_at: Time,
    /// The counts when the interval began.
    delivered: [u64; 2],
    intervals: u32,
    /// Queries in flight on streams: twice what they deliver in a round trip, so that a lane that
    /// is not known cannot pile up more at the server than it answers.
    in_flight_max: u32,
    /// Intervals in a row in which the stream lane did not deliver more than before.
    steady: u32,
    streams_per_second: f64,
    both_per_second: f64,
    /// What both delivered in the interval before.
    both_before: f64,
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
        } else if let State::Trial(trial) = &mut self.state {
            trial.sent += 1;
            if trial.look_at == Time::MAX || trial.sent == IN_FLIGHT_FIRST {
                trial.due = trial.sent;
                trial.look_at = now + late_after(self.usual);
            }
        }
    }

    /// A query was answered.
    #[inline]
    pub(super) fn on_answer(&mut self, transport: Transport, round_trip: Duration) -> Step {
        self.delivered[lane_of(transport)] += 1;
        if transport == Transport::Tcp
            && let State::Trial(trial) = &mut self.state
            && round_trip <= late_after(self.usual)
        {
            trial.timely += 1;
            trial.in_flight_max += 1;
            if trial.in_flight_max >= IN_FLIGHT_PROVEN {
                return Step::Proven;
            }
        }
        Step::Stay
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
        self.state = State::Trial(Trial {
            in_flight_max: IN_FLIGHT_FIRST,
            sent: 0,
            timely: 0,
            due: 0,
            look_at: Time::MAX,
        });
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
        let (usual, delivered) = (self.usual, self.delivered);
        match &mut self.state {
            State::Fixed | State::Untried | State::Settled { .. } => Step::Stay,
            State::Trial(trial) => {
                if trial.is_late() {
                    return self.give_up(now, StreamFlaw::Late);
                }
                trial.look_at = if trial.sent > trial.due {
                    now + late_after(usual)
                } else {
                    Time::MAX
                };
                trial.due = trial.sent;
                Step::Stay
            }
            State::Together(comparison) => {
                if !comparison.measure(now, delivered, usual) {
                    return Step::Stay;
                }
                let is_steady = comparison.steady >= STEADY_INTERVALS;
                let (streams, both) = (comparison.streams_per_second, comparison.both_per_second);
                if streams < both * SHARE_STALLED && (streams == 0.0 || comparison.intervals > 1) {
                    return self.give_up(now, fewer(streams, both));
                }
                let before = comparison.both_before;
                // If streams have met a limit, what datagrams can do is to be seen first.
                let may_grow = is_limited && (before == 0.0 || both > before * GROWTH);
                if !may_grow
                    && (streams >= both * SHARE_TO_TRY
                        || is_steady && streams >= both * SHARE_TO_KEEP)
                {
                    let in_flight_max = comparison.in_flight_max;
                    self.state = State::Alone {
                        comparison: self.comparison(now, in_flight_max),
                        both_per_second: if before == 0.0 {
                            both
                        } else {
                            (both + before) / 2.0
                        },
                    };
                    let restart = is_limited && streams < both * SHARE_ENOUGH;
                    return Step::Alone { restart };
                }
                if is_steady && !may_grow {
                    self.settle(now, LaneVerdict::Datagrams(fewer(streams, both)));
                    return Step::Settled;
                }
                Step::Stay
            }
            State::Alone {
                comparison,
                both_per_second: both,
            } => {
                if !comparison.measure(now, delivered, usual) {
                    return Step::Stay;
                }
                let (streams_per_second, both_per_second) = (comparison.streams_per_second, *both);
                let verdict = if streams_per_second >= both_per_second * SHARE_ENOUGH {
                    LaneVerdict::Streams {
                        streams_per_second,
                        both_per_second,
                    }
                } else if comparison.steady < STEADY_INTERVALS
                    && (comparison.intervals < 2
                        || streams_per_second >= both_per_second * SHARE_TO_TRY)
                {
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
        }
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
        Comparison {
            began: now,
            look_at: now + interval(self.usual),
            delivered: self.delivered,
            intervals: 0,
            in_flight_max,
            steady: 0,
            streams_per_second: 0.0,
            both_per_second: 0.0,
            both_before: 0.0,
        }
    }
}

impl Trial {
    /// Whether too few of those whose answers are due were answered in time.
    fn is_late(&self) -> bool {
        f64::from(self.timely) < f64::from(self.due) * TIMELY_MIN
    }
}

impl Comparison {
    /// Ends the interval, unless too little was delivered in it to compare. Returns whether it
    /// ended.
    fn measure(&mut self, now: Time, delivered: [u64; 2], usual: Duration) -> bool {
        let [datagrams, streams] = [0, 1].map(|lane| delivered[lane] - self.delivered[lane]);
        self.look_at = now + interval(usual);
        if datagrams + streams < INTERVAL_ANSWERS_MIN {
            return false;
        }
        let span_s = now.since(self.began).as_secs_f64().max(1e-6);
        let streams_per_second = streams as f64 / span_s;
        let grows = streams_per_second > self.streams_per_second * GROWTH;
        self.steady = if grows { 0 } else { self.steady + 1 };
        let twice = 2.0 * streams_per_second * (usual + STREAM_SLACK).as_secs_f64();
        self.in_flight_max = self.in_flight_max.max(twice as u32);
        self.streams_per_second = streams_per_second;
        self.both_before = self.both_per_second;
        self.both_per_second = (datagrams + streams) as f64 / span_s;
        self.began = now;
        self.delivered = delivered;
        self.intervals += 1;
        true
    }
}

/// Streams deliver too little.
fn fewer(streams_per_second: f64, both_per_second: f64) -> StreamFlaw {
    StreamFlaw::Fewer {
        streams_per_second,
        both_per_second,
    }
}

/// How long an answer on a stream may take.
fn late_after(usual: Duration) -> Duration {
    usual * 2 + LATE_SLACK
}

fn interval(usual: Duration) -> Duration {
    (usual * INTERVAL_ROUND_TRIPS).max(INTERVAL_MIN)
}

fn lane_of(transport: Transport) -> usize {
    match transport {
        Transport::Udp => 0,
        Transport::Tcp => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const USUAL: Duration = Duration::from_millis(20);

    fn at_ms(at_ms: u64) -> Time {
        Time::from_nanos(at_ms * MS)
    }

    /// A choice whose trial has begun at 0 s, with its first queries sent.
    fn tried() -> LaneChoice {
        let mut choice = LaneChoice::new(true);
        for _ in 0..QUESTIONS_BEFORE {
            assert!(!choice.is_due(Time::ZERO));
            choice.on_question(Time::ZERO, Transport::Udp);
        }
        assert!(choice.is_due(Time::ZERO));
        assert!(choice.begin(Time::ZERO, USUAL));
        for in_flight in 0..IN_FLIGHT_FIRST {
            assert_eq!(choice.lanes(Time::ZERO, || in_flight), Lanes::Both);
            choice.on_question(Time::ZERO, Transport::Tcp);
        }
        let lanes = choice.lanes(Time::ZERO, || IN_FLIGHT_FIRST);
        assert_eq!(lanes, Lanes::Datagrams);
        choice
    }

    /// One that fills both lanes from 0 s on.
    fn proven() -> LaneChoice {
        let mut choice = tried();
        let mut steps = (0..).map(|_| choice.on_answer(Transport::Tcp, USUAL));
        let answers = steps.position(|step| step == Step::Proven);
        assert_eq!(
            answers,
            Some((IN_FLIGHT_PROVEN - IN_FLIGHT_FIRST - 1) as usize)
        );
        choice.compare(Time::ZERO);
        choice
    }

    /// Delivers so much in the interval that ends at the next look, and looks.
    fn interval(choice: &mut LaneChoice, datagrams: u32, streams: u32, is_limited: bool) -> Step {
        for (transport, count) in [(Transport::Udp, datagrams), (Transport::Tcp, streams)] {
            for _ in 0..count {
                choice.on_answer(transport, USUAL);
            }
        }
        let now = choice.look_at().expect("it is being tested");
        choice.look(now, is_limited)
    }

    #[test]
    fn a_choice_that_is_fixed_is_never_due() {
        let mut choice = LaneChoice::new(false);
        for _ in 0..2 * QUESTIONS_BEFORE {
            choice.on_question(Time::ZERO, Transport::Udp);
        }
        assert!(!choice.is_due(at_ms(60_000)));
        assert_eq!(choice.on_flaw(Time::ZERO, StreamFlaw::Refused), Step::Stay);
        assert_eq!(choice.lanes(Time::ZERO, || 0), Lanes::Datagrams);
    }

    #[test]
    fn answers_one_after_the_other_are_late() {
        let mut choice = tried();
        let due = choice.look_at().expect("it is being tested");
        assert_eq!(due, at_ms(50));
        for turn in 1..=IN_FLIGHT_FIRST {
            let round_trip = USUAL * turn;
            if round_trip <= Duration::from_millis(50) {
                assert_eq!(choice.on_answer(Transport::Tcp, round_trip), Step::Stay);
            }
        }
        assert_eq!(choice.look(due, false), Step::GivenUp);
        assert_eq!(
            choice.verdict(),
            Some(LaneVerdict::Datagrams(StreamFlaw::Late))
        );
    }

    #[test]
    fn a_stream_that_is_not_asked_is_not_late() {
        let mut choice = tried();
        for _ in 0..IN_FLIGHT_FIRST {
            choice.on_answer(Transport::Tcp, USUAL);
        }
        assert_eq!(choice.look(at_ms(50), false), Step::Stay);
        assert_eq!(choice.look_at(), Some(Time::MAX));
        choice.on_question(at_ms(900), Transport::Tcp);
        assert_eq!(choice.look_at(), Some(at_ms(950)));
    }

    #[test]
    fn streams_that_deliver_what_both_did_are_chosen() {
        let mut choice = proven();
        assert_eq!(interval(&mut choice, 800, 200, false), Step::Stay);
        assert_eq!(
            interval(&mut choice, 500, 500, false),
            Step::Alone { restart: false }
        );
        assert_eq!(choice.lanes(at_ms(1), || 0), Lanes::Streams(Time::ZERO));
        assert_eq!(interval(&mut choice, 0, 700, false), Step::Stay);
        assert_eq!(interval(&mut choice, 0, 1_000, false), Step::Settled);
        assert!(matches!(
            choice.verdict(),
            Some(LaneVerdict::Streams { .. })
        ));
    }

    #[test]
    fn what_may_be_in_flight_follows_what_is_delivered() {
        let mut choice = proven();
        let lanes = |choice: &LaneChoice, in_flight| choice.lanes(at_ms(1), || in_flight);
        let cap = IN_FLIGHT_PROVEN * 2;
        assert_eq!(lanes(&choice, cap - 1), Lanes::Both);
        assert_eq!(lanes(&choice, cap), Lanes::Datagrams);
        interval(&mut choice, 800, 200, false);
        assert_eq!(lanes(&choice, cap), Lanes::Datagrams);
        // 1,000 in 80 ms are 313 in a round trip of 20 ms with a slack of 5 ms.
        interval(&mut choice, 3_000, 1_000, false);
        assert_eq!(lanes(&choice, 624), Lanes::Both);
        assert_eq!(lanes(&choice, 625), Lanes::Datagrams);
        interval(&mut choice, 500, 500, false);
        assert_eq!(lanes(&choice, 625), Lanes::Full);
    }

    #[test]
    fn streams_that_add_to_datagrams_are_used_beside_them() {
        let mut choice = proven();
        for _ in 0..3 {
            assert_eq!(interval(&mut choice, 600, 400, true), Step::Stay);
        }
        assert_eq!(
            interval(&mut choice, 600, 400, true),
            Step::Alone { restart: true }
        );
        assert_eq!(interval(&mut choice, 100, 400, true), Step::Stay);
        assert_eq!(interval(&mut choice, 0, 420, true), Step::Settled);
        assert!(matches!(choice.verdict(), Some(LaneVerdict::Both { .. })));
    }

    #[test]
    fn streams_that_add_little_are_left() {
        let mut choice = proven();
        for _ in 0..3 {
            assert_eq!(interval(&mut choice, 900, 100, true), Step::Stay);
        }
        assert_eq!(interval(&mut choice, 900, 100, true), Step::Settled);
        let verdict = choice.verdict();
        let fewer = matches!(
            verdict,
            Some(LaneVerdict::Datagrams(StreamFlaw::Fewer { .. }))
        );
        assert!(fewer, "{verdict:?}");
        // What is still out there is taken back if it fails, once.
        let flaw = StreamFlaw::Silent;
        assert_eq!(choice.on_flaw(at_ms(500), flaw), Step::GivenUp);
        assert_eq!(choice.on_flaw(at_ms(500), flaw), Step::GivenUp);
        choice.on_taken_back();
        assert_eq!(choice.on_flaw(at_ms(500), flaw), Step::Stay);
        assert_eq!(choice.verdict(), verdict);
    }

    #[test]
    fn streams_that_stall_are_given_up_at_once() {
        let mut choice = proven();
        assert_eq!(interval(&mut choice, 800, 200, false), Step::Stay);
        assert_eq!(interval(&mut choice, 800, 0, false), Step::GivenUp);
        let mut choice = proven();
        assert_eq!(interval(&mut choice, 800, 1, false), Step::Stay);
        assert_eq!(interval(&mut choice, 800, 30, false), Step::GivenUp);
    }

    #[test]
    fn streams_with_a_limit_wait_for_what_datagrams_can_do() {
        let mut choice = proven();
        assert_eq!(interval(&mut choice, 300, 400, true), Step::Stay);
        assert_eq!(interval(&mut choice, 600, 400, true), Step::Stay);
        assert_eq!(interval(&mut choice, 1_200, 400, true), Step::Stay);
        assert_eq!(interval(&mut choice, 2_400, 400, true), Step::Stay);
        assert_eq!(interval(&mut choice, 2_400, 400, true), Step::Settled);
    }

    #[test]
    fn a_bad_server_is_tried_less_and_less_often() {
        let mut choice = tried();
        let mut now = Time::ZERO;
        for span_s in [10, 20, 40, 80, 120, 120] {
            choice.on_flaw(now, StreamFlaw::Refused);
            for _ in 0..QUESTIONS_BEFORE {
                choice.on_question(now, Transport::Udp);
            }
            let span = Duration::from_secs(span_s);
            assert!(!choice.is_due(now + (span - Duration::from_millis(1))));
            now = now + span;
            assert!(choice.is_due(now));
            assert!(choice.begin(now, USUAL));
        }
    }

    #[test]
    fn a_connection_that_is_closed_early_is_a_flaw_and_a_long_one_is_not() {
        let mut choice = tried();
        let enough = ANSWERS_PER_CONNECTION_MIN;
        assert_eq!(choice.on_closed(at_ms(1), enough), Step::Stay);
        assert_eq!(choice.on_closed(at_ms(1), enough - 1), Step::GivenUp);
    }
}
