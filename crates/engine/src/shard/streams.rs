//! DNS over streams: connections of upstreams, many queries in a write (RFC 7766).

use std::io;

use canvass_model::{Cause, Time, Transport};
use canvass_proto::connection::Received;
use canvass_proto::dns::Message;
use canvass_proto::tls::TlsFault;
use canvass_proto::{LostCause, QuestionId, ReplyClass, UpstreamId};

use super::Shard;
use super::receive::Loss;
use super::sockets::{Owner, lost_cause};
use crate::net::{Net, SocketId};
use crate::slab::TaskKey;

/// A message of the stream does not have the length before it, so where the next one begins is not
/// known.
const MISFRAMED: LostCause = LostCause {
    cause: Cause::Malformed,
    errno: None,
};

impl<N: Net> Shard<N> {
    /// Appends a query to what a connection has to write; `Ok(None)` when there is no room for it
    /// now.
    pub(super) fn write_to_stream(
        &mut self,
        key: TaskKey,
        question: QuestionId,
        upstream: UpstreamId,
    ) -> io::Result<Option<(SocketId, u16, bool)>> {
        let known_edns = self.upstreams.by_id(upstream).edns;
        let Some(lane) = &mut self.upstreams.by_id(upstream).tcp else {
            return Ok(None);
        };
        let Some((at, opened)) = lane.sockets.pick(&mut self.net)? else {
            return Ok(None);
        };
        let stream = lane.sockets.at(at);
        let socket = stream.socket;
        let id = stream.attempts.draw_id(&mut self.rng);
        let Some(query) = self.tasks.query(key) else {
            return Ok(None);
        };
        let limits = &self.config.limits;
        let mut edns = false;
        stream.send(|out| edns = query.write_query(question, id, known_edns, limits, out));
        if opened {
            self.upstreams.on_stream_opened(upstream);
            let owner = Owner::Upstream(upstream, Transport::Tcp);
            self.sockets.insert(socket, owner, false);
        }
        Ok(Some((socket, id, edns)))
    }

    /// A connection has room to write again.
    pub(super) fn stream_writable(&mut self, now: Time, upstream: UpstreamId, socket: SocketId) {
        if let Some(lane) = &mut self.upstreams.by_id(upstream).tcp
            && let Some(stream) = lane.sockets.by_socket(socket)
        {
            stream.on_writable();
        }
        self.flush(now, upstream);
    }

    /// Writes the queries that this turn appended to connections.
    pub(super) fn flush_all(&mut self) {
        let upstreams = self.upstreams.take_streaming();
        if upstreams.is_empty() {
            return;
        }
        let now = self.net.now();
        for upstream in &upstreams {
            self.flush(now, *upstream);
        }
        self.upstreams.give_streaming_back(upstreams);
    }

    fn flush(&mut self, now: Time, upstream: UpstreamId) {
        while let Some(lane) = &mut self.upstreams.by_id(upstream).tcp {
            let Some(socket) = lane.sockets.unflushed() else {
                return;
            };
            let Some(stream) = lane.sockets.by_socket(socket) else {
                return;
            };
            match stream.flush(&mut self.net) {
                Ok(0) => {}
                Ok(_) => {
                    self.upstreams.on_written(upstream);
                    self.outage.on_sent();
                }
                Err(error) => {
                    self.on_stream_end(now, upstream, socket, Some(lost_cause(&error)));
                    // Its queries are to be sent again, and this turn's look at those is over.
                    self.sender.resume_by(now);
                }
            }
        }
    }

