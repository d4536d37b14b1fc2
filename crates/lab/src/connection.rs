//! One TCP connection of the lab: whole queries in, whole batches of replies out.

use std::io::{self, Read};
use std::net::{IpAddr, Shutdown};

use mio::net::TcpStream;

use crate::destination::Destination;
use crate::exchange::Core;
use crate::framing::{LENGTH_BYTES, first_message, push_message, write_some};
use crate::report::Count;
use crate::schedule::Held;

/// Unsent octets from which on nothing more is read: a peer that does not read its answers
/// gets no further.
const UNSENT_BYTES_MAX: usize = 256 << 10;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Queries are read and answered.
    Open,
    /// It has had its answers: what is unsent is sent, and no more is answered.
    Closing,
    /// Our end is closed; what still comes is thrown away until the peer closes too. Closing at
    /// once instead would reset it, and the reset could overtake the answers.
    Lingering,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// There may be more to read at once.
    More,
    /// Nothing to do until something happens.
    Rest,
    /// The connection is over.
    Gone,
}

/// One accepted connection.
pub(crate) struct Connection {
    stream: TcpStream,
    server: IpAddr,
    slot: usize,
    generation: u32,
    stage: Stage,
    /// What was read and is not yet a whole query, or may not be answered yet.
    unread: Vec<u8>,
    unsent: Vec<u8>,
    answers: u32,
    /// Replies that wait for their time, or for the server that was asked in turn.
    awaited: u32,
    /// The socket may have something to read.
    readable: bool,
    /// The poll has said that the peer's end is there to be read, or an error.
    hung_up: bool,
    /// The peer's end has been read.
    ended: bool,
    /// It stands in the queue of those that have something to do.
    pub queued: bool,
}

impl Connection {
    pub fn new(stream: TcpStream, server: IpAddr, slot: usize, generation: u32) -> Self {
        Self {
            stream,
            server,
            slot,
            generation,
            stage: Stage::Open,
            unread: Vec::new(),
            unsent: Vec::new(),
            answers: 0,
            awaited: 0,
            readable: false,
            hung_up: false,
            ended: false,
            queued: false,
        }
    }

    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The poll says that there is something to read; `hung_up` when that is the peer's end or
    /// an error.
    pub fn note_readable(&mut self, hung_up: bool) {
        self.readable = true;
        self.hung_up |= hung_up;
    }

