//! Taking in what has come.

use std::io;
use std::time::Duration;

use canvass_model::{Cause, Time, Transport};
use canvass_proto::dns::{MESSAGE_OCTETS_MAX, Message, frame};
use canvass_proto::{LostCause, Reply, UpstreamId};

use super::flow::Taken;
use super::sockets::lost_cause;
use super::{Owner, Shard};
use crate::net::{Net, SocketId};
use crate::upstream::{Attempt, AttemptKey};

/// Room for one read: the longest message and its length.
pub(super) const BUFFER_OCTETS: usize = MESSAGE_OCTETS_MAX + 2;
/// Datagrams taken in one turn.
const DATAGRAMS_PER_TURN_MAX: usize = 2_048;
/// Datagrams taken from one socket before the next has its turn.
const DATAGRAMS_PER_SOCKET_MAX: usize = 256;
/// Datagrams between two looks at the clock.
const DATAGRAMS_PER_CLOCK: usize = 32;
/// How long one turn reads: what is read may take decoding, or checking of signatures.
const READING_MAX: Duration = Duration::from_millis(10);
/// Reads from streams in one turn.
const READS_PER_TURN_MAX: usize = 256;

impl<N: Net> Shard<N> {
    /// Takes in what has come, and says how many messages that was.
    pub(super) fn receive(&mut self, now: Time) -> Taken {
        let mut now = now;
        for at in 0..self.events.len() {
            let event = self.events[at];
            let Some(Some(owned)) = self.owners.get_mut(event.socket.0 as usize) else {
                continue;
            };
            if event.readable && !owned.readable {
                owned.readable = true;
                self.readable.push_back(event.socket);
            }
            owned.closed |= event.closed;
            match owned.owner {
                Owner::Upstream(upstream, Transport::Tcp) if event.writable => {
                    if let Some(lane) = &mut self.upstreams.by_id(upstream).tcp
                        && let Some(connection) = lane.sockets.by_socket(event.socket)
                    {
                        connection.on_writable();
                    }
                    self.flush(now, upstream);
                }
                Owner::Probe(key, connection) if event.writable => {
                    // Writing takes its time, and what comes after is to be measured too.
                    now = self.net.now();
                    self.probe_writable(now, key, connection, event.socket);
                }
                _ => {}
            }
        }
        let before = self.messages;
        let mut datagrams = 0;
        let mut reads = 0;
        let mut buffer = std::mem::take(&mut self.buffer);
        let end = now + READING_MAX;
        while datagrams < DATAGRAMS_PER_TURN_MAX && reads < READS_PER_TURN_MAX && now < end {
            let Some(socket) = self.readable.pop_front() else {
                break;
            };
            // The number may be another socket's by now.
            let Some(owned) = self.owned(socket).filter(|owned| owned.readable) else {
                continue;
            };
            let dry = match owned.owner {
                Owner::Upstream(upstream, Transport::Udp) => {
                    let taken = &mut datagrams;
                    self.receive_datagrams(&mut now, upstream, socket, &mut buffer, taken)
                }
                Owner::Upstream(upstream, Transport::Tcp) => {
                    reads += 1;
                    self.read_stream(now, upstream, socket, &mut buffer)
                }
                Owner::Probe(key, connection) => {
                    reads += 1;
                    self.read_probe(now, key, connection, socket, &mut buffer)
                }
            };
            now = self.net.now();
            if let Some(Some(owned)) = self.owners.get_mut(socket.0 as usize) {
                owned.readable = !dry;
                if !dry {
                    self.readable.push_back(socket);
                }
            }
        }
        self.buffer = buffer;
        Taken {
            messages: self.messages - before,
            datagrams,
        }
    }

