//! The resolvers, and which of them is asked next.

mod allowance;
mod attempts;
mod ceiling;
mod datagram;
mod early_retries;
mod epoch;
mod health;
mod lane_choice;
mod lanes;
mod overdue;
mod rate_search;
mod repeats;
mod resolver;
mod rtt;
mod slips;
mod stream;
mod streaming;
#[cfg(test)]
mod tests;
mod turns;
mod window;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use canvass_model::{Health, StreamFlaw, Time, Transport, UpstreamReport};
use canvass_proto::{ReplyClass, SendRequest, TransportPolicy, UpstreamId};
use hashbrown::HashMap;

use crate::config::Config;
use crate::net::{Net, SocketId};
use crate::pacer::RateLimits;
use allowance::Allowances;
pub(crate) use attempts::{Attempt, AttemptKey, Attempts};
use epoch::EpochId;
use lane_choice::{LaneChoice, RATE_CAP_MIN, Step};
use resolver::{LaneLimits, LaneParts, LaneStanding, Upstream};
use streaming::Streaming;
use turns::{Line, Standing, line_of};
use window::{Allowance, Permit};

/// The number of resolvers that a shard can have, those added while it runs included. An
/// [`UpstreamId`] has 16 bits.
pub const UPSTREAMS_MAX: usize = u16::MAX as usize;

/// Why a resolver cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddError {
    /// There are [`UPSTREAMS_MAX`] others.
    #[error("a run can have {UPSTREAMS_MAX} resolvers, and this is one more")]
    TooMany,
    /// The local address of queries is of the other family.
    #[error("this resolver cannot be asked from {0}, which is of the other family")]
    OtherFamily(IpAddr),
}

/// All resolvers: those that share the queries of a run, and those that are only asked by queries
/// that name them.
#[derive(Debug)]
pub(crate) struct Upstreams {
    list: Vec<Upstream>,
    /// How many share the run's queries: the first ones of the list.
    shared: usize,
    by_address: HashMap<SocketAddr, UpstreamId>,
    rates: RateLimits,
    lines: [Line; 2],
    limits: LaneLimits,
    allowances: Allowances,
    streaming: Streaming,
    /// Until when any upstream may be better asked over streams.
    slips_until: Time,
    may_turn_to_streams: bool,
    /// The upstreams whose streams are being tried, and when to look at them next.
    tried: Vec<UpstreamId>,
    look_at: Time,
}

impl Upstreams {
    pub(crate) fn new(config: &Config, rates: &RateLimits) -> Self {
        let shared = config.upstreams.len().min(UPSTREAMS_MAX);
        let addresses = || config.upstreams[..shared].iter().copied();
        let may_turn_to_streams = config.limits.transport == TransportPolicy::Auto;
        let caps = [
            config.rate_max_per_second,
            config.rate_per_resolver_max_per_second,
        ];
        let is_slow = caps.iter().flatten().any(|cap| *cap < RATE_CAP_MIN);
        let choice = || LaneChoice::new(may_turn_to_streams && !is_slow);
        let list = addresses()
            .map(|address| {
                Upstream::new(address, rates.pacer_of(address), Standing::Ready, choice())
            })
            .collect();
        Self {
            list,
            shared,
            by_address: addresses().zip((0..=u16::MAX).map(UpstreamId)).collect(),
            rates: rates.clone(),
            lines: [Line::new(shared), Line::new(shared)],
            limits: LaneLimits::new(config),
            allowances: Allowances::default(),
            streaming: Streaming::default(),
            slips_until: Time::ZERO,
            may_turn_to_streams,
            tried: Vec::new(),
            look_at: Time::MAX,
        }
    }

    /// Turns a query to streams if every upstream that it may go to is better asked there.
    pub(crate) fn advise(&self, now: Time, request: &mut SendRequest) {
        if now >= self.slips_until || request.transport == Transport::Tcp {
            return;
        }
        let prefers = |upstream: &Upstream| {
            upstream.slips.prefers_streams(now)
                && upstream.standing(Transport::Tcp) != LaneStanding::Benched
        };
        let all_prefer = match request.only {
            Some(only) => prefers(&self.list[usize::from(only.0)]),
            None => self.list[..self.shared].iter().all(prefers),
        };
        if all_prefer {
            request.transport = Transport::Tcp;
        }
    }

