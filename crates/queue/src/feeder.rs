//! From the source to whoever takes jobs.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use canvass_model::{Job, Time};

use crate::{Ledger, Router, Source, SourceError};

/// Pulls batches from a source, says when each job is due, and hands them on.
pub struct Feeder<S> {
    /// Where jobs come from.
    pub source: S,
    /// How many jobs are due a second, over 0; `None` where each is due as soon as it is taken.
    pub rate_per_second: Option<f64>,
    /// When the first job is due, where there is a rate.
    pub start: Time,
    /// The most jobs pulled, and handed on, at once: at least 1.
    pub batch_jobs_max: usize,
    /// How many shards of the engine take jobs.
    pub shards: NonZeroUsize,
    /// Where they are counted.
    pub ledger: Arc<Ledger>,
}

/// How feeding ended.
#[derive(Debug)]
pub struct FeederEnd {
    /// Jobs that were handed on.
    pub produced: u64,
    /// Why there are no more.
    pub ended: Ended,
}

/// Why feeding ended.
#[derive(Debug)]
pub enum Ended {
    /// The source gave all it had.
    Exhausted,
    /// It was told to stop.
    Stopped,
    /// Nobody was left to take jobs.
    Disconnected,
    /// The source could not go on. What it gave before stands.
    Failed(SourceError),
}

impl<S: Source> Feeder<S> {
    /// Feeds until the source is exhausted, `stop` is set, or nobody takes jobs any more.
    ///
    /// `deliver` gets the number of a shard, from 0, and jobs for it. Where there are several
    /// shards, a batch from the source comes in parts, by host (see [`Router`]), all of them
    /// before the source is asked again. `deliver` may wait, and that is what holds the source
    /// back. It returns the jobs that nobody was left to take; those are withdrawn from the
    /// ledger, with the parts that would have come after.
    ///
    /// It waits, too, while a batch is too far ahead of the oldest job that is not done
    /// ([`LEDGER_SPAN_MAX`](crate::LEDGER_SPAN_MAX)). `stop` is looked at between batches; a
    /// source that waits for its reader is not woken.
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

    /// Says when the jobs are due, the first of them being the `first`th of the run. Each time
    /// comes from the start and not from the job before, so no rounding adds up.
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
        // A third of a second, a million times, is whole again.
        assert_eq!(due[999_999], 333_333_000_000_500);
    }

    #[test]
    fn it_stops_when_told_to() {
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
    fn what_nobody_took_is_withdrawn() {
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
    fn what_came_before_a_bad_line_is_handed_on() {
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
                // A bad line is one outcome, whatever is asked of good ones.
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
