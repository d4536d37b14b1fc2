//! What is going to happen, in order.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::net::SocketAddr;

use canvass_model::Time;

use super::sockets::Handle;

/// Something that is going to happen.
#[derive(Debug)]
pub(super) enum Happening {
    /// A datagram arrives where its socket leads to.
    DatagramAtPeer { from: Handle, octets: Vec<u8> },
    /// A datagram arrives at a socket.
    DatagramHere {
        to: Handle,
        from: SocketAddr,
        octets: Vec<u8>,
    },
    /// A connection is there.
    StreamOpen { to: Handle },
    /// A system says that nobody listens there, or a connection is broken.
    Broken { to: Handle, errno: i32 },
    /// The system has room for a stream's octets again.
    StreamRoom { to: Handle },
    /// Octets arrive at the other end.
    OctetsAtPeer { from: Handle, octets: Vec<u8> },
    /// The time of a resolver's answer on a stream has come.
    AnswerOnStream { to: Handle, message: Vec<u8> },
    /// Octets arrive at a stream.
    OctetsHere { to: Handle, octets: Vec<u8> },
    /// The other side's end of a stream arrives.
    StreamEnd { to: Handle },
    /// A resolver looks whether a stream was idle since it had so many octets.
    IdleCheck { to: Handle, heard_octets: u64 },
    /// This side's end of a stream arrives at its host.
    EndAtHost { from: Handle },
    /// A host goes on with what it has to say.
    HostGoesOn { to: Handle, at: Time },
    /// The next batch of jobs is fed.
    Feed,
    /// The outbox is looked at.
    Drain,
    /// The run is stopped.
    Interrupt,
}

#[derive(Debug)]
struct Entry {
    at: Time,
    order: u64,
    happening: Happening,
}

/// What is going to happen. Of two things at the same time, the one that was set down first
/// happens first.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    entries: BinaryHeap<Reverse<Entry>>,
    order: u64,
}

impl Agenda {
    pub fn add(&mut self, at: Time, happening: Happening) {
        self.order += 1;
        self.entries.push(Reverse(Entry {
            at,
            order: self.order,
            happening,
        }));
    }

    pub fn next(&self) -> Option<Time> {
        self.entries.peek().map(|Reverse(entry)| entry.at)
    }

    /// Takes the next one, if its time has come.
    pub fn pop_due(&mut self, now: Time) -> Option<(Time, Happening)> {
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
