//! The metrics of a probe with `prober: http`.

use std::time::Duration;

use canvass_model::{HttpAnswer, Outcome, Phase};

use crate::exposition::Exposition;
use crate::file::HttpModule;
use crate::http_judgement::{Judgement, has_wanted_coding, headers, values};
use crate::tls;

/// The metrics of a probe that has no response.
pub(crate) fn begin(metrics: &mut Exposition) {
    Figures::default().write(metrics);
    failed_due_to_regex(metrics, false);
}

/// The host was looked up.
pub(crate) fn resolved(took: Duration, metrics: &mut Exposition) {
    duration(metrics, "resolve", took);
}

/// The request is about to be sent.
pub(crate) fn requested(metrics: &mut Exposition) {
    for phase in ["connect", "tls", "processing", "transfer"] {
        duration(metrics, phase, Duration::ZERO);
    }
}

/// The figures of a response.
#[derive(Debug, Default)]
struct Figures {
    code: u16,
    content_length: f64,
    body_bytes: u64,
    redirects: usize,
    version: f64,
    is_tls: bool,
}

/// Writes the metrics of a request and of its response, if there is one.
pub(crate) fn write(
    outcome: &Outcome,
    answer: &HttpAnswer,
    module: &HttpModule,
    judgement: &Judgement,
    metrics: &mut Exposition,
) {
    for (name, phase) in [
        ("connect", Phase::Connect),
        ("tls", Phase::Tls),
        ("processing", Phase::FirstByte),
        ("transfer", Phase::Transfer),
    ] {
        if let Some(span) = outcome.phases.span(phase) {
            duration(metrics, name, span);
        }
    }
    let redirects = answer.redirects.len() + usize::from(judgement.stopped_at_redirect);
    let Some(code) = answer.code else {
        let figures = Figures {
            redirects,
            ..Figures::default()
        };
        return figures.write(metrics);
    };
    let version = answer.version.and_then(|version| version.parse().ok());
    Figures {
        code,
        content_length: content_length(code, answer),
        body_bytes: body_bytes(answer, module, judgement),
        redirects,
        version: version.unwrap_or(0.0),
        is_tls: answer.tls.is_some(),
    }
    .write(metrics);
    failed_due_to_regex(metrics, judgement.failed_due_to_regex);
    if let Some(modified) = last_modified(answer) {
        metrics.set(
            "probe_http_last_modified_timestamp_seconds",
            "Returns the Last-Modified HTTP response header in unixtime",
            modified as f64,
        );
    }
    if let Some(facts) = &answer.tls {
        tls::write(facts, &module.tls_config, metrics);
    }
}

/// -1 if it is not known (RFC 9112 §6.3).
fn content_length(code: u16, answer: &HttpAnswer) -> f64 {
    match answer.content_length {
        Some(length) => length as f64,
        None if matches!(code, 204 | 304) => 0.0,
        None => -1.0,
    }
}

/// The body as it was judged: decoded if the module names a coding. That of a redirect that is not
/// followed is not read.
fn body_bytes(answer: &HttpAnswer, module: &HttpModule, judgement: &Judgement) -> u64 {
    let bytes = match module.compression.as_str() {
        "" | "identity" => answer.body_bytes,
        _ if !has_wanted_coding(answer, module) => None,
        _ => answer.decoded_bytes,
    };
    bytes
        .filter(|_| !judgement.stopped_at_redirect)
        .unwrap_or(0)
}

/// `Last-Modified` in seconds since 1970 (RFC 9110 §5.6.7).
fn last_modified(answer: &HttpAnswer) -> Option<i64> {
    let text = values(headers(answer), "Last-Modified").next()?;
    let time = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(time.timestamp().as_second())
}

fn duration(metrics: &mut Exposition, phase: &str, span: Duration) {
    metrics.set_labelled(
        "probe_http_duration_seconds",
        "Duration of http request by phase, summed over all redirects",
        &[("phase", phase)],
        span.as_secs_f64(),
    );
}

fn failed_due_to_regex(metrics: &mut Exposition, failed: bool) {
    metrics.set(
        "probe_failed_due_to_regex",
        "Indicates if probe failed due to regex",
        u8::from(failed),
    );
}

impl Figures {
    fn write(&self, metrics: &mut Exposition) {
        metrics.set(
            "probe_http_status_code",
            "Response HTTP status code",
            self.code,
        );
        metrics.set(
            "probe_http_content_length",
            "Length of http content response",
            self.content_length,
        );
        metrics.set(
            "probe_http_uncompressed_body_length",
            "Length of uncompressed response body",
            self.body_bytes as f64,
        );
        metrics.set(
            "probe_http_redirects",
            "The number of redirects",
            self.redirects as f64,
        );
        metrics.set(
            "probe_http_version",
            "Returns the version of HTTP of the probe response",
            self.version,
        );
        metrics.set(
            "probe_http_ssl",
            "Indicates if SSL was used for the final redirect",
            u8::from(self.is_tls),
        );
    }
}
