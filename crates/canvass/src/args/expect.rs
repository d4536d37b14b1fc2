//! What is expected of an answer.

use std::num::NonZeroU32;

use canvass_proto::expect::{BodyPattern, HeaderPattern, JsonExpectation, StatusSet};
use canvass_run::{LatencyMax, Span};
use clap::Args;

use super::{TlsVersionArg, heading};
use crate::units;

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
    /// Expect this of a JSON body (may repeat)
    ///
    /// PATH is a JSONPath (RFC 9535), such as $.status or $..up, and is to select something in the
    /// decoded body, which is kept for that up to --body-max. OP and VALUE may be left out. With OP,
    /// which is ==, !=, <, <=, > or >=, each thing that PATH selects is compared with VALUE: JSON, or
    /// a word, which is a string. Values of different types are not equal, and only numbers and
    /// strings have an order. All of several are expected.
    #[arg(long, value_name = "PATH OP VALUE")]
    pub expect_json: Vec<JsonExpectation>,
    #[command(flatten)]
    pub tls: ExpectTlsArgs,
}

/// What is expected of a TLS connection.
#[derive(Debug, Args)]
#[command(next_help_heading = heading::EXPECTATIONS)]
pub(crate) struct ExpectTlsArgs {
    /// Expect a certificate valid for N more days
    ///
    /// Whole days count. A connection without TLS has no certificate. An answer that is not as
    /// expected is negative.
    #[arg(long, value_name = "N")]
    pub expect_cert_days: Option<u32>,
    /// Expect this version of TLS or a later one
    ///
    /// Unlike --tls-min it changes nothing in what is offered: a server that chooses an older
    /// version is answered, and negative. A connection without TLS has no version.
    #[arg(long, value_name = "1.2|1.3", value_enum, hide_possible_values = true)]
    pub expect_tls: Option<TlsVersionArg>,
}

/// How long a probe may take.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = heading::EXPECTATIONS)]
pub(crate) struct ExpectLatencyArgs {
    /// Expect the answer within D (may repeat)
    ///
    /// D alone limits the latency, from the first send to the end. PHASE=D limits one phase: wait,
    /// dns, resolve, connect, tls, first_byte or transfer. A phase that was not reached took no
    /// time, and times that are this machine's own (`stalled`) do not count. A slower answer is
    /// negative; --timeout and --deadline end a probe instead.
    #[arg(long, value_name = "[PHASE=]D", value_parser = latency_max)]
    pub max_latency: Vec<LatencyMax>,
}

/// What is expected of the records of an answer.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = heading::EXPECTATIONS)]
pub(crate) struct ExpectRecordsArgs {
    /// Expect a record with DATA (may repeat)
    ///
    /// Of the type that was asked for, with data as canvass dns prints them, such as
    /// "10 mail.example.net."; of an address, a name. Capitals make no difference, except in TXT.
    /// All of several are expected. A name that does not exist has no records.
    #[arg(long, value_name = "DATA")]
    pub answers_contain: Vec<Box<str>>,
    /// Expect just these records (may repeat)
    ///
    /// As --answers-contain, but the data that were given are all that records of the type have, in
    /// any order.
    #[arg(long, value_name = "DATA")]
    pub answers_equal: Vec<Box<str>>,
    /// Expect at least N records of the type
    #[arg(long, value_name = "N")]
    pub answers_min: Option<NonZeroU32>,
}

/// What is expected of a start of authority.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = heading::EXPECTATIONS)]
pub(crate) struct ExpectSerialArgs {
    /// Expect SOA serial N or a later one
    ///
    /// Serials are compared as in RFC 1982, so one that has passed its end is later. It is for
    /// questions of the type SOA.
    #[arg(long, value_name = "N")]
    pub serial_min: Option<u32>,
}

/// Parses `[PHASE=]D`.
fn latency_max(text: &str) -> Result<LatencyMax, String> {
    let (span, max) = match text.split_once('=') {
        Some((span, max)) => (
            span.parse::<Span>().map_err(|error| error.to_string())?,
            max,
        ),
        None => (Span::Total, text),
    };
    Ok(LatencyMax {
        span,
        max: units::duration(max)?,
    })
}
