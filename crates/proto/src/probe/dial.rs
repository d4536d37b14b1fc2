//! From a host to a connection.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use canvass_model::{Host, Phase, Remote, Time};

use super::candidates::{Candidates, Readiness};
use super::destination::loopback;
use super::established::Established;
use super::failure::{Ended, Failure, SystemFault};
use super::module::{AddressFamily, ModuleKind};
use super::stage::{Departure, Dial, Dialing, Route, Stage};
use super::tour::Peer;
use super::{Output, Probe, ResolveFault, SocketRequest};
use crate::output::ConnectionId;

/// How long a connection attempt has before the next address is tried beside it (RFC 8305 §5).
const CONNECTION_ATTEMPT_DELAY: Duration = Duration::from_millis(250);

impl Probe {
    /// Begins an attempt, or its next hop, as soon as it has a permit and its turn.
    pub(super) fn depart(&mut self, now: Time, departure: Departure) {
        if self.job.permit.as_ref() != Some(self.host()) {
            // It holds one permit at a time.
            self.job.permit = None;
            self.enter_stage(Stage::AwaitingHost(departure), Time::MAX);
            return self.output(Output::AcquireHost);
        }
        if !departure.paced {
            self.enter_stage(Stage::AwaitingTurn(departure.route), Time::MAX);
            return self.output(Output::AcquireTurn);
        }
        match departure.route {
            Route::LookUp => self.look_up(now),
            Route::NextAddress => {
                self.tour.attempts += 1;
                self.dial_first(now);
            }
            Route::SameAddress(address) => {
                self.tour.attempts += 1;
                self.begin_dialing();
                self.dial_address(now, address);
            }
        }
    }

    /// A permit for [`Self::host`] was acquired: the attempt begins.
    pub fn host_acquired(&mut self, now: Time) {
        if let Stage::AwaitingHost(departure) = self.journey.stage {
            self.job.permit = Some(self.host().clone());
            self.depart(now, departure);
        }
    }

    fn look_up(&mut self, now: Time) {
        self.tour.attempts += u32::from(self.journey.hops.is_empty());
        self.tour.peer = Peer::default();
        self.journey.tunnel_addresses = None;
        if let Some(path) = self.course().destination.unix.clone() {
            self.begin_dialing();
            return self.dial(Remote::Unix(path));
        }
        self.look_up_sought(now);
    }

    pub(super) fn look_up_sought(&mut self, now: Time) {
        let sought = self.sought_host();
        if let Some(address) = sought.address() {
            *self.candidates() = Candidates::of(address);
            return self.use_addresses(now);
        }
        let loopback = match sought {
            Host::Name(name) => loopback(name),
            Host::Address(_) | Host::Scoped(_) => None,
        };
        let preference = self.family();
        let candidates = self.candidates();
        *candidates = Candidates::pending(preference);
        if let Some(loopback) = loopback {
            for address in loopback {
                let family = AddressFamily::of(address);
                candidates.resolved(now, family, Ok(&[address]));
            }
            return self.use_addresses(now);
        }
        let end = now + self.job.module.timeouts.resolve;
        self.enter_stage(Stage::Resolving(None), end);
        self.output(Output::Resolve);
    }

    /// Addresses of the host that was looked up are known.
    fn use_addresses(&mut self, now: Time) {
        if self.takes_tunnel_addresses() {
            self.look_up_sought(now);
        } else {
            self.dial_first(now);
        }
    }

    /// A query for the name was sent.
    pub fn resolving(&mut self, now: Time) {
        self.tour.clock.turn(now, Phase::Resolve);
        let name = self.sought_host().to_string();
        self.note(now, "resolve", None, || name);
    }

    /// The addresses of one family are known.
    pub fn resolved(
        &mut self,
        now: Time,
        family: AddressFamily,
        answer: Result<&[IpAddr], &ResolveFault>,
    ) {
        if !matches!(self.journey.stage, Stage::Resolving(_) | Stage::Dialing(_)) {
            return;
        }
        self.note(now, "resolved", None, || match answer {
            Ok(addresses) => {
                let texts: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
                format!("{}: {}", family.family_name(), texts.join(" "))
            }
            Err(fault) => format!("{}: {}", family.family_name(), fault.message),
        });
        self.candidates().resolved(now, family, answer);
        if self.dials_one_by_one() || self.candidates().is_empty() {
            return;
        }
        // If the delay after the last connection attempt is over, the next begins at once.
        if let Stage::Dialing(dialing) = &mut self.journey.stage
            && dialing.stagger_at == Time::MAX
            && dialing.dials.iter().all(|dial| dial.started)
        {
            dialing.stagger_at = now;
        }
    }

