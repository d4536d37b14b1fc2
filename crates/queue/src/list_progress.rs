//! How far a list has been read, and how many jobs that makes it have.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How far a list in a file has been read. It can be read from any thread while a source gives its jobs.
#[derive(Clone, Debug)]
pub struct ListProgress {
    list: Arc<ReadList>,
    /// The number of jobs before those of the list.
    before: u64,
    /// The most jobs that the source gives.
    jobs_max: u64,
}

#[derive(Debug)]
struct ReadList {
    /// The octets of the file.
    octets: u64,
    /// The part of the file that was turned into jobs, as the bits of an `f64` from 0 to 1.
    share: AtomicU64,
    /// The number of jobs of that part.
    jobs: AtomicU64,
}

impl ListProgress {
    /// A list in a file of this many octets, of which nothing was read.
    pub(crate) fn new(octets: u64) -> Self {
        Self {
            list: Arc::new(ReadList {
                octets,
                share: AtomicU64::new(0),
                jobs: AtomicU64::new(0),
            }),
            before: 0,
            jobs_max: u64::MAX,
        }
    }

    /// The same list behind other jobs, in a source with a limit.
    pub(crate) fn within(self, before: u64, jobs_max: u64) -> Self {
        Self {
            before,
            jobs_max,
            ..self
        }
    }

    /// The octets of the file.
    pub(crate) fn octets(&self) -> u64 {
        self.list.octets
    }

    /// Notes that `share` of the file was turned into `jobs`.
    pub(crate) fn note(&self, share: f64, jobs: u64) {
        self.list.jobs.store(jobs, Ordering::Relaxed);
        self.list.share.store(share.to_bits(), Ordering::Relaxed);
    }

    /// The part of the file that was turned into jobs, from 0 to 1.
    pub fn share(&self) -> f64 {
        f64::from_bits(self.list.share.load(Ordering::Relaxed))
    }

    /// About how many jobs the source gives in all, if the rest of the list is as what was read of it.
    /// `None` before anything was read. Exact at the end of the list.
    pub fn jobs_estimated(&self) -> Option<u64> {
        let share = self.share();
        let jobs = self.list.jobs.load(Ordering::Relaxed);
        let of_list = (share > 0.0).then(|| (jobs as f64 / share).round() as u64)?;
        Some(self.before.saturating_add(of_list).min(self.jobs_max))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::GzEncoder;

    use crate::{Source, TargetKind, TargetOptions, arguments, open};

    fn options() -> TargetOptions {
        TargetOptions::new(TargetKind::Ptr {
            forward_confirm: false,
        })
    }

    /// Estimates while the jobs of the file are given, 100 at a time.
    fn estimates(list: &[u8], options: &TargetOptions, before: &[&str]) -> Vec<u64> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(list).unwrap();
        let path = file.path().to_str().unwrap();
        let first = arguments(before.iter().map(ToString::to_string), options).unwrap();
        let mut source = first.then(open(path, options).unwrap());
        let progress = source.list_progress().unwrap();
        assert_eq!(progress.jobs_estimated(), None);
        let mut estimates = Vec::new();
        while source.next(100, &mut Vec::new()).unwrap() {
            estimates.extend(progress.jobs_estimated());
        }
        estimates.extend(progress.jobs_estimated());
        estimates
    }

    /// More than is read at once.
    fn addresses(count: u32) -> String {
        let line = |number: u32| {
            format!(
                "10.{}.{}.{}\n",
                number >> 16,
                number >> 8 & 255,
                number & 255
            )
        };
        (0..count).map(line).collect()
    }

    #[test]
    fn the_number_of_jobs_is_known_about_from_the_start_and_exactly_at_the_end() {
        let estimates = estimates(addresses(60_000).as_bytes(), &options(), &["192.0.2.0/24"]);
        let near = |count: &u64| (50_000..80_000).contains(count);
        assert!(estimates.iter().all(near), "{estimates:?}");
        assert_eq!(estimates.last(), Some(&60_256));
    }

    #[test]
    fn a_network_counts_whole_as_soon_as_its_line_is_read() {
        let list = "10.0.0.0/16\n".repeat(4);
        let estimates = estimates(list.as_bytes(), &options(), &[]);
        assert!(
            estimates.iter().all(|count| *count == 4 << 16),
            "{estimates:?}"
        );
    }

    #[test]
    fn a_compressed_list_and_a_shuffled_one_are_estimated_too_and_a_limit_holds() {
        let list = addresses(60_000);
        let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(list.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        let shuffled = TargetOptions {
            shuffle: Some(1),
            ..options()
        };
        for (list, options) in [(&packed[..], options()), (list.as_bytes(), shuffled)] {
            let estimates = estimates(list, &options, &[]);
            let near = |count: &u64| (40_000..80_000).contains(count);
            assert!(estimates.iter().all(near), "{estimates:?}");
            assert_eq!(estimates.last(), Some(&60_000));
        }
        let limited = TargetOptions {
            limit: Some(1_000),
            ..options()
        };
        assert_eq!(
            estimates(list.as_bytes(), &limited, &[]).last(),
            Some(&1_000)
        );
    }
}
