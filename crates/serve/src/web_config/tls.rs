//! `tls_server_config`: how the listener speaks TLS.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    NamedGroup, RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion,
};
use serde::Deserialize;

use super::client_certificates::ClientCertificates;
use super::source::Sources;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsServer {
    cert: Option<String>,
    cert_file: Option<String>,
    key: Option<String>,
    key_file: Option<String>,
    client_auth_type: Option<ClientAuth>,
    client_ca: Option<String>,
    client_ca_file: Option<String>,
    client_allowed_sans: Option<Vec<String>>,
    min_version: Option<Version>,
    max_version: Option<Version>,
    cipher_suites: Option<Vec<CipherSuite>>,
    curve_preferences: Option<Vec<Curve>>,
    prefer_server_cipher_suites: Option<bool>,
}

/// What is asked of clients (`ClientAuthType` of Go's crypto/tls).
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
enum ClientAuth {
    #[default]
    #[serde(rename = "NoClientCert", alias = "")]
    None,
    #[serde(rename = "RequestClientCert")]
    Request,
    #[serde(rename = "RequireAnyClientCert", alias = "RequireClientCert")]
    RequireAny,
    #[serde(rename = "VerifyClientCertIfGiven")]
    VerifyIfGiven,
    #[serde(rename = "RequireAndVerifyClientCert")]
    RequireAndVerify,
}

/// A version of TLS.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "String")]
enum Version {
    Tls12,
    Tls13,
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "TLS12" => Ok(Self::Tls12),
            "TLS13" => Ok(Self::Tls13),
            "TLS10" | "TLS11" => Err(format!("{text} is not supported: TLS12 and TLS13 are")),
            _ => Err(format!("unknown version of TLS: {text:?}")),
        }
    }
}

/// A cipher suite of TLS 1.2. As in Go, suites of TLS 1.3 can be named, but are always on.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct CipherSuite(Option<SupportedCipherSuite>);

impl TryFrom<String> for CipherSuite {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let name = |suite: &SupportedCipherSuite| {
            let name = suite.suite().as_str().unwrap_or_default();
            name.replacen("TLS13_", "TLS_", 1)
        };
        let all = aws_lc_rs::ALL_CIPHER_SUITES;
        match all.iter().find(|suite| name(suite) == text) {
            Some(SupportedCipherSuite::Tls13(_)) => Ok(Self(None)),
            Some(suite) => Ok(Self(Some(*suite))),
            None => {
                let names: Vec<String> = all.iter().map(name).collect();
                Err(format!(
                    "the cipher suite {text} is not supported: {} are",
                    names.join(", ")
                ))
            }
        }
    }
}

/// A group for the exchange of keys.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Curve(&'static dyn SupportedKxGroup);

impl TryFrom<String> for Curve {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let group = match text.as_str() {
            "CurveP256" => NamedGroup::secp256r1,
            "CurveP384" => NamedGroup::secp384r1,
            "X25519" => NamedGroup::X25519,
            _ => {
                return Err(format!(
                    "the curve {text} is not supported: CurveP256, CurveP384 and X25519 are"
                ));
            }
        };
        let mut groups = aws_lc_rs::ALL_KX_GROUPS.iter();
        let found = groups.find(|one| one.name() == group);
        found
            .map(|one| Self(*one))
            .ok_or_else(|| format!("the curve {text} is not there"))
    }
}

impl TlsServer {
    /// Whether only clients with a verified certificate are let in.
    pub(super) fn verifies_clients(&self) -> bool {
        self.client_auth_type == Some(ClientAuth::RequireAndVerify)
    }

