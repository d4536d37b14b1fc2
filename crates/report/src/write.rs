//! Writes parts of lines to a byte buffer without allocating.

use std::fmt;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use canvass_model::{Class, Host, Rcode, Record, Remote, ScopedAddress, Status, Target, UrlTarget};

const NANOS_PER_MS: u64 = 1_000_000;

/// Appends the `Display` text of `value`. This is slow, so it is used only for rare values.
pub(crate) fn push_display(out: &mut Vec<u8>, value: impl fmt::Display) {
    write!(out, "{value}").expect("a Vec takes every byte");
}

/// Appends a whole number in decimal.
pub(crate) fn push_number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// `number`, which is below a million, with leading zeros.
pub(crate) fn six_digits(number: u32) -> [u8; 6] {
    let mut digits = [0; 6];
    for (pair, value) in
        digits
            .chunks_exact_mut(2)
            .zip([number / 10_000, number / 100 % 100, number % 100])
    {
        pair[0] = b'0' + (value / 10) as u8;
        pair[1] = b'0' + (value % 10) as u8;
    }
    digits
}

/// A span in whole nanoseconds, at most `u64::MAX` (584 years).
pub(crate) fn nanos(span: Duration) -> u64 {
    let whole = span.as_secs().checked_mul(1_000_000_000);
    let all = whole.and_then(|whole| whole.checked_add(u64::from(span.subsec_nanos())));
    all.unwrap_or(u64::MAX)
}

/// Appends a span in milliseconds, exact to the nanosecond, without trailing zeros.
pub(crate) fn push_ms(out: &mut Vec<u8>, span: Duration) {
    let nanos = nanos(span);
    push_number(out, nanos / NANOS_PER_MS);
    let rest = (nanos % NANOS_PER_MS) as u32;
    if rest != 0 {
        let digits = six_digits(rest);
        let kept = digits.iter().rposition(|&digit| digit != b'0').unwrap_or(0) + 1;
        out.push(b'.');
        out.extend_from_slice(&digits[..kept]);
    }
}

/// The last span written, and where. A job with a single query has the same span three times on its
/// line.
#[derive(Default)]
pub(crate) struct LastSpan(Option<(Duration, Range<usize>)>);

impl LastSpan {
    /// Appends a span in milliseconds.
    pub(crate) fn push(&mut self, out: &mut Vec<u8>, span: Duration) {
        let start = out.len();
        match &self.0 {
            _ if span.is_zero() => return out.push(b'0'),
            Some((last, place)) if span == *last => return out.extend_from_within(place.clone()),
            _ => push_ms(out, span),
        }
        self.0 = Some((span, start..out.len()));
    }
}

/// Appends an address in canonical form (RFC 5952 for IPv6).
pub(crate) fn push_address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => push_v4(out, address),
        IpAddr::V6(address) => push_display(out, address),
    }
}

fn push_v4(out: &mut Vec<u8>, address: Ipv4Addr) {
    let mut text = [b'.'; 16];
    let mut end = 0;
    for octet in address.octets() {
        if octet >= 100 {
            text[end] = b'0' + octet / 100;
            end += 1;
        }
        if octet >= 10 {
            text[end] = b'0' + octet / 10 % 10;
            end += 1;
        }
        text[end] = b'0' + octet % 10;
        text[end + 1] = b'.';
        end += 2;
    }
    out.extend_from_slice(&text[..end - 1]);
}

/// Appends `192.0.2.1:53` or `[2001:db8::1]:53`.
pub(crate) fn push_socket_address(out: &mut Vec<u8>, address: SocketAddr) {
    match address {
        SocketAddr::V4(address) => {
            push_v4(out, *address.ip());
            out.push(b':');
            push_number(out, address.port());
        }
        SocketAddr::V6(address) => push_display(out, address),
    }
}

/// Appends a status.
pub(crate) fn push_status(out: &mut Vec<u8>, status: Status) {
    let word = match status {
        Status::Rcode(Rcode::NOERROR) => "NOERROR",
        Status::Rcode(Rcode::NXDOMAIN) => "NXDOMAIN",
        Status::Timeout => "TIMEOUT",
        Status::Http(code) => return push_number(out, code),
        rare => return push_display(out, rare),
    };
    out.extend_from_slice(word.as_bytes());
}

