//! The TLS configuration of a run.

use std::sync::Arc;

use canvass_model::{Cause, Host};
use rustls::client::{Resumption, UnbufferedClientConnection};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{DnsName, IpAddr, ServerName};
use rustls::{CipherSuite, ClientConfig, SupportedProtocolVersion, version};

use super::handshake_context::{HandshakeClock, with_context};
use super::offer::Offer;
use super::options::{
    Anchors, TlsIdentity, TlsOptions, TlsSetupError, TlsVersion, certificates, private_key,
    setup_error,
};
use super::p521::P521;
use super::verifier::{Checks, Verifier};
use super::{TlsFault, TlsFilter};

/// The TLS configuration that all connections of a run share. A clone shares everything with the
/// first, and may be used on another thread at the same time.
#[derive(Clone)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    /// Sent and verified instead of the host's own name.
    server_name: Option<ServerName<'static>>,
    offer: Offer,
    insecure: bool,
}

impl TlsClient {
    /// Loads the roots and the files of `options` once for all connections.
    ///
    /// # Errors
    /// What is wrong with the options, and in which file.
    pub fn new(options: &TlsOptions) -> Result<Self, TlsSetupError> {
        let provider = Arc::new(provider());
        let anchors = Anchors::new(options)?;
        let checks = match (options.insecure, &options.identity) {
            (true, _) => Checks::None,
            (false, Some(_)) => Checks::First,
            (false, None) => Checks::Deferred,
        };
        let verifier = Verifier::new(anchors, provider.signature_verification_algorithms, checks);
        let versions = versions(options)?;
        let builder = ClientConfig::builder_with_details(provider, Arc::new(HandshakeClock))
            .with_protocol_versions(&versions)
            .map_err(unsupported)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &options.identity {
            None => builder.with_no_client_auth(),
            Some(TlsIdentity { chain, key }) => builder
                .with_client_auth_cert(certificates(chain)?, private_key(key)?)
                .map_err(|error| TlsSetupError::Identity {
                    chain: chain.name.clone(),
                    key: key.name.clone(),
                    reason: setup_error(&error).into(),
                })?,
        };
        config.resumption = Resumption::disabled();
        config.alpn_protocols = alpn(&options.alpn)?;
        let server_name = match options.server_name.as_deref() {
            None => None,
            Some(text) => Some(
                Host::parse(text)
                    .and_then(|host| server_name(&host))
                    .ok_or_else(|| TlsSetupError::ServerName(text.into()))?,
            ),
        };
        Ok(Self {
            config: Arc::new(config),
            server_name,
            offer: Offer::of(&versions),
            insecure: options.insecure,
        })
    }

    /// The same without an application protocol, for connections that carry something else.
    #[must_use]
    pub fn without_alpn(&self) -> Self {
        let mut config = (*self.config).clone();
        config.alpn_protocols.clear();
        Self {
            config: Arc::new(config),
            ..self.clone()
        }
    }

    /// The same for hosts other than the one that [`TlsOptions::server_name`] is for: their own
    /// names are sent and verified.
    pub fn for_other_hosts(&self) -> Self {
        Self {
            server_name: None,
            ..self.clone()
        }
    }

    /// Starts a handshake with `host`; the first octets to send are available then. Certificates
    /// are validated at `unix_now_s`, the seconds since 1970 (UTC). A name is sent by SNI (RFC 6066
    /// §3); an address is only verified.
    ///
    /// # Errors
    /// [`Cause::Invalid`] if the host's name cannot be sent in TLS, [`Cause::System`] if this
    /// system has no random octets.
    pub fn connect(&self, host: &Host, unix_now_s: i64) -> Result<TlsFilter, TlsFault> {
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => server_name(host).ok_or_else(|| {
                TlsFault::new(
                    Cause::Invalid,
                    format!("the host name {host} cannot be asked for in TLS"),
                )
            })?,
        };
        let config = Arc::clone(&self.config);
        let (connection, _) =
            with_context(unix_now_s, || UnbufferedClientConnection::new(config, name));
        let connection = connection.map_err(|error| TlsFault::of_start(&error))?;
        TlsFilter::begin(connection, self.offer, unix_now_s, self.insecure)
    }
}

/// The key exchange on P-521 comes last: it is the slowest.
///
/// TLS 1.3 cipher suites with SHA-256 come first, as in browsers: processors have instructions for
/// it and none for SHA-384, and a handshake hashes a lot.
fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups.push(&P521);
    provider
        .cipher_suites
        .sort_by_key(|suite| match suite.suite() {
            CipherSuite::TLS13_AES_128_GCM_SHA256 => 0,
            CipherSuite::TLS13_AES_256_GCM_SHA384 => 1,
            CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => 2,
            _ => 3,
        });
    provider
}

fn versions(options: &TlsOptions) -> Result<Vec<&'static SupportedProtocolVersion>, TlsSetupError> {
    let oldest = options.version_min.unwrap_or(TlsVersion::Tls12);
    let newest = options.version_max.unwrap_or(TlsVersion::Tls13);
    let offered: Vec<_> = [
        (TlsVersion::Tls13, &version::TLS13),
        (TlsVersion::Tls12, &version::TLS12),
    ]
    .into_iter()
    .filter(|(version, _)| (oldest..=newest).contains(version))
    .map(|(_, supported)| supported)
    .collect();
    if offered.is_empty() {
        return Err(TlsSetupError::Versions);
    }
    Ok(offered)
}

fn alpn(protocols: &[Box<str>]) -> Result<Vec<Vec<u8>>, TlsSetupError> {
    protocols
        .iter()
        .map(|protocol| match protocol.len() {
            1..=255 => Ok(protocol.as_bytes().to_vec()),
            _ => Err(TlsSetupError::Alpn(protocol.clone())),
        })
        .collect()
}

/// `host` as TLS names it, without a final dot (RFC 6066 §3).
fn server_name(host: &Host) -> Option<ServerName<'static>> {
    Some(match host {
        Host::Address(address) => ServerName::IpAddress(IpAddr::from(*address)),
        Host::Scoped(scoped) => ServerName::IpAddress(IpAddr::from(scoped.address)),
        Host::Name(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            ServerName::DnsName(DnsName::try_from(name.to_owned()).ok()?)
        }
    })
}

fn unsupported(error: rustls::Error) -> TlsSetupError {
    TlsSetupError::Unsupported(setup_error(&error).into())
}
