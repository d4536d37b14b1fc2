//! What a module of blackbox_exporter says besides its conversation.

use std::net::IpAddr;

/// What a module of blackbox_exporter says about addresses and certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleSettings {
    /// The only address family that is used (`preferred_ip_protocol` with
    /// `ip_protocol_fallback: false`).
    pub only_family: Option<OnlyFamily>,
    /// The address that connections are made from (`source_ip_address`).
    pub source: Option<IpAddr>,
    /// Whether invalid certificates are accepted (`insecure_skip_verify`).
    pub insecure: bool,
    /// The file with the certificates that are trusted (`ca_file`).
    pub ca_file: Option<Box<str>>,
    /// The file with the client certificate (`cert_file`).
    pub cert_file: Option<Box<str>>,
    /// The file with the key of the client certificate (`key_file`).
    pub key_file: Option<Box<str>>,
    /// The name to verify (`server_name`).
    pub server_name: Option<Box<str>>,
    /// Whether no version before TLS 1.3 is offered (`min_version`).
    pub tls_1_3_only: bool,
    /// Whether no version after TLS 1.2 is offered (`max_version`).
    pub tls_1_2_only: bool,
}

/// An address family without the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnlyFamily {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}
