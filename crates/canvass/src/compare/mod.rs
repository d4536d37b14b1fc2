//! `canvass compare`: the same targets through canvass and through somebody else.
//!
//! The sides take turns in blocks (`schedule`), on one machine and in one process, and nothing is
//! measured of one while another works. What follows from the figures is `canvass_report`'s.

mod answers;
mod engine_side;
mod list;
mod local_sources;
mod names;
mod output;
mod question;
mod schedule;
mod system_side;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use canvass_engine::Config;
use canvass_model::{Outcome, ShardReport, Time};
use canvass_report::{Against, Block, Comparison, Side, Tally};

use crate::cpu::process_time;
use crate::exit::{Exit, Failure};
use crate::plan::{ComparePlan, Other};
use crate::say::say;
use crate::{descriptors, signals};
use answers::Judge;
use engine_side::EngineSide;
use list::List;
use local_sources::LocalSources;
use output::Output;
use question::{Done, Found, Question};
use schedule::{Schedule, Turn};
use system_side::SystemSide;

/// Runs a comparison, and shows it.
pub fn run(plan: ComparePlan) -> Result<Exit, Failure> {
    descriptors::raise_limit();
    let ComparePlan {
        source,
        start,
        config,
        threads,
        others,
        budget,
        seed,
        mut warnings,
        lab,
        output,
        format,
        hgrm,
        html,
        progress,
        quiet,
        fail_below_percent,
    } = plan;
    let mut list = List::new(source)?;
    let schedule = Schedule::new(list.targets(), others.len(), seed);
    let mut rig = Rig::start(start.began, &config, threads, &others, budget)?;
    rig.rounds(&mut list, &schedule, progress)?;

    if let Some((bad, first)) = list.bad() {
        warnings.push(format!(
            "{bad} of the list cannot be asked about, the first: {first}"
        ));
    }
    let stop = rig.stop.clone();
    if stop.signal().is_some() {
        warnings.push("the comparison was stopped before its end".to_owned());
    }
    let asks = rig.asks;
    let Measured {
        mut first,
        others: mut measured,
        tally,
        reports,
    } = rig.finish()?;
    let tells_resolver = names::tell_resolvers(&config, &others);
    first.name = names::engine(&config, &reports[0], tells_resolver);
    for ((against, other), reports) in measured.iter_mut().zip(&others).zip(&reports[1..]) {
        against.side.name = match other {
            Other::System { threads } => names::system(asks, *threads),
            Other::Engine(config) => names::engine(config, reports, tells_resolver),
        };
    }
    if let Some(Other::System { .. }) = others.first() {
        warnings.extend(
            LocalSources::caches().into_iter().map(|cache| {
                format!("{cache} may answer the system's resolver from its own cache")
            }),
        );
    }
    let gave_up = reports.iter().flatten().any(|report| report.gave_up);
    if gave_up {
        warnings.push("no resolver answered any more, so the rest was not asked".to_owned());
    }
    let comparison = Comparison {
        a: first,
        others: measured,
        listed: list.given(),
        seed,
        processors: available_parallelism().ok(),
        warnings,
    };
    // Its threads have no more to do.
    drop(lab);
    Output {
        path: output,
        format,
        hgrm,
        html,
        quiet,
        began: start.epoch.wall,
    }
    .write(&comparison)?;
    if let Some(signal) = stop.signal() {
        return Ok(Exit::Signal(signal));
    }
    if gave_up {
        return Err(Failure::stopped(
            "no resolver answers any more; the rest of the list was not asked",
        ));
    }
    Ok(Exit::of(&tally, fail_below_percent))
}

/// What the sides were asked for, which decides what libc's calls are called.
#[derive(Clone, Copy, Debug, Default)]
struct Asks {
    names: bool,
    addresses: bool,
}

/// Whether it was told to stop, and by what.
#[derive(Clone, Default)]
struct Stop {
    set: Arc<AtomicBool>,
    number: Arc<AtomicI32>,
}

