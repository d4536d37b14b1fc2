//! From a host to a connection.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use canvass_model::{Phase, Remote, Time};

use super::candidates::{Candidates, Readiness};
use super::failure::{Ended, Failure, SystemFault};
use super::line::Line;
use super::module::{AddressFamily, ModuleKind};
use super::{Output, Probe, ResolveFault, SocketRequest, Stage};
use crate::output::ConnectionId;

/// How long a connection is waited for before the next address is tried beside it (RFC 8305 §5).
const CONNECTION_ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// A connection that is being opened.
#[derive(Debug)]
pub(super) struct Dial {
    pub(super) connection: ConnectionId,
    pub(super) remote: Remote,
    /// The system has been asked for it.
    pub(super) opened: bool,
}

impl Probe {
    /// Begins a journey, once it has its permit and its pace.
    pub(super) fn depart(&mut self, now: Time) {
        if self.permitted.as_ref() != Some(&self.destination.host) {
            // Whoever wants another gives up what it has.
            self.permitted = None;
            self.enter_stage(Stage::Entering, Time::MAX);
            return self.output(Output::AcquireHost);
        }
        if !std::mem::take(&mut self.paced) {
            self.enter_stage(Stage::Pacing, Time::MAX);
            return self.output(Output::AcquireTurn);
        }
        if std::mem::take(&mut self.keeps_addresses) {
            self.attempts += 1;
            return self.arrive_at_addresses(now);
        }
        self.set_out(now);
    }

    fn set_out(&mut self, now: Time) {
        self.attempts += u32::from(self.hops.is_empty());
        self.remote = None;
        self.tls = None;
        self.lost = None;
        if let Some(path) = self.destination.unix.clone() {
            self.begin_race();
            self.race_to(Remote::Unix(path));
            return;
        }
        if let canvass_model::Host::Address(address) = self.destination.connect_host {
            self.candidates = Candidates::of(address);
            return self.arrive_at_addresses(now);
        }
        let family = self.module.reach.family;
        self.candidates = Candidates::pending(family);
        if let Some(loopback) = self.destination.loopback() {
            for address in loopback {
                let family = AddressFamily::of(address);
                self.candidates.resolved(now, family, Ok(&[address]));
            }
            return self.arrive_at_addresses(now);
        }
        let end = now + self.module.timeouts.resolve;
        self.enter_stage(Stage::Resolving, end);
        self.output(Output::Resolve);
    }

    /// A query for the name is out.
    pub fn resolving(&mut self, now: Time) {
        self.clock.turn(now, Phase::Resolve);
        let name = self.destination.connect_host.to_string();
        self.note(now, "resolve", None, || name);
    }

    /// One family of the name's addresses is known.
    pub fn resolved(
        &mut self,
        now: Time,
        family: AddressFamily,
        answer: Result<&[IpAddr], &ResolveFault>,
    ) {
        if matches!(self.stage, Stage::Resolving | Stage::Racing) {
            self.note(now, "resolved", None, || match answer {
                Ok(addresses) => {
                    let texts: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
                    format!("{}: {}", family.family_name(), texts.join(" "))
                }
                Err(fault) => format!("{}: {}", family.family_name(), fault.message),
            });
            self.candidates.resolved(now, family, answer);
        }
        // Those that race have had their start: who comes late begins at once.
        if self.stage == Stage::Racing
            && !self.takes_one_by_one()
            && self.stagger_at == Time::MAX
            && self.race.iter().all(|racer| racer.opened)
            && !self.candidates.is_empty()
        {
            self.stagger_at = now;
        }
    }

    /// What to do with the addresses known so far; when to look again, if that is nothing.
    pub(super) fn look_around(&mut self, now: Time) -> Option<Time> {
        match self.candidates.readiness(now, self.takes_one_by_one()) {
            Readiness::Ready => self.arrive_at_addresses(now),
            Readiness::Wait(until) => return Some(until.unwrap_or(Time::MAX)),
            Readiness::Fault(_) => {
                if let Some(failure) = self.lookup_failure(now) {
                    self.conclude(now, Ended::Failed(failure));
                }
            }
        }
        None
    }

