use std::io::{Read, Write};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, Error, RootCertStore};

use super::*;
use crate::impairment::Impairments;
use crate::service::{PAGE, ServiceKind};
use crate::services::Services;

const LOCALHOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

fn services(impairments: &str) -> Services {
    // The client checks certificates against the system clock.
    let unix = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    Services::new(ServiceKind::ALL, impairments.parse().unwrap(), unix).unwrap()
}

/// Returns all output from `now` on and how it ends, and advances the clock where the session
/// waits.
fn read_all(
    session: &mut ServiceSession,
    now: &mut Time,
    activity: &mut Activity,
) -> (Vec<u8>, Output) {
    let mut received = Vec::new();
    loop {
        match session.poll(*now, &mut received, activity) {
            Output::Send => {}
            Output::Wait(until) => {
                assert!(until > *now);
                *now = until;
            }
            end => return (received, end),
        }
    }
}

/// Returns the output for one request, how it ends, and when.
fn ask(impairments: &str, kind: ServiceKind, request: &[u8]) -> (Vec<u8>, Output, Duration) {
    let mut services = services(impairments);
    let (mut now, mut activity) = (Time::ZERO, Activity::default());
    let mut session = services.open(now, kind, LOCALHOST);
    session.received(now, request);
    let (received, end) = read_all(&mut session, &mut now, &mut activity);
    (received, end, now.since(Time::ZERO))
}

/// A client that trusts the lab's authority.
fn client(services: &Services, name: &str, with_certificate: bool) -> ClientConnection {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    let ca = services.ca_pem().unwrap();
    roots
        .add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap())
        .unwrap();
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = if with_certificate {
        let pem = services.client_pem().unwrap();
        let chain = vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
        builder.with_client_auth_cert(chain, key).unwrap()
    } else {
        builder.with_no_client_auth()
    };
    let name = ServerName::try_from(name.to_owned()).unwrap();
    ClientConnection::new(Arc::new(config), name).unwrap()
}

/// What a client received.
#[derive(Debug)]
struct Exchange {
    plain: Vec<u8>,
    error: Option<Error>,
    end: Output,
    took: Duration,
}

/// Sends a request over TLS, with one clock for client and session.
fn converse(mut client: ClientConnection, mut session: ServiceSession, request: &[u8]) -> Exchange {
    let (mut now, mut activity) = (Time::ZERO, Activity::default());
    let mut exchange = Exchange {
        plain: Vec::new(),
        error: None,
        end: Output::Idle,
        took: Duration::ZERO,
    };
    client.writer().write_all(request).unwrap();
    loop {
        let mut sent = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut sent).unwrap();
        }
        session.received(now, &sent);
        let (received, end) = read_all(&mut session, &mut now, &mut activity);
        (exchange.end, exchange.took) = (end, now.since(Time::ZERO));
        let mut rest = received.as_slice();
        while !rest.is_empty() && exchange.error.is_none() {
            client.read_tls(&mut rest).unwrap();
            exchange.error = client.process_new_packets().err();
            let _ = client.reader().read_to_end(&mut exchange.plain);
        }
        if sent.is_empty() && received.is_empty() || end != Output::Idle || exchange.error.is_some()
        {
            return exchange;
        }
    }
}

fn handshake(name: &str) -> Exchange {
    let mut services = services("");
    let client = client(&services, name, false);
    let session = services.open(Time::ZERO, ServiceKind::Https, LOCALHOST);
    converse(client, session, REQUEST)
}

#[test]
fn good_names_are_served() {
    for name in [
        "good.lab.test",
        "localhost",
        "chain.lab.test",
        "tls12.lab.test",
        "tls13.lab.test",
        "any.lab.test",
        "127.0.0.1",
    ] {
        let exchange = handshake(name);
        assert!(
            exchange.plain.ends_with(PAGE.as_bytes()),
            "{name}: {exchange:?}"
        );
        assert_eq!(exchange.end, Output::Close, "{name}");
    }
}

#[test]
fn bad_certificates_have_the_described_errors() {
    let error = |name: &str| match handshake(name).error {
        Some(Error::InvalidCertificate(error)) => error,
        other => panic!("{name}: {other:?}"),
    };
    assert!(matches!(
        error("expired.lab.test"),
        CertificateError::ExpiredContext { .. }
    ));
    assert!(matches!(
        error("notyet.lab.test"),
        CertificateError::NotValidYetContext { .. }
    ));
    assert!(matches!(
        error("wronghost.lab.test"),
        CertificateError::NotValidForNameContext { .. }
    ));
    assert!(matches!(
        error("purpose.lab.test"),
        CertificateError::InvalidPurposeContext { .. }
    ));
    for name in [
        "selfsigned.lab.test",
        "unknownissuer.lab.test",
        "nochain.lab.test",
    ] {
        assert_eq!(error(name), CertificateError::UnknownIssuer, "{name}");
    }
}

