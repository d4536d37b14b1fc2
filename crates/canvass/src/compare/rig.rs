//! All sides at work: rounds, blocks, and what was measured in them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use canvass_engine::Config;
use canvass_model::{Outcome, ShardReport, Time};
use canvass_report::{Against, Block, LatencyRecorder, Side, Sink, Tally};

use super::answers::Judge;
use super::engine_side::EngineSide;
use super::list::List;
use super::local_sources::LocalSources;
use super::question::{Done, Found, Question};
use super::schedule::{Schedule, Turn};
use super::stop::Stop;
use super::system_side::SystemSide;
use crate::cpu::process_time;
use crate::exit::Failure;
use crate::plan::Other;
use crate::say::say;

/// What the sides were asked for, which decides what libc's calls are called.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asks {
    pub names: bool,
    pub addresses: bool,
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
pub struct Rig {
    began: Instant,
    first: EngineSide,
    first_side: Side,
    tally: Tally,
    /// The first side's interval log, where somebody wants one.
    pub intervals: Option<LatencyRecorder>,
    others: Vec<Opponent>,
    pub asks: Asks,
    pub stop: Stop,
}

/// What was measured of all sides.
pub struct Measured {
    pub first: Side,
    pub others: Vec<Against>,
    pub tally: Tally,
    /// Those of the first side, and then those of the others.
    pub reports: Vec<Vec<ShardReport>>,
}

impl Rig {
    /// Starts all sides.
    pub fn start(
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
        let stop = Stop::watch(levers)?;
        Ok(Self {
            began,
            first,
            first_side: Side::default(),
            tally: Tally::default(),
            intervals: None,
            others: opponents,
            asks: Asks::default(),
            stop,
        })
    }

    /// Warms up, and runs round after round until the list is at its end.
    pub fn rounds(
        &mut self,
        list: &mut List,
        schedule: &Schedule,
        tell: bool,
    ) -> Result<(), Failure> {
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
            self.round(round, &chunk, schedule)?;
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

    fn round(
        &mut self,
        round: usize,
        chunk: &Arc<[Question]>,
        schedule: &Schedule,
    ) -> Result<(), Failure> {
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
                    let (tally, intervals) = (&mut self.tally, &mut self.intervals);
                    let first = &mut self.first;
                    let mut written = Ok(());
                    let mut each = |batch: &[Outcome]| {
                        tally.record_all(batch);
                        if let (Some(intervals), Ok(())) = (&mut *intervals, &written) {
                            written = intervals.accept(batch);
                        }
                    };
                    let (mut block, done) =
                        measure(self.began, || first.ask(chunk, &places, None, &mut each));
                    written.map_err(Failure::stopped)?;
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
        Ok(())
    }

    /// Ends all sides, and gives what was measured.
    pub fn finish(self) -> Result<Measured, Failure> {
        if let Some(mut intervals) = self.intervals {
            intervals.finish().map_err(Failure::stopped)?;
        }
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
            Asker::System(system) => system.ask(chunk, places, until, stop.flag()),
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
