//! The probers that canvass lacks. Their modules are read, so that a file that has them loads.

use serde::{Deserialize, Serialize};

use super::scalars::{IpProtocol, is_default, or_default};
use super::tcp::QueryResponse;
use super::tls::TlsSettings;

/// `icmp`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IcmpModule {
    preferred_ip_protocol: IpProtocol,
    #[serde(skip_serializing_if = "is_default")]
    ip_protocol_fallback: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    source_ip_address: String,
    #[serde(skip_serializing_if = "is_default")]
    payload_size: i64,
    dont_fragment: bool,
    #[serde(skip_serializing_if = "is_default")]
    ttl: u8,
}

/// `grpc`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GrpcModule {
    #[serde(skip_serializing_if = "is_default")]
    service: String,
    tls: bool,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    tls_config: TlsSettings,
    #[serde(skip_serializing_if = "is_default")]
    ip_protocol_fallback: Option<bool>,
    preferred_ip_protocol: IpProtocol,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    metadata: std::collections::BTreeMap<String, Vec<super::Secret>>,
}

/// `unix`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UnixModule {
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    query_response: Vec<QueryResponse>,
    tls: bool,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    tls_config: TlsSettings,
}
