//! Certificate verification.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate};
use x509_parser::x509::SubjectPublicKeyInfo;

use super::certificate_fault::{CertificateFault, Findings};
use super::handshake_context::{PeerChain, Verification, store};
use super::issuers::Trust;
use super::keys::size_fault;
use super::options::Anchors;
use super::signature_cache::{CachingAlgorithm, SignatureCache};

/// Verifies a server's certificates and stores the result in the handshake context. The handshake
/// continues whatever the result is, except with [`Checks::First`].
#[derive(Debug)]
pub(super) struct Verifier {
    roots: rustls::RootCertStore,
    pinned: Vec<CertificateDer<'static>>,
    chain_algorithms: Vec<CachingAlgorithm>,
    handshake_algorithms: WebPkiSupportedAlgorithms,
    checks: Checks,
}

/// What an invalid certificate means for the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checks {
    /// It is reported after the handshake.
    Deferred,
    /// It ends the handshake.
    First,
    /// It is reported and ends nothing. Whether the server has the key of its certificate is not
    /// checked, since nothing depends on its identity.
    None,
}

impl Verifier {
    pub(super) fn new(
        anchors: Anchors,
        algorithms: WebPkiSupportedAlgorithms,
        checks: Checks,
    ) -> Self {
        let cache = Arc::<SignatureCache>::default();
        Self {
            roots: anchors.roots,
            pinned: anchors.pinned,
            chain_algorithms: algorithms
                .all
                .iter()
                .map(|algorithm| CachingAlgorithm::new(*algorithm, &cache))
                .collect(),
            handshake_algorithms: algorithms,
            checks,
        }
    }

    /// What is wrong with the chain, the key and the name.
    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Findings {
        let parsed = match ParsedCertificate::try_from(leaf) {
            Ok(parsed) => parsed,
            Err(error) => {
                return Findings {
                    chain: Some(error),
                    ..Findings::default()
                };
            }
        };
        let name = verify_server_name(&parsed, server_name).err();
        let key = parsed.subject_public_key_info();
        let key = SubjectPublicKeyInfo::from_der(&key)
            .ok()
            .and_then(|(_, key)| size_fault(&key, "the certificate"));
        if self.pinned.contains(leaf) {
            let chain = within_its_time(leaf, now).err();
            return Findings { chain, key, name };
        }
        let algorithms: Vec<&dyn SignatureVerificationAlgorithm> = self
            .chain_algorithms
            .iter()
            .map(|algorithm| algorithm as _)
            .collect();
        let chain = verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            intermediates,
            now,
            &algorithms,
        )
        .err();
        Findings { chain, key, name }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let findings = self.verify(leaf, intermediates, server_name, now);
        let trust = Trust {
            roots: &self.roots,
            root_certificates: &self.pinned,
            algorithms: &self.handshake_algorithms,
        };
        let error = findings.error();
        store(Verification {
            chain: Box::new(PeerChain {
                leaf: leaf.clone().into_owned(),
                chain_length: 1 + intermediates.len(),
            }),
            ocsp_stapled: !ocsp_response.is_empty(),
            fault: CertificateFault::of(leaf, intermediates, &trust, findings).map(Box::new),
        });
        if let Some(error) = error
            && self.checks == Checks::First
        {
            return Err(error);
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.checks == Checks::None {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls12_signature(message, certificate, signed, &self.handshake_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.checks == Checks::None {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls13_signature(message, certificate, signed, &self.handshake_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.handshake_algorithms.supported_schemes()
    }
}

fn within_its_time(leaf: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let (_, parsed) = X509Certificate::from_der(leaf).map_err(|_| CertificateError::BadEncoding)?;
    let not_before = unix_time(parsed.validity().not_before);
    let not_after = unix_time(parsed.validity().not_after);
    if now < not_before {
        let time = now;
        return Err(CertificateError::NotValidYetContext { time, not_before }.into());
    }
    if now > not_after {
        let time = now;
        return Err(CertificateError::ExpiredContext { time, not_after }.into());
    }
    Ok(())
}

fn unix_time(time: ASN1Time) -> UnixTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or(0);
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}
