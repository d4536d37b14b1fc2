//! Targets from a list that is read as a stream.

use std::io::Read;

use crate::batch::Batch;
use crate::block::BlockCursor;
use crate::intake::{Intake, LineTargets};
use crate::records::Records;
use crate::shuffle_buffer::ShuffleBuffer;
use crate::targets::{Part, Progress};
use crate::{ListProgress, SourceError, TargetOptions};

/// Creates the part that reads a list from `reader`; `name` names the list in errors. `file_octets` is the
/// size of the file, if it is one.
pub(crate) fn part(
    reader: impl Read + Send + 'static,
    name: &str,
    file_octets: Option<u64>,
    options: &TargetOptions,
) -> Box<dyn Part> {
    let list = List {
        records: Records::new(reader, options),
        name: name.into(),
        intake: Intake::new(options),
        at_end: false,
        progress: file_octets.map(ListProgress::new),
        jobs: 0,
    };
    match options.shuffle {
        None => Box::new(InOrder { list, cursor: None }),
        Some(seed) => Box::new(Shuffled {
            list,
            buffer: ShuffleBuffer::new(seed),
            bad_line: None,
        }),
    }
}

/// Parses the lines of a list into targets.
struct List<R> {
    records: Records<R>,
    name: Box<str>,
    intake: Intake,
    at_end: bool,
    /// How far it was read, if it is in a file.
    progress: Option<ListProgress>,
    /// The number of jobs that were added or skipped.
    jobs: u64,
}

/// The next item of a list.
enum Next {
    LineTargets(LineTargets),
    /// No complete line is buffered: the reader must be read.
    Read,
    End,
}

impl<R: Read> List<R> {
    fn next_buffered(&mut self) -> Result<Next, SourceError> {
        if let Some(targets) = self.intake.next_part() {
            return Ok(Next::LineTargets(targets));
        }
        while !self.at_end {
            let Some(record) = self.records.next_buffered() else {
                if !self.records.is_at_end() {
                    return Ok(Next::Read);
                }
                self.at_end = true;
                break;
            };
            let Some(content) = record.content.transpose() else {
                continue;
            };
            match self.intake.take(content, Some(record.number)) {
                Ok(Some(targets)) => return Ok(Next::LineTargets(targets)),
                Ok(None) => {}
                Err(bad) => {
                    self.at_end = true;
                    return Err(SourceError::BadLine {
                        name: self.name.clone(),
                        line: record.number,
                        given: bad.given,
                        reason: bad.reason,
                    });
                }
            }
        }
        Ok(Next::End)
    }

    /// Notes that jobs were added or skipped. Of the lines that were read, so many targets wait.
    fn note(&mut self, jobs: u64, waiting: u128) {
        self.jobs += jobs;
        if let Some(progress) = &self.progress {
            let waiting = u64::try_from(waiting).unwrap_or(u64::MAX);
            let share = self.records.share_of(progress.octets());
            progress.note(share, self.jobs.saturating_add(waiting));
        }
    }

    fn read(&mut self) -> Result<(), SourceError> {
        self.records.read().map_err(|error| {
            self.at_end = true;
            SourceError::BrokenOff {
                name: self.name.clone(),
                lines: self.records.lines_read(),
                error,
            }
        })
    }
}

/// The list in its own order.
struct InOrder<R> {
    list: List<R>,
    /// The position in the block of targets under way.
    cursor: Option<BlockCursor>,
}

impl<R: Read + Send> Part for InOrder<R> {
    fn skip(&mut self, jobs: u64) -> u64 {
        self.cursor.as_mut().map_or(0, |cursor| cursor.skip(jobs))
    }

    fn fill(&mut self, batch: &mut Batch<'_>) -> Result<Progress, SourceError> {
        let mut may_read = true;
        loop {
            if let Some(cursor) = self.cursor.as_mut() {
                cursor.fill(&self.list.intake.exclude, batch);
                if cursor.is_at_end() {
                    self.cursor = None;
                }
            }
            if batch.is_full() {
                return Ok(Progress::More);
            }
            match self.list.next_buffered()? {
                Next::LineTargets(LineTargets::One(item)) => batch.push(item),
                Next::LineTargets(LineTargets::Block(block)) => {
                    self.cursor = Some(BlockCursor::new(block))
                }
                Next::Read if may_read && !batch.has_given() => {
                    self.list.read()?;
                    may_read = false;
                }
                Next::Read => return Ok(Progress::More),
                Next::End => return Ok(Progress::End),
            }
        }
    }

    fn jobs_left(&self) -> Option<u128> {
        None
    }

    fn note(&mut self, jobs: u64) {
        let waiting = self.cursor.as_ref().map_or(0, BlockCursor::left);
        self.list.note(jobs, waiting);
    }

    fn progress(&self) -> Option<(&ListProgress, u64)> {
        Some((self.list.progress.as_ref()?, self.list.jobs))
    }
}

/// The list, shuffled in a buffer.
///
/// A target is drawn only when the buffer is full or holds the rest of the list: the order must not
/// depend on how fast the reader is, or a run could not be resumed.
struct Shuffled<R> {
    list: List<R>,
    buffer: ShuffleBuffer,
    /// The error that ended reading, kept until the targets before it were given.
    bad_line: Option<SourceError>,
}

impl<R: Read> Shuffled<R> {
    /// Fills the buffer, or up to the end of the list. Returns `false` if the reader must be read
    /// first.
    fn fill_buffer(&mut self) -> bool {
        while !self.buffer.is_full() {
            match self.list.next_buffered() {
                Ok(Next::LineTargets(targets)) => self.buffer.add(targets),
                Ok(Next::Read) => return false,
                Ok(Next::End) => break,
                Err(error) => {
                    self.bad_line = Some(error);
                    break;
                }
            }
        }
        true
    }
}

impl<R: Read + Send> Part for Shuffled<R> {
    /// Each draw depends on all draws before, so none can be skipped.
    fn skip(&mut self, _jobs: u64) -> u64 {
        0
    }

    fn fill(&mut self, batch: &mut Batch<'_>) -> Result<Progress, SourceError> {
        let mut may_read = true;
        while !batch.is_full() {
            if !self.fill_buffer() {
                if !may_read || batch.has_given() {
                    return Ok(Progress::More);
                }
                self.list.read()?;
                may_read = false;
                continue;
            }
            match self.buffer.draw(&self.list.intake.exclude) {
                Some(item) => batch.push(item),
                None => return self.bad_line.take().map_or(Ok(Progress::End), Err),
            }
        }
        Ok(Progress::More)
    }

    fn jobs_left(&self) -> Option<u128> {
        None
    }

    fn note(&mut self, jobs: u64) {
        self.list.note(jobs, self.buffer.targets());
    }

    fn progress(&self) -> Option<(&ListProgress, u64)> {
        Some((self.list.progress.as_ref()?, self.list.jobs))
    }
}
