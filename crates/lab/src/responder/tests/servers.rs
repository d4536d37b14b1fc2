//! The limits of servers, and the mix of a recursive resolver.

use super::*;

#[test]
fn a_server_holds_no_more_than_its_cap_at_once() {
    let mut world = World::new("delay=20ms,inflight-cap=150,over=refused");
    let refused = |plan: &ReplyPlan| kinds(plan) == [ReplyKind::Rcode(Rcode::REFUSED)];
    let plans = world.plans(Transport::Udp);
    assert!(!plans[..150].iter().any(refused));
    assert!(plans[150..].iter().all(refused));
    // At once, because the delay is that of the server behind it.
    assert_eq!(delays_ms(&plans[150]), [0]);
    // Both transports share the places; another address has its own.
    let ask = |world: &mut World, server, transport| {
        let now = world.now;
        refused(&world.responder.plan(now, server, transport, &ptr(700)))
    };
    assert!(ask(&mut world, SERVER, Transport::Tcp));
    let other = IpAddr::from([127, 0, 0, 2]);
    assert!(!ask(&mut world, other, Transport::Udp));
    world.pass(19);
    assert!(ask(&mut world, SERVER, Transport::Udp));
    world.pass(1);
    assert!(!ask(&mut world, SERVER, Transport::Udp));
}

#[test]
fn a_question_that_is_held_is_joined() {
    let mut world = World::new("delay=20ms,inflight-cap=1,over=refused");
    world.ask(&ptr(0));
    world.pass(15);
    // It is answered when the first one is, and takes no place.
    let again = world.ask(&ptr(0));
    assert_eq!(
        (kinds(&again), delays_ms(&again)),
        (vec![ReplyKind::Answer], vec![5])
    );
    let refused = vec![ReplyKind::Rcode(Rcode::REFUSED)];
    assert_eq!(kinds(&world.ask(&ptr(1))), refused);
    // Another type is another question.
    let address = query(0, "1.0.0.10.in-addr.arpa", 1, None);
    assert_eq!(kinds(&world.ask(&address)), refused);
    world.pass(5);
    assert_eq!(delays_ms(&world.ask(&ptr(1))), [20]);
}

#[test]
fn over_the_in_flight_cap_a_server_may_be_silent() {
    let mut world = World::new("delay=1s,inflight-cap=2");
    let dropped: Vec<_> = (0..3).map(|n| world.ask(&ptr(n)).dropped).collect();
    assert_eq!(dropped, [None, None, Some(DropReason::OverInFlightCap)]);
    // With slip, streams are not limited.
    let mut world = World::new("delay=1s,inflight-cap=1,over=slip");
    world.ask(&ptr(0));
    let over: Vec<_> = (1..3).map(|n| kinds(&world.ask(&ptr(n)))).collect();
    assert_eq!(over, [vec![], vec![ReplyKind::Truncated]]);
    let plan = world
        .responder
        .plan(world.now, SERVER, Transport::Tcp, &ptr(3));
    assert_eq!(kinds(&plan), [ReplyKind::Answer]);
}

#[test]
fn a_name_that_is_never_answered_is_held_for_its_own_time() {
    for (text, hold_ms) in [
        ("never=100%,inflight-cap=1", 10_000),
        ("never=100%,inflight-cap=1,inflight-hold=3s", 3_000),
    ] {
        let mut world = World::new(text);
        assert_eq!(world.ask(&ptr(0)).dropped, Some(DropReason::Never));
        world.pass(hold_ms - 1);
        assert_eq!(
            world.ask(&ptr(1)).dropped,
            Some(DropReason::OverInFlightCap)
        );
        world.pass(1);
        assert_eq!(world.ask(&ptr(2)).dropped, Some(DropReason::Never));
    }
    // What is lost on the way takes no place.
    let mut world = World::new("loss=100%,inflight-cap=1");
    let lost = world.plans(Transport::Udp);
    assert!(
        lost.iter()
            .all(|plan| plan.dropped == Some(DropReason::Lost))
    );
}

#[test]
fn the_mix_of_a_recursive_resolver_is_kept_by_name() {
    let text = "delay=20500us,jitter=19500us,nxdomain=20%,lame=12%,never=8%";
    let mut world = World::new(text);
    let plans = world.plans(Transport::Udp);
    let lame = [ReplyKind::Rcode(Rcode::SERVFAIL)];
    let share = |what: &dyn Fn(&ReplyPlan) -> bool| {
        plans.iter().filter(|plan| what(plan)).count() as f64 / QUERIES as f64
    };
    assert!(is_near(
        share(&|plan| kinds(plan) == [ReplyKind::Answer]),
        0.6
    ));
    assert!(is_near(
        share(&|plan| kinds(plan) == [ReplyKind::NxDomain]),
        0.2
    ));
    assert!(is_near(share(&|plan| kinds(plan) == lame), 0.12));
    assert!(is_near(
        share(&|plan| plan.dropped == Some(DropReason::Never)),
        0.08
    ));
    for plan in &plans {
        let expected = if kinds(plan) == lame {
            2_001..8_041
        } else {
            1..41
        };
        assert!(
            plan.replies
                .iter()
                .all(|reply| expected.contains(&reply.delay.as_millis()))
        );
    }
    // A lame name always takes as long, and no seed changes what becomes of a name.
    let mut again = World::new(&format!("{text},seed=9"));
    for (n, plan) in (0..).zip(&plans) {
        let second = again.ask(&ptr(n));
        assert_eq!(
            (kinds(plan), plan.dropped),
            (kinds(&second), second.dropped)
        );
        if kinds(plan) == lame {
            let apart = plan.replies[0].delay.abs_diff(second.replies[0].delay);
            assert!(apart < Duration::from_millis(40), "{apart:?}");
        }
    }
}

