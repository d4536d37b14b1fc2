//! One resolver, on both transports.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use canvass_model::{Health, Time, Transport, UpstreamReport, WindowReport};
use canvass_proto::LostCause;

use super::attempts::{Attempt, Attempts};
use super::datagram::Datagrams;
use super::early_retries::EarlyRetries;
use super::health::HealthMonitor;
use super::lane_choice::LaneChoice;
use super::local_hold::LocalHold;
use super::rtt::RoundTrips;
use super::slips::SlipWatch;
use super::stream::Streams;
use super::turns::{Standing, line_of};
use super::window::{Allowance, Permit, Window, WindowLimits};
use crate::config::Config;
use crate::known_windows::Known;
use crate::net::SocketId;
use crate::pacer::Pacer;

/// The most in flight to all upstreams together before any has answered.
const IN_FLIGHT_FIRST_ALL: usize = 512;
/// The most in flight to one upstream before it has answered.
const IN_FLIGHT_FIRST: std::ops::RangeInclusive<usize> = 4..=32;
/// The span whose datagrams are permitted together.
const DATAGRAM_QUANTUM: Duration = Duration::from_micros(200);
/// The most datagrams permitted together.
const DATAGRAM_BATCH_MAX: u32 = 64;
/// The batches of datagrams, and of queries on streams, that are made up for after a late turn. On
/// a stream they cost one write.
const DATAGRAM_BATCHES_SAVED_MAX: f64 = 4.0;
const STREAM_BATCHES_SAVED_MAX: f64 = 16.0;
/// How long a queue of datagrams at the peer may take.
const DATAGRAM_SLACK: Duration = Duration::from_millis(1);
/// The span whose queries are collected for one write.
const STREAM_QUANTUM: Duration = Duration::from_millis(1);
/// The most queries collected for the writes of one turn.
const STREAM_BATCH_MAX: u32 = 512;
/// How long a queue of queries on streams may take: some writes.
pub(super) const STREAM_SLACK: Duration = Duration::from_millis(5);

/// The limits of the lanes of every resolver.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaneLimits {
    udp: WindowLimits,
    tcp: WindowLimits,
    /// How many resolvers share the run's queries.
    upstreams: usize,
    /// The local address of queries.
    source: Option<SocketAddr>,
}

impl LaneLimits {
    pub(super) fn new(config: &Config) -> Self {
        let upstreams = config.upstreams.len();
        let first = (IN_FLIGHT_FIRST_ALL / upstreams.max(1))
            .clamp(*IN_FLIGHT_FIRST.start(), *IN_FLIGHT_FIRST.end());
        let in_flight_max = config
            .in_flight_per_resolver_max
            .unwrap_or(config.jobs_max as u32);
        let udp = WindowLimits {
            rate_max: config
                .rate_per_resolver_max_per_second
                .unwrap_or(f64::INFINITY),
            in_flight_first: in_flight_max.min(first as u32),
            in_flight_max,
            quantum: DATAGRAM_QUANTUM,
            batch_max: DATAGRAM_BATCH_MAX,
            batches_saved_max: DATAGRAM_BATCHES_SAVED_MAX,
            slack: DATAGRAM_SLACK,
            datagrams: true,
        };
        let tcp = WindowLimits {
            quantum: STREAM_QUANTUM,
            batch_max: STREAM_BATCH_MAX,
            batches_saved_max: STREAM_BATCHES_SAVED_MAX,
            slack: STREAM_SLACK,
            datagrams: false,
            ..udp
        };
        Self {
            udp,
            tcp,
            upstreams,
            source: config.query_source,
        }
    }

    /// The local address of queries, if it is of another family than `peer`.
    pub(super) fn source_of_other_family(&self, peer: SocketAddr) -> Option<IpAddr> {
        self.source
            .map(|source| source.ip())
            .filter(|source| source.is_ipv4() != peer.is_ipv4())
    }
}

/// One resolver on one transport.
#[derive(Debug)]
pub(crate) struct Lane<S> {
    pub(super) window: Window,
    pub(super) trips: RoundTrips,
    pub(super) early_retries: EarlyRetries,
    pub(super) health: HealthMonitor,
    pub(super) local: LocalHold,
    pub(crate) sockets: S,
}

/// One resolver.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    /// Whether it is thought to support EDNS(0).
    pub(crate) edns: bool,
    pub(crate) udp: Option<Box<Lane<Datagrams>>>,
    pub(crate) tcp: Option<Box<Lane<Streams>>>,
    pub(crate) tally: UpstreamReport,
    /// The limit of its rate (`--rate-per-resolver`), which both of its lanes share.
    pub(super) pacer: Pacer,
    pub(super) standing: [Standing; 2],
    pub(super) slips: SlipWatch,
    pub(super) choice: LaneChoice,
    /// What is known of its lanes, by [`line_of`].
    pub(super) known: [Option<Known>; 2],
}

