//! Named scenarios with hosts: each has one kind of impairment, and its expected result.

mod common;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use canvass_lab::ServiceKind;
use canvass_model::{
    Answer, Cause, HttpAnswer, HttpFallback, Job, ModuleId, Outcome, Phase, ProbeSpec, Remote,
    Status, Target, Time, Verdict,
};
use canvass_proto::Module;
use canvass_proto::http::HttpSettings;
use canvass_sim::{Peer, Reach, RunResult, Scenario, Site, addresses, http, tcp, url_job};
use common::run_named;

const V4: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn at_ms(at_ms: u64) -> Time {
    Time::from_nanos(at_ms * 1_000_000)
}

/// Hosts under 10.0.0.0 with http services.
fn many_hosts() -> Site {
    Site::new(ip("10.0.0.0"), ServiceKind::Http).up_to(ip("10.0.255.255"))
}

fn world(jobs: Vec<Job>, sites: Vec<Site>, module: Module) -> Scenario {
    let mut scenario = Scenario::plain(1, jobs, vec![Peer::impaired(0, "delay=1ms")]);
    scenario.sites = sites;
    // Each test has its own expectations.
    scenario.fair = false;
    scenario.probing.modules = vec![Arc::new(module)];
    scenario
}

/// Runs a scenario, which must have no violations.
fn run(scenario: &Scenario) -> RunResult {
    let result = run_named(scenario);
    assert_eq!(result.violations, [""; 0], "{:#?}", result.report);
    println!("{} outcomes in {:?}", result.outcomes.len(), result.elapsed);
    result
}

fn page(outcome: &Outcome) -> &HttpAnswer {
    match &outcome.answer {
        Answer::Http(page) => page,
        other => panic!("{other:?}"),
    }
}

fn causes(result: &RunResult) -> Vec<Cause> {
    let faults = result.outcomes.iter().flat_map(|one| &one.fault);
    faults.map(|fault| fault.cause).collect()
}

fn host(number: u32) -> String {
    let [_, _, high, low] = number.to_be_bytes();
    format!("10.0.{high}.{low}")
}

#[test]
fn thousands_of_hosts_share_forty_descriptors_and_none_is_blamed() {
    let urls = (0..5_000).map(|seq| url_job(seq.into(), &format!("http://{}/delay/50", host(seq))));
    let mut scenario = world(
        urls.collect(),
        vec![many_hosts()],
        http(HttpSettings::default()),
    );
    scenario.probing.sockets_max = 40;
    let result = run(&scenario);
    assert_eq!(result.count(Verdict::Answered), 5_000);
    assert_eq!(result.report.connections.open_max, 40);
    // Forty at a time, a little over 50 ms each.
    assert!(
        result.elapsed < Duration::from_millis(7_500),
        "{:?}",
        result.elapsed
    );
}

#[test]
fn thousands_of_names_share_forty_descriptors_and_none_is_blamed() {
    let name = |seq: u32| {
        let [_, _, high, low] = seq.to_be_bytes();
        format!("http://host-10-0-{high}-{low}.example.net/delay/200")
    };
    let urls = (0..4_000).map(|seq| url_job(seq.into(), &name(seq)));
    let mut scenario = world(
        urls.collect(),
        vec![many_hosts()],
        http(HttpSettings::default()),
    );
    scenario.probing.sockets_max = 40;
    let result = run(&scenario);
    assert_eq!(causes(&result), []);
}

#[test]
fn a_system_without_descriptors_is_waited_for() {
    let urls = (0..2_000).map(|seq| url_job(seq.into(), &format!("http://{}/", host(seq))));
    let mut scenario = world(
        urls.collect(),
        vec![many_hosts()],
        http(HttpSettings::default()),
    );
    // The limit is lower than the one the engine knows.
    scenario.host.descriptors_max = 12;
    scenario.probing.sockets_max = 40;
    let result = run(&scenario);
    assert_eq!(
        result.count(Verdict::Answered),
        2_000,
        "{:?}",
        causes(&result)
    );
    assert!(result.report.connections.waited_for_descriptor > 0);
}

/// A scenario in which names are known after 20 ms, when there are no descriptors left.
fn without_descriptors(jobs: Vec<Job>, deadline: Duration) -> Scenario {
    let mut module = http(HttpSettings::default());
    module.timeouts.deadline = deadline;
    let mut scenario = world(jobs, vec![many_hosts()], module);
    scenario.peers = vec![Peer::impaired(0, "delay=20ms")];
    scenario.host.descriptors_gone = Some((at_ms(5), at_ms(100_000)));
    scenario
}

