//! Cuts the jobs of a source into chunks.

use std::collections::HashMap;

use canvass_model::Job;
use canvass_queue::{Source, SourceError};

use crate::broker::WorkerName;
use crate::chunk::CHUNK_JOBS_MAX;

/// The maximum time that a worker needs for a chunk, in seconds.
const CHUNK_WORK_S: f64 = 2.0;
/// The maximum size of the result of a chunk as it travels, in octets.
const RESULT_OCTETS_MAX: f64 = 1_048_576.0;
/// The maximum size of the lines of a chunk before they are compressed, in octets: what a worker has in
/// memory for each chunk that it is at.
const LINES_OCTETS_MAX: f64 = 4.0 * RESULT_OCTETS_MAX;
/// The number of jobs of a chunk while nothing is known of the workers.
const CHUNK_JOBS_FIRST: usize = 256;
/// How much larger than the one before a chunk may be.
const GROWTH_MAX: usize = 2;

/// Cuts the jobs of a source into chunks of consecutive numbers.
pub(crate) struct Chunker<S> {
    source: S,
    /// Jobs that were read and are not in a chunk yet.
    read: Vec<Job>,
    has_more: bool,
}

impl<S: Source> Chunker<S> {
    pub(crate) fn new(source: S) -> Self {
        Self {
            source,
            read: Vec::new(),
            has_more: true,
        }
    }

    /// The next chunk, of at most `jobs_max` jobs; `None` at the end. Blocks as the source does.
    pub(crate) fn next(&mut self, jobs_max: usize) -> Result<Option<Vec<Job>>, SourceError> {
        let jobs_max = jobs_max.clamp(1, CHUNK_JOBS_MAX);
        while self.has_more && self.read.len() < jobs_max {
            let before = self.read.len();
            self.has_more = self.source.next(jobs_max - before, &mut self.read)?;
            // A source that has no more jobs at once is not waited for while there are some.
            if self.read.len() == before && before > 0 {
                break;
            }
        }
        let Some(first) = self.read.first().map(|job| job.seq) else {
            return Ok(None);
        };
        let consecutive = (first..).zip(&self.read);
        let count = consecutive
            .take(jobs_max)
            .take_while(|(seq, job)| *seq == job.seq)
            .count();
        let rest = self.read.split_off(count);
        Ok(Some(std::mem::replace(&mut self.read, rest)))
    }
}

/// How large chunks are: what the slowest worker does in two seconds, a mebibyte of result, or four of lines,
/// whichever is the least.
#[derive(Debug)]
pub(crate) struct ChunkSize {
    jobs: usize,
    /// Jobs per second, by worker.
    rates: HashMap<WorkerName, f64>,
    /// The part of the largest chunk that a job takes, by the sizes of its lines and its result.
    part_per_job: f64,
}

impl ChunkSize {
    pub(crate) fn new() -> Self {
        Self {
            jobs: CHUNK_JOBS_FIRST,
            rates: HashMap::new(),
            part_per_job: 0.0,
        }
    }

    pub(crate) fn jobs(&self) -> usize {
        self.jobs
    }

    /// Learns from the result of a chunk of `jobs` jobs, whose worker does `per_second`. Its lines have
    /// `lines` octets, and it had `result` octets as it came.
    pub(crate) fn learn(
        &mut self,
        worker: &WorkerName,
        per_second: f64,
        jobs: u64,
        lines: usize,
        result: usize,
    ) {
        self.rates.insert(worker.clone(), per_second);
        let part = (lines as f64 / LINES_OCTETS_MAX).max(result as f64 / RESULT_OCTETS_MAX);
        let part = part / jobs.max(1) as f64;
        self.part_per_job = match self.part_per_job {
            0.0 => part,
            before => before.mul_add(0.8, part * 0.2),
        };
        let slowest = self.rates.values().copied().fold(f64::INFINITY, f64::min);
        let by_time = slowest * CHUNK_WORK_S;
        let by_size = 1.0 / self.part_per_job;
        let wanted = by_time.min(by_size) as usize;
        self.jobs = wanted.min(self.jobs * GROWTH_MAX).clamp(1, CHUNK_JOBS_MAX);
    }

    /// Forgets a worker that is gone.
    pub(crate) fn retain(&mut self, is_alive: impl Fn(&WorkerName) -> bool) {
        self.rates.retain(|worker, _| is_alive(worker));
    }
}

#[cfg(test)]
mod tests {
    use canvass_queue::{Completed, Resumed, TargetKind, TargetOptions, arguments};

    use super::*;

    fn source() -> impl Source {
        let kind = TargetKind::Ptr {
            forward_confirm: false,
        };
        arguments(["192.0.2.0/24".to_owned()], &TargetOptions::new(kind)).unwrap()
    }

    #[test]
    fn chunks_are_consecutive_and_have_every_job_once() {
        let completed = Completed {
            watermark: 3,
            above: vec![10..20, 99..100],
            partial: Vec::new(),
        };
        let mut chunker = Chunker::new(Resumed::new(source(), completed).unwrap());
        let mut ranges = Vec::new();
        while let Some(chunk) = chunker.next(50).unwrap() {
            ranges.push((chunk[0].seq, chunk.len() as u64));
        }
        assert_eq!(ranges[..4], [(3, 7), (20, 50), (70, 29), (100, 50)]);
        let jobs: u64 = ranges.iter().map(|(_, jobs)| jobs).sum();
        assert_eq!(jobs, 256 - 3 - 10 - 1);
    }

    #[test]
    fn chunks_grow_to_two_seconds_of_the_slowest_worker_or_the_maximum_of_their_results() {
        let worker = |name: &str| WorkerName(name.into());
        let mut size = ChunkSize::new();
        for _ in 0..10 {
            let jobs = size.jobs();
            size.learn(&worker("a"), 5_000.0, jobs as u64, jobs * 50, jobs * 5);
            assert!(size.jobs() <= jobs * 2);
        }
        assert_eq!(size.jobs(), 10_000);
        size.learn(&worker("b"), 0.2, 1, 50, 5);
        assert_eq!(size.jobs(), 1);
        size.retain(|name| name.0.as_ref() == "a");
        // Plain lines, and compressed ones.
        for (result, jobs) in [(64_000, 16_384), (6_400, 65_536)] {
            for _ in 0..60 {
                size.learn(&worker("a"), 1e9, 1_000, 64_000, result);
            }
            assert!(size.jobs().abs_diff(jobs) < 100, "{}", size.jobs());
        }
    }
}
