//! Why the rate is what it is, and what an epoch showed.

use canvass_model::Time;

/// Why the rate is what it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    /// No limit has been found: the rate doubles.
    Startup,
    /// It is below a plateau, which is tested again at this time.
    Cruise { probe_at: Time },
    /// The plateau is being tested.
    Probe(Probe),
    /// It went down, to test whether that helps.
    Cut(Cut),
}

/// A step up, and the state before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Probe {
    /// The rate of the first step.
    pub(super) began_at: f64,
    /// The last rate that was answered well, and what was sent at it per second.
    pub(super) safe: f64,
    pub(super) sent: f64,
    pub(super) step: f64,
}

/// A raised rate that was left because answers were missing when they were due. They may be late.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Doubt {
    pub(super) rate: f64,
    pub(super) setting: u32,
    /// The share of answers when they were due, and of how many.
    pub(super) share: f64,
    pub(super) sent: f64,
}

/// A step down, and the state before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cut {
    pub(super) from: f64,
    pub(super) share: f64,
    pub(super) median_ns: Option<u64>,
    pub(super) in_startup: bool,
    pub(super) lossy: bool,
    /// Where the test began that led to this, if one did.
    pub(super) probed_from: Option<f64>,
    /// The next epoch still has the queue of the one before it.
    pub(super) draining: bool,
}

/// What an epoch showed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    /// First queries.
    pub(super) sent: f64,
    /// All queries per second.
    pub(super) sent_per_second: f64,
    pub(super) share: f64,
    /// Answers per second.
    pub(super) delivered: f64,
    /// Answers that were received per second while it ran.
    pub(super) received: f64,
    pub(super) median_ns: Option<u64>,
    pub(super) used: bool,
    pub(super) lossy: bool,
    /// Its answers queued up.
    pub(super) is_delayed: bool,
    pub(super) slow: bool,
}