impl Stop {
    fn is_set(&self) -> bool {
        self.set.load(Ordering::Relaxed)
    }

    fn signal(&self) -> Option<i32> {
        let number = self.number.load(Ordering::Relaxed);
        (number != 0).then_some(number)
    }
}

/// Another side, and what was measured of it.
struct Opponent {
    asker: Asker,
    judge: Judge,
    side: Side,
    left: Duration,
}

enum Asker {
    System(SystemSide),
    Engine(EngineSide),
}

/// All sides, and what was measured so far.
struct Rig {
    began: Instant,
    first: EngineSide,
    first_side: Side,
    tally: Tally,
    others: Vec<Opponent>,
    asks: Asks,
    stop: Stop,
}

struct Measured {
    first: Side,
    others: Vec<Against>,
    tally: Tally,
    /// Those of the first side, and then those of the others.
    reports: Vec<Vec<ShardReport>>,
}

impl Rig {
    fn start(
        began: Instant,
        config: &Config,
        threads: usize,
        others: &[Other],
        budget: Duration,
    ) -> Result<Self, Failure> {
        let first = EngineSide::start(config, threads, began)?;
        let mut levers = vec![first.levers()];
        let mut opponents = Vec::new();
        for other in others {
            let (asker, local) = match other {
                Other::System { threads } => (
                    Asker::System(SystemSide::start(*threads)?),
                    Some(LocalSources::read()),
                ),
                Other::Engine(config) => {
                    let engine = EngineSide::start(config, threads, began)?;
                    levers.push(engine.levers());
                    (Asker::Engine(engine), None)
                }
            };
            opponents.push(Opponent {
                asker,
                judge: Judge::new(local),
                side: Side::default(),
                left: budget / others.len() as u32,
            });
        }
        let stop = Stop::default();
        let on_signal = stop.clone();
        signals::watch(move |number| {
            on_signal.number.store(number, Ordering::Relaxed);
            let again = on_signal.set.swap(true, Ordering::Relaxed);
            for levers in &levers {
                if again {
                    levers.abort();
                } else {
                    levers.drain();
                }
            }
        })
        .map_err(|error| Failure::stopped(format!("cannot watch for signals: {error}")))?;
        Ok(Self {
            began,
            first,
            first_side: Side::default(),
            tally: Tally::default(),
            others: opponents,
            asks: Asks::default(),
            stop,
        })
    }

    /// Warms up, and runs round after round until the list is at its end.
    fn rounds(&mut self, list: &mut List, schedule: &Schedule, tell: bool) -> Result<(), Failure> {
        let mut chunk = list.take(schedule.chunk(0))?;
        if chunk.is_empty() {
            return Err(Failure::usage(
                "the list is empty, so there is nothing to compare",
            ));
        }
        self.warm_up(&chunk, schedule);
        for round in 0.. {
            if chunk.is_empty() || self.stop.is_set() {
                break;
            }
            if tell {
                say(format_args!(
                    "round {}: {} targets, {} done before",
                    round + 1,
                    chunk.len(),
                    self.first_side.targets()
                ));
            }
            self.note(&chunk);
            self.round(round, &chunk, schedule);
            chunk = list.take(schedule.chunk(round + 1))?;
        }
        Ok(())
    }

    fn note(&mut self, chunk: &[Question]) {
        for question in chunk {
            match question {
                Question::Names(_) => self.asks.names = true,
                Question::Addresses(_) => self.asks.addresses = true,
            }
        }
    }

    /// Asks for some targets before anything counts: windows are learned, connections opened,
    /// files read, and caches hold what they will hold.
    fn warm_up(&mut self, chunk: &Arc<[Question]>, schedule: &Schedule) {
        let places = schedule.warm_up(chunk.len());
        let tally = &mut self.tally;
        self.first
            .ask(chunk, &places, None, &mut |batch| tally.record_all(batch));
        for other in &mut self.others {
            let time = Schedule::warm_up_time(other.left);
            let began = Instant::now();
            other.ask(chunk, places.clone(), began + time, &self.stop);
            other.left = other.left.saturating_sub(began.elapsed());
        }
    }