/// What is known of an upstream on one transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LaneStanding {
    /// Nothing yet.
    Unproven,
    /// It answers.
    Proven,
    /// It does not recurse.
    Lame,
    /// It is benched.
    Benched,
}

/// The parts of a lane that are the same on both transports.
pub(super) struct LaneParts<'a> {
    pub(super) window: &'a mut Window,
    pub(super) trips: &'a mut RoundTrips,
    pub(super) early_retries: &'a mut EarlyRetries,
    pub(super) health: &'a mut HealthMonitor,
    pub(super) local: &'a mut LocalHold,
}

impl<S> Lane<S> {
    fn new(limits: WindowLimits, known: Option<Known>, sockets: S) -> Box<Self> {
        Box::new(Self {
            window: Window::new(limits, known),
            trips: RoundTrips::new(limits.datagrams),
            early_retries: EarlyRetries::default(),
            health: HealthMonitor::default(),
            local: LocalHold::default(),
            sockets,
        })
    }

    fn parts(&mut self) -> LaneParts<'_> {
        LaneParts {
            window: &mut self.window,
            trips: &mut self.trips,
            early_retries: &mut self.early_retries,
            health: &mut self.health,
            local: &mut self.local,
        }
    }

    /// What may be sent to it: nothing while it is benched.
    fn allowance(&self, now: Time) -> Allowance {
        if self.health.is_benched() {
            return Allowance::default();
        }
        self.window.allowance(now)
    }

    fn report(&mut self) -> WindowReport {
        let (rtt_p50, rtt_p99) = self.trips.quantiles();
        WindowReport {
            rate_per_second: self.window.rate_per_second(),
            delivered_per_second: self.window.delivered_per_second(),
            in_flight_max: self.window.in_flight_peak(),
            plateau: self.window.plateau_seen(),
            in_flight_limit: self.window.ceiling_found(),
            rtt_p50,
            rtt_p99,
        }
    }
}

impl Upstream {
    pub(super) fn new(
        address: SocketAddr,
        pacer: Pacer,
        standing: Standing,
        choice: LaneChoice,
    ) -> Self {
        Self {
            address,
            edns: true,
            udp: None,
            tcp: None,
            tally: UpstreamReport::new(address),
            pacer,
            standing: [standing; 2],
            slips: SlipWatch::default(),
            choice,
            known: [None; 2],
        }
    }

    /// What it did, and what was learned about it.
    pub(super) fn report(&mut self) -> UpstreamReport {
        let mut report = self.tally.clone();
        report.lanes = self.choice.verdict();
        let mut reasons = Vec::new();
        let mut is_lame = false;
        if let Some(lane) = &mut self.udp {
            report.udp = Some(lane.report());
            reasons.push(lane.health.bench_reason());
            is_lame |= lane.health.is_lame();
        }
        if let Some(lane) = &mut self.tcp {
            report.tcp = Some(lane.report());
            report.queries_per_connection = lane.sockets.queries_max;
            reasons.push(lane.health.bench_reason());
            is_lame |= lane.health.is_lame();
        }
        report.health = match reasons.iter().flatten().next() {
            Some(why) => *why,
            None if report.sent == 0 => Health::Unused,
            None if is_lame => Health::Lame,
            None if report.answered == 0 => Health::Unproven,
            None => Health::Good,
        };
        report
    }

    /// Whether it may be asked.
    pub(super) fn permit(
        &mut self,
        now: Time,
        transport: Transport,
        limits: &LaneLimits,
    ) -> Permit {
        let LaneParts {
            window,
            trips,
            health,
            local,
            ..
        } = self.lane(transport, limits);
        if let Some(at) = local.hold(now) {
            return Permit::At(at);
        }
        let permit = match health.hold() {
            Some(Time::MAX) => Permit::Full,
            Some(until) if until > now => Permit::At(until),
            Some(_) => Permit::Now,
            None => window.permit(now, trips.patience()),
        };
        if permit != Permit::Now {
            return permit;
        }
        let held = self.pacer.hold(now);
        held.map_or(Permit::Now, Permit::At)
    }

