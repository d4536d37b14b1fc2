//! Why a certificate is not accepted.

use std::fmt;

use canvass_model::Cause;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{CertificateError, Error};
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate};

use super::TlsFault;
use super::algorithm_names::{key_name, signature_name};
use super::facts::days_left;
use super::issuers::{Trust, bad_signature};
use super::names::distinguished_name;
use super::wrong_host;

/// Why a certificate is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CertificateFault {
    pub(super) cause: Cause,
    pub(super) message: Box<str>,
}

/// One of the reasons why a certificate is not accepted.
#[derive(Debug)]
pub(super) struct Reason {
    cause: Cause,
    message: String,
}

impl Reason {
    pub(super) fn new(cause: Cause, message: impl Into<String>) -> Self {
        Self {
            cause,
            message: message.into(),
        }
    }
}

/// What is wrong with a server's certificates.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// With the chain from the server's own to a root.
    pub(super) chain: Option<Error>,
    /// With the server's own key.
    pub(super) key: Option<Reason>,
    /// With the names that it is for.
    pub(super) name: Option<Error>,
}

impl Findings {
    /// The error that ends a handshake, if any.
    pub(super) fn error(&self) -> Option<Error> {
        let key = || {
            self.key
                .is_some()
                .then(|| CertificateError::ApplicationVerificationFailure.into())
        };
        self.chain
            .clone()
            .or_else(key)
            .or_else(|| self.name.clone())
    }
}

/// The place of a certificate in its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The server's own.
    Leaf,
    /// That of an issuer.
    Issuer,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Leaf => "the certificate",
            Self::Issuer => "the certificate of an issuer",
        })
    }
}

impl CertificateFault {
    /// The faults of a chain, of the key and of the name of its first certificate, if any. All are
    /// in the message; the first gives the cause.
    pub(super) fn of(
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        trust: &Trust<'_>,
        findings: Findings,
    ) -> Option<Self> {
        let Findings { chain, key, name } = findings;
        if chain.is_none() && key.is_none() && name.is_none() {
            return None;
        }
        let Ok((_, parsed)) = X509Certificate::from_der(leaf) else {
            let error = chain.or(name);
            return error.map(|error| Self::from(unreadable(&error)));
        };
        let chain = chain.map(|error| of_chain(&error, &parsed, intermediates, trust));
        let name = name.map(|error| of_name(&error, &parsed));
        [chain, key, name]
            .into_iter()
            .flatten()
            .map(Self::from)
            .reduce(|first, next| Self {
                cause: first.cause,
                message: format!("{}; {}", first.message, next.message).into(),
            })
    }

    /// A handshake is not signed as the certificate requires.
    pub(super) fn of_handshake(error: &CertificateError) -> Self {
        let message = match error {
            CertificateError::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id,
                ..
            } => format!(
                "the handshake is signed by {}, which is not accepted",
                signature_name(signature_algorithm_id)
            ),
            CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id,
                public_key_algorithm_id,
            } => format!(
                "the handshake is signed by {}, and the certificate's key is {}",
                signature_name(signature_algorithm_id),
                key_name(public_key_algorithm_id)
            ),
            _ => "the handshake is not signed with the certificate's key".to_owned(),
        };
        Self::from(Reason::new(Cause::BadCertificate, message))
    }
}

impl From<Reason> for CertificateFault {
    fn from(reason: Reason) -> Self {
        Self {
            cause: reason.cause,
            message: reason.message.into(),
        }
    }
}

impl From<CertificateFault> for TlsFault {
    fn from(refusal: CertificateFault) -> Self {
        Self {
            cause: refusal.cause,
            message: refusal.message,
        }
    }
}

/// An end of a chain that nobody else has signed.
pub(super) fn self_signed(name: impl fmt::Display) -> Reason {
    Reason::new(
        Cause::UnknownIssuer,
        format!("the certificate is self-signed ({name}) and not among those trusted"),
    )
}

/// What is wrong with a certificate of which only webpki can read something, or nobody.
fn unreadable(error: &Error) -> Reason {
    let message = match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => rule(other),
        _ => "the certificate cannot be read",
    };
    Reason::new(Cause::BadCertificate, message)
}

fn of_name(error: &Error, leaf: &X509Certificate<'_>) -> Reason {
    match error {
        Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            expected, ..
        }) => Reason::new(Cause::WrongHost, wrong_host::message(leaf, expected)),
        error => unreadable(error),
    }
}

