//! Runs the rounds of all sides, and collects their measurements.

use std::sync::Arc;
use std::time::{Duration, Instant};

use canvass_model::ShardReport;
use canvass_report::{Block, IntervalLog, OtherSide, Side};
use canvass_run::{Optional, Plan};

use super::answers::AnswerComparison;
use super::engine_side::EngineSide;
use super::interrupt::Interrupt;
use super::list::List;
use super::local_sources::LocalSources;
use super::question::{BlockResult, LookupResult, Question, TargetResult};
use super::schedule::{Schedule, Turn};
use super::system_side::SystemSide;
use crate::cpu_time::process_cpu_time;
use crate::exit::Failure;
use crate::message::message;
use crate::plan::Other;
use crate::signals::StopSignals;

/// A rate has settled if it grows by less than this share from one pass to the next.
const SETTLED_SHARE: f64 = 0.1;
/// The time limit for that.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(2);
/// Calls of libc may always exceed their time by this much: an unanswered call takes ten seconds
/// (resolv.conf(5)), and a few of those are acceptable.
const OVERRUN_MIN: Duration = Duration::from_secs(30);
/// If the blocks spend more than this share of their time waiting for the last 1 % of their answers,
/// there is a warning.
const TAIL_SHARE_MAX: f64 = 0.3;

/// The kinds of questions in the list. They determine which functions of libc are named.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct QuestionKinds {
    pub names: bool,
    pub addresses: bool,
}

/// A side that canvass is compared with, and its measurements.
struct ComparedSide {
    backend: Backend,
    answers: AnswerComparison,
    side: Side,
    /// The rest of its time limit.
    left: Duration,
    /// By how much its calls have exceeded their time so far, and the limit of that.
    overrun: Duration,
    overrun_max: Duration,
}

enum Backend {
    System(SystemSide),
    Engine(Box<EngineSide>),
}

/// All sides, and their measurements so far.
pub(super) struct Sides {
    plan: Plan,
    first: EngineSide,
    first_side: Side,
    /// The number of outcomes of the first side, and how many of them did not fail.
    outcomes: u64,
    good: u64,
    /// How long the first side waited for the last 1 % of its answers, over all blocks.
    tail: Duration,
    others: Vec<ComparedSide>,
    pub question_kinds: QuestionKinds,
    pub interrupt: Interrupt,
}

/// The measurements of all sides.
pub(super) struct Measured {
    pub first: Side,
    pub others: Vec<OtherSide>,
    /// The number of outcomes of the first side, and how many of them did not fail.
    pub outcomes: u64,
    pub good: u64,
    /// The reports of the first side, and then those of the others.
    pub reports: Vec<Vec<ShardReport>>,
    /// Weaknesses of the comparison that the figures do not show.
    pub warnings: Vec<String>,
}

impl Sides {
    /// Starts all sides.
    pub(super) fn start(
        plan: &Plan,
        intervals: Option<Optional<IntervalLog>>,
        others: &[Other],
        budget: Duration,
        signals: &StopSignals,
        notices: bool,
    ) -> Result<Self, Failure> {
        let first = EngineSide::start(plan, intervals)?;
        let mut runs = vec![first.stop_handle()];
        let mut compared = Vec::new();
        for other in others {
            let (backend, local) = match other {
                Other::System { threads } => (
                    Backend::System(SystemSide::start(*threads)?),
                    Some(LocalSources::read()),
                ),
                Other::Engine(plan) => {
                    let engine = EngineSide::start(plan, None)?;
                    runs.push(engine.stop_handle());
                    (Backend::Engine(Box::new(engine)), None)
                }
            };
            let left = budget / others.len() as u32;
            compared.push(ComparedSide {
                side: Side {
                    is_serial: matches!(other, Other::System { .. }),
                    ..Side::default()
                },
                backend,
                answers: AnswerComparison::new(local),
                left,
                overrun: Duration::ZERO,
                overrun_max: left.max(OVERRUN_MIN),
            });
        }
        let interrupt = Interrupt::watch(signals, runs, notices);
        Ok(Self {
            plan: plan.clone(),
            first,
            first_side: Side::default(),
            outcomes: 0,
            good: 0,
            tail: Duration::ZERO,
            others: compared,
            question_kinds: QuestionKinds::default(),
            interrupt,
        })
    }

