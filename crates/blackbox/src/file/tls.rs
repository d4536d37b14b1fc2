//! `tls_config`.

use serde::{Deserialize, Serialize};

use super::scalars::{Secret, is_default};

/// `tls_config`: how a server is verified, and what it is shown.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TlsSettings {
    #[serde(skip_serializing_if = "is_default")]
    pub ca: String,
    #[serde(skip_serializing_if = "is_default")]
    pub cert: String,
    #[serde(skip_serializing_if = "is_default")]
    pub key: Secret,
    #[serde(skip_serializing_if = "is_default")]
    pub ca_file: String,
    #[serde(skip_serializing_if = "is_default")]
    pub cert_file: String,
    #[serde(skip_serializing_if = "is_default")]
    pub key_file: String,
    #[serde(skip_serializing_if = "is_default")]
    pub ca_ref: String,
    #[serde(skip_serializing_if = "is_default")]
    pub cert_ref: String,
    #[serde(skip_serializing_if = "is_default")]
    pub key_ref: String,
    #[serde(skip_serializing_if = "is_default")]
    pub server_name: String,
    pub insecure_skip_verify: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub min_version: Option<TlsVersion>,
    #[serde(skip_serializing_if = "is_default")]
    pub max_version: Option<TlsVersion>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum TlsVersion {
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}
