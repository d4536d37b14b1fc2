//! Limits per host: how many probes it has at once, and how often one begins.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::hash::BuildHasher;
use std::time::Duration;

use canvass_model::{Host, Job, Target, Time};
use hashbrown::{DefaultHashBuilder, HashMap};

use crate::slab::TaskKey;

/// Jobs that may wait for their hosts. They are no tasks yet, so they take no room from others.
pub(crate) const PARKED_MAX: usize = 16_384;

/// A host, by its hash. Two hosts with the same hash only share their limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct HostKey(u64);

/// A job or a probe that waits for a host.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// A job that has not begun.
    Job(Job),
    /// A probe that was redirected there.
    Probe(TaskKey),
}

#[derive(Debug, Default)]
struct State {
    active: u32,
    /// When the last one began; `None` if that does not matter.
    last_at: Option<Time>,
    /// Probes that were redirected there. They have begun, and go before jobs.
    probes: VecDeque<TaskKey>,
    jobs: VecDeque<Job>,
    /// It is in one of the lists.
    listed: bool,
}

/// The hosts that are being probed.
#[derive(Debug)]
pub(crate) struct HostGates {
    active_max: u32,
    interval: Option<Duration>,
    states: HashMap<HostKey, State>,
    /// Hosts that may have a permit for one that waits.
    ready: VecDeque<HostKey>,
    /// Hosts whose pace allows the next one at a certain time. Those of the same time are ordered by
    /// a number: the order of their keys is not the same in a replay.
    later: BinaryHeap<Reverse<(Time, u64, HostKey)>>,
    later_count: u64,
    parked: usize,
    hasher: DefaultHashBuilder,
}

