//! A comparison of two or more ways to look up the same targets: measurements, results and output.
//! This module does not run the sides.
//!
//! The methods of [`Side`] return the figures of a side, [`Comparison::ratio`] those of a pair. The
//! statistics are over blocks, not over targets: targets that are asked at the same time are not
//! independent.

mod csv;
#[cfg(test)]
mod fixture;
mod ndjson;
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
pub(crate) use verdict::Finding;

/// The work of one side in one block of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// When it started.
    pub began: Time,
    /// The time from the first question to the last answer.
    pub wall: Duration,
    /// CPU time of the process during the block, user and system.
    pub cpu: Duration,
    /// The number of targets.
    pub targets: u64,
    /// Whether this side asked for these targets before the other.
    pub asked_first: bool,
}

/// One side of a comparison.
#[derive(Clone, Debug)]
pub struct Side {
    /// A description for people, such as `canvass (udp, window 412)` or
    /// `getnameinfo, one at a time`.
    pub name: String,
    /// The latency of each target, in nanoseconds.
    pub latency: Histogram<u64>,
    /// The latency of each target in blocks that the other side had asked before.
    pub latency_asked_second: Histogram<u64>,
    /// Its blocks in the order they were run, without the warm-up.
    pub blocks: Vec<Block>,
    /// How many targets of the blocks had no usable answer. A negative answer is usable.
    pub failed: u64,
    /// Whether targets are asked one at a time. Only then does the latency show whether a cache
    /// answered.
    pub is_serial: bool,
}

/// A target whose answers differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The target.
    pub target: String,
    /// The answer of the first side: names or addresses, or why there was none.
    pub a: String,
    /// The answer of the second side.
    pub b: String,
    /// The reason for the difference, if known (`/etc/hosts`).
    pub reason: Option<String>,
}

/// How the answers of two sides compare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Both have the same answer, or neither has one.
    pub same: u64,
    /// Both have an answer, but not the same.
    pub different: u64,
    /// Only the first has one.
    pub only_a: u64,
    /// Only the second has one.
    pub only_b: u64,
    /// The number of differences with a known reason, by reason.
    pub explained: Vec<(String, u64)>,
    /// The first few differences.
    pub examples: Vec<Difference>,
}

/// A side that the first is compared with, and how their answers compare.
#[derive(Clone, Debug)]
pub struct OtherSide {
    /// The side.
    pub side: Side,
    /// How the answers compare.
    pub answers: Answers,
}

/// The measurements of a comparison of the first side with each of the others.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The first side: canvass.
    pub a: Side,
    /// The sides that it is compared with.
    pub others: Vec<OtherSide>,
    /// The number of targets in the list.
    pub listed: u64,
    /// The seed of the resampling.
    pub seed: u64,
    /// The number of processors that this process may use, if known.
    pub processors: Option<NonZeroUsize>,
    /// Warnings that do not follow from the figures (a cache of the system, a run that was
    /// stopped).
    pub warnings: Vec<String>,
}
