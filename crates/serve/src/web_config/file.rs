//! The text of a web configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, header};
use serde::Deserialize;

use super::passwords::Hash;
use super::rate::RateLimit;
use super::tls::TlsServer;
use crate::duration;

/// The headers that can be set, and their possible values; without any, all are.
const HEADERS: [(HeaderName, &[&str]); 5] = [
    (header::STRICT_TRANSPORT_SECURITY, &[]),
    (header::X_CONTENT_TYPE_OPTIONS, &["nosniff"]),
    (header::X_FRAME_OPTIONS, &["deny", "sameorigin"]),
    (header::X_XSS_PROTECTION, &[]),
    (header::CONTENT_SECURITY_POLICY, &[]),
];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub tls_server_config: Option<TlsServer>,
    pub http_server_config: Option<HttpServer>,
    pub basic_auth_users: Option<BTreeMap<String, Hash>>,
    pub rate_limit: Option<RateLimits>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpServer {
    /// HTTP/2 may be used. It is negotiated, and this listener does not offer it.
    #[serde(rename = "http2")]
    _http2: Option<bool>,
    headers: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimits {
    #[serde(default)]
    interval: Interval,
    #[serde(default)]
    burst: u32,
}

/// A duration as Go writes it.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(try_from = "String")]
struct Interval(Duration);

impl TryFrom<String> for Interval {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "0" {
            return Ok(Self::default());
        }
        duration::parse(&text)
            .map(Self)
            .ok_or_else(|| format!("{text:?} is not a duration such as 1s or 100ms"))
    }
}

impl File {
    /// Parses the file. An error has its line.
    pub(super) fn parse(octets: &[u8]) -> Result<Self, String> {
        let text = str::from_utf8(octets).map_err(|error| error.to_string())?;
        let options = serde_saphyr::options! { with_snippet: false };
        let file: Option<Self> = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| error.to_string().replace('\n', "; "))?;
        Ok(file.unwrap_or_default())
    }
}

impl HttpServer {
    /// The headers of every response.
    pub(super) fn headers(self) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
        let headers = self.headers.unwrap_or_default();
        // An empty value leaves a header as it is.
        let given = headers.into_iter().filter(|(_, value)| !value.is_empty());
        let checked = given.map(|(name, value)| {
            let known = HEADERS
                .into_iter()
                .find(|(known, _)| name.eq_ignore_ascii_case(known.as_str()));
            let (header, values) =
                known.ok_or_else(|| format!("the header {name:?} cannot be configured"))?;
            if !values.is_empty() && !values.contains(&value.as_str()) {
                let values = values.join(" or ");
                return Err(format!("{name}: expected {values}, not {value:?}"));
            }
            let value = HeaderValue::try_from(value)
                .map_err(|_| format!("{name}: the value cannot be in a header"))?;
            Ok((header, value))
        });
        checked.collect()
    }
}

impl RateLimits {
    /// The limit, if there is one.
    pub(super) fn bucket(self) -> Option<RateLimit> {
        let interval = self.interval.0;
        (!interval.is_zero()).then(|| RateLimit::new(interval, self.burst))
    }
}
