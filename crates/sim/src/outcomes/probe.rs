//! Checks of the outcomes of probes of hosts.

use canvass_lab::{ServiceKind, Zone};
use canvass_model::{
    Answer, Cause, Fault, Host, HttpAnswer, Outcome, Phase, ProbeSpec, Status, TalkAnswer, Target,
    Verdict,
};
use canvass_proto::{Module, ModuleKind};

use super::Faults;
use crate::scenario::{Reach, Scenario, Site, Then, Voice};
use crate::truth::{HostTruth, PageEnd, PageTruth, TalkTruth, host_truth, page_truth, talk_truth};
use crate::watch::Watch;

/// Additional connections: a persistent connection was closed.
const RECONNECTS_MAX: u32 = 1;

/// The expected result of a job, and the faults that are allowed.
struct Truth<'a> {
    /// The servers of the redirect chain, in order.
    servers: Vec<(HostTruth, u16)>,
    /// The expected result. `None` if it is not known.
    end: Option<End>,
    module: &'a Module,
    scenario: &'a Scenario,
}

enum End {
    Page(PageTruth),
    Talk(TalkTruth),
    Open,
}

/// The errors of an outcome.
pub(super) fn faults_of(
    scenario: &Scenario,
    outcome: &Outcome,
    zone: &Zone,
    watch: &Watch,
) -> Faults {
    let mut faults = Vec::new();
    let mut check = |holds: bool, what| {
        if !holds {
            faults.push(what);
        }
    };
    let Some(module) = scenario.module_of(&outcome.job) else {
        return vec!["a probe without its settings"];
    };
    let truth = truth_of(scenario, outcome, module, zone);
    check(
        (outcome.status == Status::Invalid) == truth.is_none(),
        "invalid and taken for a job, or the other way",
    );
    let Some(truth) = truth else { return faults };
    let addresses: usize = match truth.servers.first() {
        Some((HostTruth::Addresses(addresses), _)) if module.reach.all_addresses => addresses.len(),
        _ => 1,
    };
    let schemes = match &outcome.job.target {
        Target::Url(target) if target.fallback.is_some() => 2,
        _ => 1,
    };
    // If each address has its own attempts, so has the lookup.
    let lookups = u32::from(module.reach.all_addresses);
    let journeys = (1 + module.retries) * (schemes * addresses.max(1) as u32 + lookups);
    check(
        outcome.attempts <= journeys + RECONNECTS_MAX,
        "more attempts than may be",
    );
    check(
        outcome.resolver.is_none() && outcome.transport.is_none(),
        "a resolver had the last word about a host",
    );
    check_phases(outcome, &mut check);
    match &outcome.fault {
        Some(fault) => {
            check(
                truth.allows(fault, outcome),
                "it failed for a reason that does not exist in the scenario",
            );
            check(
                !blames_peer(fault, outcome.status) || truth.was_asked(watch),
                "a host is blamed that was never asked",
            );
            check(
                !is_ours(fault.cause) || outcome.status == Status::Local,
                "a fault of this side, and it does not say so",
            );
            // Nothing was sent, so nothing could be late.
            let waited = (fault.phase, fault.cause) == (Phase::Wait, Cause::Timeout);
            check(
                outcome.status != Status::Local || is_ours(fault.cause) || waited,
                "a fault of a peer, and it says that it is of this side",
            );
            check(!scenario.fair || truth.must_fail(), "it had a fair chance");
        }
        None => {
            check(truth.is_told_by(outcome), "the answer is not the truth");
        }
    }
    faults
}

/// A phase is only reached after those before it.
fn check_phases(outcome: &Outcome, check: &mut impl FnMut(bool, &'static str)) {
    let reached = |phase| outcome.phases.span(phase).is_some();
    check(
        !reached(Phase::Transfer) || reached(Phase::FirstByte),
        "octets came, and none was the first",
    );
    let is_stream = !matches!(outcome.job.spec, ProbeSpec::Udp { .. });
    let kept = matches!(&outcome.answer, Answer::Http(page) if page.repeat.is_some_and(|n| n > 1));
    check(
        !is_stream || kept || !reached(Phase::FirstByte) || reached(Phase::Connect),
        "it talked, and never connected",
    );
    check(
        outcome.verdict == Verdict::Failed || outcome.first_send.is_some(),
        "an answer, and nothing was sent",
    );
}

fn blames_peer(fault: &Fault, status: Status) -> bool {
    fault.phase != Phase::Resolve
        && status != Status::Local
        // There was no local route.
        && fault.cause != Cause::Unreachable
}

fn is_ours(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::Descriptors | Cause::Ports | Cause::System | Cause::Interrupted | Cause::Denied
    )
}

