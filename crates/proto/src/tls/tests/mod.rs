//! A client and a server in one thread, with nothing but octets between them.

mod certificates;
mod hostile;
mod identity;
mod reasons;
mod setup;
mod wire;

use std::sync::{Arc, LazyLock};

use canvass_model::Host;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion, version};

use super::*;

/// 2027-01-15T08:00:00Z.
const NOW_S: i64 = 1_800_000_000;

type Ca = CertifiedIssuer<'static, KeyPair>;

/// Whom clients trust, and whom not.
static TRUSTED: LazyLock<Ca> = LazyLock::new(|| ca("canvass trusted"));
static OTHER: LazyLock<Ca> = LazyLock::new(|| ca("canvass other"));

fn ca(name: &str) -> Ca {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// For `berry.example` and two addresses.
fn leaf_params() -> CertificateParams {
    let mut params = CertificateParams::new(vec!["berry.example".to_owned()]).unwrap();
    for address in ["127.0.0.1", "2001:db8::1"] {
        let address = address.parse().unwrap();
        params.subject_alt_names.push(SanType::IpAddress(address));
    }
    params
        .distinguished_name
        .push(DnType::CommonName, "berry.example");
    params
        .extended_key_usages
        .push(ExtendedKeyUsagePurpose::ServerAuth);
    params
}

/// What a server shows, and the key for it.
struct Credentials {
    chain: Vec<CertificateDer<'static>>,
    pem: String,
    key: KeyPair,
}

impl Credentials {
    fn signed_by(ca: &Ca, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, ca).unwrap();
        Self {
            chain: vec![certificate.der().clone()],
            pem: certificate.pem(),
            key,
        }
    }

    fn good() -> Self {
        Self::signed_by(&TRUSTED, leaf_params())
    }

    fn self_signed(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            chain: vec![certificate.der().clone()],
            pem: certificate.pem(),
            key,
        }
    }

    fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];
const ONLY_12: &[&SupportedProtocolVersion] = &[&version::TLS12];
const ONLY_13: &[&SupportedProtocolVersion] = &[&version::TLS13];

fn server_config(
    credentials: &Credentials,
    versions: &[&'static SupportedProtocolVersion],
    clients: Option<Arc<dyn ClientCertVerifier>>,
) -> ServerConfig {
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap();
    let builder = match clients {
        Some(clients) => builder.with_client_cert_verifier(clients),
        None => builder.with_no_client_auth(),
    };
    // The chain may be one that a server would refuse to show.
    let key = aws_lc_rs::sign::any_supported_type(&credentials.private_key()).unwrap();
    let shown = CertifiedKey::new(credentials.chain.clone(), key);
    builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)))
}

/// The server's end of a connection.
pub(crate) struct Server {
    connection: ServerConnection,
    error: Option<rustls::Error>,
    pub(crate) plain: Vec<u8>,
}

impl Server {
    fn new(config: ServerConfig) -> Self {
        Self::of(&Arc::new(config))
    }

    fn of(config: &Arc<ServerConfig>) -> Self {
        Self {
            connection: ServerConnection::new(Arc::clone(config)).unwrap(),
            error: None,
            plain: Vec::new(),
        }
    }

    pub(crate) fn good() -> Self {
        Self::new(server_config(&Credentials::good(), BOTH, None))
    }

    fn showing(credentials: &Credentials) -> Self {
        Self::new(server_config(credentials, BOTH, None))
    }

    /// Processes all of `bytes`, and returns what it sends then.
    pub(crate) fn received(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut unread = bytes;
        while !unread.is_empty() && self.error.is_none() {
            if self.connection.read_tls(&mut unread).unwrap() == 0 {
                break;
            }
            match self.connection.process_new_packets() {
                Ok(state) => {
                    let mut plain = vec![0; state.plaintext_bytes_to_read()];
                    std::io::Read::read_exact(&mut self.connection.reader(), &mut plain).unwrap();
                    self.plain.append(&mut plain);
                }
                Err(error) => self.error = Some(error),
            }
        }
        self.outgoing()
    }

    pub(crate) fn send(&mut self, plain: &[u8]) {
        std::io::Write::write_all(&mut self.connection.writer(), plain).unwrap();
    }

    pub(crate) fn close(&mut self) {
        self.connection.send_close_notify();
    }

    /// Whether the client sent close_notify.
    pub(crate) fn is_notified(&mut self) -> bool {
        let read = std::io::Read::read(&mut self.connection.reader(), &mut [0]);
        matches!(read, Ok(0))
    }

    fn outgoing(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut out).unwrap();
        }
        out
    }
}

/// Carries octets to and fro, to the client in pieces of `piece_bytes`, until both are silent.
/// Gives what the server said.
fn converse(
    client: &mut TlsFilter,
    server: &mut Server,
    piece_bytes: usize,
) -> Result<Vec<u8>, TlsFault> {
    let mut plain = Vec::new();
    let mut verdict = Ok(());
    loop {
        let to_server = outgoing(client);
        let to_client = server.received(&to_server);
        if to_server.is_empty() && to_client.is_empty() {
            return verdict.map(|()| plain);
        }
        for piece in to_client.chunks(piece_bytes) {
            verdict = verdict.and(client.received(piece, &mut plain));
        }
    }
}

fn outgoing(client: &mut TlsFilter) -> Vec<u8> {
    let mut out = Vec::new();
    client.take_outgoing(&mut out);
    out
}

fn pem(name: &str, text: &str) -> PemFile {
    PemFile {
        name: name.into(),
        bytes: text.as_bytes().to_vec(),
    }
}

/// Trusts one issuer.
pub(crate) fn trusting() -> TlsOptions {
    TlsOptions {
        ca: Some(pem("ca.pem", &TRUSTED.pem())),
        ..TlsOptions::default()
    }
}

pub(crate) fn client(options: &TlsOptions, host: &str) -> TlsFilter {
    let client = TlsClient::new(options).unwrap();
    client.connect(&Host::parse(host).unwrap(), NOW_S).unwrap()
}

/// A handshake with `host`, which shows `credentials`.
fn handshake(
    options: &TlsOptions,
    host: &str,
    credentials: &Credentials,
) -> (TlsFilter, Result<(), TlsFault>) {
    let mut client = client(options, host);
    let result = converse(&mut client, &mut Server::showing(credentials), usize::MAX);
    (client, result.map(drop))
}
