//! Who is trusted, and what is told of those who are not.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate};

use super::handshake_context::{Seen, Shown, report};
use super::options::Anchors;
use super::refusal::Refusal;
use super::signatures::{RememberingAlgorithm, SignatureMemory};

/// Judges a server's certificates and leaves the verdict in the handshake context. Unless it is to verify
/// first, the handshake goes on whatever the verdict is.
#[derive(Debug)]
pub(super) struct Verifier {
    roots: rustls::RootCertStore,
    pinned: Vec<CertificateDer<'static>>,
    chain_algorithms: Vec<RememberingAlgorithm>,
    handshake_algorithms: WebPkiSupportedAlgorithms,
    checks: Checks,
}

/// What a verdict means for the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checks {
    /// It is told afterwards.
    Deferred,
    /// It ends the handshake.
    First,
    /// It is told and ends nothing, and whether the server has the key of its certificate is not
    /// looked at: nothing depends on who it is.
    None,
}

impl Verifier {
    pub(super) fn new(
        anchors: Anchors,
        algorithms: WebPkiSupportedAlgorithms,
        checks: Checks,
    ) -> Self {
        let memory = Arc::<SignatureMemory>::default();
        Self {
            roots: anchors.roots,
            pinned: anchors.pinned,
            chain_algorithms: algorithms
                .all
                .iter()
                .map(|algorithm| RememberingAlgorithm::new(*algorithm, &memory))
                .collect(),
            handshake_algorithms: algorithms,
            checks,
        }
    }

    /// What is wrong with the chain, and what is wrong with the name.
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> (Result<(), Error>, Result<(), Error>) {
        let parsed = match ParsedCertificate::try_from(leaf) {
            Ok(parsed) => parsed,
            Err(error) => return (Err(error), Ok(())),
        };
        let name = verify_server_name(&parsed, server_name);
        if self.pinned.contains(leaf) {
            return (within_its_time(leaf, now), name);
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
        );
        (chain, name)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let (chain, name) = self.judge(leaf, intermediates, server_name, now);
        report(Seen {
            shown: Box::new(Shown {
                leaf: leaf.clone().into_owned(),
                chain_length: 1 + intermediates.len(),
            }),
            refusal: Refusal::of(leaf, chain.as_ref().err(), name.as_ref().err()).map(Box::new),
        });
        if self.checks == Checks::First {
            chain.and(name)?;
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
