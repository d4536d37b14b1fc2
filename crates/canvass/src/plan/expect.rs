//! What is expected of an answer.

use canvass_proto::expect::{CertificateDays, Expectations, StatusSet};

use crate::args::{ExpectArgs, ExpectCertificateArgs};

/// What is expected of a response.
pub(super) fn expectations(args: ExpectArgs) -> Expectations {
    Expectations {
        status: StatusSet::union(&args.expect_status),
        headers: args.expect_header,
        bodies: args.expect_body,
        not_bodies: args.expect_not_body,
        certificate: certificate(&args.certificate),
    }
}

/// How long a certificate is expected to be valid.
pub(super) fn certificate(args: &ExpectCertificateArgs) -> Option<CertificateDays> {
    args.expect_cert_days.map(CertificateDays::required)
}
