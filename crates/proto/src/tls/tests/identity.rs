use std::sync::atomic::{AtomicUsize, Ordering};

use canvass_model::Cause;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::UnixTime;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerified;
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

use super::*;

/// Counts the clients' certificates that a server saw.
#[derive(Debug)]
struct Watching {
    inner: Arc<dyn ClientCertVerifier>,
    seen: AtomicUsize,
}

impl Watching {
    fn new() -> Arc<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(TRUSTED.der().clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let inner = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .unwrap();
        Arc::new(Self {
            inner,
            seen: AtomicUsize::new(0),
        })
    }

    fn seen(&self) -> usize {
        self.seen.load(Ordering::Relaxed)
    }
}

impl ClientCertVerifier for Watching {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.seen.fetch_add(1, Ordering::Relaxed);
        self.inner
            .verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn with_identity() -> TlsOptions {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "asker");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let credentials = Credentials::signed_by(&TRUSTED, params);
    TlsOptions {
        identity: Some(TlsIdentity {
            chain: pem("chain.pem", &credentials.pem),
            key: pem("key.pem", &credentials.key.serialize_pem()),
        }),
        ..trusting()
    }
}

/// A handshake with a server that asks for a certificate.
fn asked(
    options: &TlsOptions,
    host: &str,
    versions: &[&'static SupportedProtocolVersion],
) -> (TlsFilter, Server, Arc<Watching>, Result<Vec<u8>, TlsFault>) {
    let watching = Watching::new();
    let mut client = client(options, host);
    let config = server_config(&Credentials::good(), versions, Some(watching.clone()));
    let mut server = Server::new(config);
    let result = converse(&mut client, &mut server, usize::MAX);
    (client, server, watching, result)
}

#[test]
fn a_server_that_was_found_good_is_shown_the_identity() {
    for versions in [ONLY_12, ONLY_13] {
        let (client, server, watching, result) = asked(&with_identity(), "berry.example", versions);
        assert_eq!(result, Ok(vec![]));
        assert_eq!(server.error, None);
        assert_eq!(watching.seen(), 1);
        assert_eq!(client.facts().verified, Some(true));
    }
}

#[test]
fn a_server_that_was_not_found_good_never_sees_the_identity() {
    for versions in [ONLY_12, ONLY_13] {
        let (mut client, server, watching, result) =
            asked(&with_identity(), "apple.example", versions);
        let fault = result.unwrap_err();
        assert_eq!(fault.cause, Cause::WrongHost);
        assert_eq!(watching.seen(), 0);
        assert!(server.connection.peer_certificates().is_none());
        // An alert gives the reason, and the handshake is not complete.
        assert!(matches!(server.error, Some(Error::AlertReceived(_))));
        assert!(client.is_handshaking());
        // Its facts are known all the same.
        let facts = client.facts();
        assert_eq!(facts.verified, Some(false));
        assert_eq!(facts.verify_error, Some(fault.message.clone()));
        assert_eq!(facts.chain_length, 1);
        assert_eq!(&*facts.certificate.unwrap().subject, "CN=berry.example");
        assert_eq!(client.ended(), Err(fault));
    }
}

#[test]
fn with_insecure_any_server_is_shown_the_identity() {
    let options = TlsOptions {
        insecure: true,
        ..with_identity()
    };
    for versions in [ONLY_12, ONLY_13] {
        let (client, _, watching, result) = asked(&options, "apple.example", versions);
        assert_eq!(result, Ok(vec![]));
        assert_eq!(watching.seen(), 1);
        assert_eq!(client.facts().verified, Some(false));
    }
}

#[test]
fn a_server_that_demands_an_identity_says_so() {
    for versions in [ONLY_12, ONLY_13] {
        let (client, _, watching, result) = asked(&trusting(), "berry.example", versions);
        let fault = result.unwrap_err();
        assert_eq!(fault.cause, Cause::Alert);
        assert_eq!(
            &*fault.message,
            "the peer sent the TLS alert certificate_required: it requires a client certificate"
        );
        assert_eq!(watching.seen(), 0);
        let facts = client.facts();
        assert_eq!(facts.verified, Some(true));
        assert!(facts.certificate.is_some());
        assert!(facts.version.is_some());
    }
}
