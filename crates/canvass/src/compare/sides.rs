//! All sides at work: rounds, blocks, and what was measured in them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use canvass_model::ShardReport;
use canvass_report::{Block, IntervalLog, OtherSide, Side};
use canvass_run::Plan;

use super::answers::Judge;
use super::engine_side::EngineSide;
use super::list::List;
use super::local_sources::LocalSources;
use super::question::{Asked, Done, Found, Question};
use super::schedule::{Schedule, Turn};
use super::stop::Stop;
use super::system_side::SystemSide;
use crate::clocks::process_time;
use crate::exit::Failure;
use crate::message::message;
use crate::plan::Other;

/// A rate that grows by less than this from one time to the next has settled.
const SETTLED_SHARE: f64 = 0.1;
/// How long that is waited for.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(2);
/// Calls of libc's may always take this much longer than they were to: one that is not answered
/// waits for ten seconds (resolv.conf(5)), and a few of those are to be borne.
const OVERRUN_MIN: Duration = Duration::from_secs(30);
/// A share of the time that blocks spend on their ends which is worth a word.
const TAIL_SHARE_MAX: f64 = 0.3;

/// What the sides were asked for, which decides what libc's calls are called.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asks {
    pub names: bool,
    pub addresses: bool,
}

/// Another side, and what was measured of it.
struct Opponent {
    asker: Asker,
    judge: Judge,
    side: Side,
    /// How long it may still be asked.
    left: Duration,
    /// How much longer its calls took than they were to, so far, and how much that may be.
    overrun: Duration,
    overrun_max: Duration,
}

enum Asker {
    System(SystemSide),
    Engine(Box<EngineSide>),
}

/// All sides, and what was measured so far.
pub(super) struct Sides {
    plan: Plan,
    first: EngineSide,
    first_side: Side,
    /// Outcomes of the first side, and how many of them are no failure.
    outcomes: u64,
    good: u64,
    /// How long the first side waited for the last of its targets, over all blocks.
    tail: Duration,
    others: Vec<Opponent>,
    pub asks: Asks,
    pub stop: Stop,
}

/// What was measured of all sides.
pub(super) struct Measured {
    pub first: Side,
    pub others: Vec<OtherSide>,
    /// Outcomes of the first side, and how many of them are no failure.
    pub outcomes: u64,
    pub good: u64,
    /// Those of the first side, and then those of the others.
    pub reports: Vec<Vec<ShardReport>>,
    /// What makes it weak that the figures do not show.
    pub warnings: Vec<String>,
}

impl Sides {
    /// Starts all sides.
    pub(super) fn start(
        plan: &Plan,
        intervals: Option<IntervalLog>,
        others: &[Other],
        budget: Duration,
    ) -> Result<Self, Failure> {
        let first = EngineSide::start(plan, intervals)?;
        let mut runs = vec![first.stop_handle()];
        let mut opponents = Vec::new();
        for other in others {
            let (asker, local) = match other {
                Other::System { threads } => (
                    Asker::System(SystemSide::start(*threads)?),
                    Some(LocalSources::read()),
                ),
                Other::Engine(plan) => {
                    let engine = EngineSide::start(plan, None)?;
                    runs.push(engine.stop_handle());
                    (Asker::Engine(Box::new(engine)), None)
                }
            };
            let left = budget / others.len() as u32;
            opponents.push(Opponent {
                side: Side {
                    is_serial: matches!(other, Other::System { .. }),
                    ..Side::default()
                },
                asker,
                judge: Judge::new(local),
                left,
                overrun: Duration::ZERO,
                overrun_max: left.max(OVERRUN_MIN),
            });
        }
        let stop = Stop::watch(runs)?;
        Ok(Self {
            plan: plan.clone(),
            first,
            first_side: Side::default(),
            outcomes: 0,
            good: 0,
            tail: Duration::ZERO,
            others: opponents,
            asks: Asks::default(),
            stop,
        })
    }

    /// Warms up, and runs round after round until the list is at its end.
    pub(super) fn rounds(
        &mut self,
        list: &mut List,
        schedule: &Schedule,
        tell: bool,
    ) -> Result<(), Failure> {
        let mut chunk = list.take(schedule.chunk(0))?;
        if chunk.is_empty() {
            return Err(Failure::usage(match list.bad() {
                Some((_, first)) => {
                    format!("nothing in the list can be asked about; the first: {first}")
                }
                None => "the list is empty, so there is nothing to compare".to_owned(),
            }));
        }
        let warm = schedule.warm_up(chunk.len());
        self.warm_up(&chunk, &warm);
        for round in 0.. {
            if chunk.is_empty() || self.is_over() {
                break;
            }
            if tell {
                message(format_args!(
                    "round {}: {} targets, {} done before",
                    round + 1,
                    chunk.len(),
                    self.first_side.targets()
                ));
            }
            self.note(&chunk);
            let warm = if round == 0 { &warm[..] } else { &[] };
            self.round(round, &chunk, schedule, warm);
            chunk = list.take(schedule.chunk(round + 1))?;
        }
        Ok(())
    }

    fn note(&mut self, chunk: &[Question]) {
        for question in chunk {
            match question {
                Question::Names(_) => self.asks.names = true,
                Question::Addresses { .. } => self.asks.addresses = true,
            }
        }
    }

    /// Whether there is no use in going on: somebody said to stop, or no resolver answers.
    fn is_over(&self) -> bool {
        self.stop.is_set() || self.first.has_ended()
    }