#[test]
fn faulty_handshakes_end_as_described() {
    for (name, end) in [
        ("reset.lab.test", Output::Reset),
        ("close.lab.test", Output::Close),
        ("hang.lab.test", Output::Idle),
    ] {
        let exchange = handshake(name);
        assert!(
            exchange.error.is_none() && exchange.plain.is_empty(),
            "{name}"
        );
        assert_eq!(exchange.end, end, "{name}");
    }
    let alert = handshake("alert.lab.test");
    assert!(matches!(
        alert.error,
        Some(Error::AlertReceived(
            rustls::AlertDescription::HandshakeFailure
        ))
    ));
    let plain = handshake("notls.lab.test");
    assert!(matches!(plain.error, Some(Error::InvalidMessage(_))));
}

#[test]
fn a_slow_handshake_takes_half_a_second_and_succeeds() {
    let exchange = handshake("slow.lab.test");
    assert!(exchange.plain.ends_with(PAGE.as_bytes()), "{exchange:?}");
    assert_eq!(exchange.took, Duration::from_millis(500));
}

#[test]
fn a_client_certificate_is_required() {
    for with_certificate in [false, true] {
        let mut services = services("");
        let client = client(&services, "clientcert.lab.test", with_certificate);
        let session = services.open(Time::ZERO, ServiceKind::Https, LOCALHOST);
        let exchange = converse(client, session, REQUEST);
        assert_eq!(
            exchange.plain.ends_with(PAGE.as_bytes()),
            with_certificate,
            "{exchange:?}"
        );
        assert_eq!(exchange.error.is_none(), with_certificate);
    }
}

#[test]
fn every_loopback_address_has_a_certificate_for_it() {
    for (name, server, good) in [
        ("127.0.0.9", [127, 0, 0, 9], true),
        ("127.200.3.4", [127, 200, 3, 4], true),
        ("127.0.0.9", [127, 0, 0, 8], false),
    ] {
        let mut services = services("");
        let client = client(&services, name, false);
        let session = services.open(Time::ZERO, ServiceKind::Https, server.into());
        let exchange = converse(client, session, REQUEST);
        assert_eq!(exchange.error.is_none(), good, "{name} {server:?}");
    }
}

#[test]
fn plain_text_at_a_tls_port_gets_an_alert() {
    let (received, end, _) = ask("", ServiceKind::Https, REQUEST);
    assert_eq!((received.first(), end), (Some(&21), Output::Close));
}

#[test]
fn starttls_begins_a_handshake() {
    for (kind, command, ready, then) in [
        (ServiceKind::Pop3, "STLS\r\n", "+OK begin", "+OK capability"),
        (ServiceKind::Imap, "a STARTTLS\r\n", "a OK begin", "x BAD"),
        (
            ServiceKind::Smtp,
            "STARTTLS\r\n",
            "220 ready",
            "500 unknown",
        ),
    ] {
        let mut services = services("");
        let (mut now, mut activity) = (Time::ZERO, Activity::default());
        let mut session = services.open(now, kind, LOCALHOST);
        let (greeting, _) = read_all(&mut session, &mut now, &mut activity);
        assert!(!greeting.is_empty());
        // Input in the clear after the command is discarded.
        session.received(now, format!("{command}QUIT\r\n").as_bytes());
        let (received, end) = read_all(&mut session, &mut now, &mut activity);
        assert!(received.starts_with(ready.as_bytes()), "{kind}");
        assert_eq!(end, Output::Idle);
        let client = client(&services, "good.lab.test", false);
        let word = if kind == ServiceKind::Pop3 {
            "CAPA"
        } else {
            "x y"
        };
        let exchange = converse(client, session, format!("{word}\r\n").as_bytes());
        let received = String::from_utf8(exchange.plain).unwrap();
        assert!(received.starts_with(then), "{kind}: {received}");
        assert!(!received.contains("STLS"));
        assert_eq!(exchange.end, Output::Idle);
    }
}

#[test]
fn a_line_service_over_tls_greets_after_the_handshake() {
    let mut services = services("");
    let client = client(&services, "good.lab.test", false);
    let session = services.open(Time::ZERO, ServiceKind::Pop3s, LOCALHOST);
    let exchange = converse(client, session, b"QUIT\r\n");
    assert!(
        exchange.plain.starts_with(b"+OK canvass-lab") && exchange.plain.ends_with(b"+OK bye\r\n")
    );
    assert_eq!(exchange.end, Output::Close);
}

