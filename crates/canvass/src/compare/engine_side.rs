//! canvass as a side: its own event loops, which keep what they learned from block to block.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use canvass_engine::{Config, Inbox};
use canvass_model::{
    Answer, Job, Outcome, ProbeSpec, Rcode, RecordType, ShardReport, Status, Target, Time, Verdict,
};
use crossbeam_channel::{Receiver, bounded, never, select, unbounded};

use super::question::{Asked, Done, Found, Question};
use crate::clocks::run_time;
use crate::exit::Failure;
use crate::shards::{Levers, Shards};

/// Targets that are given to a loop at once.
const BATCH_TARGETS: usize = 256;

/// Event loops that are asked block by block.
pub struct EngineSide {
    shards: Shards,
    began: Instant,
    ended: Receiver<io::Result<ShardReport>>,
    /// What loops had to say that ended before they were told to.
    reports: Vec<io::Result<ShardReport>>,
}

/// The half of a name's addresses that came first.
struct Half {
    began: Time,
    finished: Time,
    found: Found,
}

impl EngineSide {
    /// Starts so many loops.
    pub fn start(config: &Config, threads: usize, began: Instant) -> Result<Self, Failure> {
        let (sender, ended) = unbounded();
        let shards = Shards::start(config, threads, false, began, move |report| {
            drop(sender.send(report));
        })?;
        Ok(Self {
            shards,
            began,
            ended,
            reports: Vec::new(),
        })
    }

    /// Whether a loop has ended: then nothing can be asked any more.
    pub fn has_ended(&self) -> bool {
        !self.reports.is_empty()
    }

    /// What stops the loops.
    pub fn levers(&self) -> Levers {
        self.shards.levers.clone()
    }

    /// Asks for these places, in order, beginning no more after `until`. Every outcome is shown
    /// to `each`.
    ///
    /// When the loops have ended before all was asked (they were told to, or no resolver answers
    /// any more), what was done until then comes back.
    pub fn ask(
        &mut self,
        questions: &Arc<[Question]>,
        places: &[u32],
        until: Option<Instant>,
        each: &mut dyn FnMut(&[Outcome]),
    ) -> Asked {
        let Self {
            shards:
                Shards {
                    inboxes,
                    outcomes,
                    levers,
                },
            began,
            ended,
            reports,
        } = self;
        let start = run_time(*began);
        let mut finished = Vec::with_capacity(places.len());
        let mut done = Vec::with_capacity(places.len());
        std::thread::scope(|scope| {
            let (say_fed, fed) = bounded(1);
            scope.spawn(move || {
                // Only one is ever sent, and there is room for it.
                let _ = say_fed.send(feed(inboxes, questions, places, until));
            });
            let mut fed = fed;
            let mut expected = None;
            let mut taken = 0;
            let mut halves = HashMap::new();
            while expected != Some(taken) {
                select! {
                    recv(fed) -> jobs => {
                        expected = jobs.ok();
                        fed = never();
                    }
                    recv(ended) -> report => {
                        // What is asked of the others is of no use any more, and they must be
                        // told, or their outcomes would be waited for.
                        reports.extend(report);
                        levers.drain();
                    }
                    recv(outcomes) -> batch => {
                        let Ok(batch) = batch else { break };
                        levers.outcomes_taken();
                        taken += batch.len();
                        each(&batch);
                        for outcome in batch {
                            let at = outcome.finished;
                            if let Some(one) = done_of(outcome, &mut halves) {
                                finished.push(at);
                                done.push(one);
                            }
                        }
                    }
                }
            }
        });
        finished.sort_unstable();
        let last = finished.last().copied().unwrap_or(start);
        let most = finished
            .get((finished.len() * 99).div_ceil(100).saturating_sub(1))
            .copied()
            .unwrap_or(start);
        Asked {
            done,
            wall: last.since(start),
            tail: last.since(most),
        }
    }

    /// Ends the loops, and gives what each has to say.
    pub fn finish(self) -> Result<Vec<ShardReport>, Failure> {
        let Shards {
            inboxes, outcomes, ..
        } = self.shards;
        let left = inboxes.len() - self.reports.len();
        drop(inboxes);
        // Of jobs that nobody waited for any more.
        while outcomes.recv().is_ok() {}
        let rest = self.ended.iter().take(left);
        self.reports
            .into_iter()
            .chain(rest)
            .map(|report| {
                report.map_err(|error| Failure::stopped(format!("an event loop failed: {error}")))
            })
            .collect()
    }
}

/// Gives jobs to the loops by turns, and says how many.
fn feed(
    inboxes: &[Inbox],
    questions: &[Question],
    places: &[u32],
    until: Option<Instant>,
) -> usize {
    let mut fed = 0;
    for (number, batch) in places.chunks(BATCH_TARGETS).enumerate() {
        if until.is_some_and(|until| Instant::now() >= until) {
            break;
        }
        let jobs: Vec<Job> = batch
            .iter()
            .flat_map(|&place| jobs_of(&questions[place as usize], place))
            .collect();
        let count = jobs.len();
        if inboxes[number % inboxes.len()].put(jobs).is_err() {
            break;
        }
        fed += count;
    }
    fed
}

/// An address is one question, a name is two.
fn jobs_of(question: &Question, place: u32) -> impl Iterator<Item = Job> {
    let seq = u64::from(place);
    let job = move |target: Target, spec| Job {
        seq,
        line: None,
        target,
        spec,
        due: None,
        resolver: None,
    };
    let (first, second) = match question {
        Question::Names(address) => {
            let target = Target::Address {
                address: *address,
                given: None,
            };
            let spec = ProbeSpec::Ptr {
                forward_confirm: false,
            };
            (job(target, spec), None)
        }
        Question::Addresses { name, given } => {
            let target = Target::Name {
                name: name.clone(),
                given: given.clone(),
            };
            let of_type = |record_type| job(target.clone(), ProbeSpec::Dns { record_type });
            (of_type(RecordType::A), Some(of_type(RecordType::AAAA)))
        }
    };
    std::iter::once(first).chain(second)
}

/// What an outcome comes to; `None` while the other half of its name is out.
fn done_of(outcome: Outcome, halves: &mut HashMap<u64, Half>) -> Option<Done> {
    let place = outcome.job.seq;
    let began = outcome.first_send.unwrap_or(outcome.due);
    let finished = outcome.finished;
    let found = found_in(&outcome);
    let whole = match outcome.job.spec {
        ProbeSpec::Dns { .. } => {
            let this = Half {
                began,
                finished,
                found,
            };
            match halves.remove(&place) {
                Some(other) => joined(this, other),
                None => {
                    halves.insert(place, this);
                    return None;
                }
            }
        }
        _ => Half {
            began,
            finished,
            found,
        },
    };
    Some(Done {
        place: place as u32,
        latency_ns: whole.finished.nanos_since(whole.began),
        found: whole.found,
    })
}

fn joined(one: Half, other: Half) -> Half {
    Half {
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
