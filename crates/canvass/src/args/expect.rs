//! What is expected of an answer.

use canvass_proto::expect::{BodyPattern, HeaderPattern, StatusSet};
use clap::Args;

use super::heading;

/// What is expected of an HTTP response.
#[derive(Debug, Args)]
#[command(next_help_heading = heading::EXPECTATIONS)]
pub(crate) struct ExpectArgs {
    /// Expect one of these statuses (may repeat)
    ///
    /// Codes, ranges and classes, such as 200-399,401 or 2xx. With --follow the last response
    /// counts. An answer that is not as expected is negative, and its line has what was expected
    /// and seen.
    #[arg(long, value_name = "STATUSES")]
    pub expect_status: Vec<StatusSet>,
    /// Expect a header that matches (may repeat)
    ///
    /// REGEX is to be found in a value of the header NAME. All of several headers are expected.
    #[arg(long, value_name = "NAME: REGEX")]
    pub expect_header: Vec<HeaderPattern>,
    /// Expect a match in the body (may repeat)
    ///
    /// REGEX is to be found in the decoded body, which is kept for that up to --body-max. All of
    /// several are expected. (?i) ignores case, (?s) lets a dot match line ends, and (?-u) matches
    /// octets instead of characters.
    #[arg(long, value_name = "REGEX")]
    pub expect_body: Vec<BodyPattern>,
    /// Expect no match in the body (may repeat)
    ///
    /// REGEX, as for --expect-body, is not to be found in the decoded body. None of several is.
    #[arg(long, value_name = "REGEX")]
    pub expect_not_body: Vec<BodyPattern>,
    #[command(flatten)]
    pub certificate: ExpectCertificateArgs,
}

/// What is expected of a certificate.
#[derive(Debug, Args)]
#[command(next_help_heading = heading::EXPECTATIONS)]
pub(crate) struct ExpectCertificateArgs {
    /// Expect a certificate valid for N more days
    ///
    /// Whole days count. A connection without TLS has no certificate. An answer that is not as
    /// expected is negative.
    #[arg(long, value_name = "N")]
    pub expect_cert_days: Option<u32>,
}
