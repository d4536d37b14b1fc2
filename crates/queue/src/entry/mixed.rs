//! Parses lines of a list of mixed endpoints: a scheme, and what it stands for.

use std::num::NonZeroU16;

use canvass_model::{Host, Target};

use super::host::{parse_host, split_port};
use super::{Entry, ParsedLine, Types, page, question, socket};
use crate::parse::shorten;
use crate::ports::parse_port;
use crate::{Protocol, Scheme, SchemeProbe};

/// Schemes that are named where a scheme is not known but similar to them.
const SUGGESTIONS_MAX: usize = 3;

/// Parses an endpoint.
pub(super) fn parse(text: &str, schemes: &[Scheme]) -> Result<ParsedLine, String> {
    let (word, rest) = split_scheme(text).unwrap_or_default();
    let Some(scheme) = find(word, schemes) else {
        return Err(match rest.starts_with("//") {
            true => unknown(word, schemes),
            false => format!(
                "an endpoint begins with its scheme, such as tcp://HOST:PORT; {}",
                list(schemes)
            ),
        });
    };
    let one = |target| ParsedLine {
        entry: Entry::One(target, Types::Probe(scheme.probe.spec())),
        resolver: None,
    };
    match scheme.probe {
        SchemeProbe::Unix { .. } => return socket::target(rest, text).map(one),
        // RFC 4501 §3 allows a question without an authority.
        SchemeProbe::Dns { loopback_only } => {
            let mut line = question::parse(text, rest)?;
            if loopback_only {
                line.resolver = line.resolver.filter(|address| address.ip().is_loopback());
            }
            return Ok(line);
        }
        _ => {}
    }
    let Some(rest) = rest.strip_prefix("//") else {
        return Err(format!("write {}:{}", scheme.name, scheme.probe.syntax()));
    };
    let target = match scheme.probe.port() {
        None => Target::Url(Box::new(page::url_target(text, rest, false)?)),
        Some((protocol, default_port)) => {
            let (host, port) = parse_address(rest, scheme, protocol, default_port)?;
            Target::Endpoint {
                host,
                port: port.get(),
                given: Some(text.into()),
            }
        }
    };
    Ok(one(target))
}

/// The probe of a bad line, if its scheme is known.
pub(super) fn types_of_bad(text: &str, schemes: &[Scheme]) -> Types {
    let scheme = split_scheme(text).and_then(|(word, _)| find(word, schemes));
    scheme.map_or(Types::Asked, |scheme| Types::Probe(scheme.probe.spec()))
}

/// Splits a text behind its scheme (RFC 3986 §3.1), which may also be a host before a port.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    text.split_once(':').filter(|(word, _)| {
        word.starts_with(|char: char| char.is_ascii_alphabetic())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

fn find<'a>(word: &str, schemes: &'a [Scheme]) -> Option<&'a Scheme> {
    let is_it = |scheme: &&Scheme| scheme.name.eq_ignore_ascii_case(word);
    schemes.iter().find(is_it)
}