    /// Warms up, and runs rounds until the end of the list.
    pub(super) fn rounds(
        &mut self,
        list: &mut List,
        schedule: &Schedule,
        show_progress: bool,
    ) -> Result<(), Failure> {
        let mut chunk = list.take(schedule.chunk(0))?;
        let warm = schedule.warm_up(chunk.len());
        self.warm_up(&chunk, &warm);
        for round in 0.. {
            if chunk.is_empty() || self.is_over() {
                break;
            }
            if show_progress {
                message(format_args!(
                    "round {}: {} targets, {} done before",
                    round + 1,
                    chunk.len(),
                    self.first_side.targets()
                ));
            }
            self.record_kinds(&chunk);
            let warm = if round == 0 { &warm[..] } else { &[] };
            self.round(round, &chunk, schedule, warm);
            chunk = list.take(schedule.chunk(round + 1))?;
        }
        Ok(())
    }

    fn record_kinds(&mut self, chunk: &[Question]) {
        for question in chunk {
            match question {
                Question::Names(_) => self.question_kinds.names = true,
                Question::Addresses { .. } => self.question_kinds.addresses = true,
            }
        }
    }

    /// Whether to end early: a signal was received, or no resolver answers any more.
    fn is_over(&self) -> bool {
        self.interrupt.is_set() || self.first.has_ended()
    }

    /// Looks up some targets before the measurement: windows find their rate, connections are opened,
    /// configuration is read, caches are filled.
    fn warm_up(&mut self, chunk: &Arc<[Question]>, indices: &[u32]) {
        let first = &mut self.first;
        warm_until_settled(|| first.ask(chunk, indices.to_vec(), None, false));
        for other in &mut self.others {
            if self.interrupt.is_set() {
                break;
            }
            let time = Schedule::warm_up_time(other.left);
            let until = Instant::now() + time;
            match &mut other.backend {
                Backend::System(system) => {
                    system.ask(chunk, indices.to_vec(), until, self.interrupt.flag());
                }
                Backend::Engine(engine) => {
                    warm_until_settled(|| engine.ask(chunk, indices.to_vec(), Some(until), false));
                }
            }
            // Subtracts the allowance and not the time taken: a slow call must not use up the time of
            // the measured blocks.
            other.left = other.left.saturating_sub(time);
        }
    }

    fn round(&mut self, round: usize, chunk: &Arc<[Question]>, schedule: &Schedule, warm: &[u32]) {
        let first_leads = Schedule::first_leads(round);
        let mut ours: Vec<Option<(u64, LookupResult)>> = vec![None; chunk.len()];
        let mut theirs: Vec<Vec<TargetResult>> = self.others.iter().map(|_| Vec::new()).collect();
        for turn in schedule.turns(round) {
            if self.is_over() {
                break;
            }
            match turn {
                Turn::First => {
                    let indices = self.first_indices(round, chunk.len(), schedule);
                    let first = &mut self.first;
                    let (mut block, block_result) =
                        measure(&self.plan, || first.ask(chunk, indices, None, true));
                    self.outcomes += block_result.outcomes;
                    self.good += block_result.good;
                    block.asked_first = first_leads;
                    self.first_side.blocks.push(block);
                    self.tail += block_result.tail;
                    for TargetResult {
                        index,
                        latency_ns,
                        result,
                    } in block_result.targets
                    {
                        self.first_side.record(latency_ns);
                        self.first_side.failed += u64::from(!result.is_answer());
                        ours[index as usize] = Some((latency_ns, result));
                    }
                }
                Turn::Other(at) => {
                    let other = &mut self.others[at];
                    let time = schedule.block_time(round, other.left);
                    if time.is_zero() || other.overrun > other.overrun_max {
                        continue;
                    }
                    let indices = schedule.sample(round, chunk.len(), at, warm);
                    let start = Instant::now();
                    let interrupt = &self.interrupt;
                    let (mut block, block_result) = measure(&self.plan, || {
                        other.ask(chunk, indices, start + time, interrupt)
                    });
                    let took = start.elapsed();
                    other.left = other.left.saturating_sub(took.min(time));
                    other.overrun += took.saturating_sub(time);
                    block.asked_first = !first_leads;
                    other.side.blocks.push(block);
                    theirs[at] = block_result.targets;
                }
            }
        }
        for (other, done) in self.others.iter_mut().zip(theirs) {
            for TargetResult {
                index,
                latency_ns,
                result,
            } in done
            {
                other.side.record(latency_ns);
                other.side.failed += u64::from(!result.is_answer());
                let Some((our_latency_ns, our_result)) = &ours[index as usize] else {
                    continue;
                };
                if first_leads {
                    other.side.record_asked_second(latency_ns);
                } else {
                    self.first_side.record_asked_second(*our_latency_ns);
                }
                other
                    .answers
                    .add(&chunk[index as usize], our_result, &result);
            }
        }
    }