    /// Asks for some targets before anything counts: windows are learned, connections opened,
    /// files read, and caches hold what they will hold.
    fn warm_up(&mut self, chunk: &Arc<[Question]>, places: &[u32]) {
        let first = &mut self.first;
        warm_until_settled(|| first.ask(chunk, places.to_vec(), None, false));
        for other in &mut self.others {
            if self.stop.is_set() {
                break;
            }
            let time = Schedule::warm_up_time(other.left);
            let until = Instant::now() + time;
            match &mut other.asker {
                Asker::System(system) => {
                    system.ask(chunk, places.to_vec(), until, self.stop.flag());
                }
                Asker::Engine(engine) => {
                    warm_until_settled(|| engine.ask(chunk, places.to_vec(), Some(until), false));
                }
            }
            // A call that waits for ever must not leave the measured blocks nothing.
            other.left = other.left.saturating_sub(time);
        }
    }

    fn round(&mut self, round: usize, chunk: &Arc<[Question]>, schedule: &Schedule, warm: &[u32]) {
        let first_leads = Schedule::first_leads(round);
        let mut ours: Vec<Option<(u64, Found)>> = vec![None; chunk.len()];
        let mut theirs: Vec<Vec<Done>> = self.others.iter().map(|_| Vec::new()).collect();
        for turn in schedule.turns(round) {
            if self.is_over() {
                break;
            }
            match turn {
                Turn::First => {
                    let places = self.first_places(round, chunk.len(), schedule);
                    let first = &mut self.first;
                    let (mut block, asked) =
                        measure(&self.plan, || first.ask(chunk, places, None, true));
                    self.outcomes += asked.outcomes;
                    self.good += asked.good;
                    block.asked_first = first_leads;
                    self.first_side.blocks.push(block);
                    self.tail += asked.tail;
                    for Done {
                        place,
                        latency_ns,
                        found,
                    } in asked.done
                    {
                        self.first_side.record(latency_ns);
                        self.first_side.failed += u64::from(!found.is_answer());
                        ours[place as usize] = Some((latency_ns, found));
                    }
                }
                Turn::Other(at) => {
                    let other = &mut self.others[at];
                    let time = schedule.block_time(round, other.left);
                    if time.is_zero() || other.overrun > other.overrun_max {
                        continue;
                    }
                    let places = schedule.sample(round, chunk.len(), at, warm);
                    let start = Instant::now();
                    let stop = &self.stop;
                    let (mut block, asked) =
                        measure(&self.plan, || other.ask(chunk, places, start + time, stop));
                    let took = start.elapsed();
                    other.left = other.left.saturating_sub(took.min(time));
                    other.overrun += took.saturating_sub(time);
                    block.asked_first = !first_leads;
                    other.side.blocks.push(block);
                    theirs[at] = asked.done;
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
                other.side.failed += u64::from(!found.is_answer());
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

    /// In which order the first side asks for a chunk: in that of the list, which is what it is for;
    /// or, where another side of its kind asks for all of it as well, in that one's.
    fn first_places(&self, round: usize, chunk: usize, schedule: &Schedule) -> Vec<u32> {
        match &self.others[..] {
            [
                Opponent {
                    asker: Asker::Engine(_),
                    ..
                },
            ] => schedule.sample(round, chunk, 0, &[]),
            _ => (0..chunk as u32).collect(),
        }
    }

    /// Ends all sides, and gives what was measured.
    pub(super) fn finish(self) -> Result<Measured, Failure> {
        let mut warnings = Vec::new();
        let wall = self.first_side.wall();
        if self.tail.as_secs_f64() > TAIL_SHARE_MAX * wall.as_secs_f64() {
            warnings.push(format!(
                "canvass waited {:.0} % of its time for the last target in a hundred of its blocks: \
                 a longer list has less of that",
                100.0 * self.tail.as_secs_f64() / wall.as_secs_f64()
            ));
        }
        let mut reports = vec![self.first.finish()?];
        let mut others = Vec::new();
        for other in self.others {
            if other.overrun > other.overrun_max {
                warnings.push(
                    "calls of the other side took so much longer than its budget that it was not \
                     asked to the end"
                        .to_owned(),
                );
            }
            reports.push(match other.asker {
                Asker::System(_) => Vec::new(),
                Asker::Engine(engine) => engine.finish()?,
            });
            others.push(OtherSide {
                side: other.side,
                answers: other.judge.verdict(),
            });
        }
        Ok(Measured {
            first: self.first_side,
            others,
            outcomes: self.outcomes,
            good: self.good,
            reports,
            warnings,
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
    ) -> Asked {
        match &mut self.asker {
            Asker::System(system) => system.ask(chunk, places, until, stop.flag()),
            Asker::Engine(engine) => engine.ask(chunk, places, Some(until), false),
        }
    }
}

/// Runs one block, and says what it took.
fn measure(plan: &Plan, work: impl FnOnce() -> Asked) -> (Block, Asked) {
    let at = plan.now();
    let cpu = process_time();
    let asked = work();
    let block = Block {
        began: at,
        wall: asked.wall,
        cpu: process_time().saturating_sub(cpu),
        targets: asked.done.len() as u64,
        asked_first: false,
    };
    (block, asked)
}

/// Asks again and again until the rate is what it was, or time is up: a window that still climbs
/// would be measured as if it had learned.
fn warm_until_settled(mut ask: impl FnMut() -> Asked) {
    let began = Instant::now();
    let mut before = 0.0;
    loop {
        let asked = ask();
        let rate = asked.done.len() as f64 / asked.wall.as_secs_f64().max(1e-9);
        let settled = rate < before * (1.0 + SETTLED_SHARE);
        if settled || asked.done.is_empty() || began.elapsed() > SETTLE_TIME_MAX {
            return;
        }
        before = rate;
    }
}
