//! Everything outside the shard: clock, network, resolvers, hosts, and the other ends of its
//! channels.

mod agenda;
mod channel_ends;
mod datagram;
mod host_end;
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
use crate::record::Delays;
use crate::scenario::{Host, Path, Reach, Scenario};
use crate::trace::{Telling, Trace};
use crate::watch::{Stall, Watch};
use agenda::{Agenda, Happening};
pub(crate) use channel_ends::{ChannelEnds, LiveFeed};
use host_end::SiteSide;
use sockets::{Far, Handle, Sockets};

/// Events per wait.
const EVENTS_MAX: usize = 256;
/// The minimum cost of a wait, in nanoseconds. Without it a shard could spin without end at one
/// time.
pub(crate) const WAIT_COST_NS: u64 = 200;
/// A shard spins if this many consecutive waits return without an event.
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
    sites: Vec<SiteSide>,
    path: Path,
    host: Host,
    stalls_left: usize,
    channels: ChannelEnds,
    /// The other end of a channel has done something.
    woken: bool,
    worked_ns: u64,
    idle_waits: u32,
    transfers: u64,
    pub trace: Trace,
    pub watch: Watch,
    pub delays: Delays,
}

impl World {
    pub(crate) fn new(scenario: &Scenario, channels: ChannelEnds, telling: Telling) -> Self {
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
            sites: scenario.sites.iter().map(SiteSide::new).collect(),
            path: scenario.path,
            host: scenario.host.clone(),
            stalls_left: scenario.host.stalls.len(),
            channels,
            woken: false,
            worked_ns: 0,
            idle_waits: 0,
            transfers: 0,
            trace: Trace::new(telling),
            watch: Watch::new(scenario),
            delays: Delays::default(),
        };
        world.open_channels();
        world
    }

    pub(crate) fn now(&self) -> Time {
        self.now
    }

    /// The resolver or host at an address and a port.
    fn far_at(&mut self, remote: SocketAddr) -> Far {
        self.watch.on_opening(self.now, remote);
        match self.by_address.get(&remote) {
            Some(resolver) => Far::Resolver(*resolver),
            None => Far::Host {
                remote,
                site: self.sites.iter().position(|one| one.site.serves(remote)),
            },
        }
    }

    /// What happens to packets for it. Without a known host, connections are refused.
    fn reach_of(&self, far: Far) -> Reach {
        match far {
            Far::Resolver(peer) => self.servers[peer].peer.reach,
            Far::Host { site, .. } => {
                site.map_or(Reach::Closed, |site| self.sites[site].site.reach)
            }
        }
    }

    fn refuses_streams(&self, far: Far) -> bool {
        match far {
            Far::Resolver(peer) => self.servers[peer].peer.impairments.tcp_refuse,
            Far::Host { site, .. } => {
                site.is_some_and(|site| self.sites[site].site.impairments.tcp_refuse)
            }
        }
    }

    /// Reads and writes that transferred octets.
    pub(crate) fn transfers(&self) -> u64 {
        self.transfers
    }

    /// The number of open sockets to hosts.
    pub(crate) fn host_sockets(&self) -> usize {
        self.watch.host_sockets()
    }

    /// Advances the time to the next event for the shard, at most to `until`.
    pub(crate) fn wait(&mut self, until: Time, events: &mut Vec<Event>) -> io::Result<()> {
        self.end_turn();
        let from = self.now;
        self.check_channels();
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
        self.delays.on_waited(from, until, self.now);
        self.sockets.take_edges(EVENTS_MAX, events);
        self.idle_waits = if idle { self.idle_waits + 1 } else { 0 };
        if self.idle_waits > IDLE_WAITS_MAX {
            self.watch
                .violation(self.now, "the shard spins and nothing happens");
            return Err(io::Error::other("the shard spins"));
        }
        Ok(())
    }

    /// Ends a turn: the shard waits or has finished.
    pub(crate) fn end_turn(&mut self) {
        self.watch.on_turn_worked(self.worked_ns);
        self.delays.on_wait(Duration::from_nanos(self.worked_ns));
        self.worked_ns = 0;
    }

    pub(crate) fn rest(&mut self, span: Duration) {
        self.end_turn();
        self.delays.on_rest(self.now + span);
        self.pass(span.as_nanos() as u64);
    }

    /// Notes progress: the shard does not spin.
    fn on_useful(&mut self) {
        self.idle_waits = 0;
    }

    /// Spends the cost of a system call.
    fn spend(&mut self) {
        self.worked_ns += self.host.call_cost_ns;
        self.pass(self.host.call_cost_ns);
    }

    /// Advances the time, including stalls of this process.
    fn pass(&mut self, nanos: u64) {
        let before = self.now;
        self.now = before.plus_nanos(nanos);
        let stalls = self.host.stalls.len();
        if let Some((at, span)) = self.host.stalls[stalls - self.stalls_left..]
            .first()
            .filter(|(at, _)| *at <= self.now)
            .copied()
        {
            self.stalls_left -= 1;
            self.now = self.now + span;
            self.watch.on_stall(Stall {
                began: at.max(before),
                ended: self.now,
                span,
            });
            self.delays.on_stall(span);
            self.trace.event(self.now, "stall", 0, &[]);
        }
        let now = self.now;
        while let Some((at, happening)) = self.agenda.pop_due(now) {
            // Events happen at their own time, even if this process is late.
            self.now = at;
            self.happen(happening);
        }
        self.now = now;
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::DatagramAtPeer { from, octets } => self.datagram_at_peer(from, &octets),
            Happening::DatagramHere { to, from, octets } => self.datagram_here(to, from, octets),
            Happening::StreamOpen { to } => self.stream_open(to),
            Happening::Broken { to, errno } => self.broken(to, errno),
            Happening::StreamRoom { to } => self.sockets.edge(to, false, true),
            Happening::OctetsAtPeer { from, octets } => self.octets_at_peer(from, &octets),
            Happening::AnswerOnStream { to, message } => self.answer_on_stream(to, &message),
            Happening::OctetsHere { to, octets } => self.octets_here(to, &octets),
            Happening::StreamEnd { to } => self.stream_end(to),
            Happening::IdleCheck {
                to,
                received_octets,
            } => self.idle_check(to, received_octets),
            Happening::EndAtHost { from } => self.end_at_host(from),
            Happening::HostGoesOn { to, at } => self.host_goes_on(to, at),
            Happening::AskFeeder { number } => self.ask_feeder(number),
            Happening::Feed => self.feed(),
            Happening::Drain => self.drain(),
            Happening::Interrupt => self.interrupt(),
            Happening::Share { share } => self.set_share(share),
        }
    }

    pub(crate) fn close(&mut self, id: SocketId) {
        self.spend();
        self.on_useful();
        if let Some((handle, _)) = self.sockets.by_id(id) {
            self.note("close", handle, &[]);
        }
        self.watch.on_close(id);
        match self.sockets.close(id) {
            Some(Far::Host { remote, .. }) => self.watch.on_host_socket_closed(remote.ip()),
            Some(Far::Resolver(_)) => {}
            None => self
                .watch
                .violation(self.now, &format!("socket {} was closed twice", id.0)),
        }
    }

    /// Finds the socket `id` for a system call, and spends its cost.
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

    /// As [`Self::touch`], and returns the pending error of the socket, if there is one.
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

    /// A firewall of this machine, or the want of buffers, may refuse what is to be sent.
    fn check_refusal(&self) -> io::Result<()> {
        match self.host.sends_refused {
            Some((from, to, errno)) if from <= self.now && self.now < to => {
                Err(io::Error::from_raw_os_error(errno))
            }
            _ => Ok(()),
        }
    }

    /// Connections to hosts need a local port.
    fn check_ports(&self, far: Far) -> io::Result<()> {
        let gone = self
            .host
            .ports_gone
            .is_some_and(|(from, to)| from <= self.now && self.now < to);
        if gone && matches!(far, Far::Host { .. }) {
            return Err(io::Error::from_raw_os_error(libc::EADDRNOTAVAIL));
        }
        Ok(())
    }

    fn on_socket_to(&mut self, far: Far) {
        if let Far::Host { remote, .. } = far {
            self.watch.on_host_socket(self.now, remote);
        }
    }

    fn resolver_of(&mut self, handle: Handle) -> Option<usize> {
        match self.sockets.by_handle(handle)?.far {
            Far::Resolver(peer) => Some(peer),
            Far::Host { .. } => None,
        }
    }

    fn note(&mut self, what: &'static str, handle: Handle, octets: &[u8]) {
        self.on_useful();
        self.trace
            .event(self.now, what, u64::from(handle.id.0), octets);
    }
}
