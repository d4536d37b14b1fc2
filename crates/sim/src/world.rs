//! Everything outside the shard: the clock, the network, the resolvers, the doors.

mod agenda;
mod datagram;
mod doors;
mod sockets;
mod stream;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use canvass_engine::{Event, SocketId};
use canvass_model::Time;
use hashbrown::HashMap;
use rand::SeedableRng;
use rand::rngs::SmallRng;

use crate::peer::Server;
use crate::scenario::{Host, Path, Scenario};
use crate::trace::{Telling, Trace};
use crate::watch::Watch;
use agenda::{Agenda, Happening};
pub(crate) use doors::FarDoors;
use sockets::{Handle, Sockets};

/// Edges told at once.
const EVENTS_MAX: usize = 256;
/// What a wait costs at the least, in nanoseconds: without it a shard could spin for ever at one
/// moment.
const WAIT_COST_NS: u64 = 200;
/// Waits in a row in which nothing at all happened before that is a shard that spins.
const IDLE_WAITS_MAX: u32 = 2_000;

/// Everything outside the shard.
#[derive(Debug)]
pub(crate) struct World {
    now: Time,
    rng: SmallRng,
    agenda: Agenda,
    sockets: Sockets,
    servers: Vec<Server>,
    by_address: HashMap<SocketAddr, usize>,
    path: Path,
    host: Host,
    stalls_left: usize,
    doors: FarDoors,
    /// The other side of a door did something.
    woken: bool,
    worked_ns: u64,
    idle_waits: u32,
    pub trace: Trace,
    pub watch: Watch,
}

impl World {
    pub fn new(scenario: &Scenario, doors: FarDoors, telling: Telling) -> Self {
        let servers: Vec<Server> = scenario.peers.iter().cloned().map(Server::new).collect();
        let mut world = Self {
            now: Time::ZERO,
            rng: SmallRng::seed_from_u64(scenario.seed ^ 0x005e_ed0f_7e57),
            agenda: Agenda::default(),
            sockets: Sockets::default(),
            by_address: servers
                .iter()
                .enumerate()
                .map(|(index, server)| (server.peer.address, index))
                .collect(),
            servers,
            path: scenario.path,
            host: scenario.host.clone(),
            stalls_left: scenario.host.stalls.len(),
            doors,
            woken: false,
            worked_ns: 0,
            idle_waits: 0,
            trace: Trace::new(telling),
            watch: Watch::new(scenario),
        };
        world.open_doors();
        world
    }

    pub fn now(&self) -> Time {
        self.now
    }

    pub fn peer_at(&self, address: SocketAddr) -> usize {
        self.by_address[&address]
    }

    /// Lets time pass until something is there for the shard, or it is `until`.
    pub fn wait(&mut self, until: Time, events: &mut Vec<Event>) -> io::Result<()> {
        self.watch.on_turn_worked(self.worked_ns);
        self.worked_ns = 0;
        self.look_at_doors();
        self.pass(WAIT_COST_NS);
        let mut idle = true;
        while !self.sockets.has_edges() && !self.woken {
            let next = self.agenda.next().unwrap_or(Time::MAX).min(until);
            if next == Time::MAX {
                self.watch
                    .violation(self.now, "the shard sleeps and nothing will ever wake it");
                return Err(io::Error::other("the world has come to its end"));
            }
            if next <= self.now && next == until {
                break;
            }
            idle = false;
            self.now = self.now.max(next);
            self.pass(0);
        }
        idle &= !self.sockets.has_edges() && !self.woken;
        self.woken = false;
        self.sockets.take_edges(EVENTS_MAX, events);
        self.idle_waits = if idle { self.idle_waits + 1 } else { 0 };
        if self.idle_waits > IDLE_WAITS_MAX {
            self.watch
                .violation(self.now, "the shard spins and nothing happens");
            return Err(io::Error::other("the shard spins"));
        }
        Ok(())
    }

    pub fn rest(&mut self, span: Duration) {
        self.pass(span.as_nanos() as u64);
    }

    /// Something useful was done, so the shard does not spin.
    fn on_useful(&mut self) {
        self.idle_waits = 0;
    }

    /// What a call costs.
    fn spend(&mut self) {
        self.worked_ns += self.host.call_cost_ns;
        self.pass(self.host.call_cost_ns);
    }

