//! Runs a sweep: one run for the rounds, and one for second opinions.

mod flow;

use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use canvass_model::Time;
use canvass_proto::{ModuleKind, Timeouts};
use canvass_run::{Plan, Report, Run, Sink, StartError, StopHandle};
use crossbeam_channel::{Sender, bounded};

use flow::{Part, PartJudge, PartSink, PartSource};

use crate::alerts::{AlertPlan, Alerting, Silences};
use crate::keeper::Keeper;
use crate::notice::Notice;
use crate::reader::SweepReader;
use crate::state_file::SavedStates;
use crate::wall_clock::unix_ns;
use crate::watch::{Event, Watch, WatchedTarget};

/// The longest wait of a source before it looks whether the run was stopped.
const WAIT_MAX: Duration = Duration::from_millis(250);
/// Second opinions that are asked for at the same time. That of a silent host takes 15 s, so that of
/// 2,000 which fail together the last is given after a minute.
pub const OPINIONS_MAX: NonZeroUsize = NonZeroUsize::new(512).expect("not zero");
/// Attempts of a second opinion after the first.
const OPINION_RETRIES: u32 = 2;
/// The maximum number of notices that wait for their states to be kept.
const NOTICES_MAX: usize = 1_024;

/// A sweep on its own threads.
///
/// Dropping it aborts it without waiting for its end.
pub struct Sweep {
    rounds: Run,
    opinions: Run,
    shared: Arc<Shared>,
    /// The thread that keeps states, which ends when this sender is gone too.
    keeper: Option<(Sender<Notice>, JoinHandle<()>)>,
}

/// Where a sweep keeps its states over a restart.
pub struct KeptStates {
    /// The file. It is replaced whole.
    pub path: PathBuf,
    /// What it had in it.
    pub states: SavedStates,
    /// Receives the error of each time that the file could not be written, as far as it has room.
    pub errors: Sender<io::Error>,
}

/// How a sweep is run.
pub struct SweepPlans {
    rounds: Plan,
    opinions: Plan,
    single: Plan,
    alerts: AlertPlan,
}

impl SweepPlans {
    /// Rounds are probed as in `plan`, when they are due; second opinions are a few at a time, over
    /// sockets and windows of their own, and each is tried again. Alerts are delivered as in
    /// `alerts`.
    pub fn new(plan: Plan, alerts: AlertPlan) -> Self {
        let rounds = plan.unscheduled();
        Self {
            opinions: rounds.clone().patient(OPINIONS_MAX, OPINION_RETRIES),
            single: rounds.clone().single(),
            rounds,
            alerts,
        }
    }
}

/// What the threads of both runs share.
pub(crate) struct Shared {
    watch: Mutex<Watch>,
    /// There are second opinions to ask for, or other targets.
    changed: Condvar,
    began: Instant,
    pub(crate) alerts: Alerting,
    /// How one target is probed when a person asks for it.
    single: Mutex<Plan>,
}

impl Sweep {
    /// Starts a sweep of `targets`. Outcomes of rounds go to `sinks`, and every change to `notices`,
    /// if states are kept once that is; while it is full, the sweep waits.
    ///
    /// # Errors
    /// An event loop cannot be created, or a thread cannot be started.
    pub fn start(
        plans: SweepPlans,
        targets: impl IntoIterator<Item = WatchedTarget>,
        kept: Option<KeptStates>,
        mut sinks: Vec<Box<dyn Sink>>,
        notices: Sender<Notice>,
    ) -> Result<Self, StartError> {
        let SweepPlans {
            rounds,
            opinions,
            single,
            alerts,
        } = plans;
        let zero = rounds.epoch().wall;
        let mut watch = Watch::new(unix_ns(zero));
        watch.set_targets(rounds.now(), targets);
        let (kept, states) = kept
            .map(|kept| ((kept.path, kept.errors), kept.states))
            .unzip();
        let is_kept = kept.is_some();
        let mut saved_alerts = None;
        if let Some(mut states) = states {
            saved_alerts = Some(std::mem::take(&mut states.alerts));
            watch.restore(states);
        }
        let alerts = Alerting::start(alerts, is_kept, saved_alerts).map_err(StartError::Thread)?;
        alerts.retain(|key| watch.has(key));
        if alerts.is_cut_off() {
            watch.resume_cut_off();
        }
        let shared = Arc::new(Shared {
            watch: Mutex::new(watch),
            changed: Condvar::new(),
            began: rounds.began(),
            alerts,
            single: Mutex::new(single),
        });
        let mut keeper = None;
        let mut notices = notices;
        if let Some((path, errors)) = kept {
            let (unkept, received) = bounded(NOTICES_MAX);
            let work = Keeper {
                shared: Arc::clone(&shared),
                path,
                notices: received,
                kept: std::mem::replace(&mut notices, unkept),
                errors,
            };
            let thread = thread::Builder::new().name("states".into());
            let spawned = thread.spawn(move || work.run());
            let thread = spawned.map_err(StartError::Thread)?;
            keeper = Some((notices.clone(), thread));
        }
        let source = |part| PartSource {
            shared: Arc::clone(&shared),
            part,
            given: 0,
        };
        let judge = |part| {
            let shared = Arc::clone(&shared);
            Arc::new(PartJudge { shared, part })
        };
        let sink = |part| {
            let (shared, notices) = (Arc::clone(&shared), notices.clone());
            Box::new(PartSink {
                shared,
                part,
                notices,
            })
        };
        sinks.push(sink(Part::Rounds));
        let opinion_sinks: Vec<Box<dyn Sink>> = vec![sink(Part::Opinions)];
        let opinions = opinions.judged(judge(Part::Opinions));
        let rounds = rounds.judged(judge(Part::Rounds));
        Ok(Self {
            opinions: Run::start(opinions, source(Part::Opinions), opinion_sinks)?,
            rounds: Run::start(rounds, source(Part::Rounds), sinks)?,
            shared,
            keeper,
        })
    }

