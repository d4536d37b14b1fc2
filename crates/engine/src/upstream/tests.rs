//! Resolvers that go silent and come back, and what all of them allow together.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use canvass_model::{Health, Time, Transport};
use canvass_proto::dns::QueryOptions;
use canvass_proto::{
    LameSet, Limits, QuestionId, ReplyClass, SendRequest, TransportPolicy, UpstreamId,
};

use super::{AddError, Attempt, UPSTREAMS_MAX, Upstreams};
use crate::allow_list::AllowList;
use crate::config::{Config, JOBS_MAX, Probing};
use crate::run_limits::RunLimits;
use crate::slab::TaskKey;

const FIRST_BY_DATAGRAM: SendRequest = SendRequest {
    transport: Transport::Udp,
    avoid: None,
    lame: LameSet::EMPTY,
    prefer: None,
    only: None,
    first: true,
};

fn at_ms(at_ms: u64) -> Time {
    Time::from_nanos(at_ms * 1_000_000)
}

fn upstreams(count: u16) -> Upstreams {
    let addresses = (1..=count).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let config = Config {
        upstreams: addresses.collect(),
        limits: Limits {
            retries: 7,
            deadline: Duration::from_secs(10),
            timeout: Duration::from_secs(2),
            transport: TransportPolicy::Auto,
            alternatives: count > 1,
            follow_cname: false,
            trace: false,
            query: QueryOptions::PLAIN,
        },
        allowed: AllowList::default(),
        known: Vec::new(),
        shards: NonZeroUsize::MIN,
        rate_max_per_second: None,
        is_scheduled: false,
        query_source: None,
        rate_per_resolver_max_per_second: None,
        ends_without_resolvers: true,
        in_flight_per_resolver_max: None,
        jobs_max: JOBS_MAX,
        concurrency_cap: None,
        probing: Probing::default(),
    };
    Upstreams::new(&config, &RunLimits::new(&config))
}

/// The upstream for a query that keeps its transport.
fn pick(
    upstreams: &mut Upstreams,
    now: Time,
    mut request: SendRequest,
) -> Result<UpstreamId, Time> {
    upstreams.pick(now, &mut request, false)
}

/// Sends a job's first query to one of them.
fn send(upstreams: &mut Upstreams, now: Time, id: UpstreamId) -> Attempt {
    let (epoch, in_flight_before) = upstreams.on_sent(now, id, Transport::Udp, true);
    Attempt {
        task: TaskKey {
            index: 0,
            generation: 0,
        },
        question: QuestionId(0),
        sent: now,
        epoch,
        in_flight_before,
        first: true,
        edns: true,
        expired: false,
    }
}

/// Sends to a lone resolver at `now` until it is benched for silence a second later. Returns
/// what was sent.
fn silence(upstreams: &mut Upstreams, now: Time, id: UpstreamId) -> Vec<Attempt> {
    let sent: Vec<Attempt> = (0..10).map(|_| send(upstreams, now, id)).collect();
    let expired = now + Duration::from_secs(1);
    let benched = sent
        .iter()
        .filter(|attempt| upstreams.on_expired(expired, id, Transport::Udp, attempt))
        .count();
    assert_eq!(benched, 1);
    sent.into_iter()
        .map(|attempt| Attempt {
            expired: true,
            ..attempt
        })
        .collect()
}

#[test]
fn a_resolver_that_answers_late_is_asked_again_at_once() {
    let mut upstreams = upstreams(1);
    let id = pick(&mut upstreams, Time::ZERO, FIRST_BY_DATAGRAM).expect("it may be asked");
    let sent = silence(&mut upstreams, at_ms(10), id);
    let now = at_ms(1_020);
    let held = pick(&mut upstreams, now, FIRST_BY_DATAGRAM);
    assert!(held.is_err_and(|until| until > at_ms(1_100)));
    upstreams.on_reply(now, id, Transport::Udp, &sent[0], ReplyClass::Answer);
    assert_eq!(pick(&mut upstreams, now, FIRST_BY_DATAGRAM), Ok(id));
    // The time that was set for it passes, and it stands in line only once.
    send(&mut upstreams, now, id);
    let _ = pick(&mut upstreams, at_ms(2_000), FIRST_BY_DATAGRAM);
    assert_eq!(upstreams.lines[0].ready, [id.0]);
}

