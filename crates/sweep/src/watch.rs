//! All targets of a sweep: when each is probed, and what state it is in.

mod event;
mod judging;
mod record;
mod target;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use canvass_model::{Job, Time};

use crate::TargetId;
use crate::cut_off::CutOffWatch;
use crate::latency::SweepLatencies;
use crate::schedule::{RoundFate, Schedule};
use crate::serials::SerialLag;
use crate::state::Tracker;
use crate::state_file::{SavedStates, SavedTarget};
pub use event::Event;
use record::Standing;
pub use target::{RoundCounts, Watched, WatchedTarget};

/// All targets of a sweep. It is given the time and the outcomes, and says what to probe.
#[derive(Debug)]
pub struct Watch {
    /// What the wall clock would have shown at [`Time::ZERO`], in nanoseconds since 1970 (UTC), as it
    /// is set now.
    unix_ns_at_zero: u64,
    schedule: Schedule,
    targets: Vec<Option<Watched>>,
    by_key: HashMap<Arc<str>, TargetId>,
    /// Numbers that no target has any more.
    free: Vec<TargetId>,
    /// The targets whose probes or second opinions are out, by the number of the job.
    probes: HashMap<u64, TargetId>,
    opinions: HashMap<u64, TargetId>,
    probes_begun: u64,
    opinions_begun: u64,
    to_confirm: VecDeque<TargetId>,
    cut_off: CutOffWatch,
    /// Targets that are not down, and those of them whose last round was not good.
    in_use: u64,
    failing: u64,
    /// Rounds of all targets, also of those that are gone.
    rounds: RoundCounts,
    latencies: SweepLatencies,
}

impl Watch {
    /// Watches nothing yet. `unix_ns_at_zero` is the wall clock at [`Time::ZERO`], in nanoseconds
    /// since 1970 (UTC).
    pub fn new(unix_ns_at_zero: u64) -> Self {
        Self {
            unix_ns_at_zero,
            schedule: Schedule::new(unix_ns_at_zero),
            targets: Vec::new(),
            by_key: HashMap::new(),
            free: Vec::new(),
            probes: HashMap::new(),
            opinions: HashMap::new(),
            probes_begun: 0,
            opinions_begun: 0,
            to_confirm: VecDeque::new(),
            cut_off: CutOffWatch::default(),
            in_use: 0,
            failing: 0,
            rounds: RoundCounts::default(),
            latencies: SweepLatencies::default(),
        }
    }

    /// Watches these targets, and no others. A target that was watched before under the same key
    /// keeps its state; if its interval and jitter are the same too, it keeps its place in the
    /// schedule.
    pub fn set_targets(&mut self, now: Time, targets: impl IntoIterator<Item = WatchedTarget>) {
        let mut old = std::mem::take(&mut self.by_key);
        for target in targets {
            let key = Arc::clone(&target.key);
            let id = old.remove(&key).or_else(|| self.by_key.get(&key).copied());
            let id = id.unwrap_or_else(|| self.free_id());
            let slot = &mut self.targets[id.0 as usize];
            let timing = target.timing();
            let is_moved = match slot {
                Some(watched) => {
                    let before = std::mem::replace(&mut watched.target, target);
                    before.timing() != timing
                }
                None => {
                    *slot = Some(Watched {
                        target,
                        tracker: Tracker::default(),
                        rounds: RoundCounts::default(),
                        last: None,
                        soa: None,
                        serial_lag: SerialLag::default(),
                        is_announced: false,
                    });
                    true
                }
            };
            if is_moved {
                self.schedule.insert(id, &key, timing, now);
            }
            self.by_key.insert(key, id);
        }
        let gone: HashSet<TargetId> = old.into_values().collect();
        for id in &gone {
            self.schedule.remove(*id);
            self.targets[id.0 as usize] = None;
        }
        self.probes.retain(|_, id| !gone.contains(id));
        self.opinions.retain(|_, id| !gone.contains(id));
        self.to_confirm.retain(|id| !gone.contains(id));
        self.free.extend(gone);
        let groups = self.targets.iter().flatten().map(|one| &*one.target.group);
        self.latencies.keep_groups(&groups.collect());
        self.recount();
    }

    /// Sets the wall clock, in nanoseconds since 1970 (UTC): somebody may have set it, or this machine
    /// was suspended. Changes from now on have its time. No round is moved.
    pub fn set_wall_clock(&mut self, now: Time, unix_ns: u64) {
        self.unix_ns_at_zero = unix_ns.saturating_sub(now.as_nanos());
    }

    /// Sets which targets are in maintenance.
    pub fn set_maintenance(&mut self, is_in: impl Fn(&WatchedTarget) -> bool) {
        for watched in self.targets.iter_mut().flatten() {
            watched.target.in_maintenance = is_in(&watched.target);
        }
    }

