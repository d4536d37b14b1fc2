//! The resolvers, and who of them is asked next.

mod attempts;
mod datagram;
mod rtt;
mod stream;
mod vigil;
mod window;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use canvass_model::{Health, Time, Transport, UpstreamReport, WindowReport};
use canvass_proto::{ReplyClass, SendRequest, UpstreamId};

use crate::config::Config;
use crate::net::{Net, SocketId};
use crate::pacer::Pacer;
pub(crate) use attempts::{Attempt, Attempts, Place};
pub(crate) use datagram::Datagrams;
use rtt::RoundTrips;
pub(crate) use stream::Streams;
use vigil::Vigil;
use window::{EpochId, Permit, Window, WindowLimits};

/// What is in flight to all upstreams together before any has answered.
const IN_FLIGHT_FIRST_ALL: usize = 512;
/// What is in flight to one upstream before it has answered.
const IN_FLIGHT_FIRST: std::ops::RangeInclusive<usize> = 4..=32;
/// Datagrams are let go together for so long.
const DATAGRAM_QUANTUM: Duration = Duration::from_micros(200);
/// The most datagrams let go together.
const DATAGRAM_BATCH_MAX: u32 = 64;
/// How long a line of datagrams at the peer may be, in time.
const DATAGRAM_SLACK: Duration = Duration::from_millis(1);
/// Queries are gathered into a write for so long.
const STREAM_QUANTUM: Duration = Duration::from_millis(1);
/// The most queries gathered into writes of one turn.
const STREAM_BATCH_MAX: u32 = 512;
/// How long a line of queries on streams may be, in time: some writes' worth.
const STREAM_SLACK: Duration = Duration::from_millis(5);

/// One resolver on one transport.
#[derive(Debug)]
pub(crate) struct Lane<S> {
    window: Window,
    trips: RoundTrips,
    vigil: Vigil,
    pub(crate) sockets: S,
}

/// Where an upstream stands in the line of those that may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// In line.
    Ready,
    /// It will be, at a time that is set.
    Later,
    /// It will be when something in flight to it has come to an end.
    Out,
}

/// One resolver.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    /// Whether it is thought to know EDNS(0).
    pub(crate) edns: bool,
    pub(crate) udp: Option<Box<Lane<Datagrams>>>,
    pub(crate) tcp: Option<Box<Lane<Streams>>>,
    pub(crate) tally: UpstreamReport,
    /// The cap on its rate (`--rate-per-resolver`), which both of its lanes share.
    pacer: Pacer,
    standing: [Standing; 2],
}

/// Who may be asked on one transport, and when.
#[derive(Debug)]
struct Line {
    ready: VecDeque<u16>,
    later: BinaryHeap<Reverse<(Time, u16)>>,
    benched: usize,
    proven: usize,
}

/// What is known of an upstream on one transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Footing {
    /// Nothing yet.
    Unproven,
    /// It answers.
    Proven,
    /// It is left alone.
    Benched,
}

/// All resolvers.
#[derive(Debug)]
pub(crate) struct Upstreams {
    list: Vec<Upstream>,
    lines: [Line; 2],
    udp_limits: WindowLimits,
    tcp_limits: WindowLimits,
}

/// The parts of a lane that are the same on both transports.
struct LaneParts<'a> {
    window: &'a mut Window,
    trips: &'a mut RoundTrips,
    vigil: &'a mut Vigil,
}

impl<S> Lane<S> {
    fn new(limits: WindowLimits, sockets: S) -> Box<Self> {
        Box::new(Self {
            window: Window::new(limits),
            trips: RoundTrips::new(),
            vigil: Vigil::default(),
            sockets,
        })
    }

    fn parts(&mut self) -> LaneParts<'_> {
        LaneParts {
            window: &mut self.window,
            trips: &mut self.trips,
            vigil: &mut self.vigil,
        }
    }

    fn report(&mut self) -> WindowReport {
        let (rtt_p50, rtt_p99) = self.trips.quantiles();
        WindowReport {
            rate_per_second: self.window.rate_per_second(),
            delivered_per_second: self.window.delivered_per_second(),
            in_flight_max: self.window.in_flight_peak(),
            plateau: self.window.plateau_seen(),
            rtt_p50,
            rtt_p99,
        }
    }
}

