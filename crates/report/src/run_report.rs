//! Everything a page about a run is made of, however it was come by.

use std::time::{Duration, SystemTime};

use canvass_model::ShardReport;

use crate::{LatencyRecorder, ResolverCounts, Tally, Timeline};

/// Where the figures of a run are from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The command that made them, as it was typed, without what is secret.
    pub command: Option<String>,
    /// The version of canvass that made them.
    pub version: Option<String>,
    /// The file they were read from; `None` for the run that has just ended.
    pub file: Option<String>,
    /// When the run began, by the calendar.
    pub began: Option<SystemTime>,
}

/// Everything a page about a run is made of. What is `None` is not known, and the page leaves it
/// out and says so.
pub struct RunReport<'a> {
    /// Where it is from.
    pub origin: Origin,
    /// The probe, as output lines have it (`ptr`), or several with blanks between.
    pub probes: String,
    /// What the outcomes were.
    pub tally: Option<&'a Tally>,
    /// How long they took.
    pub latency: &'a LatencyRecorder,
    /// How the run went over time.
    pub timeline: &'a Timeline,
    /// What each shard had to say.
    pub shards: Option<&'a [ShardReport]>,
    /// Which resolvers had the last word, where the shards are not known.
    pub resolvers: Option<&'a ResolverCounts>,
    /// How long the run took.
    pub wall: Option<Duration>,
    /// CPU time the process used, user and system together.
    pub cpu: Option<Duration>,
    /// Targets that were not admitted, where that is known and the run ended early.
    pub remaining: Option<u64>,
    /// Whether it is known that the run was stopped by a signal.
    pub interrupted: bool,
    /// Reasons to doubt the figures.
    pub warnings: &'a [String],
}
