//! Modules with `prober: http`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::scalars::{IpProtocol, Octets, Regex, Secret, is_default, or_default};
use super::tls::TlsSettings;

/// `http`, with the keys of Prometheus's HTTP client.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HttpModule {
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub valid_status_codes: Vec<u16>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub valid_http_versions: Vec<String>,
    pub preferred_ip_protocol: IpProtocol,
    pub ip_protocol_fallback: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub skip_resolve_phase_with_proxy: bool,
    /// The former name of `follow_redirects`, the other way round.
    #[serde(skip_serializing)]
    pub no_follow_redirects: Option<bool>,
    pub follow_redirects: bool,
    pub fail_if_ssl: bool,
    pub fail_if_not_ssl: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub method: String,
    /// Their values may be credentials.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub headers: BTreeMap<String, Secret>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub http_headers: BTreeMap<String, HeaderValues>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub fail_if_body_matches_regexp: Vec<Regex>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub fail_if_body_not_matches_regexp: Vec<Regex>,
    #[serde(skip_serializing_if = "is_default")]
    pub fail_if_body_json_matches_cel: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub fail_if_body_json_not_matches_cel: Option<String>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub fail_if_header_matches: Vec<HeaderRule>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub fail_if_header_not_matches: Vec<HeaderRule>,
    /// It may hold credentials.
    #[serde(skip_serializing_if = "is_default")]
    pub body: Secret,
    #[serde(skip_serializing_if = "is_default")]
    pub body_file: String,
    #[serde(skip_serializing_if = "is_default")]
    pub compression: String,
    #[serde(skip_serializing_if = "is_default")]
    pub body_size_limit: Octets,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub basic_auth: Option<BasicAuth>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub authorization: Option<AuthorizationSettings>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub oauth2: Option<OAuth2>,
    #[serde(skip_serializing_if = "is_default")]
    pub bearer_token: Secret,
    #[serde(skip_serializing_if = "is_default")]
    pub bearer_token_file: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub tls_config: TlsSettings,
    pub enable_http2: bool,
    pub enable_http3: bool,
    /// It may have a password.
    #[serde(skip_serializing_if = "is_default")]
    pub proxy_url: Secret,
    #[serde(skip_serializing_if = "is_default")]
    pub no_proxy: String,
    #[serde(skip_serializing_if = "is_default")]
    pub proxy_from_environment: bool,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub proxy_connect_header: BTreeMap<String, Vec<Secret>>,
}

impl Default for HttpModule {
    fn default() -> Self {
        Self {
            valid_status_codes: Vec::new(),
            valid_http_versions: Vec::new(),
            preferred_ip_protocol: IpProtocol::Ip6,
            ip_protocol_fallback: true,
            skip_resolve_phase_with_proxy: false,
            no_follow_redirects: None,
            follow_redirects: true,
            fail_if_ssl: false,
            fail_if_not_ssl: false,
            method: String::new(),
            headers: BTreeMap::new(),
            http_headers: BTreeMap::new(),
            fail_if_body_matches_regexp: Vec::new(),
            fail_if_body_not_matches_regexp: Vec::new(),
            fail_if_body_json_matches_cel: None,
            fail_if_body_json_not_matches_cel: None,
            fail_if_header_matches: Vec::new(),
            fail_if_header_not_matches: Vec::new(),
            body: Secret::default(),
            body_file: String::new(),
            compression: String::new(),
            body_size_limit: Octets(0),
            basic_auth: None,
            authorization: None,
            oauth2: None,
            bearer_token: Secret::default(),
            bearer_token_file: String::new(),
            tls_config: TlsSettings::default(),
            enable_http2: true,
            enable_http3: false,
            proxy_url: Secret::default(),
            no_proxy: String::new(),
            proxy_from_environment: false,
            proxy_connect_header: BTreeMap::new(),
        }
    }
}

