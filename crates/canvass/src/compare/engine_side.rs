//! canvass as a side: a run that is asked block by block, and keeps what it learned in between.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use canvass_model::{
    Answer, Job, Outcome, ProbeSpec, Rcode, RecordType, ShardReport, Status, Target, Time, Verdict,
};
use canvass_queue::{Position, Source, SourceError};
use canvass_report::{Durable, IntervalLog, Sink, SinkError};
use canvass_run::{Plan, Run, RunError, StopHandle};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::question::{Asked, Done, Found, Question};
use crate::exit::Failure;

/// Targets that are given to an event loop at once.
const BATCH_TARGETS: usize = 256;

/// A run that is asked block by block.
pub(super) struct EngineSide {
    plan: Plan,
    run: Run,
    blocks: Sender<Block>,
    events: Receiver<Event>,
    /// Whether outcomes count for the interval log.
    measuring: Arc<AtomicBool>,
    /// The sequence number of the first job of the next block.
    next_seq: u64,
    has_ended: bool,
}

/// What is to be asked next.
struct Block {
    questions: Arc<[Question]>,
    /// Which of them, in order.
    places: Vec<u32>,
    /// When the last may begin.
    until: Option<Instant>,
}

/// What becomes of a block.
enum Event {
    /// The places that the next jobs are for.
    Asked(Vec<u32>),
    /// No more of the block will be asked.
    AllAsked,
    Taken(Vec<Taken>),
    /// The run takes no more outcomes.
    Ended,
}

/// An outcome, as far as a comparison needs it.
struct Taken {
    seq: u64,
    verdict: Verdict,
    /// It is about one family of a name's addresses.
    is_half: bool,
    result: LookupResult,
}

/// What came of a lookup, or of the half of one that came first.
struct LookupResult {
    began: Time,
    finished: Time,
    found: Found,
}

