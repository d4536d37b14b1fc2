//! The fields of a certificate.

use std::net::IpAddr;

use canvass_model::CertificateFacts;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::names::distinguished_name;

const DAY_S: i64 = 86_400;

/// The fields of a certificate at `unix_now_s`; `None` if it cannot be parsed.
pub(super) fn certificate_facts(der: &[u8], unix_now_s: i64) -> Option<CertificateFacts> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let not_after_s = certificate.validity().not_after.timestamp();
    Some(CertificateFacts {
        subject: distinguished_name(certificate.subject()),
        subject_alt_names: subject_alt_names(&certificate),
        issuer: distinguished_name(certificate.issuer()),
        not_before_s: certificate.validity().not_before.timestamp(),
        not_after_s,
        days_left: days_left(not_after_s, unix_now_s),
        sha256: Sha256::digest(der).into(),
        serial: serial(&certificate),
    })
}

/// The serial number without leading zeros.
fn serial(certificate: &X509Certificate<'_>) -> Box<str> {
    let octets = certificate.raw_serial();
    let start = octets.iter().position(|octet| *octet != 0);
    let octets = &octets[start.unwrap_or(octets.len())..];
    let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    hex.into()
}

/// The end of the validity of a certificate, in seconds since 1970 (UTC).
pub(super) fn not_after_s(der: &[u8]) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

/// Whole days from `unix_now_s` to `not_after_s`. If that is over, minus the whole days since then,
/// and at least one.
pub(super) fn days_left(not_after_s: i64, unix_now_s: i64) -> i64 {
    match not_after_s.saturating_sub(unix_now_s) {
        left @ 0.. => left / DAY_S,
        over => (over / DAY_S).min(-1),
    }
}

/// The host names and addresses that the certificate is valid for (RFC 5280 §4.2.1.6), in its
/// order.
pub(super) fn subject_alt_names(certificate: &X509Certificate<'_>) -> Vec<Box<str>> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = extension.value.general_names.iter();
    names.filter_map(host_name).collect()
}

fn host_name(name: &GeneralName<'_>) -> Option<Box<str>> {
    match name {
        GeneralName::DNSName(name) => Some((*name).into()),
        GeneralName::IPAddress(octets) => {
            let address = match <[u8; 4]>::try_from(*octets) {
                Ok(octets) => IpAddr::from(octets),
                Err(_) => IpAddr::from(<[u8; 16]>::try_from(*octets).ok()?),
            };
            Some(address.to_string().into())
        }
        _ => None,
    }
}