#[test]
fn only_names_of_reverse_lookups_are_made_not_to_exist() {
    let mut world = World::new("nxdomain=100%");
    let truth = Responder::new(Impairments::default());
    for (name, missing) in [
        ("1.2.3.10.in-addr.arpa", true),
        ("1.0.ip6.arpa", true),
        ("host-10-3-2-1.example.net", false),
    ] {
        let query = query(7, name, 12, Some(1232));
        let kind = world.ask(&query).replies[0].kind;
        assert_eq!(kind == ReplyKind::NxDomain, missing, "{name}");
    }
    // As the zone has it for a name that does not exist.
    let missing = query(7, "7.2.3.10.in-addr.arpa", 12, Some(1232));
    let mut expected = Vec::new();
    truth.render(&missing, Transport::Udp, ReplyKind::Answer, &mut expected);
    assert_eq!(world.render(&missing, ReplyKind::NxDomain), expected);
}

#[test]
fn one_worker_takes_its_time_for_each_datagram_and_has_a_queue() {
    let mut world = World::new("service-time=10ms,queue=3");
    let plans: Vec<_> = (0..6).map(|n| world.ask(&ptr(n))).collect();
    let delays: Vec<_> = plans.iter().flat_map(delays_ms).collect();
    // One is being processed, and three wait.
    assert_eq!(delays, [10, 20, 30, 40]);
    assert_eq!(plans[4].dropped, Some(DropReason::QueueFull));
    let by_stream = world
        .responder
        .plan(world.now, SERVER, Transport::Tcp, &ptr(0));
    assert_eq!(delays_ms(&by_stream), [0]);
    let other = IpAddr::from([127, 0, 0, 2]);
    let elsewhere = world
        .responder
        .plan(world.now, other, Transport::Udp, &ptr(0));
    assert_eq!(delays_ms(&elsewhere), [10]);
    world.pass(10);
    assert_eq!(delays_ms(&world.ask(&ptr(6))), [40]);
    world.pass(1_000);
    assert_eq!(delays_ms(&world.ask(&ptr(7))), [10]);
}

#[test]
fn queries_over_tcp_take_their_own_time_and_are_not_lost() {
    let mut world = World::new("tcp-service-time=10ms,queue=1");
    let delays: Vec<_> = (0..3)
        .map(|n| {
            let plan = world
                .responder
                .plan(world.now, SERVER, Transport::Tcp, &ptr(n));
            delays_ms(&plan)
        })
        .collect();
    assert_eq!(delays, [[10], [20], [30]]);
    assert_eq!(delays_ms(&world.ask(&ptr(0))), [0]);
}

#[test]
fn a_stopped_server_answers_afterwards_what_its_queue_holds() {
    let mut world = World::new("freeze=100ms,queue=2");
    assert_eq!(delays_ms(&world.ask(&ptr(0))), [0]);
    world.pass(899);
    assert_eq!(delays_ms(&world.ask(&ptr(0))), [0]);
    world.pass(1);
    assert_eq!(delays_ms(&world.ask(&ptr(1))), [100]);
    world.pass(60);
    assert_eq!(delays_ms(&world.ask(&ptr(2))), [40]);
    assert_eq!(world.ask(&ptr(3)).dropped, Some(DropReason::QueueFull));
    // A stream loses nothing.
    let by_stream = world
        .responder
        .plan(world.now, SERVER, Transport::Tcp, &ptr(4));
    assert_eq!(delays_ms(&by_stream), [40]);
    world.pass(40);
    assert_eq!(delays_ms(&world.ask(&ptr(5))), [0]);
    world.pass(950);
    assert_eq!(delays_ms(&world.ask(&ptr(6))), [50]);
}

#[test]
fn a_stopped_server_sends_no_reply_and_frees_no_place() {
    let mut world = World::new("delay=20ms,freeze=100ms,inflight-cap=1,over=refused");
    world.ask(&ptr(0));
    world.pass(890);
    // Its answer is due after 20 ms, and the server goes on after 110 ms.
    assert_eq!(delays_ms(&world.ask(&ptr(1))), [110]);
    world.pass(109);
    let held_up = world.ask(&ptr(2));
    assert_eq!(
        (kinds(&held_up), delays_ms(&held_up)),
        (vec![ReplyKind::Answer], vec![21])
    );
    world.pass(1);
    let refused = world.ask(&ptr(3));
    assert_eq!(kinds(&refused), [ReplyKind::Rcode(Rcode::REFUSED)]);
    // Stopped for good, but for a moment of each period.
    let mut world = World::new("freeze=2s,freeze-every=1s");
    assert_eq!(delays_ms(&world.ask(&ptr(0))), [0]);
    world.pass(1);
    assert_eq!(delays_ms(&world.ask(&ptr(0))), [999]);
}
