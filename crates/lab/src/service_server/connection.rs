//! One TCP connection of a service: the socket of a [`ServiceSession`].

use std::io::{self, Read};
use std::net::Shutdown;
use std::time::Duration;

use canvass_model::Time;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::SockRef;

use crate::connection_table::{ConnectionId, Progress};
use crate::framing::write_some;
use crate::report::ServiceCounter;
use crate::service::{Activity, Output};
use crate::session::ServiceSession;

use super::{Context, Timer};

/// Octets per read.
const READ_BYTES: usize = 64 << 10;
/// Writes of a connection per turn.
const WRITES_PER_TURN: usize = 4;
/// The capacity that an empty send buffer keeps: connections are many, and most of them are idle.
const KEPT_BYTES_MAX: usize = 32 << 10;
/// How long the client's close is waited for after ours. Closing the socket while input is unread
/// would reset the connection, and the reset could overtake the last octets sent.
const LINGER: Duration = Duration::from_secs(2);

/// Buffers that all connections share.
pub(super) struct Buffers {
    read: Box<[u8]>,
    out: Vec<u8>,
    activity: Activity,
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self {
            read: vec![0; READ_BYTES].into(),
            out: Vec::new(),
            activity: Activity::default(),
        }
    }
}

/// An accepted connection.
pub(super) struct Connection {
    stream: TcpStream,
    session: ServiceSession,
    service: usize,
    id: ConnectionId,
    unsent: Vec<u8>,
    /// The number of octets of `unsent` that have been sent.
    sent: usize,
    /// The socket may have something to read.
    readable: bool,
    /// The poll has reported the client's end of stream or an error.
    hung_up: bool,
    registered: bool,
    /// The client's end of stream has been read.
    ended: bool,
    /// When to stop waiting for the client's close.
    linger_until: Option<Time>,
    /// The last timer that was set, so that none is set twice.
    wake_at: Option<Time>,
}

impl Connection {
    pub(super) fn new(
        stream: TcpStream,
        session: ServiceSession,
        service: usize,
        id: ConnectionId,
    ) -> Self {
        Self {
            stream,
            session,
            service,
            id,
            unsent: Vec::new(),
            sent: 0,
            // The first request often arrives with the connection.
            readable: true,
            hung_up: false,
            registered: false,
            ended: false,
            linger_until: None,
            wake_at: None,
        }
    }

    /// Notes that there is something to read: with `hung_up`, the end of the stream or an error.
    pub(super) fn set_readable(&mut self, hung_up: bool) {
        self.readable = true;
        self.hung_up |= hung_up;
    }

    /// Registers the connection with the poll, once.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        if self.registered {
            return Ok(());
        }
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut self.stream, token, interest)?;
        self.registered = true;
        Ok(())
    }

    /// Reads once, and writes what the session has to send.
    pub(super) fn serve(&mut self, context: &mut Context, buffers: &mut Buffers) -> Progress {
        if self.flush().is_err() {
            return Progress::Closed;
        }
        if let Some(until) = self.linger_until {
            return self.linger(context, buffers, until);
        }
        if self.read(context, buffers).is_err() {
            return Progress::Closed;
        }
        for _ in 0..WRITES_PER_TURN {
            if !self.unsent.is_empty() {
                return Progress::Idle;
            }
            let now = context.clock.now();
            buffers.out.clear();
            let output = self
                .session
                .poll(now, &mut buffers.out, &mut buffers.activity);
            let sent = self.send(&buffers.out);
            self.count(context, &mut buffers.activity);
            if sent.is_err() {
                return Progress::Closed;
            }
            match output {
                Output::Send => {}
                Output::Wait(until) => {
                    self.wake_at(context, until);
                    return self.progress();
                }
                Output::Idle => return self.progress(),
                Output::Close => return self.close(context, buffers),
                Output::Reset => {
                    context.metrics[self.service].add(ServiceCounter::Resets);
                    // If this fails the connection is closed instead.
                    let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
                    return Progress::Closed;
                }
            }
        }
        Progress::More
    }

    fn progress(&self) -> Progress {
        if self.readable && !self.ended && self.session.wants_input() {
            Progress::More
        } else {
            Progress::Idle
        }
    }

    fn read(&mut self, context: &Context, buffers: &mut Buffers) -> io::Result<()> {
        if !self.readable || self.ended || !self.session.wants_input() {
            return Ok(());
        }
        match self.stream.read(&mut buffers.read) {
            Ok(0) => {
                self.ended = true;
                self.readable = false;
                self.session.ended();
            }
            Ok(bytes) => {
                // A short read has emptied the socket; further input causes an event, at the latest
                // when the socket is registered.
                self.readable = self.hung_up || bytes == buffers.read.len();
                let now = context.clock.now();
                self.session.received(now, &buffers.read[..bytes]);
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => self.readable = false,
                io::ErrorKind::Interrupted => {}
                _ => return Err(error),
            },
        }
        Ok(())
    }

    fn count(&self, context: &Context, activity: &mut Activity) {
        let metrics = &context.metrics[self.service];
        if activity.requests > 0 {
            metrics.add_many(ServiceCounter::Requests, activity.requests);
            activity.requests = 0;
        }
        for (since, planned) in activity.delays.drain(..) {
            metrics.add_delay(context.clock.now().since(since), planned);
        }
    }

    /// Closes our end, and waits for the client's close if more input may arrive.
    fn close(&mut self, context: &mut Context, buffers: &mut Buffers) -> Progress {
        context.metrics[self.service].add(ServiceCounter::Closed);
        let is_over = self.ended || (!self.readable && self.session.is_last());
        if is_over || self.stream.shutdown(Shutdown::Write).is_err() {
            return Progress::Closed;
        }
        let until = context.clock.now() + LINGER;
        self.linger_until = Some(until);
        self.readable = true;
        self.linger(context, buffers, until)
    }

    fn linger(&mut self, context: &mut Context, buffers: &mut Buffers, until: Time) -> Progress {
        if context.clock.now() >= until {
            return Progress::Closed;
        }
        if !self.readable {
            return Progress::Idle;
        }
        match self.stream.read(&mut buffers.read) {
            Ok(0) => Progress::Closed,
            Ok(_) => Progress::More,
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    self.wake_at(context, until);
                    Progress::Idle
                }
                io::ErrorKind::Interrupted => Progress::More,
                _ => Progress::Closed,
            },
        }
    }

    fn wake_at(&mut self, context: &mut Context, until: Time) {
        if self.wake_at == Some(until) {
            return;
        }
        self.wake_at = Some(until);
        context.timers.push(until, Timer::Connection(self.id));
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sent = write_some(&mut self.stream, bytes)?;
        self.unsent.extend_from_slice(&bytes[sent..]);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        self.sent += write_some(&mut self.stream, &self.unsent[self.sent..])?;
        if self.sent == self.unsent.len() {
            self.unsent.clear();
            self.unsent.shrink_to(KEPT_BYTES_MAX);
            self.sent = 0;
        }
        Ok(())
    }
}