/// Appends a record in one line: name, TTL, class unless it is IN, type, data. `push_text` quotes as
/// the format requires.
pub(crate) fn push_record(
    out: &mut Vec<u8>,
    record: &Record,
    push_text: impl Fn(&mut Vec<u8>, &str),
) {
    push_text(out, &record.name);
    out.push(b' ');
    push_number(out, record.ttl_s);
    out.push(b' ');
    if record.class != Class::IN {
        push_display(out, record.class);
        out.push(b' ');
    }
    push_display(out, record.record_type);
    out.push(b' ');
    push_text(out, &record.data);
}

/// A target as written on a line.
pub(crate) struct TargetText<'a> {
    /// The part before the port.
    pub(crate) host: HostText<'a>,
    /// The port after a colon, if any.
    pub(crate) port: Option<u16>,
}

/// The part of a target before the port.
pub(crate) enum HostText<'a> {
    /// The text of the target, or a name.
    Text(&'a str),
    /// An address with a scope.
    Scoped(&'a ScopedAddress),
    /// An address.
    Address {
        /// The address.
        address: IpAddr,
        /// Whether an IPv6 address has brackets, as in a URL.
        as_in_url: bool,
    },
}

impl<'a> TargetText<'a> {
    fn whole(host: HostText<'a>) -> Self {
        Self { host, port: None }
    }

    /// Appends the target. `push_text` quotes as the format requires.
    pub(crate) fn push(&self, out: &mut Vec<u8>, push_text: impl FnOnce(&mut Vec<u8>, &str)) {
        match self.host {
            HostText::Text(text) => push_text(out, text),
            HostText::Scoped(scoped) => push_text(out, &scoped.to_string()),
            HostText::Address {
                address: IpAddr::V6(address),
                as_in_url: true,
            } => push_display(out, format_args!("[{address}]")),
            HostText::Address { address, .. } => push_address(out, address),
        }
        if let Some(port) = self.port {
            out.push(b':');
            push_number(out, port);
        }
    }
}

/// The target as given, or in canonical form if it comes from a CIDR, a range or `--ports`.
pub(crate) fn target_text(target: &Target) -> TargetText<'_> {
    match target {
        Target::Address {
            address,
            given: None,
        } => TargetText::whole(HostText::Address {
            address: *address,
            as_in_url: false,
        }),
        Target::Url(target) => match &target.given {
            Some(given) => TargetText::whole(HostText::Text(given)),
            None => TargetText {
                host: match &target.scoped {
                    Some(scoped) => HostText::Scoped(scoped),
                    None => HostText::Text(target.url.host_str().unwrap_or_default()),
                },
                port: written_port(target),
            },
        },
        Target::Endpoint {
            host,
            port,
            given: None,
        } => TargetText {
            host: match host {
                Host::Address(address) => HostText::Address {
                    address: *address,
                    as_in_url: true,
                },
                Host::Scoped(scoped) => HostText::Scoped(scoped),
                Host::Name(name) => HostText::Text(name),
            },
            port: Some(*port),
        },
        Target::Address {
            given: Some(given), ..
        }
        | Target::Endpoint {
            given: Some(given), ..
        }
        | Target::Name { given, .. }
        | Target::Unix { given, .. }
        | Target::Invalid { given, .. } => TargetText::whole(HostText::Text(given)),
    }
}

/// The text of a target in its line.
pub fn target_name(target: &Target) -> String {
    let mut name = Vec::new();
    target_text(target).push(&mut name, |out, text| {
        out.extend_from_slice(text.as_bytes())
    });
    String::from_utf8(name).expect("a target is text")
}

/// The port of a URL target without text. A URL omits the default port of its scheme; it is shown if
/// it is also the port of the http fallback.
fn written_port(target: &UrlTarget) -> Option<u16> {
    let dropped = || {
        let fallback = target.fallback?.port;
        (target.url.port_or_known_default() == Some(fallback)).then_some(fallback)
    };
    target.url.port().or_else(dropped)
}

/// Appends a remote. `push_text` quotes paths as the format requires.
pub(crate) fn push_remote(
    out: &mut Vec<u8>,
    remote: &Remote,
    push_text: impl FnOnce(&mut Vec<u8>, &str),
) {
    match remote {
        Remote::Inet(address) => push_socket_address(out, *address),
        unix @ Remote::Unix(_) => push_text(out, &unix.to_string()),
    }
}

/// Appends 32 octets as 64 hexadecimal digits.
pub(crate) fn push_sha256(out: &mut Vec<u8>, hash: &[u8; 32]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for octet in hash {
        out.push(HEX[usize::from(octet >> 4)]);
        out.push(HEX[usize::from(octet & 15)]);
    }
}

