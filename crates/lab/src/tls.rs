//! What the TLS services show, by server name.

mod certificates;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use certificates::{Authority, Leaf, Validity};

/// Every server name that is treated in a way of its own, and how. Any other name, and none, gets
/// the good certificate.
pub const TLS_NAMES: &[(&str, &str)] = &[
    (
        "good.lab.test",
        "a good certificate; it is for localhost, the loopback addresses and *.example.net too",
    ),
    ("expired.lab.test", "a certificate whose time is over"),
    ("notyet.lab.test", "a certificate whose time has not begun"),
    ("wronghost.lab.test", "a certificate for another name"),
    ("selfsigned.lab.test", "a certificate that signed itself"),
    (
        "unknownissuer.lab.test",
        "a certificate of an authority nobody knows",
    ),
    (
        "chain.lab.test",
        "a good certificate of an intermediate authority that is sent along",
    ),
    (
        "nochain.lab.test",
        "the same, and the intermediate authority is not sent",
    ),
    ("purpose.lab.test", "a certificate that is for clients only"),
    (
        "clientcert.lab.test",
        "asks for a client certificate of the lab's authority, and insists",
    ),
    ("tls12.lab.test", "TLS 1.2 and no other version"),
    ("tls13.lab.test", "TLS 1.3 and no other version"),
    (
        "slow.lab.test",
        "the server's first flight takes half a second",
    ),
    (
        "reset.lab.test",
        "a reset instead of the server's first flight",
    ),
    ("close.lab.test", "the connection closes instead"),
    ("hang.lab.test", "nothing comes instead"),
    ("alert.lab.test", "the alert handshake_failure instead"),
    ("notls.lab.test", "plain text instead"),
];

/// Addresses whose own certificates are kept; then they are made anew.
const MINTED_MAX: usize = 4096;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library would not take what was made.
    #[error("cannot set TLS up: {0}")]
    Setup(#[from] rustls::Error),
    /// The TLS library would not check client certificates.
    #[error("cannot set up the check of client certificates: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// What becomes of a handshake.
#[derive(Clone, Debug)]
pub(crate) enum Treatment {
    /// It goes on.
    Serve(Arc<ServerConfig>),
    /// It goes on, slowly.
    Slow(Arc<ServerConfig>),
    /// The connection is reset.
    Reset,
    /// The connection closes.
    Close,
    /// Nothing comes.
    Hang,
    /// An alert comes, and the connection closes.
    Alert,
    /// Something else than TLS comes, and the connection closes.
    PlainText,
}

/// Certificates and settings for every name. Neither tickets nor a cache, so that each connection
/// has a whole handshake.
#[derive(Debug)]
pub(crate) struct TlsSetup {
    authority: Authority,
    provider: Arc<CryptoProvider>,
    by_name: HashMap<&'static str, Settings>,
    good: Settings,
    /// For addresses that no certificate names: 127/8 is too large to be written into one.
    minted: Mutex<HashMap<IpAddr, Settings>>,
    validity: Validity,
    client_pem: String,
}

/// The settings behind one certificate.
#[derive(Clone, Debug)]
struct Settings {
    /// With application protocols.
    web: Arc<ServerConfig>,
    /// Without.
    talk: Arc<ServerConfig>,
}

impl TlsSetup {
    /// Makes an authority and what it signs. `unix_s` is the time of day, since 1970 (UTC).
    ///
    /// # Errors
    /// A certificate could not be made or taken: never, unless the system has no randomness.
    pub fn new(unix_s: i64) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let authority = Authority::new("canvass lab authority", unix_s)?;
        let stranger = Authority::new("an authority nobody knows", unix_s)?;
        let between = authority.intermediate("canvass lab intermediate authority", unix_s)?;
        let now = Validity::around(unix_s);
        let builder = Builder {
            provider: &provider,
            client_roots: None,
        };
        let good = builder.both(authority.leaf(&certificates::good_names(), now)?)?;
        let mut by_name = HashMap::new();
        for (name, leaf) in [
            (
                "expired",
                authority.leaf(&["expired.lab.test"], Validity::before(unix_s))?,
            ),
            (
                "notyet",
                authority.leaf(&["notyet.lab.test"], Validity::after(unix_s))?,
            ),
            ("wronghost", authority.leaf(&["other.example.org"], now)?),
            ("selfsigned", Leaf::self_signed("selfsigned.lab.test", now)?),
            (
                "unknownissuer",
                stranger.leaf(&["unknownissuer.lab.test"], now)?,
            ),
            (
                "chain",
                between
                    .leaf(&["chain.lab.test"], now)?
                    .with_issuer(&between),
            ),
            ("nochain", between.leaf(&["nochain.lab.test"], now)?),
            (
                "purpose",
                authority.client_leaf(&["purpose.lab.test"], now)?,
            ),
        ] {
            by_name.insert(name, builder.both(leaf)?);
        }
        for (name, host, version) in [
            ("tls12", "tls12.lab.test", &TLS12),
            ("tls13", "tls13.lab.test", &TLS13),
        ] {
            let leaf = authority.leaf(&[host], now)?;
            by_name.insert(name, builder.of_versions(leaf, &[version])?);
        }
        let asking = Builder {
            provider: &provider,
            client_roots: Some(authority.certificate()),
        };
        let leaf = authority.leaf(&["clientcert.lab.test"], now)?;
        by_name.insert("clientcert", asking.both(leaf)?);
        let client_pem = authority.client_leaf(&["client.lab.test"], now)?.pem();
        Ok(Self {
            authority,
            provider,
            by_name,
            good,
            minted: Mutex::new(HashMap::new()),
            validity: now,
            client_pem,
        })
    }

    /// The certificate of the authority.
    pub fn ca_pem(&self) -> String {
        self.authority.pem()
    }

    /// A client certificate of the authority, and its key.
    pub fn client_pem(&self) -> &str {
        &self.client_pem
    }

    /// What becomes of a handshake for a server name, at the address `server`; `web` says whether
    /// HTTP is spoken behind it.
    pub fn treatment(&self, server_name: Option<&str>, server: IpAddr, web: bool) -> Treatment {
        let name = server_name.map(str::to_ascii_lowercase);
        let label = name
            .as_deref()
            .and_then(|name| name.strip_suffix(".lab.test"));
        let settings = match label {
            Some("reset") => return Treatment::Reset,
            Some("close") => return Treatment::Close,
            Some("hang") => return Treatment::Hang,
            Some("alert") => return Treatment::Alert,
            Some("notls") => return Treatment::PlainText,
            Some("slow") => return Treatment::Slow(self.good.config(web)),
            Some(label) => self.by_name.get(label).unwrap_or(&self.good).config(web),
            None if name.is_none() && !certificates::names_address(server) => {
                self.minted(server).config(web)
            }
            None => self.good.config(web),
        };
        Treatment::Serve(settings)
    }

    /// A good certificate for one address.
    fn minted(&self, address: IpAddr) -> Settings {
        // What another thread left half done here would be a missing entry, no more.
        let mut minted = self.minted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(settings) = minted.get(&address) {
            return settings.clone();
        }
        let builder = Builder {
            provider: &self.provider,
            client_roots: None,
        };
        let made = self
            .authority
            .leaf(&[&address.to_string()], self.validity)
            .map_err(TlsError::from)
            .and_then(|leaf| builder.both(leaf));
        // The good certificate is wrong for the address, and better than no handshake at all.
        let Ok(settings) = made else {
            return self.good.clone();
        };
        if minted.len() >= MINTED_MAX {
            minted.clear();
        }
        minted.insert(address, settings.clone());
        settings
    }
}

