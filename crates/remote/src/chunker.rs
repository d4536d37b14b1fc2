//! Cuts the jobs of a source into chunks.

use std::collections::HashMap;

use canvass_model::Job;
use canvass_queue::{Source, SourceError};

use crate::broker::WorkerName;
use crate::chunk::CHUNK_JOBS_MAX;

/// The maximum time that a worker needs for a chunk, in seconds.
const CHUNK_WORK_S: f64 = 2.0;
/// The maximum size of the lines of a chunk, in octets.
const RESULT_OCTETS_MAX: f64 = 1_048_576.0;
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

/// How large chunks are: what the slowest worker does in two seconds, or a mebibyte of lines, whichever
/// is less.
#[derive(Debug)]
pub(crate) struct ChunkSize {
    jobs: usize,
    /// Jobs per second, by worker.
    rates: HashMap<WorkerName, f64>,
    octets_per_job: f64,
}

impl ChunkSize {
    pub(crate) fn new() -> Self {
        Self {
            jobs: CHUNK_JOBS_FIRST,
            rates: HashMap::new(),
            octets_per_job: 0.0,
        }
    }

    pub(crate) fn jobs(&self) -> usize {
        self.jobs
    }

    /// Learns from the result of a chunk of `jobs` jobs, whose worker does `per_second`.
    pub(crate) fn learn(&mut self, worker: &WorkerName, per_second: f64, jobs: u64, octets: usize) {
        self.rates.insert(worker.clone(), per_second);
        let of_result = octets as f64 / jobs.max(1) as f64;
        self.octets_per_job = match self.octets_per_job {
            0.0 => of_result,
            before => before.mul_add(0.8, of_result * 0.2),
        };
        let slowest = self.rates.values().copied().fold(f64::INFINITY, f64::min);
        let by_time = slowest * CHUNK_WORK_S;
        let by_size = RESULT_OCTETS_MAX / self.octets_per_job.max(1.0);
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
    fn chunks_grow_to_two_seconds_of_the_slowest_worker_or_a_mebibyte() {
        let worker = |name: &str| WorkerName(name.into());
        let mut size = ChunkSize::new();
        for _ in 0..10 {
            let jobs = size.jobs();
            size.learn(&worker("a"), 5_000.0, jobs as u64, jobs * 50);
            assert!(size.jobs() <= jobs * 2);
        }
        assert_eq!(size.jobs(), 10_000);
        size.learn(&worker("b"), 0.2, 1, 50);
        assert_eq!(size.jobs(), 1);
        size.retain(|name| name.0.as_ref() == "a");
        for _ in 0..30 {
            size.learn(&worker("a"), 1e9, 1_000, 64_000);
        }
        assert!((16_300..16_500).contains(&size.jobs()), "{}", size.jobs());
    }
}