    /// Reads once from a connection. Returns whether it would block, or is gone.
    pub(super) fn read_stream(
        &mut self,
        now: Time,
        upstream: UpstreamId,
        socket: SocketId,
        buffer: &mut [u8],
        messages: &mut usize,
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
                self.on_stream_end(now, upstream, socket, Some(lost_cause(&error)));
                return true;
            }
        };
        let Some(lane) = &mut self.upstreams.by_id(upstream).tcp else {
            return true;
        };
        let Some(stream) = lane.sockets.by_socket(socket) else {
            return true;
        };
        let Received { mut frames, fault } = stream.received(now, &buffer[..octets]);
        let mut lost = fault.map(|TlsFault { cause, .. }| LostCause { cause, errno: None });
        if stream.is_overlong() {
            lost = Some(MISFRAMED);
        }
        while let Some(message) = frames.next_message() {
            *messages += 1;
            let class = self.on_message(now, (upstream, Transport::Tcp, socket), message);
            if matches!(class, None | Some(ReplyClass::Unusable)) && !is_whole(message) {
                lost = Some(MISFRAMED);
                break;
            }
        }
        if lost.is_some() {
            self.on_stream_end(now, upstream, socket, lost);
            return true;
        }
        self.close_if_finished(upstream, socket);
        false
    }

    /// A connection has ended: in good order (`None`), or by a fault, which may be one of this machine.
    /// Its unanswered queries are
    /// sent again. If the connection answered anything, that does not count as an attempt, since
    /// the server never took them up.
    fn on_stream_end(
        &mut self,
        now: Time,
        upstream: UpstreamId,
        socket: SocketId,
        fault: Option<LostCause>,
    ) {
        let lane = &mut self.upstreams.by_id(upstream).tcp;
        let removed = lane.as_mut().and_then(|lane| lane.sockets.remove(socket));
        let Some(mut stream) = removed else {
            return;
        };
        let open = stream.attempts.drain();
        self.sockets.close(&mut self.net, socket);
        let place = (upstream, Transport::Tcp, socket);
        if let Some(local) = fault.filter(|fault| fault.is_local()) {
            let again = self.on_local_fault(now, upstream, Transport::Tcp, local);
            self.sender.resume_by(again);
            return self.lose(now, place, open, Loss::Local(local));
        }
        let useful = stream.answers > 0;
        // A name that is never answered is open on any connection, and shows no limit.
        let is_cut_short = useful && open.iter().any(|(_, attempt)| !attempt.expired);
        if is_cut_short {
            if let Some(lane) = &mut self.upstreams.by_id(upstream).tcp {
                lane.sockets.queries_max = Some(stream.answers);
            }
            let is_misframed = fault == Some(MISFRAMED);
            self.upstreams
                .on_stream_cut(now, upstream, stream.answers, is_misframed);
        }
        let lost = match fault {
            _ if useful => None,
            Some(fault) => Some(fault),
            None if open.is_empty() => None,
            None => Some(LostCause {
                cause: Cause::Reset,
                errno: None,
            }),
        };
        match lost {
            Some(MISFRAMED) => self.upstreams.on_misframed(now, upstream),
            Some(_) => self.upstreams.on_error(now, upstream, Transport::Tcp),
            None => {}
        }
        let loss = lost.map_or(Loss::Returned, Loss::By);
        self.lose(now, place, open, loss);
    }

    /// Closes the connections of upstreams whose streams are given up. What is out on them goes by
    /// datagram.
    pub(super) fn take_back_from_streams(&mut self, now: Time) {
        for upstream in self.upstreams.take_given_up() {
            let Some(lane) = &mut self.upstreams.by_id(upstream).tcp else {
                continue;
            };
            for mut stream in lane.sockets.remove_all() {
                self.sockets.close(&mut self.net, stream.socket);
                let place = (upstream, Transport::Tcp, stream.socket);
                self.lose(now, place, stream.attempts.drain(), Loss::TakenBack);
            }
        }
    }

    /// Closes a connection that has taken all the queries it may and answered all of them.
    pub(super) fn close_if_finished(&mut self, upstream: UpstreamId, socket: SocketId) {
        let Some(lane) = &mut self.upstreams.by_id(upstream).tcp else {
            return;
        };
        if lane.sockets.is_finished(socket) {
            lane.sockets.remove(socket);
            self.sockets.close(&mut self.net, socket);
        }
    }

    /// Closes the connections that wait for the rest of a message that will not come: the next
    /// answer would be taken for it, and all that follow would be misread.
    pub(super) fn close_stuck(&mut self, now: Time) {
        for (upstream, socket) in self.upstreams.take_stuck() {
            self.on_stream_end(now, upstream, socket, Some(MISFRAMED));
        }
    }

    /// Closes the connections of upstreams that were benched for silence: the query that tests
    /// whether they are back must not use a connection that a middlebox has forgotten.
    pub(super) fn close_silent(&mut self, now: Time) {
        for upstream in self.upstreams.take_silent() {
            let lane = &self.upstreams.by_id(upstream).tcp;
            let sockets: Vec<SocketId> = lane
                .iter()
                .flat_map(|lane| lane.sockets.sockets())
                .collect();
            for socket in sockets {
                let silent = LostCause {
                    cause: Cause::Timeout,
                    errno: None,
                };
                self.on_stream_end(now, upstream, socket, Some(silent));
            }
        }
    }
}

/// Whether these octets are one message and nothing else.
fn is_whole(octets: &[u8]) -> bool {
    Message::new(octets).is_some_and(|message| message.end() == Some(octets.len()))
}
