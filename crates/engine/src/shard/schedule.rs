//! The schedule of a run with a rate: when each job is due.
//!
//! Jobs come with the times of a schedule that begins with the run. While the windows of the
//! resolvers still grow, they allow less than the rate, and the rate is also the limit, so what is
//! late then would stay late for the whole run. So the schedule is shifted once, to when the windows
//! first allow the rate; whatever holds jobs up after that is in their response time.
//!
//! The schedule has a time of its own, in which it is at the whole rate
//! ([`ScheduleClock`](crate::schedule_clock::ScheduleClock)).

use std::time::Duration;

use canvass_model::{Job, Time};

use super::Shard;
use super::admit::is_probe;
use crate::config::Config;
use crate::net::Net;

/// The schedule begins this long after its first job was due, even if less than the rate is allowed.
const BEGINS_WITHIN: Duration = Duration::from_secs(1);
/// How often the windows are examined until then.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// When jobs are due.
#[derive(Clone, Copy, Debug)]
pub(super) enum Schedule {
    /// As they say, or when they are taken.
    Unshifted,
    /// It has not begun: a job is due when it begins.
    Awaited {
        /// This shard's part of the rate.
        rate_per_second: f64,
        /// When the first job was due.
        first_due: Option<Time>,
        look_at: Time,
    },
    /// It has begun, later than planned by this.
    Shifted(Duration),
}

impl Schedule {
    pub(super) fn new(config: &Config) -> Self {
        config
            .rate_max_per_second
            .filter(|_| config.is_scheduled)
            .map_or(Self::Unshifted, |rate| Self::Awaited {
                rate_per_second: rate / config.shards.get() as f64,
                first_due: None,
                look_at: Time::ZERO,
            })
    }

    /// How much later than planned it began, if it did.
    pub(super) fn shift(self) -> Option<Duration> {
        match self {
            Self::Shifted(shift) => Some(shift),
            Self::Unshifted | Self::Awaited { .. } => None,
        }
    }

    /// When a job is due by the time of the schedule; `None` if it has no time of its own.
    #[inline]
    fn due(self, job: &Job) -> Option<Time> {
        let due = job.due?;
        Some(due + self.shift().unwrap_or(Duration::ZERO))
    }

    /// Returns when a job that begins `now` was due; `planned` is the time it came with.
    /// `allows` tells whether the windows allow a rate.
    fn take(&mut self, now: Time, planned: Time, allows: impl FnOnce(f64) -> bool) -> Time {
        if let Self::Awaited {
            rate_per_second,
            first_due,
            look_at,
        } = self
        {
            let begins = *first_due.get_or_insert(planned) + BEGINS_WITHIN;
            if now < begins {
                if now < *look_at {
                    return now;
                }
                *look_at = now + LOOK_INTERVAL;
                if !allows(*rate_per_second) {
                    return now;
                }
            }
            *self = Self::Shifted(now.min(begins).since(planned));
        }
        // A job that was put aside before the shift may not have been due since.
        (planned + self.shift().unwrap_or(Duration::ZERO)).min(now)
    }
}

impl<N: Net> Shard<N> {
    /// Writes into a job that begins now when it was due, if it is on a schedule.
    pub(super) fn set_due(&mut self, now: Time, job: &mut Job) {
        if let Some(planned) = job.due {
            let upstreams = &mut self.upstreams;
            let part = self.share.part();
            // No window limits probes.
            let allows = |rate_per_second| {
                is_probe(job.spec)
                    || upstreams.any_answered()
                        && upstreams.allowance(now).rate_per_second
                            >= rate_per_second * part.of_caps
            };
            let schedule_now = part.clock.schedule_at(now);
            let due = self.schedule.take(schedule_now, planned, allows);
            job.due = Some(part.clock.time_of(due).min(now));
        }
    }

    /// When a job is due; `None` if it has no time of its own.
    #[inline]
    pub(super) fn due_of(&self, job: &Job) -> Option<Time> {
        let due = self.schedule.due(job)?;
        Some(self.share.part().clock.time_of(due))
    }

    /// Takes the next job in order, which begins now.
    pub(super) fn take_job(&mut self, now: Time) -> Option<Job> {
        let mut job = self.intake.pop()?;
        self.set_due(now, &mut job);
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 1_000.0;

    fn awaited() -> Schedule {
        Schedule::Awaited {
            rate_per_second: RATE,
            first_due: None,
            look_at: Time::ZERO,
        }
    }

    fn at_ms(at_ms: u64) -> Time {
        Time::from_nanos(at_ms * 1_000_000)
    }

    #[test]
    fn it_is_shifted_once_to_when_the_rate_is_first_allowed() {
        let mut schedule = awaited();
        // Five are sent within 50 ms, in which 50 are due.
        for place in 0..5 {
            let now = at_ms(10 * place);
            assert_eq!(schedule.take(now, at_ms(place), |_| false), now);
        }
        assert_eq!(schedule.shift(), None);
        let allows = |rate_per_second| rate_per_second == RATE;
        assert_eq!(schedule.take(at_ms(50), at_ms(5), allows), at_ms(50));
        assert_eq!(schedule.shift(), Some(Duration::from_millis(45)));
        // What is late after that stays late, whatever is allowed.
        let due = schedule.take(at_ms(2_000), at_ms(6), |_| unreachable!("asked again"));
        assert_eq!(due, at_ms(51));
    }

    #[test]
    fn it_begins_after_a_second_at_the_latest() {
        let mut schedule = awaited();
        schedule.take(at_ms(3), at_ms(2), |_| false);
        // This process was stopped for two seconds: all but the first of them is in the times.
        let due = schedule.take(at_ms(2_500), at_ms(3), |_| false);
        assert_eq!(due, at_ms(1_002));
        assert_eq!(schedule.shift(), Some(Duration::from_millis(999)));
    }

    #[test]
    fn windows_are_not_examined_for_each_job() {
        let mut schedule = awaited();
        let mut looks = 0;
        for place in 0..1_000 {
            let now = Time::from_nanos(place * 10_000);
            schedule.take(now, Time::ZERO, |_| {
                looks += 1;
                false
            });
        }
        assert_eq!(looks, 10);
    }

    #[test]
    fn without_a_rate_jobs_are_due_as_they_say() {
        let mut schedule = Schedule::Unshifted;
        let due = schedule.take(at_ms(5_000), at_ms(7), |_| unreachable!("asked"));
        assert_eq!((due, schedule.shift()), (at_ms(7), None));
    }
}
