//! All targets of a sweep: when each is probed, and what state it is in.

mod judging;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::{Job, Outcome, ProbeSpec, Target, Time};
use canvass_run::{SoaTimes, soa};

use crate::TargetId;
use crate::cut_off::{CutOffChange, CutOffWatch};
use crate::evidence::{Blame, Evidence};
use crate::last_result::LastResult;
use crate::latency::SweepLatencies;
use crate::schedule::{Round, RoundFate, Schedule, Timing};
use crate::serials::SerialLag;
use crate::state::{Change, State, Step, Thresholds, Tracker};
use crate::state_file::{SavedStates, SavedTarget};
use crate::target_assertions::TargetAssertions;

/// A target to watch.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchedTarget {
    /// What it is known by: its text in the list. No two targets have the same.
    pub key: Arc<str>,
    /// The group that it belongs to.
    pub group: Arc<str>,
    /// The module of the configuration that says how it is probed.
    pub module: Option<Arc<str>>,
    /// The labels of its group.
    pub labels: Option<Arc<BTreeMap<Box<str>, Box<str>>>>,
    /// What is probed.
    pub target: Target,
    /// How it is probed.
    pub spec: ProbeSpec,
    /// The resolver that its question goes to, in place of the run's.
    pub resolver: Option<Box<SocketAddr>>,
    /// The line of the list that it is from.
    pub line: Option<NonZeroU64>,
    /// The time from one round to the next.
    pub interval: Duration,
    /// The longest time by which a round is later than its fixed point, drawn for each anew; at most the
    /// interval.
    pub jitter: Duration,
    /// How many rounds in a row change its state.
    pub thresholds: Thresholds,
    /// What is expected of its answers beyond what its probe judges itself.
    pub assertions: Option<Arc<TargetAssertions>>,
    /// The key of a target without which this one cannot be reached.
    pub depends_on: Option<Arc<str>>,
    /// Changes of its state cause no alerts.
    pub in_maintenance: bool,
}

/// How many rounds were begun, and how many were not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundCounts {
    /// Rounds whose probe was started.
    pub begun: u64,
    /// Rounds for which the probe of an earlier one was still running.
    pub skipped: u64,
    /// Rounds that the process noticed too late.
    pub missed: u64,
}

/// What happened to a target, or to the sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The state of a target has changed.
    Changed {
        /// The target.
        target: TargetId,
        /// When.
        at: Time,
        /// From what, to what, and why.
        change: Change,
        /// How long it was in the state before; `None` if it was in no other since the start.
        lasted: Option<Duration>,
        /// Whether an alert is due: it is down, or is up after an alert that it was down.
        alerts: bool,
    },
    /// A target that went down in silence is still down, and the silence is over.
    StillDown {
        /// The target.
        target: TargetId,
        /// When.
        at: Time,
    },
    /// Most targets fail at once, or do no more: this machine is cut off, and no target goes down
    /// meanwhile.
    CutOff {
        /// Whether that began or ended.
        change: CutOffChange,
        /// When.
        at: Time,
        /// How many targets fail.
        failing: u64,
        /// Out of how many.
        in_use: u64,
    },
}

