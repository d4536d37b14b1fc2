//! The interval log, where somebody wants one.

use std::path::Path;
use std::time::Duration;

use canvass_report::{Epoch, IntervalLog};

use crate::exit::Failure;

/// How long an interval of the interval log is.
const INTERVAL: Duration = Duration::from_secs(1);

/// Creates the interval log, where one is named.
pub fn intervals(hlog: Option<&Path>, epoch: Epoch) -> Result<Option<IntervalLog>, Failure> {
    hlog.map(|path| IntervalLog::create(path, epoch, INTERVAL).map_err(Failure::stopped))
        .transpose()
}