#[test]
fn lanes_that_were_never_asked_or_are_left_alone_allow_nothing() {
    let mut upstreams = upstreams(2);
    let id = pick(&mut upstreams, Time::ZERO, FIRST_BY_DATAGRAM).expect("it may be asked");
    assert_eq!(upstreams.allowance(Time::ZERO).rate_per_second, 0.0);
    let sent = silence(&mut upstreams, at_ms(10), id);
    let benched = upstreams.allowance(at_ms(1_010));
    assert_eq!((benched.rate_per_second, benched.in_flight), (0.0, 0));
    let now = at_ms(1_020);
    upstreams.on_reply(now, id, Transport::Udp, &sent[0], ReplyClass::Answer);
    let good = upstreams.allowance(now);
    assert_eq!(good.rate_per_second, 1_000.0);
    assert!(good.in_flight >= 4, "{}", good.in_flight);
}

#[test]
fn more_lanes_than_one_look_takes_in_are_summed_in_rounds() {
    const COUNT: u16 = 1_300;
    let mut upstreams = upstreams(COUNT);
    for id in 0..COUNT {
        send(&mut upstreams, Time::ZERO, UpstreamId(id));
    }
    for round in 1..=2u64 {
        let sums = [(); 3].map(|()| upstreams.allowance(at_ms(20 * round)));
        let rates = sums.map(|sum| sum.rate_per_second);
        let whole = f64::from(COUNT) * 1_000.0;
        let before = if round == 1 { 0.0 } else { whole };
        assert_eq!(rates, [before, before, whole]);
        assert_eq!(sums[2].in_flight, u64::from(COUNT) * 4);
    }
}

/// A query for `only`.
fn naming(only: UpstreamId) -> SendRequest {
    SendRequest {
        only: Some(only),
        ..FIRST_BY_DATAGRAM
    }
}

#[test]
fn a_resolver_that_is_added_is_asked_by_name_only() {
    let mut upstreams = upstreams(2);
    let address = SocketAddr::from(([127, 0, 0, 1], 99));
    let added = upstreams.add(address).expect("there is room");
    assert_eq!(added, UpstreamId(2));
    assert_eq!(upstreams.add(address), Ok(added));
    let known = SocketAddr::from(([127, 0, 0, 1], 2));
    assert_eq!(upstreams.add(known), Ok(UpstreamId(1)));
    for step in 0..10 {
        let now = at_ms(10 * step);
        let id = pick(&mut upstreams, now, FIRST_BY_DATAGRAM).expect("it may be asked");
        assert_ne!(id, added);
        send(&mut upstreams, now, id);
    }
    assert_eq!(pick(&mut upstreams, at_ms(100), naming(added)), Ok(added));
}

#[test]
fn a_resolver_that_is_asked_by_name_leaves_the_others_as_they_are() {
    let mut upstreams = upstreams(1);
    let added = upstreams
        .add(SocketAddr::from(([127, 0, 0, 1], 99)))
        .expect("there is room");
    // It is benched for as long as one that has no other beside it.
    pick(&mut upstreams, Time::ZERO, naming(added)).expect("it may be asked");
    silence(&mut upstreams, at_ms(10), added);
    assert!(upstreams.is_benched(added, Transport::Udp));
    assert!(!upstreams.all_benched(Transport::Udp));
    let held = pick(&mut upstreams, at_ms(1_020), naming(added));
    assert!(held.is_err_and(|until| until > at_ms(1_020) && until <= at_ms(1_510)));
    assert_eq!(
        pick(&mut upstreams, at_ms(1_020), FIRST_BY_DATAGRAM),
        Ok(UpstreamId(0))
    );
    assert_eq!(pick(&mut upstreams, at_ms(2_000), naming(added)), Ok(added));
    // The one that shares the run's queries is the only one of its kind.
    silence(&mut upstreams, at_ms(2_000), UpstreamId(0));
    assert!(upstreams.all_benched(Transport::Udp));
}

#[test]
fn resolvers_are_limited_and_the_next_one_is_refused() {
    let mut upstreams = upstreams(1);
    let mut addresses = (0..u32::MAX).map(|number| {
        let [a, b, c, d] = number.to_be_bytes();
        SocketAddr::from(([10 + a, b, c, d], 53))
    });
    for id in 1..UPSTREAMS_MAX as u16 {
        let address = addresses.next().expect("there are more");
        assert_eq!(upstreams.add(address), Ok(UpstreamId(id)));
    }
    let one_more = addresses.next().expect("there are more");
    assert_eq!(upstreams.add(one_more), Err(AddError::TooMany));
}

