//! Invariants that are checked during a run.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use canvass_engine::{AllowList, SocketId};
use canvass_lab::Zone;
use canvass_model::{Host, Outcome, ProbeSpec, Target, Time, Transport};
use canvass_proto::dns::Question;
use hashbrown::{HashMap, HashSet};

use crate::rate_law::RateLaw;
use crate::scenario::Scenario;
use crate::truth::{HostTruth, host_truth, page_truth};

/// Violations that are kept: the first ones are the most useful.
const VIOLATIONS_MAX: usize = 20;
/// The grace period of the shard's timers after a stall.
const STALL_GRACE: Duration = Duration::from_millis(100);
/// More redirects than any chain has, except endless ones.
const FOLLOW_MAX: u32 = 20;
/// Octets of the header (RFC 1035 §4.1.1).
const HEADER_OCTETS: usize = 12;

/// A time in which this process did nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stall {
    pub began: Time,
    /// When it had done what it was at: it may have been in the middle of a wait.
    pub ended: Time,
    pub span: Duration,
}

/// Checks invariants during a run.
#[derive(Debug)]
pub(crate) struct Watch {
    violations: Vec<String>,
    total: Option<RateLaw>,
    peers: Vec<Option<RateLaw>>,
    /// Unanswered queries by socket and id: the question and the time.
    open: HashMap<(u32, u16), Open>,
    /// Ids that were reused while another query had them, with the question of that query.
    drawn_twice: Vec<(Vec<u8>, Time, u16)>,
    longest_turn_ns: u64,
    pub queries_udp: u64,
    pub queries_tcp: u64,
    stalls: Vec<Stall>,
    allowed: AllowList,
    hosts: Hosts,
    /// How often resolvers received each question.
    questions: HashMap<Vec<u8>, u64>,
}

/// Sockets to hosts.
#[derive(Debug, Default)]
struct Hosts {
    open: usize,
    open_max: usize,
    by_address: HashMap<IpAddr, u32>,
    /// The maximum number of open sockets per address.
    by_address_max: HashMap<IpAddr, u32>,
    /// All remote addresses of sockets.
    asked: HashSet<SocketAddr>,
}

#[derive(Debug)]
struct Open {
    question: Vec<u8>,
}