fn of_chain(
    error: &Error,
    leaf: &X509Certificate<'_>,
    intermediates: &[CertificateDer<'_>],
    trust: &Trust<'_>,
) -> Reason {
    let Error::InvalidCertificate(error) = error else {
        return Reason::new(Cause::BadCertificate, "the certificate cannot be checked");
    };
    let issuer = distinguished_name(leaf.issuer());
    let is_self_issued = !issuer.is_empty() && leaf.issuer().as_raw() == leaf.subject().as_raw();
    let bad = |message: String| Reason::new(Cause::BadCertificate, message);
    match error {
        CertificateError::ExpiredContext { time, not_after } => {
            let whose = whose(leaf.validity().not_after, *not_after);
            let days = -days_left(seconds(*not_after), seconds(*time));
            let days = format!("{days} day{}", if days == 1 { "" } else { "s" });
            let message = format!("{whose} expired on {}, {days} ago", date(*not_after));
            Reason::new(Cause::Expired, message)
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            let whose = whose(leaf.validity().not_before, *not_before);
            let message = format!("{whose} is not valid before {}", date(*not_before));
            Reason::new(Cause::NotYetValid, message)
        }
        // webpki reports first that the certificate is a CA's.
        CertificateError::UnknownIssuer | CertificateError::Other(_) if is_self_issued => {
            self_signed(issuer)
        }
        CertificateError::UnknownIssuer => Reason::new(
            Cause::UnknownIssuer,
            format!("no trusted root leads to the certificate's issuer ({issuer})"),
        ),
        CertificateError::BadSignature => bad_signature(leaf, intermediates, trust),
        CertificateError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id,
            ..
        } => bad(format!(
            "{} is signed by {}, which is not accepted",
            signed_by(leaf, signature_algorithm_id),
            signature_name(signature_algorithm_id)
        )),
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id,
            public_key_algorithm_id,
        } => {
            let reason = bad_signature(leaf, intermediates, trust);
            if reason.cause == Cause::UnknownIssuer {
                return reason;
            }
            bad(format!(
                "{} is signed by {}, which is not accepted from a key of its issuer's kind, {}",
                signed_by(leaf, signature_algorithm_id),
                signature_name(signature_algorithm_id),
                key_name(public_key_algorithm_id)
            ))
        }
        CertificateError::BadEncoding => bad("the certificate cannot be read".to_owned()),
        CertificateError::Expired => {
            bad("the validity of a certificate ends before it begins".to_owned())
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            bad("the certificate is not for servers".to_owned())
        }
        CertificateError::Other(other) => bad(rule(other).to_owned()),
        _ => bad("a certificate of the chain is not as X.509 requires".to_owned()),
    }
}

/// The certificate that has expired or is not valid yet.
fn whose(of_leaf: ASN1Time, found: UnixTime) -> Role {
    if seconds(found) == of_leaf.timestamp() {
        Role::Leaf
    } else {
        Role::Issuer
    }
}

/// The certificate that is signed by the algorithm of this identifier.
fn signed_by(leaf: &X509Certificate<'_>, identifier: &[u8]) -> Role {
    let of_leaf = leaf.signature_algorithm.algorithm.as_bytes();
    // The tag and the length of the object identifier precede it.
    if identifier.get(2..2 + of_leaf.len()) == Some(of_leaf) {
        Role::Leaf
    } else {
        Role::Issuer
    }
}

/// The rule of X.509 that webpki found violated.
fn rule(error: &rustls::OtherError) -> &'static str {
    use webpki::Error as Rule;
    match error.0.downcast_ref::<Rule>() {
        Some(Rule::CaUsedAsEndEntity) => "the certificate is that of an authority, not of a server",
        Some(Rule::EndEntityUsedAsCa) => "the certificate of an issuer is not that of an authority",
        Some(Rule::UnsupportedCriticalExtension) => {
            "a certificate of the chain has a critical extension that is not supported"
        }
        Some(Rule::UnsupportedCertVersion) => {
            "a certificate of the chain is not of version 3 of X.509"
        }
        Some(Rule::ExtensionValueInvalid | Rule::MalformedExtensions) => {
            "a certificate of the chain has an extension that cannot be read"
        }
        Some(Rule::EmptyEkuExtension) => {
            "a certificate of the chain has an extended key usage without any use"
        }
        Some(Rule::InvalidSerialNumber) => {
            "a certificate of the chain has a serial number that is not 1 to 20 octets long"
        }
        Some(Rule::NameConstraintViolation) => {
            "the name constraints of an issuer exclude a name of the certificate"
        }
        Some(
            Rule::MalformedNameConstraint
            | Rule::InvalidNetworkMaskConstraint
            | Rule::UnsupportedNameType,
        ) => "the name constraints of an issuer cannot be read",
        Some(Rule::MalformedDnsIdentifier) => "a DNS name of the certificate cannot be read",
        Some(Rule::PathLenConstraintViolated) => {
            "the chain is longer than the path length of an issuer allows"
        }
        Some(
            Rule::MaximumPathDepthExceeded
            | Rule::MaximumPathBuildCallsExceeded
            | Rule::MaximumSignatureChecksExceeded
            | Rule::MaximumNameConstraintComparisonsExceeded,
        ) => "the chain is too long or too complex to be checked",
        Some(Rule::SignatureAlgorithmMismatch) => {
            "a certificate of the chain has two different signature algorithms"
        }
        _ => "a certificate of the chain is not as X.509 requires",
    }
}

fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// A time in RFC 3339.
fn date(time: UnixTime) -> String {
    let Ok(time) = ASN1Time::from_timestamp(seconds(time)) else {
        return "a time beyond all calendars".to_owned();
    };
    let time = time.to_datetime();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}
