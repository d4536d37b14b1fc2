//! What holds for every session, whatever happens to it.

use std::time::Duration;

use canvass_model::{Outcome, Verdict};
use hickory_proto::op::ResponseCode;
use proptest::prelude::*;

use super::rig::*;
use crate::session::*;

/// What befalls a session next.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Pass { span_ms: u64 },
    Silence,
    Code(ResponseCode),
    Truncated,
    Lost,
    Returned,
    Garbage,
    LateError,
    Answer,
    Cancel,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        (0u64..3000).prop_map(|span_ms| Fate::Pass { span_ms }),
        Just(Fate::Silence),
        prop::sample::select(vec![
            ResponseCode::ServFail,
            ResponseCode::Refused,
            ResponseCode::FormErr,
            ResponseCode::NotZone,
        ])
        .prop_map(Fate::Code),
        Just(Fate::Truncated),
        Just(Fate::Lost),
        Just(Fate::Returned),
        Just(Fate::Garbage),
        Just(Fate::LateError),
        Just(Fate::Answer),
        Just(Fate::Cancel),
    ]
}

/// Lives a session to its end. Returns the outcome, and how many queries left that were not
/// given back, by question.
fn live(rig: &mut Rig, fates: &[Fate]) -> (Outcome, Vec<u32>) {
    let mut fates = fates.iter();
    let mut sent: Vec<u32> = Vec::new();
    let mut flights: Vec<Flight> = Vec::new();
    let mut first: Option<Flight> = None;
    loop {
        match rig.poll() {
            Output::Send(question) => {
                let at = usize::from(question.0);
                sent.resize(sent.len().max(at + 1), 0);
                sent[at] += 1;
                let flight = rig.send_question(question, UpstreamId(0), true);
                first.get_or_insert_with(|| flight.clone());
                flights.retain(|other| other.question != question);
                flights.push(flight);
            }
            Output::Overdue(question) => {
                rig.session.expire(rig.now, question);
                flights.retain(|flight| flight.question != question);
            }
            Output::Finish => return (rig.take_session().finish(rig.now), sent),
            Output::Wait(until) => {
                let Some(fate) = fates.next() else {
                    rig.now = until;
                    continue;
                };
                befall(rig, *fate, until, &mut flights, &mut sent, first.as_ref());
            }
            other => panic!("a session has no connections: {other:?}"),
        }
    }
}

fn befall(
    rig: &mut Rig,
    fate: Fate,
    until: Time,
    flights: &mut Vec<Flight>,
    sent: &mut [u32],
    first: Option<&Flight>,
) {
    match fate {
        Fate::Pass { span_ms } => return rig.advance_ms(span_ms),
        Fate::Silence => {
            rig.now = until;
            return;
        }
        Fate::Cancel => return rig.session.cancel(rig.now),
        Fate::LateError => {
            if let Some(first) = first {
                let reply = first.code(ResponseCode::ServFail);
                rig.reply_late(first, &reply);
            }
            return;
        }
        _ => {}
    }
    let Some(flight) = flights.pop() else { return };
    let reply = match fate {
        Fate::Code(code) => flight.code(code),
        Fate::Truncated => flight.truncated(),
        Fate::Garbage => {
            let mut reply = flight.code(ResponseCode::NoError);
            reply[7] = 9;
            reply
        }
        Fate::Lost => return rig.lost(&flight, PORT_CLOSED),
        Fate::Returned => {
            sent[usize::from(flight.question.0)] -= 1;
            return rig.session.returned(rig.now, flight.question);
        }
        _ if flight.question.0 == 0 => flight.names(&["a.example.net.", "b.example.net."]),
        _ => flight.addresses(&["192.0.2.1"]),
    };
    rig.reply(&flight, &reply);
}

proptest! {
    #[test]
    fn every_session_ends_in_time_with_its_sums_right(
        fates in prop::collection::vec(fate(), 0..40),
        retries in 0u32..5,
        alternatives: bool,
        transport in prop::sample::select(vec![
            TransportPolicy::Udp, TransportPolicy::Tcp, TransportPolicy::Auto,
        ]),
        seed: u64,
    ) {
        let limits = Limits { retries, alternatives, transport, ..limits() };
        let mut rig = Rig::seeded(ptr_job("192.0.2.1", true), limits, seed);
        let begun = rig.now;
        let (outcome, sent) = live(&mut rig, &fates);

        let latency = outcome.latency().unwrap();
        let spent = outcome.phases.total().unwrap();
        prop_assert_eq!(spent, latency, "the phases add up");
        prop_assert_eq!(outcome.attempts, sent.iter().sum::<u32>());
        // Asking again without EDNS(0) and by TCP is no retry.
        prop_assert!(sent.iter().all(|count| *count <= retries + 3), "{sent:?}");
        prop_assert_eq!(outcome.fault.is_some(), outcome.verdict == Verdict::Failed);
        // Time that passed in one leap can only be noticed after it.
        let leap = Duration::from_secs(3);
        prop_assert!(outcome.finished.since(begun) <= limits.deadline + leap);
    }
}