impl Upstreams {
    pub(crate) fn new(config: &Config) -> Self {
        let count = config.upstreams.len();
        let first = (IN_FLIGHT_FIRST_ALL / count.max(1))
            .clamp(*IN_FLIGHT_FIRST.start(), *IN_FLIGHT_FIRST.end());
        let udp_limits = WindowLimits {
            rate_max: config
                .rate_per_resolver_max_per_second
                .unwrap_or(f64::INFINITY),
            in_flight_first: first as u32,
            in_flight_max: config.jobs_max as u32,
            quantum: DATAGRAM_QUANTUM,
            batch_max: DATAGRAM_BATCH_MAX,
            slack: DATAGRAM_SLACK,
            datagrams: true,
        };
        let tcp_limits = WindowLimits {
            quantum: STREAM_QUANTUM,
            batch_max: STREAM_BATCH_MAX,
            slack: STREAM_SLACK,
            datagrams: false,
            ..udp_limits
        };
        let line = || Line {
            ready: (0..count as u16).collect(),
            later: BinaryHeap::new(),
            benched: 0,
            proven: 0,
        };
        let list = config
            .upstreams
            .iter()
            .map(|address| Upstream::new(*address, config.rate_per_resolver_max_per_second))
            .collect();
        Self {
            list,
            lines: [line(), line()],
            udp_limits,
            tcp_limits,
        }
    }

    pub(crate) fn by_id(&mut self, id: UpstreamId) -> &mut Upstream {
        &mut self.list[usize::from(id.0)]
    }

    /// The open queries of a socket.
    #[inline]
    pub(crate) fn attempts(
        &mut self,
        place: (UpstreamId, Transport, SocketId),
    ) -> Option<&mut Attempts> {
        let (id, transport, socket) = place;
        let upstream = self.by_id(id);
        match transport {
            Transport::Udp => Some(&mut upstream.udp.as_mut()?.sockets.by_socket(socket)?.attempts),
            Transport::Tcp => Some(&mut upstream.tcp.as_mut()?.sockets.by_socket(socket)?.attempts),
        }
    }

    /// Whether every resolver is left alone on this transport.
    pub(crate) fn all_benched(&self, transport: Transport) -> bool {
        self.lines[line_of(transport)].benched == self.list.len()
    }

    /// Whether any resolver ever answered.
    pub(crate) fn any_answered(&self) -> bool {
        self.list.iter().any(|upstream| upstream.tally.answered > 0)
    }

    /// When somebody may be asked again, as far as a time is set for it.
    pub(crate) fn next_permit(&self, transport: Transport) -> Time {
        self.lines[line_of(transport)]
            .later
            .peek()
            .map_or(Time::MAX, |Reverse((at, _))| *at)
    }

    /// Who is to be asked: in turn, among those whose window and pace allow it; not the one
    /// that just did not help, while there is another.
    pub(crate) fn pick(&mut self, now: Time, request: &SendRequest) -> Option<UpstreamId> {
        let line = line_of(request.transport);
        while let Some(Reverse((at, _))) = self.lines[line].later.peek() {
            if *at > now {
                break;
            }
            let Reverse((_, id)) = self.lines[line].later.pop().expect("it was just seen");
            if self.list[usize::from(id)].standing[line] == Standing::Later {
                self.list[usize::from(id)].standing[line] = Standing::Ready;
                self.lines[line].ready.push_back(id);
            }
        }
        if let Some(preferred) = request.prefer
            && self.permit(now, preferred, request.transport) == Permit::Now
        {
            return Some(preferred);
        }
        for _ in 0..self.lines[line].ready.len() {
            let id = self.lines[line].ready.pop_front()?;
            if self.is_passed_over(UpstreamId(id), request) {
                self.lines[line].ready.push_back(id);
                continue;
            }
            match self.permit(now, UpstreamId(id), request.transport) {
                Permit::Now => {
                    self.lines[line].ready.push_back(id);
                    return Some(UpstreamId(id));
                }
                Permit::At(at) => {
                    self.list[usize::from(id)].standing[line] = Standing::Later;
                    self.lines[line].later.push(Reverse((at, id)));
                }
                Permit::Full => self.list[usize::from(id)].standing[line] = Standing::Out,
            }
        }
        None
    }

