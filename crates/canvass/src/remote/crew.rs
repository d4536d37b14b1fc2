//! `canvass worker`: takes part in one campaign after the other.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use canvass_remote::{
    BrokerError, CampaignName, Contact, KeepLines, LineSettings, Packing, Timing, WorkEnd, Worker,
    WorkerName, WorkerSettings, WorkerStop,
};
use crossbeam_channel::{Receiver, Sender, bounded};

use super::choice::{Choice, Chosen, Unreadable};
use super::connection::{self, Campaigns};
use super::names::WorkerLabel;
use super::own_caps::OwnCaps;
use super::parts::{LineLook, PartKeeper, place};
use super::redis_url::{Redis, failed};
use super::travel::{OwnSettings, TravellingPlan, unpack};
use crate::args::{ResultsArg, WorkerArgs};
use crate::credentials;
use crate::descriptors;
use crate::exit::{Exit, Failure};
use crate::message::message;
use crate::plan::Work;
use crate::run::{Interrupts, Stops};
use crate::signals::StopSignals;

/// How often a worker without a campaign looks for one.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long it stays where there is nothing to claim before it looks at the other campaigns.
const IDLE_MAX: Duration = Duration::from_secs(5);
/// How often it looks at its signals.
const WAIT: Duration = Duration::from_millis(250);
/// How long it gives back what it holds after a second signal.
const ABORT_WAIT: Duration = Duration::from_secs(1);

/// Takes part in campaigns until it is stopped.
pub(crate) fn work(args: &WorkerArgs, signals: &StopSignals) -> Result<Exit, Failure> {
    let redis =
        Redis::given_or_of_environment(args.redis.url.as_ref(), args.redis.workers_ca.as_deref())?;
    let own = OwnSettings {
        resolvers: args.resolver.clone(),
        credentials: args.credentials.clone(),
        identity: args.cert.clone().zip(args.key.clone()),
        threads: args.threads,
        caps: OwnCaps::new(args),
        environment_has_credentials: credentials::read(None)?.is_some(),
    };
    descriptors::raise_limit();
    let (wake, woken) = bounded(1);
    let stop = Stop {
        worker: Arc::default(),
        count: Arc::default(),
        wake,
    };
    let interrupts = Interrupts::watch(signals, stop.clone(), None);
    let mut crew = Crew {
        args,
        redis,
        own,
        stop,
        woken,
        choice: Choice::new(args.campaign.clone()),
        campaigns: None,
        contact: Contact::new(Timing::default().lease),
        is_away: false,
        idle_since: Instant::now(),
        latest: None,
    };
    crew.run()?;
    Ok(interrupts.first().map_or(Exit::Complete, Exit::Signal))
}

/// What signals do to a worker.
#[derive(Clone)]
struct Stop {
    /// The worker of the present campaign.
    worker: Arc<Mutex<Option<WorkerStop>>>,
    count: Arc<AtomicU32>,
    wake: Sender<()>,
}

impl Stop {
    /// The number of signals.
    fn count(&self) -> u32 {
        self.count.load(Ordering::SeqCst)
    }

    fn of_worker(&self, act: impl Fn(&WorkerStop)) {
        self.count.fetch_add(1, Ordering::SeqCst);
        let _ = self.wake.try_send(());
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        worker.iter().for_each(act);
    }

    /// Signals end this worker from now on.
    fn set(&self, worker: Option<WorkerStop>) {
        let mut held = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        // A signal may have come before.
        if let (Some(worker), true) = (&worker, self.count() > 0) {
            worker.drain();
        }
        *held = worker;
    }
}

impl Stops for Stop {
    fn drain(&self) {
        self.of_worker(WorkerStop::drain);
    }

    fn abort(&self) {
        self.of_worker(WorkerStop::abort);
    }
}

