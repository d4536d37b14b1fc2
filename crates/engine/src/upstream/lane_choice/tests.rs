//! Trials, comparisons and choices, with a clock that is moved by hand.

use super::trial::IN_FLIGHT_FIRST;
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
    assert_eq!(interval(&mut choice, 0, 860, false), Step::Settled);
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