    /// Dials as soon as enough addresses are known. Returns when to check again, unless the stage
    /// has changed.
    pub(super) fn check_addresses(&mut self, now: Time) -> Option<Time> {
        let all = self.dials_one_by_one() || self.seeks_tunnel_addresses();
        match self.candidates().readiness(now, all) {
            Readiness::Ready => self.use_addresses(now),
            Readiness::Wait(until) => return Some(until.unwrap_or(Time::MAX)),
            Readiness::Fault(_) => {
                if let Some(failure) = self.lookup_failure(now) {
                    self.conclude(now, Ended::Failed(failure));
                }
            }
        }
        None
    }

    /// Why there is no further address, as far as that is known. A connection that failed before
    /// is the better reason.
    pub(super) fn lookup_failure(&mut self, now: Time) -> Option<Failure> {
        if let Stage::Resolving(lost) = &mut self.journey.stage
            && let Some(lost) = lost.take()
        {
            return Some(lost);
        }
        let all = self.dials_one_by_one();
        match self.candidates().readiness(now, all) {
            Readiness::Fault(fault) => {
                let name = self.sought_host().to_string();
                Some(Failure::resolve(&name, fault))
            }
            _ => None,
        }
    }

    fn begin_dialing(&mut self) {
        // The timeout starts with the first connection: waiting for a socket is not the peer's
        // fault.
        self.enter_stage(Stage::Dialing(Dialing::default()), Time::MAX);
    }

    pub(super) fn dial_first(&mut self, now: Time) {
        self.begin_dialing();
        self.dial_next(now);
    }

    /// Begins a connection to the next address.
    pub(super) fn dial_next(&mut self, now: Time) {
        if let Some(dialing) = self.journey.stage.dialing_mut() {
            dialing.stagger_at = Time::MAX;
        }
        if let Some(address) = self.candidates().next() {
            self.dial_address(now, address);
        }
    }

    fn dial_address(&mut self, now: Time, address: IpAddr) {
        let destination = &self.course().destination;
        let mut remote = SocketAddr::new(address, destination.connect_port);
        if let (SocketAddr::V6(remote), Some(scoped)) =
            (&mut remote, destination.connect_host.scoped())
        {
            remote.set_scope_id(scoped.scope_id);
        }
        self.dial(Remote::Inet(remote));
        // Until a socket is opened it waits, but before the first send that is no phase.
        let stage = &self.journey.stage;
        if stage.dialing().is_some_and(|one| !one.has_started()) {
            self.tour.clock.turn(now, Phase::Wait);
        }
    }

    fn dial(&mut self, remote: Remote) {
        let connection = self.next_connection();
        if let Some(dialing) = self.journey.stage.dialing_mut() {
            dialing.dials.push(Dial {
                connection,
                remote,
                started: false,
            });
            self.output(Output::Connect(connection));
        }
    }

    /// The socket to open for `connection`; `None` if it is no longer needed.
    pub fn socket_request(&self, connection: ConnectionId) -> Option<SocketRequest> {
        let dialing = self.journey.stage.dialing()?;
        let remote = &dialing.dials[dialing.position(connection)?].remote;
        Some(match (&self.job.module.kind, remote) {
            (ModuleKind::Udp { window, .. }, Remote::Inet(peer)) => SocketRequest::Datagram {
                peer: *peer,
                many: window.is_some() || peer.ip().is_multicast() || is_broadcast(peer.ip()),
            },
            _ => SocketRequest::Stream(remote.clone()),
        })
    }

    /// The system is opening a stream.
    pub fn opening(&mut self, now: Time, connection: ConnectionId) {
        let one_by_one = self.dials_one_by_one();
        let Some(dialing) = self.journey.stage.dialing_mut() else {
            return;
        };
        let Some(at) = dialing.position(connection) else {
            return;
        };
        let is_first = !dialing.has_started();
        dialing.local_fault = None;
        if !one_by_one {
            dialing.stagger_at = now + CONNECTION_ATTEMPT_DELAY;
        }
        dialing.dials[at].started = true;
        let remote = dialing.dials[at].remote.clone();
        if is_first {
            let end = now + self.job.module.timeouts.connect;
            self.journey.stage_end = self.half_of_rest(now, end);
        }
        self.tour.clock.turn(now, Phase::Connect);
        self.note(now, "socket", None, String::new);
        self.note(now, "connect", None, || remote.to_string());
        self.tour.peer.remote = Some(remote);
    }

    /// Whether it waits for this stream to open.
    pub fn is_opening(&self, connection: ConnectionId) -> bool {
        let dialing = self.journey.stage.dialing();
        dialing.is_some_and(|dialing| dialing.position(connection).is_some())
    }

    /// A datagram socket is open; `many` if it receives from any host.
    pub fn bound(&mut self, now: Time, connection: ConnectionId, many: bool) {
        if let Some(remote) = self.arrive(connection) {
            self.note(now, "socket", None, || remote.to_string());
            self.start(now, Established::datagrams(connection, remote, many));
        }
    }

