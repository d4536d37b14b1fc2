//! A short period of sending at one rate, and its results.

use canvass_model::Time;

use super::rtt::Moment;

/// The epoch a query was sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EpochId(pub(super) u32);

/// A short period of sending at one rate.
#[derive(Debug)]
pub(super) struct Epoch {
    pub(super) began: Time,
    pub(super) ended: Time,
    /// The number of the setting of the rate.
    pub(super) setting: u32,
    /// First queries sent in it, and how many of them were answered.
    pub(super) sent: u32,
    pub(super) answered: u32,
    /// How many of them had a reply of no use.
    pub(super) useless: u32,
    /// Answers to first queries that were received while it ran.
    pub(super) received: u32,
    /// All queries sent in it, and how many of them are in flight.
    pub(super) left: u32,
    pub(super) in_flight: u32,
    /// Whether queries waited for the pace, so that the rate was what limited them.
    pub(super) held_back: bool,
    /// Whether it was looked at when its answers were due for the first time.
    pub(super) is_read: bool,
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
            useless: 0,
            received: 0,
            left: 0,
            in_flight: 0,
            held_back: false,
            is_read: false,
            round_trips: Moment::new(),
        }
    }

    /// The share of its first queries that was answered.
    pub(super) fn share(&self) -> f64 {
        f64::from(self.answered) / f64::from(self.sent.max(1))
    }
}
