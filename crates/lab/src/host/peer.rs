//! One accepted connection: a socket, and the conversation that is held over it.

use std::io::{self, Read};
use std::net::Shutdown;
use std::time::Duration;

use canvass_model::Time;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::SockRef;

use crate::conversation::Conversation;
use crate::framing::write_some;
use crate::report::{ServiceCount, ServiceMeter};
use crate::service::{Output, Tally};

use super::Core;
use super::wakes::Wake;

/// Octets read at once.
pub(super) const READ_BYTES: usize = 64 << 10;
/// Times a connection says something before others get their turn.
const SAYINGS_PER_STEP: usize = 4;
/// Unsent octets whose memory is kept: thousands of connections that were busy once must not
/// keep theirs.
const KEPT_BYTES_MAX: usize = 32 << 10;
/// How long the other end's close is waited for after ours. Closing at once instead would reset
/// the connection where something is still unread, and the reset could overtake what was said.
const LINGER: Duration = Duration::from_secs(2);

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There may be more to do at once.
    More,
    /// Nothing to do until something happens.
    Rest,
    /// The connection is over.
    Gone,
}

/// What all connections use in turn.
pub(super) struct Scratch {
    pub read: Box<[u8]>,
    pub out: Vec<u8>,
    pub tally: Tally,
}

/// One connection.
pub(super) struct Peer {
    stream: TcpStream,
    conversation: Conversation,
    pub service: usize,
    slot: usize,
    pub generation: u32,
    unsent: Vec<u8>,
    /// How much of `unsent` has been sent.
    sent: usize,
    /// The socket may have something to read.
    readable: bool,
    /// The poll has said that the other end's close is there to be read, or an error.
    hung_up: bool,
    registered: bool,
    /// The other end has closed.
    ended: bool,
    /// Until when the other end's close is waited for.
    lingers_until: Option<Time>,
    /// When it was last asked to be woken, so that it is not asked twice.
    wake_at: Option<Time>,
    /// It stands in the queue of those that have something to do.
    pub queued: bool,
}

impl Peer {
    pub fn new(
        stream: TcpStream,
        conversation: Conversation,
        service: usize,
        slot: usize,
        generation: u32,
    ) -> Self {
        Self {
            stream,
            conversation,
            service,
            slot,
            generation,
            unsent: Vec::new(),
            sent: 0,
            // The request often comes with the connection.
            readable: true,
            hung_up: false,
            registered: false,
            ended: false,
            lingers_until: None,
            wake_at: None,
            queued: false,
        }
    }

    /// The poll says that there is something to read; `hung_up` when that is the other end's
    /// close or an error.
    pub fn note_readable(&mut self, hung_up: bool) {
        self.readable = true;
        self.hung_up |= hung_up;
    }

    /// Has the poll tell of it from now on. A connection that is over at once never needs to.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        if self.registered {
            return Ok(());
        }
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut self.stream, token, interest)?;
        self.registered = true;
        Ok(())
    }

    /// Reads once, and says what there is to say.
    pub fn step(&mut self, core: &mut Core, scratch: &mut Scratch) -> Step {
        if self.flush().is_err() {
            return Step::Gone;
        }
        if let Some(until) = self.lingers_until {
            return self.linger(core, scratch, until);
        }
        if self.read(core, scratch).is_err() {
            return Step::Gone;
        }
        for _ in 0..SAYINGS_PER_STEP {
            if !self.unsent.is_empty() {
                return Step::Rest;
            }
            let now = core.clock.now();
            scratch.out.clear();
            let output = self
                .conversation
                .poll(now, &mut scratch.out, &mut scratch.tally);
            let sent = self.send(&scratch.out);
            self.count(core, &mut scratch.tally);
            if sent.is_err() {
                return Step::Gone;
            }
            match output {
                Output::Send => {}
                Output::Wait(until) => {
                    self.wake_at(core, until);
                    return self.next();
                }
                Output::Idle => return self.next(),
                Output::Close => return self.close(core, scratch),
                Output::Reset => {
                    core.meters[self.service].add(ServiceCount::Resets);
                    // A socket that cannot be told to reset is closed.
                    let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
                    return Step::Gone;
                }
            }
        }
        Step::More
    }

    fn next(&self) -> Step {
        if self.readable && !self.ended && self.conversation.wants_input() {
            Step::More
        } else {
            Step::Rest
        }
    }

    fn read(&mut self, core: &Core, scratch: &mut Scratch) -> io::Result<()> {
        if !self.readable || self.ended || !self.conversation.wants_input() {
            return Ok(());
        }
        match self.stream.read(&mut scratch.read) {
            Ok(0) => {
                self.ended = true;
                self.readable = false;
                self.conversation.ended();
            }
            Ok(bytes) => {
                // A short read has emptied the socket, and whatever comes next is an event, once
                // the poll knows of it.
                self.readable = self.hung_up || bytes == scratch.read.len();
                let now = core.clock.now();
                self.conversation.received(now, &scratch.read[..bytes]);
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => self.readable = false,
                io::ErrorKind::Interrupted => {}
                _ => return Err(error),
            },
        }
        Ok(())
    }

    fn count(&self, core: &Core, tally: &mut Tally) {
        let meter: &ServiceMeter = &core.meters[self.service];
        if tally.requests > 0 {
            meter.add_many(ServiceCount::Requests, tally.requests);
            tally.requests = 0;
        }
        for (since, asked) in tally.delays.drain(..) {
            meter.add_delay(core.clock.now().since(since), asked);
        }
    }

    /// Closes our end. Where nothing more can come from the other, all is over.
    fn close(&mut self, core: &mut Core, scratch: &mut Scratch) -> Step {
        core.meters[self.service].add(ServiceCount::Closed);
        let nothing_comes = self.ended || (!self.readable && self.conversation.is_last());
        if nothing_comes || self.stream.shutdown(Shutdown::Write).is_err() {
            return Step::Gone;
        }
        let until = core.clock.now() + LINGER;
        self.lingers_until = Some(until);
        self.readable = true;
        self.linger(core, scratch, until)
    }

    fn linger(&mut self, core: &mut Core, scratch: &mut Scratch, until: Time) -> Step {
        if core.clock.now() >= until {
            return Step::Gone;
        }
        if !self.readable {
            return Step::Rest;
        }
        match self.stream.read(&mut scratch.read) {
            Ok(0) => Step::Gone,
            Ok(_) => Step::More,
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    self.wake_at(core, until);
                    Step::Rest
                }
                io::ErrorKind::Interrupted => Step::More,
                _ => Step::Gone,
            },
        }
    }

    fn wake_at(&mut self, core: &mut Core, until: Time) {
        if self.wake_at == Some(until) {
            return;
        }
        self.wake_at = Some(until);
        core.wakes.push(
            until,
            Wake::Connection {
                slot: self.slot,
                generation: self.generation,
            },
        );
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
