//! Reads the list in chunks.

use std::collections::VecDeque;
use std::sync::Arc;

use canvass_model::Job;
use canvass_queue::Source;

use super::question::Question;
use super::schedule::CHUNK_TARGETS_MAX;
use crate::exit::Failure;

/// Targets that are read before the first round, to find out the length of the list.
const READ_AHEAD_MAX: usize = 4 * CHUNK_TARGETS_MAX;
/// Jobs per read of the source.
const PULL_JOBS: usize = 4096;

/// The list of targets, read as far as needed.
pub(super) struct List {
    source: Box<dyn Source>,
    read: VecDeque<Question>,
    given: u64,
    ended: bool,
    bad: u64,
    first_bad: Option<String>,
}

impl List {
    /// Reads the beginning of a list, which must have a valid target.
    pub(super) fn new(source: Box<dyn Source>) -> Result<Self, Failure> {
        let mut list = Self {
            source,
            read: VecDeque::new(),
            given: 0,
            ended: false,
            bad: 0,
            first_bad: None,
        };
        list.read_up_to(READ_AHEAD_MAX)?;
        if list.read.is_empty() {
            return Err(Failure::usage(match list.bad() {
                Some((_, first)) => {
                    format!("the list has no valid target; the first line: {first}")
                }
                None => "the list is empty, so there is nothing to compare".to_owned(),
            }));
        }
        Ok(list)
    }

    /// The number of targets left; `None` if the list is longer than was read ahead and its length is
    /// unknown.
    pub(super) fn targets(&self) -> Option<usize> {
        let left = if self.ended {
            0
        } else {
            self.source.remaining()?
        };
        usize::try_from(left)
            .ok()
            .map(|left| left.saturating_add(self.read.len()))
    }

    /// Takes the next targets, at most `count`.
    pub(super) fn take(&mut self, count: usize) -> Result<Arc<[Question]>, Failure> {
        self.read_up_to(count)?;
        let count = count.min(self.read.len());
        self.given += count as u64;
        Ok(self.read.drain(..count).collect())
    }

    /// The number of targets taken so far.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    /// The number of invalid targets and the first of them, if any.
    pub(super) fn bad(&self) -> Option<(u64, &str)> {
        self.first_bad.as_deref().map(|first| (self.bad, first))
    }

    fn read_up_to(&mut self, count: usize) -> Result<(), Failure> {
        let mut jobs: Vec<Job> = Vec::new();
        while self.read.len() < count && !self.ended {
            let more = self.source.next(PULL_JOBS, &mut jobs);
            self.ended = !more.map_err(Failure::usage)?;
            for job in jobs.drain(..) {
                match Question::of(job) {
                    Ok(question) => self.read.push_back(question),
                    Err(bad) => {
                        self.bad += 1;
                        self.first_bad.get_or_insert(bad);
                    }
                }
            }
        }
        Ok(())
    }
}
