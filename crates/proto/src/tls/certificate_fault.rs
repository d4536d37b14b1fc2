//! Why a certificate is not accepted.

use canvass_model::{Cause, CertificateFacts};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{CertificateError, Error};
use x509_parser::prelude::ASN1Time;

use super::TlsFault;
use super::facts::certificate_facts;

/// The most names of a certificate that are listed if none of them matches.
const NAMES_TOLD_MAX: usize = 5;

/// Why a certificate is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CertificateFault {
    pub(super) cause: Cause,
    pub(super) message: Box<str>,
}

impl CertificateFault {
    /// The faults of a chain and of the name of its first certificate, if any. Both are in the
    /// message; the chain's gives the cause.
    pub(super) fn of(
        leaf: &CertificateDer<'_>,
        chain: Option<&Error>,
        name: Option<&Error>,
    ) -> Option<Self> {
        if chain.is_none() && name.is_none() {
            return None;
        }
        let facts = certificate_facts(leaf, 0).unwrap_or_default();
        let reasons: Vec<_> = [chain, name]
            .into_iter()
            .flatten()
            .map(|error| reason(error, &facts))
            .collect();
        let messages: Vec<_> = reasons
            .iter()
            .map(|(_, message)| message.as_str())
            .collect();
        Some(Self {
            cause: reasons[0].0,
            message: messages.join("; ").into(),
        })
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

fn reason(error: &Error, facts: &CertificateFacts) -> (Cause, String) {
    let Error::InvalidCertificate(error) = error else {
        return (Cause::BadCertificate, error.to_string());
    };
    let self_signed = !facts.issuer.is_empty() && facts.issuer == facts.subject;
    match error {
        CertificateError::ExpiredContext { time, not_after } => {
            let whose = whose(facts, facts.not_after_s, *not_after);
            let days = time.as_secs().saturating_sub(not_after.as_secs()) / 86_400;
            let days = format!("{days} day{}", if days == 1 { "" } else { "s" });
            let message = format!("{whose} expired on {}, {days} ago", date(*not_after));
            (Cause::Expired, message)
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            let whose = whose(facts, facts.not_before_s, *not_before);
            let message = format!("{whose} is not valid before {}", date(*not_before));
            (Cause::NotYetValid, message)
        }
        CertificateError::NotValidForNameContext { expected, .. } => (
            Cause::WrongHost,
            format!(
                "the certificate is for {}, not for {}",
                names(&facts.subject_alt_names),
                expected.to_str()
            ),
        ),
        // webpki reports first that the certificate is a CA's.
        CertificateError::UnknownIssuer | CertificateError::Other(_) if self_signed => (
            Cause::UnknownIssuer,
            format!(
                "the certificate is self-signed ({}) and not among those trusted",
                facts.issuer
            ),
        ),
        CertificateError::UnknownIssuer => (
            Cause::UnknownIssuer,
            format!(
                "no trusted root leads to the certificate's issuer ({})",
                facts.issuer
            ),
        ),
        CertificateError::BadEncoding => (
            Cause::BadCertificate,
            "the certificate cannot be read".to_owned(),
        ),
        CertificateError::BadSignature => (
            Cause::BadCertificate,
            "the signature of a certificate in the chain is not its issuer's".to_owned(),
        ),
        CertificateError::InvalidPurposeContext { .. } => (
            Cause::BadCertificate,
            "the certificate is not for servers".to_owned(),
        ),
        CertificateError::Other(other) => (
            Cause::BadCertificate,
            format!(
                "the certificate is not as it should be ({})",
                spaced(&other.0.to_string())
            ),
        ),
        other => (
            Cause::BadCertificate,
            format!("the certificate is not as it should be ({other})"),
        ),
    }
}

/// The certificate that has expired or is not valid yet.
fn whose(facts: &CertificateFacts, of_leaf_s: i64, found: UnixTime) -> &'static str {
    if i64::try_from(found.as_secs()) == Ok(of_leaf_s) {
        return "the certificate";
    }
    if facts.issuer.is_empty() {
        return "a certificate";
    }
    "the certificate of an issuer"
}

fn names(names: &[Box<str>]) -> String {
    match names.len() {
        0 => "no host".to_owned(),
        1..=NAMES_TOLD_MAX => names.join(", "),
        count => format!(
            "{} and {} more",
            names[..NAMES_TOLD_MAX].join(", "),
            count - NAMES_TOLD_MAX
        ),
    }
}

/// A time in RFC 3339.
fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).ok();
    let Some(time) = seconds.and_then(|seconds| ASN1Time::from_timestamp(seconds).ok()) else {
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

/// The words of a name `LikeThis`.
pub(super) fn spaced(joined: &str) -> String {
    let mut words = String::with_capacity(joined.len() + 8);
    let mut before = ' ';
    for character in joined.chars() {
        if character.is_ascii_uppercase() && before.is_ascii_lowercase() {
            words.push(' ');
        }
        words.push(character.to_ascii_lowercase());
        before = character;
    }
    words
}
