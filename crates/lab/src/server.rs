//! The lab's one thread: wait, read and answer, send what is due.

use std::io;
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::{Events, Interest, Poll, Token, Waker};

use crate::clock::{Clock, Timer};
use crate::destination::Destination;
use crate::exchange::Core;
use crate::forward::{self, Forwarder, Target};
use crate::report::Meter;
use crate::script::Script;
use crate::tcp::TcpSide;
use crate::udp::UdpEndpoint;

/// Events taken from the poll at once.
const EVENTS_PER_TURN: usize = 1024;
/// Due replies sent before others get their turn.
const DUE_PER_TURN: usize = 1024;

const WAKER: Token = Token(0);
const TIMER: Token = Token(1);
const UDP_FIRST: usize = 2;
const LISTENER_FIRST: usize = 4;
const FORWARD_FIRST: usize = 6;
const CONNECTION_FIRST: usize = FORWARD_FIRST + forward::TOKENS;

/// The event loop and all it owns.
pub(crate) struct Server {
    poll: Poll,
    timer: Timer,
    core: Core,
    udp: Vec<UdpEndpoint>,
    tcp: TcpSide,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Takes bound sockets over. The waker, fired after `stop` is set, ends [`run`](Self::run).
    pub fn new(
        udp: Vec<UdpSocket>,
        tcp: Vec<TcpListener>,
        script: Script,
        forward: Option<Target>,
        meter: Arc<Meter>,
        stop: Arc<AtomicBool>,
    ) -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let registry = poll.registry();
        let waker = Waker::new(registry, WAKER)?;
        let clock = Clock::start();
        let timer = Timer::new(clock, registry, TIMER)?;
        let mut endpoints = Vec::new();
        for (index, socket) in udp.into_iter().enumerate() {
            let mut endpoint = UdpEndpoint::new(socket, index)?;
            let token = Token(UDP_FIRST + index);
            registry.register(endpoint.source(), token, Interest::READABLE)?;
            endpoints.push(endpoint);
        }
        let tcp = TcpSide::new(tcp, registry.try_clone()?, LISTENER_FIRST, CONNECTION_FIRST)?;
        let forward = forward
            .map(|target| Forwarder::new(target, registry.try_clone()?, FORWARD_FIRST))
            .transpose()?;
        let server = Self {
            poll,
            timer,
            core: Core::new(script, clock, meter, forward),
            udp: endpoints,
            tcp,
            stop,
        };
        Ok((server, waker))
    }

    /// Serves until told to stop. An error is the poll's or the timer's own.
    pub fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        let mut more = false;
        while !self.stop.load(Ordering::Acquire) {
            if let Some(at) = self.core.next_wake().filter(|_| !more) {
                self.timer.wake_at(at)?;
            }
            let timeout = more.then_some(Duration::ZERO);
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                match event.token() {
                    WAKER | TIMER => {}
                    Token(UDP_FIRST..LISTENER_FIRST) => {
                        self.udp[event.token().0 - UDP_FIRST].ready = true;
                    }
                    Token(FORWARD_FIRST..CONNECTION_FIRST) => {
                        if let Some(forward) = &mut self.core.forward {
                            forward.note(event);
                        }
                    }
                    _ => self.tcp.note(event, &mut self.core),
                }
            }
            more = false;
            for endpoint in self.udp.iter_mut().filter(|endpoint| endpoint.ready) {
                endpoint.turn(&mut self.core);
                more |= endpoint.ready;
            }
            self.tcp.turn(&mut self.core);
            more |= self.core.turn_forward();
            for given_up in self.core.given_up.drain(..) {
                self.tcp.give_up(given_up);
            }
            more |= self.send_due();
            more |= self.tcp.has_work();
        }
        if let Some(forward) = &self.core.forward {
            forward.end(&self.core.meter);
        }
        Ok(())
    }

    /// Sends what is due, up to a bound. Returns whether more is.
    fn send_due(&mut self) -> bool {
        if self.core.schedule.next_due().is_none() {
            return false;
        }
        let now = self.core.clock.now();
        let mut more = true;
        for _ in 0..DUE_PER_TURN {
            let Some(held) = self.core.schedule.pop_due(now) else {
                more = false;
                break;
            };
            match &held.destination {
                Destination::Udp {
                    endpoint,
                    server,
                    peer,
                } => self.udp[*endpoint].take_held(&self.core, &held, *server, *peer),
                Destination::Tcp { slot, generation } => {
                    self.tcp.take_held(&self.core, *slot, *generation, &held);
                }
            }
        }
        for endpoint in &mut self.udp {
            endpoint.send_replies(&self.core);
        }
        self.tcp.send_taken(&mut self.core);
        more
    }
}
