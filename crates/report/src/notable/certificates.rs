//! Certificates that end soon.

use std::num::NonZeroU64;

use canvass_model::Outcome;
use serde::{Deserialize, Serialize};

use super::{CERTIFICATES_MAX, NamedTarget, request_number};

/// A certificate with fewer days left than this ends soon.
pub(crate) const CERTIFICATE_DAYS_MAX: i64 = 30;

/// The certificates that end first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CertificateEnds {
    seen: u64,
    targets: u64,
    first: Vec<CertificateEnd>,
}

/// A target whose certificate ends soon, or has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CertificateEnd {
    /// The text of the target.
    pub(crate) target: Box<str>,
    /// Its line in the list, from 1.
    pub(crate) line: Option<NonZeroU64>,
    /// Whole days until the end; negative if it has passed.
    pub(crate) days_left: i64,
    /// The end, in seconds since 1970 (UTC).
    pub(crate) not_after_s: i64,
    seq: u64,
}

impl CertificateEnds {
    /// Takes note of the certificate of an outcome. Only the first of repeated requests counts.
    pub(super) fn record(&mut self, outcome: &Outcome) {
        let certificate = outcome
            .answer
            .tls()
            .and_then(|tls| tls.certificate.as_ref());
        let Some(certificate) = certificate.filter(|_| request_number(outcome) <= Some(1)) else {
            return;
        };
        self.seen += 1;
        if certificate.days_left >= CERTIFICATE_DAYS_MAX {
            return;
        }
        self.targets += 1;
        let rank = (certificate.days_left, outcome.job.seq);
        let is_full = self.first.len() == CERTIFICATES_MAX;
        if is_full && self.first.last().is_some_and(|last| last.rank() <= rank) {
            return;
        }
        let place = self.first.partition_point(|one| one.rank() <= rank);
        let NamedTarget { target, line, .. } = NamedTarget::of(outcome);
        let ending = CertificateEnd {
            target,
            line,
            days_left: certificate.days_left,
            not_after_s: certificate.not_after_s,
            seq: outcome.job.seq,
        };
        self.first.insert(place, ending);
        self.first.truncate(CERTIFICATES_MAX);
    }

    /// Adds the certificates of other targets.
    pub(super) fn merge(&mut self, other: &Self) {
        self.seen += other.seen;
        self.targets += other.targets;
        self.first.extend_from_slice(&other.first);
        self.first.sort_by_key(CertificateEnd::rank);
        self.first.truncate(CERTIFICATES_MAX);
    }

    /// The number of targets with a certificate.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// The number of targets whose certificate ends soon.
    pub(crate) fn targets(&self) -> u64 {
        self.targets
    }

    /// Those whose certificate ends first.
    pub(crate) fn first(&self) -> &[CertificateEnd] {
        &self.first
    }
}

impl CertificateEnd {
    fn rank(&self) -> (i64, u64) {
        (self.days_left, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use canvass_model::Answer;

    fn ending(seq: u64, days_left: i64, repeat: Option<u32>) -> Outcome {
        let mut outcome = fixture::http_redirected(days_left);
        outcome.job.seq = seq;
        if let Answer::Http(answer) = &mut outcome.answer {
            answer.repeat = repeat;
        }
        outcome
    }

    #[test]
    fn those_that_end_first_are_kept_in_order() {
        let mut certificates = CertificateEnds::default();
        for seq in 0..200 {
            certificates.record(&ending(seq, (seq as i64 * 7) % 40, None));
        }
        certificates.record(&fixture::http_expired());
        certificates.record(&fixture::http_answered());
        assert_eq!(certificates.seen(), 201);
        assert_eq!(certificates.targets(), 151);
        let first = certificates.first();
        assert_eq!(first.len(), CERTIFICATES_MAX);
        assert_eq!(first[0].days_left, -3);
        assert!(first.is_sorted_by_key(|one| one.rank()));
        assert_eq!(first[49].days_left, 9);
    }

    #[test]
    fn a_certificate_of_thirty_days_is_not_near_its_end_and_requests_count_once() {
        let mut certificates = CertificateEnds::default();
        for (days_left, repeat) in [(30, None), (29, Some(1)), (29, Some(2))] {
            certificates.record(&ending(0, days_left, repeat));
        }
        assert_eq!((certificates.seen(), certificates.targets()), (2, 1));
    }
}