    /// Gives targets the states that they had before a restart.
    pub fn restore(&mut self, mut states: SavedStates) {
        for watched in self.targets.iter_mut().flatten() {
            if let Some(saved) = states.take(&watched.target.key) {
                watched.tracker = saved.tracker;
                watched.is_announced = saved.announced;
            }
        }
        self.recount();
    }

    /// Goes on as cut off, as before a restart.
    pub(crate) fn resume_cut_off(&mut self) {
        self.cut_off.resume();
    }

    /// Whether a target with this key is watched.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    /// The states of all targets.
    pub fn states(&self) -> SavedStates {
        SavedStates::new(self.targets.iter().flatten().map(|watched| {
            let saved = SavedTarget {
                tracker: watched.tracker.clone(),
                announced: watched.is_announced,
            };
            (Box::from(&*watched.target.key), saved)
        }))
    }

    /// The target with this number, if it is still watched.
    pub fn get(&self, id: TargetId) -> Option<&Watched> {
        self.targets.get(id.0 as usize)?.as_ref()
    }

    /// The target with this key.
    pub fn find(&self, key: &str) -> Option<&Watched> {
        self.get(*self.by_key.get(key)?)
    }

    /// All targets with their numbers.
    pub fn targets(&self) -> impl Iterator<Item = (TargetId, &Watched)> {
        let targets = (0..).map(TargetId).zip(&self.targets);
        targets.filter_map(|(id, watched)| Some((id, watched.as_ref()?)))
    }

    /// Whether most targets fail at once.
    pub fn is_cut_off(&self) -> bool {
        self.cut_off.is_cut_off()
    }

    /// When the next round is due.
    pub fn next_due(&self) -> Option<Time> {
        self.schedule.next_due()
    }

    /// The rounds of all targets so far, also of those that are not watched any more.
    pub fn rounds(&self) -> RoundCounts {
        self.rounds
    }

    /// The number of rounds whose probes are under way.
    pub fn rounds_under_way(&self) -> usize {
        self.probes.len()
    }

    /// The number of second opinions that are waiting to be taken, and of those under way.
    pub fn opinions_pending(&self) -> (usize, usize) {
        (self.to_confirm.len(), self.opinions.len())
    }

    /// How long probes took, and how late rounds began.
    pub fn latencies(&self) -> &SweepLatencies {
        &self.latencies
    }

    /// Whether second opinions are waiting to be taken.
    pub fn has_to_confirm(&self) -> bool {
        !self.to_confirm.is_empty()
    }

    /// Takes the probes of the rounds that are due by `now`, of at most `max` rounds. Returns an
    /// empty list also if no round that is due can begin.
    pub fn take_jobs(&mut self, now: Time, max: usize) -> Vec<Job> {
        let mut jobs = Vec::new();
        for round in self.schedule.take(now, max) {
            let Some(Some(watched)) = self.targets.get_mut(round.target.0 as usize) else {
                continue;
            };
            for rounds in [&mut watched.rounds, &mut self.rounds] {
                rounds.count(&round);
            }
            match round.fate {
                RoundFate::Begun => {
                    let seq = self.probes_begun;
                    self.probes_begun += 1;
                    self.probes.insert(seq, round.target);
                    jobs.push(watched.target.job(seq, Some(round.due)));
                }
                RoundFate::Skipped | RoundFate::Missed => {}
            }
        }
        jobs
    }

    /// Takes at most `max` second opinions to ask for.
    pub fn take_opinions(&mut self, max: usize) -> Vec<Job> {
        let mut jobs = Vec::new();
        while jobs.len() < max
            && let Some(id) = self.to_confirm.pop_front()
        {
            let Some(Some(watched)) = self.targets.get(id.0 as usize) else {
                continue;
            };
            let seq = self.opinions_begun;
            self.opinions_begun += 1;
            self.opinions.insert(seq, id);
            jobs.push(watched.target.job(seq, None));
        }
        jobs
    }

    /// `now` in nanoseconds since 1970 (UTC).
    pub fn unix_ns(&self, now: Time) -> u64 {
        self.unix_ns_at_zero.saturating_add(now.as_nanos())
    }

    fn free_id(&mut self) -> TargetId {
        self.free.pop().unwrap_or_else(|| {
            self.targets.push(None);
            TargetId((self.targets.len() - 1) as u32)
        })
    }

    fn recount(&mut self) {
        (self.in_use, self.failing) = (0, 0);
        for watched in self.targets.iter().flatten() {
            let standing = Standing::of(watched);
            self.in_use += u64::from(standing.in_use);
            self.failing += u64::from(standing.failing);
        }
    }
}
