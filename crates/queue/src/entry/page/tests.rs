use super::*;
use proptest::prelude::*;

/// The URL, the port of the fallback to http, and the text.
fn one(text: &str) -> (String, Option<u16>, String) {
    match parse(text, None, false) {
        Ok(Entry::One(Target::Url(target), Types::Asked)) => (
            target.url.to_string(),
            target.fallback.map(|fallback| fallback.port),
            target.given.unwrap_or_default().into(),
        ),
        other => panic!("{text} gave {other:?}"),
    }
}

fn reason(text: &str) -> String {
    parse(text, None, false).unwrap_err()
}

#[test]
fn urls_are_taken_as_they_are() {
    for (text, url) in [
        ("http://example.net", "http://example.net/"),
        ("HTTPS://Example.NET:443/A?b#c", "https://example.net/A?b#c"),
        ("http://[2001:DB8::1]:8080/", "http://[2001:db8::1]:8080/"),
        ("http://192.0.2.1:80", "http://192.0.2.1/"),
        (
            "http://[::ffff:192.0.2.1]:8080/a",
            "http://192.0.2.1:8080/a",
        ),
        (
            "http://b\u{fc}cher.example/",
            "http://xn--bcher-kva.example/",
        ),
        ("http://example.net:/", "http://example.net/"),
        ("http://example.net/@a:b", "http://example.net/@a:b"),
    ] {
        assert_eq!(one(text), (url.into(), None, text.into()));
    }
}

#[test]
fn a_scope_stays_beside_the_url() {
    for (text, url, shown) in [
        (
            "http://[fe80::1%25lo]/a",
            "http://[fe80::1]/a",
            "[fe80::1%lo]",
        ),
        (
            "http://u:p@[FE80::1%lo]:81",
            "http://u:p@[fe80::1]:81/",
            "[fe80::1%lo]",
        ),
        (
            "https://[fe80::1%25]/",
            "https://[fe80::1]/",
            "[fe80::1%25]",
        ),
        (
            "https://[fe80::1%253]/",
            "https://[fe80::1]/",
            "[fe80::1%3]",
        ),
        ("fe80::1%lo", "https://[fe80::1]/", "[fe80::1%lo]"),
        (
            "[fe80::1%lo]:8080/a",
            "https://[fe80::1]:8080/a",
            "[fe80::1%lo]",
        ),
    ] {
        let Ok(Entry::One(target, _)) = parse(text, None, false) else {
            panic!("{text}");
        };
        assert_eq!(target.host().unwrap().to_string(), shown, "{text}");
        let Target::Url(target) = target else {
            panic!("{text}");
        };
        assert_eq!(target.url.as_str(), url);
    }
    let ports = Ports::parse("80,8080", Protocol::Tcp).unwrap();
    let Ok(Entry::Grid(Hosts::One(host), template)) = parse("fe80::1%lo/a", Some(&ports), false)
    else {
        panic!("it has two ports");
    };
    let Target::Url(target) = template.target(&host, 1) else {
        panic!("it is of http");
    };
    assert_eq!(target.given.as_deref(), Some("[fe80::1%lo]:8080/a"));
    assert_eq!(target.scoped.unwrap().scope_id, 1);
}

#[test]
fn credentials_stay_in_the_url_and_are_not_shown() {
    let (url, _, given) = one("http://user:s%40cret@example.net/a");
    assert_eq!(url, "http://user:s%40cret@example.net/a");
    assert_eq!(given, "http://user:***@example.net/a");
}

#[test]
fn without_a_scheme_https_is_tried_first() {
    for (text, url, http) in [
        ("example.net", "https://example.net/", Some(80)),
        ("example.net/a?b", "https://example.net/a?b", Some(80)),
        ("example.net?b", "https://example.net/?b", Some(80)),
        (
            "example.net:8080/a",
            "https://example.net:8080/a",
            Some(8080),
        ),
        ("example.net:80", "http://example.net/", None),
        ("example.net:www/a", "http://example.net/a", None),
        ("example.net:443", "https://example.net/", None),
        ("192.0.2.1", "https://192.0.2.1/", Some(80)),
        ("2001:db8::1", "https://[2001:db8::1]/", Some(80)),
        (
            "[2001:db8::1]:8443",
            "https://[2001:db8::1]:8443/",
            Some(8443),
        ),
        ("[2001:db8::1]/64", "https://[2001:db8::1]/64", Some(80)),
        ("192.0.2.1:8080/24", "https://192.0.2.1:8080/24", Some(8080)),
        ("192.0.2.1/a", "https://192.0.2.1/a", Some(80)),
        ("192.0.2.1/24/a", "https://192.0.2.1/24/a", Some(80)),
        (
            "a.example/?u=http://b",
            "https://a.example/?u=http://b",
            Some(80),
        ),
        ("10-0-0-1.example", "https://10-0-0-1.example/", Some(80)),
    ] {
        assert_eq!(one(text), (url.into(), http, text.into()));
    }
}

