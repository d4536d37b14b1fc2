//! Future events, in order.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::net::SocketAddr;

use canvass_model::Time;

use super::sockets::Handle;

/// A future event.
#[derive(Debug)]
pub(super) enum Happening {
    /// A datagram arrives at the remote end.
    DatagramAtPeer { from: Handle, octets: Vec<u8> },
    /// A datagram arrives at a socket.
    DatagramHere {
        to: Handle,
        from: SocketAddr,
        octets: Vec<u8>,
    },
    /// A connection is established.
    StreamOpen { to: Handle },
    /// A connection is refused or broken.
    Broken { to: Handle, errno: i32 },
    /// There is room in a send buffer again.
    StreamRoom { to: Handle },
    /// Octets arrive at the remote end.
    OctetsAtPeer { from: Handle, octets: Vec<u8> },
    /// The answer of a resolver over TCP is due.
    AnswerOnStream { to: Handle, message: Vec<u8> },
    /// Octets arrive at a TCP socket.
    OctetsHere { to: Handle, octets: Vec<u8> },
    /// The end of stream of the remote end arrives.
    StreamEnd { to: Handle },
    /// A resolver checks whether a connection was idle since it had received this many octets.
    IdleCheck { to: Handle, received_octets: u64 },
    /// The end of stream of this side arrives at its host.
    EndAtHost { from: Handle },
    /// A host continues its output.
    HostGoesOn { to: Handle, at: Time },
    /// The feeder is asked for jobs.
    AskFeeder { number: u64 },
    /// The next batch of jobs is sent.
    Feed,
    /// The outbox is read.
    Drain,
    /// The run is stopped.
    Interrupt,
    /// The run has another share of its caps.
    Share { share: f64 },
}

#[derive(Debug)]
struct Entry {
    at: Time,
    order: u64,
    happening: Happening,
}

/// Future events. Events at the same time happen in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    entries: BinaryHeap<Reverse<Entry>>,
    order: u64,
}

impl Agenda {
    pub(super) fn add(&mut self, at: Time, happening: Happening) {
        self.order += 1;
        self.entries.push(Reverse(Entry {
            at,
            order: self.order,
            happening,
        }));
    }

    pub(super) fn next(&self) -> Option<Time> {
        self.entries.peek().map(|Reverse(entry)| entry.at)
    }

    /// The next event, if it is due.
    pub(super) fn pop_due(&mut self, now: Time) -> Option<(Time, Happening)> {
        let due = self.next().is_some_and(|at| at <= now);
        let Reverse(entry) = due.then(|| self.entries.pop())??;
        Some((entry.at, entry.happening))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Entry {}
