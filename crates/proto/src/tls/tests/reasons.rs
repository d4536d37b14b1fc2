//! What messages say of a certificate or a peer that is not accepted.

use canvass_model::Cause;
use rcgen::{PKCS_ECDSA_P521_SHA512, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm};

use super::*;

/// A public RSA key of `bits` bits, with some modulus.
struct RsaKey(Vec<u8>);

impl RsaKey {
    fn new(bits: usize) -> Self {
        let mut modulus = vec![0xc5; bits / 8];
        modulus.insert(0, 0);
        let integer = |content: &[u8]| [&[2, 0x82][..], &length(content), content].concat();
        let content = [integer(&modulus), vec![2, 3, 1, 0, 1]].concat();
        Self([&[0x30, 0x82][..], &length(&content), &content].concat())
    }
}

fn length(content: &[u8]) -> [u8; 2] {
    u16::try_from(content.len()).unwrap().to_be_bytes()
}

impl PublicKeyData for RsaKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

fn fault(options: &TlsOptions, host: &str, credentials: &Credentials) -> (Cause, String) {
    let (client, result) = handshake(options, host, credentials);
    let fault = result.unwrap_err();
    let facts = client.facts();
    assert_eq!(facts.verified, Some(false), "{}", fault.message);
    assert_eq!(facts.verify_error.as_deref(), Some(&*fault.message));
    (fault.cause, fault.message.into())
}

#[test]
fn a_key_of_a_bad_size_is_named_and_its_signature_is_not_blamed() {
    for (bits, cause, message) in [
        (
            1024,
            Cause::WeakKey,
            "the RSA key of the certificate has 1024 bits, fewer than 2048",
        ),
        (
            16_384,
            Cause::BadCertificate,
            "the RSA key of the certificate has 16384 bits, more than the 8192 that are supported",
        ),
    ] {
        let mut credentials = Credentials::good();
        let certificate = leaf_params()
            .signed_by(&RsaKey::new(bits), &TRUSTED)
            .unwrap();
        credentials.chain = vec![certificate.der().clone()];
        assert_eq!(
            fault(&trusting(), "berry.example", &credentials),
            (cause, message.to_owned())
        );
        let insecure = TlsOptions {
            insecure: true,
            ..trusting()
        };
        let (client, result) = handshake(&insecure, "berry.example", &credentials);
        assert_eq!(result, Ok(()));
        assert_eq!(client.facts().verify_error.as_deref(), Some(message));
    }
}

#[test]
fn a_key_of_p521_is_verified() {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap();
    let certificate = leaf_params().signed_by(&key, &*TRUSTED).unwrap();
    let credentials = Credentials {
        chain: vec![certificate.der().clone()],
        pem: certificate.pem(),
        key,
    };
    let (client, result) = handshake(&trusting(), "berry.example", &credentials);
    assert_eq!(result, Ok(()));
    assert_eq!(client.facts().verified, Some(true));
}

#[test]
fn a_handshake_that_is_signed_with_another_key_is_not_verified() {
    let mut credentials = Credentials::good();
    credentials.key = Credentials::good().key;
    assert_eq!(
        fault(&trusting(), "berry.example", &credentials),
        (
            Cause::BadCertificate,
            "the handshake is not signed with the certificate's key".to_owned()
        )
    );
}

#[test]
fn an_authority_of_the_same_name_is_not_taken_for_a_forger() {
    let (namesake, mut identified) = (ca("canvass trusted"), leaf_params());
    identified.use_authority_key_identifier_extension = true;
    for (params, cause, message) in [
        (
            identified,
            Cause::UnknownIssuer,
            "no trusted root leads to the issuer of the certificate (CN=canvass trusted): those of \
             that name have another key",
        ),
        (
            leaf_params(),
            Cause::BadCertificate,
            "the signature of the certificate is not that of its issuer (CN=canvass trusted)",
        ),
    ] {
        let credentials = Credentials::signed_by(&namesake, params);
        assert_eq!(
            fault(&trusting(), "berry.example", &credentials),
            (cause, message.to_owned())
        );
    }
}

