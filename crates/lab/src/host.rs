//! The services' one thread: wait, accept, read, say what is due.

mod datagrams;
mod peer;
mod streams;
mod wakes;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::{Events, Interest, Poll, Token, Waker};

use crate::bind::ServiceSockets;
use crate::clock::{Clock, Timer};
use crate::report::ServiceMeter;
use crate::service::ServiceKind;
use crate::services::Services;
use datagrams::DatagramSide;
use streams::{Listener, StreamSide};
use wakes::{Wake, Wakes};

/// Events taken from the poll at once.
const EVENTS_PER_TURN: usize = 1024;
/// Wakes served before others get their turn.
const WAKES_PER_TURN: usize = 1024;

const WAKER: Token = Token(0);
const TIMER: Token = Token(1);
const SOCKET_FIRST: usize = 2;

/// One service that is hosted.
pub(crate) struct Hosted {
    pub kind: ServiceKind,
    pub sockets: ServiceSockets,
    pub meter: Arc<ServiceMeter>,
}

/// What every socket needs to be served.
pub(crate) struct Core {
    pub services: Services,
    pub clock: Clock,
    pub wakes: Wakes,
    pub meters: Vec<Arc<ServiceMeter>>,
}

/// The event loop and all it owns.
pub(crate) struct Host {
    poll: Poll,
    timer: Timer,
    core: Core,
    streams: StreamSide,
    datagrams: DatagramSide,
    /// They refuse connections as long as they are there.
    _reserved: Vec<socket2::Socket>,
    stop: Arc<AtomicBool>,
}

impl Host {
    /// Takes bound sockets over. The waker, fired after `stop` is set, ends [`run`](Self::run).
    pub fn new(
        hosted: Vec<Hosted>,
        services: Services,
        stop: Arc<AtomicBool>,
    ) -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let registry = poll.registry();
        let waker = Waker::new(registry, WAKER)?;
        let clock = Clock::start();
        let timer = Timer::new(clock, registry, TIMER)?;
        let (mut listeners, mut datagrams) = (Vec::new(), DatagramSide::new());
        let (mut meters, mut reserved) = (Vec::new(), Vec::new());
        for (service, hosted) in hosted.into_iter().enumerate() {
            let Hosted {
                kind,
                sockets,
                meter,
            } = hosted;
            for socket in sockets.udp {
                datagrams.add(socket, kind, service)?;
            }
            for socket in sockets.tcp {
                listeners.push(Listener::new(socket, kind, service)?);
            }
            reserved.extend(sockets.reserved);
            meters.push(meter);
        }
        let connection_first = SOCKET_FIRST + datagrams.len() + listeners.len();
        let mut tokens = (SOCKET_FIRST..connection_first).map(Token);
        let sources = datagrams.sources();
        for (source, token) in sources.zip(tokens.by_ref()) {
            registry.register(source, token, Interest::READABLE)?;
        }
        for (listener, token) in listeners.iter_mut().zip(tokens) {
            registry.register(listener.source(), token, Interest::READABLE)?;
        }
        let streams = StreamSide::new(listeners, registry.try_clone()?, connection_first);
        let host = Self {
            poll,
            timer,
            core: Core {
                services,
                clock,
                wakes: Wakes::default(),
                meters,
            },
            streams,
            datagrams,
            _reserved: reserved,
            stop,
        };
        Ok((host, waker))
    }

    /// Serves until told to stop. An error is the poll's or the timer's own.
    pub fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        let listener_first = SOCKET_FIRST + self.datagrams.len();
        let connection_first = listener_first + self.streams.listeners();
        let mut more = false;
        while !self.stop.load(Ordering::Acquire) {
            if let Some(due) = self.core.wakes.next_due().filter(|_| !more) {
                self.timer.wake_at(due)?;
            }
            let timeout = more.then_some(Duration::ZERO);
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                match event.token() {
                    WAKER | TIMER => {}
                    Token(token) if token < listener_first => {
                        self.datagrams.note(token - SOCKET_FIRST);
                    }
                    Token(token) if token < connection_first => {
                        self.streams.note_listener(token - listener_first);
                    }
                    Token(token) => self.streams.note(token - connection_first, event),
                }
            }
            more = self.wake();
            more |= self.streams.turn(&mut self.core);
            more |= self.datagrams.turn(&mut self.core);
        }
        Ok(())
    }

    /// Serves those whose time has come, up to a bound. Returns whether there are more.
    fn wake(&mut self) -> bool {
        if self.core.wakes.next_due().is_none() {
            return false;
        }
        let now = self.core.clock.now();
        for _ in 0..WAKES_PER_TURN {
            match self.core.wakes.pop_due(now) {
                None => return false,
                Some(Wake::Connection { slot, generation }) => self.streams.wake(slot, generation),
                Some(Wake::Accept) => self.streams.accept_again(),
                Some(Wake::Datagram(held)) => self.datagrams.send_held(&self.core, &held),
            }
        }
        true
    }
}

/// Whether an address may be served by a socket on every address.
fn is_served(only_loopback: bool, address: IpAddr) -> bool {
    !only_loopback || address.is_loopback()
}
