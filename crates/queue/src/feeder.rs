//! Moves jobs from a source to the shards of the engine.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use canvass_model::{Job, Time};

use crate::{Ledger, Router, Source, SourceError};

/// Reads batches of jobs from a source, sets when each job is due, and delivers them to shards.
pub struct Feeder<S> {
    /// The source of the jobs.
    pub source: S,
    /// The number of jobs that are due per second, above 0. `None`: each is due when a shard takes it.
    pub rate_per_second: Option<f64>,
    /// When the first job is due, if there is a rate.
    pub start: Time,
    /// The maximum number of jobs in a batch: at least 1.
    pub batch_jobs_max: usize,
    /// The number of shards of the engine.
    pub shards: NonZeroUsize,
    /// Counts the jobs that are out and done.
    pub ledger: Arc<Ledger>,
}

/// How feeding ended.
#[derive(Debug)]
pub struct FeederEnd {
    /// The number of jobs delivered.
    pub produced: u64,
    /// Why feeding ended.
    pub ended: Ended,
}

/// Why feeding ended.
#[derive(Debug)]
pub enum Ended {
    /// The source has no more jobs.
    Exhausted,
    /// `stop` was set.
    Stopped,
    /// A shard no longer takes jobs.
    Disconnected,
    /// The source failed. The jobs it gave before are valid.
    Failed(SourceError),
}

impl<S: Source> Feeder<S> {
    /// Feeds until the source is exhausted, `stop` is set, or a shard no longer takes jobs.
    ///
    /// `deliver` is called with the number of a shard, from 0, and jobs for it. With several
    /// shards, a batch is split by host (see [`Router`]), and all parts are delivered before the
    /// next batch is read. `deliver` may block, which is the back-pressure on the source. It
    /// returns the jobs of a shard that no longer takes any; those and the remaining parts of the
    /// batch are withdrawn from the ledger.
    ///
    /// Also blocks while a batch is too far ahead of the oldest job that is not done
    /// ([`LEDGER_SPAN_MAX`](crate::LEDGER_SPAN_MAX)). `stop` is checked between batches; a source
    /// that is blocked in its reader is not interrupted.
    pub fn run(
        mut self,
        deliver: &mut dyn FnMut(usize, Vec<Job>) -> Result<(), Vec<Job>>,
        stop: &AtomicBool,
    ) -> FeederEnd {
        let mut router = Router::new(self.shards);
        let mut produced = 0;
        let ended = loop {
            if stop.load(Ordering::Relaxed) {
                break Ended::Stopped;
            }
            let mut batch = Vec::with_capacity(self.batch_jobs_max);
            let more = match self.source.next(self.batch_jobs_max, &mut batch) {
                Ok(more) => more,
                Err(error) => break Ended::Failed(error),
            };
            if let Some(last) = batch.last() {
                if !self.ledger.wait_for_room(last.seq, stop) {
                    break Ended::Stopped;
                }
                self.schedule(&mut batch, produced);
                self.ledger.feed(&batch);
                produced += batch.len() as u64;
                if let Err(untaken) = router.route(batch, deliver) {
                    self.ledger.withdraw(&untaken);
                    produced -= untaken.len() as u64;
                    break Ended::Disconnected;
                }
            }
            if !more {
                break Ended::Exhausted;
            }
        };
        FeederEnd { produced, ended }
    }

