//! One JSON object per line.
//!
//! The keys, their order and their values are in the tables of [`crate::fields`]; scripts rely on
//! them. Unknown values are null. Times in milliseconds are exact to the nanosecond, so that the
//! phases add up to `latency_ms`.

#[cfg(test)]
mod tests;

use canvass_model::{Outcome, ProbeSpec};

use crate::epoch::Calendar;
use crate::fields::{HttpLine, JsonContext, LastResolver, LookupLine, TalkLine};
use crate::write::LastSpan;
use crate::{Epoch, LineFormat};

/// The `ndjson` format (RFC 8259, one object per line).
///
/// Control characters and the separators U+2028 and U+2029 are always escaped, so that no
/// reader finds a line end inside a line; other characters are written as UTF-8.
pub struct Ndjson {
    calendar: Calendar,
    resolver: LastResolver,
}

impl Ndjson {
    /// For a run that started at `epoch`.
    pub fn new(epoch: Epoch) -> Self {
        Self {
            calendar: Calendar::new(epoch),
            resolver: None,
        }
    }
}

impl LineFormat for Ndjson {
    fn header(&mut self, _out: &mut Vec<u8>) {}

    fn line(&mut self, outcome: &Outcome, out: &mut Vec<u8>) {
        let mut context = JsonContext {
            calendar: &mut self.calendar,
            resolver: &mut self.resolver,
            spans: LastSpan::default(),
        };
        match outcome.job.spec {
            ProbeSpec::Ptr { .. } | ProbeSpec::Dns { .. } => {
                LookupLine::write_json(outcome, out, &mut context);
            }
            ProbeSpec::Http { .. } => HttpLine::write_json(outcome, out, &mut context),
            ProbeSpec::Tcp { .. } | ProbeSpec::Udp { .. } => {
                TalkLine::write_json(outcome, out, &mut context);
            }
        }
    }
}
