//! Why a TLS connection failed.

use canvass_model::Cause;
use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};

use super::certificate_fault::spaced;
use crate::excerpt::FirstLine;

/// Why a TLS connection failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFault {
    /// Its cause.
    pub cause: Cause,
    /// A message for people, without the address of the peer.
    pub message: Box<str>,
}

impl TlsFault {
    pub(super) fn new(cause: Cause, message: impl Into<Box<str>>) -> Self {
        Self {
            cause,
            message: message.into(),
        }
    }

    /// The peer sent `first` instead of TLS.
    pub(super) fn of_other_protocol(first: &[u8]) -> Self {
        let shown = FirstLine(first);
        let message = format!("the peer answered {shown}, which is not TLS");
        Self::new(Cause::Handshake, message)
    }

    /// The fault for an error of rustls, in or after the handshake. Certificates are the
    /// verifier's.
    pub(super) fn of_connection(error: &Error, handshaking: bool) -> Self {
        let protocol = if handshaking {
            Cause::Handshake
        } else {
            Cause::Malformed
        };
        match error {
            Error::AlertReceived(alert) => Self::new(
                Cause::Alert,
                format!("the peer sent the TLS alert {}", alert_name(*alert)),
            ),
            Error::InvalidCertificate(error) => Self::new(
                Cause::BadCertificate,
                format!("the handshake is not signed with the certificate's key ({error})"),
            ),
            Error::NoCertificatesPresented => {
                Self::new(Cause::Handshake, "the peer sent no certificate")
            }
            Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled,
            ) => Self::new(
                Cause::Handshake,
                "the peer speaks no version of TLS that was offered",
            ),
            Error::PeerIncompatible(why) => Self::new(
                protocol,
                format!(
                    "the peer's TLS does not fit: {}",
                    spaced(&format!("{why:?}"))
                ),
            ),
            Error::PeerMisbehaved(why) => Self::new(
                protocol,
                format!(
                    "the peer broke the rules of TLS: {}",
                    spaced(&format!("{why:?}"))
                ),
            ),
            Error::InvalidMessage(InvalidMessage::MissingData(what)) => Self::new(
                protocol,
                format!("a TLS message of the peer is cut short: {what}"),
            ),
            Error::InvalidMessage(why) => Self::new(
                protocol,
                format!(
                    "a TLS message of the peer cannot be read: {}",
                    spaced(&format!("{why:?}"))
                ),
            ),
            Error::DecryptError => {
                Self::new(protocol, "a TLS record of the peer cannot be decrypted")
            }
            Error::FailedToGetRandomBytes => {
                Self::new(Cause::System, "this system has no random octets to give")
            }
            other => Self::new(protocol, other.to_string()),
        }
    }
}

/// The name of an alert (RFC 8446 §6, IANA registry).
fn alert_name(alert: AlertDescription) -> String {
    let irregular = match alert {
        AlertDescription::UnknownCA => "unknown_ca",
        AlertDescription::UnrecognisedName => "unrecognized_name",
        AlertDescription::UnknownPSKIdentity => "unknown_psk_identity",
        AlertDescription::EncryptedClientHelloRequired => "ech_required",
        AlertDescription::NoCertificate => "no_certificate_RESERVED",
        AlertDescription::ExportRestriction => "export_restriction_RESERVED",
        AlertDescription::DecryptionFailed => "decryption_failed_RESERVED",
        AlertDescription::Unknown(number) => return format!("{number}"),
        regular => return spaced(&format!("{regular:?}")).replace(' ', "_"),
    };
    irregular.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_have_their_registered_names() {
        for (number, name) in [
            (0, "close_notify"),
            (20, "bad_record_mac"),
            (40, "handshake_failure"),
            (41, "no_certificate_RESERVED"),
            (48, "unknown_ca"),
            (70, "protocol_version"),
            (112, "unrecognized_name"),
            (113, "bad_certificate_status_response"),
            (115, "unknown_psk_identity"),
            (116, "certificate_required"),
            (120, "no_application_protocol"),
            (121, "ech_required"),
            (200, "200"),
        ] {
            assert_eq!(alert_name(AlertDescription::from(number)), name);
        }
    }

    #[test]
    fn what_is_not_tls_is_shown_up_to_its_first_line_end() {
        for (first, shown) in [
            (
                &b"HTTP/1.1 400 Bad Request\r\nDate: x"[..],
                "HTTP/1.1 400 Bad Request",
            ),
            (b"\x00\xff\"x", "\\x00\\xff\\\"x"),
            (&[b'a'; 100], "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ] {
            let fault = TlsFault::of_other_protocol(first);
            assert_eq!(fault.cause, Cause::Handshake);
            assert_eq!(
                &*fault.message,
                format!("the peer answered \"{shown}\", which is not TLS")
            );
        }
    }
}
