//! What the last round of a target found.

use std::time::Duration;

use canvass_model::{Answer, Outcome, Phases, Status, Time, Verdict};

/// What the last round of a target found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastResult {
    /// When the probe ended.
    pub at: Time,
    /// Whether the target answered as expected.
    pub is_success: bool,
    /// The status.
    pub status: Status,
    /// The time from the first send to the end. `None` if nothing was sent.
    pub latency: Option<Duration>,
    /// The time spent in each phase that was reached.
    pub phases: Phases,
    /// Whole days from the handshake to the end of the certificate's validity, negative once it has
    /// expired. `None` if no certificate was received.
    pub certificate_days_left: Option<i64>,
}

impl LastResult {
    pub(crate) fn of(outcome: &Outcome) -> Self {
        let tls = match &outcome.answer {
            Answer::Http(answer) => answer.tls.as_deref(),
            Answer::Talk(answer) => answer.tls.as_deref(),
            Answer::Ptr(_) | Answer::Dns(_) => None,
        };
        let certificate = tls.and_then(|tls| tls.certificate.as_ref());
        Self {
            at: outcome.finished,
            is_success: outcome.verdict == Verdict::Answered,
            status: outcome.status,
            latency: outcome.latency(),
            phases: outcome.phases,
            certificate_days_left: certificate.map(|facts| facts.days_left),
        }
    }
}