/// Parses `HOST` or `HOST:PORT` behind the slashes.
fn parse_address(
    rest: &str,
    scheme: &Scheme,
    protocol: Protocol,
    default_port: Option<NonZeroU16>,
) -> Result<(Host, NonZeroU16), String> {
    let name = scheme.name;
    // Nothing behind it is displayed: the end of a password is not known if it has a slash.
    if rest.contains('@') {
        return Err(format!(
            "{name}:// takes no credentials; give them with --credentials"
        ));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (address, tail) = rest.split_at(end);
    if tail.contains('?') {
        return Err(format!("{name}:// takes no parameters"));
    }
    if !matches!(tail, "" | "/") {
        return Err(format!(
            "{name}:// takes one host and no path; write {name}:{}",
            scheme.probe.syntax()
        ));
    }
    let (host, port) = split_port(address);
    if host.is_empty() {
        return Err("the endpoint has no host".to_owned());
    }
    if host.contains(':') && !host.starts_with('[') {
        return Err("an IPv6 address in an endpoint must be in brackets".to_owned());
    }
    let host = parse_host(host)?;
    let port = match port {
        Some(port) => parse_port(port, protocol).map_err(|error| error.to_string())?,
        None => {
            default_port.ok_or_else(|| format!("the port is missing; write {name}://HOST:PORT"))?
        }
    };
    Ok((host, port))
}

/// Why a scheme is not known, with those that are similar.
fn unknown(word: &str, schemes: &[Scheme]) -> String {
    let lower = word.to_ascii_lowercase();
    let edits_max = (word.len() / 3).clamp(1, 3);
    let mut near: Vec<(usize, bool, &str)> = schemes
        .iter()
        .map(|scheme| {
            let edits = strsim::osa_distance(&lower, scheme.name);
            // The first letter is rarely the wrong one.
            let begins_otherwise = !lower.starts_with(&scheme.name[..1]);
            (edits, begins_otherwise, scheme.name)
        })
        .filter(|(edits, ..)| *edits <= edits_max)
        .collect();
    near.sort();
    near.truncate(SUGGESTIONS_MAX);
    let near: Vec<&str> = near.into_iter().map(|(.., name)| name).collect();
    let hint = match near.is_empty() {
        true => String::new(),
        false => format!("did you mean {}? ", near.join(" or ")),
    };
    format!(
        "unknown scheme {:?}; {hint}{}",
        shorten(word),
        list(schemes)
    )
}

fn list(schemes: &[Scheme]) -> String {
    let names: Vec<&str> = schemes.iter().map(|scheme| scheme.name).collect();
    format!("the schemes are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_model::{ModuleId, ProbeSpec};
    use proptest::prelude::*;

    fn schemes() -> Vec<Scheme> {
        let [tcp, http, udp, smtp] = [0, 1, 2, 3].map(ModuleId);
        [
            (
                "tcp",
                SchemeProbe::Tcp {
                    module: tcp,
                    default_port: None,
                },
            ),
            ("http", SchemeProbe::Http { module: http }),
            ("https", SchemeProbe::Http { module: http }),
            (
                "udp",
                SchemeProbe::Udp {
                    module: udp,
                    default_port: None,
                },
            ),
            (
                "smtp",
                SchemeProbe::Tcp {
                    module: smtp,
                    default_port: NonZeroU16::new(25),
                },
            ),
            ("unix", SchemeProbe::Unix { module: tcp }),
            (
                "dns",
                SchemeProbe::Dns {
                    loopback_only: true,
                },
            ),
        ]
        .map(|(name, probe)| Scheme { name, probe })
        .into()
    }

    /// The probe, its module and its target.
    fn one(text: &str) -> String {
        let line = parse(text, &schemes()).unwrap_or_else(|reason| panic!("{text}: {reason}"));
        let Entry::One(target, types) = line.entry else {
            panic!("{text} is not one target");
        };
        let probe = match types {
            Types::Probe(spec) => {
                let (ProbeSpec::Http { module, .. }
                | ProbeSpec::Tcp { module }
                | ProbeSpec::Udp { module }) = spec
                else {
                    panic!("{text} has no module");
                };
                format!("{} {}", spec.probe(), module.0)
            }
            Types::Only(record_type) => format!("dns {record_type}"),
            other => panic!("{text} asks {other:?}"),
        };
        let (shown, given) = match target {
            Target::Url(target) => (target.url.to_string(), target.given.unwrap()),
            Target::Endpoint { host, port, given } => (format!("{host}:{port}"), given.unwrap()),
            Target::Unix { path, given } => (path.display().to_string(), given),
            Target::Name { name, given } => (name.to_string(), given),
            other => panic!("{text} gave {other:?}"),
        };
        assert_eq!(&*given, text);
        let resolver = line.resolver.map(|resolver| format!(" @{resolver}"));
        format!("{probe} {shown}{}", resolver.unwrap_or_default())
    }

    fn reason(text: &str) -> String {
        parse(text, &schemes()).unwrap_err()
    }

    #[test]
    fn the_scheme_says_how_an_endpoint_is_probed() {
        for (text, shown) in [
            ("https://Example.net", "http 1 https://example.net/"),
            (
                "http://[2001:db8::1]:81/a?b",
                "http 1 http://[2001:db8::1]:81/a?b",
            ),
            ("tcp://example.net:22", "tcp 0 example.net:22"),
            ("TCP://Example.net:ssh/", "tcp 0 example.net:22"),
            ("tcp://[2001:db8::1]:22", "tcp 0 [2001:db8::1]:22"),
            ("udp://192.0.2.1:ntp", "udp 2 192.0.2.1:123"),
            ("smtp://mail.example.net", "tcp 3 mail.example.net:25"),
            ("smtp://mail.example.net/", "tcp 3 mail.example.net:25"),
            (
                "smtp://mail.example.net:2525",
                "tcp 3 mail.example.net:2525",
            ),
            ("unix:/run/x", "tcp 0 /run/x"),
            ("unix:///run/x", "tcp 0 ///run/x"),
            ("dns:///example.net?type=MX", "dns MX example.net."),
            ("dns:example.net", "dns A example.net."),
            ("dns://127.0.0.1:5353/a", "dns A a. @127.0.0.1:5353"),
            // Asked of the resolvers of the run.
            ("dns://192.0.2.53/a", "dns A a."),
        ] {
            assert_eq!(one(text), shown, "{text}");
        }
    }

    #[test]
    fn resolvers_elsewhere_are_asked_unless_only_loopback_is() {
        let dns = Scheme {
            name: "dns",
            probe: SchemeProbe::Dns {
                loopback_only: false,
            },
        };
        let line = parse("dns://192.0.2.53/a", &[dns]).unwrap();
        assert_eq!(
            line.resolver,
            Some(Box::new("192.0.2.53:53".parse().unwrap()))
        );
    }

    #[test]
    fn what_is_no_endpoint_says_why() {
        for (text, part) in [
            (
                "example.net",
                "begins with its scheme, such as tcp://HOST:PORT; the schemes are tcp, http,",
            ),
            ("example.net:443", "begins with its scheme"),
            ("192.0.2.1", "begins with its scheme"),
            ("[2001:db8::1]:22", "begins with its scheme"),
            ("://example.net", "begins with its scheme"),
            (
                "htps://example.net",
                "unknown scheme \"htps\"; did you mean https? the schemes are tcp, http,",
            ),
            ("sntp://example.net", "did you mean smtp?"),
            (
                "gopher://example.net",
                "unknown scheme \"gopher\"; the schemes are",
            ),
            ("https:example.net", "write https://HOST/PATH"),
            ("smtp:25", "write smtp://HOST"),
            ("tcp:example.net:22", "write tcp://HOST:PORT"),
            (
                "tcp://example.net",
                "the port is missing; write tcp://HOST:PORT",
            ),
            ("tcp://:22", "no host"),
            ("tcp://", "no host"),
            ("https:///", "no host"),
            ("tcp://example.net:0", "port 0 is not"),
            ("tcp://example.net:ntp", "a service of udp, not of tcp"),
            ("tcp://2001:db8::1:22", "must be in brackets"),
            ("tcp://192.0.2.0/28:22", "takes one host and no path"),
            (
                "tcp://192.0.2.1-192.0.2.9:22",
                "neither an IP address nor a host name",
            ),
            (
                "smtp://example.net/inbox",
                "smtp:// takes one host and no path",
            ),
            ("smtp://example.net?tls=1", "smtp:// takes no parameters"),
            ("tcp://010.1.2.3:80", "write 10.1.2.3"),
            ("https://010.1.2.3/", "write 10.1.2.3"),
            ("unix:", "the path after unix: is missing"),
            ("dns://192.0.2.53/", "the name is missing"),
        ] {
            let reason = reason(text);
            assert!(reason.contains(part), "{text}: {reason}");
        }
    }

    #[test]
    fn no_reason_shows_a_password() {
        for text in [
            "smtp://user:secret@example.net",
            "smtp://user:sec/ret@example.net",
            "dns://user:secret@192.0.2.53/a",
            "https://user:secret@a!b/",
            "user:secret@example.net",
            "user://secret@example.net",
        ] {
            let reason = reason(text);
            assert!(!reason.contains("sec"), "{text}: {reason}");
        }
    }

    #[test]
    fn a_bad_line_has_the_probe_of_its_scheme() {
        for (text, probe) in [
            ("https://", Some("http")),
            ("SMTP://", Some("tcp")),
            ("udp://a", Some("udp")),
            ("dns:", Some("dns")),
            ("example.net", None),
            ("htps://a", None),
        ] {
            let types = types_of_bad(text, &schemes());
            match types {
                Types::Probe(spec) => assert_eq!(Some(spec.probe()), probe, "{text}"),
                other => assert_eq!((other, probe), (Types::Asked, None), "{text}"),
            }
        }
    }

    proptest! {
        #[test]
        fn every_text_is_taken_or_bad(
            text in "(tcp|smtp|https|dns|unix|x)?(:|://)?[0-9a-fx:./%?#\\[\\] @\u{e9}-]{0,40}|\\PC{0,60}"
        ) {
            if let Err(reason) = parse(&text, &schemes()) {
                prop_assert!(!reason.is_empty());
            }
        }
    }
}
