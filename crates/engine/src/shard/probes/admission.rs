//! Which probes go on, and which begin.

use std::sync::Arc;

use canvass_model::{Job, ProbeSpec, Time};
use canvass_proto::{Module, Probe};
use rand::RngExt;
use smallvec::SmallVec;

use super::ProbeSlot;
use crate::host_gates::{HostKey, Waiter};
use crate::net::Net;
use crate::shard::Shard;
use crate::shard::transmit::SendTurn;
use crate::slab::TaskKey;

impl<N: Net> Shard<N> {
    /// Goes on with probes that have waited: for a name, for their host, for a descriptor, for
    /// their turn.
    pub(in crate::shard) fn go_on_with_probes(&mut self, turn: &mut SendTurn) {
        self.take_names(turn.now);
        self.drive_stirred(turn.now);
        self.begin_turns(turn);
        self.open_connections(turn);
        if turn.goes_on() {
            self.admit_parked(turn);
            self.resume_by(self.probes.hosts.next_at());
        }
    }

    pub(super) fn drive_stirred(&mut self, now: Time) {
        while let Some(key) = self.probes.stirred.pop_front() {
            self.drive_probe(now, key);
        }
    }

    /// Takes the job that is staged next. Returns whether another may be looked at.
    pub(in crate::shard) fn admit_probe(&mut self, turn: &mut SendTurn) -> bool {
        if !self.has_probe_room() {
            return false;
        }
        let Some(next) = self.staged.front() else {
            return false;
        };
        let Some(host) = self.probes.hosts.key_of_target(&next.target) else {
            if let Some(job) = self.staged.pop_front() {
                self.begin_probe(turn, job, None);
            }
            return true;
        };
        if let Some(at) = self.pacer.hold(turn.now) {
            self.resume_by(at);
            return false;
        }
        if self.probes.hosts.try_enter(turn.now, host) {
            if let Some(job) = self.staged.pop_front() {
                self.begin_probe(turn, job, Some(host));
            }
        } else if self.probes.hosts.has_parking() {
            if let Some(job) = self.staged.pop_front() {
                self.probes.hosts.park(host, Waiter::Job(job));
            }
        } else {
            return false;
        }
        true
    }

    /// Whether a probe may begin: not before those that have begun have their sockets, or will
    /// need one when their names are known.
    fn has_probe_room(&self) -> bool {
        self.probes.connects.is_empty() && self.probes.slots.len() < self.probes.sockets_max
    }

    /// Admits those who waited for their hosts.
    pub(super) fn admit_parked(&mut self, turn: &mut SendTurn) {
        while turn.goes_on() {
            let room = self.has_room() && self.has_probe_room();
            let Some((host, waiter)) = self.probes.hosts.admit(turn.now, room) else {
                return;
            };
            match waiter {
                Waiter::Job(job) => {
                    if let Some(at) = self.pacer.hold(turn.now) {
                        self.probes.hosts.put_back(turn.now, host, job);
                        return self.resume_by(at);
                    }
                    self.begin_probe(turn, job, Some(host));
                }
                Waiter::Probe(key) => {
                    if self.enters(turn.now, key, host) {
                        self.drive_probe(turn.now, key);
                        self.open_connections(turn);
                    } else {
                        self.probes.hosts.leave_unused(turn.now, host);
                    }
                }
            }
        }
    }

    fn begin_probe(&mut self, turn: &mut SendTurn, job: Job, host: Option<HostKey>) {
        self.report.admitted += 1;
        self.wanting_row = 0;
        turn.count();
        let outcomes = job.spec.outcomes();
        let module = self.module_of(job.spec);
        let nonce = self.rng.random();
        match Probe::new(job, turn.now, module, nonce) {
            Ok(probe) => {
                self.pacer.pass();
                let key = self.probes.slots.insert(ProbeSlot {
                    probe,
                    sockets: SmallVec::new(),
                    host,
                    admitted: turn.now,
                });
                self.count_in_flight();
                self.drive_probe(turn.now, key);
                self.open_connections(turn);
            }
            Err(outcome) => {
                if let Some(host) = host {
                    self.probes.hosts.leave(turn.now, host);
                }
                // What cannot begin cannot begin again either.
                self.report.admitted += outcomes - 1;
                for _ in 1..outcomes {
                    self.push_outcome(turn.now, outcome.clone());
                }
                self.push_outcome(turn.now, outcome);
            }
        }
    }

    fn module_of(&self, spec: ProbeSpec) -> Arc<Module> {
        let (ProbeSpec::Http { module, .. }
        | ProbeSpec::Tcp { module }
        | ProbeSpec::Udp { module }) = spec
        else {
            unreachable!("questions to resolvers are not admitted here");
        };
        Arc::clone(&self.config.probing.modules[usize::from(module.0)])
    }

    /// Gives a probe the permit it waits for; it may have gone elsewhere, or be gone.
    fn enters(&mut self, now: Time, key: TaskKey, host: HostKey) -> bool {
        let hosts = &self.probes.hosts;
        let waits = |slot: &&mut ProbeSlot| {
            slot.host.is_none()
                && slot.probe.is_entering()
                && hosts.key_of(slot.probe.host()) == host
        };
        let Some(slot) = self.probes.slots.by_key(key).filter(waits) else {
            return false;
        };
        slot.host = Some(host);
        slot.probe.entered(now);
        true
    }

    /// A redirect led to another host.
    pub(super) fn change_host(&mut self, now: Time, key: TaskKey) {
        let Some(slot) = self.probes.slots.by_key(key) else {
            return;
        };
        if let Some(old) = slot.host.take() {
            self.probes.hosts.leave(now, old);
        }
        let Some(slot) = self.probes.slots.by_key(key) else {
            return;
        };
        let host = self.probes.hosts.key_of(slot.probe.host());
        if self.probes.hosts.try_enter(now, host) {
            slot.host = Some(host);
            slot.probe.entered(now);
        } else {
            self.probes.hosts.park(host, Waiter::Probe(key));
        }
        self.resume_by(now);
    }

    /// Begins further requests on connections that are kept, as the pace allows.
    pub(super) fn begin_turns(&mut self, turn: &mut SendTurn) {
        for _ in 0..self.probes.turns.len() {
            if let Some(at) = self.pacer.hold(turn.now) {
                return self.resume_by(at);
            }
            let Some(key) = self.probes.turns.pop_front() else {
                return;
            };
            let Some(slot) = self.probes.slots.by_key(key) else {
                continue;
            };
            if let Some(host) = slot.host
                && let Some(at) = self.probes.hosts.pace(turn.now, host)
            {
                self.probes.turns.push_back(key);
                self.resume_by(at);
                continue;
            }
            // Who waits for room in the outbox must not be overtaken without end.
            if self.finished.weight() >= self.config.jobs_max {
                self.probes.turns.push_front(key);
                return;
            }
            self.pacer.pass();
            turn.now = self.net.now();
            if let Some(slot) = self.probes.slots.by_key(key)
                && slot.probe.granted(turn.now)
            {
                slot.admitted = turn.now;
                self.report.admitted += 1;
            }
            self.drive_probe(turn.now, key);
        }
    }
}