#[test]
fn all_who_wait_for_a_descriptor_are_told_that_there_is_none() {
    let url = |seq| format!("http://host-10-0-0-{seq}.example.net/");
    let jobs = (0..40).map(|seq| url_job(seq, &url(seq)));
    // The deadline allows attempts for about half of them.
    let scenario = without_descriptors(jobs.collect(), Duration::from_millis(200));
    let result = run(&scenario);
    assert_eq!(causes(&result), [Cause::Descriptors; 40]);
}

#[test]
fn who_was_not_come_to_between_two_tries_for_a_descriptor_blames_nobody() {
    let mut jobs = vec![
        url_job(0, "http://host-10-0-0-1.example.net/"),
        url_job(1, "http://10.0.0.2/"),
    ];
    // The second finds no descriptor, and the next try is 10 ms later. The first has its addresses
    // meanwhile, and its deadline.
    jobs[0].due = Some(at_ms(0));
    jobs[1].due = Some(at_ms(16));
    let result = run(&without_descriptors(jobs, Duration::from_millis(23)));
    let ends = result.outcomes.iter().map(|one| {
        let fault = one.fault.as_ref().expect("a fault");
        (one.job.seq, one.status, fault.phase, fault.cause)
    });
    assert_eq!(
        ends.collect::<Vec<_>>(),
        [
            (0, Status::Local, Phase::Wait, Cause::Timeout),
            (1, Status::Local, Phase::Wait, Cause::Descriptors),
        ]
    );
}

#[test]
fn redirects_to_another_host_keep_to_its_cap() {
    let to = "http://10.0.9.9/delay/20";
    let urls = (0..300).map(|seq| {
        let from = host(seq % 50);
        url_job(seq.into(), &format!("http://{from}/redirect-to?url={to}"))
    });
    let settings = HttpSettings {
        follow_max: 3,
        ..HttpSettings::default()
    };
    let mut module = http(settings);
    module.timeouts.deadline = Duration::from_secs(30);
    let mut scenario = world(urls.collect(), vec![many_hosts()], module);
    scenario.probing.per_host_max = 2;
    let result = run(&scenario);
    assert_eq!(
        result.count(Verdict::Answered),
        300,
        "{:?}",
        causes(&result)
    );
    for outcome in &result.outcomes {
        assert_eq!(page(outcome).redirects.len(), 1);
        assert_eq!(&*page(outcome).url, to);
    }
    // Two at a time, 20 ms each: the limit was kept.
    assert!(
        result.elapsed >= Duration::from_secs(3),
        "{:?}",
        result.elapsed
    );
}

#[test]
fn a_retry_after_a_redirect_has_its_permit_again() {
    let urls = (0..100).map(|seq| {
        let path = "/redirect-to?url=http://10.0.9.9/reset";
        url_job(seq, &format!("http://10.0.0.1{path}"))
    });
    let settings = HttpSettings {
        follow_max: 3,
        ..HttpSettings::default()
    };
    let mut module = http(settings);
    module.retries = 3;
    module.timeouts.deadline = Duration::from_secs(600);
    let mut scenario = world(urls.collect(), vec![many_hosts()], module);
    scenario.probing.per_host_max = 1;
    let result = run(&scenario);
    assert_eq!(causes(&result), vec![Cause::Reset; 100]);
    let attempts: Vec<u32> = result.outcomes.iter().map(|one| one.attempts).collect();
    assert_eq!(attempts, [4; 100]);
}

#[test]
fn a_thousand_urls_of_one_host_are_one_lookup() {
    let urls = (0..1_000).map(|seq| url_job(seq, &format!("http://one.lab.test/status/404?{seq}")));
    let sites = vec![
        Site::new(V4, ServiceKind::Http),
        Site::new(V6, ServiceKind::Http),
    ];
    let scenario = world(urls.collect(), sites, http(HttpSettings::default()));
    let result = run(&scenario);
    assert!(
        result
            .outcomes
            .iter()
            .all(|one| one.status == Status::Http(404))
    );
    assert_eq!(
        result.queries_udp + result.queries_tcp,
        2,
        "one for each half"
    );
    let connections = result.report.connections;
    assert_eq!(
        (connections.names_needed, connections.names_looked_up),
        (1_000, 1)
    );
}

#[test]
fn a_trickling_peer_cannot_stretch_the_deadline() {
    let urls = [
        "/bytes/3000",
        "/endless",
        "/endless-chunked",
        "/endless-head",
        "/drip-head?ms=900",
    ];
    let urls = urls
        .iter()
        .enumerate()
        .map(|(seq, path)| url_job(seq as u64, &format!("http://10.0.0.{seq}{path}")));
    let mut module = http(HttpSettings::default());
    module.timeouts.transfer = Duration::from_secs(3_600);
    module.timeouts.deadline = Duration::from_secs(5);
    let slow = many_hosts().impaired("trickle=200ms");
    let result = run(&world(urls.collect(), vec![slow], module));
    assert_eq!(causes(&result), [Cause::Timeout; 5]);
    for outcome in &result.outcomes {
        let fault = outcome.fault.as_ref().expect("a fault");
        assert_eq!(fault.phase, Phase::Transfer);
        let latency = outcome.latency().expect("it began");
        assert!(latency <= Duration::from_millis(5_010), "{latency:?}");
    }
}

