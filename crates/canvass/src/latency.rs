//! Where latency is kept.

use std::path::Path;
use std::time::Duration;

use canvass_report::{Epoch, IntervalLog, LatencyRecorder};

use crate::exit::Failure;

/// How long an interval of the interval log is.
const INTERVAL: Duration = Duration::from_secs(1);

/// Totals, and an interval log where somebody wants one.
pub fn recorder(hlog: Option<&Path>, epoch: Epoch) -> Result<LatencyRecorder, Failure> {
    Ok(match hlog {
        Some(path) => LatencyRecorder::with_intervals(
            IntervalLog::create(path, epoch, INTERVAL).map_err(Failure::stopped)?,
        ),
        None => LatencyRecorder::new(),
    })
}
