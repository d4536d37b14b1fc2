//! Passing queries on to another DNS server, and its answers back.
//!
//! No resolver: nothing is cached, asked again or judged. A query leaves by the transport it came
//! by, with an id of its own; an answer is believed if it has an open query's id, on its socket,
//! and its question. What happens to it then, and when, is what the script has planned.

mod datagrams;
mod flight;
mod pending;
mod stream;
mod waiting;

use std::io;
use std::net::{SocketAddr, UdpSocket};

use canvass_model::Time;
use mio::event::Event;
use mio::{Registry, Token};
use smallvec::SmallVec;

use crate::batch::QUERY_BYTES_MAX;
use crate::destination::Destination;
use crate::framing::READ_BYTES;
use crate::report::{Count, Meter};
use crate::script::Delivery;
use datagrams::Datagrams;
use pending::ANSWER_WAIT_MAX;
use stream::Stream;
use waiting::{Waiting, is_query};

pub(crate) use waiting::{GivenUp, Returns};

/// Sockets that datagrams leave by. Each has a receive buffer of its own, and a server with
/// several workers shares flows out among them.
pub(crate) const SOCKETS: usize = 8;
/// Connections to the server. The queries of one of the client's keep to one.
const STREAMS: usize = 4;
/// Poll tokens it takes.
pub(crate) const TOKENS: usize = SOCKETS + STREAMS;

/// The server that is forwarded to, and sockets connected to it.
pub(crate) struct Target {
    pub address: SocketAddr,
    /// [`SOCKETS`] of them.
    pub sockets: Vec<UdpSocket>,
}

/// What passes queries on. It is handed the time.
pub(crate) struct Forwarder {
    server: SocketAddr,
    registry: Registry,
    token_first: usize,
    datagrams: Datagrams,
    streams: [Stream; STREAMS],
    buffer: Box<[u8]>,
    /// When the oldest query may have been waited for long enough. Looked at again only then:
    /// nearly every query is answered long before.
    next_expiry: Option<Time>,
}

impl Forwarder {
    /// Forwards to a server. Its tokens begin at `token_first`, and there are [`TOKENS`].
    pub fn new(target: Target, registry: Registry, token_first: usize) -> io::Result<Self> {
        let datagrams = Datagrams::new(target.sockets, &registry, token_first)?;
        let stream = |index| Stream::new(Token(token_first + SOCKETS + index));
        Ok(Self {
            server: target.address,
            registry,
            token_first,
            datagrams,
            streams: std::array::from_fn(stream),
            buffer: vec![0; READ_BYTES].into(),
            next_expiry: None,
        })
    }

    /// Takes an event of a socket or a connection down.
    pub fn note(&mut self, event: &Event) {
        let index = event.token().0 - self.token_first;
        match index.checked_sub(SOCKETS) {
            None => self.datagrams.note(index),
            Some(index) => self.streams[index].note(event),
        }
    }

    /// Whether a message is passed on: it is a query, and no longer than one.
    pub fn takes(message: &[u8]) -> bool {
        is_query(message) && message.len() <= QUERY_BYTES_MAX
    }

    /// Takes a query in that it [`takes`](Self::takes); it leaves at the next
    /// [`turn`](Self::turn), or when the server can be expected to have room for it. Returns how
    /// many replies may come of it.
    pub fn pass_on(
        &mut self,
        received: Time,
        query: &[u8],
        back: Destination,
        deliveries: SmallVec<[Delivery; 1]>,
        meter: &Meter,
    ) -> u32 {
        let replies = deliveries.len() as u32;
        let waiting = Waiting::new(received, back, query, deliveries);
        let taken = match back {
            Destination::Udp { .. } => self.datagrams.push(query, waiting),
            Destination::Tcp { slot, .. } => self.streams[slot % STREAMS].push(query, waiting),
        };
        if !taken {
            meter.add(Count::ForwardFull);
            return 0;
        }
        meter.add(Count::Forwarded);
        self.next_expiry.get_or_insert(received + ANSWER_WAIT_MAX);
        replies
    }

    /// Sends what was taken in, takes answers, and ends what was waited for long enough. Returns
    /// whether there may be more to do at once.
    pub fn turn(&mut self, now: Time, returns: &mut Returns<'_>) -> bool {
        // Each answer may make room for a query.
        let mut more = self.datagrams.turn(returns);
        self.datagrams.send(now, returns);
        for stream in &mut self.streams {
            if stream.has_to_send() {
                stream.send(self.server, &self.registry, returns);
            }
            more |= stream.turn(&mut self.buffer, returns);
            // A connection that closed may have left something for the next one.
            more |= stream.has_to_send();
        }
        if self.next_expiry.is_some_and(|at| at <= now) {
            self.expire(now, returns);
        }
        more
    }

    /// When there will be something to do, whatever comes before.
    pub fn next_wake(&self) -> Option<Time> {
        let send = self.datagrams.next_send();
        self.next_expiry.into_iter().chain(send).min()
    }

    /// Counts what is still open when the lab ends.
    pub fn end(&self, meter: &Meter) {
        let streams = self.streams.iter().map(Stream::open).sum::<usize>();
        let open = self.datagrams.open() + streams;
        meter.add_many(Count::ForwardUnanswered, open as u64);
    }

    fn expire(&mut self, now: Time, returns: &mut Returns<'_>) {
        self.datagrams.expire(now, returns);
        for stream in &mut self.streams {
            stream.expire(now, returns);
        }
        let streams = self.streams.iter().filter_map(Stream::next_expiry);
        self.next_expiry = streams.chain(self.datagrams.next_expiry()).min();
    }
}

#[cfg(test)]
mod tests;