    fn round(&mut self, round: usize, chunk: &Arc<[Question]>, schedule: &Schedule) {
        let first_leads = Schedule::first_leads(round);
        let mut ours: Vec<Option<(u64, Found)>> = vec![None; chunk.len()];
        let mut theirs: Vec<Vec<Done>> = self.others.iter().map(|_| Vec::new()).collect();
        for turn in schedule.turns(round) {
            if self.stop.is_set() {
                break;
            }
            match turn {
                Turn::First => {
                    let places: Vec<u32> = (0..chunk.len() as u32).collect();
                    let tally = &mut self.tally;
                    let first = &mut self.first;
                    let (mut block, done) = measure(self.began, || {
                        first.ask(chunk, &places, None, &mut |batch| tally.record_all(batch))
                    });
                    block.asked_first = first_leads;
                    self.first_side.blocks.push(block);
                    for Done {
                        place,
                        latency_ns,
                        found,
                    } in done
                    {
                        self.first_side.record(latency_ns);
                        ours[place as usize] = Some((latency_ns, found));
                    }
                }
                Turn::Other(at) => {
                    let other = &mut self.others[at];
                    let time = schedule.block_time(round, other.left);
                    if time.is_zero() {
                        continue;
                    }
                    let places = schedule.sample(round, chunk.len(), at);
                    let until = Instant::now() + time;
                    let stop = &self.stop;
                    let (mut block, done) =
                        measure(self.began, || other.ask(chunk, places, until, stop));
                    block.asked_first = !first_leads;
                    other.left = other.left.saturating_sub(block.wall);
                    other.side.blocks.push(block);
                    theirs[at] = done;
                }
            }
        }
        for (other, done) in self.others.iter_mut().zip(theirs) {
            for Done {
                place,
                latency_ns,
                found,
            } in done
            {
                other.side.record(latency_ns);
                let Some((our_latency_ns, our_found)) = &ours[place as usize] else {
                    continue;
                };
                if first_leads {
                    other.side.record_asked_second(latency_ns);
                } else {
                    self.first_side.record_asked_second(*our_latency_ns);
                }
                other.judge.judge(&chunk[place as usize], our_found, &found);
            }
        }
    }

    fn finish(self) -> Result<Measured, Failure> {
        let mut reports = vec![self.first.finish()?];
        let mut others = Vec::new();
        for other in self.others {
            reports.push(match other.asker {
                Asker::System(_) => Vec::new(),
                Asker::Engine(engine) => engine.finish()?,
            });
            others.push(Against {
                side: other.side,
                answers: other.judge.verdict(),
            });
        }
        Ok(Measured {
            first: self.first_side,
            others,
            tally: self.tally,
            reports,
        })
    }
}

impl Opponent {
    fn ask(
        &mut self,
        chunk: &Arc<[Question]>,
        places: Vec<u32>,
        until: Instant,
        stop: &Stop,
    ) -> Vec<Done> {
        match &mut self.asker {
            Asker::System(system) => system.ask(chunk, places, until, &stop.set),
            Asker::Engine(engine) => {
                engine.ask(chunk, &places, Some(until), &mut |_: &[Outcome]| {})
            }
        }
    }
}

/// Runs one block, and says what it took.
fn measure(began: Instant, work: impl FnOnce() -> Vec<Done>) -> (Block, Vec<Done>) {
    let at = Time::from_nanos(began.elapsed().as_nanos() as u64);
    let cpu = process_time();
    let start = Instant::now();
    let done = work();
    let block = Block {
        began: at,
        wall: start.elapsed(),
        cpu: process_time().saturating_sub(cpu),
        targets: done.len() as u64,
        asked_first: false,
    };
    (block, done)
}