    /// A stream is open.
    pub fn connected(&mut self, now: Time, connection: ConnectionId) {
        self.note(now, "connected", None, String::new);
        if let Some(remote) = self.arrive(connection) {
            self.start(now, Established::stream(connection, remote));
        }
    }

    /// The first connection that is open is used, and the others are closed. Returns its peer.
    fn arrive(&mut self, connection: ConnectionId) -> Option<Remote> {
        let dialing = self.journey.stage.dialing_mut()?;
        let at = dialing.position(connection)?;
        let winner = dialing.dials.swap_remove(at);
        let others = std::mem::take(&mut dialing.dials);
        self.outputs
            .extend(others.iter().map(|dial| Output::Close(dial.connection)));
        self.tour.peer.remote = Some(winner.remote.clone());
        Some(winner.remote)
    }

    /// A socket could not be opened for a reason on this side. The connection still waits for it.
    pub fn blocked(&mut self, fault: SystemFault) {
        if let Some(dialing) = self.journey.stage.dialing_mut() {
            dialing.local_fault = Some(Box::new(fault));
        }
    }

    /// A socket, or opening it, failed.
    pub fn failed(&mut self, now: Time, connection: ConnectionId, fault: SystemFault) {
        self.note(now, "error", None, || fault.message.to_string());
        let dialing = self.journey.stage.dialing_mut();
        let dial = dialing.and_then(|dialing| {
            let at = dialing.position(connection)?;
            Some(dialing.dials.remove(at))
        });
        if let Some(dial) = dial {
            if dial.started {
                self.note(now, "close", None, String::new);
            }
            self.output(Output::Close(connection));
            self.dial_failed(now, &dial, fault);
        } else if self.journey.stage.established_as(connection).is_some() {
            self.connection_failed(now, fault);
        }
    }

    /// A connection attempt failed. Tries the next address, if any.
    fn dial_failed(&mut self, now: Time, dial: &Dial, fault: SystemFault) {
        let phase = if dial.started || fault.errno.is_some() {
            Phase::Connect
        } else {
            Phase::Wait
        };
        // An immediate refusal is an attempt too.
        if !dial.started {
            self.tour.clock.turn(now, Phase::Connect);
            self.tour.peer.remote = Some(dial.remote.clone());
        }
        let one_by_one = self.dials_one_by_one();
        if !one_by_one && !self.candidates().is_empty() {
            return self.dial_next(now);
        }
        let dialing = self.journey.stage.dialing();
        if dialing.is_some_and(|dialing| !dialing.dials.is_empty()) {
            return;
        }
        let failure = Failure::system(phase, &self.peer_name(&dial.remote), fault);
        if !one_by_one && !self.candidates().is_complete() {
            self.tour.clock.turn(now, Phase::Resolve);
            let end = now + self.job.module.timeouts.resolve;
            return self.enter_stage(Stage::Resolving(Some(failure)), end);
        }
        self.conclude(now, Ended::Failed(failure));
    }

    /// The connections under way timed out. Gives them up for those that have not started, if
    /// any, and returns whether there are such.
    pub(super) fn dial_on(&mut self, now: Time) -> bool {
        if self.dials_one_by_one() {
            return false;
        }
        let is_last = self.candidates().is_empty();
        let Stage::Dialing(dialing) = &mut self.journey.stage else {
            return false;
        };
        if is_last && dialing.dials.iter().all(|dial| dial.started) {
            return false;
        }
        let outputs = &mut self.outputs;
        dialing.dials.retain(|dial| {
            if dial.started {
                outputs.push(Output::Close(dial.connection));
            }
            !dial.started
        });
        self.journey.stage_end = Time::MAX;
        if dialing.dials.is_empty() {
            self.dial_next(now);
        }
        true
    }

    /// When a stage that would end at `end` times out: while http can still be tried, it has half
    /// of the time that is left.
    pub(super) fn half_of_rest(&self, now: Time, end: Time) -> Time {
        if self.fallback().is_none() {
            return end;
        }
        end.min(now + self.tour.deadline.since(now) / 2)
    }

    /// The addresses to try next: those of the job's own host outlast the attempt if all of them
    /// are probed.
    pub(super) fn candidates(&mut self) -> &mut Candidates {
        if self.dials_one_by_one() {
            &mut self.tour.addresses
        } else {
            &mut self.journey.candidates
        }
    }

    /// Whether the addresses are probed one after the other, and not dialed in parallel.
    fn dials_one_by_one(&self) -> bool {
        self.probes_all_addresses() && self.journey.hops.is_empty()
    }
}

/// Whether an address reaches every host of a network, as far as the address alone shows.
fn is_broadcast(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.is_broadcast())
}