    /// The run of the rounds.
    pub fn rounds(&mut self) -> &mut Run {
        &mut self.rounds
    }

    /// Returns a handle that ends the rounds from any thread.
    pub fn stop_handle(&self) -> StopHandle {
        self.rounds.stop_handle()
    }

    /// Adds modules to both runs ([`Run::add_modules`]), for targets that are set from now on.
    pub fn add_modules(&self, modules: Vec<(ModuleKind, Timeouts)>) {
        self.opinions.add_modules(modules.iter().cloned());
        let single = &self.shared.single;
        let mut single = single.lock().unwrap_or_else(PoisonError::into_inner);
        single.add_modules(modules.iter().cloned());
        self.rounds.add_modules(modules);
    }

    /// Replaces the targets. Those that were watched before keep their states.
    pub fn set_targets(&self, targets: impl IntoIterator<Item = WatchedTarget>) {
        let now = self.shared.now();
        let mut watch = self.shared.lock();
        watch.set_targets(now, targets);
        self.shared.alerts.retain(|key| watch.has(key));
        drop(watch);
        self.shared.changed.notify_all();
    }

    /// Sets which targets are in maintenance.
    pub fn set_maintenance(&self, is_in: impl Fn(&WatchedTarget) -> bool) {
        self.shared.lock().set_maintenance(is_in);
    }

    /// Returns a handle that reads the sweep from any thread, also after its end.
    pub fn reader(&self) -> SweepReader {
        SweepReader {
            shared: Arc::clone(&self.shared),
            rounds: self.rounds.reader(),
            opinions: self.opinions.reader(),
        }
    }

    /// Calls `look` with the targets and their states. The sweep waits meanwhile.
    pub fn look<T>(&self, look: impl FnOnce(&Watch) -> T) -> T {
        self.shared.look(look)
    }

    /// The silences.
    pub fn silences(&self) -> Silences {
        self.shared.alerts.silences()
    }

    /// The current time on the clock of the sweep.
    pub fn now(&self) -> Time {
        self.shared.now()
    }

    /// Waits until the rounds have ended, which a [`StopHandle`] must have told them to. Returns
    /// their report. Second opinions that are under way then are dropped.
    pub fn join(self) -> Report {
        let report = self.rounds.join();
        self.opinions.abort();
        self.opinions.join();
        self.shared.alerts.stop(self.keeper.is_some());
        if let Some((notices, keeper)) = self.keeper {
            drop(notices);
            let _ = keeper.join();
        }
        report
    }
}

impl Shared {
    /// The states of all targets and the alerts, and the number to give to [`Alerting::kept`] once
    /// they are kept.
    pub(crate) fn states(&self) -> (SavedStates, u64) {
        let watch = self.lock();
        let mut states = watch.states();
        let number;
        (states.alerts, number) = self.alerts.saved();
        (states, number)
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&Watch) -> T) -> T {
        look(&self.lock())
    }

    /// How one target is probed when a person asks for it.
    pub(crate) fn single(&self) -> Plan {
        let single = self.single.lock();
        single.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Time {
        Time::ZERO + self.began.elapsed()
    }

    /// The targets, at the current time on both clocks.
    fn lock_now(&self) -> (MutexGuard<'_, Watch>, Time) {
        let mut watch = self.lock();
        let now = self.now();
        watch.set_wall_clock(now, unix_ns(SystemTime::now()));
        (watch, now)
    }

    /// Waits for a change until `until`, at most for a moment.
    fn wait(&self, watch: MutexGuard<'_, Watch>, until: Option<Time>) {
        let left = until.map_or(WAIT_MAX, |until| until.since(self.now()));
        drop(self.changed.wait_timeout(watch, left.min(WAIT_MAX)));
    }

    /// What has happened, with its alerts. A state and its alert change together, so that a file of
    /// states never has one of them only.
    fn report(&self, watch: &Watch, events: Vec<Event>) -> Vec<Notice> {
        let of = |event| Notice::of(watch, event);
        let mut notices: Vec<Notice> = events.into_iter().filter_map(of).collect();
        self.alerts.take(&mut notices);
        notices
    }
}
