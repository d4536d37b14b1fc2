//! How many sockets probes may have open, and which of them wait for one.

use std::collections::VecDeque;
use std::time::Duration;

use canvass_model::{ConnectionReport, Time};
use canvass_proto::ConnectionId;

use crate::slab::TaskKey;

/// How long to wait when the system has no descriptor or no local port left.
const SHORTAGE_WAIT: Duration = Duration::from_millis(10);

/// The sockets that probes have open, and the connections that wait for one.
#[derive(Debug)]
pub(super) struct SocketBudget {
    open: usize,
    waiting: VecDeque<(TaskKey, ConnectionId)>,
    /// Until when no socket is opened, since the system had none left.
    shortage_end: Time,
    report: ConnectionReport,
}

impl SocketBudget {
    pub(super) fn new(sockets_max: usize) -> Self {
        Self {
            open: 0,
            waiting: VecDeque::new(),
            shortage_end: Time::ZERO,
            report: ConnectionReport {
                open_limit: sockets_max.max(1) as u64,
                ..ConnectionReport::default()
            },
        }
    }

    pub(super) fn report(&self) -> ConnectionReport {
        self.report
    }

    /// The number of sockets open.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// The number of sockets that may be open at once.
    pub(super) fn max(&self) -> usize {
        self.report.open_limit as usize
    }

    pub(super) fn is_spent(&self) -> bool {
        self.open >= self.max()
    }

    pub(super) fn enqueue(&mut self, key: TaskKey, connection: ConnectionId) {
        self.waiting.push_back((key, connection));
    }

    pub(super) fn next(&mut self) -> Option<(TaskKey, ConnectionId)> {
        self.waiting.pop_front()
    }

    /// Whether any connection waits for a socket.
    pub(super) fn is_awaited(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The probes that wait for a socket.
    pub(super) fn waiting(&self) -> impl Iterator<Item = TaskKey> {
        self.waiting.iter().map(|(key, _)| *key)
    }

    /// A socket was opened.
    pub(super) fn on_opened(&mut self) {
        self.open += 1;
        self.report.opened += 1;
        self.report.open_max = self.report.open_max.max(self.open as u64);
    }

    /// A socket was closed.
    pub(super) fn on_closed(&mut self) {
        self.open -= 1;
    }

    /// The system had no socket for a connection. It waits behind all others: a port may be free
    /// for another peer. Returns until when none is opened.
    pub(super) fn on_shortage(
        &mut self,
        now: Time,
        key: TaskKey,
        connection: ConnectionId,
    ) -> Time {
        self.report.waited_for_descriptor += 1;
        self.enqueue(key, connection);
        self.pause(now);
        self.shortage_end
    }

    /// The system is short of something: no socket is opened for a while.
    pub(super) fn pause(&mut self, now: Time) {
        self.shortage_end = now + SHORTAGE_WAIT;
    }

    /// Until when no socket is opened, if the system had none left a moment ago.
    pub(super) fn shortage(&self, now: Time) -> Option<Time> {
        Some(self.shortage_end).filter(|end| *end > now)
    }
}
