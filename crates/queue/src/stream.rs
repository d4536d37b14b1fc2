//! Targets from a list that is read as it comes.

use std::io::Read;

use crate::batch::Batch;
use crate::block::BlockCursor;
use crate::intake::{Intake, LineTargets};
use crate::lines::Lines;
use crate::shuffle_buffer::ShuffleBuffer;
use crate::targets::{Part, Progress};
use crate::{SourceError, TargetOptions};

/// Reads a list from `reader`; `name` is what errors call it.
pub(crate) fn part(
    reader: impl Read + Send + 'static,
    name: &str,
    options: &TargetOptions,
) -> Box<dyn Part> {
    let list = List {
        lines: Lines::new(reader),
        name: name.into(),
        intake: Intake::new(options),
        at_end: false,
    };
    match options.shuffle {
        None => Box::new(InOrder { list, walk: None }),
        Some(seed) => Box::new(Shuffled {
            list,
            window: ShuffleBuffer::new(seed),
            bad_line: None,
        }),
    }
}

/// The lines of a list, each with what it comes to.
struct List<R> {
    lines: Lines<R>,
    name: Box<str>,
    intake: Intake,
    at_end: bool,
}

/// What comes next in a list.
enum Next {
    LineTargets(LineTargets),
    /// The reader has to be asked.
    Read,
    End,
}

impl<R: Read> List<R> {
    fn next_buffered(&mut self) -> Result<Next, SourceError> {
        while !self.at_end {
            let Some(line) = self.lines.next_buffered() else {
                if !self.lines.is_at_end() {
                    return Ok(Next::Read);
                }
                self.at_end = true;
                break;
            };
            let Some(content) = line.content().transpose() else {
                continue;
            };
            match self.intake.take(content, Some(line.number)) {
                Ok(Some(placed)) => return Ok(Next::LineTargets(placed)),
                Ok(None) => {}
                Err(bad) => {
                    self.at_end = true;
                    return Err(SourceError::BadLine {
                        name: self.name.clone(),
                        line: line.number,
                        given: bad.given,
                        reason: bad.reason,
                    });
                }
            }
        }
        Ok(Next::End)
    }

    fn read(&mut self) -> Result<(), SourceError> {
        self.lines.read().map_err(|error| {
            self.at_end = true;
            SourceError::Unreadable {
                name: self.name.clone(),
                error,
            }
        })
    }
}

/// The list as it comes.
struct InOrder<R> {
    list: List<R>,
    /// The way through the block that was begun last.
    walk: Option<BlockCursor>,
}

impl<R: Read + Send> Part for InOrder<R> {
    fn skip(&mut self, jobs: u64) -> u64 {
        self.walk.as_mut().map_or(0, |walk| walk.skip(jobs))
    }

    fn fill(&mut self, batch: &mut Batch<'_>) -> Result<Progress, SourceError> {
        let mut may_read = true;
        loop {
            if let Some(walk) = self.walk.as_mut() {
                walk.fill(&self.list.intake.exclude, batch);
                if walk.is_at_end() {
                    self.walk = None;
                }
            }
            if batch.is_full() {
                return Ok(Progress::More);
            }
            match self.list.next_buffered()? {
                Next::LineTargets(LineTargets::One(item)) => batch.push(item),
                Next::LineTargets(LineTargets::Block(block)) => {
                    self.walk = Some(BlockCursor::new(block))
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
}

/// The list as a window passes over it.
///
/// A target is drawn only from a window that is full, or that holds all that is left: the order
/// must not depend on how fast the reader is, or a run could not be resumed.
struct Shuffled<R> {
    list: List<R>,
    window: ShuffleBuffer,
    /// Why reading stopped, kept until the lines before it are done.
    bad_line: Option<SourceError>,
}

impl<R: Read> Shuffled<R> {
    /// Fills the window as far as the list goes; `false` where the reader has to be asked.
    fn fill_window(&mut self) -> bool {
        while !self.window.is_full() {
            match self.list.next_buffered() {
                Ok(Next::LineTargets(placed)) => self.window.add(placed),
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
    /// What is drawn next follows from all that was drawn before.
    fn skip(&mut self, _jobs: u64) -> u64 {
        0
    }

    fn fill(&mut self, batch: &mut Batch<'_>) -> Result<Progress, SourceError> {
        let mut may_read = true;
        while !batch.is_full() {
            if !self.fill_window() {
                if !may_read || batch.has_given() {
                    return Ok(Progress::More);
                }
                self.list.read()?;
                may_read = false;
                continue;
            }
            match self.window.draw(&self.list.intake.exclude) {
                Some(item) => batch.push(item),
                None => return self.bad_line.take().map_or(Ok(Progress::End), Err),
            }
        }
        Ok(Progress::More)
    }

    fn jobs_left(&self) -> Option<u128> {
        None
    }
}
