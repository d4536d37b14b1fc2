//! Handshakes with proxies, with the octets divided in every way.

use canvass_model::{Cause, Host};

use super::*;

fn endpoint(host: &str) -> Endpoint {
    Endpoint {
        host: Host::parse(host).unwrap(),
        port: 443,
    }
}

/// What was sent, and how it ended: how many octets of the answers were taken, or the fault.
type Course = (Vec<u8>, Result<Option<usize>, TunnelFault>);

/// A handshake in which the proxy sends `answers` in pieces that end at these positions.
fn course(proxy: &str, host: &str, answers: &[u8], ends: &[usize]) -> Course {
    let proxy = Proxy::parse(proxy).unwrap();
    let mut sent = Vec::new();
    let mut tunnel = Tunnel::begin(&proxy, endpoint(host), &mut sent);
    let mut start = 0;
    for end in ends.iter().copied().chain([answers.len()]) {
        match tunnel.received(&answers[start..end], &mut sent) {
            Ok(TunnelProgress::Pending) => start = end,
            Ok(TunnelProgress::Open(taken)) => return (sent, Ok(Some(start + taken))),
            Err(fault) => return (sent, Err(fault)),
        }
    }
    (sent, Ok(None))
}

/// The same for every place of a cut, and for octets one by one.
#[track_caller]
fn every_course(proxy: &str, host: &str, answers: &[u8]) -> Course {
    let whole = course(proxy, host, answers, &[]);
    for cut in 0..=answers.len() {
        assert_eq!(course(proxy, host, answers, &[cut]), whole, "cut at {cut}");
    }
    let ends: Vec<_> = (0..answers.len()).collect();
    assert_eq!(course(proxy, host, answers, &ends), whole);
    whole
}

#[track_caller]
fn fault(proxy: &str, answers: &[u8]) -> (Cause, String) {
    let fault = every_course(proxy, "a.test", answers).1.unwrap_err();
    (fault.cause, fault.message.into())
}

#[test]
fn connect_opens_a_tunnel_and_leaves_the_rest() {
    for answer in [
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
    ] {
        let answers = format!("{answer}220 hello\r\n");
        let (sent, end) = every_course("http://proxy.test:3128", "a.test", answers.as_bytes());
        assert_eq!(end, Ok(Some(answer.len())), "{answer}");
        let sent = String::from_utf8(sent).unwrap();
        let head = "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nUser-Agent: canvass/";
        assert!(
            sent.starts_with(head) && sent.ends_with("\r\n\r\n"),
            "{sent}"
        );
        assert!(!sent.contains("Proxy-Authorization"));
    }
    let (sent, _) = course("http://u%40:p@proxy.test", "2001:db8::1", b"", &[]);
    let sent = String::from_utf8(sent).unwrap();
    assert!(sent.starts_with("CONNECT [2001:db8::1]:443 "), "{sent}");
    assert!(
        sent.contains("\r\nProxy-Authorization: Basic dUA6cA==\r\n"),
        "{sent}"
    );
}

#[test]
fn a_refusal_of_connect_is_named() {
    let proxy = "http://u:secret@proxy.test:3128";
    for (answer, cause, part) in [
        (
            "HTTP/1.1 407 Who?\r\nContent-Length: 5\r\n\r\n",
            Cause::Proxy,
            "407 (it wants a user",
        ),
        (
            "HTTP/1.1 502 Bad\r\n\r\n",
            Cause::Proxy,
            "502 (it could not connect)",
        ),
        (
            "HTTP/1.1 302 Go\r\nLocation: /\r\n\r\n",
            Cause::Proxy,
            "with 302",
        ),
        ("SSH-2.0-x\r\n", Cause::Malformed, "sent no valid answer"),
    ] {
        let (found, message) = fault(proxy, answer.as_bytes());
        assert_eq!(found, cause, "{answer}");
        assert!(message.contains(part), "{message}");
        let start = "the proxy http://proxy.test:3128, asked to connect to a.test:443, ";
        assert!(message.starts_with(start), "{message}");
    }
}

