mod servers;

use super::*;

use std::collections::HashSet;

use hickory_proto::op::Message;
use proptest::prelude::*;

use crate::query::HEADER_BYTES;
use crate::testing::query;

const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const QUERIES: u64 = 20_000;

/// A responder and its virtual clock.
struct World {
    responder: Responder,
    now: Time,
}

impl World {
    fn new(impairments: &str) -> Self {
        Self {
            responder: Responder::new(impairments.parse().unwrap()),
            now: Time::from_nanos(5_000_000_000),
        }
    }

    fn ask(&mut self, query: &[u8]) -> ReplyPlan {
        self.responder.plan(self.now, SERVER, Transport::Udp, query)
    }

    fn pass(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
    }

    /// The plans for PTR queries for many addresses at the same time.
    fn plans(&mut self, transport: Transport) -> Vec<ReplyPlan> {
        (0..QUERIES)
            .map(|n| self.responder.plan(self.now, SERVER, transport, &ptr(n)))
            .collect()
    }

    /// The share of plans for which `what` holds.
    fn share(&mut self, transport: Transport, what: impl Fn(&ReplyPlan) -> bool) -> f64 {
        let plans = self.plans(transport);
        plans.iter().filter(|plan| what(plan)).count() as f64 / QUERIES as f64
    }

    fn render(&self, query: &[u8], kind: ReplyKind) -> Vec<u8> {
        let mut reply = Vec::new();
        self.responder
            .render(query, Transport::Udp, kind, &mut reply)
            .unwrap();
        reply
    }
}

fn ptr(n: u64) -> Vec<u8> {
    let name = format!("1.{}.{}.10.in-addr.arpa", n & 0xff, n >> 8 & 0xff);
    query(n as u16, &name, 12, Some(1232))
}

fn kinds(plan: &ReplyPlan) -> Vec<ReplyKind> {
    plan.replies.iter().map(|reply| reply.kind).collect()
}

fn delays_ms(plan: &ReplyPlan) -> Vec<u128> {
    let millis = |reply: &PlannedReply| reply.delay.as_millis();
    plan.replies.iter().map(millis).collect()
}

fn is_near(share: f64, expected: f64) -> bool {
    (share - expected).abs() < 0.01
}

#[test]
fn without_impairments_every_query_is_answered_at_once() {
    for text in [
        "",
        "seed=9",
        "tcp-serial,tcp-close-after=5,late-by=1s,no-edns",
        "lame-by=1s,inflight-hold=1s,freeze-every=1s,queue=9",
    ] {
        let mut world = World::new(text);
        assert!(world.responder.is_unimpaired(), "{text}");
        let plan = world.ask(&ptr(0));
        assert_eq!(
            (kinds(&plan), delays_ms(&plan)),
            (vec![ReplyKind::Answer], vec![0])
        );
    }
    assert!(!World::new("delay=1ms").responder.is_unimpaired());
}

#[test]
fn the_same_seed_does_the_same_and_another_does_not() {
    let plans = |seed| {
        let text = format!("loss=20%,jitter=5ms,forge=5%,corrupt=5%,seed={seed}");
        World::new(&text).plans(Transport::Udp)
    };
    assert_eq!(plans(1), plans(1));
    assert_ne!(plans(1), plans(2));
}

#[test]
fn delay_varies_evenly_by_the_jitter_and_never_below_zero() {
    let mut world = World::new("delay=20ms,jitter=5ms");
    let delays: Vec<Duration> = world
        .plans(Transport::Udp)
        .iter()
        .map(|plan| plan.replies[0].delay)
        .collect();
    let millis = Duration::from_millis;
    assert!(
        delays
            .iter()
            .all(|delay| (millis(15)..=millis(25)).contains(delay))
    );
    let below = delays.iter().filter(|delay| **delay < millis(20)).count();
    assert!(is_near(below as f64 / QUERIES as f64, 0.5));
    let mut world = World::new("delay=1ms,jitter=9ms");
    let zero = world.share(Transport::Udp, |plan| plan.replies[0].delay.is_zero());
    assert!(is_near(zero, 8.0 / 18.0), "{zero}");
}