impl HttpModule {
    /// The value of a header to send, whatever the case of its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.0.as_str())
    }

    /// Whether redirects are followed.
    pub(crate) fn follows(&self) -> bool {
        self.no_follow_redirects
            .map_or(self.follow_redirects, |no| !no)
    }

    /// Checks what blackbox_exporter checks when it reads a module.
    pub(super) fn check(&self) -> Result<(), String> {
        if !self.body.0.is_empty() && !self.body_file.is_empty() {
            return Err("`body` and `body_file` exclude each other".to_owned());
        }
        let credentials = [
            self.basic_auth.is_some(),
            self.authorization.is_some(),
            self.oauth2.is_some(),
            !self.bearer_token.0.is_empty() || !self.bearer_token_file.is_empty(),
        ];
        if credentials.iter().filter(|given| **given).count() > 1 {
            return Err(
                "at most one of `basic_auth`, `authorization`, `oauth2` and `bearer_token` \
                 can be given"
                    .to_owned(),
            );
        }
        let rules = self.fail_if_header_matches.iter();
        for rule in rules.chain(&self.fail_if_header_not_matches) {
            if rule.header.is_empty() {
                return Err("a rule for headers has no `header`".to_owned());
            }
            if rule.regexp.source.is_empty() {
                return Err("a rule for headers has no `regexp`".to_owned());
            }
        }
        match self.header("Accept-Encoding") {
            Some(accepted) if !accepts(accepted, &self.compression) => Err(format!(
                "`compression: {}` is not accepted by `Accept-Encoding: {accepted}`",
                self.compression
            )),
            _ => Ok(()),
        }
    }
}

/// Whether an `Accept-Encoding` accepts this coding (RFC 9110 §12.5.3).
fn accepts(accepted: &str, coding: &str) -> bool {
    if coding.is_empty() || accepted.is_empty() {
        return true;
    }
    accepted.split(',').any(|part| {
        let (name, weight) = match part.split_once(';') {
            Some((name, weight)) => (name, weight.trim().trim_start_matches("q=")),
            None => (part, "1"),
        };
        let is_named = matches!(name.trim(), "*") || name.trim() == coding;
        is_named && weight.parse::<f32>().is_ok_and(|weight| weight > 0.0)
    })
}

/// What the value of a header must be like.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeaderRule {
    pub header: String,
    pub regexp: Regex,
    #[serde(default)]
    pub allow_missing: bool,
}

/// `basic_auth`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BasicAuth {
    pub username: String,
    #[serde(skip_serializing_if = "is_default")]
    pub username_file: String,
    #[serde(skip_serializing_if = "is_default")]
    pub username_ref: String,
    #[serde(skip_serializing_if = "is_default")]
    pub password: Secret,
    #[serde(skip_serializing_if = "is_default")]
    pub password_file: String,
    #[serde(skip_serializing_if = "is_default")]
    pub password_ref: String,
}

/// `authorization`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AuthorizationSettings {
    #[serde(rename = "type")]
    pub scheme: String,
    #[serde(skip_serializing_if = "is_default")]
    pub credentials: Secret,
    #[serde(skip_serializing_if = "is_default")]
    pub credentials_file: String,
    #[serde(skip_serializing_if = "is_default")]
    pub credentials_ref: String,
}

/// `oauth2`, which is only read.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OAuth2 {
    client_id: String,
    client_secret: Secret,
    client_secret_file: String,
    client_secret_ref: String,
    scopes: Vec<String>,
    token_url: String,
    endpoint_params: BTreeMap<String, Secret>,
    tls_config: TlsSettings,
    proxy_url: Secret,
    no_proxy: String,
    proxy_from_environment: bool,
    proxy_connect_header: BTreeMap<String, Vec<Secret>>,
}

/// The values of a header of `http_headers`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HeaderValues {
    #[serde(skip_serializing_if = "is_default")]
    pub values: Vec<Secret>,
    #[serde(skip_serializing_if = "is_default")]
    pub secrets: Vec<Secret>,
    #[serde(skip_serializing_if = "is_default")]
    pub files: Vec<String>,
}
