//! A target to watch, and how it is now.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::{Job, ProbeSpec, Target, Time};
use canvass_run::SoaTimes;

use crate::last_result::LastResult;
use crate::schedule::{Round, RoundFate, Timing};
use crate::serials::SerialLag;
use crate::state::{Thresholds, Tracker};
use crate::target_assertions::TargetAssertions;

/// A target to watch.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchedTarget {
    /// What it is known by: its text in the list. No two targets have the same.
    pub key: Arc<str>,
    /// The group that it belongs to.
    pub group: Arc<str>,
    /// The module of the configuration that says how it is probed.
    pub module: Option<Arc<str>>,
    /// The labels of its group.
    pub labels: Option<Arc<BTreeMap<Box<str>, Box<str>>>>,
    /// What is probed.
    pub target: Target,
    /// How it is probed.
    pub spec: ProbeSpec,
    /// The resolver that its question goes to, in place of the run's.
    pub resolver: Option<Box<SocketAddr>>,
    /// The line of the list that it is from.
    pub line: Option<NonZeroU64>,
    /// The time from one round to the next.
    pub interval: Duration,
    /// The longest time by which a round is later than its fixed point, drawn for each anew; at most the
    /// interval.
    pub jitter: Duration,
    /// How many rounds in a row change its state.
    pub thresholds: Thresholds,
    /// What is expected of its answers beyond what its probe judges itself.
    pub assertions: Option<Arc<TargetAssertions>>,
    /// The key of a target without which this one cannot be reached.
    pub depends_on: Option<Arc<str>>,
    /// Changes of its state cause no alerts.
    pub in_maintenance: bool,
}

/// How many rounds were begun, and how many were not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundCounts {
    /// Rounds whose probe was started.
    pub begun: u64,
    /// Rounds for which the probe of an earlier one was still running.
    pub skipped: u64,
    /// Rounds that the process noticed too late.
    pub missed: u64,
}

/// One target as it is now.
#[derive(Debug)]
pub struct Watched {
    /// The target.
    pub target: WatchedTarget,
    /// Its state.
    pub tracker: Tracker,
    /// Its rounds.
    pub rounds: RoundCounts,
    /// What its last round found. `None` before the first one since the start of this process.
    pub last: Option<LastResult>,
    /// The start of authority that it answered last, if that was asked for.
    pub(super) soa: Option<SoaTimes>,
    pub(super) serial_lag: SerialLag,
    /// An alert said that it is down, and none that it is up.
    pub(super) is_announced: bool,
}

impl RoundCounts {
    pub(super) fn count(&mut self, round: &Round) {
        self.missed += round.missed_before;
        match round.fate {
            RoundFate::Begun => self.begun += 1,
            RoundFate::Skipped => self.skipped += 1,
            RoundFate::Missed => self.missed += 1,
        }
    }
}

impl WatchedTarget {
    /// The name of its settings: that of a module of the configuration, or the scheme of its key, or
    /// else its kind of probe.
    pub fn module(&self) -> &str {
        match (&self.module, self.key.split_once("://")) {
            (Some(module), _) => module,
            (None, Some((scheme, _))) => scheme,
            (None, None) => self.spec.probe(),
        }
    }

    pub(super) fn timing(&self) -> Timing {
        Timing {
            interval: self.interval,
            jitter: self.jitter,
        }
    }

    /// Its probe as a job.
    pub fn job(&self, seq: u64, due: Option<Time>) -> Job {
        Job {
            seq,
            line: self.line,
            target: self.target.clone(),
            spec: self.spec,
            due,
            resolver: self.resolver.clone(),
        }
    }
}
