//! Receives messages and matches them with attempts.

use std::io;
use std::time::Duration;

use canvass_model::{Time, Transport};
use canvass_proto::dns::Message;
use canvass_proto::{LostCause, Reply, ReplyClass, UpstreamId};

use super::Shard;
use super::message_rate::Received;
use super::sockets::{Owner, lost_cause};
use crate::datagram_batch::DatagramBatch;
use crate::net::{Event, Net, SocketId};
use crate::upstream::{Attempt, AttemptKey};

/// Datagrams received in one turn.
const DATAGRAMS_PER_TURN_MAX: usize = 2_048;
/// Datagrams received from one socket before the next has its turn.
const DATAGRAMS_PER_SOCKET_MAX: usize = 256;
/// How long one turn reads: what is read may have to be decoded, or its signatures verified.
const READING_MAX: Duration = Duration::from_millis(10);
/// Reads from streams in one turn.
const READS_PER_TURN_MAX: usize = 256;

/// Why attempts will not be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// They failed.
    By(LostCause),
    /// The system of this machine did not send them.
    Local(LostCause),
    /// The server never took them up.
    Returned,
    /// They are sent in another way.
    TakenBack,
}

impl<N: Net> Shard<N> {
    /// Takes in `events`, and reads what was received. Returns how many messages that was.
    pub(super) fn receive(&mut self, now: Time, events: &[Event]) -> Received {
        let mut now = now;
        for event in events {
            match self.sockets.on_event(event) {
                Some(Owner::Upstream(upstream, Transport::Tcp)) if event.writable => {
                    self.stream_writable(now, upstream, event.socket);
                }
                Some(Owner::Probe(key, connection)) if event.writable => {
                    // Writing takes time, which must not count for what follows.
                    now = self.net.now();
                    self.probe_writable(now, key, connection, event.socket);
                }
                _ => {}
            }
        }
        let mut received = Received::default();
        let mut reads = 0;
        let mut buffer = self.sockets.lend_buffer();
        let mut batch = self.sockets.lend_datagrams();
        let end = now + READING_MAX;
        while received.datagrams < DATAGRAMS_PER_TURN_MAX && reads < READS_PER_TURN_MAX && now < end
        {
            let Some((socket, owner)) = self.sockets.next_readable() else {
                break;
            };
            let drained = match owner {
                Owner::Upstream(upstream, Transport::Udp) => {
                    let count = &mut received;
                    self.receive_datagrams(&mut now, upstream, socket, &mut batch, count)
                }
                Owner::Upstream(upstream, Transport::Tcp) => {
                    reads += 1;
                    let count = &mut received.messages;
                    self.read_stream(now, upstream, socket, &mut buffer, count)
                }
                Owner::Probe(key, connection) => {
                    reads += 1;
                    self.read_probe(now, key, connection, socket, &mut buffer)
                }
            };
            now = self.net.now();
            self.sockets.on_read(socket, drained);
        }
        self.sockets.give_buffer_back(buffer);
        self.sockets.give_datagrams_back(batch);
        received
    }

