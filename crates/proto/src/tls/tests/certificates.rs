use canvass_model::{Cause, TlsFacts};
use rcgen::{CustomExtension, date_time_ymd};

use super::*;

/// A certificate of each bad kind, the host it is used for, and the expected cause and message.
fn bad() -> Vec<(Credentials, &'static str, Cause, &'static str)> {
    let mut expired = leaf_params();
    expired.not_before = date_time_ymd(2019, 1, 1);
    expired.not_after = date_time_ymd(2026, 12, 31);
    let mut expired_and_wrong = leaf_params();
    expired_and_wrong.not_after = date_time_ymd(2027, 1, 15);
    let mut early = leaf_params();
    early.not_before = date_time_ymd(2027, 2, 3);
    let mut ca_like = leaf_params();
    ca_like.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let mut for_clients = leaf_params();
    for_clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let mut nameless = leaf_params();
    nameless.subject_alt_names.clear();
    let mut of_many = leaf_params();
    of_many.subject_alt_names = (0..7)
        .map(|number| SanType::DnsName(format!("h{number}.example").try_into().unwrap()))
        .collect();
    let mut strange = leaf_params();
    let mut extension =
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
    extension.set_criticality(true);
    strange.custom_extensions.push(extension);
    let signed = |params| Credentials::signed_by(&TRUSTED, params);
    vec![
        (
            signed(expired),
            "berry.example",
            Cause::Expired,
            "the certificate expired on 2026-12-31T00:00:00Z, 15 days ago",
        ),
        (
            signed(expired_and_wrong),
            "apple.example",
            Cause::Expired,
            "the certificate expired on 2027-01-15T00:00:00Z, 1 day ago; the certificate is for \
             berry.example, 127.0.0.1, 2001:db8::1, not for apple.example",
        ),
        (
            signed(early),
            "berry.example",
            Cause::NotYetValid,
            "the certificate is not valid before 2027-02-03T00:00:00Z",
        ),
        (
            signed(leaf_params()),
            "apple.example",
            Cause::WrongHost,
            "the certificate is for berry.example, 127.0.0.1, 2001:db8::1, not for apple.example",
        ),
        (
            signed(leaf_params()),
            "127.0.0.2",
            Cause::WrongHost,
            "the certificate is for berry.example, 127.0.0.1, 2001:db8::1, not for 127.0.0.2",
        ),
        (
            signed(nameless),
            "berry.example",
            Cause::WrongHost,
            "the certificate has no subject alternative name, and its common name berry.example does \
             not count, so it is not for berry.example",
        ),
        (
            signed(of_many),
            "berry.example",
            Cause::WrongHost,
            "the certificate is for h0.example, h1.example, h2.example, h3.example, h4.example \
             and 2 more, not for berry.example (its common name does not count)",
        ),
        (
            Credentials::self_signed(leaf_params()),
            "berry.example",
            Cause::UnknownIssuer,
            "the certificate is self-signed (CN=berry.example) and not among those trusted",
        ),
        (
            Credentials::self_signed(ca_like),
            "berry.example",
            Cause::UnknownIssuer,
            "the certificate is self-signed (CN=berry.example) and not among those trusted",
        ),
        (
            Credentials::signed_by(&OTHER, leaf_params()),
            "berry.example",
            Cause::UnknownIssuer,
            "no trusted root leads to the certificate's issuer (CN=canvass other)",
        ),
        (
            signed(for_clients),
            "berry.example",
            Cause::BadCertificate,
            "the certificate is not for servers",
        ),
        (
            signed(strange),
            "berry.example",
            Cause::BadCertificate,
            "a certificate of the chain has a critical extension that is not supported",
        ),
    ]
}

#[test]
fn a_good_certificate_is_verified_by_name_and_by_address() {
    let credentials = Credentials::good();
    for host in [
        "berry.example",
        "berry.example.",
        "127.0.0.1",
        "2001:db8::1",
    ] {
        let (client, result) = handshake(&trusting(), host, &credentials);
        assert_eq!(result, Ok(()), "{host}");
        assert!(!client.is_handshaking());
        let facts = client.facts();
        assert_eq!((facts.verified, facts.verify_error), (Some(true), None));
    }
}