#[test]
fn what_is_self_signed_is_so_also_if_a_root_has_its_name() {
    let mut params = leaf_params();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "canvass trusted");
    let message = "the certificate is self-signed (CN=canvass trusted) and not among those trusted";
    let mut alone = Credentials::self_signed(params.clone());
    let twice = Credentials {
        chain: vec![alone.chain[0].clone(), alone.chain[0].clone()],
        pem: alone.pem.clone(),
        key: KeyPair::from_pem(&alone.key.serialize_pem()).unwrap(),
    };
    for credentials in [&alone, &twice] {
        assert_eq!(
            fault(&trusting(), "berry.example", credentials),
            (Cause::UnknownIssuer, message.to_owned())
        );
    }
    // The end of a longer chain.
    let namesake = ca("canvass trusted");
    alone = Credentials::signed_by(&namesake, leaf_params());
    alone.chain.push(namesake.der().clone());
    assert_eq!(
        fault(&trusting(), "berry.example", &alone),
        (
            Cause::UnknownIssuer,
            "the chain ends in a self-signed certificate (CN=canvass trusted) that is not among \
             those trusted"
                .to_owned()
        )
    );
}

#[test]
fn a_name_that_does_not_count_is_named() {
    let signed = |params| Credentials::signed_by(&TRUSTED, params);
    let mut as_name = leaf_params();
    as_name.subject_alt_names = vec![SanType::DnsName("127.0.0.1".try_into().unwrap())];
    let mut by_common_name = leaf_params();
    by_common_name.subject_alt_names = vec![SanType::DnsName("apple.example".try_into().unwrap())];
    let mut nameless = leaf_params();
    nameless.subject_alt_names.clear();
    nameless.distinguished_name = rcgen::DistinguishedName::new();
    for (params, host, message) in [
        (
            as_name,
            "127.0.0.1",
            "the certificate has 127.0.0.1 as a DNS name and not as an IP address, so it is not for \
             that address",
        ),
        (
            by_common_name,
            "berry.example",
            "the certificate is for apple.example, not for berry.example (its common name does not \
             count)",
        ),
        (
            nameless,
            "berry.example",
            "the certificate is for no host, not for berry.example",
        ),
    ] {
        assert_eq!(
            fault(&trusting(), host, &signed(params)),
            (Cause::WrongHost, message.to_owned())
        );
    }
}

/// A record of an alert of level fatal.
fn alert(description: u8) -> Vec<u8> {
    vec![21, 3, 3, 0, 2, 2, description]
}

#[test]
fn an_alert_before_the_hello_says_what_was_offered() {
    for (description, min, max, message) in [
        (
            70,
            TlsVersion::Tls12,
            TlsVersion::Tls13,
            "the peer sent the TLS alert protocol_version: it does not accept TLS 1.2 and 1.3, so \
             it may only have TLS 1.1 or older",
        ),
        (
            70,
            TlsVersion::Tls13,
            TlsVersion::Tls13,
            "the peer sent the TLS alert protocol_version: it does not accept TLS 1.3, so it may \
             only have TLS 1.2 or older",
        ),
        (
            70,
            TlsVersion::Tls12,
            TlsVersion::Tls12,
            "the peer sent the TLS alert protocol_version: it does not accept TLS 1.2",
        ),
        (
            40,
            TlsVersion::Tls12,
            TlsVersion::Tls13,
            "the peer sent the TLS alert handshake_failure: it accepts nothing that was offered \
             (TLS 1.2 and 1.3 with ECDHE key exchange and AEAD ciphers), so it may only have RSA or \
             DHE key exchange, CBC ciphers, or TLS 1.1 or older",
        ),
        (
            112,
            TlsVersion::Tls12,
            TlsVersion::Tls13,
            "the peer sent the TLS alert unrecognized_name",
        ),
    ] {
        let options = TlsOptions {
            version_min: Some(min),
            version_max: Some(max),
            ..trusting()
        };
        let mut client = client(&options, "berry.example");
        let fault = client
            .received(&alert(description), &mut Vec::new())
            .unwrap_err();
        assert_eq!((fault.cause, &*fault.message), (Cause::Alert, message));
    }
}

