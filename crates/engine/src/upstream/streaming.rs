//! Which upstreams have stream connections.

use canvass_proto::UpstreamId;

use super::Upstreams;
use crate::net::SocketId;

/// The upstreams with stream connections, and what is to be closed.
#[derive(Debug, Default)]
pub(super) struct Streaming {
    open: Vec<UpstreamId>,
    silent: Vec<UpstreamId>,
    stuck: Vec<(UpstreamId, SocketId)>,
    given_up: Vec<UpstreamId>,
}

impl Streaming {
    /// An upstream has opened a connection.
    pub(super) fn on_opened(&mut self, id: UpstreamId) {
        self.open.push(id);
    }

    /// Takes the upstreams that may have connections, each once and in a fixed order.
    pub(super) fn take(&mut self) -> Vec<UpstreamId> {
        let mut open = std::mem::take(&mut self.open);
        open.sort_unstable_by_key(|id| id.0);
        open.dedup();
        open
    }

    /// Takes back those that still have connections, besides those that opened one meanwhile.
    pub(super) fn give_back(
        &mut self,
        mut taken: Vec<UpstreamId>,
        has_streams: impl FnMut(&UpstreamId) -> bool,
    ) {
        taken.retain(has_streams);
        taken.append(&mut self.open);
        self.open = taken;
    }

    /// An upstream was benched for silence on its connections.
    pub(super) fn on_silent(&mut self, id: UpstreamId) {
        self.silent.push(id);
    }

    /// Takes the upstreams whose connections are to be closed.
    pub(super) fn take_silent(&mut self) -> Vec<UpstreamId> {
        std::mem::take(&mut self.silent)
    }

    /// Streams of an upstream were in use by choice, and are given up.
    pub(super) fn on_given_up(&mut self, id: UpstreamId) {
        self.given_up.push(id);
    }

    /// Takes the upstreams whose queries are to be taken back from streams.
    pub(super) fn take_given_up(&mut self) -> Vec<UpstreamId> {
        std::mem::take(&mut self.given_up)
    }

    /// A query has expired on a connection that waits for the rest of a message.
    pub(super) fn on_stuck(&mut self, id: UpstreamId, socket: SocketId) {
        self.stuck.push((id, socket));
    }

    /// Takes the connections that wait in vain for the rest of a message.
    pub(super) fn take_stuck(&mut self) -> Vec<(UpstreamId, SocketId)> {
        std::mem::take(&mut self.stuck)
    }
}

impl Upstreams {
    /// An upstream has opened a stream connection.
    pub(crate) fn on_stream_opened(&mut self, id: UpstreamId) {
        self.by_id(id).tally.connections += 1;
        self.streaming.on_opened(id);
    }

    /// A reply that matches an attempt was received on a stream connection.
    pub(crate) fn on_stream_answer(&mut self, id: UpstreamId, socket: SocketId) {
        if let Some(lane) = &mut self.by_id(id).tcp
            && let Some(connection) = lane.sockets.by_socket(socket)
        {
            connection.answers += 1;
        }
    }

    /// Takes the list of upstreams that may have stream connections, to write to them. It is to be
    /// given back.
    pub(crate) fn take_streaming(&mut self) -> Vec<UpstreamId> {
        self.streaming.take()
    }

    /// Gives back what [`Self::take_streaming`] returned.
    pub(crate) fn give_streaming_back(&mut self, taken: Vec<UpstreamId>) {
        let has_streams = |id: &UpstreamId| {
            let lane = &self.list[usize::from(id.0)].tcp;
            lane.as_ref()
                .is_some_and(|lane| lane.sockets.sockets().next().is_some())
        };
        self.streaming.give_back(taken, has_streams);
    }

    /// Takes the upstreams that were benched on streams for silence, to close their connections.
    pub(crate) fn take_silent(&mut self) -> Vec<UpstreamId> {
        self.streaming.take_silent()
    }

    /// Takes the upstreams whose streams were given up, to take back the queries that are out on
    /// them.
    pub(crate) fn take_given_up(&mut self) -> Vec<UpstreamId> {
        let given_up = self.streaming.take_given_up();
        for id in &given_up {
            self.by_id(*id).choice.on_taken_back();
        }
        given_up
    }

    /// Takes the connections that wait for the rest of a message that will not come, to close
    /// them.
    pub(crate) fn take_stuck(&mut self) -> Vec<(UpstreamId, SocketId)> {
        self.streaming.take_stuck()
    }
}
