//! canvass as a side: a run that gets its targets in blocks, and keeps its windows and connections
//! between them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use canvass_model::{
    Answer, Job, Outcome, ProbeSpec, Rcode, RecordType, ShardReport, Status, Target, Time, Verdict,
};
use canvass_queue::{Position, Source, SourceError};
use canvass_report::{Durable, IntervalLog, Sink, SinkError};
use canvass_run::{Optional, Plan, Run, RunError, StopHandle};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::question::{BlockResult, LookupResult, Question, TargetResult};
use crate::exit::Failure;

/// The number of targets that become jobs at once.
const BATCH_TARGETS: usize = 256;

/// A run that gets its targets in blocks.
pub(super) struct EngineSide {
    plan: Plan,
    run: Run,
    blocks: Sender<Block>,
    events: Receiver<Event>,
    /// Whether outcomes are written to the interval log.
    measuring: Arc<AtomicBool>,
    /// The sequence number of the first job of the next block.
    next_seq: u64,
    has_ended: bool,
}

/// The targets to look up next.
struct Block {
    questions: Arc<[Question]>,
    /// The indices of the questions to ask, in order.
    indices: Vec<u32>,
    /// When to start no more.
    until: Option<Instant>,
}

/// The progress of a block.
enum Event {
    /// Jobs were started for these indices, in the order of their sequence numbers.
    Submitted(Vec<u32>),
    /// No more jobs of the block will be started.
    AllSubmitted,
    Completed(Vec<CompletedJob>),
    /// The run has ended.
    Ended,
}

/// The parts of an outcome that a comparison needs.
struct CompletedJob {
    seq: u64,
    verdict: Verdict,
    /// Whether it is a lookup of one address family of a name.
    is_one_family: bool,
    timed: TimedResult,
}

/// The result of a lookup with its times, or of the first family of a name.
struct TimedResult {
    began: Time,
    finished: Time,
    result: LookupResult,
}

impl EngineSide {
    /// Starts a run. Measured blocks are also written to `intervals`.
    pub(super) fn start(
        plan: &Plan,
        intervals: Option<Optional<IntervalLog>>,
    ) -> Result<Self, Failure> {
        // The next block is sent when all outcomes of the one before have arrived.
        let (blocks, block_receiver) = bounded(1);
        let (event_sender, events) = unbounded();
        let source = BlockSource {
            blocks: block_receiver,
            current: None,
            ready: VecDeque::new(),
            next_seq: 0,
            events: event_sender.clone(),
        };
        let measuring = Arc::new(AtomicBool::new(false));
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        if let Some(log) = intervals {
            let measuring = Arc::clone(&measuring);
            sinks.push(Box::new(MeasuredIntervals { log, measuring }));
        }
        sinks.push(Box::new(ResultSink(event_sender)));
        Ok(Self {
            plan: plan.clone(),
            run: Run::start(plan.clone(), source, sinks).map_err(Failure::stopped)?,
            blocks,
            events,
            measuring,
            next_seq: 0,
            has_ended: false,
        })
    }

    /// Whether the run has ended, so that it takes no more blocks.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// A handle that stops the run.
    pub(super) fn stop_handle(&self) -> StopHandle {
        self.run.stop_handle()
    }

