//! A source of jobs that are known.

use canvass_model::Job;

use crate::{Position, Source, SourceError};

/// Gives jobs from memory.
#[derive(Debug)]
struct Jobs {
    jobs: std::vec::IntoIter<Job>,
    given: u64,
}

/// Returns a source of `jobs`, whose numbers must be those of their places.
pub fn jobs(jobs: Vec<Job>) -> impl Source {
    Jobs {
        jobs: jobs.into_iter(),
        given: 0,
    }
}

impl Source for Jobs {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        let before = out.len();
        out.extend(self.jobs.by_ref().take(max));
        self.given += (out.len() - before) as u64;
        Ok(self.jobs.len() > 0)
    }

    fn remaining(&self) -> Option<u64> {
        Some(self.jobs.len() as u64)
    }

    fn position(&self) -> Position {
        Position::before(self.given)
    }
}
