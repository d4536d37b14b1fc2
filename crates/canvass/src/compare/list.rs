//! The list, a chunk at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use canvass_model::Job;
use canvass_queue::Source;

use super::question::Question;
use super::schedule::CHUNK_TARGETS_MAX;
use crate::exit::Failure;

/// Targets that are read before the first round, to know how long the list is.
const READ_AHEAD_MAX: usize = 4 * CHUNK_TARGETS_MAX;
/// Jobs that are pulled at once.
const PULL_JOBS: usize = 4096;

/// What is to be asked, as far as it was read.
pub(super) struct List {
    source: Box<dyn Source>,
    read: VecDeque<Question>,
    given: u64,
    ended: bool,
    bad: u64,
    first_bad: Option<String>,
}

impl List {
    /// Reads the beginning of a list.
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
        Ok(list)
    }

    /// How many targets there are; `None` where a list is longer than is read ahead and does not
    /// say.
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

    /// The next targets, `most` of them where there are as many.
    pub(super) fn take(&mut self, most: usize) -> Result<Arc<[Question]>, Failure> {
        self.read_up_to(most)?;
        let most = most.min(self.read.len());
        self.given += most as u64;
        Ok(self.read.drain(..most).collect())
    }

    /// Targets that were taken.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    /// Lines that are no target, and the first of them.
    pub(super) fn bad(&self) -> Option<(u64, &str)> {
        self.first_bad.as_deref().map(|first| (self.bad, first))
    }

    fn read_up_to(&mut self, most: usize) -> Result<(), Failure> {
        let mut jobs: Vec<Job> = Vec::new();
        while self.read.len() < most && !self.ended {
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
