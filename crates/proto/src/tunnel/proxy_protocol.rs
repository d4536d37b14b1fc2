//! The header of the PROXY protocol (HAProxy's proxy-protocol.txt, sections 2.1 and 2.2), which
//! tells a server from where a connection comes.

use std::io::Write;
use std::net::SocketAddr;
use std::str::FromStr;

/// The first octets of a header of version 2.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2, and the command.
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
/// A stream by IPv4, and by IPv6.
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;

/// A version of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// Version 1: a line of text.
    V1,
    /// Version 2: binary.
    V2,
}

impl ProxyProtocol {
    /// Appends the header for a connection from the first address to the second. Without addresses,
    /// or with those of different families, it says that they are unknown.
    pub(crate) fn write(self, addresses: Option<(SocketAddr, SocketAddr)>, out: &mut Vec<u8>) {
        let addresses = addresses.map(|(from, to)| (canonical(from), canonical(to)));
        match self {
            Self::V1 => write_text(addresses, out),
            Self::V2 => write_binary(addresses, out),
        }
    }
}

impl FromStr for ProxyProtocol {
    type Err = &'static str;

    /// Parses `v1` or `v2`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "v1" => Ok(Self::V1),
            "v2" => Ok(Self::V2),
            _ => Err("it is neither v1 nor v2"),
        }
    }
}

fn write_text(addresses: Option<(SocketAddr, SocketAddr)>, out: &mut Vec<u8>) {
    let (family, from, to) = match addresses {
        Some((from @ SocketAddr::V4(_), to @ SocketAddr::V4(_))) => ("TCP4", from, to),
        Some((from @ SocketAddr::V6(_), to @ SocketAddr::V6(_))) => ("TCP6", from, to),
        _ => return out.extend_from_slice(b"PROXY UNKNOWN\r\n"),
    };
    write!(
        out,
        "PROXY {family} {} {} {} {}\r\n",
        from.ip(),
        to.ip(),
        from.port(),
        to.port()
    )
    .expect("a vector takes what it is given");
}

fn write_binary(addresses: Option<(SocketAddr, SocketAddr)>, out: &mut Vec<u8>) {
    out.extend_from_slice(SIGNATURE);
    let (from, to) = match addresses {
        Some((SocketAddr::V4(from), SocketAddr::V4(to))) => {
            out.extend_from_slice(&[PROXY, TCP4, 0, 12]);
            out.extend_from_slice(&from.ip().octets());
            out.extend_from_slice(&to.ip().octets());
            (from.port(), to.port())
        }
        Some((SocketAddr::V6(from), SocketAddr::V6(to))) => {
            out.extend_from_slice(&[PROXY, TCP6, 0, 36]);
            out.extend_from_slice(&from.ip().octets());
            out.extend_from_slice(&to.ip().octets());
            (from.port(), to.port())
        }
        _ => return out.extend_from_slice(&[LOCAL, 0, 0, 0]),
    };
    out.extend_from_slice(&from.to_be_bytes());
    out.extend_from_slice(&to.to_be_bytes());
}

/// An IPv4-mapped address as the IPv4 address in it.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(version: ProxyProtocol, addresses: Option<(&str, &str)>) -> Vec<u8> {
        let mut out = Vec::new();
        let parse = |text: &str| text.parse().unwrap();
        version.write(
            addresses.map(|(from, to)| (parse(from), parse(to))),
            &mut out,
        );
        out
    }

    #[test]
    fn version_1_is_a_line() {
        for (addresses, line) in [
            (
                Some(("192.0.2.1:40000", "198.51.100.2:80")),
                "PROXY TCP4 192.0.2.1 198.51.100.2 40000 80\r\n",
            ),
            (
                Some(("[::ffff:192.0.2.1]:40000", "198.51.100.2:80")),
                "PROXY TCP4 192.0.2.1 198.51.100.2 40000 80\r\n",
            ),
            (
                Some(("[2001:db8::1]:1", "[2001:db8::2]:65535")),
                "PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n",
            ),
            (
                Some(("[2001:db8::1]:1", "192.0.2.1:2")),
                "PROXY UNKNOWN\r\n",
            ),
            (None, "PROXY UNKNOWN\r\n"),
        ] {
            assert_eq!(header(ProxyProtocol::V1, addresses), line.as_bytes());
        }
    }

    #[test]
    fn version_2_is_binary() {
        let of = |addresses| header(ProxyProtocol::V2, addresses);
        let rest: &[u8] = &[
            0x21, 0x11, 0, 12, 192, 0, 2, 1, 198, 51, 100, 2, 0x9c, 0x40, 0, 80,
        ];
        assert_eq!(
            of(Some(("192.0.2.1:40000", "198.51.100.2:80"))),
            [b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a", rest].concat()
        );
        let six = of(Some(("[2001:db8::1]:1", "[2001:db8::2]:2")));
        assert_eq!(six.len(), 16 + 36);
        assert_eq!(six[12..16], [0x21, 0x21, 0, 36]);
        assert_eq!(six[16 + 32..], [0, 1, 0, 2]);
        assert_eq!(of(None)[12..], [0x20, 0, 0, 0]);
    }
}
