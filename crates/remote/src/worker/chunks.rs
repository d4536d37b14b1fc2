//! The chunks that a worker executes: their jobs are a source of its run, their outcomes come to a sink.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use canvass_model::{Job, Outcome, Verdict};
use canvass_queue::{Completed, Position, Source, SourceError};
use canvass_report::{Columns, Format, LineFilter, LineFormat, PartCounts, Sink, SinkError};

use crate::chunk::{ChunkHeader, ChunkJobs};
use crate::result::{ChunkResult, LinePacker, Packing};

/// How long a source waits for a chunk before it lets its feeder look at the stop flag.
const WAIT: Duration = Duration::from_millis(100);
/// For how many chunks memory is kept while they are not there.
const SPARE_MAX: usize = 2;

/// Keeps the lines of a chunk, of which the numbers of its jobs and of its lines are given, and returns
/// what is committed in their place.
pub type KeepLines = Box<dyn FnMut(Range<u64>, u64, &[u8]) -> io::Result<Vec<u8>> + Send>;

/// How the lines of a campaign look, and where they go.
pub struct LineSettings {
    /// The format.
    pub format: Format,
    /// The columns of CSV.
    pub columns: Columns,
    /// Which outcomes have a line; all of them without it.
    pub filter: Option<LineFilter>,
    /// What is committed in place of lines, if they stay here.
    pub keep: Option<KeepLines>,
    /// How lines are packed in results.
    pub packing: Packing,
}

