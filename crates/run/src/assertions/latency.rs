//! Limits of how long a probe takes.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use canvass_model::{Outcome, Phase, Unmet};

/// A limit of how long a probe, or a phase of it, takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyMax {
    /// What is limited.
    pub span: Span,
    /// The longest that it may take.
    pub max: Duration,
}

/// A span of time of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Span {
    /// From the first send to the end.
    Total,
    /// One phase. One that was not reached took no time.
    Phase(Phase),
}

/// Why a text is not a span of time of a probe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no phase; the phases are total, {phases}", phases = phases())]
pub struct SpanError(Box<str>);

impl LatencyMax {
    /// Whether an outcome took longer. The times of an outcome that is
    /// [`stalled`](Outcome::stalled) are those of this process, so they do not count.
    pub(super) fn unmet(&self, outcome: &Outcome) -> Option<Unmet> {
        let Self { span, max } = *self;
        let taken = match span {
            Span::Total => outcome.latency(),
            Span::Phase(phase) => outcome.phases.span(phase),
        }?;
        (taken > max && !outcome.stalled).then(|| Unmet {
            expected: format!("{span} within {max:?}").into(),
            seen: format!("{taken:.1?}").into(),
        })
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        if text == "total" {
            return Ok(Self::Total);
        }
        let phase = Phase::TIMED
            .into_iter()
            .find(|phase| phase.as_str() == text);
        phase.map(Self::Phase).ok_or_else(|| SpanError(text.into()))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total => f.write_str("total"),
            Self::Phase(phase) => phase.fmt(f),
        }
    }
}

fn phases() -> String {
    Phase::TIMED.map(Phase::as_str).join(", ")
}