    /// Looks up the questions at these indices, in order, and starts no more after `until`.
    ///
    /// If the run ends early (it was stopped, or no resolver answers any more), returns the results
    /// so far.
    pub(super) fn ask(
        &mut self,
        questions: &Arc<[Question]>,
        indices: Vec<u32>,
        until: Option<Instant>,
        measured: bool,
    ) -> BlockResult {
        let start = self.plan.now();
        let mut finished = Vec::with_capacity(indices.len());
        let mut result = BlockResult {
            targets: Vec::with_capacity(indices.len()),
            ..BlockResult::default()
        };
        self.measuring.store(measured, Ordering::SeqCst);
        // Fails after the end of the run, which is among the events.
        let _ = self.blocks.send(Block {
            questions: Arc::clone(questions),
            indices,
            until,
        });
        let mut submitted = Vec::new();
        let mut all_submitted = false;
        let mut first_families = HashMap::new();
        while !(all_submitted && result.outcomes == submitted.len() as u64) {
            match self.events.recv() {
                Ok(Event::Submitted(indices)) => submitted.extend(indices),
                Ok(Event::AllSubmitted) => all_submitted = true,
                Ok(Event::Completed(batch)) => {
                    for job in batch {
                        result.outcomes += 1;
                        result.good += u64::from(job.verdict != Verdict::Failed);
                        let at = job.timed.finished;
                        let index = submitted[(job.seq - self.next_seq) as usize];
                        if let Some(target) = target_result(job, index, &mut first_families) {
                            finished.push(at);
                            result.targets.push(target);
                        }
                    }
                }
                Ok(Event::Ended) | Err(_) => {
                    self.has_ended = true;
                    break;
                }
            }
        }
        self.next_seq += submitted.len() as u64;
        finished.sort_unstable();
        let last = finished.last().copied().unwrap_or(start);
        let most = finished
            .get((finished.len() * 99).div_ceil(100).saturating_sub(1))
            .copied()
            .unwrap_or(start);
        result.wall = last.since(start);
        result.tail = last.since(most);
        result
    }

    /// Ends the run, and returns the reports of its event loops.
    pub(super) fn finish(self) -> Result<Vec<ShardReport>, Failure> {
        drop(self.blocks);
        let report = self.run.join();
        match report.error {
            // `gave_up` in the reports of the shards shows this.
            None | Some(RunError::GaveUp) => Ok(report.shards),
            Some(error) => Err(Failure::stopped(error)),
        }
    }
}

/// The source of the run: gives the jobs of the blocks it receives.
struct BlockSource {
    blocks: Receiver<Block>,
    /// The block under way, and how many of its indices have jobs.
    current: Option<(Block, usize)>,
    /// Jobs of it that are not given yet, with their indices.
    ready: VecDeque<(u32, Target, ProbeSpec)>,
    next_seq: u64,
    events: Sender<Event>,
}

impl BlockSource {
    /// Creates the jobs of the next targets of the block, if its time is not over.
    fn make_ready(&mut self) {
        if let Some((block, at)) = &mut self.current {
            if block.until.is_some_and(|until| Instant::now() >= until) {
                *at = block.indices.len();
            }
            for &index in block.indices[*at..].iter().take(BATCH_TARGETS) {
                *at += 1;
                let jobs = jobs_of(&block.questions[index as usize]);
                self.ready
                    .extend(jobs.map(|(target, spec)| (index, target, spec)));
            }
        }
    }
}

impl Source for BlockSource {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        if self.current.is_none() {
            let Ok(block) = self.blocks.recv() else {
                return Ok(false);
            };
            self.current = Some((block, 0));
        }
        if self.ready.is_empty() {
            self.make_ready();
        }
        let mut indices = Vec::new();
        let count = self.ready.len().min(max);
        for (index, target, spec) in self.ready.drain(..count) {
            indices.push(index);
            out.push(Job {
                seq: self.next_seq,
                line: None,
                target,
                spec,
                due: None,
                resolver: None,
            });
            self.next_seq += 1;
        }
        // Sent before the jobs are given, so that no outcome comes first.
        let _ = self.events.send(Event::Submitted(indices));
        let is_complete = matches!(&self.current, Some((block, at)) if *at == block.indices.len());
        if is_complete && self.ready.is_empty() {
            self.current = None;
            let _ = self.events.send(Event::AllSubmitted);
        }
        Ok(true)
    }

    fn remaining(&self) -> Option<u64> {
        None
    }

    fn position(&self) -> Position {
        Position::before(self.next_seq)
    }
}

