//! Replies that are held back.

use std::time::Duration;

use canvass_model::Time;
use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};

use crate::impairment::{Impairments, Percent};

/// How long replies are held back, and the chance in it.
#[derive(Clone, Debug)]
pub(crate) struct Delays {
    delay: Duration,
    jitter: Duration,
    late: Percent,
    late_by: Duration,
    rng: SmallRng,
}

/// Holds what is said in answer to what came, one span at a time.
#[derive(Debug)]
pub(super) struct Hold {
    delays: Delays,
    /// Since when, and for how long.
    held: Option<(Time, Duration)>,
}

impl Delays {
    /// `None` where nothing is held back.
    pub fn new(impairments: &Impairments, seed: u64) -> Option<Self> {
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
    pub fn draw(&mut self) -> Duration {
        let mut delay = self.delay;
        if !self.jitter.is_zero() {
            let span_ns = 2 * self.jitter.as_nanos() as u64;
            let added = Duration::from_nanos(self.rng.random_range(0..=span_ns));
            delay = (delay + added).saturating_sub(self.jitter);
        }
        if !self.late.is_zero() && self.late.takes(self.rng.next_u32()) {
            delay += self.late_by;
        }
        delay
    }
}

impl Hold {
    pub const fn new(delays: Delays) -> Self {
        Self { delays, held: None }
    }

    /// Something came that there may be an answer to. What comes while an answer is held is
    /// answered with it.
    pub fn begin(&mut self, now: Time) {
        if self.held.is_none() {
            let delay = self.delays.draw();
            self.held = (!delay.is_zero()).then_some((now, delay));
        }
    }

    /// Until when nothing may be said.
    pub fn until(&self, now: Time) -> Option<Time> {
        let (since, span) = self.held?;
        Some(since + span).filter(|until| *until > now)
    }

    /// Ends a span whose time has come, and returns it.
    pub fn release(&mut self) -> Option<(Time, Duration)> {
        self.held.take()
    }
}