impl HostGates {
    pub(crate) fn new(active_max: u32, rate_max_per_second: Option<f64>) -> Self {
        Self {
            active_max,
            interval: rate_max_per_second.map(interval),
            states: HashMap::new(),
            ready: VecDeque::new(),
            later: BinaryHeap::new(),
            later_count: 0,
            parked: 0,
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// Sets other caps. Where a host may be probed more often at once, that begins when the next probe of
    /// it ends.
    pub(crate) fn set_caps(&mut self, active_max: u32, rate_max_per_second: Option<f64>) {
        self.active_max = active_max;
        self.interval = rate_max_per_second.map(interval);
        // Hosts that wait for their pace may have another time now: all are examined again, in order.
        let later = std::mem::take(&mut self.later).into_sorted_vec();
        self.ready
            .extend(later.into_iter().rev().map(|Reverse((.., key))| key));
    }

    pub(crate) fn key_of(&self, host: &Host) -> HostKey {
        match host {
            Host::Name(name) => self.key_of_text(name),
            Host::Address(_) | Host::Scoped(_) => self.key_of_text(&host.to_string()),
        }
    }

    /// The host of a target; `None` if the target has none.
    pub(crate) fn key_of_target(&self, target: &Target) -> Option<HostKey> {
        Some(match target {
            Target::Url(target) => match &target.scoped {
                Some(scoped) => self.key_of_text(&scoped.to_string()),
                None => self.key_of_text(target.url.host_str()?),
            },
            Target::Endpoint { host, .. } => self.key_of(host),
            Target::Unix { path, .. } => HostKey(self.hasher.hash_one(path)),
            _ => return None,
        })
    }

    fn key_of_text(&self, name: &str) -> HostKey {
        // It is the same host with the dot of the root.
        HostKey(self.hasher.hash_one(name.strip_suffix('.').unwrap_or(name)))
    }

    /// Takes a permit at a host, if there is one and none waits for it.
    pub(crate) fn try_enter(&mut self, now: Time, key: HostKey) -> bool {
        let (active_max, interval) = (self.active_max, self.interval);
        let state = self.states.entry(key).or_default();
        if state.is_waited_for() || state.active >= active_max || state.next_at(interval) > now {
            return false;
        }
        state.take(now);
        true
    }

    /// Whether more jobs may wait.
    pub(crate) fn has_parking(&self) -> bool {
        self.parked < PARKED_MAX
    }

    /// The number of jobs that wait.
    pub(crate) fn parked(&self) -> usize {
        self.parked
    }

    /// Waits for a permit. A probe under way goes before jobs that have not begun.
    pub(crate) fn park(&mut self, key: HostKey, waiter: Waiter) {
        let state = self.states.entry(key).or_default();
        match waiter {
            Waiter::Job(job) => {
                self.parked += 1;
                state.jobs.push_back(job);
            }
            Waiter::Probe(key) => state.probes.push_back(key),
        }
        self.list(key);
    }

    /// Gives a permit back.
    pub(crate) fn leave(&mut self, now: Time, key: HostKey) {
        let interval = self.interval;
        let Some(state) = self.states.get_mut(&key) else {
            return;
        };
        state.active -= 1;
        if state.is_waited_for() {
            self.list(key);
        } else if state.active == 0 && !state.listed {
            let at = state.next_at(interval);
            if at <= now {
                self.states.remove(&key);
            } else {
                // It is forgotten when its pace no longer matters.
                state.listed = true;
                self.list_later(at, key);
            }
        }
    }

    /// When the pace of a host allows the next request of a probe that has a permit; `None` when
    /// that is now, and the request counts.
    pub(crate) fn pace(&mut self, now: Time, key: HostKey) -> Option<Time> {
        let interval = self.interval?;
        let state = self.states.get_mut(&key)?;
        let at = state.next_at(Some(interval));
        if at > now {
            return Some(at);
        }
        state.last_at = Some(now);
        None
    }

    /// Gives a permit to the next one that waits. A job gets none unless there is `room` for it.
    pub(crate) fn admit(&mut self, now: Time, room: bool) -> Option<(HostKey, Waiter)> {
        while let Some(Reverse((at, _, key))) = self.later.peek().copied() {
            if at > now {
                break;
            }
            self.later.pop();
            self.ready.push_back(key);
        }
        let interval = self.interval;
        for _ in 0..self.ready.len() {
            let key = self.ready.pop_front()?;
            let Some(state) = self.states.get_mut(&key) else {
                continue;
            };
            state.listed = false;
            if !state.is_waited_for() {
                if state.active == 0 && state.next_at(interval) <= now {
                    self.states.remove(&key);
                }
                continue;
            }
            if state.active >= self.active_max {
                // It is listed again when one leaves.
                continue;
            }
            let at = state.next_at(interval);
            if at > now {
                state.listed = true;
                self.list_later(at, key);
                continue;
            }
            let waiter = match state.probes.pop_front() {
                Some(probe) => Waiter::Probe(probe),
                None if !room => {
                    self.list(key);
                    continue;
                }
                None => {
                    self.parked -= 1;
                    Waiter::Job(state.jobs.pop_front()?)
                }
            };
            state.take(now);
            self.list(key);
            return Some((key, waiter));
        }
        None
    }

    /// Gives back a permit that was not used. The job goes on waiting, before all others.
    pub(crate) fn put_back(&mut self, now: Time, key: HostKey, job: Job) {
        self.parked += 1;
        if let Some(state) = self.states.get_mut(&key) {
            state.jobs.push_front(job);
        }
        self.leave_unused(now, key);
    }

    /// Gives back a permit that was not used.
    pub(crate) fn leave_unused(&mut self, now: Time, key: HostKey) {
        if let Some(state) = self.states.get_mut(&key) {
            state.last_at = None;
        }
        self.leave(now, key);
    }

    /// When the pace of a host allows the next one.
    pub(crate) fn next_at(&self) -> Time {
        let later = self.later.peek().map(|Reverse((at, ..))| *at);
        later.unwrap_or(Time::MAX)
    }

    /// Drops the jobs that have not begun.
    pub(crate) fn clear_jobs(&mut self) {
        for state in self.states.values_mut() {
            state.jobs.clear();
        }
        self.parked = 0;
    }

    fn list_later(&mut self, at: Time, key: HostKey) {
        self.later_count += 1;
        self.later.push(Reverse((at, self.later_count, key)));
    }

    fn list(&mut self, key: HostKey) {
        if let Some(state) = self.states.get_mut(&key)
            && !state.listed
        {
            state.listed = true;
            self.ready.push_back(key);
        }
    }
}

impl State {
    fn is_waited_for(&self) -> bool {
        !self.probes.is_empty() || !self.jobs.is_empty()
    }

    /// When the next may begin.
    fn next_at(&self, interval: Option<Duration>) -> Time {
        match (self.last_at, interval) {
            (Some(last_at), Some(interval)) => last_at + interval,
            _ => Time::ZERO,
        }
    }

    fn take(&mut self, now: Time) {
        self.active += 1;
        self.last_at = Some(now);
    }
}

/// The time between two requests.
fn interval(rate_per_second: f64) -> Duration {
    Duration::try_from_secs_f64(1.0 / rate_per_second).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_nanos(ms * 1_000_000)
    }

    fn probe(index: u32) -> Waiter {
        Waiter::Probe(TaskKey {
            index,
            generation: 0,
        })
    }

    #[test]
    fn a_host_has_so_many_at_once_and_the_next_when_one_leaves() {
        let mut hosts = HostGates::new(2, None);
        let host = hosts.key_of(&Host::Name("example.net".into()));
        assert!(hosts.try_enter(at(0), host) && hosts.try_enter(at(0), host));
        assert!(!hosts.try_enter(at(0), host));
        hosts.park(host, probe(7));
        assert!(hosts.admit(at(0), true).is_none());
        // One that waits goes first.
        hosts.leave(at(0), host);
        assert!(!hosts.try_enter(at(0), host));
        assert!(matches!(hosts.admit(at(0), true), Some((key, _)) if key == host));
        assert!(hosts.admit(at(0), true).is_none());
        hosts.leave(at(0), host);
        hosts.leave(at(0), host);
        assert!(hosts.states.is_empty());
    }

    #[test]
    fn hosts_that_may_go_on_at_the_same_time_go_in_the_order_they_came() {
        let mut hosts = HostGates::new(6, Some(10.0));
        let keys: Vec<HostKey> = (0..20)
            .map(|number| hosts.key_of(&Host::Name(format!("n{number}.example").into())))
            .collect();
        for key in &keys {
            assert!(hosts.try_enter(at(0), *key));
            hosts.park(*key, probe(1));
        }
        assert!(hosts.admit(at(50), true).is_none());
        let admitted = std::iter::from_fn(|| hosts.admit(at(100), true));
        let order: Vec<HostKey> = admitted.map(|(key, _)| key).collect();
        assert_eq!(order, keys);
    }

    #[test]
    fn caps_that_change_hold_for_hosts_that_wait() {
        let mut hosts = HostGates::new(2, Some(10.0));
        let host = hosts.key_of(&Host::Name("example.net".into()));
        assert!(hosts.try_enter(at(0), host));
        hosts.park(host, probe(1));
        assert!(hosts.admit(at(50), true).is_none());
        hosts.set_caps(2, Some(2.5));
        assert!(hosts.admit(at(100), true).is_none());
        assert_eq!(hosts.next_at(), at(400));
        hosts.set_caps(1, Some(100.0));
        assert!(hosts.admit(at(110), true).is_none(), "one is there");
        hosts.leave(at(120), host);
        assert!(hosts.admit(at(120), true).is_some());
    }

    #[test]
    fn a_host_has_its_pace() {
        let mut hosts = HostGates::new(6, Some(10.0));
        let host = hosts.key_of(&Host::Name("example.net".into()));
        assert!(hosts.try_enter(at(0), host));
        assert!(!hosts.try_enter(at(50), host));
        hosts.park(host, probe(1));
        assert!(hosts.admit(at(50), true).is_none());
        assert_eq!(hosts.next_at(), at(100));
        assert!(hosts.admit(at(100), true).is_some());
        assert_eq!(hosts.pace(at(150), host), Some(at(200)));
        assert_eq!(hosts.pace(at(200), host), None);
        hosts.leave(at(200), host);
        hosts.leave(at(200), host);
        assert!(hosts.admit(at(300), true).is_none());
        assert!(hosts.states.is_empty(), "a host is forgotten in the end");
    }
}
