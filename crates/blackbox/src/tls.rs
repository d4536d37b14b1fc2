//! TLS by `tls_config`, and the metrics of a handshake.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use canvass_model::TlsFacts;
use canvass_proto::tls::{
    PemFile, Roots, TlsClient, TlsIdentity, TlsOptions, TlsVersion as Offered,
};

use crate::exposition::Exposition;
use crate::file::{TlsSettings, TlsVersion};

/// What Go has for the time of an empty chain: 1 January of the year 1, in seconds since 1970.
const NO_TIME_S: i64 = -62_135_596_800;

/// The most clients that are kept.
const CLIENTS_MAX: usize = 64;

/// Clients that need no files. Reading the roots of this system takes much longer than a probe.
#[derive(Default)]
pub(crate) struct TlsClients(Mutex<Vec<(TlsUse, TlsClient)>>);

/// What a client is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TlsUse {
    pub settings: TlsSettings,
    /// The name to send and to verify where the settings have none; by default that of the host.
    pub server_name: Option<String>,
    pub alpn: &'static [&'static str],
}

impl TlsClients {
    /// A client for this use, which trusts the roots of this system by default. Files are read each
    /// time, as they may have been renewed.
    ///
    /// # Errors
    /// A file cannot be read, or a setting cannot be used.
    pub(crate) fn client(&self, wanted: TlsUse) -> Result<TlsClient, String> {
        let settings = &wanted.settings;
        let files = [&settings.ca_file, &settings.cert_file, &settings.key_file];
        if files.into_iter().any(|file| !file.is_empty()) {
            return client(&wanted);
        }
        // A client that was kept is complete, whatever happened to another thread.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = kept.iter().find(|(known, _)| *known == wanted) {
            return Ok(client.clone());
        }
        let client = client(&wanted)?;
        if kept.len() < CLIENTS_MAX {
            kept.push((wanted, client.clone()));
        }
        Ok(client)
    }
}

impl fmt::Debug for TlsClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsClients")
    }
}

fn client(wanted: &TlsUse) -> Result<TlsClient, String> {
    let TlsUse {
        settings,
        server_name,
        alpn,
    } = wanted;
    let ca = pem("ca", &settings.ca, &settings.ca_file)?;
    let chain = pem("cert", &settings.cert, &settings.cert_file)?;
    let key = pem("key", &settings.key.0, &settings.key_file)?;
    let identity = match (chain, key) {
        (Some(chain), Some(key)) => Some(TlsIdentity { chain, key }),
        (None, None) => None,
        _ => return Err("a certificate and its key can only be given together".to_owned()),
    };
    let own_name = Some(settings.server_name.as_str()).filter(|name| !name.is_empty());
    TlsClient::new(&TlsOptions {
        insecure: settings.insecure_skip_verify,
        roots: Roots::System,
        ca,
        identity,
        alpn: alpn.iter().map(|name| Box::from(*name)).collect(),
        server_name: own_name.or(server_name.as_deref()).map(Into::into),
        version_min: settings.min_version.map(offered),
        version_max: settings.max_version.map(offered),
    })
    .map_err(|error| error.to_string())
}

/// No version before 1.2 is offered.
fn offered(version: TlsVersion) -> Offered {
    match version {
        TlsVersion::Tls10 | TlsVersion::Tls11 | TlsVersion::Tls12 => Offered::Tls12,
        TlsVersion::Tls13 => Offered::Tls13,
    }
}

fn pem(key: &str, text: &str, file: &str) -> Result<Option<PemFile>, String> {
    match (text, file) {
        ("", "") => Ok(None),
        (text, "") => Ok(Some(PemFile {
            name: format!("`{key}`").into(),
            bytes: text.into(),
        })),
        (_, file) => match std::fs::read(file) {
            Ok(bytes) => Ok(Some(PemFile {
                name: file.into(),
                bytes,
            })),
            Err(error) => Err(format!("cannot read {file}: {error}")),
        },
    }
}

/// Writes the metrics of a complete handshake.
pub(crate) fn write(facts: &TlsFacts, settings: &TlsSettings, metrics: &mut Exposition) {
    let earliest_s = facts.chain_not_after_s.unwrap_or(NO_TIME_S);
    // What is not verified has no verified chain.
    let is_verified = facts.verified == Some(true) && !settings.insecure_skip_verify;
    let last_s = if is_verified { earliest_s } else { NO_TIME_S };
    metrics.set(
        "probe_ssl_earliest_cert_expiry",
        "Returns last SSL chain expiry in unixtime",
        earliest_s as f64,
    );
    metrics.set(
        "probe_ssl_last_chain_expiry_timestamp_seconds",
        "Returns last SSL chain expiry in timestamp",
        last_s as f64,
    );
    let version = match facts.version {
        Some("TLSv1.2") => "TLS 1.2",
        Some("TLSv1.3") => "TLS 1.3",
        _ => "unknown",
    };
    metrics.set_labelled(
        "probe_tls_version_info",
        "Returns the TLS version used or NaN when unknown",
        &[("version", version)],
        1,
    );
    metrics.set_labelled(
        "probe_tls_cipher_info",
        "Returns the TLS cipher negotiated during handshake",
        &[("cipher", facts.cipher.as_deref().unwrap_or_default())],
        1,
    );
    let Some(certificate) = &facts.certificate else {
        return;
    };
    let fingerprint: String = certificate
        .sha256
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    let is_name = |name: &&str| name.parse::<std::net::IpAddr>().is_err();
    let names: Vec<&str> = certificate
        .subject_alt_names
        .iter()
        .map(|name| &**name)
        .filter(is_name)
        .collect();
    metrics.set_labelled(
        "probe_ssl_last_chain_info",
        "Contains SSL leaf certificate information",
        &[
            ("fingerprint_sha256", &fingerprint),
            ("subject", &certificate.subject),
            ("issuer", &certificate.issuer),
            ("subjectalternative", &names.join(",")),
            ("serialnumber", &certificate.serial),
        ],
        1,
    );
}
