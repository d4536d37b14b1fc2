//! Two ways of asking the same, side by side: what was measured, what follows from it, and how that
//! is written. Who runs the sides is not here.
//!
//! The figures of a side are in [`Side`]'s methods, those of a pair in [`Comparison::ratio`]. How
//! far chance reaches is told by the blocks: they are the repetitions, and a target is none, since
//! targets asked at once share their weather.

mod csv;
#[cfg(test)]
mod fixture;
mod ndjson;
mod paint;
mod ratio;
mod side;
mod text;
mod verdict;
mod warnings;

use std::num::NonZeroUsize;
use std::time::Duration;

use canvass_model::Time;
use hdrhistogram::Histogram;

pub use csv::comparison_csv;
pub use ndjson::comparison_ndjson;
pub use ratio::Ratio;
pub use side::Throughput;
pub use text::comparison_text;

/// One side's work in one block of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// When it began.
    pub began: Time,
    /// How long it took, from the first question to the last answer.
    pub wall: Duration,
    /// CPU time the process used meanwhile, user and system.
    pub cpu: Duration,
    /// Targets that were done.
    pub targets: u64,
    /// Whether this side asked for them before the other.
    pub asked_first: bool,
}

/// One side of a comparison.
#[derive(Clone, Debug)]
pub struct Side {
    /// What it is, as a person reads it: `canvass (udp, window 412)`,
    /// `getnameinfo, one at a time`.
    pub name: String,
    /// What each target took, in nanoseconds.
    pub latency: Histogram<u64>,
    /// What each target took in blocks where the other side had asked before.
    pub latency_asked_second: Histogram<u64>,
    /// Its blocks, in the order they were run, without the one that warmed up.
    pub blocks: Vec<Block>,
    /// Targets, of those in the blocks, that had no usable answer: not even that there is nothing.
    pub failed: u64,
    /// Whether a target waits for its own answer alone, and not for what else is asked: then what
    /// it took tells of caches.
    pub is_serial: bool,
}

/// An answer that was not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What was asked about.
    pub target: String,
    /// What the first side had: names or addresses, or why it had none.
    pub a: String,
    /// What the second side had.
    pub b: String,
    /// Where the difference comes from, when that can be told (`/etc/hosts`).
    pub reason: Option<String>,
}

/// How the answers of the sample compare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Both have the same, or neither has any.
    pub same: u64,
    /// Both have one, and not the same.
    pub different: u64,
    /// Only the first has one.
    pub only_a: u64,
    /// Only the second has one.
    pub only_b: u64,
    /// How many of those that are not the same have a reason that can be told, by reason.
    pub explained: Vec<(String, u64)>,
    /// The first few that are not the same.
    pub examples: Vec<Difference>,
}

/// The other side of a pair, and how its answers compare.
#[derive(Clone, Debug)]
pub struct Against {
    /// The second side.
    pub side: Side,
    /// How the answers compare.
    pub answers: Answers,
}

/// A comparison as it was measured: the first side against each of the others.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The first side: canvass.
    pub a: Side,
    /// Those it was compared with, in order.
    pub others: Vec<Against>,
    /// How many targets the list had.
    pub listed: u64,
    /// What chance began from, for the resampling.
    pub seed: u64,
    /// How many processors this process may use, where that is known.
    pub processors: Option<NonZeroUsize>,
    /// Reasons to doubt the figures that only whoever ran it knows (a cache of the system's, a
    /// run that was stopped).
    pub warnings: Vec<String>,
}