    /// One of its lanes, created when it is first used.
    pub(super) fn lane(&mut self, transport: Transport, limits: &LaneLimits) -> LaneParts<'_> {
        let address = self.address;
        let known = self.known[line_of(transport)];
        match transport {
            Transport::Udp => {
                let sockets = || Datagrams::new(address, limits.source, limits.upstreams);
                self.udp
                    .get_or_insert_with(|| Lane::new(limits.udp, known, sockets()))
                    .parts()
            }
            Transport::Tcp => {
                let sockets = || Streams::new(address, limits.source);
                self.tcp
                    .get_or_insert_with(|| Lane::new(limits.tcp, known, sockets()))
                    .parts()
            }
        }
    }

    /// Takes in what is known of one of its lanes now.
    pub(super) fn follow_known(&mut self, now: Time, transport: Transport, known: Option<Known>) {
        let before = std::mem::replace(&mut self.known[line_of(transport)], known);
        let Some(known) = known else {
            return;
        };
        let window = match transport {
            Transport::Udp => self.udp.as_mut().map(|lane| &mut lane.window),
            Transport::Tcp => self.tcp.as_mut().map(|lane| &mut lane.window),
        };
        if let Some(window) = window {
            window.follow_known(now, known, before);
        }
    }

    /// Whether the system says that it cannot be reached.
    pub(super) fn is_unreachable(&self, transport: Transport) -> bool {
        self.health(transport)
            .is_some_and(HealthMonitor::is_unreachable)
    }

    /// Why no query can be sent to it, if the system of this machine keeps refusing it.
    pub(super) fn lasting_local_fault(&self, transport: Transport) -> Option<LostCause> {
        let local = match transport {
            Transport::Udp => self.udp.as_ref().map(|lane| &lane.local),
            Transport::Tcp => self.tcp.as_ref().map(|lane| &lane.local),
        };
        local.and_then(LocalHold::lasting_fault)
    }

    fn health(&self, transport: Transport) -> Option<&HealthMonitor> {
        match transport {
            Transport::Udp => self.udp.as_ref().map(|lane| &lane.health),
            Transport::Tcp => self.tcp.as_ref().map(|lane| &lane.health),
        }
    }

    pub(super) fn standing(&self, transport: Transport) -> LaneStanding {
        match self.health(transport) {
            Some(health) if health.is_benched() => LaneStanding::Benched,
            Some(health) if health.is_lame() => LaneStanding::Lame,
            Some(health) if health.has_answered() => LaneStanding::Proven,
            _ => LaneStanding::Unproven,
        }
    }

    /// The open queries of one of its sockets.
    #[inline]
    pub(super) fn attempts(
        &mut self,
        transport: Transport,
        socket: SocketId,
    ) -> Option<&mut Attempts> {
        match transport {
            Transport::Udp => Some(&mut self.udp.as_mut()?.sockets.by_socket(socket)?.attempts),
            Transport::Tcp => Some(&mut self.tcp.as_mut()?.sockets.by_socket(socket)?.attempts),
        }
    }

    /// The queries that are in flight on one of its lanes, in the order they were sent.
    pub(super) fn in_flight_by(&self, transport: Transport) -> Vec<Attempt> {
        let mut all = Vec::new();
        match transport {
            Transport::Udp => {
                if let Some(lane) = &self.udp {
                    lane.sockets.add_in_flight(&mut all);
                }
            }
            Transport::Tcp => {
                if let Some(lane) = &self.tcp {
                    lane.sockets.add_in_flight(&mut all);
                }
            }
        }
        all.sort_by_key(|attempt| (attempt.sent, attempt.task.index));
        all
    }

    /// Queries that may still be answered.
    pub(super) fn attempts_open(&self) -> usize {
        let udp = self
            .udp
            .as_ref()
            .map_or(0, |lane| lane.sockets.attempts_open());
        let tcp = self
            .tcp
            .as_ref()
            .map_or(0, |lane| lane.sockets.attempts_open());
        udp + tcp
    }

    /// What one of its lanes allows: nothing if it was never used.
    pub(super) fn allowance(&self, now: Time, transport: Transport) -> Allowance {
        let allowance = match transport {
            Transport::Udp => self.udp.as_ref().map(|lane| lane.allowance(now)),
            Transport::Tcp => self.tcp.as_ref().map(|lane| lane.allowance(now)),
        };
        allowance.unwrap_or_default()
    }

    /// Queries that count against the window of its stream lane.
    pub(super) fn streams_in_flight(&self) -> u32 {
        self.tcp.as_ref().map_or(0, |lane| lane.window.in_flight())
    }

    /// Queries that count against its windows.
    pub(super) fn in_flight(&self) -> usize {
        let udp = self.udp.as_ref().map_or(0, |lane| lane.window.in_flight());
        let tcp = self.tcp.as_ref().map_or(0, |lane| lane.window.in_flight());
        (udp + tcp) as usize
    }
}