#[test]
fn shares_are_kept() {
    let has = |plan: &ReplyPlan, kind| kinds(plan) == [kind];
    type Holds = fn(&ReplyPlan) -> bool;
    let cases: [(&str, Holds); 8] = [
        ("loss", |plan| plan.dropped == Some(DropReason::Lost)),
        ("never", |plan| plan.dropped == Some(DropReason::Never)),
        ("slow", |plan| plan.slow && delays_ms(plan) == [800]),
        ("late", |plan| plan.late && delays_ms(plan) == [3000]),
        ("forge", |plan| plan.replies.len() == 3),
        ("duplicate", |plan| {
            kinds(plan)
                == [
                    ReplyKind::Answer,
                    ReplyKind::Duplicate(ResponseMode::Answer),
                ]
        }),
        ("corrupt", |plan| {
            matches!(kinds(plan)[..], [ReplyKind::Corrupt(_)])
        }),
        ("truncate", |plan| kinds(plan) == [ReplyKind::Truncated]),
    ];
    for (key, what) in cases {
        let share = World::new(&format!("{key}=10%")).share(Transport::Udp, what);
        assert!(is_near(share, 0.1), "{key}: {share}");
    }
    for (key, rcode) in [("servfail", Rcode::SERVFAIL), ("refused", Rcode::REFUSED)] {
        for transport in [Transport::Udp, Transport::Tcp] {
            let mut world = World::new(&format!("{key}=10%"));
            let share = world.share(transport, |plan| has(plan, ReplyKind::Rcode(rcode)));
            assert!(is_near(share, 0.1), "{key}: {share}");
        }
    }
}

#[test]
fn tcp_loses_and_corrupts_nothing() {
    let mut world = World::new("loss=50%,truncate=50%,forge=50%,duplicate=50%,corrupt=50%");
    let answered = world.share(Transport::Tcp, |plan| kinds(plan) == [ReplyKind::Answer]);
    assert_eq!(answered, 1.0);
    let mut world = World::new("never=50%,late=50%");
    assert!(is_near(world.share(Transport::Tcp, |plan| plan.late), 0.25));
}

#[test]
fn the_same_names_are_never_answered_or_slow_whatever_the_seed() {
    let names = |text: &str| -> (HashSet<usize>, HashSet<usize>) {
        let plans = World::new(text).plans(Transport::Udp);
        let which = |what: fn(&ReplyPlan) -> bool| {
            let indexes = plans.iter().enumerate();
            indexes
                .filter(|(_, plan)| what(plan))
                .map(|(n, _)| n)
                .collect()
        };
        (
            which(|plan| plan.dropped == Some(DropReason::Never)),
            which(|plan| plan.slow),
        )
    };
    let (never, slow) = names("never=5%,slow=5%,seed=1");
    assert_eq!(
        (never.clone(), slow.clone()),
        names("never=5%,slow=5%,seed=2")
    );
    // The two shares are independent of each other.
    let alone = names("slow=5%").1;
    assert!(is_near(
        alone.intersection(&never).count() as f64 / QUERIES as f64,
        0.0025
    ));
    // Names are compared without regard to case.
    let mut world = World::new("never=50%");
    for n in 0..100 {
        let lower = query(0, &format!("host-10-0-0-{n}.example.net"), 1, None);
        let upper = query(0, &format!("HOST-10-0-0-{n}.EXAMPLE.NET"), 1, None);
        assert_eq!(world.ask(&lower).dropped, world.ask(&upper).dropped);
    }
}

#[test]
fn the_rate_cap_is_kept_for_each_server_and_transport() {
    let mut world = World::new("rate-cap=1000,burst=20");
    let over = |plan: &ReplyPlan| plan.dropped == Some(DropReason::OverCap);
    let admitted = world
        .plans(Transport::Udp)
        .iter()
        .filter(|plan| !over(plan))
        .count();
    assert_eq!(admitted, 20);
    assert!(over(&world.responder.plan(
        world.now,
        SERVER,
        Transport::Tcp,
        &ptr(0)
    )));
    let other = IpAddr::from([127, 0, 0, 2]);
    assert!(!over(&world.responder.plan(
        world.now,
        other,
        Transport::Udp,
        &ptr(0)
    )));
    world.pass(10);
    let admitted = world
        .plans(Transport::Tcp)
        .iter()
        .filter(|plan| !over(plan))
        .count();
    assert_eq!(admitted, 10);
    // The default burst is a tenth of the rate.
    let mut world = World::new("rate-cap=1000");
    assert_eq!(
        world
            .plans(Transport::Udp)
            .iter()
            .filter(|plan| !over(plan))
            .count(),
        100
    );
}

#[test]
fn over_the_cap_refused_still_takes_its_delay() {
    let mut world = World::new("rate-cap=1,over=refused,delay=20ms");
    world.ask(&ptr(0));
    let plan = world.ask(&ptr(1));
    assert_eq!(kinds(&plan), [ReplyKind::Rcode(Rcode::REFUSED)]);
    assert_eq!(delays_ms(&plan), [20]);
}

