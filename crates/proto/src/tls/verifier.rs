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

use super::desk::{Seen, Shown, report};
use super::options::Anchors;
use super::refusal::Refusal;
use super::signatures::{RememberingAlgorithm, SignatureMemory};

/// Judges a server's certificates and leaves the verdict on the desk. Unless it is to verify
/// first, the handshake goes on whatever the verdict is.
#[derive(Debug)]
pub(super) struct Verifier {
    roots: rustls::RootCertStore,
    pinned: Vec<CertificateDer<'static>>,
    chain_algorithms: Vec<RememberingAlgorithm>,
    handshake_algorithms: WebPkiSupportedAlgorithms,
    verifies_first: bool,
}

impl Verifier {
    pub(super) fn new(
        anchors: Anchors,
        algorithms: WebPkiSupportedAlgorithms,
        verifies_first: bool,
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
            verifies_first,
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

    /// Checks a handshake's signature once more where `error` may come of a certificate that the
    /// path builder cannot read, such as one of X.509 version 1. It is not trusted, but what it
    /// says can be told if the peer does have its key.
    fn verify_with_bare_key(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
        tls13: bool,
        error: Error,
    ) -> Result<HandshakeSignatureValid, Error> {
        let unreadable = matches!(error, Error::InvalidCertificate(_))
            && ParsedCertificate::try_from(certificate).is_err();
        let mut mapping = self.handshake_algorithms.mapping.iter();
        let scheme = mapping.find(|(scheme, _)| *scheme == signed.scheme);
        let (true, Some((_, algorithms)), Ok((_, certificate))) =
            (unreadable, scheme, X509Certificate::from_der(certificate))
        else {
            return Err(error);
        };
        // In TLS 1.3 a scheme names one algorithm (RFC 8446 §4.2.3), in TLS 1.2 one for each
        // curve. A key of another kind is not of the form that an algorithm takes.
        let count = if tls13 { 1 } else { algorithms.len() };
        let key = certificate.public_key().subject_public_key.data.as_ref();
        let good = algorithms[..count].iter().any(|algorithm| {
            algorithm
                .verify_signature(key, message, signed.signature())
                .is_ok()
        });
        good.then(HandshakeSignatureValid::assertion).ok_or(error)
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
        if self.verifies_first {
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
        verify_tls12_signature(message, certificate, signed, &self.handshake_algorithms)
            .or_else(|error| self.verify_with_bare_key(message, certificate, signed, false, error))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.handshake_algorithms)
            .or_else(|error| self.verify_with_bare_key(message, certificate, signed, true, error))
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