impl Settings {
    fn config(&self, web: bool) -> Arc<ServerConfig> {
        Arc::clone(if web { &self.web } else { &self.talk })
    }
}

/// Makes settings.
struct Builder<'a> {
    provider: &'a Arc<CryptoProvider>,
    /// Who signs the client certificates that are asked for.
    client_roots: Option<&'a CertificateDer<'static>>,
}

impl Builder<'_> {
    fn both(&self, leaf: Leaf) -> Result<Settings, TlsError> {
        self.of_versions(leaf, &[&TLS13, &TLS12])
    }

    fn of_versions(
        &self,
        leaf: Leaf,
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
        let key = PrivateKeyDer::Pkcs8(leaf.key_der.clone().into());
        let mut talk = builder.with_single_cert(leaf.chain, key)?;
        talk.session_storage = Arc::new(NoServerSessionStorage {});
        talk.send_tls13_tickets = 0;
        let mut web = talk.clone();
        web.alpn_protocols = vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()];
        Ok(Settings {
            web: Arc::new(web),
            talk: Arc::new(talk),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCALHOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn every_name_has_a_treatment_of_its_own() {
        let setup = TlsSetup::new(1_800_000_000).unwrap();
        let good = setup.good.config(true);
        for (name, _) in TLS_NAMES {
            let own = match setup.treatment(Some(name), LOCALHOST, true) {
                Treatment::Serve(config) => !Arc::ptr_eq(&config, &good),
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
            let treatment = setup.treatment(name, LOCALHOST, true);
            assert!(matches!(treatment, Treatment::Serve(config) if Arc::ptr_eq(&config, &good)));
        }
        let upper = setup.treatment(Some("Reset.LAB.test"), LOCALHOST, true);
        assert!(matches!(upper, Treatment::Reset));
    }

    #[test]
    fn an_address_without_a_name_has_its_own_certificate_once() {
        let setup = TlsSetup::new(1_800_000_000).unwrap();
        let of = |last| match setup.treatment(None, IpAddr::from([127, 0, 0, last]), false) {
            Treatment::Serve(config) => config,
            other => panic!("{other:?}"),
        };
        assert!(Arc::ptr_eq(&of(2), &of(2)));
        assert!(!Arc::ptr_eq(&of(2), &of(3)));
        assert!(Arc::ptr_eq(&of(1), &setup.good.config(false)));
    }
}