impl Watch {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let total = scenario
            .rate_max_per_second
            // Lookups for probes are not capped, and cannot be distinguished here.
            .filter(|_| !scenario.has_probes())
            .map(|rate| RateLaw::new(rate, &scenario.shares));
        let one = || {
            let rate = scenario.rate_per_resolver_max_per_second;
            rate.map(|rate| RateLaw::new(rate, &scenario.shares))
        };
        Self {
            violations: Vec::new(),
            total,
            peers: scenario.peers.iter().map(|_| one()).collect(),
            open: HashMap::new(),
            drawn_twice: Vec::new(),
            longest_turn_ns: 0,
            queries_udp: 0,
            queries_tcp: 0,
            stalls: Vec::new(),
            allowed: scenario.allowed.clone(),
            hosts: Hosts {
                open_max: scenario.probing.sockets_max,
                by_address_max: address_caps(scenario),
                ..Hosts::default()
            },
            questions: HashMap::new(),
        }
    }

    pub(crate) fn violation(&mut self, now: Time, what: &str) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations
                .push(format!("at {:.6} s: {what}", now.as_nanos() as f64 / 1e9));
        }
    }

    pub(crate) fn take_violations(&mut self) -> Vec<String> {
        std::mem::take(&mut self.violations)
    }

    pub(crate) fn violations(&self) -> &[String] {
        &self.violations
    }

    /// A query was sent over UDP, or received by a resolver over TCP.
    pub(crate) fn on_query(
        &mut self,
        now: Time,
        peer: usize,
        transport: Transport,
        socket: Option<SocketId>,
        message: &[u8],
    ) {
        match transport {
            Transport::Udp => self.queries_udp += 1,
            Transport::Tcp => self.queries_tcp += 1,
        }
        if let Some(question) = message.get(HEADER_OCTETS..) {
            let question = question_of(question).to_ascii_lowercase();
            *self.questions.entry(question).or_default() += 1;
        }
        let laws = self.total.iter_mut().chain(self.peers[peer].iter_mut());
        let mut over = false;
        for law in laws {
            over |= law.is_broken(now, transport);
        }
        if over {
            self.violation(
                now,
                &format!("the rate is over its cap, at resolver {peer}"),
            );
        }
        let (Some(socket), Some(question)) = (socket, message.get(HEADER_OCTETS..)) else {
            return;
        };
        let id = u16::from_be_bytes([message[0], message[1]]);
        let open = Open {
            question: question.to_vec(),
        };
        if let Some(before) = self.open.insert((socket.0, id), open) {
            self.drawn_twice.push((before.question, now, id));
        }
    }

    /// A datagram was read. If it answers a query, the id is free.
    pub(crate) fn on_datagram_read(&mut self, socket: SocketId, message: &[u8]) {
        let Some(question) = message.get(HEADER_OCTETS..) else {
            return;
        };
        let id = u16::from_be_bytes([message[0], message[1]]);
        let answered = self.open.get(&(socket.0, id)).is_some_and(|open| {
            let asked = question_of(&open.question);
            question.len() >= asked.len() && question[..asked.len()].eq_ignore_ascii_case(asked)
        });
        if answered {
            self.open.remove(&(socket.0, id));
        }
    }

    pub(crate) fn on_close(&mut self, socket: SocketId) {
        self.open.retain(|(of, _), _| *of != socket.0);
    }

    /// A socket is opened, to a resolver or a host.
    pub(crate) fn on_opening(&mut self, now: Time, remote: SocketAddr) {
        if let Err(denied) = self.allowed.check(remote.ip()) {
            self.violation(now, &denied.to_string());
        }
    }

    /// A socket to a host was opened.
    pub(crate) fn on_host_socket(&mut self, now: Time, remote: SocketAddr) {
        let hosts = &mut self.hosts;
        hosts.open += 1;
        hosts.asked.insert(remote);
        let open = hosts.by_address.entry(remote.ip()).or_default();
        *open += 1;
        let most = hosts.by_address_max.get(&remote.ip()).copied();
        let (all, all_most) = (hosts.open, hosts.open_max);
        let (one, one_most) = (*open, most.unwrap_or(u32::MAX));
        if all > all_most {
            self.violation(
                now,
                &format!("{all} sockets are open, and may be {all_most}"),
            );
        }
        if one > one_most {
            let text = format!("{remote} has {one} sockets at once, and may have {one_most}");
            self.violation(now, &text);
        }
    }

    pub(crate) fn on_host_socket_closed(&mut self, address: IpAddr) {
        self.hosts.open -= 1;
        if let Some(open) = self.hosts.by_address.get_mut(&address) {
            *open -= 1;
        }
    }

    /// The number of open sockets to hosts.
    pub(crate) fn host_sockets(&self) -> usize {
        self.hosts.open
    }

    /// Whether a socket was ever opened to reach `remote`.
    pub(crate) fn was_asked(&self, remote: SocketAddr) -> bool {
        self.hosts.asked.contains(&remote)
    }

    /// How often resolvers received a question.
    pub(crate) fn times_asked(&self, question: &Question) -> u64 {
        let wire = question.wire().to_ascii_lowercase();
        self.questions.get(&wire).copied().unwrap_or(0)
    }

    pub(crate) fn on_stall(&mut self, stall: Stall) {
        self.stalls.push(stall);
    }

    pub(crate) fn on_turn_worked(&mut self, worked_ns: u64) {
        self.longest_turn_ns = self.longest_turn_ns.max(worked_ns);
    }

    /// How late this process may be between two times: its stalls with the grace period after each,
    /// a few turns, and a tick of its timers.
    pub(crate) fn lateness(&self, from: Time, to: Time) -> Duration {
        let stalls: Duration = self
            .stalls
            .iter()
            .filter(|stall| stall.ended + STALL_GRACE >= from && stall.began <= to)
            .map(|stall| stall.span + STALL_GRACE)
            .sum();
        stalls + Duration::from_nanos(12 * self.longest_turn_ns + 3_000_000)
    }

    /// Whether this process was stalled between two times. A shard notices it at the end of its turn, and
    /// cannot tell what of that turn was before the stall.
    pub(crate) fn any_stall(&self, from: Time, to: Time) -> bool {
        let from = from.minus_nanos(self.longest_turn_ns);
        let to = to.plus_nanos(self.longest_turn_ns);
        self.stalls
            .iter()
            .any(|stall| stall.ended >= from && stall.began <= to)
    }

    /// Checks that no id was reused while another query of a job in progress had it. `ends` has the
    /// outcome for each question that belongs to only one job.
    pub(crate) fn check_ids(&mut self, ends: &HashMap<Vec<u8>, Option<&Outcome>>) {
        for (question, at, id) in std::mem::take(&mut self.drawn_twice) {
            let owner = ends.get(question_of(&question)).copied().flatten();
            if owner.is_some_and(|outcome| outcome.finished > at) {
                self.violation(at, &format!("id {id} was drawn while it was in use"));
            }
        }
    }
}

