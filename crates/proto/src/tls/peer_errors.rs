//! What rustls finds wrong with a peer, in words.

use rustls::{InvalidMessage, PeerIncompatible, PeerMisbehaved};

/// What of the peer's TLS does not go with that of this side.
pub(super) fn incompatible(why: &PeerIncompatible) -> &'static str {
    match why {
        PeerIncompatible::EcPointsExtensionRequired
        | PeerIncompatible::NoEcPointFormatsInCommon
        | PeerIncompatible::UncompressedEcPointsRequired => "it has no uncompressed curve points",
        PeerIncompatible::ExtendedMasterSecretExtensionRequired => {
            "it has no extended master secret"
        }
        PeerIncompatible::IncorrectCertificateTypeExtension
        | PeerIncompatible::UnsolicitedCertificateTypeExtension => {
            "it chose a certificate type that was not offered"
        }
        PeerIncompatible::KeyShareExtensionRequired
        | PeerIncompatible::NamedGroupsExtensionRequired
        | PeerIncompatible::NoKxGroupsInCommon => "it has no key exchange group that was offered",
        PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => {
            "it asks for a client certificate with signatures that are not supported"
        }
        PeerIncompatible::NoCipherSuitesInCommon => "it has no cipher suite that was offered",
        PeerIncompatible::NoSignatureSchemesInCommon
        | PeerIncompatible::SignatureAlgorithmsExtensionRequired => {
            "it has no signature algorithm that was offered"
        }
        PeerIncompatible::NullCompressionRequired => "it requires compression",
        PeerIncompatible::ServerSentHelloRetryRequestWithUnknownExtension => {
            "its HelloRetryRequest has an unknown extension"
        }
        PeerIncompatible::SupportedVersionsExtensionRequired => {
            "it does not say which version of TLS it chose"
        }
        PeerIncompatible::ServerRejectedEncryptedClientHello(_) => {
            "it rejected the encrypted ClientHello"
        }
        _ => "it requires what was not offered",
    }
}

/// The rule of the protocol that the peer violated.
pub(super) fn misbehaved(why: &PeerMisbehaved) -> &'static str {
    use PeerMisbehaved as Why;
    match why {
        Why::AttemptedDowngradeToTls12WhenTls13IsSupported => {
            "it chose TLS 1.2 although its random octets say that both sides have TLS 1.3"
        }
        Why::CipherSuiteDifferedOnRetry | Why::SelectedDifferentCipherSuiteAfterRetry => {
            "it changed the cipher suite after its HelloRetryRequest"
        }
        Why::DuplicateEncryptedExtensions
        | Why::DuplicateHelloRetryRequestExtensions
        | Why::DuplicateNewSessionTicketExtensions
        | Why::DuplicateServerHelloExtensions => "it sent an extension twice",
        Why::BadCertChainExtensions | Why::UnsolicitedCertExtension => {
            "its certificate came with an extension that was not offered"
        }
        Why::DisallowedEncryptedExtension
        | Why::UnexpectedCleartextExtension
        | Why::UnsolicitedEncryptedExtension
        | Why::UnsolicitedServerHelloExtension
        | Why::UnsolicitedEchExtension
        | Why::UnsolicitedSctList => "it sent an extension that was not offered",
        Why::HandshakeHashVariedAfterRetry => "its hash changed after its HelloRetryRequest",
        Why::IllegalHelloRetryRequestWithEmptyCookie
        | Why::IllegalHelloRetryRequestWithNoChanges
        | Why::IllegalHelloRetryRequestWithOfferedGroup
        | Why::IllegalHelloRetryRequestWithUnofferedCipherSuite
        | Why::IllegalHelloRetryRequestWithUnofferedNamedGroup
        | Why::IllegalHelloRetryRequestWithUnsupportedVersion
        | Why::IllegalHelloRetryRequestWithWrongSessionId
        | Why::IllegalHelloRetryRequestWithInvalidEch => "its HelloRetryRequest is not allowed",
        Why::IllegalMiddleboxChangeCipherSpec => "its ChangeCipherSpec is not allowed there",
        Why::IllegalTlsInnerPlaintext => "an encrypted record has no content type",
        Why::InvalidCertCompression | Why::SelectedUnofferedCertCompression => {
            "its certificate is compressed in a way that was not offered"
        }
        Why::InvalidKeyShare | Why::MissingKeyShare | Why::WrongGroupForKeyShare => {
            "its key share is missing or is not of the group that was offered"
        }
        Why::KeyEpochWithPendingFragment | Why::MessageInterleavedWithHandshakeMessage => {
            "another message interrupts one of the handshake"
        }
        Why::RefusedToFollowHelloRetryRequest => "it sent a second HelloRetryRequest",
        Why::SelectedInvalidPsk | Why::SelectedUnofferedPsk => {
            "it resumed a session that was not offered"
        }
        Why::SelectedTls12UsingTls13VersionExtension => {
            "it chose TLS 1.2 by an extension that is only for TLS 1.3"
        }
        Why::SelectedUnofferedApplicationProtocol => {
            "it chose an application protocol that was not offered"
        }
        Why::SelectedUnofferedCipherSuite => "it chose a cipher suite that was not offered",
        Why::SelectedUnofferedCompression => "it chose a compression that was not offered",
        Why::SelectedUnofferedKxGroup => "it chose a key exchange group that was not offered",
        Why::SelectedUnusableCipherSuiteForVersion => {
            "it chose a cipher suite that is not for its version of TLS"
        }
        Why::ServerEchoedCompatibilitySessionId => "it repeated the session id in TLS 1.2",
        Why::ServerHelloMustOfferUncompressedEcPoints => "it has no uncompressed curve points",
        Why::SignedKxWithWrongAlgorithm | Why::SignedHandshakeWithUnadvertisedSigScheme => {
            "it signed the handshake by an algorithm that was not offered"
        }
        Why::TooManyEmptyFragments => "it sent too many empty records",
        Why::TooManyKeyUpdateRequests => "it changed its keys too often",
        Why::TooManyRenegotiationRequests => {
            "it asked for a renegotiation again, which is not supported"
        }
        Why::TooManyWarningAlertsReceived => "it sent too many alerts of level warning",
        _ => "it sent what the protocol does not allow there",
    }
}