#[test]
fn a_kept_connection_that_the_server_closed_is_followed_by_a_new_one() {
    let mut job = url_job(0, "http://10.0.0.1/keep/2");
    job.spec = ProbeSpec::Http {
        module: ModuleId(0),
        requests: NonZeroU32::new(7).expect("some"),
    };
    let settings = HttpSettings {
        keep_alive: true,
        ..HttpSettings::default()
    };
    let result = run(&world(vec![job], vec![many_hosts()], http(settings)));
    assert_eq!(result.count(Verdict::Answered), 7);
    assert_eq!(result.report.connections.opened, 4);
}

#[test]
fn a_kept_connection_that_breaks_under_a_request_is_followed_by_a_new_one() {
    let mut job = url_job(0, "http://10.0.0.1/bytes/100");
    job.spec = ProbeSpec::Http {
        module: ModuleId(0),
        requests: NonZeroU32::new(6).expect("some"),
    };
    let settings = HttpSettings {
        keep_alive: true,
        ..HttpSettings::default()
    };
    // Exactly two answers: the reset meets the third request.
    let answer_octets =
        "HTTP/1.1 200 OK\r\nServer: canvass-lab\r\nContent-Length: 100\r\n\r\n".len() + 100;
    for impairment in ["reset-at", "close-at"] {
        let site = many_hosts().impaired(&format!("{impairment}={}", 2 * answer_octets));
        let mut scenario = world(vec![job.clone()], vec![site], http(settings.clone()));
        // Depending on the rate, the close arrives before or after the next request.
        for rate in [None, Some(2.0)] {
            scenario.probing.rate_per_host_max_per_second = rate;
            let result = run(&scenario);
            assert_eq!(
                result.count(Verdict::Answered),
                6,
                "{impairment} {:?}",
                causes(&result)
            );
            assert_eq!(result.report.connections.opened, 3, "{impairment}");
        }
    }
}

#[test]
fn ipv4_wins_after_a_quarter_of_a_second_where_ipv6_is_a_black_hole() {
    let mut sites = vec![
        Site::new(V6, ServiceKind::Http),
        Site::new(V4, ServiceKind::Http),
    ];
    sites[0].reach = Reach::Blackhole;
    let job = url_job(0, "http://both.lab.test/");
    let result = run(&world(vec![job], sites, http(HttpSettings::default())));
    let outcome = &result.outcomes[0];
    assert_eq!(outcome.status, Status::Http(200));
    assert_eq!(page(outcome).remote, Some(Remote::Inet((V4, 80).into())));
    let connect = outcome.phases.span(Phase::Connect).expect("it connected");
    let quarter = Duration::from_millis(250);
    assert!(
        (quarter..quarter + Duration::from_millis(5)).contains(&connect),
        "{connect:?}"
    );
    assert_eq!(outcome.attempts, 1);
}

#[test]
fn the_other_kind_is_tried_at_once_where_one_is_refused() {
    let mut sites = vec![
        Site::new(V6, ServiceKind::Http),
        Site::new(V4, ServiceKind::Http),
    ];
    for reach in [Reach::Closed, Reach::Unroutable, Reach::Down] {
        sites[0].reach = reach;
        let job = url_job(0, "http://both.lab.test/");
        let result = run(&world(
            vec![job],
            sites.clone(),
            http(HttpSettings::default()),
        ));
        let outcome = &result.outcomes[0];
        assert_eq!(outcome.status, Status::Http(200), "{reach:?}");
        let connect = outcome.phases.span(Phase::Connect).expect("it connected");
        assert!(connect < Duration::from_millis(5), "{reach:?}: {connect:?}");
    }
}

#[test]
fn all_addresses_have_their_verdicts() {
    let mut sites = vec![
        Site::new(V6, ServiceKind::Http),
        Site::new(V4, ServiceKind::Http),
    ];
    sites[0].reach = Reach::Closed;
    let mut module = http(HttpSettings::default());
    module.reach.all_addresses = true;
    let result = run(&world(
        vec![url_job(0, "http://both.lab.test/")],
        sites,
        module,
    ));
    let outcome = &result.outcomes[0];
    assert_eq!(outcome.status, Status::ConnRefused);
    let verdicts = page(outcome).addresses.as_ref().expect("verdicts");
    let statuses: Vec<Status> = verdicts.iter().map(|one| one.status).collect();
    assert_eq!(statuses, [Status::ConnRefused, Status::Http(200)]);
}

