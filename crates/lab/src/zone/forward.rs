//! Names computed from addresses under `example.net`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::reverse::decimal_octet;

/// `example.net` in wire form.
pub(super) const ZONE: &[u8] = b"\x07example\x03net\0";
/// The prefix of an address's first name.
pub(super) const HOST: &[u8] = b"host";
/// The prefix of an address's second name.
pub(super) const ALIAS: &[u8] = b"alias";

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The name of `address` in presentation form, with a trailing dot.
pub(super) fn host_name(prefix: &[u8], address: IpAddr) -> String {
    let mut label = Vec::new();
    push_host_label(prefix, address, &mut label);
    let mut name: String = label.into_iter().map(char::from).collect();
    name.push_str(".example.net.");
    name
}

/// Appends the name of `address` in wire form.
pub(super) fn push_host_name(prefix: &[u8], address: IpAddr, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(0);
    push_host_label(prefix, address, out);
    out[start] = (out.len() - start - 1) as u8;
    out.extend_from_slice(ZONE);
}

/// Parses labels as [`push_host_label`] writes them, such as `host-10-1-2-3` and
/// `alias-2001-db8-0-0-0-0-0-1`.
pub(super) fn read_host_label(label: &[u8]) -> Option<IpAddr> {
    let text = label
        .strip_prefix(HOST)
        .or_else(|| label.strip_prefix(ALIAS))?
        .strip_prefix(b"-")?;
    let parts = || text.split(|&byte| byte == b'-');
    match parts().count() {
        4 => {
            let mut octets = [0; 4];
            for (octet, part) in octets.iter_mut().zip(parts()) {
                *octet = decimal_octet(part)?;
            }
            Some(Ipv4Addr::from(octets).into())
        }
        8 => {
            let mut groups = [0; 8];
            for (group, part) in groups.iter_mut().zip(parts()) {
                *group = hexadecimal_group(part)?;
            }
            Some(Ipv6Addr::from(groups).into())
        }
        _ => None,
    }
}

fn push_host_label(prefix: &[u8], address: IpAddr, out: &mut Vec<u8>) {
    out.extend_from_slice(prefix);
    match address {
        IpAddr::V4(address) => {
            for octet in address.octets() {
                out.push(b'-');
                if octet >= 100 {
                    out.push(b'0' + octet / 100);
                }
                if octet >= 10 {
                    out.push(b'0' + octet / 10 % 10);
                }
                out.push(b'0' + octet % 10);
            }
        }
        IpAddr::V6(address) => {
            for group in address.segments() {
                out.push(b'-');
                for shift in [12, 8, 4] {
                    if group >> shift != 0 {
                        out.push(HEX[usize::from(group >> shift & 15)]);
                    }
                }
                out.push(HEX[usize::from(group & 15)]);
            }
        }
    }
}

/// Parses a number up to ffff in lower case without leading zeros.
fn hexadecimal_group(text: &[u8]) -> Option<u16> {
    if text.is_empty() || text.len() > 4 || (text[0] == b'0' && text.len() > 1) {
        return None;
    }
    text.iter().try_fold(0, |value, &byte| {
        Some(value << 4 | char::from(byte).to_digit(16)? as u16)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_are_read_only_as_they_are_written() {
        for label in [
            "host-10-1-2",
            "host-10-1-2-03",
            "host-10-1-2-256",
            "host-1-2-3-4-5",
            "host-2001-db8-0-0-0-0-0-01",
            "host--1-2-3",
            "hosts-1-2-3-4",
            "host",
        ] {
            assert_eq!(read_host_label(label.as_bytes()), None, "{label}");
        }
    }

    proptest! {
        #[test]
        fn every_address_reads_back(bits: u128, four: bool, alias: bool) {
            let address: IpAddr = if four { Ipv4Addr::from(bits as u32).into() } else { Ipv6Addr::from(bits).into() };
            let mut label = Vec::new();
            push_host_label(if alias { ALIAS } else { HOST }, address, &mut label);
            prop_assert!(label.len() <= 63);
            prop_assert_eq!(read_host_label(&label), Some(address));
        }
    }
}
