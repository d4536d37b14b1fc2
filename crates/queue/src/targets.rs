//! The source of a run: arguments, then lists, as jobs with consecutive numbers.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::AsFd;

use canvass_model::Job;

use crate::batch::{Batch, JobSequence};
use crate::position::pass_some;
use crate::{ListProgress, Position, Source, SourceError, TargetOptions};

/// Reads targets from command-line arguments. They are shuffled as one list, whatever their number.
///
/// # Errors
///
/// A bad argument, if the options are strict, so that the run does not begin. More than 2^128
/// targets, if they are shuffled.
pub fn arguments(
    list: impl IntoIterator<Item = String>,
    options: &TargetOptions,
) -> Result<Targets, SourceError> {
    Ok(Targets::of(crate::arguments::part(list, options)?, options))
}

/// Reads targets from `reader` as a stream, one per line. `#` comments, blank lines, CRLF and a byte
/// order mark are accepted. `name` names the list in errors.
///
/// If the list is shuffled, the first job is given after [`SHUFFLE_BUFFER_LINES`] lines or at the end
/// of the list: the order depends on the list and the seed only, not on how fast the list is read.
///
/// [`SHUFFLE_BUFFER_LINES`]: crate::SHUFFLE_BUFFER_LINES
pub fn stream(reader: impl Read + Send + 'static, name: &str, options: &TargetOptions) -> Targets {
    Targets::of(crate::stream::part(reader, name, None, options), options)
}

/// Reads targets from the file at `path` as a stream, or from standard input if that is `-`.
///
/// # Errors
///
/// The file cannot be opened, or is a directory.
pub fn open(path: &str, options: &TargetOptions) -> Result<Targets, SourceError> {
    if path == "-" {
        let octets = io::stdin().as_fd().try_clone_to_owned();
        let octets = octets
            .ok()
            .and_then(|copy| octets_left(&mut File::from(copy)));
        let part = crate::stream::part(io::stdin(), "standard input", octets, options);
        return Ok(Targets::of(part, options));
    }
    let opened = File::open(path).and_then(|file| {
        // A directory can be opened; only reading fails, after the run has begun.
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(file)
    });
    match opened {
        Ok(mut file) => {
            let octets = octets_left(&mut file);
            Ok(Targets::of(
                crate::stream::part(file, path, octets, options),
                options,
            ))
        }
        Err(error) => Err(SourceError::Unreadable {
            name: path.into(),
            error,
        }),
    }
}

/// The octets from the current place of a regular file to its end.
fn octets_left(file: &mut File) -> Option<u64> {
    let found = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    found.len().checked_sub(file.stream_position().ok()?)
}

/// Arguments and lists, one after the other, as jobs with consecutive numbers.
pub struct Targets {
    parts: VecDeque<Box<dyn Part>>,
    sequence: JobSequence,
    /// The error that ended it, kept until the jobs before it were given.
    failed: Option<SourceError>,
}

/// A list of targets.
pub(crate) trait Part: Send {
    /// Adds jobs until the batch is full, the list ends, or the reader would block while the batch
    /// has jobs. After an error, the jobs already added are valid.
    fn fill(&mut self, batch: &mut Batch<'_>) -> Result<Progress, SourceError>;

    /// The number of jobs still to be added, regardless of the limit. `None` if that is unknown;
    /// `u128::MAX` also for more.
    fn jobs_left(&self) -> Option<u128>;

    /// Skips at most this many jobs without creating them. Returns how many: 0 if only
    /// [`fill`](Self::fill) can advance.
    fn skip(&mut self, jobs: u64) -> u64;

    /// Notes that [`fill`](Self::fill) has added so many jobs, or that they were skipped.
    fn note(&mut self, _jobs: u64) {}

    /// How far a list in a file was read, and the number of jobs that were noted.
    fn progress(&self) -> Option<(&ListProgress, u64)> {
        None
    }
}

/// Whether a list has more.
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

    /// Appends `later`. The numbers continue, and the limit of the first applies to all; both must
    /// have the same options.
    #[must_use]
    pub fn then(mut self, later: Self) -> Self {
        self.parts.extend(later.parts);
        self
    }

    /// The number of jobs given so far.
    pub fn produced(&self) -> u64 {
        self.sequence.given()
    }

    /// Skips jobs before `position` that need not be created. Returns whether there were any.
    fn pass_unmade(&mut self, position: Position) -> bool {
        let left = position.seq().saturating_sub(self.sequence.given());
        let left = left.min(self.sequence.allowed());
        let passed = match self.parts.front_mut() {
            Some(part) if self.sequence.pending() == 0 => {
                let passed = part.skip(left);
                part.note(passed);
                passed
            }
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
            let before = batch.jobs();
            let filled = part.fill(&mut batch);
            part.note(batch.jobs() - before);
            match filled {
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

    fn list_progress(&self) -> Option<ListProgress> {
        let given = self.sequence.given();
        let mut before = given;
        for part in &self.parts {
            if let Some((progress, jobs)) = part.progress() {
                let jobs_max = given.saturating_add(self.sequence.allowed());
                return Some(progress.clone().within(before - jobs, jobs_max));
            }
            let left = u64::try_from(part.jobs_left()?).unwrap_or(u64::MAX);
            before = before.saturating_add(left);
        }
        None
    }

    fn position(&self) -> Position {
        Position::before(self.sequence.given())
    }

    fn skip_to(&mut self, position: Position) -> Result<(), SourceError> {
        while self.pass_unmade(position) || pass_some(self, position)? {}
        Ok(())
    }
}