/// The chunks of a run that executes them. Clones are the same.
#[derive(Clone)]
pub(crate) struct Chunks(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

/// Turns chunks that have ended into results.
pub(crate) struct Packer {
    keep: Option<KeepLines>,
    lines: LinePacker,
}

#[derive(Default)]
struct State {
    /// Chunks whose jobs no feeder has taken yet.
    waiting: VecDeque<ChunkJobs>,
    /// Chunks of which outcomes are missing, by their first numbers.
    open: BTreeMap<u64, OpenChunk>,
    finished: Vec<OpenChunk>,
    /// Memory of chunks whose results are packed.
    spare: Vec<Buffers>,
    is_closed: bool,
}

/// A chunk of which outcomes are missing.
struct OpenChunk {
    header: ChunkHeader,
    missing: u64,
    /// The number of lines.
    written: u64,
    /// Nobody needs its result.
    is_discarded: bool,
    found: Buffers,
    began: Instant,
    /// How many jobs per second its feeder took.
    jobs_per_second: f64,
}

/// A chunk that has ended.
pub(crate) struct Packed {
    /// Its first number.
    pub(crate) first: u64,
    /// The result to commit.
    pub(crate) result: Vec<u8>,
    /// Whether all of its outcomes are failed.
    pub(crate) all_failed: bool,
}

/// What is found in a chunk. Fresh memory for each would take as long as filling it.
#[derive(Default)]
struct Buffers {
    lines: Vec<u8>,
    counts: Box<PartCounts>,
}

/// Gives the jobs of chunks as they are begun.
pub(crate) struct ChunkSource {
    chunks: Chunks,
    /// What is left of the chunk that was taken last.
    jobs: Option<ChunkJobs>,
    given: u64,
}

/// Sorts outcomes to their chunks.
pub(crate) struct ChunkSink {
    chunks: Chunks,
    format: Box<dyn LineFormat + Send>,
    filter: Option<LineFilter>,
}

impl Chunks {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            state: Mutex::default(),
            changed: Condvar::new(),
        }))
    }

    pub(crate) fn source(&self) -> ChunkSource {
        ChunkSource {
            chunks: self.clone(),
            jobs: None,
            given: 0,
        }
    }

    pub(crate) fn sink(
        &self,
        format: Box<dyn LineFormat + Send>,
        filter: Option<LineFilter>,
    ) -> ChunkSink {
        ChunkSink {
            chunks: self.clone(),
            format,
            filter,
        }
    }

    /// Whether every chunk that was begun has been taken by the feeder.
    pub(crate) fn has_room(&self) -> bool {
        self.lock().waiting.is_empty()
    }

    pub(crate) fn is_busy_with(&self, jobs: &Range<u64>) -> bool {
        let state = self.lock();
        let before = state.open.range(..jobs.end);
        before
            .into_iter()
            .any(|(_, chunk)| chunk.header.range().end > jobs.start)
    }

    pub(crate) fn begin(&self, jobs: ChunkJobs) {
        let header = jobs.header();
        let mut state = self.lock();
        let chunk = OpenChunk {
            header,
            missing: header.outcomes,
            written: 0,
            is_discarded: false,
            found: state.spare.pop().unwrap_or_default(),
            began: Instant::now(),
            jobs_per_second: 0.0,
        };
        state.open.insert(header.first, chunk);
        state.waiting.push_back(jobs);
        drop(state);
        self.0.changed.notify_all();
    }

    /// Drops the result of a chunk. Its jobs that no feeder has taken are not asked.
    pub(crate) fn discard(&self, first: u64) {
        let mut state = self.lock();
        let waiting = state.waiting.len();
        state.waiting.retain(|jobs| jobs.header().first != first);
        if state.waiting.len() < waiting {
            state.open.remove(&first);
        } else if let Some(chunk) = state.open.get_mut(&first) {
            chunk.is_discarded = true;
            chunk.found = Buffers::default();
        }
    }

    /// The results of chunks that have ended since the last call.
    ///
    /// # Errors
    /// The lines of one cannot be kept.
    pub(crate) fn finished(&self, packer: &mut Packer) -> io::Result<Vec<Packed>> {
        let finished = std::mem::take(&mut self.lock().finished);
        // Packed outside of the lock: it takes time.
        finished
            .into_iter()
            .map(|chunk| {
                let first = chunk.header.first;
                let tally = &chunk.found.counts.tally;
                let all_failed = tally.verdict(Verdict::Failed) == tally.total();
                let (result, mut found) = packer.pack(chunk)?;
                found.clear();
                let spare = &mut self.lock().spare;
                if spare.len() < SPARE_MAX {
                    spare.push(found);
                }
                Ok(Packed {
                    first,
                    result,
                    all_failed,
                })
            })
            .collect()
    }

    /// Waits until a chunk has ended, at most for `timeout`.
    pub(crate) fn wait(&self, timeout: Duration) {
        let state = self.lock();
        if state.finished.is_empty() {
            let waited = self.0.changed.wait_timeout(state, timeout);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Ends the source, once it has given what was begun.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.0.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buffers {
    fn clear(&mut self) {
        self.lines.clear();
        self.counts.clear();
    }
}

impl Packer {
    pub(crate) fn new(keep: Option<KeepLines>, packing: Packing) -> Self {
        Self {
            keep,
            lines: LinePacker::new(packing),
        }
    }

    /// The result of a chunk, and its memory to use again.
    fn pack(&mut self, chunk: OpenChunk) -> io::Result<(Vec<u8>, Buffers)> {
        let Buffers { lines, mut counts } = chunk.found;
        let kept = match &mut self.keep {
            None => None,
            Some(keep) => Some(keep(chunk.header.range(), chunk.written, &lines)?),
        };
        let committed = kept.as_ref().unwrap_or(&lines);
        let result = ChunkResult {
            header: chunk.header,
            written: chunk.written,
            counts: std::mem::take(&mut *counts),
            jobs_per_second: chunk.jobs_per_second,
            lines_octets: committed.len() as u64,
            packing: self.lines.packing(),
        };
        let octets = result.encode(committed, &mut self.lines);
        *counts = result.counts;
        Ok((octets, Buffers { lines, counts }))
    }
}

impl Source for ChunkSource {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        let jobs = match &mut self.jobs {
            Some(jobs) => jobs,
            none => {
                let mut state = self.chunks.lock();
                if state.waiting.is_empty() {
                    if state.is_closed {
                        return Ok(false);
                    }
                    let woken = self.chunks.0.changed.wait_timeout(state, WAIT);
                    state = woken.unwrap_or_else(PoisonError::into_inner).0;
                }
                let Some(jobs) = state.waiting.pop_front() else {
                    return Ok(true);
                };
                if let Some(chunk) = state.open.get_mut(&jobs.header().first) {
                    chunk.began = Instant::now();
                }
                none.insert(jobs)
            }
        };
        let before = out.len();
        out.extend(jobs.by_ref().take(max));
        self.given += (out.len() - before) as u64;
        if jobs.len() == 0 {
            let first = jobs.header().first;
            self.jobs = None;
            if let Some(chunk) = self.chunks.lock().open.get_mut(&first) {
                // A feeder is blocked while the event loops have enough, so this is how fast they are.
                let took_s = chunk.began.elapsed().as_secs_f64().max(1e-6);
                chunk.jobs_per_second = f64::from(chunk.header.jobs) / took_s;
            }
        }
        Ok(true)
    }

    fn remaining(&self) -> Option<u64> {
        None
    }

    fn position(&self) -> Position {
        Position::before(self.given)
    }

    /// All of them, as far as the ledger of the run is concerned: chunks come in any order, and what is
    /// done is not recorded here.
    fn completed(&self) -> Completed {
        Completed::before(u64::MAX)
    }
}

impl Sink for ChunkSink {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        let mut state = self.chunks.lock();
        let mut rest = outcomes;
        let mut has_finished = false;
        while let Some(outcome) = rest.first() {
            let seq = outcome.job.seq;
            let Some((&first, chunk)) = state.open.range_mut(..=seq).next_back() else {
                rest = &rest[1..];
                continue;
            };
            let range = chunk.header.range();
            let count = rest
                .iter()
                .take_while(|outcome| range.contains(&outcome.job.seq))
                .count()
                .max(1);
            let (of_chunk, later) = rest.split_at(count);
            rest = later;
            if !range.contains(&seq) {
                continue;
            }
            if !chunk.is_discarded {
                chunk.record(of_chunk, &mut *self.format, self.filter.as_ref());
            }
            chunk.missing = chunk.missing.saturating_sub(of_chunk.len() as u64);
            if chunk.missing == 0
                && let Some(chunk) = state.open.remove(&first)
                && !chunk.is_discarded
            {
                state.finished.push(chunk);
                has_finished = true;
            }
        }
        drop(state);
        if has_finished {
            self.chunks.0.changed.notify_all();
        }
        Ok(())
    }
}

impl OpenChunk {
    fn record(
        &mut self,
        outcomes: &[Outcome],
        format: &mut dyn LineFormat,
        filter: Option<&LineFilter>,
    ) {
        let Buffers { lines, counts } = &mut self.found;
        for outcome in outcomes {
            if filter.is_none_or(|filter| filter.passes(outcome)) {
                format.line(outcome, lines);
                self.written += 1;
            }
            counts.tally.record(outcome);
            counts.latency.record(outcome);
            counts.bin.record(outcome);
            counts.notable.record(outcome);
        }
    }
}
