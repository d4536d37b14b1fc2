//! What is checked while a run goes on.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use canvass_engine::SocketId;
use canvass_lab::Zone;
use canvass_model::{Host, Outcome, ProbeSpec, Target, Time, Transport};
use canvass_proto::dns::Question;
use hashbrown::{HashMap, HashSet};

use crate::scenario::Scenario;
use crate::truth::{HostTruth, host_truth, page_truth};

/// Violations kept; the first ones tell most.
const VIOLATIONS_MAX: usize = 20;
/// How long a shard's timers stand still after a stall.
const STALL_GRACE: Duration = Duration::from_millis(100);
/// More redirects than any page leads over, but for those without end.
const FOLLOW_MAX: u32 = 20;
/// Octets before the question (RFC 1035 §4.1.1).
const HEADER_OCTETS: usize = 12;

/// What is checked while a run goes on.
#[derive(Debug)]
pub(crate) struct Watch {
    violations: Vec<String>,
    total: Option<Bucket>,
    peers: Vec<Option<Bucket>>,
    /// Queries on each socket whose answer was not read, by id: the question and when it left.
    open: HashMap<(u32, u16), Open>,
    /// Ids that were drawn while another query had them, with that query's question.
    drawn_twice: Vec<(Vec<u8>, Time, u16)>,
    longest_turn_ns: u64,
    pub queries_udp: u64,
    pub queries_tcp: u64,
    stalls: Vec<(Time, Duration)>,
    hosts: Hosts,
    /// How often each question came to resolvers.
    questions: HashMap<Vec<u8>, u64>,
}

/// Sockets to hosts.
#[derive(Debug, Default)]
struct Hosts {
    open: usize,
    open_max: usize,
    by_address: HashMap<IpAddr, u32>,
    /// The most sockets that each address may have at once.
    by_address_max: HashMap<IpAddr, u32>,
    /// Who was ever connected to, or had a socket opened for.
    asked: HashSet<SocketAddr>,
}

#[derive(Debug)]
struct Open {
    question: Vec<u8>,
}

/// A leaky bucket: no span may hold more than its rate allows and a burst.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    burst: f64,
    level: f64,
    seen: Time,
    count: u64,
}

impl Watch {
    pub fn new(scenario: &Scenario) -> Self {
        // A shard makes up for late turns by a few milliseconds' worth, and looks at the clock
        // every 32 queries.
        let total = scenario
            .rate_max_per_second
            // What probes need of resolvers is not capped, and is not told apart here.
            .filter(|_| !scenario.has_probes())
            .map(|rate| Bucket::new(rate, (rate * 0.002).max(1.0) + 33.0));
        let one = || {
            scenario
                .rate_per_resolver_max_per_second
                .map(|rate| Bucket::new(rate, 4.0 * (rate * 0.001).max(1.0) + 33.0))
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
            hosts: Hosts {
                open_max: scenario.probing.sockets_max,
                by_address_max: address_caps(scenario),
                ..Hosts::default()
            },
            questions: HashMap::new(),
        }
    }