/// The expected result of a job. `None` for an invalid target.
fn truth_of<'a>(
    scenario: &'a Scenario,
    outcome: &Outcome,
    module: &'a Module,
    zone: &Zone,
) -> Option<Truth<'a>> {
    let mut truth = Truth {
        servers: Vec::new(),
        end: None,
        module,
        scenario,
    };
    match (&module.kind, &outcome.job.target) {
        (ModuleKind::Http { settings, .. }, Target::Url(target)) => {
            let page = page_truth(&target.url, settings.follow_max);
            let port = target.url.port_or_known_default()?;
            truth.add_server(zone, &Host::of_url(&target.url)?, port);
            if let Some(fallback) = target.fallback {
                truth.add_server(zone, &Host::of_url(&target.url)?, fallback.port);
            }
            for (host, port) in page.iter().flat_map(|page| &page.others) {
                truth.add_server(zone, host, *port);
            }
            let is_lab = |site: &Site| matches!(site.voice, Voice::Service(_));
            let lab = truth.sites().flatten().all(is_lab);
            truth.end = page.filter(|_| lab).map(End::Page);
        }
        (ModuleKind::Tcp { script, .. }, Target::Endpoint { host, port, .. }) => {
            truth.add_server(zone, host, *port);
            truth.end = match script {
                None => Some(End::Open),
                Some(script) => truth
                    .service()
                    .and_then(|service| talk_truth(script.name(), service).map(End::Talk)),
            };
        }
        (ModuleKind::Udp { script, .. }, Target::Endpoint { host, port, .. }) => {
            truth.add_server(zone, host, *port);
            truth.end = truth
                .service()
                .and_then(|service| talk_truth(script.name(), service).map(End::Talk));
        }
        (ModuleKind::Http { .. } | ModuleKind::Tcp { .. }, Target::Unix { .. }) => {
            truth.servers.push((HostTruth::Addresses(Vec::new()), 0));
        }
        _ => return None,
    }
    Some(truth)
}

impl Truth<'_> {
    fn add_server(&mut self, zone: &Zone, host: &Host, port: u16) {
        self.servers.push((host_truth(zone, host), port));
    }

    /// All sites of the servers. `None` for ports without a site.
    fn sites(&self) -> impl Iterator<Item = Option<&Site>> {
        self.servers.iter().flat_map(|(host, port)| {
            let addresses: &[_] = match host {
                HostTruth::Addresses(addresses) => addresses,
                HostTruth::None(_) => &[],
            };
            let sites = &self.scenario.sites;
            addresses.iter().map(move |address| {
                let remote = (*address, *port).into();
                sites.iter().find(|site| site.serves(remote))
            })
        })
    }

    /// Whether a socket was opened to one of the servers.
    fn was_asked(&self, watch: &Watch) -> bool {
        self.servers.iter().any(|(host, port)| match host {
            HostTruth::None(_) => false,
            HostTruth::Addresses(addresses) => addresses
                .iter()
                .any(|address| watch.was_asked((*address, *port).into())),
        })
    }

    /// The service of the first server.
    fn service(&self) -> Option<ServiceKind> {
        let site = self.sites().flatten().next()?;
        match site.voice {
            Voice::Service(kind) => Some(kind),
            Voice::Canned(_) => None,
        }
    }

    fn host_fault(&self) -> Option<Cause> {
        self.servers.iter().find_map(|(host, _)| match host {
            HostTruth::None(cause) => Some(*cause),
            HostTruth::Addresses(_) => None,
        })
    }

    /// Whether an answer is impossible, whatever the network does.
    fn must_fail(&self) -> bool {
        // Each server must be reachable at one of its addresses at least.
        let reached = self.servers.iter().all(|(host, port)| match host {
            HostTruth::None(_) => false,
            HostTruth::Addresses(addresses) => addresses.iter().any(|address| {
                let remote = (*address, *port).into();
                let sites = &self.scenario.sites;
                sites
                    .iter()
                    .find(|site| site.serves(remote))
                    .is_some_and(Site::is_plain)
            }),
        });
        !reached
            || match &self.end {
                Some(End::Page(page)) => matches!(page.end, PageEnd::Fault(_)),
                Some(End::Talk(talk)) => *talk == TalkTruth::Unmatched,
                Some(End::Open) => false,
                None => true,
            }
    }

    /// Whether a fault is allowed.
    fn allows(&self, fault: &Fault, outcome: &Outcome) -> bool {
        let cause = fault.cause;
        let host = &self.scenario.host;
        let short = host.descriptors_max < 1_000
            || host.descriptors_gone.is_some()
            // Happy eyeballs may use two connections.
            || self.scenario.probing.sockets_max < 2 * self.scenario.jobs.len();
        if matches!(outcome.job.target, Target::Unix { .. }) {
            let ours = cause == Cause::Descriptors && short || cause == Cause::Interrupted;
            return ours || cause == Cause::Unreachable;
        }
        match cause {
            Cause::Interrupted => return self.scenario.interrupt.is_some(),
            Cause::Descriptors => return short,
            Cause::Denied => return !self.scenario.allowed.is_empty(),
            Cause::Ports => return host.ports_gone.is_some(),
            _ => {}
        }
        if fault.phase == Phase::Resolve {
            let plain = self.scenario.peers.iter().all(|peer| peer.is_plain());
            return !plain || cause == Cause::Timeout || self.host_fault() == Some(cause);
        }
        if cause == Cause::Timeout && !self.scenario.fair {
            return true;
        }
        let page = match &self.end {
            Some(End::Page(page)) => match &page.end {
                PageEnd::Fault(causes) => causes.contains(&cause),
                PageEnd::Answer { .. } => false,
            },
            Some(End::Talk(TalkTruth::Unmatched)) => {
                matches!(cause, Cause::Timeout | Cause::Closed)
            }
            Some(End::Talk(TalkTruth::Matched(_)) | End::Open) => false,
            None => true,
        };
        page || self.sites().any(|site| met_there(site, cause))
    }

    /// Whether an answer is the expected one.
    fn is_told_by(&self, outcome: &Outcome) -> bool {
        let whole = self.sites().flatten().all(is_whole);
        if self.module.reach.all_addresses {
            let verdicts = match &outcome.answer {
                Answer::Http(page) => &page.addresses,
                Answer::Talk(talk) => &talk.addresses,
                _ => return false,
            };
            return verdicts
                .as_ref()
                .is_some_and(|all| all.iter().all(|one| one.fault.is_none()));
        }
        match (&self.end, &outcome.answer) {
            (Some(End::Page(truth)), Answer::Http(page)) => is_page(truth, page, outcome) || !whole,
            (Some(End::Talk(truth)), Answer::Talk(talk)) => {
                // An incomplete answer at the deadline does not match.
                let slow = !self.scenario.fair;
                is_talk(truth, talk, outcome)
                    || !whole
                    || slow && outcome.status == Status::Unmatched
            }
            (Some(End::Open), Answer::Talk(_)) => outcome.status == Status::Open,
            (None, _) => true,
            _ => false,
        }
    }
}