    /// Reads once, answers every whole query, and writes the answers at once. `buffer` has
    /// [`READ_BYTES`](crate::framing::READ_BYTES), `replies` is room that is used again.
    pub fn step(&mut self, core: &mut Core, buffer: &mut [u8], replies: &mut Vec<u8>) -> Step {
        replies.clear();
        if self.send_unsent(core).is_err() {
            return Step::Gone;
        }
        if self.stage == Stage::Lingering {
            return self.discard(buffer);
        }
        if self.is_blocked(core, 0) {
            return self.next(core);
        }
        let mut filled = self.unread.len();
        buffer[..filled].copy_from_slice(&self.unread);
        self.unread.clear();
        let mut used = self.answer(core, &buffer[..filled], replies);
        if self.readable && !self.is_blocked(core, replies.len()) {
            match self.stream.read(&mut buffer[filled..]) {
                Ok(0) => {
                    self.ended = true;
                    self.readable = false;
                }
                Ok(bytes) => {
                    filled += bytes;
                    // A short read has emptied the socket, and whatever comes next is an event.
                    self.readable = self.hung_up || filled == buffer.len();
                    used += self.answer(core, &buffer[used..filled], replies);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Step::Gone,
            }
        }
        if self.stage == Stage::Open {
            self.unread.extend_from_slice(&buffer[used..filled]);
        }
        if self.send(core, replies).is_err() {
            return Step::Gone;
        }
        self.next(core)
    }

    /// Puts a reply whose time has come behind what is unsent.
    pub fn take_held(&mut self, core: &Core, held: &Held<Destination>) {
        self.awaited -= 1;
        if self.stage == Stage::Open {
            push_message(&mut self.unsent, &held.message);
            self.count_answer(core, held.count);
        }
    }

    /// Takes down that so many replies will not come.
    pub fn give_up(&mut self, replies: u32) {
        self.awaited -= replies;
    }

    /// What there is to do after a step.
    fn next(&self, core: &Core) -> Step {
        if self.ended && self.awaited == 0 && self.unsent.is_empty() {
            return Step::Gone;
        }
        let more = match self.stage {
            Stage::Open => {
                (self.readable || first_message(&self.unread).is_some())
                    && !self.is_blocked(core, 0)
            }
            Stage::Closing => false,
            Stage::Lingering => self.readable,
        };
        if more { Step::More } else { Step::Rest }
    }

    /// Whether nothing may be read or answered for now, with so many octets about to be sent.
    fn is_blocked(&self, core: &Core, about_to_send: usize) -> bool {
        self.stage != Stage::Open
            || self.unsent.len() + about_to_send >= UNSENT_BYTES_MAX
            || (self.awaited > 0 && core.script.impairments().tcp_serial)
    }

    /// Answers the whole queries that `bytes` begins with, as far as may be. Returns how many
    /// octets they took.
    fn answer(&mut self, core: &mut Core, bytes: &[u8], replies: &mut Vec<u8>) -> usize {
        let mut used = 0;
        let mut queries = 0;
        while !self.is_blocked(core, replies.len()) {
            let Some(query) = first_message(&bytes[used..]) else {
                break;
            };
            used += LENGTH_BYTES + query.len();
            queries += 1;
            self.answer_one(core, query, replies);
        }
        core.meter.add_many(Count::QueriesTcp, queries);
        used
    }

    fn answer_one(&mut self, core: &mut Core, query: &[u8], replies: &mut Vec<u8>) {
        if core.script.impairments().tcp_silent {
            core.meter.add(Count::Unheard);
            return;
        }
        let back = Destination::Tcp {
            slot: self.slot,
            generation: self.generation,
        };
        self.awaited += core.exchange(core.arrival(), self.server, query, back);
        for (count, reply) in core.ready() {
            push_message(replies, reply);
            self.count_answer(core, count);
        }
    }

    fn count_answer(&mut self, core: &Core, count: Count) {
        core.meter.add(count);
        self.answers += 1;
        let close_after = core.script.impairments().tcp_close_after;
        if close_after.is_some_and(|most| self.answers >= most.get()) {
            self.stage = Stage::Closing;
        }
    }

    /// Sends `replies` behind what is unsent.
    fn send(&mut self, core: &Core, replies: &[u8]) -> io::Result<()> {
        if self.unsent.is_empty() {
            let sent = write_some(&mut self.stream, replies)?;
            self.unsent.extend_from_slice(&replies[sent..]);
        } else {
            self.unsent.extend_from_slice(replies);
        }
        self.close_when_sent(core)
    }

    /// Sends what is unsent, as far as the system takes it.
    pub fn send_unsent(&mut self, core: &Core) -> io::Result<()> {
        let sent = write_some(&mut self.stream, &self.unsent)?;
        self.unsent.drain(..sent);
        if self.unsent.is_empty() && self.unsent.capacity() > UNSENT_BYTES_MAX / 8 {
            // Thousands of connections that were busy once must not keep their memory.
            self.unsent = Vec::new();
        }
        self.close_when_sent(core)
    }

    fn close_when_sent(&mut self, core: &Core) -> io::Result<()> {
        if self.stage == Stage::Closing && self.unsent.is_empty() {
            self.stream.shutdown(Shutdown::Write)?;
            self.stage = Stage::Lingering;
            self.unread = Vec::new();
            core.meter.add(Count::ClosedByLab);
        }
        Ok(())
    }

    fn discard(&mut self, buffer: &mut [u8]) -> Step {
        if self.ended {
            return Step::Gone;
        }
        if !self.readable {
            return Step::Rest;
        }
        match self.stream.read(buffer) {
            Ok(0) => Step::Gone,
            Ok(_) => Step::More,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Step::Rest
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Step::More,
            Err(_) => Step::Gone,
        }
    }
}