#[test]
fn replies_are_delayed_and_the_delay_is_recorded() {
    let mut services = services("delay=20ms");
    let (mut now, mut activity) = (Time::ZERO, Activity::default());
    let mut session = services.open(now, ServiceKind::Pop3, LOCALHOST);
    read_all(&mut session, &mut now, &mut activity);
    session.received(now, b"NOOP\r\n");
    read_all(&mut session, &mut now, &mut activity);
    let delay = Duration::from_millis(20);
    assert_eq!(now, Time::ZERO + delay + delay);
    assert_eq!(
        activity.delays.as_slice(),
        [(Time::ZERO, delay), (Time::ZERO + delay, delay)]
    );
}

#[test]
fn delays_vary_with_the_seed() {
    let took = |seed| {
        ask(
            &format!("delay=20ms,jitter=10ms,late=50%,seed={seed}"),
            ServiceKind::Http,
            REQUEST,
        )
        .2
    };
    let all: Vec<Duration> = (0..20).map(took).collect();
    assert_eq!(took(3), all[3]);
    assert!(all.iter().any(|span| *span > Duration::from_secs(3)));
    assert!(all.iter().any(|span| *span <= Duration::from_millis(30)));
    assert!(all.iter().all(|span| *span >= Duration::from_millis(10)));
}

#[test]
fn connections_are_cut_at_every_octet() {
    let (whole, _, _) = ask("", ServiceKind::Http, REQUEST);
    for at in 0..=whole.len() {
        for (key, end) in [("reset-at", Output::Reset), ("close-at", Output::Close)] {
            let (received, how, _) = ask(&format!("{key}={at}"), ServiceKind::Http, REQUEST);
            assert_eq!(
                (received.as_slice(), how),
                (&whole[..at], end),
                "{key}={at}"
            );
        }
    }
}

#[test]
fn a_trickle_spreads_all_octets() {
    let (whole, _, _) = ask("", ServiceKind::Http, REQUEST);
    let (received, end, took) = ask("trickle=2ms", ServiceKind::Http, REQUEST);
    assert_eq!((received, end), (whole.clone(), Output::Close));
    assert_eq!(took, Duration::from_millis(2) * (whole.len() as u32 - 1));
}

#[test]
fn silent_and_dead_servers_accept_and_send_nothing() {
    for impairments in ["tcp-silent", "dead=127.0.0.0/8", "outage=1s"] {
        let mut services = services(impairments);
        let mut session = services.open(Time::ZERO, ServiceKind::Fortune, LOCALHOST);
        session.received(Time::ZERO, REQUEST);
        let (mut out, mut activity) = (Vec::new(), Activity::default());
        let mut poll =
            |session: &mut ServiceSession| session.poll(Time::ZERO, &mut out, &mut activity);
        assert_eq!(poll(&mut session), Output::Idle, "{impairments}");
        session.ended();
        assert_eq!(poll(&mut session), Output::Close, "{impairments}");
        assert!(out.is_empty());
    }
}

#[test]
fn datagrams_are_answered_lost_and_doubled() {
    let answer = |impairments: &str, kind| {
        let mut out = Vec::new();
        let plan = services(impairments).answer(Time::ZERO, kind, LOCALHOST, b"ping", &mut out);
        (plan.map(|plan| (plan.copies, plan.delay)), out)
    };
    let none = Duration::ZERO;
    assert_eq!(
        answer("", ServiceKind::Echo),
        (Some((1, none)), b"ping".to_vec())
    );
    assert_eq!(
        answer("duplicate=100%", ServiceKind::Echo).0,
        Some((2, none))
    );
    assert_eq!(
        answer("delay=5ms", ServiceKind::Time).0,
        Some((1, Duration::from_millis(5)))
    );
    for (impairments, kind) in [
        ("loss=100%", ServiceKind::Echo),
        ("dead=127.0.0.1", ServiceKind::Echo),
        ("", ServiceKind::Http),
    ] {
        assert_eq!(answer(impairments, kind), (None, vec![]), "{impairments}");
    }
}

#[test]
fn the_time_is_skewed() {
    let unix = Duration::from_secs(1_000_000);
    for (skew, expected) in [
        (0, 2_209_988_800u32),
        (-3600, 2_209_985_200),
        (90, 2_209_988_890),
    ] {
        let impairments = Impairments {
            time_skew_s: skew,
            ..Impairments::default()
        };
        let mut services = Services::new(&[ServiceKind::Time], impairments, unix).unwrap();
        let mut out = Vec::new();
        services.answer(Time::ZERO, ServiceKind::Time, LOCALHOST, b"", &mut out);
        assert_eq!(out, expected.to_be_bytes());
    }
}
