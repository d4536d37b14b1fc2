//! What a server shows of itself before encryption begins.
//!
//! rustls drops a handshake at the first message that it does not accept. The messages of TLS 1.2
//! and older are not encrypted until the keys are exchanged, so version, cipher suite and
//! certificates can be read from them even so.

use rustls::pki_types::CertificateDer;
use rustls::{CipherSuite, ProtocolVersion};

/// The most octets of handshake messages that are kept: OpenSSL's clients take certificates of up
/// to 100 KiB.
const MESSAGES_BYTES_MAX: usize = 256 << 10;

const RECORD_HEADER_BYTES: usize = 5;
const MESSAGE_HEADER_BYTES: usize = 4;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const CERTIFICATE_REQUEST: u8 = 13;

const SUPPORTED_VERSIONS: u16 = 43;

/// The handshake messages that a server sends unencrypted (RFC 5246 §7.3).
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// The content of the records of the handshake.
    messages: Vec<u8>,
    /// The header of the record that is being received, as far as it is known.
    header: Vec<u8>,
    /// Octets of the record's content that are still to come.
    content_left: usize,
    /// That content is not of the handshake.
    is_alert: bool,
    /// Nothing more is kept: encryption has begun, or it is too much.
    over: bool,
}

/// What a ServerHello chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) version: ProtocolVersion,
    pub(super) cipher: CipherSuite,
}

/// The certificates of a server, as far as they have come.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SentChain {
    pub(super) leaf: CertificateDer<'static>,
    /// The number of whole certificates.
    pub(super) chain_length: usize,
}

impl Flight {
    /// Takes what the server sent.
    pub(super) fn push(&mut self, mut octets: &[u8]) {
        while !self.over && !octets.is_empty() {
            if self.content_left == 0 {
                let missing = RECORD_HEADER_BYTES - self.header.len();
                let (head, rest) = octets.split_at(missing.min(octets.len()));
                self.header.extend_from_slice(head);
                octets = rest;
                if let [kind, _, _, high, low] = self.header[..] {
                    self.header.clear();
                    self.content_left = u16::from_be_bytes([high, low]).into();
                    self.is_alert = kind == ALERT;
                    self.over = !matches!(kind, HANDSHAKE | ALERT);
                }
                continue;
            }
            let (content, rest) = octets.split_at(self.content_left.min(octets.len()));
            if !self.is_alert {
                self.messages.extend_from_slice(content);
            }
            self.content_left -= content.len();
            self.over = self.messages.len() > MESSAGES_BYTES_MAX;
            octets = rest;
        }
    }

    /// Whether nothing but a certificate of TLS 1.2 or older is missing to know what the server
    /// shows.
    pub(super) fn awaits_certificate(&self) -> bool {
        let is_readable = self
            .choice()
            .is_some_and(|choice| u16::from(choice.version) < u16::from(ProtocolVersion::TLSv1_3));
        let is_past = self
            .messages()
            .any(|(kind, _, _)| !matches!(kind, SERVER_HELLO | CERTIFICATE));
        is_readable && !is_past && !self.over && self.chain().is_none()
    }

    /// What the server chose, if it has sent a ServerHello.
    pub(super) fn choice(&self) -> Option<Choice> {
        let (_, _, hello) = self.messages().find(|(kind, ..)| *kind == SERVER_HELLO)?;
        let version = u16_at(hello, 0)?;
        // The random octets and the session id are skipped.
        let session_id = usize::from(*hello.get(34)?);
        let cipher = u16_at(hello, 35 + session_id)?;
        let extensions = hello.get(35 + session_id + 2 + 1 + 2..).unwrap_or_default();
        Some(Choice {
            version: ProtocolVersion::from(chosen_version(extensions).unwrap_or(version)),
            cipher: CipherSuite::from(cipher),
        })
    }

    /// The server's certificates, if its own is there (RFC 5246 §7.4.2).
    pub(super) fn chain(&self) -> Option<SentChain> {
        let (_, _, list) = self.messages().find(|(kind, ..)| *kind == CERTIFICATE)?;
        let mut rest = list.get(3..)?;
        let mut whole = std::iter::from_fn(|| {
            let length = u24_at(rest, 0)?;
            let certificate = rest.get(3..3 + length)?;
            rest = &rest[3 + length..];
            Some(certificate)
        });
        let leaf = CertificateDer::from(whole.next()?.to_vec());
        Some(SentChain {
            leaf,
            chain_length: 1 + whole.count(),
        })
    }

    /// Whether the server has asked for a client certificate.
    pub(super) fn asks_for_certificate(&self) -> bool {
        self.messages()
            .any(|(kind, ..)| kind == CERTIFICATE_REQUEST)
    }

    /// The length of the largest message that has begun, in octets.
    pub(super) fn message_bytes_max(&self) -> usize {
        self.messages()
            .map(|(_, bytes, _)| bytes)
            .max()
            .unwrap_or_default()
    }

    /// The messages: type, length, and as much of the content as is there.
    fn messages(&self) -> impl Iterator<Item = (u8, usize, &[u8])> {
        let mut rest = &self.messages[..];
        std::iter::from_fn(move || {
            let length = u24_at(rest, 1)?;
            let kind = rest[0];
            let content = &rest[MESSAGE_HEADER_BYTES..];
            let content = &content[..length.min(content.len())];
            rest = &rest[MESSAGE_HEADER_BYTES + content.len()..];
            Some((kind, length, content))
        })
    }
}