    /// The upstream at `address`, added if it is new. One that is added is only asked by queries
    /// that name it (`SendRequest::only`). Its id stays its own.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub(crate) fn add(&mut self, address: SocketAddr) -> Result<UpstreamId, AddError> {
        if let Some(id) = self.by_address.get(&address) {
            return Ok(*id);
        }
        if let Some(source) = self.limits.source_of_other_family(address) {
            return Err(AddError::OtherFamily(source));
        }
        if self.list.len() >= UPSTREAMS_MAX {
            return Err(AddError::TooMany);
        }
        let id = UpstreamId(self.list.len() as u16);
        let (pacer, choice) = (self.rates.pacer_of(address), LaneChoice::new(false));
        let upstream = Upstream::new(address, pacer, Standing::ByName, choice);
        self.list.push(upstream);
        self.by_address.insert(address, id);
        Ok(id)
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
        self.by_id(id).attempts(transport, socket)
    }

    /// Whether there are resolvers that share the run's queries, and all of them are benched on
    /// this transport, and no other is in use by choice.
    pub(crate) fn all_benched(&self, transport: Transport) -> bool {
        let mut shared = self.list[..self.shared].iter();
        self.shared > 0
            && self.lines[line_of(transport)].benched == self.shared
            && !shared.any(|upstream| upstream.choice.uses_streams())
    }

    /// Whether the system says of all of these that they cannot be reached.
    pub(crate) fn all_unreachable(&self, transport: Transport) -> bool {
        let mut shared = self.list[..self.shared].iter();
        shared.all(|upstream| upstream.is_unreachable(transport))
    }

    /// Whether a resolver is left alone on this transport.
    pub(crate) fn is_benched(&self, id: UpstreamId, transport: Transport) -> bool {
        self.standing(id, transport) == LaneStanding::Benched
    }

    /// Whether any resolver ever answered.
    pub(crate) fn any_answered(&self) -> bool {
        self.list.iter().any(|upstream| upstream.tally.answered > 0)
    }

    fn permit(&mut self, now: Time, id: UpstreamId, transport: Transport) -> Permit {
        let upstream = &mut self.list[usize::from(id.0)];
        upstream.permit(now, transport, &self.limits)
    }

    fn lane(&mut self, id: UpstreamId, transport: Transport) -> LaneParts<'_> {
        self.list[usize::from(id.0)].lane(transport, &self.limits)
    }

    fn standing(&self, id: UpstreamId, transport: Transport) -> LaneStanding {
        self.list[usize::from(id.0)].standing(transport)
    }

    /// How long to wait for an answer on this lane.
    pub(crate) fn patience(&mut self, id: UpstreamId, transport: Transport) -> Duration {
        self.lane(id, transport).trips.patience()
    }

    /// Whether the rate of each upstream is limited.
    pub(crate) fn has_rate_limit(&self) -> bool {
        self.rates.limits_resolvers()
    }

    /// A query passed the limit of an upstream's rate, by `now` at the latest.
    pub(crate) fn on_passed(&mut self, now: Time, id: UpstreamId) {
        self.by_id(id).pacer.pass(now);
    }

    /// A query was sent.
    pub(crate) fn on_sent(
        &mut self,
        now: Time,
        id: UpstreamId,
        transport: Transport,
        first: bool,
    ) -> (EpochId, u32) {
        let upstream = self.by_id(id);
        upstream.tally.sent += 1;
        let LaneParts {
            window,
            trips,
            health,
            ..
        } = self.lane(id, transport);
        trips.on_sent(now);
        health.on_sent();
        let is_first = window.in_flight_peak() == 0;
        let sent = window.on_sent(now, first);
        if is_first {
            self.allowances.on_first_sent(id, transport);
        }
        sent
    }

    /// A reply was received that matches `attempt`. Returns whether it is the first answer of the
    /// upstream on this transport.
    pub(crate) fn on_reply(
        &mut self,
        now: Time,
        id: UpstreamId,
        transport: Transport,
        attempt: &Attempt,
        class: ReplyClass,
    ) -> bool {
        let round_trip_ns = now.nanos_since(attempt.sent);
        let before = self.standing(id, transport);
        let upstream = self.by_id(id);
        let tally = &mut upstream.tally;
        tally.late += u64::from(attempt.expired);
        match class {
            ReplyClass::Answer => {
                tally.answered += 1;
                let round_trip = Duration::from_nanos(round_trip_ns);
                if upstream.choice.on_answer(transport, round_trip) == Step::Proven {
                    self.compare_lanes(now, id);
                }
            }
            ReplyClass::Refused => tally.refused += 1,
            ReplyClass::ServFail => tally.servfail += 1,
            ReplyClass::Lame => tally.lame += 1,
            ReplyClass::Truncated => tally.truncated += 1,
            ReplyClass::NoEdns | ReplyClass::Unusable => {}
        }
        let upstream = self.by_id(id);
        if class == ReplyClass::NoEdns {
            upstream.edns = false;
        }
        let is_truncated = class == ReplyClass::Truncated;
        if transport == Transport::Udp && upstream.slips.on_reply(now, is_truncated) {
            self.turn_to_streams(now, id);
        }
        let LaneParts {
            window,
            trips,
            early_retries,
            health,
        } = self.lane(id, transport);
        if !attempt.expired {
            window.on_landed(now, attempt);
        }
        // How long another reply takes says nothing of how long answers do.
        let is_first =
            class == ReplyClass::Answer && transport == Transport::Udp && !trips.any_answered();
        if class == ReplyClass::Answer {
            trips.on_answered(now, round_trip_ns);
        }
        match class {
            ReplyClass::Answer | ReplyClass::Truncated | ReplyClass::NoEdns => {
                if !attempt.expired {
                    early_retries.on_answered(attempt.first, window.in_flight());
                }
                if attempt.first {
                    window.on_answered(now, attempt, round_trip_ns);
                }
                if health.on_answered(now, attempt.sent) {
                    window.restart(now);
                    self.come_back(id, transport);
                }
                self.recount(id, transport, before);
            }
            ReplyClass::Refused
            | ReplyClass::ServFail
            | ReplyClass::Lame
            | ReplyClass::Unusable => {
                match class {
                    ReplyClass::Lame => {
                        health.on_lame();
                        window.on_useless(attempt);
                    }
                    ReplyClass::Refused | ReplyClass::ServFail => window.on_failed(now, attempt),
                    _ => window.on_useless(attempt),
                }
                let is_useless = health.on_error(now, attempt.sent, window.has_ceiling());
                self.recount(id, transport, before);
                if is_useless {
                    self.bench_liar(now, id, transport);
                }
            }
        }
        self.line_up(id, transport);
        is_first
    }

    /// An upstream truncates what it answers over datagrams. When it is asked so again, it is asked
    /// slowly at first: the rate that was found is that of truncated answers.
    fn turn_to_streams(&mut self, now: Time, id: UpstreamId) {
        if self.may_turn_to_streams {
            self.slips_until = self.slips_until.max(self.by_id(id).slips.until());
            self.lane(id, Transport::Udp).window.start_over(now);
        }
    }

    /// The attempt at `at` has expired. It can still be answered.
    fn expire(&mut self, now: Time, transport: Transport, at: AttemptKey, attempt: &Attempt) {
        if let Some(attempts) = self.attempts((at.upstream, transport, at.socket)) {
            attempts.expire(at.id);
        }
        let benched = self.on_expired(now, at.upstream, transport, attempt);
        if transport == Transport::Tcp {
            self.watch_stream(now, at, benched);
        }
    }

    /// A query has expired on the connection at `at`: closes what it shows to be useless.
    fn watch_stream(&mut self, now: Time, at: AttemptKey, benched: bool) {
        let lane = &mut self.list[usize::from(at.upstream.0)].tcp;
        let stream = lane
            .as_mut()
            .and_then(|lane| lane.sockets.by_socket(at.socket));
        if benched {
            self.streaming.on_silent(at.upstream);
        } else if stream.is_some_and(|stream| stream.is_stuck(now)) {
            self.streaming.on_stuck(at.upstream, at.socket);
        }
    }

    /// An attempt has expired. Returns whether the upstream was benched for it.
    fn on_expired(
        &mut self,
        now: Time,
        id: UpstreamId,
        transport: Transport,
        attempt: &Attempt,
    ) -> bool {
        self.by_id(id).tally.timeouts += 1;
        let LaneParts { window, health, .. } = self.lane(id, transport);
        window.on_expired(now, attempt, health.any_answered_since(attempt.sent));
        let silent = health.on_silence(attempt.sent, attempt.first)
            && !self.give_up_streams(now, id, transport, StreamFlaw::Silent);
        if silent {
            self.bench(now, id, transport, Health::Dead);
        }
        self.line_up(id, transport);
        silent
    }

    /// An attempt has ended without a result.
    pub(crate) fn on_dropped(&mut self, id: UpstreamId, transport: Transport, attempt: &Attempt) {
        if !attempt.expired {
            let LaneParts { window, health, .. } = self.lane(id, transport);
            window.on_dropped(attempt);
            health.on_dropped();
            self.line_up(id, transport);
        }
    }

    /// The system reported that the peer cannot be reached.
    pub(crate) fn on_error(&mut self, now: Time, id: UpstreamId, transport: Transport) {
        self.by_id(id).tally.errors += 1;
        if self.give_up_streams(now, id, transport, StreamFlaw::Refused) {
            return;
        }
        self.lane(id, transport).health.on_unreachable();
        self.bench(now, id, transport, Health::Dead);
    }

    /// A stream connection of it cannot be divided into messages. That is an error like any other
    /// reply that cannot be read.
    pub(crate) fn on_misframed(&mut self, now: Time, id: UpstreamId) {
        self.by_id(id).tally.errors += 1;
        if self.give_up_streams(now, id, Transport::Tcp, StreamFlaw::Misframed) {
            return;
        }
        if self
            .lane(id, Transport::Tcp)
            .health
            .on_error(now, now, false)
        {
            self.bench_liar(now, id, Transport::Tcp);
        }
        self.line_up(id, Transport::Tcp);
    }

    fn bench_liar(&mut self, now: Time, id: UpstreamId, transport: Transport) {
        if self.give_up_streams(now, id, transport, StreamFlaw::Errors) {
            return;
        }
        // If there is no other, an error is the best answer there is.
        let before = self.standing(id, transport);
        if self.others_in_use(id, transport) > 0 {
            let health = &self.lane(id, transport).health;
            let is_lame = health.is_lame();
            let why = if is_lame { Health::Lame } else { Health::Lying };
            self.bench(now, id, transport, why);
        } else if before == LaneStanding::Benched {
            let LaneParts { window, health, .. } = self.lane(id, transport);
            health.on_answered(now, now);
            window.restart(now);
            self.come_back(id, transport);
            self.recount(id, transport, before);
        }
    }

    fn bench(&mut self, now: Time, id: UpstreamId, transport: Transport, why: Health) {
        let before = self.standing(id, transport);
        let was_benched = before == LaneStanding::Benched;
        self.by_id(id).tally.benched += u64::from(!was_benched);
        let alone = self.others_in_use(id, transport) == 0;
        let until = self.lane(id, transport).health.bench(now, why, alone);
        self.recount(id, transport, before);
        self.come_back_at(until, id, transport);
    }

    /// Takes the sockets that no query needs out of the resolvers that are only asked by name: each
    /// may be asked once.
    pub(crate) fn take_idle_sockets(&mut self) -> Vec<SocketId> {
        let mut idle = Vec::new();
        for upstream in &mut self.list[self.shared..] {
            if let Some(lane) = &mut upstream.udp {
                lane.sockets.take_idle(&mut idle);
            }
            if let Some(lane) = &mut upstream.tcp {
                lane.sockets.take_idle(&mut idle);
            }
        }
        idle
    }

    /// What the windows of all lanes that were ever asked allow together.
    pub(crate) fn allowance(&mut self, now: Time) -> Allowance {
        self.allowances.look(now, &self.list)
    }

    /// What is in flight, by the windows' own counts.
    pub(crate) fn in_flight(&self) -> usize {
        self.list.iter().map(Upstream::in_flight).sum()
    }

    /// Queries that may still be answered.
    pub(crate) fn attempts_open(&self) -> usize {
        self.list.iter().map(Upstream::attempts_open).sum()
    }

    /// The reports of all resolvers, and how many datagrams the kernel dropped.
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
