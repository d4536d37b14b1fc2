use canvass_model::{Cause, TlsFacts};
use proptest::prelude::*;
use rcgen::CustomExtension;

use super::*;

#[test]
fn what_is_not_tls_is_shown() {
    for (came, shown) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"[..],
            "HTTP/1.1 400 Bad Request",
        ),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "SSH-2.0-OpenSSH_9.2p1"),
        (b"220 mail.example ESMTP\r\n", "220 mail.example ESMTP"),
        (
            b"\x00\x01\x02\x03\x04\x05",
            "\\x00\\x01\\x02\\x03\\x04\\x05",
        ),
        (b"no\n", "no"),
        (b"\x16HTTP/", "\\x16HTTP/"),
    ] {
        let mut client = client(&trusting(), "berry.example");
        // Too little to decide is reported at the end.
        let fault = client
            .received(came, &mut Vec::new())
            .and_then(|()| client.ended().map(drop))
            .unwrap_err();
        assert_eq!(fault.cause, Cause::Handshake);
        assert_eq!(
            &*fault.message,
            format!("the peer answered \"{shown}\", which is not TLS")
        );
        assert_eq!(client.facts(), TlsFacts::default());
    }
}

#[test]
fn a_broken_record_is_a_fault_of_the_handshake_or_of_the_answer_and_the_peer_is_told() {
    let mut early = client(&trusting(), "berry.example");
    let fault = early
        .received(&[22, 3, 3, 0, 4, 2, 0, 0, 0], &mut Vec::new())
        .unwrap_err();
    assert_eq!(fault.cause, Cause::Handshake);
    let mut late = client(&trusting(), "berry.example");
    let mut server = Server::good();
    converse(&mut late, &mut server, usize::MAX).unwrap();
    server.send(b"answer");
    let mut record = server.outgoing();
    *record.last_mut().unwrap() ^= 1;
    let fault = late.received(&record, &mut Vec::new()).unwrap_err();
    assert_eq!(fault.cause, Cause::Malformed);
    assert_eq!(
        &*fault.message,
        "a TLS record of the peer cannot be decrypted"
    );
    assert_eq!(late.facts().verified, Some(true));
    server.received(&outgoing(&mut late));
    assert_eq!(
        server.error,
        Some(rustls::Error::AlertReceived(
            rustls::AlertDescription::BadRecordMac
        ))
    );
}

#[test]
fn a_handshake_that_is_not_signed_with_the_certificates_key_is_refused() {
    let mut shown = Credentials::good();
    shown.key = Credentials::good().key;
    for (insecure, result) in [(false, Err(Cause::BadCertificate)), (true, Ok(()))] {
        let options = TlsOptions {
            insecure,
            ..trusting()
        };
        for versions in [ONLY_12, ONLY_13] {
            let mut client = client(&options, "berry.example");
            let mut server = Server::new(server_config(&shown, versions, None));
            let end = converse(&mut client, &mut server, usize::MAX);
            assert_eq!(end.map(drop).map_err(|fault| fault.cause), result);
            let facts = client.facts();
            assert_eq!(&*facts.certificate.unwrap().subject, "CN=berry.example");
        }
    }
}

#[test]
fn a_certificate_that_cannot_be_read_in_full_is_no_hindrance_to_the_insecure() {
    let mut params = leaf_params();
    let mut extension =
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
    extension.set_criticality(true);
    params.custom_extensions.push(extension);
    let strange = Credentials::signed_by(&TRUSTED, params);
    for (insecure, result) in [(false, Err(Cause::BadCertificate)), (true, Ok(()))] {
        let options = TlsOptions {
            insecure,
            ..trusting()
        };
        for versions in [ONLY_12, ONLY_13] {
            let mut client = client(&options, "berry.example");
            let mut server = Server::new(server_config(&strange, versions, None));
            let end = converse(&mut client, &mut server, usize::MAX);
            assert_eq!(end.map(drop).map_err(|fault| fault.cause), result);
        }
    }
}

/// The outer type of an encrypted record.
const APPLICATION_DATA: u8 = 23;

/// Whether what is `at` there is an octet of a record's header that nothing depends on: the version
/// (RFC 8446 §5.1), and the outer type of what is encrypted, whose true type is inside (§5.2).
fn is_idle_header(mut flight: &[u8], mut at: usize) -> bool {
    while let [outer_type, _, _, high, low, ..] = flight {
        let length = 5 + usize::from(u16::from_be_bytes([*high, *low]));
        if at < length {
            return matches!(at, 1 | 2) || at == 0 && *outer_type == APPLICATION_DATA;
        }
        at -= length;
        flight = &flight[length..];
    }
    false
}

proptest! {
    #[test]
    fn no_octets_panic(octets: Vec<u8>, pieces in 1..50_usize) {
        let mut client = client(&trusting(), "berry.example");
        let mut plain = Vec::new();
        for piece in octets.chunks(pieces) {
            let _ = client.received(piece, &mut plain);
        }
        prop_assert!(plain.is_empty());
        prop_assert!(client.ended().is_err());
    }

    #[test]
    fn no_records_panic(
        records in prop::collection::vec((20..=24_u8, any::<Vec<u8>>()), 0..10),
    ) {
        let mut client = client(&trusting(), "berry.example");
        let mut plain = Vec::new();
        for (kind, content) in records {
            let length = u16::try_from(content.len()).unwrap().to_be_bytes();
            let _ = client.received(&[&[kind, 3, 3], &length[..], &content].concat(), &mut plain);
        }
        prop_assert!(plain.is_empty());
    }

    #[test]
    fn a_server_that_is_tampered_with_is_never_believed(
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
        tls13: bool,
    ) {
        let mut client = client(&trusting(), "berry.example");
        let mut server = Server::new(server_config(
            &Credentials::good(),
            if tls13 { ONLY_13 } else { ONLY_12 },
            None,
        ));
        client.send(b"question");
        let mut flight = server.received(&outgoing(&mut client));
        let at = at.index(flight.len());
        let harmless = is_idle_header(&flight, at);
        flight[at] ^= flip;
        let mut plain = Vec::new();
        let result = client.received(&flight, &mut plain);
        let rest = converse(&mut client, &mut server, usize::MAX);
        prop_assert!(harmless || result.is_err() || rest.is_err() || client.is_handshaking());
        prop_assert!(harmless || server.plain.is_empty());
        prop_assert!(plain.is_empty());
    }
}