    /// Sets when the jobs are due; the first of them is the `first`th of the run. Each time is
    /// computed from the start and not from the job before, so rounding errors do not add up.
    fn schedule(&self, batch: &mut [Job], first: u64) {
        let Some(rate) = self.rate_per_second else {
            return;
        };
        for (index, job) in (first..).zip(batch) {
            let nanos = (index as f64 * 1e9 / rate).round();
            job.due = Some(self.start.plus_nanos(nanos as u64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_model::ModuleId;
    use std::num::NonZeroU32;

    use crate::{TargetKind, TargetOptions, arguments};

    fn feeder(list: &str, rate_per_second: Option<f64>) -> Feeder<crate::Targets> {
        let mut options = TargetOptions::new(TargetKind::Ptr {
            forward_confirm: false,
        });
        options.limit = Some(1_000_003);
        Feeder {
            source: arguments([list.to_owned()], &options).unwrap(),
            rate_per_second,
            start: Time::from_nanos(500),
            batch_jobs_max: 512,
            shards: NonZeroUsize::MIN,
            ledger: Arc::default(),
        }
    }

    static GO_ON: AtomicBool = AtomicBool::new(false);

    #[test]
    fn everything_is_handed_on_once_and_in_order() {
        let feeder = feeder("10.0.0.0/8", None);
        let ledger = Arc::clone(&feeder.ledger);
        let mut next = 0;
        let end = feeder.run(
            &mut |_, batch| {
                assert!(!batch.is_empty() && batch.len() <= 512);
                for job in &batch {
                    assert_eq!((job.seq, job.due), (next, None));
                    next += 1;
                }
                assert_eq!(ledger.fed(), next);
                Ok(())
            },
            &GO_ON,
        );
        assert!(matches!(end.ended, Ended::Exhausted));
        assert_eq!((end.produced, next), (1_000_003, 1_000_003));
        assert_eq!(ledger.in_flight(), 1_000_003);
    }

    #[test]
    fn due_times_follow_the_rate_and_do_not_drift() {
        let mut due = Vec::new();
        let end = feeder("10.0.0.0/8", Some(3.0)).run(
            &mut |_, batch| {
                due.extend(batch.iter().map(|job| job.due.unwrap().as_nanos()));
                Ok(())
            },
            &GO_ON,
        );
        assert_eq!(end.produced, 1_000_003);
        assert_eq!(due[..4], [500, 333_333_833, 666_667_167, 1_000_000_500]);
        // A million steps of a third of a second: no rounding error is left.
        assert_eq!(due[999_999], 333_333_000_000_500);
    }

    #[test]
    fn it_stops_when_stop_is_set() {
        let stop = AtomicBool::new(false);
        let end = feeder("::/0", None).run(
            &mut |_, _| {
                stop.store(true, Ordering::Relaxed);
                Ok(())
            },
            &stop,
        );
        assert!(matches!(end.ended, Ended::Stopped));
        assert_eq!(end.produced, 512);
    }

    #[test]
    fn jobs_that_no_shard_took_are_withdrawn() {
        let feeder = feeder("::/0", None);
        let ledger = Arc::clone(&feeder.ledger);
        let mut batches = 0;
        let end = feeder.run(
            &mut |_, mut batch| {
                batches += 1;
                if batches == 3 {
                    Err(batch.split_off(12))
                } else {
                    Ok(())
                }
            },
            &GO_ON,
        );
        assert!(matches!(end.ended, Ended::Disconnected));
        assert_eq!(end.produced, 1036);
        assert_eq!(ledger.fed(), 1036);
    }

    #[test]
    fn jobs_before_a_bad_line_are_delivered() {
        let mut options = TargetOptions::new(TargetKind::Ptr {
            forward_confirm: false,
        });
        options.strict = true;
        let feeder = Feeder {
            source: crate::stream(&b"192.0.2.0/30\nbad\n192.0.2.9\n"[..], "list", &options),
            rate_per_second: None,
            start: Time::ZERO,
            batch_jobs_max: 512,
            shards: NonZeroUsize::MIN,
            ledger: Arc::default(),
        };
        let end = feeder.run(&mut |_, _| Ok(()), &GO_ON);
        assert_eq!(end.produced, 4);
        match end.ended {
            Ended::Failed(error) => {
                assert!(error.to_string().starts_with("list:2: \"bad\" is not"))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn repeated_jobs_are_fed_and_withdrawn_for_each_outcome() {
        let options = TargetOptions::new(TargetKind::Http {
            module: ModuleId(0),
            requests: NonZeroU32::new(5).unwrap(),
            ports: None,
            path_as_is: false,
        });
        let list: String = (0..100).map(|host| format!("h{host}.example\n")).collect();
        let ledger = Arc::default();
        let feeder = Feeder {
            source: crate::stream(std::io::Cursor::new(list + "bad line\n"), "list", &options),
            rate_per_second: None,
            start: Time::ZERO,
            batch_jobs_max: 512,
            shards: NonZeroUsize::new(2).unwrap(),
            ledger: Arc::clone(&ledger),
        };
        let mut first = 0;
        let end = feeder.run(
            &mut |shard, jobs| {
                if shard == 1 {
                    return Err(jobs);
                }
                // A bad line has one outcome, however often good ones are requested.
                assert_eq!(ledger.fed(), 501);
                first = jobs.iter().map(|job| job.spec.outcomes()).sum();
                Ok(())
            },
            &GO_ON,
        );
        assert!(matches!(end.ended, Ended::Disconnected));
        assert!(first > 0 && first < 501);
        assert_eq!(ledger.fed(), first);
    }
}