#[test]
fn blocks_and_listed_ports_are_a_grid() {
    let listed = Ports::parse("80,8080", Protocol::Tcp).unwrap();
    for (text, ports, shown) in [
        ("10.0.0.0/24", None, None),
        ("10.0.0.0/24", Some(&listed), Some("80,8080")),
        ("10.0.0.0/24:8000", Some(&listed), Some("8000")),
        ("10.0.0.1-10.0.0.9/path", None, None),
        ("[2001:db8::/64]:443", None, Some("443")),
        ("2001:db8::/64", Some(&listed), Some("80,8080")),
        ("example.net/path", Some(&listed), Some("80,8080")),
    ] {
        match parse(text, ports, false) {
            Ok(Entry::Grid(_, TargetTemplate::Page(_, ports))) => {
                let ports = ports.map(|ports| ports.to_string());
                assert_eq!(ports.as_deref(), shown, "{text}");
            }
            other => panic!("{text} gave {other:?}"),
        }
    }
    for text in ["http://example.net/", "example.net:81"] {
        let read = parse(text, Some(&listed), false);
        assert!(matches!(read, Ok(Entry::One(..))), "{text}");
    }
}

#[test]
fn what_is_no_page_says_why() {
    for (text, part) in [
        ("ftp://example.net/", "the scheme is \"ftp\""),
        ("ws://example.net/", "the scheme is \"ws\""),
        ("http://", "the URL has no host"),
        ("http:///a", "the URL has no host"),
        ("http://user:pw@/", "the URL has no host"),
        ("http://010.1.2.3/", "write 10.1.2.3"),
        ("http://256.1.2.3/", "the octet 256 is over 255"),
        ("https://user@1.2.3:80/", "four octets"),
        ("http://0x7f.1/", "four decimal octets"),
        ("http://2130706433/", "four octets"),
        ("http://a!b.example/", "contains '!'"),
        (
            "http://xn--4.example/",
            "neither an IP address nor a host name",
        ),
        ("http://2001:db8::1/", "must be in brackets"),
        (
            "http://[fe80::1%25nosuch0]/",
            "no network interface \"nosuch0\"",
        ),
        ("http://[192.0.2.1%25lo]/", "has no scope"),
        ("http://example.net:0/", "from 1 to 65535"),
        ("http://example.net:65536/", "invalid port number"),
        ("http://example.net:www/", "invalid port number"),
        ("http://example.net/a b", "write %20"),
        ("http://exa\tmple.net/", "write %20"),
        ("example.net/a b", "write %20"),
        ("010.1.2.3/a", "write 10.1.2.3"),
        ("1.2.3", "four octets"),
        ("10.1.2.3/8", "the network is 10.0.0.0/8"),
        ("10.0.0.0/33", "a number from 0 to 32"),
        ("example.net:0/a", "port 0 is not"),
        ("example.net:bogus", "unknown service \"bogus\""),
        ("http:/example.net", "a port is missing"),
        ("user:pw@example.net/", "credentials need a URL"),
        ("/path", "neither an IP address nor a host name"),
        ("?", "neither an IP address nor a host name"),
        ("unix:", "the path after unix:"),
    ] {
        let reason = reason(text);
        assert!(reason.contains(part), "{text:?}: {reason}");
    }
}

#[test]
fn no_reason_shows_a_password() {
    for text in [
        "http://user:sec/ret@example.net/",
        "http://user:sec ret@example.net/",
        "ftp://user:secret@example.net/",
        "user:sec@example.net",
        "user:sec/ret@example.net",
        "user:sec?ret@example.net",
        "http://user:secret@exa mple/",
        "http://user:secret@a!b/",
    ] {
        let reason = reason(text);
        assert!(!reason.contains("sec"), "{text}: {reason}");
    }
}

proptest! {
    #[test]
    fn every_text_is_taken_or_bad(text in "(https?://)?[0-9a-fx:./%?#\\[\\] @\u{e9}-]{0,40}|\\PC{0,60}") {
        match parse(&text, None, false) {
            Ok(Entry::One(Target::Url(target), _)) => {
                prop_assert!(["http", "https"].contains(&target.url.scheme()));
                prop_assert_ne!(target.url.port(), Some(0));
                // The host is the one in the text.
                let host = Host::of_url(&target.url).unwrap();
                if let Host::Address(address) = host {
                    let mut text = text.to_ascii_lowercase();
                    text.retain(|char| !"[]".contains(char));
                    let written = text
                        .split(['/', '?', '#', '@'])
                        .any(|piece| piece.parse() == Ok(address)
                            || piece.rsplit_once(':').is_some_and(|(host, _)| host.parse() == Ok(address)));
                    prop_assert!(written, "{address} is not in {text}");
                }
            }
            Ok(_) => {}
            Err(reason) => prop_assert!(!reason.is_empty()),
        }
    }

    #[test]
    fn every_url_of_a_host_and_port_reads_back(
        scheme in "https?",
        // Without "--": "xn--" begins an encoded label, which has to decode (RFC 5891
        // §4.2.3.1).
        host in "[a-z](-?[a-z0-9]){0,9}(\\.[a-z][a-z0-9]{0,9}){0,3}",
        port in 1u16..,
        path in "(/[a-z0-9:@~.-]{0,20})?",
    ) {
        let text = format!("{scheme}://{host}:{port}{path}");
        let (url, fallback, given) = one(&text);
        prop_assert_eq!(Url::parse(&url), Url::parse(&text));
        prop_assert_eq!((fallback, given), (None, text));
        let bare = format!("{host}:{port}{path}");
        let (url, _, given) = one(&bare);
        prop_assert_eq!(Url::parse(&url).unwrap().port_or_known_default(), Some(port));
        prop_assert_eq!(given, bare);
    }
}