    /// Why there is no address to go on with, as far as that is known: a connection that came to
    /// nothing before tells more than that there is no other address.
    pub(super) fn lookup_failure(&mut self, now: Time) -> Option<Failure> {
        if let Some(lost) = self.lost.take() {
            return Some(lost);
        }
        match self.candidates.readiness(now, self.takes_one_by_one()) {
            Readiness::Fault(fault) => {
                let name = self.destination.connect_host.to_string();
                Some(Failure::resolve(&name, fault))
            }
            _ => None,
        }
    }

    pub(super) fn arrive_at_addresses(&mut self, now: Time) {
        self.begin_race();
        self.race_next(now);
    }

    fn begin_race(&mut self) {
        self.race.clear();
        self.stagger_at = Time::MAX;
        // Its time begins with the first connection: waiting for a permit is not the peer's.
        self.enter_stage(Stage::Racing, Time::MAX);
    }

    /// Begins a connection to the next address.
    pub(super) fn race_next(&mut self, now: Time) {
        self.stagger_at = Time::MAX;
        if let Some(address) = self.candidates.next() {
            let address = SocketAddr::new(address, self.destination.connect_port);
            self.race_to(Remote::Inet(address));
            // Waiting for a permit is waiting; before anything was sent it is no phase.
            if !self.race.iter().any(|racer| racer.opened) {
                self.clock.turn(now, Phase::Wait);
            }
        }
    }

    fn race_to(&mut self, remote: Remote) {
        let connection = self.next_connection();
        self.race.push(Dial {
            connection,
            remote,
            opened: false,
        });
        self.output(Output::Connect(connection));
    }

    /// What is to be opened for `connection`; `None` when it is no longer wanted.
    pub fn socket_request(&self, connection: ConnectionId) -> Option<SocketRequest> {
        let racer = self
            .race
            .iter()
            .find(|racer| racer.connection == connection)?;
        Some(match (&self.module.kind, &racer.remote) {
            (ModuleKind::Udp { window, .. }, Remote::Inet(peer)) => SocketRequest::Datagram {
                peer: *peer,
                many: window.is_some() || peer.ip().is_multicast() || is_broadcast(peer.ip()),
            },
            _ => SocketRequest::Stream(racer.remote.clone()),
        })
    }

    /// The system is opening a stream.
    pub fn opening(&mut self, now: Time, connection: ConnectionId) {
        let first = !self.race.iter().any(|racer| racer.opened);
        let Some(racer) = self
            .race
            .iter_mut()
            .find(|racer| racer.connection == connection)
        else {
            return;
        };
        racer.opened = true;
        let remote = racer.remote.clone();
        self.hindrance = None;
        if first {
            self.stage_end = self.half_of_rest(now, now + self.module.timeouts.connect);
        }
        self.clock.turn(now, Phase::Connect);
        if !self.takes_one_by_one() {
            self.stagger_at = now + CONNECTION_ATTEMPT_DELAY;
        }
        self.note(now, "socket", None, String::new);
        self.note(now, "connect", None, || remote.to_string());
        self.remote = Some(remote);
    }

    /// Whether it waits for this stream to open.
    pub fn is_opening(&self, connection: ConnectionId) -> bool {
        self.race.iter().any(|racer| racer.connection == connection)
    }

    /// A socket for datagrams is open; `many` when it hears every host.
    pub fn bound(&mut self, now: Time, connection: ConnectionId, many: bool) {
        self.hindrance = None;
        if let Some(racer) = self
            .race
            .iter()
            .find(|racer| racer.connection == connection)
        {
            let remote = racer.remote.clone();
            self.note(now, "socket", None, || remote.to_string());
            self.arrive(now, connection, |remote| {
                Line::datagrams(connection, remote, many)
            });
        }
    }

    /// A stream is open.
    pub fn connected(&mut self, now: Time, connection: ConnectionId) {
        self.note(now, "connected", None, String::new);
        self.arrive(now, connection, |remote| Line::stream(connection, remote));
    }