#[test]
fn bad_certificates_are_faults_and_their_facts_are_kept() {
    for (credentials, host, cause, message) in bad() {
        let (client, result) = handshake(&trusting(), host, &credentials);
        let fault = result.unwrap_err();
        assert_eq!((fault.cause, &*fault.message), (cause, message));
        // With a certificate that cannot be read, nothing can be checked that it signed.
        let readable = !message.contains("critical extension");
        assert_eq!(!client.is_handshaking(), readable, "{message}");
        let facts = client.facts();
        assert_eq!(facts.version, Some("TLSv1.3"));
        assert_eq!(facts.verified, Some(false));
        assert_eq!(facts.verify_error.as_deref(), Some(message));
        assert_eq!(facts.chain_length, 1);
        let certificate = facts.certificate.unwrap();
        assert_eq!(&*certificate.subject, "CN=berry.example");
    }
}

#[test]
fn with_insecure_bad_certificates_are_told_and_are_no_fault() {
    let options = TlsOptions {
        insecure: true,
        ..trusting()
    };
    for versions in [ONLY_12, ONLY_13] {
        for (credentials, host, _, message) in bad() {
            let mut client = client(&options, host);
            let mut server = Server::new(server_config(&credentials, versions, None));
            client.send(b"question");
            server.send(b"answer");
            let answer = converse(&mut client, &mut server, usize::MAX);
            assert_eq!(answer.as_deref(), Ok(&b"answer"[..]), "{message}");
            assert_eq!(server.plain, b"question");
            let facts = client.facts();
            assert_eq!(facts.verified, Some(false));
            assert_eq!(facts.verify_error.as_deref(), Some(message));
        }
    }
}

#[test]
fn nothing_is_said_to_a_refused_server_but_goodbye() {
    for versions in [ONLY_12, ONLY_13] {
        let mut client = client(&trusting(), "apple.example");
        let mut server = Server::new(server_config(&Credentials::good(), versions, None));
        client.send(b"secret");
        server.send(b"early");
        let fault = converse(&mut client, &mut server, usize::MAX).unwrap_err();
        assert_eq!(fault.cause, Cause::WrongHost);
        client.send(b"secret");
        client.close();
        assert_eq!(outgoing(&mut client), b"");
        assert!(server.plain.is_empty());
        assert_eq!(server.error, None);
        // The goodbye is no fault: the end after it is in good order.
        assert_eq!(server.connection.read_tls(&mut &b"x"[..]).unwrap(), 0);
        // The fault is returned again.
        assert_eq!(client.received(b"", &mut Vec::new()), Err(fault.clone()));
        assert_eq!(client.ended(), Err(fault));
    }
}

#[test]
fn certificates_given_by_name_are_trusted_as_they_are() {
    let mut ca_like = leaf_params();
    ca_like.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    for params in [leaf_params(), ca_like] {
        let verify = |host, not_before, not_after| {
            let mut params = params.clone();
            params.not_before = not_before;
            params.not_after = not_after;
            let credentials = Credentials::self_signed(params);
            let options = TlsOptions {
                ca: Some(pem("own.pem", &credentials.pem)),
                ..TlsOptions::default()
            };
            let (_, result) = handshake(&options, host, &credentials);
            result.map_err(|fault| fault.cause)
        };
        let (past, future) = (date_time_ymd(2020, 1, 1), date_time_ymd(2030, 1, 1));
        assert_eq!(verify("berry.example", past, future), Ok(()));
        assert_eq!(verify("apple.example", past, future), Err(Cause::WrongHost));
        assert_eq!(verify("berry.example", past, past), Err(Cause::Expired));
        assert_eq!(
            verify("berry.example", future, future),
            Err(Cause::NotYetValid)
        );
    }
}

#[test]
fn chains_are_followed_and_counted_and_issuers_have_their_time_too() {
    let middle = |not_after| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "middle");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = not_after;
        CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &*TRUSTED).unwrap()
    };
    for (not_after, fault) in [
        (date_time_ymd(2030, 1, 1), None),
        (
            date_time_ymd(2027, 1, 1),
            Some("the certificate of an issuer expired on 2027-01-01T00:00:00Z, 14 days ago"),
        ),
    ] {
        let middle = middle(not_after);
        let mut credentials = Credentials::signed_by(&middle, leaf_params());
        credentials.chain.push(middle.der().clone());
        let (client, result) = handshake(&trusting(), "berry.example", &credentials);
        assert_eq!(result.err().as_ref().map(|fault| &*fault.message), fault);
        let facts = client.facts();
        assert_eq!(facts.chain_length, 2);
        assert_eq!(&*facts.certificate.unwrap().issuer, "CN=middle");
    }
}

