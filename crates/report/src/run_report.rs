//! The input of the page about a run.

use std::time::{Duration, SystemTime};

use canvass_model::ShardReport;

use crate::{LatencyRecorder, NotableTargets, ResolverCounts, Tally, Timeline};

/// The origin of the figures of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The command as typed, without secrets.
    pub command: Option<String>,
    /// The version of canvass that measured them.
    pub version: Option<String>,
    /// The file they were read from; `None` for a run of this process.
    pub file: Option<String>,
    /// The list that was asked, for people: the name of a file, or the targets of the command line.
    pub list: Option<String>,
    /// When the run started.
    pub began: Option<SystemTime>,
}

/// The input of the page about a run. `None` is for what is unknown; the page lists what it does not
/// show.
pub struct RunReport<'a> {
    /// The origin of the figures.
    pub origin: Origin,
    /// The name of the probe (`ptr`), or several with blanks between them.
    pub probes: String,
    /// The counts of outcomes.
    pub tally: Option<&'a Tally>,
    /// Their latencies.
    pub latency: &'a LatencyRecorder,
    /// The outcomes over time.
    pub timeline: &'a Timeline,
    /// The targets that are named.
    pub notable: Option<&'a NotableTargets>,
    /// The report of each shard.
    pub shards: Option<&'a [ShardReport]>,
    /// Outcomes by resolver, if there are no reports of shards.
    pub resolvers: Option<&'a ResolverCounts>,
    /// How long the run took by the wall clock.
    pub wall: Option<Duration>,
    /// CPU time of the process, user and system.
    pub cpu: Option<Duration>,
    /// Targets that were not admitted, if known and the run ended early.
    pub remaining: Option<u64>,
    /// Whether the run is known to have been stopped by a signal.
    pub interrupted: bool,
    /// Warnings about the run.
    pub warnings: &'a [String],
}
