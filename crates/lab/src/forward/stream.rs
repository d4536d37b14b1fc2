//! Passing queries on over one TCP connection, and reading the answers.

use std::io::{self, Read};
use std::net::SocketAddr;

use canvass_model::Time;
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::framing::{LENGTH_BYTES, first_message, push_message, write_some};
use crate::report::Count;

use super::pending::Pending;
use super::waiting::{Returns, Waiting, remove_answered};

/// Queries that may be open on one connection: twice what canvass opens on one of its own.
const OPEN_MAX: usize = 16_384;
/// Octets that may be unsent; what would come behind them is not taken.
const UNSENT_BYTES_MAX: usize = 4 << 20;
/// Reads before others get their turn.
const READS_PER_TURN: usize = 2;

/// One pipelined connection (RFC 7766 §6.2.1.1), opened when it is first needed, and again when
/// it is needed after it was closed.
pub(super) struct Stream {
    token: Token,
    link: Option<Link>,
    pending: Pending<Asked>,
    /// What the system has not taken yet.
    unsent: Vec<u8>,
    /// There is something for [`send`](Self::send) to do.
    to_send: bool,
}

struct Asked {
    waiting: Waiting,
    /// To be sent again if the connection closes.
    query: Box<[u8]>,
}

/// The connection while it is there.
struct Link {
    stream: TcpStream,
    connected: bool,
    readable: bool,
    /// The beginning of an answer that has not come whole.
    unread: Vec<u8>,
    /// It has answered something.
    useful: bool,
}

impl Stream {
    /// A connection whose events will have this token.
    pub fn new(token: Token) -> Self {
        Self {
            token,
            link: None,
            pending: Pending::new(OPEN_MAX),
            unsent: Vec::new(),
            to_send: false,
        }
    }

    /// Takes an event down.
    pub fn note(&mut self, event: &Event) {
        // An event may be about a connection that has gone since.
        if let Some(link) = &mut self.link {
            link.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
            self.to_send |= event.is_writable() || event.is_error();
        }
    }

    /// Gives a query an id of its own, with which it leaves at the next [`send`](Self::send).
    /// Returns whether it was taken: not when no id is free, or the server does not read what it
    /// is sent.
    pub fn push(&mut self, query: &[u8], waiting: Waiting) -> bool {
        if self.unsent.len() >= UNSENT_BYTES_MAX {
            return false;
        }
        let since = waiting.received;
        let asked = Asked {
            waiting,
            query: query.into(),
        };
        let Some(id) = self.pending.insert(since, asked) else {
            return false;
        };
        push_query(&mut self.unsent, id, query);
        self.to_send = true;
        true
    }

    /// Whether [`send`](Self::send) has something to do.
    pub fn has_to_send(&self) -> bool {
        self.to_send
    }

    /// Sends what was pushed, as far as the system takes it, over a connection that is opened to
    /// `server` where there is none.
    pub fn send(&mut self, server: SocketAddr, registry: &Registry, returns: &mut Returns<'_>) {
        self.to_send = false;
        if self.link.is_none() && !self.unsent.is_empty() {
            match Link::open(server, registry, self.token) {
                Ok(link) => self.link = Some(link),
                Err(_) => return self.lose(returns),
            }
        }
        let Some(link) = &mut self.link else {
            return;
        };
        match link.send(&self.unsent) {
            Ok(sent) => drop(self.unsent.drain(..sent)),
            Err(_) => self.lose(returns),
        }
    }

    /// Reads answers, up to a bound. `buffer` has [`READ_BYTES`](crate::framing::READ_BYTES).
    /// Returns whether there may be more.
    pub fn turn(&mut self, buffer: &mut [u8], returns: &mut Returns<'_>) -> bool {
        for _ in 0..READS_PER_TURN {
            let Some(link) = self.link.as_mut().filter(|link| link.is_readable()) else {
                return false;
            };
            let Ok(filled) = link.read(buffer) else {
                self.lose(returns);
                return false;
            };
            let mut used = 0;
            while let Some(answer) = first_message(&buffer[used..filled]) {
                used += LENGTH_BYTES + answer.len();
                match remove_answered(&mut self.pending, answer, |asked| &asked.waiting) {
                    Some(asked) => {
                        link.useful = true;
                        returns.answer(&asked.waiting, answer);
                    }
                    None => returns.meter.add(Count::ForwardUnknown),
                }
            }
            link.unread.extend_from_slice(&buffer[used..filled]);
        }
        true
    }

    /// Ends queries that were waited for long enough.
    pub fn expire(&mut self, now: Time, returns: &mut Returns<'_>) {
        while let Some(asked) = self.pending.remove_expired(now) {
            returns.unanswered(&asked.waiting);
        }
    }

    /// When [`expire`](Self::expire) will have something to do.
    pub fn next_expiry(&self) -> Option<Time> {
        self.pending.next_expiry()
    }

    /// How many queries are open.
    pub fn open(&self) -> usize {
        self.pending.len()
    }

    /// The connection is gone, or was not to be had. If it was of use, a server that closes
    /// connections now and then is there (RFC 7766 §6.2.4), and is asked again what is open;
    /// otherwise nobody is, and nothing more will come.
    fn lose(&mut self, returns: &mut Returns<'_>) {
        self.unsent.clear();
        if self.link.take().is_some_and(|link| link.useful) {
            for (id, asked) in self.pending.by_age() {
                push_query(&mut self.unsent, id, &asked.query);
            }
            self.to_send = !self.unsent.is_empty();
        } else {
            while let Some(asked) = self.pending.remove_oldest() {
                returns.unanswered(&asked.waiting);
            }
        }
    }
}

impl Link {
    fn open(server: SocketAddr, registry: &Registry, token: Token) -> io::Result<Self> {
        let mut stream = TcpStream::connect(server)?;
        // What is sent together is written together.
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

    /// Returns how much the system took; nothing while the connection is being opened.
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

    /// Puts what was unread and what has come since into `buffer`, and says how much that is.
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

/// Appends a query with its length before it, and this id in the place of its own.
fn push_query(out: &mut Vec<u8>, id: u16, query: &[u8]) {
    let start = out.len() + LENGTH_BYTES;
    push_message(out, query);
    out[start..start + 2].copy_from_slice(&id.to_be_bytes());
}