/// Sends a first query at `now`, and has it answered so a millisecond later.
fn answer(upstreams: &mut Upstreams, now: Time, id: UpstreamId, class: ReplyClass) {
    let attempt = send(upstreams, now, id);
    let answered = now + Duration::from_millis(1);
    upstreams.on_reply(answered, id, Transport::Udp, &attempt, class);
}

/// The health of each, at the end.
fn health(upstreams: &mut Upstreams) -> Vec<Health> {
    let list = upstreams.list.iter_mut();
    list.map(|upstream| upstream.report().health).collect()
}

#[test]
fn a_query_that_failed_does_not_go_to_a_resolver_that_does_not_recurse() {
    let [lame, other, unproven] = [0, 1, 2].map(UpstreamId);
    let mut upstreams = upstreams(3);
    for (at, id) in [lame, other].into_iter().enumerate() {
        answer(&mut upstreams, at_ms(at as u64), id, ReplyClass::Lame);
    }
    let again = |avoid| SendRequest {
        avoid: Some(avoid),
        first: false,
        ..FIRST_BY_DATAGRAM
    };
    for now in 10..16 {
        assert_eq!(pick(&mut upstreams, at_ms(now), again(lame)), Ok(unproven));
    }
    // Not even when the one that may recurse was asked in vain.
    assert_eq!(
        pick(&mut upstreams, at_ms(16), again(unproven)),
        Ok(unproven)
    );
    // Its own zones may still be asked for.
    let firsts: Vec<_> = (20..23)
        .map(|now| pick(&mut upstreams, at_ms(now), FIRST_BY_DATAGRAM).unwrap())
        .collect();
    assert!(firsts.contains(&lame) && firsts.contains(&other));
    // That it has answers does not make it recurse.
    answer(&mut upstreams, at_ms(30), other, ReplyClass::Answer);
    assert_eq!(pick(&mut upstreams, at_ms(32), again(lame)), Ok(unproven));
    // When none is left that may recurse, each of the others is asked before one is asked twice.
    answer(&mut upstreams, at_ms(40), unproven, ReplyClass::Lame);
    let asked_in_vain = LameSet::from_iter([lame, other]);
    for avoid in [lame, other] {
        let request = SendRequest {
            lame: asked_in_vain,
            ..again(avoid)
        };
        for now in 42..46 {
            assert_eq!(pick(&mut upstreams, at_ms(now), request), Ok(unproven));
        }
    }
    assert_ne!(pick(&mut upstreams, at_ms(46), again(lame)), Ok(lame));
    assert_eq!(health(&mut upstreams), [Health::Lame; 3]);
}

#[test]
fn a_resolver_that_only_refers_is_left_alone_where_there_are_others() {
    for (count, benched) in [(2, true), (1, false)] {
        let mut upstreams = upstreams(count);
        let id = UpstreamId(0);
        for now in 0..16 {
            answer(&mut upstreams, at_ms(now), id, ReplyClass::Lame);
        }
        assert_eq!(upstreams.is_benched(id, Transport::Udp), benched);
        assert_eq!(health(&mut upstreams)[0], Health::Lame);
    }
}

#[test]
fn only_a_resolver_that_has_answered_is_good() {
    for (class, expected) in [
        (ReplyClass::Answer, Health::Good),
        (ReplyClass::Refused, Health::Unproven),
        (ReplyClass::ServFail, Health::Unproven),
        (ReplyClass::Unusable, Health::Unproven),
        (ReplyClass::Truncated, Health::Unproven),
        (ReplyClass::Lame, Health::Lame),
    ] {
        let mut upstreams = upstreams(1);
        for now in 0..40 {
            answer(&mut upstreams, at_ms(now), UpstreamId(0), class);
        }
        assert_eq!(health(&mut upstreams), [expected], "{class:?}");
    }
    let mut upstreams = upstreams(1);
    assert_eq!(health(&mut upstreams), [Health::Unused]);
    send(&mut upstreams, Time::ZERO, UpstreamId(0));
    assert_eq!(health(&mut upstreams), [Health::Unproven]);
}