#[test]
fn socks_opens_a_tunnel_and_leaves_the_rest() {
    let request = |rest: &[u8]| [&[5, 1, 0][..], &[5, 1, 0], rest, &[1, 187]].concat();
    for (host, sent) in [
        ("a.test", request(b"\x03\x06a.test")),
        ("192.0.2.1", request(&[1, 192, 0, 2, 1])),
        (
            "2001:db8::1",
            request(&[4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ),
    ] {
        for reply in [
            &[5, 0, 0, 1, 127, 0, 0, 1, 0, 80][..],
            &[5, 0, 0, 3, 2, b'h', b'i', 0, 80],
            &[5, 0, 0, 3, 0, 0, 80],
            &[
                5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80,
            ],
        ] {
            let answers = [&[5, 0], reply, b"220 hello"].concat();
            let expected = (sent.clone(), Ok(Some(2 + reply.len())));
            assert_eq!(every_course("socks5h://p.test", host, &answers), expected);
        }
    }
}

#[test]
fn socks_sends_a_user_and_a_password() {
    let answers = [5, 2, 1, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let (sent, end) = every_course("socks5://us:pw%3a@p.test", "192.0.2.1", &answers);
    let expected = [
        &[5, 2, 0, 2][..],
        b"\x01\x02us\x03pw:",
        &[5, 1, 0, 1, 192, 0, 2, 1, 1, 187],
    ];
    assert_eq!((sent, end), (expected.concat(), Ok(Some(answers.len()))));
}

#[test]
fn a_refusal_of_socks_is_named() {
    let (without, with) = ("socks5h://p.test", "socks5h://u:secret@p.test");
    for (proxy, answers, cause, part) in [
        (
            without,
            &[5, 0xff][..],
            Cause::Proxy,
            "without a user and a password",
        ),
        (with, &[5, 0xff], Cause::Proxy, "accepts neither"),
        (
            without,
            &[5, 2],
            Cause::Malformed,
            "method 2, which was not offered",
        ),
        (
            with,
            &[5, 2, 1, 1],
            Cause::Proxy,
            "does not accept the user and the password",
        ),
        (with, &[5, 2, 5], Cause::Malformed, "version 5 of RFC 1929"),
        (
            without,
            b"HTTP/1.1 400",
            Cause::Malformed,
            "begins with 0x48",
        ),
        (
            without,
            &[5, 0, 5, 2],
            Cause::Proxy,
            "reply 2, connection not allowed by ruleset",
        ),
        (
            without,
            &[5, 0, 5, 4],
            Cause::Unreachable,
            "reply 4, host unreachable",
        ),
        (
            without,
            &[5, 0, 5, 5],
            Cause::Refused,
            "reply 5, connection refused",
        ),
        (
            without,
            &[5, 0, 5, 99],
            Cause::Proxy,
            "reply 99, unassigned",
        ),
        (
            without,
            &[5, 0, 5, 0, 0, 2],
            Cause::Malformed,
            "unknown type 2",
        ),
    ] {
        let (found, message) = fault(proxy, answers);
        assert_eq!(found, cause, "{answers:?}");
        assert!(message.contains(part), "{message}");
        assert!(
            message.starts_with("the proxy socks5h://p.test:1080, "),
            "{message}"
        );
    }
    let long = format!("{}.test", "a.".repeat(126));
    let (_, end) = course(without, &long, &[5, 0], &[]);
    assert_eq!(end.unwrap_err().cause, Cause::Invalid);
}

#[test]
fn a_proxy_that_closes_is_named() {
    for (proxy, answers) in [
        ("http://p.test", &b"HTTP/1.1 2"[..]),
        ("socks5://p.test", &[5, 0, 5]),
    ] {
        let proxy = Proxy::parse(proxy).unwrap();
        let mut out = Vec::new();
        let mut tunnel = Tunnel::begin(&proxy, endpoint("192.0.2.1"), &mut out);
        assert_eq!(tunnel.ended().cause, Cause::Closed);
        tunnel.received(answers, &mut out).unwrap();
        assert_eq!(tunnel.ended().cause, Cause::Truncated);
    }
}

#[test]
fn proxies_are_read_as_by_curl_and_shown_without_userinfo() {
    for (text, shown) in [
        ("p.test", "http://p.test:1080"),
        ("p.test:3128", "http://p.test:3128"),
        ("http://p.test:80/ignored", "http://p.test:80"),
        ("HTTP://U:P@P.test:3128", "http://p.test:3128"),
        ("u:p@p.test:3128", "http://p.test:3128"),
        ("socks5://127.0.0.1", "socks5://127.0.0.1:1080"),
        ("socks5h://u:p@[::1]:9", "socks5h://[::1]:9"),
    ] {
        let proxy = Proxy::parse(text).unwrap();
        assert_eq!(proxy.to_string(), shown, "{text}");
        assert_eq!(format!("{proxy:?}"), shown);
    }
    for (text, message) in [
        ("https://u:secret@p.test", "(https://) is not supported"),
        ("socks4://u:secret@p.test", "scheme socks4://"),
        ("http://u:secret@", "empty host"),
        ("http://u:secret@p.test:0", "its port is 0"),
        ("http://u:secret@p.test:99999", "invalid port"),
        ("socks5://u:@secret.test", "empty or has more than 255"),
        ("", "no valid host"),
    ] {
        let error = Proxy::parse(text).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
        assert!(!error.contains("secret@"), "{error}");
    }
}
