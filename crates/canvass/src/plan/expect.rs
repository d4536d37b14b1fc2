//! What is expected of an answer.

use canvass_proto::expect::{Expectations, StatusSet, TlsExpectations};
use canvass_run::RecordAssertions;

use super::tls::version;
use crate::args::{ExpectArgs, ExpectRecordsArgs, ExpectSerialArgs, ExpectTlsArgs};

/// What is expected of a response.
pub(super) fn expectations(args: ExpectArgs) -> Expectations {
    Expectations {
        status: StatusSet::union(&args.expect_status),
        headers: args.expect_header,
        bodies: args.expect_body,
        not_bodies: args.expect_not_body,
        json: args.expect_json,
        tls: tls(&args.tls),
    }
}

/// What is expected of a TLS connection.
pub(super) fn tls(args: &ExpectTlsArgs) -> TlsExpectations {
    TlsExpectations {
        certificate_days_min: args.expect_cert_days,
        version_min: args.expect_tls.map(version),
        only_where_used: false,
    }
}

/// What is expected of the records of an answer.
pub(super) fn records(
    args: ExpectRecordsArgs,
    serial: Option<&ExpectSerialArgs>,
) -> RecordAssertions {
    RecordAssertions {
        contain: args.answers_contain,
        equal: (!args.answers_equal.is_empty()).then_some(args.answers_equal),
        count_min: args.answers_min,
        serial_min: serial.and_then(|serial| serial.serial_min),
    }
}
