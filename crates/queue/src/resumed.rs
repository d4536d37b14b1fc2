//! The rest of a list of which some targets are done.

use std::iter::Peekable;
use std::num::NonZeroU32;
use std::ops::Range;
use std::vec::IntoIter;

use canvass_model::{Job, ProbeSpec};

use crate::{Completed, ListProgress, Position, Source, SourceError};

/// Gives the jobs of a source that an earlier run has not completed, with the same numbers. A job with
/// several outcomes of which some are durable is given with the number of those that are missing.
#[derive(Debug)]
pub struct Resumed<S> {
    source: S,
    completed: Completed,
    /// Done jobs that the source has not passed yet.
    above: Peekable<IntoIter<Range<u64>>>,
    partial: Peekable<IntoIter<(u64, u64)>>,
    /// The number of jobs that are still to be left out.
    left_out: u64,
    jobs: Vec<Job>,
}

impl<S: Source> Resumed<S> {
    /// Skips what was completed. The source must be new, and have the list and the options of the earlier
    /// run.
    ///
    /// # Errors
    /// As for [`Source::skip_to`].
    pub fn new(mut source: S, completed: Completed) -> Result<Self, SourceError> {
        source.skip_to(Position::before(completed.watermark))?;
        Ok(Self {
            source,
            above: completed.above.clone().into_iter().peekable(),
            partial: completed.partial.clone().into_iter().peekable(),
            left_out: completed
                .above
                .iter()
                .map(|done| done.end - done.start)
                .sum(),
            completed,
            jobs: Vec::new(),
        })
    }

    fn is_done(&mut self, seq: u64) -> bool {
        while self.above.next_if(|done| done.end <= seq).is_some() {}
        self.above.peek().is_some_and(|done| done.contains(&seq))
    }

    /// The number of outcomes of a job that are durable.
    fn durable(&mut self, seq: u64) -> u64 {
        while self
            .partial
            .next_if(|(partial, _)| *partial < seq)
            .is_some()
        {}
        self.partial
            .peek()
            .filter(|(partial, _)| *partial == seq)
            .map_or(0, |(_, durable)| *durable)
    }
}

impl<S: Source> Source for Resumed<S> {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        if self.above.peek().is_none() && self.partial.peek().is_none() {
            return self.source.next(max, out);
        }
        let mut jobs = std::mem::take(&mut self.jobs);
        let more = self.source.next(max, &mut jobs);
        for mut job in jobs.drain(..) {
            if self.is_done(job.seq) {
                self.left_out -= 1;
                continue;
            }
            let durable = self.durable(job.seq);
            if let ProbeSpec::Http { requests, .. } = &mut job.spec {
                let missing = u64::from(requests.get()).saturating_sub(durable);
                let missing = u32::try_from(missing).ok().and_then(NonZeroU32::new);
                *requests = missing.unwrap_or(*requests);
            }
            out.push(job);
        }
        self.jobs = jobs;
        more
    }

    fn remaining(&self) -> Option<u64> {
        let remaining = self.source.remaining()?;
        Some(remaining.saturating_sub(self.left_out))
    }

    fn list_progress(&self) -> Option<ListProgress> {
        self.source.list_progress()
    }

    fn position(&self) -> Position {
        self.source.position()
    }

    fn completed(&self) -> Completed {
        self.completed.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dedup, Ledger, TargetKind, TargetOptions, arguments, stream};
    use canvass_model::ModuleId;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn all(mut source: impl Source, max: usize) -> Vec<Job> {
        let mut jobs = Vec::new();
        while source.next(max, &mut jobs).unwrap() {}
        jobs
    }

    fn options(shuffle: Option<u64>, partition: &str, has_dedup: bool) -> TargetOptions {
        let kind = TargetKind::Http {
            module: ModuleId(0),
            requests: NonZeroU32::new(5).unwrap(),
            ports: Some(crate::Ports::parse("80,81", crate::Protocol::Tcp).unwrap()),
            path_as_is: false,
        };
        TargetOptions {
            shuffle,
            partition: partition.parse().unwrap(),
            dedup: has_dedup.then(|| Arc::new(Dedup::new(1 << 20))),
            ..TargetOptions::new(kind)
        }
    }

    const LIST: &str = "192.0.2.0/27\nbad line\nexample.net\nhttp://192.0.2.3:80/\nexample.net\n";

    fn source(options: &TargetOptions, is_list: bool) -> crate::Targets {
        match is_list {
            true => stream(LIST.as_bytes(), "list", options),
            false => arguments(LIST.lines().map(String::from), options).unwrap(),
        }
    }

    proptest! {
        #[test]
        fn what_was_not_completed_is_given_and_nothing_else(
            done in prop::collection::btree_set(0..80_u64, 0..80),
            shuffle in prop::option::of(any::<u64>()),
            partition in prop::sample::select(&["1/1", "2/3"][..]),
            has_dedup in any::<bool>(),
            is_list in any::<bool>(),
            max in 1..30_usize,
        ) {
            let options = || options(shuffle, partition, has_dedup);
            let whole = all(source(&options(), is_list), 7);
            let jobs: Vec<&Job> = whole.iter().filter(|job| done.contains(&job.seq)).collect();
            let ledger = Ledger::default();
            for job in &jobs {
                let outcomes = job.spec.outcomes();
                ledger.acknowledge((0..outcomes).map(|_| crate::ledger::Receipt::new(job.seq, outcomes)));
            }
            let resumed = Resumed::new(source(&options(), is_list), ledger.completed()).unwrap();
            if let Some(remaining) = resumed.remaining() {
                prop_assert_eq!(remaining as usize, whole.len() - jobs.len());
            }
            let given = all(resumed, max);
            let expected: Vec<Job> = whole.iter().filter(|job| !done.contains(&job.seq)).cloned().collect();
            prop_assert_eq!(given, expected);
        }
    }

    #[test]
    fn a_large_list_is_resumed_without_reading_what_was_done() {
        let options = TargetOptions::new(TargetKind::Ptr {
            forward_confirm: false,
        });
        let listed = arguments(["::/0".to_owned()], &options).unwrap();
        let completed = Completed {
            watermark: 1 << 60,
            above: std::iter::once((1 << 60) + 2..(1 << 60) + 3).collect(),
            partial: Vec::new(),
        };
        let mut resumed = Resumed::new(listed, completed).unwrap();
        let mut jobs = Vec::new();
        assert!(resumed.next(4, &mut jobs).unwrap());
        let seqs: Vec<u64> = jobs.iter().map(|job| job.seq - (1 << 60)).collect();
        assert_eq!(seqs, [0, 1, 3]);
    }

    #[test]
    fn a_job_that_was_done_in_part_is_given_for_the_rest() {
        let completed = Completed {
            watermark: 0,
            above: Vec::new(),
            partial: vec![(1, 3)],
        };
        let listed = source(&options(None, "1/1", false), false);
        let jobs = all(Resumed::new(listed, completed).unwrap(), 100);
        let outcomes: Vec<u64> = jobs[..3].iter().map(|job| job.spec.outcomes()).collect();
        assert_eq!(outcomes, [5, 2, 5]);
    }
}