    /// The configuration of TLS, if one of its parts is there. `directory` is that of the file.
    pub(super) fn server(
        self,
        directory: &Path,
        sources: &mut Sources,
    ) -> Result<Option<Arc<ServerConfig>>, String> {
        let auth = self.client_auth_type.unwrap_or_default();
        let mut part = |name, text: &Option<String>, file: &Option<String>| {
            let file = file.as_ref().filter(|file| !file.is_empty());
            match (text.as_ref().filter(|text| !text.is_empty()), file) {
                (Some(_), Some(_)) => Err(format!("{name} and {name}_file exclude each other")),
                (Some(text), None) => Ok(Some(text.as_bytes().to_vec())),
                (None, Some(file)) => Ok(Some(sources.read(&directory.join(file))?.to_vec())),
                (None, None) => Ok(None),
            }
        };
        let chain = part("cert", &self.cert, &self.cert_file)?;
        let key = part("key", &self.key, &self.key_file)?;
        let roots = part("client_ca", &self.client_ca, &self.client_ca_file)?;
        if chain.is_none() && key.is_none() && roots.is_none() && auth == ClientAuth::None {
            return Ok(None);
        }
        let chain = chain.ok_or("tls_server_config needs cert_file or cert")?;
        let key = key.ok_or("tls_server_config needs key_file or key")?;
        let provider = Arc::new(self.provider());
        let versions = self.versions()?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .map_err(|error| error.to_string())?;
        let builder = match self.clients(auth, roots.as_deref(), provider)? {
            Some(clients) => builder.with_client_cert_verifier(Arc::new(clients)),
            None => builder.with_no_client_auth(),
        };
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| format!("key: {error}"))?;
        let mut config = builder
            .with_single_cert(certificates("cert", &chain)?, key)
            .map_err(|error| format!("the certificate and its key: {error}"))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.ignore_client_order = self.prefer_server_cipher_suites.unwrap_or(true);
        Ok(Some(Arc::new(config)))
    }

    fn provider(&self) -> CryptoProvider {
        let mut provider = aws_lc_rs::default_provider();
        if let Some(chosen) = self.cipher_suites.as_ref().filter(|list| !list.is_empty()) {
            let chosen = chosen.iter().filter_map(|suite| suite.0);
            let is_1_3 = |suite: &SupportedCipherSuite| suite.tls13().is_some();
            provider.cipher_suites.retain(is_1_3);
            provider.cipher_suites.extend(chosen);
        }
        if let Some(curves) = self
            .curve_preferences
            .as_ref()
            .filter(|list| !list.is_empty())
        {
            provider.kx_groups = curves.iter().map(|curve| curve.0).collect();
        }
        provider
    }

    fn versions(&self) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
        let min = self.min_version.unwrap_or(Version::Tls12);
        let max = self.max_version.unwrap_or(Version::Tls13);
        if min > max {
            return Err("min_version is after max_version".into());
        }
        let all = [
            (Version::Tls13, &rustls::version::TLS13),
            (Version::Tls12, &rustls::version::TLS12),
        ];
        let within = all.into_iter().filter(|(one, _)| (min..=max).contains(one));
        Ok(within.map(|(_, version)| version).collect())
    }

    /// What is asked of clients, if anything is.
    fn clients(
        &self,
        auth: ClientAuth,
        roots: Option<&[u8]>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Option<ClientCertificates>, String> {
        use ClientAuth::{
            None as NoCertificate, Request, RequireAndVerify, RequireAny, VerifyIfGiven,
        };
        let names = self.client_allowed_sans.clone();
        if names.is_some() && !matches!(auth, RequireAny | RequireAndVerify) {
            return Err(
                "client_allowed_sans needs the client_auth_type RequireAnyClientCert or \
                        RequireAndVerifyClientCert"
                    .into(),
            );
        }
        if auth == NoCertificate {
            return match roots {
                Some(_) => Err("client_ca_file does nothing without a client_auth_type".into()),
                None => Ok(None),
            };
        }
        let chain = match (auth, roots) {
            (VerifyIfGiven | RequireAndVerify, None) => {
                return Err(
                    "client_ca_file is needed for this client_auth_type: the system's \
                            authorities are not used for clients"
                        .into(),
                );
            }
            (VerifyIfGiven | RequireAndVerify, Some(roots)) => {
                let mut store = RootCertStore::empty();
                for root in certificates("client_ca", roots)? {
                    store
                        .add(root)
                        .map_err(|error| format!("client_ca: {error}"))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(
                    Arc::new(store),
                    Arc::clone(&provider),
                );
                let verifier = verifier.build();
                Some(verifier.map_err(|error| format!("client_ca: {error}"))?)
            }
            (NoCertificate | Request | RequireAny, _) => None,
        };
        Ok(Some(ClientCertificates {
            chain,
            is_mandatory: matches!(auth, RequireAny | RequireAndVerify),
            names,
            provider,
        }))
    }
}

fn certificates(name: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|error| format!("{name}: {error}"))?;
    if read.is_empty() {
        return Err(format!("{name}: there is no certificate in it"));
    }
    Ok(read)
}
