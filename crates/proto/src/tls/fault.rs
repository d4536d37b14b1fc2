//! Why a TLS connection failed.

use canvass_model::Cause;
use rustls::{
    CipherSuite, Error, InvalidMessage, PeerIncompatible, PeerMisbehaved, ProtocolVersion,
};

use super::alert::alert_message;
use super::certificate_fault::CertificateFault;
use super::flight::{Choice, Flight};
use super::offer::Offer;
use super::peer_errors::{incompatible, invalid, misbehaved};
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

    /// The fault for an error of rustls before the first octet is sent.
    pub(super) fn of_start(error: &Error) -> Self {
        match error {
            Error::FailedToGetRandomBytes => {
                Self::new(Cause::System, "this system has no random octets to give")
            }
            _ => Self::new(Cause::System, "TLS cannot start here"),
        }
    }

    /// The fault for an error of rustls, in or after the handshake. Certificates are the
    /// verifier's.
    pub(super) fn of_connection(error: &Error, seen: &Seen<'_>) -> Self {
        let handshaking = seen.flight.is_some();
        let protocol = if handshaking {
            Cause::Handshake
        } else {
            Cause::Malformed
        };
        match error {
            Error::AlertReceived(alert) => Self::new(Cause::Alert, alert_message(*alert, seen)),
            Error::InvalidCertificate(error) => CertificateFault::of_handshake(error).into(),
            Error::NoCertificatesPresented => {
                Self::new(Cause::Handshake, "the peer sent no certificate")
            }
            Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled,
            ) => {
                let chosen = seen
                    .choice()
                    .and_then(|choice| version_words(choice.version))
                    .unwrap_or("no version of TLS that was offered");
                let offered = seen.offer.versions();
                Self::new(
                    Cause::Handshake,
                    format!("the peer chose {chosen}; offered: {offered}"),
                )
            }
            Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedCipherSuite)
                if seen.choice().is_some() =>
            {
                let cipher = seen.choice().map(|choice| suite_name(choice.cipher));
                Self::new(
                    protocol,
                    format!(
                        "the peer chose the cipher suite {}, which was not offered",
                        cipher.unwrap_or_default()
                    ),
                )
            }
            Error::PeerIncompatible(why) => Self::new(
                protocol,
                format!("the peer's TLS does not fit: {}", incompatible(why)),
            ),
            Error::PeerMisbehaved(why) => Self::new(
                protocol,
                format!("the peer broke the rules of TLS: {}", misbehaved(why)),
            ),
            Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge) => {
                Self::new(protocol, too_large_message(seen))
            }
            Error::InvalidMessage(why) => Self::new(
                protocol,
                format!("a TLS message of the peer cannot be read: {}", invalid(why)),
            ),
            Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
                Self::new(
                    protocol,
                    "the peer broke the rules of TLS: it sent a message that does not belong there",
                )
            }
            Error::PeerSentOversizedRecord => Self::new(
                protocol,
                "a TLS record of the peer is longer than 16,384 octets and its overhead",
            ),
            Error::NoApplicationProtocol => Self::new(
                protocol,
                "the peer has no application protocol that was offered",
            ),
            Error::DecryptError => {
                Self::new(protocol, "a TLS record of the peer cannot be decrypted")
            }
            Error::FailedToGetRandomBytes => Self::of_start(error),
            _ => Self::new(protocol, "TLS with the peer failed"),
        }
    }
}

/// What is known of the connection whose error is explained.
pub(super) struct Seen<'a> {
    /// What was offered.
    pub(super) offer: Offer,
    /// What the peer has shown, if the handshake is not complete.
    pub(super) flight: Option<&'a Flight>,
    /// Whether the peer asked for a renegotiation, which was refused.
    pub(super) renegotiation_refused: bool,
}

impl Seen<'_> {
    fn choice(&self) -> Option<Choice> {
        self.flight?.choice()
    }
}

/// rustls takes no handshake message over 65,535 octets. In TLS 1.3 its length is encrypted.
fn too_large_message(seen: &Seen<'_>) -> String {
    let limit = "the limit of this side is 65,535";
    match seen.flight.map(Flight::message_bytes_max) {
        Some(octets @ 65_536..) => {
            format!("a handshake message of the peer has {octets} octets; {limit}")
        }
        _ => format!("a handshake message of the peer is too large; {limit} octets"),
    }
}

/// The name of a cipher suite (IANA registry), or its number. rustls adds a prefix to those of TLS
/// 1.3.
pub(super) fn suite_name(suite: CipherSuite) -> String {
    match suite.as_str() {
        Some(name) => match name.strip_prefix("TLS13_") {
            Some(rest) => format!("TLS_{rest}"),
            None => name.to_owned(),
        },
        None => format!("0x{:04X}", u16::from(suite)),
    }
}

fn version_words(version: ProtocolVersion) -> Option<&'static str> {
    Some(match version {
        ProtocolVersion::SSLv2 => "SSL 2.0",
        ProtocolVersion::SSLv3 => "SSL 3.0",
        ProtocolVersion::TLSv1_0 => "TLS 1.0",
        ProtocolVersion::TLSv1_1 => "TLS 1.1",
        ProtocolVersion::TLSv1_2 => "TLS 1.2",
        ProtocolVersion::TLSv1_3 => "TLS 1.3",
        _ => return None,
    })
}

/// A version of the protocol in output lines.
pub(super) fn version_name(version: ProtocolVersion) -> Option<&'static str> {
    Some(match version {
        ProtocolVersion::SSLv3 => "SSLv3",
        ProtocolVersion::TLSv1_0 => "TLSv1.0",
        ProtocolVersion::TLSv1_1 => "TLSv1.1",
        ProtocolVersion::TLSv1_2 => "TLSv1.2",
        ProtocolVersion::TLSv1_3 => "TLSv1.3",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
