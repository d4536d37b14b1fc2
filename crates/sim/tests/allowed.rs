//! Runs that may send to some addresses only. The world verifies that no socket is opened to another.

mod common;

use std::net::IpAddr;
use std::sync::Arc;

use canvass_engine::AllowList;
use canvass_lab::ServiceKind;
use canvass_model::{Cause, Job, ModuleId, Outcome, Phase, ProbeSpec, Status, Verdict};
use canvass_proto::Module;
use canvass_proto::http::HttpSettings;
use canvass_sim::{
    Peer, RunResult, Scenario, Site, addresses, endpoint_job, http, tcp, udp, url_job,
};
use common::run_named;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Hosts with an http service, of which those from 10.0.9.8 on may not be sent to.
fn world(jobs: Vec<Job>, module: Module, service: ServiceKind) -> Scenario {
    let mut scenario = Scenario::plain(1, jobs, vec![Peer::new(0)]);
    let site = |first: &str, last: &str| Site::new(ip(first), service).up_to(ip(last));
    scenario.sites = vec![site("10.0.9.0", "10.0.9.15")];
    scenario.fair = false;
    scenario.probing.modules = vec![Arc::new(module)];
    let resolver = scenario.peers[0].address.ip();
    let networks = ["10.0.9.0/29".parse().expect("a network"), resolver.into()];
    scenario.allowed = AllowList::new(networks);
    scenario
}

#[track_caller]
fn sound(scenario: &Scenario) -> RunResult {
    let result = run_named(scenario);
    assert_eq!(result.violations, [""; 0]);
    assert_eq!(result.outcomes.len(), scenario.jobs.len());
    result
}

#[track_caller]
fn assert_denied(outcome: &Outcome, address: Option<&str>) {
    let fault = outcome.fault.as_ref().expect("a fault");
    let ends = (outcome.status, fault.cause);
    assert_eq!(ends, (Status::Local, Cause::Denied), "{outcome:?}");
    assert!(matches!(fault.phase, Phase::Wait | Phase::Connect));
    let seen = fault
        .message
        .strip_suffix(" is not among the addresses that --allow permits");
    let seen = seen.expect("the message of a denied address");
    assert!(address.is_none_or(|address| address == seen), "{seen}");
}

/// Checks that the jobs with an even number were done, and the others denied.
#[track_caller]
fn assert_odd_ones_denied(result: &RunResult, is_address: bool) {
    for outcome in &result.outcomes {
        let seq = outcome.job.seq;
        if seq % 2 == 1 {
            assert_denied(outcome, Some(&*host(seq)).filter(|_| is_address));
        } else {
            assert_eq!(outcome.verdict, Verdict::Answered, "{outcome:?}");
        }
    }
}

/// The host of a job: one that may be sent to for even numbers.
fn host(seq: u64) -> String {
    format!("10.0.9.{}", seq / 2 % 8 + 8 * (seq % 2))
}

#[test]
fn a_target_is_denied_by_its_address() {
    let jobs = (0..40).map(|seq| url_job(seq, &format!("http://{}/", host(seq))));
    let page = http(HttpSettings::default());
    let result = sound(&world(jobs.collect(), page, ServiceKind::Http));
    assert_odd_ones_denied(&result, true);
}

#[test]
fn a_name_is_denied_by_the_address_that_is_found_for_it() {
    let named = |seq: u64| format!("http://host-{}.example.net/", host(seq).replace('.', "-"));
    let jobs = (0..40).map(|seq| url_job(seq, &named(seq)));
    let page = http(HttpSettings::default());
    let result = sound(&world(jobs.collect(), page, ServiceKind::Http));
    assert_odd_ones_denied(&result, false);
}

#[test]
fn a_redirect_is_followed_to_no_denied_address() {
    let url = |seq| format!("http://10.0.9.1/redirect-to?url=http://{}/", host(seq));
    let jobs = (0..40).map(|seq| url_job(seq, &url(seq)));
    let settings = HttpSettings {
        follow_max: 3,
        ..HttpSettings::default()
    };
    let result = sound(&world(jobs.collect(), http(settings), ServiceKind::Http));
    assert_odd_ones_denied(&result, true);
}

#[test]
fn connections_and_datagrams_are_denied_alike() {
    let module = ModuleId(0);
    let port = ServiceKind::Time.usual_port();
    for (spec, settings) in [
        (ProbeSpec::Tcp { module }, tcp(None)),
        (ProbeSpec::Udp { module }, udp("time", None)),
    ] {
        let jobs = (0..40).map(|seq| endpoint_job(seq, &host(seq), port, spec));
        let result = sound(&world(jobs.collect(), settings, ServiceKind::Time));
        for outcome in &result.outcomes {
            let is_denied = outcome.status == Status::Local;
            assert_eq!(is_denied, outcome.job.seq % 2 == 1, "{outcome:?}");
            let fault = outcome.fault.as_ref().filter(|_| is_denied);
            assert!(fault.is_none_or(|fault| fault.cause == Cause::Denied));
        }
    }
}

#[test]
fn a_resolver_that_a_job_names_is_denied() {
    let (shared, named) = (Peer::new(0), Peer::new(1));
    let mut jobs = addresses(1_000);
    for job in jobs.iter_mut().skip(1).step_by(2) {
        job.resolver = Some(Box::new(named.address));
    }
    let mut scenario = Scenario::plain(1, jobs, vec![shared.clone(), named.clone()]);
    scenario.peers_by_name = 1;
    scenario.limits.alternatives = false;
    scenario.fair = false;
    scenario.allowed = AllowList::new([shared.address.ip().into()]);
    let result = sound(&scenario);
    for outcome in &result.outcomes {
        if outcome.job.resolver.is_some() {
            assert_denied(outcome, Some(&named.address.ip().to_string()));
            assert_eq!(outcome.attempts, 0);
        } else {
            assert_ne!(outcome.verdict, Verdict::Failed, "{outcome:?}");
        }
    }
    assert_eq!(result.count(Verdict::Failed), 500);
}