    pub fn violation(&mut self, now: Time, what: &str) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations
                .push(format!("at {:.6} s: {what}", now.as_nanos() as f64 / 1e9));
        }
    }

    pub fn take_violations(&mut self) -> Vec<String> {
        std::mem::take(&mut self.violations)
    }

    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// A query was sent as a datagram, or came to a resolver by stream.
    pub fn on_query(
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
        let buckets = self.total.iter_mut().chain(self.peers[peer].iter_mut());
        let mut over = false;
        for bucket in buckets {
            over |= bucket.is_over(now, transport);
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

    /// A datagram was read: if it answers a query, that query's id is free.
    pub fn on_datagram_read(&mut self, socket: SocketId, message: &[u8]) {
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

    pub fn on_close(&mut self, socket: SocketId) {
        self.open.retain(|(of, _), _| *of != socket.0);
    }

    /// A socket to a host was opened.
    pub fn on_host_socket(&mut self, now: Time, remote: SocketAddr) {
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

    pub fn on_host_socket_closed(&mut self, address: IpAddr) {
        self.hosts.open -= 1;
        if let Some(open) = self.hosts.by_address.get_mut(&address) {
            *open -= 1;
        }
    }

    /// Sockets to hosts that are open.
    pub fn host_sockets(&self) -> usize {
        self.hosts.open
    }

    /// Whether a socket was ever opened to reach `remote`.
    pub fn was_asked(&self, remote: SocketAddr) -> bool {
        self.hosts.asked.contains(&remote)
    }

    /// How often resolvers were asked this.
    pub fn times_asked(&self, question: &Question) -> u64 {
        let wire = question.wire().to_ascii_lowercase();
        self.questions.get(&wire).copied().unwrap_or(0)
    }

    pub fn on_stall(&mut self, end: Time, span: Duration) {
        self.stalls.push((end, span));
    }

    pub fn on_turn_worked(&mut self, worked_ns: u64) {
        self.longest_turn_ns = self.longest_turn_ns.max(worked_ns);
    }

    /// How late this side itself may be between two times: its stalls and the grace after each,
    /// a few of its turns, and a tick of its timers.
    pub fn lateness(&self, from: Time, to: Time) -> Duration {
        let stalls: Duration = self
            .stalls
            .iter()
            .filter(|(end, span)| {
                *end + STALL_GRACE >= from && end.minus_nanos(span.as_nanos() as u64) <= to
            })
            .map(|(_, span)| *span + STALL_GRACE)
            .sum();
        stalls + Duration::from_nanos(12 * self.longest_turn_ns + 3_000_000)
    }

    /// Whether this side stood still at any time between two; a shard notices it by the end of
    /// its turn.
    pub fn any_stall(&self, from: Time, to: Time) -> bool {
        let from = from.minus_nanos(self.longest_turn_ns);
        self.stalls
            .iter()
            .any(|(end, span)| *end >= from && end.minus_nanos(span.as_nanos() as u64) <= to)
    }

    /// No id may be drawn while another query of a job under way has it. `questions` says for
    /// each question whose it is, where that is one job.
    pub fn check_ids(&mut self, ends: &HashMap<Vec<u8>, Option<&Outcome>>) {
        for (question, at, id) in std::mem::take(&mut self.drawn_twice) {
            let owner = ends.get(question_of(&question)).copied().flatten();
            if owner.is_some_and(|outcome| outcome.finished > at) {
                self.violation(at, &format!("id {id} was drawn while it was in use"));
            }
        }
    }
}

/// The most sockets that each address may have: as many as may be for one host, for each host
/// that has the address.
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

impl Bucket {
    fn new(rate: f64, burst: f64) -> Self {
        Self {
            rate,
            burst,
            level: 0.0,
            seen: Time::ZERO,
            count: 0,
        }
    }

    /// Takes one. Datagrams may not exceed the rate over any span; what a stream gathered while
    /// it opened or was blocked leaves at once, so only the whole counts there.
    fn is_over(&mut self, now: Time, transport: Transport) -> bool {
        self.count += 1;
        let whole = self.rate * now.since(Time::ZERO).as_secs_f64() + self.burst + 1.0;
        if transport == Transport::Tcp {
            return self.count as f64 > whole;
        }
        let leaked = self.rate * now.since(self.seen).as_secs_f64();
        self.level = (self.level - leaked).max(0.0) + 1.0;
        self.seen = now;
        self.level > self.burst + 1.0 || self.count as f64 > whole
    }
}

/// The question in front of what may follow it: a name, a type and a class.
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

    use crate::scenario::{Peer, addresses};

    fn watch(rate_max_per_second: Option<f64>) -> Watch {
        let mut scenario = Scenario::plain(0, addresses(1), vec![Peer::new(0)]);
        scenario.rate_max_per_second = rate_max_per_second;
        Watch::new(&scenario)
    }

    fn query(id: u16) -> Vec<u8> {
        let mut message = Vec::new();
        let name = "a.example.net".parse().unwrap();
        Question::new(&name, RecordType::A).write_query(id, true, &mut message);
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
        watch.on_stall(second(5), Duration::from_secs(2));
        let usual = watch.lateness(second(6), second(9));
        assert_eq!(watch.lateness(second(0), second(2)), usual);
        let stalled = watch.lateness(second(4), second(9));
        assert_eq!(stalled, usual + Duration::from_millis(2_100));
    }
}