struct Crew<'a> {
    args: &'a WorkerArgs,
    redis: Redis,
    own: OwnSettings,
    stop: Stop,
    woken: Receiver<()>,
    choice: Choice,
    /// The connection, while there is one.
    campaigns: Option<Box<dyn Campaigns>>,
    contact: Contact,
    is_away: bool,
    /// Since when there was nothing to do.
    idle_since: Instant,
    /// The campaign that was joined last, so that it is not named again when it is joined again.
    latest: Option<String>,
}

impl Crew<'_> {
    /// Joins campaigns until a signal, or until there was nothing to do for too long.
    fn run(&mut self) -> Result<(), Failure> {
        while self.stop.count() == 0 && !self.is_idle_for_too_long() {
            match self.next() {
                Ok(Some(chosen)) => {
                    self.came_back();
                    self.take_part(chosen)?;
                }
                Ok(None) => {
                    self.came_back();
                    self.pause();
                }
                Err(error @ BrokerError::Refused(_)) => {
                    return Err(failed(&error));
                }
                Err(error) => {
                    self.went_away(&error);
                    self.pause();
                }
            }
        }
        self.say("left");
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Chosen>, BrokerError> {
        let campaigns = match &mut self.campaigns {
            Some(campaigns) => campaigns,
            none => none.insert(connection::connect(&self.redis)?),
        };
        let quiet = self.args.quiet;
        let mut refuse = |unreadable: Unreadable| {
            if !quiet {
                message(format_args!("canvass: {unreadable}"));
            }
        };
        self.choice
            .next(&mut **campaigns, Instant::now(), &mut refuse)
    }

    /// Works for a campaign until it is done, has nothing to claim, or this worker is stopped.
    fn take_part(&mut self, chosen: Chosen) -> Result<(), Failure> {
        let name = chosen.name.clone();
        let began = Instant::now();
        let mut worker = match self.join(chosen) {
            Ok(worker) => worker,
            Err(why) => {
                self.choice.refuse(&name);
                self.say(format_args!("campaign {name}: no part taken: {why}"));
                return Ok(());
            }
        };
        self.stop.set(Some(worker.stop_handle()));
        let mut aborted = None;
        while !worker.wait(WAIT) {
            if self.stop.count() > 1 {
                let since: &mut Instant = aborted.get_or_insert_with(Instant::now);
                if since.elapsed() > ABORT_WAIT {
                    // Its leases run out.
                    return Ok(());
                }
            }
        }
        self.stop.set(None);
        let end = worker.join();
        self.note_idleness(&end, began);
        match end {
            WorkEnd::Ended | WorkEnd::Idle => {}
            WorkEnd::Gone => {
                self.latest = None;
                self.say(format_args!("campaign {name} is complete or gone"));
            }
            WorkEnd::Refused(error) => {
                return Err(failed(&error));
            }
            WorkEnd::Failed(why) => {
                self.choice.postpone(&name, Instant::now());
                self.say(format_args!("campaign {name}: left: {why}"));
            }
        }
        Ok(())
    }

    fn join(&mut self, chosen: Chosen) -> Result<Worker, Failure> {
        let Chosen {
            name,
            generation,
            record,
            broker,
        } = chosen;
        let Work {
            plan,
            format,
            columns,
            filter,
            deadline,
        } = unpack(&record.plan, &self.own)?;
        let plan = plan
            .allowing(self.args.allow.iter().copied())
            .map_err(Failure::usage)?;
        let label = self
            .args
            .name
            .clone()
            .unwrap_or_else(WorkerLabel::of_machine);
        let incarnation = label.incarnation();
        let look = LineLook { format, columns };
        let keep = self.keep_lines(&record.plan, &name, &incarnation, look)?;
        let share = self.own.caps.share_limit(&record.plan);
        let known = format!("{name} {}", generation.0);
        if self.latest.as_ref() != Some(&known) {
            let command = &record.plan.command;
            self.say(format_args!(
                "joined campaign {name} (canvass {command}) as {}",
                incarnation.0
            ));
            if self.args.verbose {
                let (loops, concurrency) = (plan.event_loops(), plan.concurrency());
                let resolvers = plan.resolvers().len();
                self.say(format_args!(
                    "event loops: {loops}; at most {concurrency} targets at once; resolvers: {resolvers}"
                ));
            }
            self.latest = Some(known);
        }
        let (quiet, redis) = (self.args.quiet, self.redis.name().to_owned());
        let settings = WorkerSettings {
            name: incarnation,
            timing: Timing::default(),
            contact: self.contact.clone(),
            lines: LineSettings {
                format,
                columns,
                filter,
                keep,
                packing: packing(self.args.results),
            },
            share: Box::new(move |granted| share.of(granted)),
            idle_max: Some(
                self.args
                    .exit_when_idle
                    .map_or(IDLE_MAX, |max| max.min(IDLE_MAX)),
            ),
            drain_max: deadline,
            notes: Box::new(move |text| {
                if !quiet {
                    message(format_args!("canvass: Redis at {redis}: {text}"));
                }
            }),
        };
        Worker::start(plan, broker, generation, settings).map_err(Failure::stopped)
    }

    /// Begins to keep the lines of a campaign, if they stay with its workers.
    fn keep_lines(
        &self,
        plan: &TravellingPlan,
        campaign: &CampaignName,
        worker: &WorkerName,
        look: LineLook,
    ) -> Result<Option<KeepLines>, Failure> {
        let (wanted, root) = match (&plan.keep_parts, &self.args.keep_parts) {
            (None, _) => return Ok(None),
            (Some(wanted), Some(root)) => (wanted, root),
            (Some(_), None) => {
                return Err(Failure::usage(
                    "its lines stay with the workers, and this one was started without --keep-parts",
                ));
            }
        };
        let place = place(root, wanted.as_ref()).map_err(Failure::usage)?;
        let mut keeper = PartKeeper::new(place, campaign, worker, look).map_err(|error| {
            Failure::usage(format!("cannot keep lines in {}: {error}", root.display()))
        })?;
        Ok(Some(Box::new(move |targets, lines, octets| {
            keeper.keep(targets, lines, octets)
        })))
    }

    /// A worker that was idle all the time since it joined has not interrupted the idleness before.
    fn note_idleness(&mut self, end: &WorkEnd, began: Instant) {
        let was_idle = began.elapsed() < IDLE_MAX + LOOK_INTERVAL;
        if !(matches!(end, WorkEnd::Idle) && was_idle) {
            self.idle_since = Instant::now();
        }
    }

    fn is_idle_for_too_long(&self) -> bool {
        let max = self.args.exit_when_idle;
        max.is_some_and(|max| self.idle_since.elapsed() >= max)
    }

    /// Waits until it is time to look again, or for a signal.
    fn pause(&self) {
        let idle_for = self.idle_since.elapsed();
        let left = self
            .args
            .exit_when_idle
            .map(|max| max.saturating_sub(idle_for));
        let timeout = left.unwrap_or(LOOK_INTERVAL).min(LOOK_INTERVAL);
        let _ = self.woken.recv_timeout(timeout);
    }

    fn went_away(&mut self, error: &BrokerError) {
        self.campaigns = None;
        self.contact.lost();
        if !std::mem::replace(&mut self.is_away, true) {
            self.say(format_args!("Redis is away ({error}); waiting"));
        }
    }

    fn came_back(&mut self) {
        self.contact.heard(self.contact.now());
        if std::mem::take(&mut self.is_away) {
            let redis = self.redis.name();
            self.say(format_args!("Redis at {redis} is back"));
        }
    }

    fn say(&self, text: impl std::fmt::Display) {
        if !self.args.quiet {
            message(format_args!("canvass: {text}"));
        }
    }
}

fn packing(results: ResultsArg) -> Packing {
    match results {
        ResultsArg::Plain => Packing::Plain,
        ResultsArg::Zstd => Packing::Zstd,
    }
}