    /// Takes datagrams until there are none (then true), or it is another socket's turn.
    fn receive_datagrams(
        &mut self,
        now: &mut Time,
        upstream: UpstreamId,
        socket: SocketId,
        buffer: &mut [u8],
        taken: &mut usize,
    ) -> bool {
        for count in 1..=DATAGRAMS_PER_SOCKET_MAX {
            match self.net.recv(socket, buffer) {
                Ok(octets) => {
                    *taken += 1;
                    // After it is read: this thread may have been held up since the last look,
                    // and nothing can have come sooner than it did.
                    if count % DATAGRAMS_PER_CLOCK == 1 {
                        *now = self.net.now();
                    }
                    let place = (upstream, Transport::Udp, socket);
                    self.on_message(*now, place, &buffer[..octets]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.on_datagram_error(*now, upstream, socket, &error),
            }
        }
        false
    }

    /// Reads once from a stream; returns whether it would block, or is gone.
    fn read_stream(
        &mut self,
        now: Time,
        upstream: UpstreamId,
        socket: SocketId,
        buffer: &mut [u8],
    ) -> bool {
        let read = self.net.read(socket, buffer);
        let now = self.net.now().max(now);
        let octets = match read {
            Ok(0) => {
                self.on_stream_end(now, upstream, socket, None);
                return true;
            }
            Ok(octets) => octets,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return false,
            Err(error) => {
                self.on_stream_end(now, upstream, socket, Some(&error));
                return true;
            }
        };
        let mut joined = match self.connection_partial(upstream, socket) {
            Some(partial) => std::mem::take(partial),
            None => return true,
        };
        let whole = if joined.is_empty() {
            &buffer[..octets]
        } else {
            joined.extend_from_slice(&buffer[..octets]);
            &joined[..]
        };
        let mut rest = whole;
        while let Some((message, after)) = frame::split(rest) {
            self.on_message(now, (upstream, Transport::Tcp, socket), message);
            rest = after;
        }
        let rest = rest.to_vec();
        if let Some(partial) = self.connection_partial(upstream, socket) {
            *partial = rest;
        }
        self.close_if_finished(upstream, socket);
        false
    }

    fn connection_partial(
        &mut self,
        upstream: UpstreamId,
        socket: SocketId,
    ) -> Option<&mut Vec<u8>> {
        let lane = self.upstreams.by_id(upstream).tcp.as_mut()?;
        Some(&mut lane.sockets.by_socket(socket)?.partial)
    }

    /// A message came. It counts only if an open query of this very socket has its id and asked
    /// its question; otherwise it is dropped and counted, and the wait goes on.
    fn on_message(&mut self, now: Time, place: (UpstreamId, Transport, SocketId), bytes: &[u8]) {
        self.messages += 1;
        if !self.take_reply(now, place, bytes) {
            self.upstreams.by_id(place.0).tally.mismatched += 1;
        }
    }

    fn take_reply(
        &mut self,
        now: Time,
        place: (UpstreamId, Transport, SocketId),
        bytes: &[u8],
    ) -> bool {
        let (upstream, transport, socket) = place;
        let Some(message) = Message::new(bytes) else {
            return false;
        };
        let Some(attempts) = self.upstreams.attempts(place) else {
            return false;
        };
        let Some(&attempt) = attempts.by_id(message.id()) else {
            return false;
        };
        let Some(slot) = self.slots.by_key(attempt.slot) else {
            return false;
        };
        if !message.answers(slot.session.question(attempt.question)) {
            return false;
        }
        attempts.remove(message.id());
        let answered = AttemptKey {
            upstream,
            socket,
            id: message.id(),
        };
        slot.open.retain(|open| *open != answered);
        let resolver = self.upstreams.by_id(upstream).address;
        let Attempt { question, edns, .. } = attempt;
        let reply = Reply {
            question,
            upstream,
            resolver,
            transport,
            edns,
            late: attempt.expired,
            message,
        };
        let class = slot
            .session
            .reply(now, &reply, &self.config.limits, &mut self.rng);
        self.upstreams
            .on_reply(now, upstream, transport, &attempt, class);
        if transport == Transport::Tcp
            && let Some(lane) = &mut self.upstreams.by_id(upstream).tcp
            && let Some(connection) = lane.sockets.by_socket(socket)
        {
            connection.answers += 1;
        }
        self.drive(now, attempt.slot);
        true
    }

    /// The system has an error for a datagram socket. What is out on it is lost.
    pub(super) fn on_datagram_error(
        &mut self,
        now: Time,
        upstream: UpstreamId,
        socket: SocketId,
        error: &io::Error,
    ) {
        let lost = lost_cause(error);
        self.upstreams.on_error(now, upstream, Transport::Udp);
        let place = (upstream, Transport::Udp, socket);
        let open = self
            .upstreams
            .attempts(place)
            .map(|attempts| attempts.drain());
        self.lose(now, place, open.unwrap_or_default(), Some(lost));
    }

    /// A stream is over: in good order (`None`), or by an error. What it left unanswered goes
    /// out again; if the connection answered anything, that is no attempt, for it was never
    /// taken up.
    pub(super) fn on_stream_end(
        &mut self,
        now: Time,
        upstream: UpstreamId,
        socket: SocketId,
        error: Option<&io::Error>,
    ) {
        let Some(lane) = &mut self.upstreams.by_id(upstream).tcp else {
            return;
        };
        let Some(mut connection) = lane.sockets.remove(socket) else {
            return;
        };
        let open = connection.attempts.drain();
        let useful = connection.answers > 0;
        // A name that never answers is open on any connection, and shows no limit.
        if useful && open.iter().any(|(_, attempt)| !attempt.expired) {
            lane.sockets.queries_max = Some(connection.answers);
        }
        self.forget(socket);
        let lost = match error {
            _ if useful => None,
            Some(error) => Some(lost_cause(error)),
            None if open.is_empty() => None,
            None => Some(LostCause {
                cause: Cause::Reset,
                errno: None,
            }),
        };
        if lost.is_some() {
            self.upstreams.on_error(now, upstream, Transport::Tcp);
        }
        self.lose(now, (upstream, Transport::Tcp, socket), open, lost);
    }

    /// These attempts will not be answered: lost for a reason, or (`None`) never taken up.
    fn lose(
        &mut self,
        now: Time,
        place: (UpstreamId, Transport, SocketId),
        open: Vec<(u16, Attempt)>,
        lost: Option<LostCause>,
    ) {
        let (upstream, transport, socket) = place;
        for (id, attempt) in open {
            self.upstreams.on_dropped(upstream, transport, &attempt);
            let Some(slot) = self.slots.by_key(attempt.slot) else {
                continue;
            };
            let gone = AttemptKey {
                upstream,
                socket,
                id,
            };
            slot.open.retain(|open| *open != gone);
            if !attempt.expired {
                match lost {
                    Some(lost) => {
                        let limits = &self.config.limits;
                        slot.session
                            .lost(now, attempt.question, lost, limits, &mut self.rng);
                    }
                    None => slot.session.returned(now, attempt.question),
                }
            }
            self.drive(now, attempt.slot);
        }
    }

    /// Closes a connection that has taken all it may and answered all it took.
    pub(super) fn close_if_finished(&mut self, upstream: UpstreamId, socket: SocketId) {
        let Some(lane) = &mut self.upstreams.by_id(upstream).tcp else {
            return;
        };
        if lane.sockets.is_finished(socket) {
            lane.sockets.remove(socket);
            self.forget(socket);
        }
    }
}
