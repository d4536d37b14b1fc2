//! A short stretch of sending, and what came of it.

use canvass_model::Time;

use super::rtt::Moment;

/// The epoch a query was sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EpochId(pub(super) u32);

/// A short stretch of sending at one rate.
#[derive(Debug)]
pub(super) struct Epoch {
    pub(super) began: Time,
    pub(super) ended: Time,
    /// Which setting of the rate it was sent at.
    pub(super) setting: u32,
    /// First queries that left in it, and how many of them were answered.
    pub(super) sent: u32,
    pub(super) answered: u32,
    /// All queries that left in it, those sent again too.
    pub(super) left: u32,
    /// Whether the pace held queries back, so that the rate was what limited them.
    pub(super) held_back: bool,
    pub(super) round_trips: Moment,
}

impl Epoch {
    pub(super) fn new(began: Time, setting: u32) -> Self {
        Self {
            began,
            ended: began,
            setting,
            sent: 0,
            answered: 0,
            left: 0,
            held_back: false,
            round_trips: Moment::new(),
        }
    }

    /// The share of its first queries that was answered.
    pub(super) fn share(&self) -> f64 {
        f64::from(self.answered) / f64::from(self.sent.max(1))
    }
}