    /// Time passes, and this process may stand still meanwhile.
    fn pass(&mut self, nanos: u64) {
        self.now = self.now.plus_nanos(nanos);
        let stalls = self.host.stalls.len();
        if let Some((_, span)) = self.host.stalls[stalls - self.stalls_left..]
            .first()
            .filter(|(at, _)| *at <= self.now)
            .copied()
        {
            self.stalls_left -= 1;
            self.now = self.now + span;
            self.watch.on_stall(self.now, span);
            self.trace.event(self.now, "stall", 0, &[]);
        }
        let now = self.now;
        while let Some((at, happening)) = self.agenda.pop_due(now) {
            // Each thing happens at its own time, however late this process looks.
            self.now = at;
            self.happen(happening);
        }
        self.now = now;
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::DatagramAtPeer { from, octets } => self.datagram_at_peer(from, &octets),
            Happening::DatagramHere { to, octets } => self.datagram_here(to, octets),
            Happening::Refusal { to } => self.stream_broken(to, libc::ECONNREFUSED),
            Happening::StreamOpen { to } => self.stream_open(to),
            Happening::StreamBroken { to, errno } => self.stream_broken(to, errno),
            Happening::StreamRoom { to } => self.sockets.edge(to, false, true),
            Happening::OctetsAtPeer { from, octets } => self.octets_at_peer(from, &octets),
            Happening::AnswerOnStream { to, message } => self.answer_on_stream(to, &message),
            Happening::OctetsHere { to, octets } => self.octets_here(to, &octets),
            Happening::StreamEnd { to } => self.stream_end(to),
            Happening::IdleCheck { to, heard_octets } => self.idle_check(to, heard_octets),
            Happening::Feed => self.feed(),
            Happening::Drain => self.drain(),
            Happening::Interrupt => self.interrupt(),
        }
    }

    pub fn close(&mut self, id: SocketId) {
        self.spend();
        self.on_useful();
        if let Some((handle, _)) = self.sockets.by_id(id) {
            self.note("close", handle, &[]);
        }
        self.watch.on_close(id);
        if !self.sockets.close(id) {
            self.watch
                .violation(self.now, &format!("socket {} was closed twice", id.0));
        }
    }

    /// Which socket `id` is, at a call that costs what calls cost.
    fn touch(&mut self, id: SocketId, call: &str) -> io::Result<Handle> {
        self.spend();
        if let Some((handle, _)) = self.sockets.by_id(id) {
            return Ok(handle);
        }
        self.watch.violation(
            self.now,
            &format!("{call} was called on socket {}, which is closed", id.0),
        );
        Err(io::Error::from_raw_os_error(libc::EBADF))
    }

    /// As [`Self::touch`]; gives the system's error for the socket, if there is one.
    fn use_socket(&mut self, id: SocketId, call: &str) -> io::Result<Handle> {
        let handle = self.touch(id, call)?;
        self.take_error(handle)?;
        Ok(handle)
    }

    fn take_error(&mut self, handle: Handle) -> io::Result<()> {
        let error = self
            .sockets
            .by_handle(handle)
            .and_then(|socket| socket.error.take());
        match error {
            Some(errno) => {
                self.note("error", handle, &errno.to_be_bytes());
                Err(io::Error::from_raw_os_error(errno))
            }
            None => Ok(()),
        }
    }

    fn check_descriptors(&mut self) -> io::Result<()> {
        self.spend();
        let gone = self
            .host
            .descriptors_gone
            .is_some_and(|(from, to)| from <= self.now && self.now < to);
        if gone || self.sockets.open_count() >= self.host.descriptors_max {
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        }
        Ok(())
    }

    fn check_route(&mut self, peer: usize) -> io::Result<()> {
        match self.servers[peer].peer.reach {
            crate::scenario::Reach::Unroutable => {
                Err(io::Error::from_raw_os_error(libc::ENETUNREACH))
            }
            _ => Ok(()),
        }
    }

    fn peer_of(&mut self, handle: Handle) -> usize {
        self.sockets
            .by_handle(handle)
            .map_or(0, |socket| socket.peer)
    }

    fn note(&mut self, what: &'static str, handle: Handle, octets: &[u8]) {
        self.on_useful();
        self.trace
            .event(self.now, what, u64::from(handle.id.0), octets);
    }
}
