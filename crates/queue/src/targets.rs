//! The source of a run: arguments and lists, one after the other, numbered through.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};

use canvass_model::Job;

use crate::batch::{Batch, JobSequence};
use crate::position::pass_some;
use crate::{Position, Source, SourceError, TargetOptions};

/// Takes targets from the command line. They are shuffled as one list, whatever their number.
///
/// # Errors
///
/// A bad argument, where the options are strict: nothing was given yet, so it stops the run before
/// it begins. More than 2^128 targets, where they are to be shuffled.
pub fn arguments(
    list: impl IntoIterator<Item = String>,
    options: &TargetOptions,
) -> Result<Targets, SourceError> {
    Ok(Targets::of(crate::arguments::part(list, options)?, options))
}

/// Takes targets from `reader`, one a line, as a stream: `#` comments, blank lines, CRLF and a
/// byte order mark are understood. `name` is what errors call it.
///
/// If the list is shuffled, the first job comes once [`SHUFFLE_BUFFER_LINES`] lines are there or
/// the list is at its end: the order follows from the list and the seed, never from how fast the
/// list came.
///
/// [`SHUFFLE_BUFFER_LINES`]: crate::SHUFFLE_BUFFER_LINES
pub fn stream(reader: impl Read + Send + 'static, name: &str, options: &TargetOptions) -> Targets {
    Targets::of(crate::stream::part(reader, name, options), options)
}

/// Takes targets from the file at `path`, or from standard input where that is `-`, as a stream.
///
/// # Errors
///
/// Where the file cannot be opened, or is a directory.
pub fn open(path: &str, options: &TargetOptions) -> Result<Targets, SourceError> {
    if path == "-" {
        return Ok(stream(io::stdin(), "standard input", options));
    }
    let opened = File::open(path).and_then(|file| {
        // It opens, and only reading it would fail: the run would begin for nothing.
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(file)
    });
    match opened {
        Ok(file) => Ok(stream(file, path, options)),
        Err(error) => Err(SourceError::Unreadable {
            name: path.into(),
            error,
        }),
    }
}

/// Arguments and lists, one after the other, as jobs that are numbered through.
pub struct Targets {
    parts: VecDeque<Box<dyn Part>>,
    sequence: JobSequence,
    /// Why it is over, kept until the jobs before it are given.
    failed: Option<SourceError>,
}

/// A list of targets.
pub(crate) trait Part: Send {
    /// Adds jobs until the batch is full, the list is at its end, or it would have to wait with
    /// jobs in the batch. Where it fails, what it added stands.
    fn fill(&mut self, batch: &mut Batch<'_>) -> Result<Progress, SourceError>;

    /// Jobs it has yet to add, if the limit allows them; `None` where that is not known, and
    /// `u128::MAX` where it is more than that.
    fn jobs_left(&self) -> Option<u128>;

    /// Passes over at most so many jobs without making them. Returns how many; none where only
    /// [`fill`](Self::fill) goes on.
    fn skip(&mut self, jobs: u64) -> u64;
}

/// How far a list is.
pub(crate) enum Progress {
    /// There may be more.
    More,
    /// There is nothing more.
    End,
}

impl Targets {
    fn of(part: Box<dyn Part>, options: &TargetOptions) -> Self {
        Self {
            parts: VecDeque::from([part]),
            sequence: JobSequence::new(options),
            failed: None,
        }
    }

    /// Goes on with `later` when these are done. The numbers go on, and the limit of these is
    /// that of all; both must have been made with the same options.
    #[must_use]
    pub fn then(mut self, later: Self) -> Self {
        self.parts.extend(later.parts);
        self
    }

    /// How many jobs were given.
    pub fn produced(&self) -> u64 {
        self.sequence.given()
    }

    /// Passes over jobs in front of `position` that do not have to be made. Returns whether there
    /// were any.
    fn pass_unmade(&mut self, position: Position) -> bool {
        let left = position.seq().saturating_sub(self.sequence.given());
        let left = left.min(self.sequence.allowed());
        let passed = match self.parts.front_mut() {
            Some(part) if self.sequence.pending() == 0 => part.skip(left),
            _ => 0,
        };
        self.sequence.skip(passed);
        passed > 0
    }
}

impl Source for Targets {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut batch = self.sequence.batch(max, out);
        while let (false, Some(part)) = (batch.is_full(), self.parts.front_mut()) {
            match part.fill(&mut batch) {
                Ok(Progress::More) => break,
                Ok(Progress::End) => {
                    self.parts.pop_front();
                }
                Err(error) => {
                    self.parts.clear();
                    if !batch.has_given() {
                        return Err(error);
                    }
                    self.failed = Some(error);
                }
            }
        }
        let ended = self.parts.is_empty() && self.sequence.pending() == 0;
        Ok(self.failed.is_some() || self.sequence.allowed() > 0 && !ended)
    }

    fn remaining(&self) -> Option<u64> {
        let mut jobs = u128::from(self.sequence.pending());
        for part in &self.parts {
            jobs = jobs.saturating_add(part.jobs_left()?);
        }
        let jobs = u64::try_from(jobs).unwrap_or(u64::MAX);
        Some(jobs.min(self.sequence.allowed()))
    }

    fn position(&self) -> Position {
        Position::before(self.sequence.given())
    }

    fn skip_to(&mut self, position: Position) -> Result<(), SourceError> {
        while self.pass_unmade(position) || pass_some(self, position)? {}
        Ok(())
    }
}
