//! Which upstreams have stream connections.

use canvass_proto::UpstreamId;

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
