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
    /// The certificate's validity. `None` if no certificate was received.
    pub certificate: Option<CertificateEnd>,
}

/// When a certificate expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateEnd {
    /// The end of its validity, in seconds since 1970 (UTC).
    pub not_after_s: i64,
    /// Whole days from the handshake to that; negative if it has expired.
    pub days_left: i64,
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
            certificate: certificate.map(|facts| CertificateEnd {
                not_after_s: facts.not_after_s,
                days_left: facts.days_left,
            }),
        }
    }
}