impl EngineSide {
    /// Starts a run. What is measured goes into `intervals` too.
    pub(super) fn start(plan: &Plan, intervals: Option<IntervalLog>) -> Result<Self, Failure> {
        // The next block is given when all outcomes of the one before it are there.
        let (blocks, given) = bounded(1);
        let (event_sender, events) = unbounded();
        let source = Blocks {
            given,
            current: None,
            ready: VecDeque::new(),
            next_seq: 0,
            events: event_sender.clone(),
        };
        let measuring = Arc::new(AtomicBool::new(false));
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        if let Some(log) = intervals {
            let measuring = Arc::clone(&measuring);
            sinks.push(Box::new(WhileMeasuring { log, measuring }));
        }
        sinks.push(Box::new(Results(event_sender)));
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

    /// Whether the run has ended: then nothing can be asked any more.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// What stops the run.
    pub(super) fn stop_handle(&self) -> StopHandle {
        self.run.stop_handle()
    }

    /// Asks for these places, in order, beginning no more after `until`.
    ///
    /// When the run has ended before all was asked (it was told to, or no resolver answers any
    /// more), what was done until then comes back.
    pub(super) fn ask(
        &mut self,
        questions: &Arc<[Question]>,
        places: Vec<u32>,
        until: Option<Instant>,
        measured: bool,
    ) -> Asked {
        let start = self.plan.now();
        let mut finished = Vec::with_capacity(places.len());
        let mut asked = Asked {
            done: Vec::with_capacity(places.len()),
            ..Asked::default()
        };
        self.measuring.store(measured, Ordering::SeqCst);
        // Where nobody takes it any more, that is among the events.
        let _ = self.blocks.send(Block {
            questions: Arc::clone(questions),
            places,
            until,
        });
        let mut places_asked = Vec::new();
        let mut all_asked = false;
        let mut halves = HashMap::new();
        while !(all_asked && asked.outcomes == places_asked.len() as u64) {
            match self.events.recv() {
                Ok(Event::Asked(places)) => places_asked.extend(places),
                Ok(Event::AllAsked) => all_asked = true,
                Ok(Event::Taken(batch)) => {
                    for taken in batch {
                        asked.outcomes += 1;
                        asked.good += u64::from(taken.verdict != Verdict::Failed);
                        let at = taken.result.finished;
                        let place = places_asked[(taken.seq - self.next_seq) as usize];
                        if let Some(done) = done_of(taken, place, &mut halves) {
                            finished.push(at);
                            asked.done.push(done);
                        }
                    }
                }
                Ok(Event::Ended) | Err(_) => {
                    self.has_ended = true;
                    break;
                }
            }
        }
        self.next_seq += places_asked.len() as u64;
        finished.sort_unstable();
        let last = finished.last().copied().unwrap_or(start);
        let most = finished
            .get((finished.len() * 99).div_ceil(100).saturating_sub(1))
            .copied()
            .unwrap_or(start);
        asked.wall = last.since(start);
        asked.tail = last.since(most);
        asked
    }

    /// Ends the run, and gives what each event loop has to say.
    pub(super) fn finish(self) -> Result<Vec<ShardReport>, Failure> {
        drop(self.blocks);
        let report = self.run.join();
        match report.error {
            // The shards say so too.
            None | Some(RunError::GaveUp) => Ok(report.shards),
            Some(error) => Err(Failure::stopped(error)),
        }
    }
}

/// Gives the jobs of blocks as they come.
struct Blocks {
    given: Receiver<Block>,
    /// The block that was begun, and how far it is.
    current: Option<(Block, usize)>,
    /// Jobs of it that did not fit yet, with their places.
    ready: VecDeque<(u32, Target, ProbeSpec)>,
    next_seq: u64,
    events: Sender<Event>,
}

impl Blocks {
    /// Makes the jobs of the next targets of the block, if there is time for more.
    fn make_ready(&mut self) {
        if let Some((block, at)) = &mut self.current {
            if block.until.is_some_and(|until| Instant::now() >= until) {
                *at = block.places.len();
            }
            for &place in block.places[*at..].iter().take(BATCH_TARGETS) {
                *at += 1;
                let jobs = jobs_of(&block.questions[place as usize]);
                self.ready
                    .extend(jobs.map(|(target, spec)| (place, target, spec)));
            }
        }
    }
}

impl Source for Blocks {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        if self.current.is_none() {
            let Ok(block) = self.given.recv() else {
                return Ok(false);
            };
            self.current = Some((block, 0));
        }
        if self.ready.is_empty() {
            self.make_ready();
        }
        let mut places = Vec::new();
        let count = self.ready.len().min(max);
        for (place, target, spec) in self.ready.drain(..count) {
            places.push(place);
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
        // Before the jobs go out, so that no outcome comes first.
        let _ = self.events.send(Event::Asked(places));
        let all_made = matches!(&self.current, Some((block, at)) if *at == block.places.len());
        if all_made && self.ready.is_empty() {
            self.current = None;
            let _ = self.events.send(Event::AllAsked);
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

/// An address is one question, a name is two.
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

/// Passes results on, and says when there are no more.
struct Results(Sender<Event>);

impl Sink for Results {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        let taken = outcomes.iter().map(|outcome| Taken {
            seq: outcome.job.seq,
            verdict: outcome.verdict,
            is_half: matches!(outcome.job.spec, ProbeSpec::Dns { .. }),
            result: LookupResult {
                began: outcome.first_send.unwrap_or(outcome.due),
                finished: outcome.finished,
                found: found_in(outcome),
            },
        });
        let _ = self.0.send(Event::Taken(taken.collect()));
        Ok(())
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        let _ = self.0.send(Event::Ended);
    }
}

/// An interval log of what is measured, without what only warms up.
struct WhileMeasuring {
    log: IntervalLog,
    measuring: Arc<AtomicBool>,
}

impl Sink for WhileMeasuring {
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

/// What an outcome comes to; `None` while the other half of its name is out.
fn done_of(taken: Taken, place: u32, halves: &mut HashMap<u32, LookupResult>) -> Option<Done> {
    let whole = if !taken.is_half {
        taken.result
    } else if let Some(other) = halves.remove(&place) {
        joined(taken.result, other)
    } else {
        halves.insert(place, taken.result);
        return None;
    };
    Some(Done {
        place,
        latency_ns: whole.finished.nanos_since(whole.began),
        found: whole.found,
    })
}

fn joined(one: LookupResult, other: LookupResult) -> LookupResult {
    LookupResult {
        began: one.began.min(other.began),
        finished: one.finished.max(other.finished),
        found: match (one.found, other.found) {
            (Found::Addresses(one), Found::Addresses(other)) => {
                Found::addresses([one, other].concat())
            }
            // One kind of addresses is what a name usually has; what failed may have hidden some.
            (Found::Addresses(found), _) | (_, Found::Addresses(found)) => Found::Addresses(found),
            (failed @ Found::Failed(_), _) | (_, failed) => failed,
        },
    }
}

fn found_in(outcome: &Outcome) -> Found {
    match (&outcome.answer, outcome.verdict) {
        (Answer::Ptr(answer), Verdict::Answered) => {
            Found::names(answer.names.iter().map(|name| &**name))
        }
        (Answer::Dns(answer), Verdict::Answered) => Found::addresses(
            answer
                .records
                .iter()
                .filter(|record| matches!(record.record_type, RecordType::A | RecordType::AAAA))
                .filter_map(|record| record.data.parse().ok())
                .collect(),
        ),
        (_, Verdict::Failed) => Found::Failed(outcome.status.to_string().into()),
        _ if outcome.status == Status::Rcode(Rcode::NOERROR) => Found::Nothing("no data".into()),
        _ => Found::Nothing(outcome.status.to_string().into()),
    }
}
