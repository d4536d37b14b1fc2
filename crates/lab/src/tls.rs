//! Certificates and TLS settings by server name.

mod certificates;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use certificates::{Authority, EndEntity, Validity};

/// The server names with a behaviour of their own, each with its description. All other names, and
/// clients without SNI, get the good certificate.
pub const TLS_NAMES: &[(&str, &str)] = &[
    (
        "good.lab.test",
        "a valid certificate, also for localhost, the loopback addresses and *.example.net",
    ),
    ("expired.lab.test", "an expired certificate"),
    ("notyet.lab.test", "a certificate that is not valid yet"),
    ("wronghost.lab.test", "a certificate for another name"),
    ("selfsigned.lab.test", "a self-signed certificate"),
    (
        "unknownissuer.lab.test",
        "a certificate of an unknown authority",
    ),
    (
        "chain.lab.test",
        "a valid certificate and that of its intermediate authority",
    ),
    (
        "nochain.lab.test",
        "the same without the certificate of the intermediate authority",
    ),
    ("purpose.lab.test", "a certificate for clients only"),
    (
        "clientcert.lab.test",
        "requires a client certificate of the lab's authority",
    ),
    ("tls12.lab.test", "TLS 1.2 only"),
    ("tls13.lab.test", "TLS 1.3 only"),
    ("slow.lab.test", "sends the first flight over half a second"),
    (
        "reset.lab.test",
        "resets the connection instead of the first flight",
    ),
    ("close.lab.test", "closes the connection instead"),
    ("hang.lab.test", "sends nothing instead"),
    (
        "alert.lab.test",
        "sends the alert handshake_failure instead",
    ),
    ("notls.lab.test", "sends plain text instead"),
];

/// Addresses whose certificates are cached.
const ADDRESSES_MAX: usize = 4096;

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library rejected the settings.
    #[error("cannot set up TLS: {0}")]
    Setup(#[from] rustls::Error),
    /// The TLS library rejected the settings for client certificates.
    #[error("cannot set up client certificates: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// How a ClientHello is answered.
#[derive(Clone, Debug)]
pub(crate) enum HandshakeAction {
    /// With a handshake.
    Serve(Arc<ServerConfig>),
    /// With a handshake whose first flight is slow.
    Slow(Arc<ServerConfig>),
    /// With a reset.
    Reset,
    /// With a close.
    Close,
    /// Not at all.
    Hang,
    /// With an alert and a close.
    Alert,
    /// With plain text and a close.
    PlainText,
}

/// Certificates and settings for every name. Without session resumption, so that each connection
/// has a full handshake.
#[derive(Debug)]
pub(crate) struct TlsSetup {
    authority: Authority,
    provider: Arc<CryptoProvider>,
    by_name: HashMap<&'static str, Settings>,
    good: Settings,
    /// A certificate per address, because 127/8 is too large for one certificate.
    by_address: Mutex<HashMap<IpAddr, Settings>>,
    validity: Validity,
    client_pem: String,
}

/// The settings with one certificate.
#[derive(Clone, Debug)]
struct Settings {
    /// With ALPN for HTTP.
    http: Arc<ServerConfig>,
    /// Without ALPN.
    plain: Arc<ServerConfig>,
}

impl TlsSetup {
    /// Makes an authority and its certificates. `unix_s` is the wall clock time, since 1970 (UTC).
    ///
    /// # Errors
    /// Fails only if the system has no random numbers.
    pub(crate) fn new(unix_s: i64) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let authority = Authority::new("canvass lab authority", unix_s)?;
        let unknown = Authority::new("an authority nobody knows", unix_s)?;
        let intermediate = authority.intermediate("canvass lab intermediate authority", unix_s)?;
        let now = Validity::current(unix_s);
        let builder = Builder {
            provider: &provider,
            client_roots: None,
        };
        let good =
            builder.build(authority.server_certificate(&certificates::good_names(), now)?)?;
        let mut by_name = HashMap::new();
        for (name, certificate) in [
            (
                "expired",
                authority.server_certificate(&["expired.lab.test"], Validity::expired(unix_s))?,
            ),
            (
                "notyet",
                authority.server_certificate(&["notyet.lab.test"], Validity::not_yet(unix_s))?,
            ),
            (
                "wronghost",
                authority.server_certificate(&["other.example.org"], now)?,
            ),
            (
                "selfsigned",
                EndEntity::self_signed("selfsigned.lab.test", now)?,
            ),
            (
                "unknownissuer",
                unknown.server_certificate(&["unknownissuer.lab.test"], now)?,
            ),
            (
                "chain",
                intermediate
                    .server_certificate(&["chain.lab.test"], now)?
                    .with_issuer(&intermediate),
            ),
            (
                "nochain",
                intermediate.server_certificate(&["nochain.lab.test"], now)?,
            ),
            (
                "purpose",
                authority.client_certificate(&["purpose.lab.test"], now)?,
            ),
        ] {
            by_name.insert(name, builder.build(certificate)?);
        }
        for (name, host, version) in [
            ("tls12", "tls12.lab.test", &TLS12),
            ("tls13", "tls13.lab.test", &TLS13),
        ] {
            let certificate = authority.server_certificate(&[host], now)?;
            by_name.insert(name, builder.build_for(certificate, &[version])?);
        }
        let with_client_auth = Builder {
            provider: &provider,
            client_roots: Some(authority.certificate()),
        };
        let certificate = authority.server_certificate(&["clientcert.lab.test"], now)?;
        by_name.insert("clientcert", with_client_auth.build(certificate)?);
        let client_pem = authority
            .client_certificate(&["client.lab.test"], now)?
            .pem();
        Ok(Self {
            authority,
            provider,
            by_name,
            good,
            by_address: Mutex::new(HashMap::new()),
            validity: now,
            client_pem,
        })
    }

    /// The certificate of the authority.
    pub(crate) fn ca_pem(&self) -> String {
        self.authority.pem()
    }

    /// A client certificate signed by the authority, and its key.
    pub(crate) fn client_pem(&self) -> &str {
        &self.client_pem
    }

    /// How to answer a ClientHello with a server name, at the address `server`. `http` tells
    /// whether the protocol is HTTP.
    pub(crate) fn handshake_action(
        &self,
        server_name: Option<&str>,
        server: IpAddr,
        http: bool,
    ) -> HandshakeAction {
        let name = server_name.map(str::to_ascii_lowercase);
        let label = name
            .as_deref()
            .and_then(|name| name.strip_suffix(".lab.test"));
        let settings = match label {
            Some("reset") => return HandshakeAction::Reset,
            Some("close") => return HandshakeAction::Close,
            Some("hang") => return HandshakeAction::Hang,
            Some("alert") => return HandshakeAction::Alert,
            Some("notls") => return HandshakeAction::PlainText,
            Some("slow") => return HandshakeAction::Slow(self.good.config(http)),
            Some(label) => self.by_name.get(label).unwrap_or(&self.good).config(http),
            None if name.is_none() && !certificates::names_address(server) => {
                self.for_address(server).config(http)
            }
            None => self.good.config(http),
        };
        HandshakeAction::Serve(settings)
    }

    /// A valid certificate for an address.
    fn for_address(&self, address: IpAddr) -> Settings {
        // A panic of another thread cannot leave the cache in an invalid state.
        let mut cache = self
            .by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(settings) = cache.get(&address) {
            return settings.clone();
        }
        let builder = Builder {
            provider: &self.provider,
            client_roots: None,
        };
        let made = self
            .authority
            .server_certificate(&[&address.to_string()], self.validity)
            .map_err(TlsError::from)
            .and_then(|certificate| builder.build(certificate));
        // Falls back to the good certificate, which does not name the address.
        let Ok(settings) = made else {
            return self.good.clone();
        };
        if cache.len() >= ADDRESSES_MAX {
            cache.clear();
        }
        cache.insert(address, settings.clone());
        settings
    }
}