    /// The first that is open wins, and the others are closed.
    fn arrive(&mut self, now: Time, connection: ConnectionId, line: impl FnOnce(Remote) -> Line) {
        let Some(at) = self
            .race
            .iter()
            .position(|racer| racer.connection == connection)
        else {
            return;
        };
        let winner = self.race.swap_remove(at);
        for other in std::mem::take(&mut self.race) {
            self.output(Output::Close(other.connection));
        }
        self.stagger_at = Time::MAX;
        self.remote = Some(winner.remote.clone());
        self.line = Some(line(winner.remote));
        if self.destination.tls {
            self.secure(now);
        } else {
            self.begin_talk(now);
        }
    }

    /// A connection could not be opened now, for a reason on this side. It still waits.
    pub fn hindered(&mut self, fault: SystemFault) {
        self.hindrance = Some(fault);
    }

    /// The system has an error for a socket, or for opening it.
    pub fn failed(&mut self, now: Time, connection: ConnectionId, fault: SystemFault) {
        self.note(now, "error", None, || fault.message.to_string());
        if let Some(at) = self
            .race
            .iter()
            .position(|racer| racer.connection == connection)
        {
            let loser = self.race.remove(at);
            if loser.opened {
                self.note(now, "close", None, String::new);
            }
            self.output(Output::Close(connection));
            self.lose(now, &loser, fault);
        } else if self
            .line
            .as_ref()
            .is_some_and(|line| line.connection == connection)
        {
            self.break_line(now, fault);
        }
    }

    /// One of the connections came to nothing: the next address, if there is one.
    fn lose(&mut self, now: Time, loser: &Dial, fault: SystemFault) {
        let phase = if loser.opened || fault.errno.is_some() {
            Phase::Connect
        } else {
            Phase::Wait
        };
        // A refusal at once is an attempt that was made.
        if !loser.opened {
            self.clock.turn(now, Phase::Connect);
            self.remote = Some(loser.remote.clone());
        }
        if !self.takes_one_by_one() && !self.candidates.is_empty() {
            return self.race_next(now);
        }
        if !self.race.is_empty() {
            return;
        }
        let failure = Failure::system(phase, Some(&loser.remote), fault);
        if !self.candidates.is_complete() && !self.takes_one_by_one() {
            self.lost = Some(failure);
            self.clock.turn(now, Phase::Resolve);
            let end = now + self.module.timeouts.resolve;
            return self.enter_stage(Stage::Resolving, end);
        }
        self.conclude(now, Ended::Failed(failure));
    }

    /// The connections under way have had their time, and others have not had theirs: they are
    /// given the room. Returns whether there were others.
    pub(super) fn race_on(&mut self, now: Time) -> bool {
        let waiting = self.race.iter().any(|racer| !racer.opened);
        if self.takes_one_by_one() || !waiting && self.candidates.is_empty() {
            return false;
        }
        let (opened, rest) = std::mem::take(&mut self.race)
            .into_iter()
            .partition::<Vec<_>, _>(|racer| racer.opened);
        self.race = rest.into();
        for racer in opened {
            self.output(Output::Close(racer.connection));
        }
        self.stage_end = Time::MAX;
        if self.race.is_empty() {
            self.race_next(now);
        }
        true
    }

    /// When a stage is to end: where http is still to be tried, it has half of what is left.
    pub(super) fn half_of_rest(&self, now: Time, end: Time) -> Time {
        if self.fallback.is_none() {
            return end;
        }
        end.min(now + self.deadline.since(now) / 2)
    }

    /// Whether the addresses are probed one after the other, and do not race.
    fn takes_one_by_one(&self) -> bool {
        self.takes_all_addresses() && self.hops.is_empty()
    }

    /// A permit at the host is there.
    pub fn entered(&mut self, now: Time) {
        if self.stage == Stage::Entering {
            self.permitted = Some(self.destination.host.clone());
            self.depart(now);
        }
    }
}

/// Whether an address is that of every host of a net, as far as can be seen from it alone.
fn is_broadcast(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.is_broadcast())
}
