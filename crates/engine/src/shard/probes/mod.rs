//! Probes of hosts, and what they share.

mod admission;
mod connections;
mod refusals;
mod socket_budget;

use std::collections::VecDeque;

use canvass_model::{ConnectionReport, Outcome, Time};
use canvass_proto::{ConnectionId, Probe};
use smallvec::SmallVec;

use super::Shard;
use crate::caps::slots;
use crate::config::Probing;
use crate::host_gates::{HostGates, HostKey};
use crate::name_cache::NameCache;
use crate::net::{Net, SocketId};
use crate::slab::TaskKey;
use refusals::Refusals;
use socket_budget::SocketBudget;

/// A probe under way, and what it holds.
#[derive(Debug)]
pub(super) struct ProbeTask {
    pub(super) probe: Probe,
    sockets: SmallVec<[(ConnectionId, SocketId); 2]>,
    /// The host it has a permit at.
    host: Option<HostKey>,
    admitted: Time,
    /// How often in a row the system of this machine refused a call for it.
    refusals: u32,
}

impl ProbeTask {
    fn new(now: Time, probe: Probe, host: Option<HostKey>) -> Self {
        Self {
            probe,
            sockets: SmallVec::new(),
            host,
            admitted: now,
            refusals: 0,
        }
    }

    fn socket(&self, connection: ConnectionId) -> Option<SocketId> {
        let mut sockets = self.sockets.iter();
        sockets
            .find(|(whose, _)| *whose == connection)
            .map(|(_, socket)| *socket)
    }

    fn take_socket(&mut self, connection: ConnectionId) -> Option<SocketId> {
        let mut sockets = self.sockets.iter();
        let at = sockets.position(|(whose, _)| *whose == connection)?;
        Some(self.sockets.remove(at).1)
    }
}

/// What the probes of a shard share.
#[derive(Debug)]
pub(super) struct Probes {
    pub(super) hosts: HostGates,
    budget: SocketBudget,
    refusals: Refusals,
    /// Probes that wait for the pace, to begin a further request.
    turns: VecDeque<TaskKey>,
    /// No further request is begun.
    stopped: bool,
}

impl Probes {
    pub(super) fn new(config: &Probing) -> Self {
        Self {
            hosts: HostGates::new(
                config.per_host_max.max(1),
                config.rate_per_host_max_per_second,
            ),
            budget: SocketBudget::new(config.sockets_max),
            refusals: Refusals::default(),
            turns: VecDeque::new(),
            stopped: false,
        }
    }

    /// A probe waits to begin a further request.
    pub(super) fn await_turn(&mut self, key: TaskKey) {
        self.turns.push_back(key);
    }

    /// A probe waits for a socket.
    pub(super) fn await_socket(&mut self, key: TaskKey, connection: ConnectionId) {
        self.budget.enqueue(key, connection);
    }

    /// Follows a change of the run's share of the caps on hosts.
    pub(super) fn follow_share(&mut self, config: &Probing, of_caps: f64) {
        let mut active_max = config.per_host_max.max(1);
        if config.per_host_is_cap {
            active_max = slots(active_max as usize, of_caps) as u32;
        }
        let rate = config.rate_per_host_max_per_second;
        self.hosts
            .set_caps(active_max, rate.map(|rate| rate * of_caps));
    }

    pub(super) fn sockets_open(&self) -> usize {
        self.budget.open()
    }

    pub(super) fn report(&self, names: &NameCache) -> ConnectionReport {
        ConnectionReport {
            names_needed: names.needed,
            names_looked_up: names.looked_up,
            ..self.budget.report()
        }
    }
}

impl<N: Net> Shard<N> {
    /// Hands over one of several outcomes of a probe.
    pub(super) fn report_probe(&mut self, now: Time, key: TaskKey, outcome: Outcome) {
        if let Some(task) = self.tasks.probe(key) {
            let admitted = task.admitted;
            self.push_probe_outcome(now, admitted, outcome);
        }
    }

    /// Gives back what a probe holds, and hands over its outcome.
    pub(super) fn finish_probe(&mut self, now: Time, mut task: ProbeTask) {
        for (_, socket) in std::mem::take(&mut task.sockets) {
            self.close_socket(socket);
        }
        if let Some(host) = task.host {
            self.probes.hosts.leave(now, host);
            self.sender.resume_by(now);
        }
        if task.probe.has_outcome() {
            let outcome = task.probe.finish(now);
            self.push_probe_outcome(now, task.admitted, outcome);
        }
    }

    /// The run is to end: requests that have not begun are not begun.
    pub(super) fn stop_probes(&mut self, now: Time) {
        if std::mem::replace(&mut self.probes.stopped, true) {
            return;
        }
        for key in self.tasks.probe_keys() {
            if let Some(task) = self.tasks.probe(key) {
                task.probe.stop_repeating();
            }
            self.drive(now, key);
        }
        self.probes.turns.clear();
    }

    /// The run is to end at once.
    pub(super) fn cancel_probes(&mut self, now: Time) {
        for key in self.tasks.probe_keys() {
            if let Some(task) = self.tasks.probe(key) {
                task.probe.cancel(now);
            }
            self.drive(now, key);
        }
    }
}