#[test]
fn the_facts_are_those_of_the_certificate() {
    let mut params = leaf_params();
    params.not_before = date_time_ymd(2027, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 25);
    let credentials = Credentials::signed_by(&TRUSTED, params);
    let (client, _) = handshake(&trusting(), "berry.example", &credentials);
    let certificate = client.facts().certificate.unwrap();
    assert_eq!(&*certificate.issuer, "CN=canvass trusted");
    let names: Vec<&str> = certificate
        .subject_alt_names
        .iter()
        .map(|name| &**name)
        .collect();
    assert_eq!(names, ["berry.example", "127.0.0.1", "2001:db8::1"]);
    assert_eq!(certificate.not_before_s, 1_798_761_600);
    assert_eq!(certificate.not_after_s, 1_800_835_200);
    // Nine days and sixteen hours.
    assert_eq!(certificate.days_left, 9);
    let sha256: [u8; 32] = sha2::Digest::finalize(sha2::Digest::chain_update(
        <sha2::Sha256 as sha2::Digest>::new(),
        &credentials.chain[0],
    ))
    .into();
    assert_eq!(certificate.sha256, sha256);
}

#[test]
fn days_are_whole_also_when_they_are_over() {
    const DAY_S: i64 = 86_400;
    for (left_s, days) in [
        (10 * DAY_S, 10),
        (DAY_S - 1, 0),
        (0, 0),
        (-1, -1),
        (-DAY_S, -1),
        (1 - 2 * DAY_S, -1),
        (-2 * DAY_S, -2),
    ] {
        assert_eq!(super::super::facts::days_left(NOW_S + left_s, NOW_S), days);
    }
}

#[test]
fn before_the_server_speaks_nothing_is_known() {
    assert_eq!(
        client(&trusting(), "berry.example").facts(),
        TlsFacts::default()
    );
}

#[test]
fn connections_of_one_client_do_not_mix() {
    let shared = TlsClient::new(&trusting()).unwrap();
    let hosts = ["berry.example", "apple.example", "127.0.0.1"];
    let mut pairs = hosts.map(|host| {
        let host = Host::parse(host).unwrap();
        (shared.connect(&host, NOW_S).unwrap(), Server::good())
    });
    let mut causes = [None; 3];
    // Each takes one octet in turn, also on other threads.
    let mut pieces: Vec<_> = pairs
        .iter_mut()
        .map(|(client, server)| server.received(&outgoing(client)).into_iter())
        .collect();
    while pieces.iter().any(|piece| piece.len() > 0) {
        std::thread::scope(|scope| {
            for (((client, _), piece), cause) in pairs.iter_mut().zip(&mut pieces).zip(&mut causes)
            {
                scope.spawn(move || {
                    for octet in piece.take(97) {
                        let result = client.received(&[octet], &mut Vec::new());
                        *cause = result.err().map(|fault| fault.cause);
                    }
                });
            }
        });
    }
    assert_eq!(causes, [None, Some(Cause::WrongHost), None]);
    let verified = pairs.map(|(client, _)| client.facts().verified);
    assert_eq!(verified, [Some(true), Some(false), Some(true)]);
}

#[test]
fn names_are_asked_for_and_addresses_are_not() {
    let named = TlsOptions {
        server_name: Some("berry.example".into()),
        ..trusting()
    };
    for (options, host, asked_for) in [
        (trusting(), "berry.example", Some("berry.example")),
        (trusting(), "127.0.0.1", None),
        (named.clone(), "apple.example", Some("berry.example")),
        (named, "192.0.2.1", Some("berry.example")),
    ] {
        let mut client = client(&options, host);
        let mut server = Server::good();
        assert_eq!(converse(&mut client, &mut server, usize::MAX), Ok(vec![]));
        assert_eq!(server.connection.server_name(), asked_for);
    }
}