    /// Receives datagrams until there are none (then true), or it is another socket's turn.
    fn receive_datagrams(
        &mut self,
        now: &mut Time,
        upstream: UpstreamId,
        socket: SocketId,
        batch: &mut DatagramBatch,
        received: &mut Received,
    ) -> bool {
        let place = (upstream, Transport::Udp, socket);
        let end = received.datagrams + DATAGRAMS_PER_SOCKET_MAX;
        for _ in 0..DATAGRAMS_PER_SOCKET_MAX {
            match self.net.recv_batch(socket, batch) {
                Ok(more) => {
                    received.datagrams += batch.len();
                    received.messages += batch.len();
                    for index in 0..batch.len() {
                        let (message, stamp) = batch.get(index);
                        let arrived = self.arrival(now, stamp);
                        if index == 0 {
                            let waited = now.since(arrived);
                            self.upstreams.on_datagrams_read(upstream, waited);
                        }
                        self.on_message(arrived, place, message);
                    }
                    if !more {
                        return true;
                    }
                    if received.datagrams >= end {
                        return false;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let lost = lost_cause(&error);
                    if lost.is_local() {
                        self.count_local_fault(lost);
                        return false;
                    }
                    self.upstreams.on_error(*now, upstream, Transport::Udp);
                    self.lose_datagrams(*now, upstream, socket, lost);
                }
            }
        }
        false
    }

    /// When a datagram arrived that has just been read. `now` is set if the clock is read.
    fn arrival(&mut self, now: &mut Time, stamp: Option<Time>) -> Time {
        // The clock of stamps can be set, and then they are of another time than of that in which
        // the datagram can have arrived.
        let stamp = stamp.filter(|stamp| *stamp >= self.sockets.drained());
        if let Some(stamp) = stamp.filter(|stamp| *stamp <= *now) {
            return stamp;
        }
        // An earlier reading could be of before the datagram arrived, if this thread was held up
        // in between, and the latency would be too short.
        *now = self.net.now();
        stamp.map_or(*now, |stamp| stamp.min(*now))
    }

    /// A message was received. It counts only if an open query of this very socket has its id and
    /// asked its question; otherwise it is dropped and counted, and the wait goes on. Returns what
    /// it says of the upstream, if it counts.
    pub(super) fn on_message(
        &mut self,
        now: Time,
        place: (UpstreamId, Transport, SocketId),
        bytes: &[u8],
    ) -> Option<ReplyClass> {
        let class = self.take_reply(now, place, bytes);
        if class.is_none() {
            self.upstreams.by_id(place.0).tally.mismatched += 1;
        }
        class
    }

    fn take_reply(
        &mut self,
        now: Time,
        place: (UpstreamId, Transport, SocketId),
        bytes: &[u8],
    ) -> Option<ReplyClass> {
        let (upstream, transport, socket) = place;
        let message = Message::new(bytes)?;
        let attempts = self.upstreams.attempts(place)?;
        let attempt = *attempts.by_id(message.id())?;
        let query = self.tasks.query(attempt.task)?;
        if !message.answers(query.question(attempt.question)) {
            return None;
        }
        attempts.remove(message.id());
        let answered = AttemptKey {
            upstream,
            socket,
            id: message.id(),
        };
        let resolver = self.upstreams.by_id(upstream).address;
        let reply = Reply {
            question: attempt.question,
            upstream,
            resolver,
            transport,
            edns: attempt.edns,
            late: attempt.expired,
            message,
        };
        let limits = &self.config.limits;
        // Probes go on from here, and their clocks must not go back.
        let now = if query.is_job() { now } else { self.net.now() };
        let class = query.reply(now, answered, &reply, limits, &mut self.rng);
        self.message_rate
            .on_round_trip(now.nanos_since(attempt.sent));
        let is_first = self
            .upstreams
            .on_reply(now, upstream, transport, &attempt, class);
        if is_first {
            self.draw_in(now, upstream, transport);
        }
        if transport == Transport::Tcp {
            self.upstreams.on_stream_answer(upstream, socket);
        }
        self.drive(now, attempt.task);
        Some(class)
    }

    /// The queries that are out on a datagram socket are lost, since an ICMP error was received.
    pub(super) fn lose_datagrams(
        &mut self,
        now: Time,
        upstream: UpstreamId,
        socket: SocketId,
        lost: LostCause,
    ) {
        let place = (upstream, Transport::Udp, socket);
        let open = self
            .upstreams
            .attempts(place)
            .map(|attempts| attempts.drain());
        let open = open.unwrap_or_default();
        let unexpired = open.iter().filter(|(_, attempt)| !attempt.expired);
        self.report.losses.icmp += unexpired.count() as u64;
        self.lose(now, place, open, Loss::By(lost));
    }

    /// These attempts will not be answered.
    pub(super) fn lose(
        &mut self,
        now: Time,
        place: (UpstreamId, Transport, SocketId),
        open: Vec<(u16, Attempt)>,
        loss: Loss,
    ) {
        let (upstream, transport, socket) = place;
        for (id, attempt) in open {
            self.upstreams.on_dropped(upstream, transport, &attempt);
            let Some(query) = self.tasks.query(attempt.task) else {
                continue;
            };
            query.closed(AttemptKey {
                upstream,
                socket,
                id,
            });
            if !attempt.expired {
                match loss {
                    Loss::By(lost) => {
                        let limits = &self.config.limits;
                        query.lost(now, attempt.question, lost, limits, &mut self.rng);
                    }
                    Loss::Local(fault) => {
                        query.returned(now, attempt.question);
                        query.blocked(fault);
                    }
                    Loss::Returned => query.returned(now, attempt.question),
                    Loss::TakenBack => query.taken_back(now, attempt.question),
                }
            }
            self.drive(now, attempt.task);
        }
    }
}