/// The maximum number of sockets per address: the limit per host, times the number of hosts with
/// the address.
fn address_caps(scenario: &Scenario) -> HashMap<IpAddr, u32> {
    let zone = Zone::default();
    let mut hosts: HashSet<Host> = HashSet::new();
    for job in &scenario.jobs {
        hosts.extend(job.target.host());
        if let (Target::Url(target), ProbeSpec::Http { .. }) = (&job.target, job.spec)
            && let Some(truth) = page_truth(&target.url, FOLLOW_MAX)
        {
            hosts.extend(truth.others.into_iter().map(|(host, _)| host));
        }
    }
    let mut caps = HashMap::new();
    for host in hosts {
        if let HostTruth::Addresses(addresses) = host_truth(&zone, &host) {
            for address in addresses {
                *caps.entry(address).or_default() += scenario.probing.per_host_max;
            }
        }
    }
    caps
}

/// The question at the start of `octets`: a name, a type and a class.
fn question_of(octets: &[u8]) -> &[u8] {
    let mut at = 0;
    while let Some(&length) = octets.get(at) {
        at += 1 + usize::from(length);
        if length == 0 {
            break;
        }
    }
    &octets[..(at + 4).min(octets.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_model::RecordType;
    use canvass_proto::dns::QueryOptions;

    use crate::scenario::{Peer, addresses};

    fn watch(rate_max_per_second: Option<f64>) -> Watch {
        let mut scenario = Scenario::plain(0, addresses(1), vec![Peer::new(0)]);
        scenario.rate_max_per_second = rate_max_per_second;
        Watch::new(&scenario)
    }

    fn query(id: u16) -> Vec<u8> {
        let mut message = Vec::new();
        let name = "a.example.net".parse().unwrap();
        Question::new(&name, RecordType::A).write_query(
            id,
            true,
            &QueryOptions::PLAIN,
            &mut message,
        );
        message
    }

    #[test]
    fn a_rate_over_its_cap_is_seen_and_one_under_it_is_not() {
        for (interval_ns, sound) in [(1_000_000, true), (900_000, false)] {
            let mut watch = watch(Some(1_000.0));
            for count in 1..=1_000 {
                let now = Time::from_nanos(count * interval_ns);
                watch.on_query(now, 0, Transport::Udp, None, &query(1));
            }
            assert_eq!(
                watch.violations().is_empty(),
                sound,
                "every {interval_ns} ns"
            );
        }
    }

    #[test]
    fn an_id_is_free_only_when_its_answer_was_read() {
        let mut watch = watch(None);
        let socket = Some(SocketId(3));
        let send = |watch: &mut Watch| {
            watch.on_query(Time::ZERO, 0, Transport::Udp, socket, &query(7));
        };
        send(&mut watch);
        watch.on_datagram_read(SocketId(3), &query(7));
        send(&mut watch);
        assert!(watch.drawn_twice.is_empty());
        watch.on_datagram_read(SocketId(3), &query(8));
        watch.on_datagram_read(SocketId(4), &query(7));
        send(&mut watch);
        assert_eq!(watch.drawn_twice.len(), 1);
    }

    #[test]
    fn only_stalls_that_overlap_excuse_a_late_end() {
        let mut watch = watch(None);
        let second = |second: u64| Time::from_nanos(second * 1_000_000_000);
        watch.on_stall(Stall {
            began: second(3),
            ended: second(5),
            span: Duration::from_secs(2),
        });
        let usual = watch.lateness(second(6), second(9));
        assert_eq!(watch.lateness(second(0), second(2)), usual);
        let stalled = watch.lateness(second(4), second(9));
        assert_eq!(stalled, usual + Duration::from_millis(2_100));
    }
}