impl Settings {
    fn config(&self, http: bool) -> Arc<ServerConfig> {
        Arc::clone(if http { &self.http } else { &self.plain })
    }
}

/// Builds settings.
struct Builder<'a> {
    provider: &'a Arc<CryptoProvider>,
    /// The authority whose client certificates are required.
    client_roots: Option<&'a CertificateDer<'static>>,
}

impl Builder<'_> {
    fn build(&self, certificate: EndEntity) -> Result<Settings, TlsError> {
        self.build_for(certificate, &[&TLS13, &TLS12])
    }

    fn build_for(
        &self,
        certificate: EndEntity,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Settings, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(self.provider))
            .with_protocol_versions(versions)?;
        let builder = match self.client_roots {
            None => builder.with_no_client_auth(),
            Some(root) => {
                let mut roots = RootCertStore::empty();
                roots.add(root.clone())?;
                let provider = Arc::clone(self.provider);
                builder.with_client_cert_verifier(
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()?,
                )
            }
        };
        let key = PrivateKeyDer::Pkcs8(certificate.key_der.clone().into());
        let mut plain = builder.with_single_cert(certificate.chain, key)?;
        plain.session_storage = Arc::new(NoServerSessionStorage {});
        plain.send_tls13_tickets = 0;
        let mut http = plain.clone();
        http.alpn_protocols = vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()];
        Ok(Settings {
            http: Arc::new(http),
            plain: Arc::new(plain),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCALHOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn every_name_has_a_behaviour_of_its_own() {
        let setup = TlsSetup::new(1_800_000_000).unwrap();
        let good = setup.good.config(true);
        for (name, _) in TLS_NAMES {
            let own = match setup.handshake_action(Some(name), LOCALHOST, true) {
                HandshakeAction::Serve(config) => !Arc::ptr_eq(&config, &good),
                _ => true,
            };
            assert_eq!(own, *name != "good.lab.test", "{name}");
        }
        for name in [
            None,
            Some("localhost"),
            Some("anything.lab.test"),
            Some("a.test"),
        ] {
            let action = setup.handshake_action(name, LOCALHOST, true);
            assert!(
                matches!(action, HandshakeAction::Serve(config) if Arc::ptr_eq(&config, &good))
            );
        }
        let upper = setup.handshake_action(Some("Reset.LAB.test"), LOCALHOST, true);
        assert!(matches!(upper, HandshakeAction::Reset));
    }

    #[test]
    fn an_address_without_a_name_has_its_own_certificate_once() {
        let setup = TlsSetup::new(1_800_000_000).unwrap();
        let of = |last| match setup.handshake_action(None, IpAddr::from([127, 0, 0, last]), false) {
            HandshakeAction::Serve(config) => config,
            other => panic!("{other:?}"),
        };
        assert!(Arc::ptr_eq(&of(2), &of(2)));
        assert!(!Arc::ptr_eq(&of(2), &of(3)));
        assert!(Arc::ptr_eq(&of(1), &setup.good.config(false)));
    }
}
