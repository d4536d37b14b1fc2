use canvass_model::{Cause, TlsFacts};
use rustls::client::Resumption;

use super::*;

fn config(versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
    server_config(&Credentials::good(), versions, None)
}

#[test]
fn versions_and_ciphers_are_told_by_their_registered_names() {
    for (versions, version, cipher) in [
        (BOTH, "TLSv1.3", "TLS_AES_128_GCM_SHA256"),
        (ONLY_13, "TLSv1.3", "TLS_AES_128_GCM_SHA256"),
        (
            ONLY_12,
            "TLSv1.2",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        ),
    ] {
        let mut client = client(&trusting(), "berry.example");
        let mut server = Server::new(config(versions));
        assert_eq!(converse(&mut client, &mut server, usize::MAX), Ok(vec![]));
        let facts = client.facts();
        assert_eq!(facts.version, Some(version));
        assert_eq!(facts.cipher.as_deref(), Some(cipher));
    }
}

#[test]
fn only_the_versions_asked_for_are_spoken() {
    for (min, max, versions, spoken) in [
        (Some(TlsVersion::Tls13), None, BOTH, Ok("TLSv1.3")),
        (None, Some(TlsVersion::Tls12), BOTH, Ok("TLSv1.2")),
        (Some(TlsVersion::Tls13), None, ONLY_12, Err(Cause::Alert)),
        (None, Some(TlsVersion::Tls12), ONLY_13, Err(Cause::Alert)),
    ] {
        let options = TlsOptions {
            version_min: min,
            version_max: max,
            ..trusting()
        };
        let mut client = client(&options, "berry.example");
        let result = converse(&mut client, &mut Server::new(config(versions)), usize::MAX);
        match spoken {
            Ok(version) => {
                assert_eq!(result, Ok(vec![]));
                assert_eq!(client.facts().version, Some(version));
            }
            Err(cause) => {
                let fault = result.unwrap_err();
                assert_eq!(fault.cause, cause);
                let offered = if min.is_some() { "TLS 1.3" } else { "TLS 1.2" };
                let message = format!("alert protocol_version: it does not accept {offered}");
                assert!(fault.message.contains(&message), "{}", fault.message);
                assert_eq!(client.facts().certificate, None);
                assert_eq!(client.facts().verified, None);
            }
        }
    }
}

#[test]
fn an_application_protocol_is_agreed_on_or_refused() {
    let options = TlsOptions {
        alpn: vec!["h2".into(), "http/1.1".into()],
        ..trusting()
    };
    for (spoken, agreed) in [
        (&["http/1.1"][..], Ok(Some("http/1.1"))),
        (&[], Ok(None)),
        (
            &["smtp"],
            Err("the peer sent the TLS alert no_application_protocol"),
        ),
    ] {
        let mut client = client(&options, "berry.example");
        let mut config = config(BOTH);
        config.alpn_protocols = spoken.iter().map(|name| name.as_bytes().to_vec()).collect();
        let result = converse(&mut client, &mut Server::new(config), usize::MAX);
        match agreed {
            Ok(name) => {
                assert_eq!(result, Ok(vec![]));
                assert_eq!(client.facts().alpn.as_deref(), name);
            }
            Err(message) => assert_eq!(&*result.unwrap_err().message, message),
        }
    }
}

#[test]
fn no_session_is_resumed() {
    let server = Arc::new(config(BOTH));
    let options = trusting();
    let shared = TlsClient::new(&options).unwrap();
    for _ in 0..2 {
        let mut client = shared
            .connect(&Host::parse("berry.example").unwrap(), NOW_S)
            .unwrap();
        let mut server = Server::of(&server);
        assert_eq!(converse(&mut client, &mut server, usize::MAX), Ok(vec![]));
        assert_eq!(
            server.connection.handshake_kind(),
            Some(rustls::HandshakeKind::Full)
        );
    }
    // The server would have: another client of the same library resumes there.
    let mut roots = rustls::RootCertStore::empty();
    roots.add(TRUSTED.der().clone()).unwrap();
    let mut config =
        rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    config.resumption = Resumption::default();
    let config = Arc::new(config);
    let kinds = [(); 2].map(|()| {
        let name = "berry.example".try_into().unwrap();
        let mut client = rustls::ClientConnection::new(Arc::clone(&config), name).unwrap();
        let mut server = Server::of(&server);
        loop {
            let mut to_server = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut to_server).unwrap();
            }
            let to_client = server.received(&to_server);
            if to_server.is_empty() && to_client.is_empty() {
                return server.connection.handshake_kind();
            }
            let mut unread = &to_client[..];
            while !unread.is_empty() {
                client.read_tls(&mut unread).unwrap();
                client.process_new_packets().unwrap();
            }
        }
    });
    assert_eq!(kinds[1], Some(rustls::HandshakeKind::Resumed));
}

/// A whole life of a connection whose server's octets are parted after the first `at`. Gives how
/// many there were, what they held, and what was seen.
fn life_parted_at(
    at: usize,
    shared: &TlsClient,
    server: &Arc<ServerConfig>,
) -> (usize, Vec<u8>, TlsFacts) {
    let host = Host::parse("berry.example").unwrap();
    let mut client = shared.connect(&host, NOW_S).unwrap();
    let mut server = Server::of(server);
    let mut plain = Vec::new();
    let mut carried = 0;
    let mut carry = |client: &mut TlsFilter, octets: &[u8]| {
        let here = at.saturating_sub(carried).min(octets.len());
        client.received(&octets[..here], &mut plain).unwrap();
        client.received(&octets[here..], &mut plain).unwrap();
        carried += octets.len();
    };
    client.send(b"question");
    loop {
        let to_server = outgoing(&mut client);
        let to_client = server.received(&to_server);
        if to_server.is_empty() && to_client.is_empty() {
            break;
        }
        carry(&mut client, &to_client);
    }
    assert_eq!(server.plain, b"question");
    server.send(&[b'a'; 40]);
    server.send(&[b'b'; 2]);
    server.connection.send_close_notify();
    let last = server.outgoing();
    carry(&mut client, &last);
    assert_eq!(client.ended(), Ok(true));
    (carried, plain, client.facts())
}