/// Whether all output of a site arrives, possibly slowly.
fn is_whole(site: &Site) -> bool {
    let impairments = &site.impairments;
    let whole = site
        .cut
        .is_none_or(|cut| matches!(cut.then, Then::Pause(_)));
    whole
        && !impairments.tcp_silent
        && impairments.close_at.is_none()
        && impairments.reset_at.is_none()
        && impairments.outage_after.is_none()
}

/// Whether a site can cause a fault.
fn met_there(site: Option<&Site>, cause: Cause) -> bool {
    let Some(site) = site else {
        return cause == Cause::Refused;
    };
    let impairments = &site.impairments;
    match cause {
        Cause::Refused => site.reach == Reach::Closed || impairments.tcp_refuse,
        Cause::Unreachable => matches!(site.reach, Reach::Unroutable | Reach::Down),
        Cause::Timeout => site.reach == Reach::Blackhole || !site.is_plain(),
        Cause::Reset => impairments.reset_at.is_some() || site.cut.is_some(),
        Cause::Closed | Cause::Truncated => impairments.close_at.is_some() || site.cut.is_some(),
        _ => false,
    }
}

fn is_page(truth: &PageTruth, page: &HttpAnswer, outcome: &Outcome) -> bool {
    let PageEnd::Answer { code, octets } = truth.end else {
        return false;
    };
    outcome.verdict == Verdict::Answered
        && outcome.status == Status::Http(code)
        && page.code == Some(code)
        && page.decoded_bytes == Some(octets)
        && page.redirects.len() == truth.hops
        && page.remote.is_some()
}

fn is_talk(truth: &TalkTruth, talk: &TalkAnswer, outcome: &Outcome) -> bool {
    match truth {
        TalkTruth::Matched(captures) => {
            let has = |(name, value): &(&str, String)| {
                let mut all = talk.captures.iter();
                all.any(|(one, found)| **one == **name && **found == **value)
            };
            // Any of the hosts is correct.
            let complete = talk.replies.is_some() || captures.iter().all(has);
            outcome.status == Status::Matched && outcome.verdict == Verdict::Answered && complete
        }
        TalkTruth::Unmatched => {
            outcome.status == Status::Unmatched && outcome.verdict == Verdict::Negative
        }
    }
}
