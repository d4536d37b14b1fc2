//! Probes of hosts under way, and what they share.

mod admission;
mod connections;

use std::collections::VecDeque;

use canvass_model::{ConnectionReport, Outcome, Time, Verdict};
use canvass_proto::{ConnectionId, Output, Probe};
use smallvec::SmallVec;

use super::Shard;
use crate::config::Probing;
use crate::host_gates::{HostGates, HostKey};
use crate::name_cache::NameCache;
use crate::net::{Net, SocketId};
use crate::slab::{Slab, TaskKey};
use crate::wheel::Wheel;

/// A probe under way.
#[derive(Debug)]
pub(super) struct ProbeSlot {
    pub(super) probe: Probe,
    sockets: SmallVec<[(ConnectionId, SocketId); 2]>,
    /// The host it has a permit at.
    host: Option<HostKey>,
    admitted: Time,
}

/// Probes of hosts, and what they share.
#[derive(Debug)]
pub(super) struct Probes {
    pub(super) slots: Slab<ProbeSlot>,
    pub(super) wheel: Wheel,
    pub(super) hosts: HostGates,
    pub(super) names: NameCache,
    /// Lookups of names that are under way.
    pub(super) lookups: usize,
    /// Probes that were told something, and are to be driven.
    pub(super) stirred: VecDeque<TaskKey>,
    /// Connections to be opened, and requests to be begun on ones that are kept.
    connects: VecDeque<(TaskKey, ConnectionId)>,
    turns: VecDeque<TaskKey>,
    pub(super) sockets_open: usize,
    sockets_max: usize,
    /// Until when nothing is opened, since the system had nothing left.
    shortage_end: Time,
    /// When a probe was last answered.
    pub(super) answered_at: Time,
    /// No further request is begun.
    stopped: bool,
    report: ConnectionReport,
}

impl Probes {
    pub(super) fn new(config: &Probing) -> Self {
        Self {
            slots: Slab::new(),
            wheel: Wheel::new(),
            hosts: HostGates::new(
                config.per_host_max.max(1),
                config.rate_per_host_max_per_second,
            ),
            names: NameCache::default(),
            lookups: 0,
            stirred: VecDeque::new(),
            connects: VecDeque::new(),
            turns: VecDeque::new(),
            sockets_open: 0,
            sockets_max: config.sockets_max.max(1),
            shortage_end: Time::ZERO,
            answered_at: Time::ZERO,
            stopped: false,
            report: ConnectionReport::default(),
        }
    }

    pub(super) fn report(&self) -> ConnectionReport {
        ConnectionReport {
            open_limit: self.sockets_max as u64,
            names_needed: self.names.needed,
            names_looked_up: self.names.looked_up,
            ..self.report
        }
    }

    fn socket_of(&mut self, key: TaskKey, connection: ConnectionId) -> Option<SocketId> {
        let slot = self.slots.by_key(key)?;
        let mut sockets = slot.sockets.iter();
        sockets
            .find(|(whose, _)| *whose == connection)
            .map(|(_, socket)| *socket)
    }
}

impl<N: Net> Shard<N> {
    pub(super) fn count_in_flight(&mut self) {
        let under_way = self.jobs_under_way() as u64;
        self.report.in_flight_max = self.report.in_flight_max.max(under_way);
    }

    /// Does what a probe wants, until it wants to wait.
    pub(super) fn drive_probe(&mut self, now: Time, key: TaskKey) {
        while let Some(slot) = self.probes.slots.by_key(key) {
            match slot.probe.poll(now) {
                Output::Resolve => self.look_up_for(now, key),
                Output::AcquireHost => self.change_host(now, key),
                Output::AcquireTurn => {
                    self.probes.turns.push_back(key);
                    self.resume_by(now);
                }
                Output::Connect(connection) => self.probes.connects.push_back((key, connection)),
                Output::Write(connection) => self.write_probe(now, key, connection),
                Output::ShutWrite(connection) => {
                    if let Some(socket) = self.probes.socket_of(key, connection) {
                        // A peer that is gone is heard of by reading.
                        let _ = self.net.shut_write(socket);
                    }
                }
                Output::Close(connection) => self.close_probe_socket(key, connection),
                Output::Report(mut outcome) => {
                    outcome.stalled = slot.admitted < self.stall_end;
                    self.push_probe_outcome(now, *outcome);
                }
                Output::Wait(until) => {
                    self.probes.wheel.set(key.index, until);
                    return;
                }
                Output::Finish => return self.finish_probe(now, key),
                other => unreachable!("a probe sends no queries: {other:?}"),
            }
        }
    }

    fn finish_probe(&mut self, now: Time, key: TaskKey) {
        let Some(mut slot) = self.probes.slots.remove(key) else {
            return;
        };
        self.probes.wheel.clear(key.index);
        for (_, socket) in std::mem::take(&mut slot.sockets) {
            self.close_socket(socket);
        }
        if let Some(host) = slot.host {
            self.probes.hosts.leave(now, host);
            self.resume_by(now);
        }
        if slot.probe.has_outcome() {
            let mut outcome = slot.probe.finish(now);
            outcome.stalled = slot.admitted < self.stall_end;
            self.push_probe_outcome(now, outcome);
        }
    }

    fn push_probe_outcome(&mut self, now: Time, outcome: Outcome) {
        if outcome.verdict == Verdict::Answered {
            self.probes.answered_at = now;
        }
        self.push_outcome(now, outcome);
    }

    /// The run is to end: requests that have not begun are not begun.
    pub(super) fn stop_probes(&mut self, now: Time) {
        if std::mem::replace(&mut self.probes.stopped, true) {
            return;
        }
        for key in self.probes.slots.keys() {
            if let Some(slot) = self.probes.slots.by_key(key) {
                slot.probe.stop_repeating();
            }
            self.drive_probe(now, key);
        }
        self.probes.turns.clear();
    }

    /// The run is to end at once.
    pub(super) fn cancel_probes(&mut self, now: Time) {
        for key in self.probes.slots.keys() {
            if let Some(slot) = self.probes.slots.by_key(key) {
                slot.probe.cancel(now);
            }
            self.drive_probe(now, key);
        }
    }
}
