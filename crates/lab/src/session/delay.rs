//! Delayed replies.

use std::time::Duration;

use canvass_model::Time;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::impairment::{Impairments, Percent, jittered};

/// Draws the delays of replies.
#[derive(Clone, Debug)]
pub(crate) struct DelaySampler {
    delay: Duration,
    jitter: Duration,
    late: Percent,
    late_by: Duration,
    rng: SmallRng,
}

/// Delays output that answers input.
#[derive(Debug)]
pub(super) struct DelayGate {
    sampler: DelaySampler,
    /// The start and the length of the current delay.
    current: Option<(Time, Duration)>,
}

impl DelaySampler {
    /// `None` if nothing is delayed.
    pub(crate) fn new(impairments: &Impairments, seed: u64) -> Option<Self> {
        let Impairments {
            delay,
            jitter,
            late,
            late_by,
            ..
        } = *impairments;
        let any = !delay.is_zero() || !jitter.is_zero() || !late.is_zero();
        any.then(|| Self {
            delay,
            jitter,
            late,
            late_by,
            rng: SmallRng::seed_from_u64(seed),
        })
    }

    /// The delay of one reply.
    pub(crate) fn draw(&mut self) -> Duration {
        let mut delay = jittered(self.delay, self.jitter, &mut self.rng);
        if !self.late.is_zero() && self.late.includes(self.rng.next_u32()) {
            delay += self.late_by;
        }
        delay
    }
}

impl DelayGate {
    pub(super) const fn new(sampler: DelaySampler) -> Self {
        Self {
            sampler,
            current: None,
        }
    }

    /// Begins a delay when input arrives that may be answered. Input that arrives during a delay
    /// does not begin another one.
    pub(super) fn begin(&mut self, now: Time) {
        if self.current.is_none() {
            let delay = self.sampler.draw();
            self.current = (!delay.is_zero()).then_some((now, delay));
        }
    }

    /// The end of the delay, if it has not passed.
    pub(super) fn until(&self, now: Time) -> Option<Time> {
        let (since, span) = self.current?;
        Some(since + span).filter(|until| *until > now)
    }

    /// Ends the delay, and returns its start and length.
    pub(super) fn end(&mut self) -> Option<(Time, Duration)> {
        self.current.take()
    }
}
