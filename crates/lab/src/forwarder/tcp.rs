//! Forwards queries over a TCP connection.

use std::io::{self, Read};
use std::net::SocketAddr;

use canvass_model::Time;
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::framing::{LENGTH_BYTES, first_message, push_message, write_some};
use crate::report::DnsCounter;

use super::forwarded_query::{AnswerRelay, ForwardedQuery, remove_answered};
use super::open_queries::OpenQueries;

/// Open queries per connection: twice as many as canvass opens on one connection.
const OPEN_MAX: usize = 16_384;
/// Octets that may be unsent. Further queries are not accepted.
const UNSENT_BYTES_MAX: usize = 4 << 20;
/// Reads per turn.
const READS_PER_TURN: usize = 2;

/// A pipelined connection (RFC 7766 §6.2.1.1). It is opened when it is first needed, and again when
/// it is needed after it was closed.
pub(super) struct TcpForwarder {
    token: Token,
    connection: Option<Connection>,
    open: OpenQueries<SentQuery>,
    /// What the socket has not accepted yet.
    unsent: Vec<u8>,
    /// [`send`](Self::send) has something to do.
    to_send: bool,
}

struct SentQuery {
    forwarded: ForwardedQuery,
    /// Sent again if the connection closes.
    message: Box<[u8]>,
}

/// A connection that is open or being opened.
struct Connection {
    stream: TcpStream,
    connected: bool,
    readable: bool,
    /// The start of an answer that is not complete.
    unread: Vec<u8>,
    /// At least one query was answered.
    useful: bool,
}

impl TcpForwarder {
    /// The events of the connection have the given token.
    pub(super) fn new(token: Token) -> Self {
        Self {
            token,
            connection: None,
            open: OpenQueries::new(OPEN_MAX),
            unsent: Vec::new(),
            to_send: false,
        }
    }

    /// Handles an event.
    pub(super) fn handle_event(&mut self, event: &Event) {
        // The event may be for a connection that has closed since.
        if let Some(connection) = &mut self.connection {
            connection.readable |=
                event.is_readable() || event.is_read_closed() || event.is_error();
            self.to_send |= event.is_writable() || event.is_error();
        }
    }

    /// Queues a query for the next [`send`](Self::send) and gives it an id. Returns false if no id
    /// is free or the server does not read what it is sent.
    pub(super) fn push(&mut self, query: &[u8], forwarded: ForwardedQuery) -> bool {
        if self.unsent.len() >= UNSENT_BYTES_MAX {
            return false;
        }
        let since = forwarded.received;
        let sent = SentQuery {
            forwarded,
            message: query.into(),
        };
        let Some(id) = self.open.insert(since, sent) else {
            return false;
        };
        push_query(&mut self.unsent, id, query);
        self.to_send = true;
        true
    }

    /// Whether [`send`](Self::send) has something to do.
    pub(super) fn has_to_send(&self) -> bool {
        self.to_send
    }

    /// Sends as many of the queued octets as the socket accepts. Opens a connection to `server` if
    /// there is none.
    pub(super) fn send(
        &mut self,
        server: SocketAddr,
        registry: &Registry,
        relay: &mut AnswerRelay<'_>,
    ) {
        self.to_send = false;
        if self.connection.is_none() && !self.unsent.is_empty() {
            match Connection::open(server, registry, self.token) {
                Ok(connection) => self.connection = Some(connection),
                Err(_) => return self.handle_loss(relay),
            }
        }
        let Some(connection) = &mut self.connection else {
            return;
        };
        match connection.send(&self.unsent) {
            Ok(sent) => drop(self.unsent.drain(..sent)),
            Err(_) => self.handle_loss(relay),
        }
    }

    /// Reads answers, up to a limit. `buffer` has [`READ_BYTES`](crate::framing::READ_BYTES)
    /// octets. Returns whether there may be more.
    pub(super) fn turn(&mut self, buffer: &mut [u8], relay: &mut AnswerRelay<'_>) -> bool {
        for _ in 0..READS_PER_TURN {
            let Some(connection) = self
                .connection
                .as_mut()
                .filter(|connection| connection.is_readable())
            else {
                return false;
            };
            let Ok(filled) = connection.read(buffer) else {
                self.handle_loss(relay);
                return false;
            };
            let mut used = 0;
            while let Some(answer) = first_message(&buffer[used..filled]) {
                used += LENGTH_BYTES + answer.len();
                match remove_answered(&mut self.open, answer, |query| &query.forwarded) {
                    Some(query) => {
                        connection.useful = true;
                        relay.answer(&query.forwarded, answer);
                    }
                    None => relay.metrics.add(DnsCounter::ForwardUnknown),
                }
            }
            connection.unread.extend_from_slice(&buffer[used..filled]);
        }
        true
    }

    /// Ends queries that were not answered in time.
    pub(super) fn expire(&mut self, now: Time, relay: &mut AnswerRelay<'_>) {
        while let Some(query) = self.open.remove_expired(now) {
            relay.unanswered(&query.forwarded);
        }
    }

    /// The next time at which [`expire`](Self::expire) has something to do.
    pub(super) fn next_expiry(&self) -> Option<Time> {
        self.open.next_expiry()
    }

    /// The number of open queries.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Handles the loss of the connection, or the failure to open it. If it was useful, the server
    /// is one that closes connections now and then (RFC 7766 §6.2.4), and open queries are sent
    /// again; otherwise they stay unanswered.
    fn handle_loss(&mut self, relay: &mut AnswerRelay<'_>) {
        self.unsent.clear();
        if self
            .connection
            .take()
            .is_some_and(|connection| connection.useful)
        {
            for (id, query) in self.open.by_age() {
                push_query(&mut self.unsent, id, &query.message);
            }
            self.to_send = !self.unsent.is_empty();
        } else {
            while let Some(query) = self.open.remove_oldest() {
                relay.unanswered(&query.forwarded);
            }
        }
    }
}

impl Connection {
    fn open(server: SocketAddr, registry: &Registry, token: Token) -> io::Result<Self> {
        let mut stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            stream,
            connected: false,
            readable: false,
            unread: Vec::new(),
            useful: false,
        })
    }

    fn is_readable(&self) -> bool {
        self.connected && self.readable
    }

    /// Returns how much the socket has accepted: nothing while the connection is being opened.
    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.connected {
            if let Some(error) = self.stream.take_error()? {
                return Err(error);
            }
            self.connected = self.stream.peer_addr().is_ok();
        }
        if self.connected {
            write_some(&mut self.stream, bytes)
        } else {
            Ok(0)
        }
    }

    /// Reads into `buffer` after what is unread, and returns the length of both.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let start = self.unread.len();
        buffer[..start].copy_from_slice(&self.unread);
        self.unread.clear();
        match self.stream.read(&mut buffer[start..]) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => Ok(start + read),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(start)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(start),
            Err(error) => Err(error),
        }
    }
}

/// Appends a query with its length and with the given id.
fn push_query(out: &mut Vec<u8>, id: u16, query: &[u8]) {
    let start = out.len() + LENGTH_BYTES;
    push_message(out, query);
    out[start..start + 2].copy_from_slice(&id.to_be_bytes());
}
