//! What a module needs that canvass lacks.

use crate::file::{HttpModule, Module, TlsSettings, TlsVersion};

/// Why a module cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub(crate) Box<str>);

impl Refusal {
    pub(crate) fn new(reason: impl Into<Box<str>>) -> Self {
        Self(reason.into())
    }

    fn lacks(what: &str) -> Self {
        Self::new(format!("canvass has no {what}"))
    }

    fn key(key: &str) -> Self {
        Self::new(format!("`{key}` is not supported"))
    }
}

/// Checks that a module needs only what canvass has.
pub(crate) fn check(module: &Module) -> Result<(), Refusal> {
    match module.prober.as_str() {
        "http" => check_http(&module.http),
        "tcp" => check_tls(&module.tcp.tls_config),
        "dns" => match &module.dns {
            None => Err(Refusal::new("`query_name` is missing")),
            Some(dns) if dns.dns_over_tls => Err(Refusal::lacks("DNS over TLS")),
            Some(_) => Ok(()),
        },
        prober @ ("icmp" | "grpc" | "unix") => Err(Refusal::lacks(&format!("prober {prober}"))),
        other => Err(Refusal::new(format!("unknown prober {other:?}"))),
    }
}

fn check_http(http: &HttpModule) -> Result<(), Refusal> {
    check_tls(&http.tls_config)?;
    if http.oauth2.is_some() {
        return Err(Refusal::lacks("OAuth 2.0"));
    }
    if http.fail_if_body_json_matches_cel.is_some()
        || http.fail_if_body_json_not_matches_cel.is_some()
    {
        return Err(Refusal::lacks("CEL"));
    }
    if http.enable_http3 {
        return Err(Refusal::lacks("HTTP/3"));
    }
    let versions = &http.valid_http_versions;
    if !versions.is_empty() && !versions.iter().any(|one| one.starts_with("HTTP/1")) {
        return Err(Refusal::new(format!(
            "only {} would be valid, and canvass speaks HTTP/1",
            versions.join(", ")
        )));
    }
    if !matches!(
        http.compression.as_str(),
        "" | "identity" | "gzip" | "br" | "deflate"
    ) {
        return Err(Refusal::key(&format!("compression: {}", http.compression)));
    }
    let references = [
        http.basic_auth.as_ref().map(|auth| &auth.username_ref),
        http.basic_auth.as_ref().map(|auth| &auth.password_ref),
        http.authorization.as_ref().map(|it| &it.credentials_ref),
    ];
    if references.into_iter().flatten().any(|it| !it.is_empty()) {
        return Err(Refusal::new("references to secrets are not supported"));
    }
    if http.proxy_from_environment {
        return Err(Refusal::key("proxy_from_environment"));
    }
    if !http.proxy_connect_header.is_empty() {
        return Err(Refusal::key("proxy_connect_header"));
    }
    Ok(())
}

fn check_tls(tls: &TlsSettings) -> Result<(), Refusal> {
    if matches!(tls.max_version, Some(TlsVersion::Tls10 | TlsVersion::Tls11)) {
        return Err(Refusal::lacks("TLS before version 1.2"));
    }
    let references = [&tls.ca_ref, &tls.cert_ref, &tls.key_ref];
    if references.into_iter().any(|it| !it.is_empty()) {
        return Err(Refusal::new("references to secrets are not supported"));
    }
    Ok(())
}