#[test]
fn a_bare_host_without_https_is_asked_by_http() {
    for (reach, least) in [
        (Reach::Closed, Duration::ZERO),
        (Reach::Down, Duration::ZERO),
        (Reach::Blackhole, Duration::from_secs(2)),
    ] {
        let mut job = url_job(0, "https://10.0.0.1/");
        let Target::Url(target) = &mut job.target else {
            panic!("a page");
        };
        target.fallback = Some(HttpFallback { port: 80 });
        let mut closed = Site::new(ip("10.0.0.1"), ServiceKind::Https);
        closed.reach = reach;
        let sites = vec![closed, many_hosts()];
        let result = run(&world(vec![job], sites, http(HttpSettings::default())));
        let outcome = &result.outcomes[0];
        assert_eq!(outcome.status, Status::Http(200), "{reach:?}");
        assert_eq!(&*page(outcome).url, "http://10.0.0.1/");
        let latency = outcome.latency().expect("it began");
        assert!(
            latency >= least && latency < least + Duration::from_millis(10),
            "{latency:?}"
        );
    }
}

#[test]
fn a_rate_for_each_host_is_kept_over_requests_and_connections() {
    let jobs = (0..40).map(|seq| {
        let mut job = url_job(seq, &format!("http://10.0.0.{}/", seq % 4));
        job.spec = ProbeSpec::Http {
            module: ModuleId(0),
            requests: NonZeroU32::new(3).expect("some"),
        };
        job
    });
    let settings = HttpSettings {
        keep_alive: true,
        ..HttpSettings::default()
    };
    let mut scenario = world(jobs.collect(), vec![many_hosts()], http(settings));
    scenario.probing.rate_per_host_max_per_second = Some(20.0);
    let result = run(&scenario);
    assert_eq!(result.count(Verdict::Answered), 120);
    // Thirty requests per host, at twenty per second.
    assert!(
        result.elapsed >= Duration::from_millis(1_450),
        "{:?}",
        result.elapsed
    );
    assert!(
        result.elapsed <= Duration::from_millis(1_700),
        "{:?}",
        result.elapsed
    );
}

#[test]
fn want_of_local_ports_is_waited_for_and_is_ours() {
    let urls = |count| (0..count).map(|seq| url_job(seq.into(), &format!("http://{}/", host(seq))));
    let mut scenario = world(
        urls(100).collect(),
        vec![many_hosts()],
        http(HttpSettings::default()),
    );
    scenario.host.ports_gone = Some((at_ms(0), at_ms(3_000)));
    assert_eq!(run(&scenario).count(Verdict::Answered), 100);
    scenario.host.ports_gone = Some((at_ms(0), at_ms(100_000_000)));
    let result = run(&scenario);
    assert_eq!(causes(&result), [Cause::Ports; 100]);
    assert!(
        result
            .outcomes
            .iter()
            .all(|one| one.status == Status::Local)
    );
}

#[test]
fn an_open_port_is_one_whatever_is_said_there() {
    let spec = ProbeSpec::Tcp {
        module: ModuleId(0),
    };
    let job = |seq, port| canvass_sim::endpoint_job(seq, "10.0.0.1", port, spec);
    let result = run(&world(
        vec![job(0, 80), job(1, 81)],
        vec![many_hosts()],
        tcp(None),
    ));
    let status = |seq| {
        let mut outcomes = result.outcomes.iter();
        outcomes
            .find(|one| one.job.seq == seq)
            .map(|one| one.status)
    };
    assert_eq!(status(0), Some(Status::Open));
    assert_eq!(status(1), Some(Status::ConnRefused));
}

#[test]
fn questions_that_cannot_be_asked_hold_up_no_probe_behind_them() {
    for reach in [Reach::Blackhole, Reach::Closed, Reach::Down] {
        let mut jobs = addresses(300);
        jobs.extend((300..400).map(|seq| url_job(seq, &format!("http://{}/", host(seq as u32)))));
        let mut scenario = world(jobs, vec![many_hosts()], http(HttpSettings::default()));
        scenario.peers[0].reach = reach;
        let result = run(&scenario);
        assert_eq!(result.outcomes.len(), 400, "{reach:?}");
        assert_eq!(result.count(Verdict::Answered), 100, "{reach:?}");
        let answered = result.outcomes.iter();
        let answered = answered.filter(|one| one.verdict == Verdict::Answered);
        let last = answered.map(|one| one.finished).max();
        assert!(last < Some(at_ms(100)), "{reach:?}: {last:?}");
        // What waits for a resolver waits for as long as a question may take, and is then asked of
        // it, or ended.
        let elapsed_max = 2 * scenario.limits.deadline + Duration::from_secs(1);
        assert!(
            result.elapsed <= elapsed_max,
            "{reach:?}: {:?}",
            result.elapsed
        );
    }
}