/// One target as it is now.
#[derive(Debug)]
pub struct Watched {
    /// The target.
    pub target: WatchedTarget,
    /// Its state.
    pub tracker: Tracker,
    /// Its rounds.
    pub rounds: RoundCounts,
    /// What its last round found. `None` before the first one since the start of this process.
    pub last: Option<LastResult>,
    /// The start of authority that it answered last, if that was asked for.
    soa: Option<SoaTimes>,
    serial_lag: SerialLag,
    /// An alert said that it is down, and none that it is up.
    is_announced: bool,
}

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

    /// Takes the outcome of a probe, which was judged ([`judge`](Self::judge)). Returns the target that
    /// it was of and what follows.
    pub fn record(&mut self, now: Time, outcome: &Outcome) -> (Option<TargetId>, Vec<Event>) {
        let Some(id) = self.probes.remove(&outcome.job.seq) else {
            return (None, Vec::new());
        };
        self.schedule.ended(id);
        let now_unix_ns = self.unix_ns(now);
        let is_held = self.is_held(id);
        let Some(watched) = self.targets[id.0 as usize].as_mut() else {
            return (None, Vec::new());
        };
        let before = Standing::of(watched);
        watched.last = Some(LastResult::of(outcome));
        watched.soa = soa(outcome).or(watched.soa);
        self.latencies.record(&watched.target.group, outcome);
        let thresholds = watched.target.thresholds;
        let evidence = Evidence::of(outcome);
        let step = watched
            .tracker
            .round(now_unix_ns, evidence, &thresholds, is_held);
        let events = self.follow(now, id, before, step);
        (Some(id), events)
    }

    /// Takes a second opinion, which was judged ([`judge_opinion`](Self::judge_opinion)). Returns what
    /// follows.
    pub fn record_opinion(&mut self, now: Time, outcome: &Outcome) -> Vec<Event> {
        let Some(id) = self.opinions.remove(&outcome.job.seq) else {
            return Vec::new();
        };
        let (is_held, now_unix_ns) = (self.is_held(id), self.unix_ns(now));
        let Some(watched) = self.targets[id.0 as usize].as_mut() else {
            return Vec::new();
        };
        let before = Standing::of(watched);
        let evidence = match Evidence::of(outcome) {
            // Then the opinion is of the same network that fails the rounds.
            Evidence::Bad(reason) if is_held => Evidence::None(Blame::Network, reason),
            evidence => evidence,
        };
        let thresholds = watched.target.thresholds;
        let step = watched.tracker.opinion(now_unix_ns, evidence, &thresholds);
        self.follow(now, id, before, step)
    }

    /// Draws the consequences of a step of a target.
    fn follow(&mut self, now: Time, id: TargetId, before: Standing, step: Step) -> Vec<Event> {
        let (is_silent, now_unix_ns) = (self.is_silent(id), self.unix_ns(now));
        let Some(watched) = self.targets[id.0 as usize].as_mut() else {
            return Vec::new();
        };
        let mut events = Vec::new();
        match step {
            Step::Confirm => self.to_confirm.push_back(id),
            Step::Change(change) => {
                let alerts = match change.to {
                    State::Down => !is_silent,
                    State::Up => watched.is_announced,
                    State::Unknown | State::Flapping => false,
                };
                match change.to {
                    State::Down => watched.is_announced |= alerts,
                    State::Up => watched.is_announced = false,
                    State::Unknown | State::Flapping => {}
                }
                events.push(Event::Changed {
                    target: id,
                    at: now,
                    change,
                    lasted: before
                        .since_unix_ns
                        .map(|since| Duration::from_nanos(now_unix_ns.saturating_sub(since))),
                    alerts,
                });
            }
            Step::Stay => {
                let is_due = watched.tracker.state() == State::Down && !watched.is_announced;
                if is_due && !is_silent {
                    watched.is_announced = true;
                    events.push(Event::StillDown {
                        target: id,
                        at: now,
                    });
                }
            }
        }
        let after = Standing::of(watched);
        self.in_use = self.in_use + u64::from(after.in_use) - u64::from(before.in_use);
        self.failing = self.failing + u64::from(after.failing) - u64::from(before.failing);
        if let Some(change) = self.cut_off.look(self.in_use, self.failing) {
            events.push(Event::CutOff {
                change,
                at: now,
                failing: self.failing,
                in_use: self.in_use,
            });
        }
        events
    }

    /// Whether a failure of the target may well be that of this machine's network, or of the gateway
    /// to the target.
    fn is_held(&self, id: TargetId) -> bool {
        self.is_cut_off() || self.gateway(id).is_some_and(Tracker::is_suspect)
    }

    fn is_silent(&self, id: TargetId) -> bool {
        let in_maintenance = self.get(id).is_some_and(|one| one.target.in_maintenance);
        in_maintenance
            || self
                .gateway(id)
                .is_some_and(|one| one.state() == State::Down)
    }

    /// The target that this one depends on.
    fn gateway(&self, id: TargetId) -> Option<&Tracker> {
        let key = self.get(id)?.target.depends_on.as_ref()?;
        Some(&self.get(*self.by_key.get(key)?)?.tracker)
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

impl RoundCounts {
    fn count(&mut self, round: &Round) {
        self.missed += round.missed_before;
        match round.fate {
            RoundFate::Begun => self.begun += 1,
            RoundFate::Skipped => self.skipped += 1,
            RoundFate::Missed => self.missed += 1,
        }
    }
}

impl WatchedTarget {
    /// The name of its settings: that of a module of the configuration, or the scheme of its key, or
    /// else its kind of probe.
    pub fn module(&self) -> &str {
        match (&self.module, self.key.split_once("://")) {
            (Some(module), _) => module,
            (None, Some((scheme, _))) => scheme,
            (None, None) => self.spec.probe(),
        }
    }

    fn timing(&self) -> Timing {
        Timing {
            interval: self.interval,
            jitter: self.jitter,
        }
    }

    /// Its probe as a job.
    pub fn job(&self, seq: u64, due: Option<Time>) -> Job {
        Job {
            seq,
            line: self.line,
            target: self.target.clone(),
            spec: self.spec,
            due,
            resolver: self.resolver.clone(),
        }
    }
}

/// How a target stands before or after a step.
#[derive(Clone, Copy)]
struct Standing {
    /// Since when it is in its state.
    since_unix_ns: Option<u64>,
    in_use: bool,
    failing: bool,
}

impl Standing {
    fn of(watched: &Watched) -> Self {
        Self {
            since_unix_ns: watched.tracker.since_unix_ns(),
            in_use: watched.tracker.state() != State::Down,
            failing: watched.tracker.is_suspect(),
        }
    }
}