/// Returns the jobs of a question: one for an address, two for a name (A and AAAA).
fn jobs_of(question: &Question) -> impl Iterator<Item = (Target, ProbeSpec)> {
    let (first, second) = match question {
        Question::Names(address) => {
            let target = Target::Address {
                address: *address,
                given: None,
            };
            let spec = ProbeSpec::Ptr {
                forward_confirm: false,
            };
            ((target, spec), None)
        }
        Question::Addresses { name, given } => {
            let target = Target::Name {
                name: name.clone(),
                given: given.clone(),
            };
            let of_type = |record_type| (target.clone(), ProbeSpec::Dns { record_type });
            (of_type(RecordType::A), Some(of_type(RecordType::AAAA)))
        }
    };
    std::iter::once(first).chain(second)
}

/// A sink that forwards results as events, and the end of the run.
struct ResultSink(Sender<Event>);

impl Sink for ResultSink {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        let job = outcomes.iter().map(|outcome| CompletedJob {
            seq: outcome.job.seq,
            verdict: outcome.verdict,
            is_one_family: matches!(outcome.job.spec, ProbeSpec::Dns { .. }),
            timed: TimedResult {
                began: outcome.first_send.unwrap_or(outcome.due),
                finished: outcome.finished,
                result: result_of(outcome),
            },
        });
        let _ = self.0.send(Event::Completed(job.collect()));
        Ok(())
    }
}

impl Drop for ResultSink {
    fn drop(&mut self) {
        let _ = self.0.send(Event::Ended);
    }
}

/// An interval log of the measured blocks, without warming up.
struct MeasuredIntervals {
    log: Optional<IntervalLog>,
    measuring: Arc<AtomicBool>,
}

impl Sink for MeasuredIntervals {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        if self.measuring.load(Ordering::SeqCst) {
            self.log.record(outcomes)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<Durable, SinkError> {
        self.log.flush()
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.log.finish()
    }
}

/// The result of a target; `None` while the other address family of its name is pending.
fn target_result(
    job: CompletedJob,
    index: u32,
    first_families: &mut HashMap<u32, TimedResult>,
) -> Option<TargetResult> {
    let whole = if !job.is_one_family {
        job.timed
    } else if let Some(other) = first_families.remove(&index) {
        merged(job.timed, other)
    } else {
        first_families.insert(index, job.timed);
        return None;
    };
    Some(TargetResult {
        index,
        latency_ns: whole.finished.nanos_since(whole.began),
        result: whole.result,
    })
}

/// Merges the results of both address families of a name.
fn merged(one: TimedResult, other: TimedResult) -> TimedResult {
    TimedResult {
        began: one.began.min(other.began),
        finished: one.finished.max(other.finished),
        result: match (one.result, other.result) {
            (LookupResult::Addresses(one), LookupResult::Addresses(other)) => {
                LookupResult::addresses([one, other].concat())
            }
            // Most names have addresses of one family only. If the other lookup failed, some may be
            // missing.
            (LookupResult::Addresses(result), _) | (_, LookupResult::Addresses(result)) => {
                LookupResult::Addresses(result)
            }
            (failed @ LookupResult::Failed(_), _) | (_, failed) => failed,
        },
    }
}

fn result_of(outcome: &Outcome) -> LookupResult {
    match (&outcome.answer, outcome.verdict) {
        (Answer::Ptr(answer), Verdict::Answered) => {
            LookupResult::names(answer.names.iter().map(|name| &**name))
        }
        (Answer::Dns(answer), Verdict::Answered) => LookupResult::addresses(
            answer
                .records
                .iter()
                .filter(|record| matches!(record.record_type, RecordType::A | RecordType::AAAA))
                .filter_map(|record| record.data.parse().ok())
                .collect(),
        ),
        (_, Verdict::Failed) => LookupResult::Failed(outcome.status.to_string().into()),
        _ if outcome.status == Status::Rcode(Rcode::NOERROR) => {
            LookupResult::Empty("no data".into())
        }
        _ => LookupResult::Empty(outcome.status.to_string().into()),
    }
}
