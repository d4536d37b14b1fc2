//! Begins probes, and goes on with those that waited.

use std::sync::Arc;

use canvass_model::{Job, ProbeSpec, Time};
use canvass_proto::{Module, Probe};
use rand::RngExt;

use super::ProbeTask;
use crate::host_gates::{HostKey, Waiter};
use crate::net::Net;
use crate::shard::Shard;
use crate::shard::tasks::Task;
use crate::shard::transmit::SendTurn;
use crate::slab::TaskKey;

impl<N: Net> Shard<N> {
    /// Goes on with probes that waited for a name, for their host, for a socket or for the pace.
    pub(in crate::shard) fn go_on_with_probes(&mut self, turn: &mut SendTurn) {
        self.take_names(turn.now);
        self.drive_ready(turn.now);
        self.begin_turns(turn);
        self.repeat_refused(turn);
        self.open_connections(turn);
        if turn.goes_on() {
            self.admit_parked(turn);
            let at = self.probes.hosts.next_at();
            self.sender.resume_by(at);
        }
    }

    pub(super) fn drive_ready(&mut self, now: Time) {
        while let Some(key) = self.tasks.next_ready() {
            self.drive(now, key);
        }
    }

    /// Admits the next job in order, a probe. Returns whether another may be admitted.
    pub(in crate::shard) fn admit_probe(&mut self, turn: &mut SendTurn) -> bool {
        if !self.has_probe_room() {
            return false;
        }
        let Some(next) = self.intake.next() else {
            return false;
        };
        let Some(host) = self.probes.hosts.key_of_target(&next.target) else {
            if let Some(job) = self.take_job(turn.now) {
                self.begin_probe(turn, job, None);
            }
            return true;
        };
        if let Some(at) = self.pacer.hold(turn.now) {
            self.sender.resume_by(at);
            return false;
        }
        if self.probes.hosts.try_enter(turn.now, host) {
            if let Some(job) = self.take_job(turn.now) {
                self.begin_probe(turn, job, Some(host));
            }
        } else if self.probes.hosts.has_parking() {
            if let Some(job) = self.take_job(turn.now) {
                self.probes.hosts.park(host, Waiter::Job(job));
            }
        } else {
            return false;
        }
        true
    }

    /// Whether a probe may begin. It must not before those that have begun have their sockets, or
    /// will need one when their names are known.
    fn has_probe_room(&self) -> bool {
        !self.probes.budget.is_awaited() && self.tasks.probes() < self.probes.budget.max()
    }

    /// Admits jobs and probes that waited for their hosts.
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
                        return self.sender.resume_by(at);
                    }
                    self.begin_probe(turn, job, Some(host));
                }
                Waiter::Probe(key) => {
                    if self.enters(turn.now, key, host) {
                        self.drive(turn.now, key);
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
        self.sender.begin_row();
        turn.count();
        let outcomes = job.spec.outcomes();
        let module = self.module_of(job.spec);
        let nonce = self.rng.random();
        match Probe::new(job, turn.now, module, nonce) {
            Ok(probe) => {
                self.pacer.pass(turn.now);
                let task = ProbeTask::new(turn.now, probe, host);
                let key = self.tasks.insert(Task::Probe(Box::new(task)));
                self.count_in_flight();
                self.drive(turn.now, key);
                self.open_connections(turn);
            }
            Err(outcome) => {
                if let Some(host) = host {
                    self.probes.hosts.leave(turn.now, host);
                }
                // A probe that cannot begin cannot repeat its request either.
                self.report.admitted += outcomes - 1;
                for _ in 1..outcomes {
                    self.push_outcome(turn.now, turn.now, outcome.clone());
                }
                self.push_outcome(turn.now, turn.now, outcome);
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
        let (probing, index) = (&self.config.probing, usize::from(module.0));
        match probing.modules.get(index) {
            Some(module) => Arc::clone(module),
            None => probing.later_modules.at(index - probing.modules.len()),
        }
    }

    /// Passes a permit to a probe that waits for it. Returns `false` if the probe has ended or was
    /// redirected to another host.
    fn enters(&mut self, now: Time, key: TaskKey, host: HostKey) -> bool {
        let hosts = &self.probes.hosts;
        let waits = |task: &&mut ProbeTask| {
            task.host.is_none()
                && task.probe.is_waiting_for_host()
                && hosts.key_of(task.probe.host()) == host
        };
        let Some(task) = self.tasks.probe(key).filter(waits) else {
            return false;
        };
        task.host = Some(host);
        task.probe.host_acquired(now);
        true
    }

    /// A redirect led to another host.
    pub(in crate::shard) fn change_host(&mut self, now: Time, key: TaskKey) {
        let Some(task) = self.tasks.probe(key) else {
            return;
        };
        if let Some(old) = task.host.take() {
            self.probes.hosts.leave(now, old);
        }
        let host = self.probes.hosts.key_of(task.probe.host());
        if self.probes.hosts.try_enter(now, host) {
            task.host = Some(host);
            task.probe.host_acquired(now);
        } else {
            self.probes.hosts.park(host, Waiter::Probe(key));
        }
        self.sender.resume_by(now);
    }

    /// Begins further requests on connections that are kept, as the pace allows.
    pub(super) fn begin_turns(&mut self, turn: &mut SendTurn) {
        for _ in 0..self.probes.turns.len() {
            if !self.share.part().admits {
                return;
            }
            if let Some(at) = self.pacer.hold(turn.now) {
                return self.sender.resume_by(at);
            }
            let Some(key) = self.probes.turns.pop_front() else {
                return;
            };
            let Some(task) = self.tasks.probe(key) else {
                continue;
            };
            if let Some(host) = task.host
                && let Some(at) = self.probes.hosts.pace(turn.now, host)
            {
                self.probes.turns.push_back(key);
                self.sender.resume_by(at);
                continue;
            }
            // Further requests must not fill the outbox before jobs that wait for room in it.
            if self.outbox.weight() >= self.config.jobs_max {
                self.probes.turns.push_front(key);
                return;
            }
            turn.now = self.net.now();
            self.pacer.pass(turn.now);
            if let Some(task) = self.tasks.probe(key)
                && task.probe.turn_acquired(turn.now)
            {
                task.admitted = turn.now;
                self.report.admitted += 1;
            }
            self.drive(turn.now, key);
        }
    }
}
