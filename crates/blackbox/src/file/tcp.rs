//! Modules with `prober: tcp`.

use serde::{Deserialize, Serialize};

use super::scalars::{IpProtocol, Regex, Secret, is_default, or_default};
use super::tls::TlsSettings;

/// `tcp`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TcpModule {
    pub preferred_ip_protocol: IpProtocol,
    pub ip_protocol_fallback: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub source_ip_address: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub query_response: Vec<QueryResponse>,
    pub tls: bool,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub tls_config: TlsSettings,
}

impl Default for TcpModule {
    fn default() -> Self {
        Self {
            preferred_ip_protocol: IpProtocol::Ip6,
            ip_protocol_fallback: true,
            source_ip_address: String::new(),
            query_response: Vec::new(),
            tls: false,
            tls_config: TlsSettings::default(),
        }
    }
}

/// A step of `query_response`. Its parts run in the order of the fields. What is sent may be a
/// password.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct QueryResponse {
    #[serde(skip_serializing_if = "is_default")]
    pub expect: Option<Regex>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub labels: Vec<Label>,
    #[serde(skip_serializing_if = "is_default")]
    pub expect_bytes: String,
    #[serde(skip_serializing_if = "is_default")]
    pub send: Secret,
    #[serde(skip_serializing_if = "is_default")]
    pub starttls: bool,
}

/// A label of `probe_expect_info`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Label {
    pub name: String,
    pub value: String,
}