/// What is wrong with a message.
pub(super) fn invalid(why: &InvalidMessage) -> &'static str {
    match why {
        InvalidMessage::CertificatePayloadTooLarge => {
            "its certificates have more than 65,535 octets, the limit of this side"
        }
        InvalidMessage::InvalidCcs => "a ChangeCipherSpec is not one octet of 1",
        InvalidMessage::InvalidContentType => "a record has an unknown content type",
        InvalidMessage::InvalidCertificateStatusType => "a certificate status is not that of OCSP",
        InvalidMessage::InvalidCertRequest => "a certificate request is malformed",
        InvalidMessage::InvalidDhParams => "the parameters of the key exchange are malformed",
        InvalidMessage::InvalidEmptyPayload => "a record is empty where it must not be",
        InvalidMessage::InvalidKeyUpdate => "a key update is malformed",
        InvalidMessage::InvalidServerName => "a server name is malformed",
        InvalidMessage::MessageTooLarge => "a record is longer than 16,384 octets and its overhead",
        InvalidMessage::MessageTooShort | InvalidMessage::MissingData(_) => "it is cut short",
        InvalidMessage::MissingKeyExchange => "the key exchange is missing",
        InvalidMessage::NoSignatureSchemes => "a list of signature algorithms is empty",
        InvalidMessage::TrailingData(_) => "it is longer than its content",
        InvalidMessage::UnexpectedMessage(_) => "it is of a kind that does not belong there",
        InvalidMessage::UnknownProtocolVersion => "a record has an unknown version",
        InvalidMessage::UnsupportedCompression => "it requires compression",
        InvalidMessage::UnsupportedCurveType => "its curve is not given by name",
        InvalidMessage::UnsupportedKeyExchangeAlgorithm(_) => "its key exchange is not supported",
        InvalidMessage::EmptyTicketValue
        | InvalidMessage::IllegalEmptyList(_)
        | InvalidMessage::IllegalEmptyValue => "a value is empty where it must not be",
        InvalidMessage::DuplicateExtension(_) => "an extension is there twice",
        InvalidMessage::UnknownHelloRetryRequestExtension
        | InvalidMessage::UnknownCertificateExtension => "it has an unknown extension",
        _ => "it is malformed",
    }
}
