//! Why a certificate is not for a host.

use std::net::IpAddr;

use rustls::pki_types::ServerName;
use x509_parser::prelude::X509Certificate;

use super::facts::subject_alt_names;

/// The most names of a certificate that are listed if none of them matches.
const NAMES_SHOWN_MAX: usize = 5;

/// Why `certificate` is not for `expected`. Only subject alternative names count, for an address
/// only those that are addresses, and never the common name (RFC 9525 §2, §6.2).
pub(super) fn message(certificate: &X509Certificate<'_>, expected: &ServerName<'_>) -> String {
    let host = expected.to_str();
    let names = subject_alt_names(certificate);
    let common_name = common_name(certificate);
    if names.is_empty() {
        return match common_name {
            Some(name) => format!(
                "the certificate has no subject alternative name, and its common name {name} does \
                 not count, so it is not for {host}"
            ),
            None => format!("the certificate is for no host, not for {host}"),
        };
    }
    let shown = shown(&names);
    let spelled = names.iter().any(|name| is_same(name, &host));
    if spelled && matches!(expected, ServerName::IpAddress(_)) {
        return format!(
            "the certificate has {host} as a DNS name and not as an IP address, so it is not for \
             that address"
        );
    }
    let mut message = format!("the certificate is for {shown}, not for {host}");
    if let Some(name) = common_name
        && is_same(name, &host)
    {
        message.push_str(" (its common name does not count)");
    }
    message
}

/// Whether two spellings are of one host.
fn is_same(name: &str, host: &str) -> bool {
    match (name.parse::<IpAddr>(), host.parse::<IpAddr>()) {
        (Ok(name), Ok(host)) => name == host,
        _ => name.eq_ignore_ascii_case(host),
    }
}

fn common_name<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a str> {
    let name = certificate.subject().iter_common_name().next()?;
    name.as_str().ok().filter(|name| !name.is_empty())
}

fn shown(names: &[Box<str>]) -> String {
    match names.len() {
        ..=NAMES_SHOWN_MAX => names.join(", "),
        count => format!(
            "{} and {} more",
            names[..NAMES_SHOWN_MAX].join(", "),
            count - NAMES_SHOWN_MAX
        ),
    }
}
