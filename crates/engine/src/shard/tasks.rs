//! The tasks under way: one slab, one timer wheel.

use std::collections::VecDeque;

use canvass_model::Time;

use super::probes::ProbeTask;
use super::query_task::QueryTask;
use crate::slab::{Slab, TaskKey};
use crate::wheel::Wheel;

/// A task under way. It has its own allocation, so that its memory is given back when it ends: a slot of
/// the slab stays.
#[derive(Debug)]
pub(super) enum Task {
    /// Asks resolvers.
    Query(Box<QueryTask>),
    /// Probes a host.
    Probe(Box<ProbeTask>),
}

/// All tasks under way, each with at most one timer.
#[derive(Debug)]
pub(super) struct Tasks {
    slab: Slab<Task>,
    wheel: Wheel,
    /// Probes whose lookup has ended, and that are to be driven.
    ready: VecDeque<TaskKey>,
    probes: usize,
    /// Lookups of host names. They are no jobs.
    lookups: usize,
    fired: Vec<u32>,
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self {
            slab: Slab::new(),
            wheel: Wheel::new(),
            ready: VecDeque::new(),
            probes: 0,
            lookups: 0,
            fired: Vec::new(),
        }
    }

    pub(super) fn insert(&mut self, task: Task) -> TaskKey {
        self.count(&task, 1);
        self.slab.insert(task)
    }

    /// Takes a task out, with its timer.
    pub(super) fn remove(&mut self, key: TaskKey) -> Option<Task> {
        let task = self.slab.remove(key)?;
        self.wheel.clear(key.index);
        self.count(&task, -1);
        Some(task)
    }

    fn count(&mut self, task: &Task, change: isize) {
        let count = match task {
            Task::Query(query) if query.is_job() => return,
            Task::Query(_) => &mut self.lookups,
            Task::Probe(_) => &mut self.probes,
        };
        *count = count.wrapping_add_signed(change);
    }

    #[inline]
    pub(super) fn get(&mut self, key: TaskKey) -> Option<&mut Task> {
        self.slab.by_key(key)
    }

    #[inline]
    pub(super) fn query(&mut self, key: TaskKey) -> Option<&mut QueryTask> {
        match self.slab.by_key(key)? {
            Task::Query(query) => Some(query),
            Task::Probe(_) => None,
        }
    }

    #[inline]
    pub(super) fn probe(&mut self, key: TaskKey) -> Option<&mut ProbeTask> {
        match self.slab.by_key(key)? {
            Task::Probe(probe) => Some(probe),
            Task::Query(_) => None,
        }
    }

    /// The number of tasks.
    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    /// The number of jobs.
    pub(super) fn jobs(&self) -> usize {
        self.slab.len() - self.lookups
    }

    /// The number of probes.
    pub(super) fn probes(&self) -> usize {
        self.probes
    }

    /// Whether any task asks resolvers.
    pub(super) fn any_query(&self) -> bool {
        self.slab.len() > self.probes
    }

    /// The tasks that ask resolvers.
    pub(super) fn query_keys(&self) -> Vec<TaskKey> {
        let is_query = |task: &Task| matches!(task, Task::Query(_));
        self.slab.keys(is_query).collect()
    }

    /// The lookups of host names.
    pub(super) fn lookup_keys(&self) -> Vec<TaskKey> {
        let is_lookup = |task: &Task| matches!(task, Task::Query(query) if !query.is_job());
        self.slab.keys(is_lookup).collect()
    }

    /// The probes.
    pub(super) fn probe_keys(&self) -> Vec<TaskKey> {
        let is_probe = |task: &Task| matches!(task, Task::Probe(_));
        self.slab.keys(is_probe).collect()
    }

    /// Sets the timer of a task.
    pub(super) fn wait(&mut self, key: TaskKey, until: Time) {
        self.wheel.set(key.index, until);
    }

    /// The number of timers set.
    pub(super) fn timers(&self) -> usize {
        self.wheel.armed()
    }

    /// When to look at the timers next.
    pub(super) fn next_timer(&self) -> Time {
        self.wheel.next()
    }

    /// Takes the timers that are due: those of queries first, so that a probe has what its lookup
    /// found before its own time is up.
    pub(super) fn take_due(&mut self, now: Time) -> Vec<TaskKey> {
        self.wheel.advance(now, &mut self.fired);
        let mut due = Vec::with_capacity(self.fired.len());
        let mut probes = Vec::new();
        for index in self.fired.drain(..) {
            match self.slab.at(index) {
                Some((key, Task::Query(_))) => due.push(key),
                Some((key, Task::Probe(_))) => probes.push(key),
                None => {}
            }
        }
        due.append(&mut probes);
        due
    }

    /// Has a probe driven before the next query is sent.
    pub(super) fn make_ready(&mut self, key: TaskKey) {
        self.ready.push_back(key);
    }

    pub(super) fn next_ready(&mut self) -> Option<TaskKey> {
        self.ready.pop_front()
    }
}