/// The version that the extension supported_versions names (RFC 8446 §4.2.1).
fn chosen_version(mut extensions: &[u8]) -> Option<u16> {
    loop {
        let kind = u16_at(extensions, 0)?;
        let length = usize::from(u16_at(extensions, 2)?);
        if kind == SUPPORTED_VERSIONS {
            return u16_at(extensions, 4);
        }
        extensions = extensions.get(4 + length..)?;
    }
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    let octets = octets.get(at..at + 2)?;
    Some(u16::from_be_bytes([octets[0], octets[1]]))
}

fn u24_at(octets: &[u8], at: usize) -> Option<usize> {
    let octets = octets.get(at..at + 3)?;
    Some(usize::from(octets[0]) << 16 | usize::from(octets[1]) << 8 | usize::from(octets[2]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[kind, 3, 1], &length[..], content].concat()
    }

    fn message(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[kind], &length[1..], content].concat()
    }

    fn hello(version: u16, cipher: u16, extensions: &[u8]) -> Vec<u8> {
        let mut hello = version.to_be_bytes().to_vec();
        hello.extend([7; 32]);
        hello.extend([2, 1, 1]);
        hello.extend(cipher.to_be_bytes());
        hello.push(0);
        hello.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        hello.extend(extensions);
        message(SERVER_HELLO, &hello)
    }

    fn chain(certificates: &[&[u8]]) -> Vec<u8> {
        let length =
            |octets: &[u8]| u32::try_from(octets.len()).unwrap().to_be_bytes()[1..].to_vec();
        let list: Vec<u8> = certificates
            .iter()
            .flat_map(|one| [length(one), one.to_vec()].concat())
            .collect();
        message(CERTIFICATE, &[length(&list), list].concat())
    }

    fn flight(octets: &[u8], piece_bytes: usize) -> Flight {
        let mut flight = Flight::default();
        for piece in octets.chunks(piece_bytes) {
            flight.push(piece);
        }
        flight
    }

    #[test]
    fn version_suite_and_chain_are_read_however_they_are_divided() {
        let warning = record(ALERT, &[1, 112]);
        let messages = [
            hello(0x0301, 0x002f, &[0xff, 1, 0, 1, 0]),
            chain(&[b"leaf", b"issuer"]),
            message(CERTIFICATE_REQUEST, b"?"),
        ]
        .concat();
        for record_bytes in [1, 7, 4000] {
            let records: Vec<u8> = messages
                .chunks(record_bytes)
                .flat_map(|content| record(HANDSHAKE, content))
                .collect();
            let octets = [&warning[..], &records, &record(20, &[1])].concat();
            for piece_bytes in [1, 3, 5, 4000] {
                let flight = flight(&octets, piece_bytes);
                assert_eq!(
                    flight.choice(),
                    Some(Choice {
                        version: ProtocolVersion::TLSv1_0,
                        cipher: CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA,
                    })
                );
                let chain = flight.chain().unwrap();
                assert_eq!((&*chain.leaf, chain.chain_length), (&b"leaf"[..], 2));
                assert!(flight.asks_for_certificate());
                assert!(!flight.awaits_certificate());
            }
        }
    }

    #[test]
    fn a_certificate_is_awaited_where_it_can_be_read() {
        let old = hello(0x0302, 0x002f, &[]);
        let new = hello(0x0303, 0x1301, &[0, 43, 0, 2, 3, 4]);
        let whole = chain(&[b"leaf"]);
        let part = &whole[..whole.len() - 1];
        for (messages, awaits) in [
            (vec![], false),
            (old.clone(), true),
            ([&old[..], part].concat(), true),
            ([&old[..], &whole].concat(), false),
            ([old.clone(), message(14, b"")].concat(), false),
            (new, false),
        ] {
            let octets = record(HANDSHAKE, &messages);
            assert_eq!(flight(&octets, 100).awaits_certificate(), awaits);
        }
        let encrypted = [record(HANDSHAKE, &old), record(20, &[1])].concat();
        assert!(!flight(&encrypted, 100).awaits_certificate());
    }

    #[test]
    fn what_is_kept_is_limited() {
        let mut flight = flight(&record(HANDSHAKE, &hello(0x0301, 0x002f, &[])), 100);
        let endless = record(HANDSHAKE, &[0; 16_384]);
        let mut pushed = 0;
        while !flight.over {
            flight.push(&endless);
            pushed += 1;
        }
        assert!(pushed <= MESSAGES_BYTES_MAX / 16_384 + 1);
        flight.push(&endless);
        assert!(flight.messages.len() <= MESSAGES_BYTES_MAX + 16_384);
    }

    proptest! {
        #[test]
        fn no_octets_panic(octets: Vec<u8>, records: Vec<Vec<u8>>) {
            let mut flight = Flight::default();
            for content in &records {
                flight.push(&record(HANDSHAKE, content));
            }
            flight.push(&octets);
            let _ = (flight.choice(), flight.chain(), flight.message_bytes_max());
            let _ = (flight.awaits_certificate(), flight.asks_for_certificate());
        }
    }
}