    /// The order in which the first side looks up a chunk: that of the list, as in a run; or, if the
    /// only other side is canvass too and looks up all of it, the order of that side.
    fn first_indices(&self, round: usize, chunk: usize, schedule: &Schedule) -> Vec<u32> {
        match &self.others[..] {
            [
                ComparedSide {
                    backend: Backend::Engine(_),
                    ..
                },
            ] => schedule.sample(round, chunk, 0, &[]),
            _ => (0..chunk as u32).collect(),
        }
    }

    /// Ends all sides, and returns their measurements.
    pub(super) fn finish(self) -> Result<Measured, Failure> {
        let mut warnings = Vec::new();
        let wall = self.first_side.wall();
        if self.tail.as_secs_f64() > TAIL_SHARE_MAX * wall.as_secs_f64() {
            warnings.push(format!(
                "canvass spent {:.0} % of its time waiting for the last 1 % of the answers in its \
                 blocks; a longer list reduces this",
                100.0 * self.tail.as_secs_f64() / wall.as_secs_f64()
            ));
        }
        let mut reports = vec![self.first.finish()?];
        let mut others = Vec::new();
        for other in self.others {
            if other.overrun > other.overrun_max {
                warnings.push(
                    "calls of the other side exceeded its budget by so much that it was stopped \
                     early"
                        .to_owned(),
                );
            }
            reports.push(match other.backend {
                Backend::System(_) => Vec::new(),
                Backend::Engine(engine) => engine.finish()?,
            });
            others.push(OtherSide {
                side: other.side,
                answers: other.answers.finish(),
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

impl ComparedSide {
    fn ask(
        &mut self,
        chunk: &Arc<[Question]>,
        indices: Vec<u32>,
        until: Instant,
        interrupt: &Interrupt,
    ) -> BlockResult {
        match &mut self.backend {
            Backend::System(system) => system.ask(chunk, indices, until, interrupt.flag()),
            Backend::Engine(engine) => engine.ask(chunk, indices, Some(until), false),
        }
    }
}

/// Runs one block, and measures its time and CPU time.
fn measure(plan: &Plan, work: impl FnOnce() -> BlockResult) -> (Block, BlockResult) {
    let at = plan.now();
    let cpu = process_cpu_time();
    let block_result = work();
    let block = Block {
        began: at,
        wall: block_result.wall,
        cpu: process_cpu_time().saturating_sub(cpu),
        targets: block_result.targets.len() as u64,
        asked_first: false,
    };
    (block, block_result)
}

/// Repeats a pass until its rate no longer grows, or the time is over: the window must have found its
/// rate before the measurement.
fn warm_until_settled(mut ask: impl FnMut() -> BlockResult) {
    let began = Instant::now();
    let mut before = 0.0;
    loop {
        let block_result = ask();
        let rate = block_result.targets.len() as f64 / block_result.wall.as_secs_f64().max(1e-9);
        let settled = rate < before * (1.0 + SETTLED_SHARE);
        if settled || block_result.targets.is_empty() || began.elapsed() > SETTLE_TIME_MAX {
            return;
        }
        before = rate;
    }
}
