//! One TCP connection of the DNS server.

use std::io::{self, Read};
use std::net::{IpAddr, Shutdown};

use mio::net::TcpStream;

use crate::connection_table::{ConnectionId, Progress};
use crate::framing::{LENGTH_BYTES, first_message, write_some};
use crate::report::DnsCounter;

use super::query_handler::{DelayedReply, QueryHandler};
use super::return_path::ReturnPath;

/// Nothing more is read while this many octets are unsent, so that a client that does not read its
/// answers is not served further.
const UNSENT_BYTES_MAX: usize = 256 << 10;

/// The stages of a connection, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Queries are read and answered.
    Open,
    /// The last answer was given. What is unsent is sent.
    Closing,
    /// Our end is closed. Input is discarded until the client closes too: closing the socket at
    /// once would reset the connection, and the reset could overtake the answers.
    Lingering,
}

/// An accepted connection.
pub(crate) struct Connection {
    stream: TcpStream,
    server: IpAddr,
    id: ConnectionId,
    stage: Stage,
    /// What was read and is not a whole query yet, or may not be answered yet.
    unread: Vec<u8>,
    unsent: Vec<u8>,
    answers: u32,
    /// Replies that are delayed, or that the forwarder waits for.
    outstanding: u32,
    /// The socket may have something to read.
    readable: bool,
    /// The poll has reported the client's end of stream or an error.
    hung_up: bool,
    /// The client's end of stream has been read.
    ended: bool,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, server: IpAddr, id: ConnectionId) -> Self {
        Self {
            stream,
            server,
            id,
            stage: Stage::Open,
            unread: Vec::new(),
            unsent: Vec::new(),
            answers: 0,
            outstanding: 0,
            readable: false,
            hung_up: false,
            ended: false,
        }
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Notes that there is something to read: with `hung_up`, the end of the stream or an error.
    pub(crate) fn set_readable(&mut self, hung_up: bool) {
        self.readable = true;
        self.hung_up |= hung_up;
    }

    /// Reads once, answers every whole query, and writes the answers at once. `buffer` has
    /// [`READ_BYTES`](crate::framing::READ_BYTES) octets; `replies` is a buffer to reuse.
    pub(crate) fn serve(
        &mut self,
        handler: &mut QueryHandler,
        buffer: &mut [u8],
        replies: &mut Vec<u8>,
    ) -> Progress {
        replies.clear();
        if self.send_unsent(handler).is_err() {
            return Progress::Closed;
        }
        if self.stage == Stage::Lingering {
            return self.discard(buffer);
        }
        if self.is_blocked(handler, 0) {
            return self.progress(handler);
        }
        let mut filled = self.unread.len();
        buffer[..filled].copy_from_slice(&self.unread);
        self.unread.clear();
        let mut used = self.answer(handler, &buffer[..filled], replies);
        if self.readable && !self.is_blocked(handler, replies.len()) {
            match self.stream.read(&mut buffer[filled..]) {
                Ok(0) => {
                    self.ended = true;
                    self.readable = false;
                }
                Ok(bytes) => {
                    filled += bytes;
                    // A short read has emptied the socket; further input causes an event.
                    self.readable = self.hung_up || filled == buffer.len();
                    used += self.answer(handler, &buffer[used..filled], replies);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Progress::Closed,
            }
        }
        if self.stage == Stage::Open {
            self.unread.extend_from_slice(&buffer[used..filled]);
        }
        if self.send(handler, replies).is_err() {
            return Progress::Closed;
        }
        self.progress(handler)
    }

    /// Appends a reply that is due to what is unsent.
    pub(crate) fn add_delayed(&mut self, handler: &QueryHandler, reply: &DelayedReply) {
        self.outstanding -= 1;
        if self.stage == Stage::Open {
            handler.responder.frame(&reply.message, &mut self.unsent);
            self.count_answer(handler, reply.counter);
        }
    }

    /// Stops waiting for this many replies.
    pub(crate) fn abandon(&mut self, replies: u32) {
        self.outstanding -= replies;
    }

    fn progress(&self, handler: &QueryHandler) -> Progress {
        if self.ended && self.outstanding == 0 && self.unsent.is_empty() {
            return Progress::Closed;
        }
        let more = match self.stage {
            Stage::Open => {
                (self.readable || first_message(&self.unread).is_some())
                    && !self.is_blocked(handler, 0)
            }
            Stage::Closing => false,
            Stage::Lingering => self.readable,
        };
        if more { Progress::More } else { Progress::Idle }
    }

    /// Whether nothing may be read or answered for now, with `about_to_send` octets to be sent.
    fn is_blocked(&self, handler: &QueryHandler, about_to_send: usize) -> bool {
        self.stage != Stage::Open
            || self.unsent.len() + about_to_send >= UNSENT_BYTES_MAX
            || (self.outstanding > 0 && handler.responder.impairments().tcp_serial)
    }

    /// Answers the whole queries at the start of `bytes`, until the connection is blocked. Returns
    /// their length in octets.
    fn answer(&mut self, handler: &mut QueryHandler, bytes: &[u8], replies: &mut Vec<u8>) -> usize {
        let mut used = 0;
        let mut queries = 0;
        while !self.is_blocked(handler, replies.len()) {
            let Some(query) = first_message(&bytes[used..]) else {
                break;
            };
            used += LENGTH_BYTES + query.len();
            queries += 1;
            self.answer_one(handler, query, replies);
        }
        handler.metrics.add_many(DnsCounter::QueriesTcp, queries);
        used
    }

    fn answer_one(&mut self, handler: &mut QueryHandler, query: &[u8], replies: &mut Vec<u8>) {
        if handler.responder.impairments().tcp_silent {
            handler.metrics.add(DnsCounter::TcpSilent);
            return;
        }
        let return_path = ReturnPath::Tcp(self.id);
        let received = handler.time_of_arrival();
        self.outstanding += handler.answer(received, self.server, query, return_path);
        for (counter, reply) in handler.immediate_replies() {
            handler.responder.frame(reply, replies);
            self.count_answer(handler, counter);
        }
    }

    fn count_answer(&mut self, handler: &QueryHandler, counter: DnsCounter) {
        handler.metrics.add(counter);
        self.answers += 1;
        let close_after = handler.responder.impairments().tcp_close_after;
        if close_after.is_some_and(|most| self.answers >= most.get()) {
            self.stage = Stage::Closing;
        }
    }

    /// Sends `replies` after what is unsent.
    fn send(&mut self, handler: &QueryHandler, replies: &[u8]) -> io::Result<()> {
        if self.unsent.is_empty() {
            let sent = write_some(&mut self.stream, replies)?;
            self.unsent.extend_from_slice(&replies[sent..]);
        } else {
            self.unsent.extend_from_slice(replies);
        }
        self.close_when_sent(handler)
    }

    /// Sends as much of what is unsent as the socket accepts.
    pub(crate) fn send_unsent(&mut self, handler: &QueryHandler) -> io::Result<()> {
        let sent = write_some(&mut self.stream, &self.unsent)?;
        self.unsent.drain(..sent);
        if self.unsent.is_empty() && self.unsent.capacity() > UNSENT_BYTES_MAX / 8 {
            // Connections are many, and most of them are idle.
            self.unsent = Vec::new();
        }
        self.close_when_sent(handler)
    }

    fn close_when_sent(&mut self, handler: &QueryHandler) -> io::Result<()> {
        if self.stage == Stage::Closing && self.unsent.is_empty() {
            self.stream.shutdown(Shutdown::Write)?;
            self.stage = Stage::Lingering;
            self.unread = Vec::new();
            handler.metrics.add(DnsCounter::ClosedByLab);
        }
        Ok(())
    }

    fn discard(&mut self, buffer: &mut [u8]) -> Progress {
        if self.ended {
            return Progress::Closed;
        }
        if !self.readable {
            return Progress::Idle;
        }
        match self.stream.read(buffer) {
            Ok(0) => Progress::Closed,
            Ok(_) => Progress::More,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Progress::Idle
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Progress::More,
            Err(_) => Progress::Closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::Ipv4Addr;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;
    use crate::framing::{READ_BYTES, push_message};
    use crate::report::Metrics;
    use crate::responder::Responder;
    use crate::testing::query;

    /// A connection that is served by hand, and its client. Neither end blocks.
    struct World {
        client: std::net::TcpStream,
        connection: Connection,
        handler: QueryHandler,
        buffer: Vec<u8>,
        replies: Vec<u8>,
    }

    impl World {
        fn new(impairments: &str) -> Self {
            let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (server, from) = listener.accept().unwrap();
            for stream in [&client, &server] {
                stream.set_nonblocking(true).unwrap();
            }
            let responder = Responder::new(impairments.parse().unwrap());
            let metrics = Arc::new(Metrics::new());
            Self {
                client,
                connection: Connection::new(
                    TcpStream::from_std(server),
                    from.ip(),
                    ConnectionId::new(0, 0),
                ),
                handler: QueryHandler::new(responder, Clock::start(), metrics, None),
                buffer: vec![0; READ_BYTES],
                replies: Vec::new(),
            }
        }

        fn serve(&mut self) -> Progress {
            self.connection.set_readable(false);
            self.connection
                .serve(&mut self.handler, &mut self.buffer, &mut self.replies)
        }

        /// Serves until all of these queries have been answered or are delayed.
        fn serve_all(&mut self, queries: u64) {
            while self.queries() < queries || self.serve() == Progress::More {
                self.serve();
            }
        }

        fn queries(&self) -> u64 {
            self.handler.metrics.count(DnsCounter::QueriesTcp)
        }

        /// The next delayed reply, as if its time had come.
        fn next_delayed(&mut self) -> Option<DelayedReply> {
            let later = self.handler.clock.now() + Duration::from_secs(3600);
            self.handler.delayed.pop_due(later)
        }
    }

    /// Queries for the same name with their lengths.
    fn batch(queries: u16) -> Vec<u8> {
        let mut batch = Vec::new();
        for id in 0..queries {
            push_message(&mut batch, &query(id, "1.2.3.10.in-addr.arpa", 12, None));
        }
        batch
    }

    /// What a nonblocking read or write has moved.
    fn moved(result: io::Result<usize>) -> usize {
        match result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            result => result.unwrap(),
        }
    }

    #[test]
    fn a_client_that_does_not_read_is_not_served_further() {
        let mut world = World::new("");
        let batch = batch(1000);
        let (mut written, mut blocked) = (0, false);
        while !blocked {
            let count = moved(world.client.write(&batch[written % batch.len()..]));
            written += count;
            let unsent = world.connection.unsent.len();
            blocked = world.serve() == Progress::Idle && count == 0 && unsent >= UNSENT_BYTES_MAX;
            // The last answer may exceed the limit.
            assert!(unsent <= UNSENT_BYTES_MAX + usize::from(u16::MAX));
        }
        let query_bytes = batch.len() / 1000;
        assert!((world.queries() as usize) < written / query_bytes);
        // Once the client reads, all complete queries are answered.
        let mut received = Vec::new();
        let mut buffer = vec![0; READ_BYTES];
        let mut answered = 0;
        while answered < written / query_bytes {
            let count = moved(world.client.read(&mut buffer));
            received.extend_from_slice(&buffer[..count]);
            let mut used = 0;
            while let Some(reply) = first_message(&received[used..]) {
                used += LENGTH_BYTES + reply.len();
                answered += 1;
            }
            received.drain(..used);
            world.serve();
        }
        assert_eq!(world.queries() as usize, written / query_bytes);
    }

    #[test]
    fn delays_overlap_unless_queries_are_answered_one_by_one() {
        let mut world = World::new("delay=20ms");
        world.client.write_all(&batch(5)).unwrap();
        world.serve_all(5);
        assert_eq!(std::iter::from_fn(|| world.next_delayed()).count(), 5);

        let mut world = World::new("delay=20ms,tcp-serial");
        world.client.write_all(&batch(5)).unwrap();
        for answered in 1..=5 {
            world.serve_all(answered);
            let reply = world.next_delayed().unwrap();
            assert!(world.next_delayed().is_none());
            assert_eq!(world.queries(), answered);
            world.connection.add_delayed(&world.handler, &reply);
        }
    }
}