#[test]
fn an_outage_begins_after_the_first_query_and_ends() {
    let mut world = World::new("outage-after=100ms,outage=50ms");
    let mut outages = Vec::new();
    for _ in 0..20 {
        outages.push(world.ask(&ptr(0)).dropped == Some(DropReason::Outage));
        world.pass(10);
    }
    let expected: Vec<bool> = (0..20).map(|step| (10..15).contains(&step)).collect();
    assert_eq!(outages, expected);
    let mut world = World::new("outage=20ms,outage-every=50ms");
    let mut outages = String::new();
    for _ in 0..15 {
        let is_out = world.ask(&ptr(0)).dropped == Some(DropReason::Outage);
        outages.push(if is_out { '-' } else { '+' });
        world.pass(10);
    }
    assert_eq!(outages, "--+++".repeat(3));
    let mut world = World::new("outage-after=100ms");
    assert_eq!(world.ask(&ptr(0)).dropped, None);
    world.pass(1_000_000);
    assert_eq!(world.ask(&ptr(0)).dropped, Some(DropReason::Outage));
}

#[test]
fn dead_and_lying_servers_are_selected_by_address() {
    let mut world = World::new("dead=127.9.0.0/16,dead=127.0.0.2,lying=127.0.0.3,lying=::1");
    let mut plan = |server: &str| {
        let server = server.parse().unwrap();
        world
            .responder
            .plan(world.now, server, Transport::Udp, &ptr(0))
    };
    for dead in ["127.9.1.2", "127.0.0.2"] {
        assert_eq!(plan(dead).dropped, Some(DropReason::Dead), "{dead}");
    }
    for lying in ["127.0.0.3", "::1"] {
        assert_eq!(
            kinds(&plan(lying)),
            [ReplyKind::Rcode(Rcode::SERVFAIL)],
            "{lying}"
        );
    }
    assert_eq!(kinds(&plan("127.0.0.1")), [ReplyKind::Answer]);
}

#[test]
fn forged_answers_are_first_and_differ() {
    let mut world = World::new("forge=100%,delay=20ms");
    let query = ptr(3);
    let truth = world.render(&query, ReplyKind::Answer);
    let plan = world.ask(&query);
    assert_eq!(delays_ms(&plan), [10, 10, 20]);
    let replies: Vec<Vec<u8>> = kinds(&plan)
        .into_iter()
        .map(|kind| world.render(&query, kind))
        .collect();
    let [wrong_id, wrong_question, answer] = &replies[..] else {
        panic!("{plan:?}");
    };
    assert_eq!(*answer, truth);
    let decoded = |reply: &[u8]| Message::from_vec(reply).unwrap();
    let (truth, wrong_id, wrong_question) =
        (decoded(&truth), decoded(wrong_id), decoded(wrong_question));
    assert_ne!(wrong_id.metadata.id, truth.metadata.id);
    assert_eq!(wrong_id.queries, truth.queries);
    assert_eq!(wrong_question.metadata.id, truth.metadata.id);
    assert_ne!(wrong_question.queries, truth.queries);
    for forgery in [wrong_id, wrong_question] {
        assert_eq!(forgery.answers[0].data.to_string(), "forged.example.net.");
    }
}

#[test]
fn a_duplicate_is_equal_to_its_reply() {
    let mut world = World::new("duplicate=100%,servfail=100%");
    let query = ptr(3);
    let plan = world.ask(&query);
    let replies: HashSet<Vec<u8>> = kinds(&plan)
        .into_iter()
        .map(|kind| world.render(&query, kind))
        .collect();
    assert_eq!((plan.replies.len(), replies.len()), (2, 1));
}

proptest! {
    #[test]
    fn a_corrupt_reply_cannot_be_read(n in 0..65_536u64, entropy: u64, name in prop::sample::select(vec![
        "19.2.1.10.in-addr.arpa", "7.2.1.10.in-addr.arpa", "example.net", "example.com", ".",
    ])) {
        let world = World::new("");
        for query in [ptr(n), query(n as u16, name, 12, None)] {
            let reply = world.render(&query, ReplyKind::Corrupt(entropy));
            prop_assert!(!reply.is_empty());
            prop_assert!(Message::from_vec(&reply).is_err(), "{reply:?}");
        }
    }

    #[test]
    fn any_servers_answer_can_be_corrupted(
        name in prop::collection::vec(any::<u8>(), 0..40),
        mut answer in prop::collection::vec(any::<u8>(), HEADER_BYTES..HEADER_BYTES + 3),
        entropy: u64,
    ) {
        answer.extend(name);
        Responder::relay(ReplyKind::Corrupt(entropy), &mut answer);
        prop_assert!(!answer.is_empty());
        prop_assert!(Message::from_vec(&answer).is_err(), "{answer:?}");
    }

    #[test]
    fn any_bytes_are_planned_and_rendered(bytes in prop::collection::vec(any::<u8>(), 0..64), seed: u64) {
        let mut world = World::new(&format!("forge=50%,corrupt=50%,duplicate=50%,never=5%,slow=50%,truncate=20%,seed={seed}"));
        let plan = world.ask(&bytes);
        for kind in kinds(&plan) {
            let mut reply = Vec::new();
            let status = world.responder.render(&bytes, Transport::Udp, kind, &mut reply);
            prop_assert_eq!(status.is_none(), reply.is_empty());
        }
    }
}
