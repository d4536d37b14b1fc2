//! Why a chain of certificates has a signature that is not valid.
//!
//! webpki looks for issuers by name, and so reports a bad signature also if another authority, or
//! an earlier one, has the same name. Which of these it is shows in the keys.

use canvass_model::Cause;
use rustls::RootCertStore;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};
use x509_parser::x509::SubjectPublicKeyInfo;

use super::certificate_fault::{Reason, Role, self_signed};
use super::keys::size_fault;
use super::names::distinguished_name;

/// The most certificates of a chain that are considered.
const CHAIN_MAX: usize = 16;

/// What a chain is verified with.
pub(super) struct Trust<'a> {
    pub(super) roots: &'a RootCertStore,
    /// The certificates of the roots, if they are known.
    pub(super) root_certificates: &'a [CertificateDer<'static>],
    pub(super) algorithms: &'a WebPkiSupportedAlgorithms,
}

/// A key that has the name of an issuer.
struct Candidate<'a> {
    key: SubjectPublicKeyInfo<'a>,
    certificate: Option<&'a X509Certificate<'a>>,
    is_root: bool,
}

impl<'a> Candidate<'a> {
    fn new(certificate: &'a X509Certificate<'a>, is_root: bool) -> Self {
        Self {
            key: certificate.public_key().clone(),
            certificate: Some(certificate),
            is_root,
        }
    }
}

/// Why a signature in the chain from `leaf` is not valid.
pub(super) fn bad_signature(
    leaf: &X509Certificate<'_>,
    intermediates: &[CertificateDer<'_>],
    trust: &Trust<'_>,
) -> Reason {
    let sent = parsed(intermediates);
    let roots = parsed(trust.root_certificates);
    let bare_roots: Vec<_> = match trust.root_certificates {
        [] => (trust.roots.roots.iter())
            .map(|root| {
                (
                    sequence(&root.subject),
                    sequence(&root.subject_public_key_info),
                )
            })
            .collect(),
        _ => Vec::new(),
    };
    let mut subject = leaf;
    let mut role = Role::Leaf;
    for _ in 0..=sent.len() {
        let issuer = subject.issuer().as_raw();
        let certificates = (sent.iter().map(|one| Candidate::new(one, false)))
            .chain(roots.iter().map(|one| Candidate::new(one, true)))
            .filter(|one| {
                one.certificate
                    .is_some_and(|one| one.subject().as_raw() == issuer)
            });
        let keys = bare_roots.iter().filter_map(|(name, key)| {
            (name == issuer).then_some(())?;
            Some(Candidate {
                key: SubjectPublicKeyInfo::from_der(key).ok()?.1,
                certificate: None,
                is_root: true,
            })
        });
        let candidates: Vec<_> = certificates.chain(keys).collect();
        let signer = candidates
            .iter()
            .find(|one| is_signed_by(subject, &one.key, trust));
        match signer {
            Some(Candidate { is_root: true, .. }) => break,
            Some(Candidate {
                certificate: Some(next),
                ..
            }) if next.subject().as_raw() != next.issuer().as_raw() => {
                subject = next;
                role = Role::Issuer;
            }
            // It is among those that the server sent, and not among those that are trusted.
            Some(_) => return ends_untrusted(subject, role),
            None => return why_unsigned(subject, role, &candidates, trust),
        }
    }
    Reason::new(
        Cause::BadCertificate,
        "the signature of a certificate in the chain is not its issuer's",
    )
}

fn parsed<'a>(certificates: &'a [CertificateDer<'_>]) -> Vec<X509Certificate<'a>> {
    certificates
        .iter()
        .take(CHAIN_MAX)
        .filter_map(|der| Some(X509Certificate::from_der(der).ok()?.1))
        .collect()
}

/// Why none of `candidates` has signed `subject`.
fn why_unsigned(
    subject: &X509Certificate<'_>,
    role: Role,
    candidates: &[Candidate<'_>],
    trust: &Trust<'_>,
) -> Reason {
    let issuer = issuer_name(subject);
    let is_self_issued = subject.issuer().as_raw() == subject.subject().as_raw();
    if is_self_issued && is_signed_by(subject, subject.public_key(), trust) {
        return ends_untrusted(subject, role);
    }
    let size_fault = candidates
        .iter()
        .find_map(|one| size_fault(&one.key, &format!("the issuer ({issuer})")));
    if let Some(reason) = size_fault {
        return reason;
    }
    let other_key = is_self_issued
        || authority_key_id(subject).is_some_and(|wanted| {
            let known = candidates
                .iter()
                .filter_map(|one| subject_key_id(one.certificate?));
            let mut known = known.peekable();
            known.peek().is_some() && known.all(|id| id != wanted)
        });
    if other_key {
        return Reason::new(
            Cause::UnknownIssuer,
            format!(
                "no trusted root leads to the issuer of {role} ({issuer}): those of that name have \
                 another key"
            ),
        );
    }
    Reason::new(
        Cause::BadCertificate,
        format!("the signature of {role} is not that of its issuer ({issuer})"),
    )
}

/// The chain ends in `subject`, or in one that has signed `subject` and itself.
fn ends_untrusted(subject: &X509Certificate<'_>, role: Role) -> Reason {
    let name = issuer_name(subject);
    if role == Role::Leaf && subject.issuer().as_raw() == subject.subject().as_raw() {
        return self_signed(name);
    }
    Reason::new(
        Cause::UnknownIssuer,
        format!(
            "the chain ends in a self-signed certificate ({name}) that is not among those trusted"
        ),
    )
}

fn issuer_name(certificate: &X509Certificate<'_>) -> Box<str> {
    distinguished_name(certificate.issuer())
}

fn is_signed_by(
    subject: &X509Certificate<'_>,
    key: &SubjectPublicKeyInfo<'_>,
    trust: &Trust<'_>,
) -> bool {
    trust.algorithms.all.iter().any(|algorithm| {
        let signed = algorithm.verify_signature(
            &key.subject_public_key.data,
            subject.tbs_certificate.as_ref(),
            &subject.signature_value.data,
        );
        signed.is_ok()
    })
}

/// The authority key identifier (RFC 5280 §4.2.1.1).
fn authority_key_id<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate.extensions().iter().find_map(|one| {
        let ParsedExtension::AuthorityKeyIdentifier(id) = one.parsed_extension() else {
            return None;
        };
        id.key_identifier.as_ref().map(|id| id.0)
    })
}

/// The subject key identifier (RFC 5280 §4.2.1.2).
fn subject_key_id<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate.extensions().iter().find_map(|one| {
        let ParsedExtension::SubjectKeyIdentifier(id) = one.parsed_extension() else {
            return None;
        };
        Some(id.0)
    })
}

/// `content` as a SEQUENCE of DER: trust anchors come without its header.
fn sequence(content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|octet| **octet == 0).count()..];
    let mut der = vec![0x30];
    match content.len() {
        short @ ..0x80 => der.push(short as u8),
        _ => {
            der.push(0x80 | significant.len() as u8);
            der.extend_from_slice(significant);
        }
    }
    der.extend_from_slice(content);
    der
}