    /// Whether another is to be asked instead: what failed once goes to one that is known to
    /// answer, where there is one, and not back to where it failed.
    fn is_passed_over(&self, id: UpstreamId, request: &SendRequest) -> bool {
        let Some(avoid) = request.avoid else {
            return false;
        };
        let line = &self.lines[line_of(request.transport)];
        let avoided = self.footing(avoid, request.transport);
        let proven_others = line.proven - usize::from(avoided == Footing::Proven);
        if proven_others > 0 {
            return id == avoid || self.footing(id, request.transport) != Footing::Proven;
        }
        let others = self.list.len() - line.benched - usize::from(avoided != Footing::Benched);
        id == avoid && others > 0
    }

    fn permit(&mut self, now: Time, id: UpstreamId, transport: Transport) -> Permit {
        let LaneParts {
            window,
            trips,
            vigil,
        } = self.lane(id, transport);
        let permit = match vigil.hold() {
            Some(Time::MAX) => Permit::Full,
            Some(until) if until > now => Permit::At(until),
            Some(_) => Permit::Now,
            None => window.permit(now, trips.patience()),
        };
        if permit != Permit::Now {
            return permit;
        }
        let held = self.by_id(id).pacer.hold(now);
        held.map_or(Permit::Now, Permit::At)
    }

