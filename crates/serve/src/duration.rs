//! Durations in texts.

use std::time::Duration;

use jiff::SignedDuration;

/// Parses a duration such as `1h 30m`, `1s` or `100ms`, as Go and `canvass` write it.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let span: SignedDuration = text.parse().ok()?;
    Duration::try_from(span).ok()
}
