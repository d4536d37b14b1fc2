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
mod local_hold;
mod overdue;
mod rate_search;
mod repeats;
mod resolver;
mod results;
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

use canvass_model::{Time, Transport, UpstreamReport};
use canvass_proto::{LostCause, SendRequest, TransportPolicy, UpstreamId};
use hashbrown::HashMap;

use crate::allow_list::{AllowList, DeniedError};
use crate::config::Config;
use crate::known_windows::KnownView;
use crate::net::{Net, SocketId};
use crate::run_limits::RunLimits;
use allowance::Allowances;
pub(crate) use attempts::{Attempt, AttemptKey, Attempts};
use lane_choice::{LaneChoice, RATE_CAP_MIN};
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
    /// It is not among the addresses that may be sent to.
    #[error(transparent)]
    Denied(DeniedError),
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
    rates: RunLimits,
    allowed: AllowList,
    known: KnownView,
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
    pub(crate) fn new(config: &Config, rates: &RunLimits) -> Self {
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
            allowed: config.allowed.clone(),
            known: rates.known_view(),
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
        self.allowed.check(address.ip()).map_err(AddError::Denied)?;
        if let Some(source) = self.limits.source_of_other_family(address) {
            return Err(AddError::OtherFamily(source));
        }
        if self.list.len() >= UPSTREAMS_MAX {
            return Err(AddError::TooMany);
        }
        let id = UpstreamId(self.list.len() as u16);
        let (pacer, choice) = (self.rates.pacer_of(address), LaneChoice::new(false));
        let mut upstream = Upstream::new(address, pacer, Standing::ByName, choice);
        upstream.known =
            [Transport::Udp, Transport::Tcp].map(|transport| self.known.get(address, transport));
        self.list.push(upstream);
        self.by_address.insert(address, id);
        Ok(id)
    }

    /// Follows a change of what is known of resolvers.
    pub(crate) fn look_at_known(&mut self, now: Time) {
        if !self.known.refresh() {
            return;
        }
        for upstream in &mut self.list {
            for transport in [Transport::Udp, Transport::Tcp] {
                let known = self.known.get(upstream.address, transport);
                upstream.follow_known(now, transport, known);
            }
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

    /// Why no query can be sent to a resolver, if the system of this machine keeps refusing it.
    pub(crate) fn lasting_local_fault(
        &self,
        id: UpstreamId,
        transport: Transport,
    ) -> Option<LostCause> {
        self.list[usize::from(id.0)].lasting_local_fault(transport)
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