/// Appends text with escapes for characters that could break a line or control a terminal.
pub(crate) fn push_visible(out: &mut Vec<u8>, text: &str) {
    if is_plain(text) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for character in text.chars() {
        if is_breaking(character) {
            push_display(out, character.escape_default());
        } else {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// Whether `character` could break a line or control a terminal: C0 and C1 controls, DEL, and the
/// line and paragraph separators, which some readers treat as line ends.
pub(crate) fn is_breaking(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// Whether every byte is printable ASCII other than `"` and `\`.
///
/// There is no early exit, so that the loop is vectorized.
pub(crate) fn is_plain(text: &str) -> bool {
    text.bytes().fold(true, |plain, byte| {
        plain & (byte.wrapping_sub(b' ') < 0x5f) & (byte != b'"') & (byte != b'\\')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_model::HttpFallback;
    use proptest::prelude::*;

    fn pushed(push: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        push(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn milliseconds_are_exact_and_short() {
        for (nanos, text) in [
            (0, "0"),
            (1, "0.000001"),
            (999_999, "0.999999"),
            (1_000_000, "1"),
            (412_000, "0.412"),
            (10_000_500_000, "10000.5"),
            (u64::MAX, "18446744073709.551615"),
        ] {
            assert_eq!(
                pushed(|out| push_ms(out, Duration::from_nanos(nanos))),
                text
            );
        }
        assert_eq!(
            pushed(|out| push_ms(out, Duration::MAX)),
            "18446744073709.551615"
        );
    }

    proptest! {
        #[test]
        fn milliseconds_read_back(nanos: u64) {
            let text = pushed(|out| push_ms(out, Duration::from_nanos(nanos)));
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            let read = whole.parse::<u64>().unwrap() * 1_000_000
                + format!("{fraction:0<6}").parse::<u64>().unwrap();
            prop_assert_eq!(read, nanos);
            prop_assert!(!fraction.ends_with('0'));
        }

        #[test]
        fn addresses_are_written_as_the_standard_library_writes_them(v4: u32, v6: u128, port: u16) {
            for address in [IpAddr::from(Ipv4Addr::from(v4)), IpAddr::from(v6.to_be_bytes())] {
                prop_assert_eq!(pushed(|out| push_address(out, address)), address.to_string());
                let socket = SocketAddr::new(address, port);
                prop_assert_eq!(pushed(|out| push_socket_address(out, socket)), socket.to_string());
            }
        }

        #[test]
        fn plain_text_needs_no_escape(text in "\\PC{0,40}|[ -~]{0,40}|.{0,10}") {
            let plain = text.chars().all(|c| (' '..='~').contains(&c) && c != '"' && c != '\\');
            prop_assert_eq!(is_plain(&text), plain);
        }
    }

    #[test]
    fn every_status_is_the_models_word() {
        for status in (0..30).map(|code| Status::Rcode(Rcode(code))).chain([
            Status::Http(200),
            Status::Http(99),
            Status::Open,
            Status::Timeout,
            Status::Invalid,
            Status::Local,
        ]) {
            assert_eq!(pushed(|out| push_status(out, status)), status.to_string());
        }
    }

    fn shown(target: &Target) -> String {
        pushed(|out| {
            target_text(target).push(out, |out, text| out.extend_from_slice(text.as_bytes()));
        })
    }

    #[test]
    fn urls_without_text_are_shown_with_the_port_that_was_asked_for() {
        for (url, fallback_port, text) in [
            ("https://192.0.2.1/", Some(80), "192.0.2.1"),
            ("https://192.0.2.1/", Some(443), "192.0.2.1:443"),
            ("https://192.0.2.1:80/", Some(80), "192.0.2.1:80"),
            ("https://192.0.2.1:8080/", Some(8080), "192.0.2.1:8080"),
            (
                "https://[2001:db8::1]:8443/",
                Some(8443),
                "[2001:db8::1]:8443",
            ),
            ("http://example.net/", None, "example.net"),
        ] {
            let target = Target::Url(Box::new(UrlTarget {
                scoped: None,
                url: url.parse().unwrap(),
                raw_path: None,
                fallback: fallback_port.map(|port| HttpFallback { port }),
                given: None,
            }));
            assert_eq!(shown(&target), text, "{url}");
        }
    }

    #[test]
    fn endpoints_without_text_are_shown_as_host_and_port() {
        for (host, text) in [
            ("192.0.2.1", "192.0.2.1:25"),
            ("2001:db8::1", "[2001:db8::1]:25"),
            ("mail.example.net", "mail.example.net:25"),
        ] {
            let target = Target::Endpoint {
                host: Host::parse(host).unwrap(),
                port: 25,
                given: None,
            };
            assert_eq!(shown(&target), text);
        }
    }
}