    /// The lane of a resolver, begun when it is first used.
    fn lane(&mut self, id: UpstreamId, transport: Transport) -> LaneParts<'_> {
        let (udp_limits, tcp_limits, count) = (self.udp_limits, self.tcp_limits, self.list.len());
        let upstream = &mut self.list[usize::from(id.0)];
        let address = upstream.address;
        match transport {
            Transport::Udp => upstream
                .udp
                .get_or_insert_with(|| Lane::new(udp_limits, Datagrams::new(address, count)))
                .parts(),
            Transport::Tcp => upstream
                .tcp
                .get_or_insert_with(|| Lane::new(tcp_limits, Streams::new(address)))
                .parts(),
        }
    }

    fn footing(&self, id: UpstreamId, transport: Transport) -> Footing {
        let upstream = &self.list[usize::from(id.0)];
        let vigil = match transport {
            Transport::Udp => upstream.udp.as_ref().map(|lane| &lane.vigil),
            Transport::Tcp => upstream.tcp.as_ref().map(|lane| &lane.vigil),
        };
        match vigil {
            Some(vigil) if vigil.is_benched() => Footing::Benched,
            Some(vigil) if vigil.has_answered() => Footing::Proven,
            _ => Footing::Unproven,
        }
    }

    /// Counts an upstream where it stands now, and no longer where it stood before.
    fn recount(&mut self, id: UpstreamId, transport: Transport, before: Footing) {
        let now = self.footing(id, transport);
        let line = &mut self.lines[line_of(transport)];
        for (footing, count) in [
            (Footing::Proven, &mut line.proven),
            (Footing::Benched, &mut line.benched),
        ] {
            *count = *count + usize::from(now == footing) - usize::from(before == footing);
        }
    }

    /// How long to wait for an answer on this lane.
    pub(crate) fn patience(&mut self, id: UpstreamId, transport: Transport) -> Duration {
        self.lane(id, transport).trips.patience()
    }

    /// A query left.
    pub(crate) fn on_sent(
        &mut self,
        now: Time,
        id: UpstreamId,
        transport: Transport,
        first: bool,
    ) -> EpochId {
        let upstream = self.by_id(id);
        upstream.tally.sent += 1;
        upstream.pacer.pass();
        let LaneParts {
            window,
            trips,
            vigil,
        } = self.lane(id, transport);
        trips.on_sent(now);
        vigil.on_sent();
        window.on_sent(now, first)
    }

    /// A reply came that matches `attempt`.
    pub(crate) fn on_reply(
        &mut self,
        now: Time,
        id: UpstreamId,
        transport: Transport,
        attempt: &Attempt,
        class: ReplyClass,
    ) {
        let round_trip_ns = now.nanos_since(attempt.sent);
        let before = self.footing(id, transport);
        let upstream = self.by_id(id);
        let tally = &mut upstream.tally;
        tally.late += u64::from(attempt.expired);
        match class {
            ReplyClass::Answer => tally.answered += 1,
            ReplyClass::Refused => tally.refused += 1,
            ReplyClass::ServFail => tally.servfail += 1,
            ReplyClass::Truncated => tally.truncated += 1,
            ReplyClass::NoEdns | ReplyClass::Unusable => {}
        }
        if class == ReplyClass::NoEdns {
            upstream.edns = false;
        }
        let LaneParts {
            window,
            trips,
            vigil,
        } = self.lane(id, transport);
        trips.on_answered(now, round_trip_ns);
        if !attempt.expired {
            window.on_landed();
        }
        match class {
            ReplyClass::Answer | ReplyClass::Truncated | ReplyClass::NoEdns => {
                if attempt.first {
                    window.on_answered(now, attempt.epoch, round_trip_ns);
                }
                if vigil.on_answered(attempt.sent) {
                    window.restart(now);
                }
                self.recount(id, transport, before);
            }
            ReplyClass::Refused | ReplyClass::ServFail | ReplyClass::Unusable => {
                if vigil.on_error(attempt.sent) {
                    self.bench_liar(now, id, transport);
                }
            }
        }
        self.line_up(id, transport);
    }

    /// An attempt ran out of time.
    pub(crate) fn on_expired(
        &mut self,
        now: Time,
        id: UpstreamId,
        transport: Transport,
        attempt: &Attempt,
    ) {
        self.by_id(id).tally.timeouts += 1;
        let LaneParts { window, vigil, .. } = self.lane(id, transport);
        window.on_landed();
        if vigil.on_silence(attempt.sent, attempt.first) {
            self.bench(now, id, transport, Health::Dead);
        }
        self.line_up(id, transport);
    }

    /// An attempt is over and nobody knows how it would have ended.
    pub(crate) fn on_dropped(&mut self, id: UpstreamId, transport: Transport, attempt: &Attempt) {
        if !attempt.expired {
            let LaneParts { window, vigil, .. } = self.lane(id, transport);
            window.on_landed();
            if attempt.first {
                window.on_returned(attempt.epoch);
            }
            vigil.on_dropped();
            self.line_up(id, transport);
        }
    }

    /// The system said that the peer is not there.
    pub(crate) fn on_error(&mut self, now: Time, id: UpstreamId, transport: Transport) {
        self.by_id(id).tally.errors += 1;
        self.bench(now, id, transport, Health::Dead);
    }

    fn bench_liar(&mut self, now: Time, id: UpstreamId, transport: Transport) {
        // Where there is no other, an error is the best answer there is.
        let line = &self.lines[line_of(transport)];
        let before = self.footing(id, transport);
        let others = self.list.len() - line.benched - usize::from(before != Footing::Benched);
        if others > 0 {
            self.bench(now, id, transport, Health::Lying);
        } else if before == Footing::Benched {
            let LaneParts { window, vigil, .. } = self.lane(id, transport);
            vigil.on_answered(now);
            window.restart(now);
            self.recount(id, transport, before);
        }
    }

    fn bench(&mut self, now: Time, id: UpstreamId, transport: Transport, why: Health) {
        let line = line_of(transport);
        let before = self.footing(id, transport);
        let was_benched = before == Footing::Benched;
        self.by_id(id).tally.benched += u64::from(!was_benched);
        let alone = self.lines[line].benched + usize::from(!was_benched) == self.list.len();
        let until = self.lane(id, transport).vigil.bench(now, why, alone);
        self.recount(id, transport, before);
        // Wherever it stands in the line, it is asked for its permit when its turn comes; but
        // one that stands nowhere must come back by itself.
        if self.list[usize::from(id.0)].standing[line] == Standing::Out {
            self.list[usize::from(id.0)].standing[line] = Standing::Later;
            self.lines[line].later.push(Reverse((until, id.0)));
        }
    }

    /// Something in flight has come to an end: it may have room again.
    fn line_up(&mut self, id: UpstreamId, transport: Transport) {
        let line = line_of(transport);
        let standing = &mut self.list[usize::from(id.0)].standing[line];
        if *standing == Standing::Out {
            *standing = Standing::Ready;
            self.lines[line].ready.push_back(id.0);
        }
    }

    /// What is in flight, by the windows' own counts.
    pub(crate) fn in_flight(&self) -> usize {
        let udp = |upstream: &Upstream| {
            upstream
                .udp
                .as_ref()
                .map_or(0, |lane| lane.window.in_flight())
        };
        let tcp = |upstream: &Upstream| {
            upstream
                .tcp
                .as_ref()
                .map_or(0, |lane| lane.window.in_flight())
        };
        self.list
            .iter()
            .map(|upstream| (udp(upstream) + tcp(upstream)) as usize)
            .sum()
    }

    /// Queries that may still be answered.
    pub(crate) fn attempts_open(&self) -> usize {
        let udp = |upstream: &Upstream| {
            upstream
                .udp
                .as_ref()
                .map_or(0, |lane| lane.sockets.attempts_open())
        };
        let tcp = |upstream: &Upstream| {
            upstream
                .tcp
                .as_ref()
                .map_or(0, |lane| lane.sockets.attempts_open())
        };
        self.list
            .iter()
            .map(|upstream| udp(upstream) + tcp(upstream))
            .sum()
    }

    /// What each resolver did and what was learned about it, and what the kernel dropped.
    pub(crate) fn reports<N: Net>(&mut self, net: &N) -> (Vec<UpstreamReport>, u64) {
        let mut kernel_drops = 0;
        let reports = self.list.iter_mut().map(|upstream| {
            if let Some(lane) = &upstream.udp {
                kernel_drops += lane
                    .sockets
                    .sockets()
                    .map(|one| net.kernel_drops(one))
                    .sum::<u64>();
            }
            upstream.report()
        });
        (reports.collect(), kernel_drops)
    }
}