#[test]
fn octets_parted_anywhere_mean_the_same() {
    let shared = TlsClient::new(&trusting()).unwrap();
    for versions in [ONLY_12, ONLY_13] {
        let server = Arc::new(config(versions));
        let (_, _, whole_facts) = life_parted_at(0, &shared, &server);
        assert_eq!(whole_facts.verified, Some(true));
        for at in 1.. {
            let (carried, plain, facts) = life_parted_at(at, &shared, &server);
            assert_eq!(plain, [&[b'a'; 40][..], b"bb"].concat(), "at {at}");
            assert_eq!(facts, whole_facts, "at {at}");
            if at >= carried {
                break;
            }
        }
    }
}

#[test]
fn octets_that_come_one_by_one_mean_the_same() {
    for versions in [ONLY_12, ONLY_13] {
        let mut client = client(&trusting(), "berry.example");
        let mut server = Server::new(config(versions));
        client.send(b"question");
        assert_eq!(converse(&mut client, &mut server, 1), Ok(vec![]));
        assert_eq!(server.plain, b"question");
        server.send(b"answer");
        let mut plain = Vec::new();
        for octet in server.outgoing() {
            client.received(&[octet], &mut plain).unwrap();
        }
        assert_eq!(plain, b"answer");
    }
}

#[test]
fn much_goes_both_ways() {
    let much: Vec<u8> = (0..200_000_u32).map(|number| (number / 7) as u8).collect();
    let mut client = client(&trusting(), "berry.example");
    let mut server = Server::good();
    assert_eq!(converse(&mut client, &mut server, usize::MAX), Ok(vec![]));
    client.send(&much);
    client.send(b"end");
    server.connection.set_buffer_limit(None);
    server.send(&much);
    let answer = converse(&mut client, &mut server, 10_007).unwrap();
    assert!(answer == much);
    assert!(server.plain == [&much[..], b"end"].concat());
}

#[test]
fn an_end_is_a_fault_in_the_handshake_only_and_else_told_by_how_it_came() {
    // In the handshake: before anything came, and in the middle of it.
    for come in [0, 3, 100] {
        let mut client = client(&trusting(), "berry.example");
        let mut server = Server::good();
        let to_client = server.received(&outgoing(&mut client));
        let mut plain = Vec::new();
        client.received(&to_client[..come], &mut plain).unwrap();
        let fault = client.ended().unwrap_err();
        assert_eq!(fault.cause, Cause::Closed);
        assert_eq!(
            &*fault.message,
            "the peer closed the connection in the TLS handshake"
        );
        assert_eq!(client.received(&to_client[come..], &mut plain), Err(fault));
    }
    // After it: with close_notify and without.
    for with_goodbye in [true, false] {
        let mut client = client(&trusting(), "berry.example");
        let mut server = Server::good();
        converse(&mut client, &mut server, usize::MAX).unwrap();
        server.send(b"answer");
        if with_goodbye {
            server.connection.send_close_notify();
        }
        let answer = converse(&mut client, &mut server, usize::MAX);
        assert_eq!(answer.as_deref(), Ok(&b"answer"[..]));
        assert_eq!(client.ended(), Ok(with_goodbye));
    }
}

#[test]
fn a_goodbye_in_the_handshake_does_not_make_its_end_orderly() {
    let mut client = client(&trusting(), "berry.example");
    client
        .received(&[21, 3, 3, 0, 2, 1, 0], &mut Vec::new())
        .unwrap();
    assert_eq!(client.ended().unwrap_err().cause, Cause::Closed);
}

#[test]
fn what_comes_after_the_peers_goodbye_is_ignored() {
    let mut client = client(&trusting(), "berry.example");
    let mut server = Server::good();
    converse(&mut client, &mut server, usize::MAX).unwrap();
    server.send(b"answer");
    server.connection.send_close_notify();
    let mut last = server.outgoing();
    last.extend_from_slice(b"not even TLS");
    let mut plain = Vec::new();
    client.received(&last, &mut plain).unwrap();
    client.received(b"nor this", &mut plain).unwrap();
    assert_eq!(plain, b"answer");
    assert_eq!(client.ended(), Ok(true));
    // The other direction is open still.
    client.send(b"thanks");
    server.received(&outgoing(&mut client));
    assert_eq!(server.plain, b"thanks");
}

#[test]
fn our_goodbye_comes_after_all_that_was_sent_and_what_comes_then_is_read() {
    let mut client = client(&trusting(), "berry.example");
    let mut server = Server::good();
    // Before the handshake is over neither leaves.
    client.send(b"question");
    client.close();
    client.send(b"too late");
    converse(&mut client, &mut server, usize::MAX).unwrap();
    assert_eq!(server.plain, b"question");
    assert_eq!(server.connection.read_tls(&mut &b"x"[..]).unwrap(), 0);
    client.close();
    assert_eq!(outgoing(&mut client), b"");
    server.send(b"answer");
    let answer = converse(&mut client, &mut server, usize::MAX);
    assert_eq!(answer.as_deref(), Ok(&b"answer"[..]));
}