/// What a server of TLS 1.2 or older sends first, with `certificate`.
fn old_flight(version: [u8; 2], cipher: u16, certificate: &[u8]) -> Vec<u8> {
    let message = |kind: u8, content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[kind], &length[1..], content].concat()
    };
    let hello = [&version[..], &[7; 32], &[0], &cipher.to_be_bytes(), &[0]].concat();
    let sized = |content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&length[1..], content].concat()
    };
    let messages = [
        message(2, &hello),
        message(11, &sized(&sized(certificate))),
        message(14, b""),
    ]
    .concat();
    messages
        .chunks(100)
        .flat_map(|content| [&[22, 3, 1], &length(content)[..], content].concat())
        .collect()
}

#[test]
fn a_server_that_chooses_what_was_not_offered_shows_its_certificate() {
    const RSA_AES128_SHA: u16 = 0x002f;
    let credentials = Credentials::good();
    let mut of_many = leaf_params();
    of_many.subject_alt_names = (0..5000)
        .map(|number| SanType::DnsName(format!("host-{number}.example").try_into().unwrap()))
        .collect();
    let large = Credentials::signed_by(&TRUSTED, of_many);
    let large_bytes = large.chain[0].len() + 6;
    for (version, cipher, credentials, message, shown) in [
        (
            [3, 1],
            RSA_AES128_SHA,
            &credentials,
            "the peer chose TLS 1.0; offered: TLS 1.2 and 1.3".to_owned(),
            (Some("TLSv1.0"), Some("TLS_RSA_WITH_AES_128_CBC_SHA")),
        ),
        (
            [3, 3],
            RSA_AES128_SHA,
            &credentials,
            "the peer chose the cipher suite TLS_RSA_WITH_AES_128_CBC_SHA, which was not offered"
                .to_owned(),
            (Some("TLSv1.2"), Some("TLS_RSA_WITH_AES_128_CBC_SHA")),
        ),
        (
            [3, 3],
            0xc02b,
            &large,
            format!(
                "a handshake message of the peer has {large_bytes} octets; the limit of this side \
                 is 65,535"
            ),
            (
                Some("TLSv1.2"),
                Some("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
            ),
        ),
    ] {
        let flight = old_flight(version, cipher, &credentials.chain[0]);
        for piece_bytes in [1000, usize::MAX] {
            let mut client = client(&trusting(), "berry.example");
            let mut result = Ok(());
            let mut pieces = flight.chunks(piece_bytes.min(flight.len()));
            while let (Ok(()), Some(piece)) = (&result, pieces.next()) {
                result = client.received(piece, &mut Vec::new());
            }
            let fault = result.unwrap_err();
            assert_eq!(fault.cause, Cause::Handshake);
            assert_eq!(*fault.message, *message);
            let facts = client.facts();
            assert_eq!((facts.version, facts.cipher.as_deref()), shown);
            assert_eq!(facts.verified, None);
            assert_eq!(facts.chain_length, 1);
            assert_eq!(&*facts.certificate.unwrap().subject, "CN=berry.example");
            // The peer is told, except of a message that rustls has not read.
            let sent = outgoing(&mut client);
            let alert = sent.last_chunk::<7>().map(|alert| alert[0]);
            assert_eq!(alert == Some(21), cipher == RSA_AES128_SHA, "{message}");
        }
        // It may close the connection before that.
        let mut client = client(&trusting(), "berry.example");
        assert_eq!(client.received(&flight[..250], &mut Vec::new()), Ok(()));
        assert_eq!(*client.ended().unwrap_err().message, *message);
    }
}

#[test]
fn whether_a_response_of_ocsp_came_is_known_with_the_certificate() {
    for versions in [ONLY_12, ONLY_13] {
        for stapled in [false, true] {
            let credentials = Credentials::good();
            let mut config = server_config(&credentials, versions, None);
            let key = aws_lc_rs::sign::any_supported_type(&credentials.private_key()).unwrap();
            let mut shown = CertifiedKey::new(credentials.chain.clone(), key);
            shown.ocsp = stapled.then(|| b"response".to_vec());
            config.cert_resolver = Arc::new(SingleCertAndKey::from(shown));
            let mut client = client(&trusting(), "berry.example");
            assert_eq!(client.facts().ocsp_stapled, None);
            converse(&mut client, &mut Server::new(config), usize::MAX).unwrap();
            assert_eq!(client.facts().ocsp_stapled, Some(stapled));
        }
    }
}