impl Upstream {
    fn new(address: SocketAddr, rate_max_per_second: Option<f64>) -> Self {
        let tally = UpstreamReport {
            address,
            health: Health::Unused,
            benched: 0,
            sent: 0,
            answered: 0,
            timeouts: 0,
            late: 0,
            refused: 0,
            servfail: 0,
            truncated: 0,
            mismatched: 0,
            errors: 0,
            connections: 0,
            queries_per_connection: None,
            udp: None,
            tcp: None,
        };
        let standing = [Standing::Ready; 2];
        Self {
            address,
            edns: true,
            udp: None,
            tcp: None,
            tally,
            pacer: Pacer::new(rate_max_per_second),
            standing,
        }
    }

    fn report(&mut self) -> UpstreamReport {
        let mut report = self.tally.clone();
        let mut reasons = Vec::new();
        if let Some(lane) = &mut self.udp {
            report.udp = Some(lane.report());
            reasons.push(lane.vigil.bench_reason());
        }
        if let Some(lane) = &mut self.tcp {
            report.tcp = Some(lane.report());
            report.queries_per_connection = lane.sockets.queries_max;
            reasons.push(lane.vigil.bench_reason());
        }
        report.health = match reasons.iter().flatten().next() {
            Some(why) => *why,
            None if report.sent == 0 => Health::Unused,
            None => Health::Good,
        };
        report
    }
}

fn line_of(transport: Transport) -> usize {
    match transport {
        Transport::Udp => 0,
        Transport::Tcp => 1,
    }
}
