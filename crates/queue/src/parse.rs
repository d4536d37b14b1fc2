//! Parses addresses, CIDRs and ranges, and explains errors.

#[cfg(test)]
mod tests;

use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The length of the prefix `::ffff:0:0/96` of IPv4-mapped addresses (RFC 4291 §2.5.5.2).
const MAPPED_PREFIX_BITS: u32 = 96;
/// Characters of a text in messages. Further ones are replaced by `...`.
const SHOWN_CHARS_MAX: usize = 100;

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressFamily {
    V4,
    V6,
}

impl AddressFamily {
    /// The last address as a number.
    pub(crate) const fn last(self) -> u128 {
        match self {
            Self::V4 => u32::MAX as u128,
            Self::V6 => u128::MAX,
        }
    }

    /// The address with a number, which must be in the family. An IPv4-mapped one is its IPv4
    /// address.
    pub(crate) fn address(self, bits: u128) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::from_bits(bits as u32).into(),
            Self::V6 => Ipv6Addr::from_bits(bits).to_canonical(),
        }
    }

    /// The length of an address in bits.
    const fn bits(self) -> u32 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }
}

/// Returns the family and the number of an address.
pub(crate) fn family_and_bits(address: IpAddr) -> (AddressFamily, u128) {
    match address {
        IpAddr::V4(address) => (AddressFamily::V4, address.to_bits().into()),
        IpAddr::V6(address) => (AddressFamily::V6, address.to_bits()),
    }
}

/// A range of addresses, including both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AddressRange {
    pub(crate) family: AddressFamily,
    pub(crate) first: u128,
    pub(crate) last: u128,
}

/// A parsed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParsedTarget {
    Address(IpAddr),
    AddressRange(AddressRange),
}

impl ParsedTarget {
    /// The range of addresses.
    pub(crate) fn span(self) -> AddressRange {
        match self {
            Self::AddressRange(span) => span,
            Self::Address(address) => {
                let (family, bits) = family_and_bits(address);
                AddressRange {
                    family,
                    first: bits,
                    last: bits,
                }
            }
        }
    }
}

/// Why a text is not a valid address, CIDR or range.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ParseError {
    /// It looks like one, and has this error.
    Invalid(String),
    /// It does not look like one.
    NotAddress,
}

/// Parses an address without brackets. An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) is the IPv4
/// address in it, wherever an address is read.
pub(crate) fn parse_address(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    Some(address.to_canonical())
}

/// Parses an address (IPv6 with or without brackets), a CIDR or a range `first-last`.
pub(crate) fn parse(text: &str) -> Result<ParsedTarget, ParseError> {
    if let Some(address) = parse_address(text) {
        return Ok(ParsedTarget::Address(address));
    }
    if let Some(inner) = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
    {
        return match inner.parse() {
            Ok(IpAddr::V6(address)) => Ok(ParsedTarget::Address(address.to_canonical())),
            Ok(IpAddr::V4(_)) => Err(only_ipv6_in_brackets()),
            Err(_) => Err(explain_address(inner).unwrap_or_else(only_ipv6_in_brackets)),
        };
    }
    if let Some((network, length)) = text.split_once('/') {
        return parse_cidr(network, length).map(ParsedTarget::AddressRange);
    }
    if let Some((first, last)) = text.split_once('-') {
        return parse_range(first.trim(), last.trim()).map(ParsedTarget::AddressRange);
    }
    Err(explain_address(text).unwrap_or(ParseError::NotAddress))
}

/// Whether `value` is displayed exactly as `text`. Does not allocate.
pub(crate) fn is_written(value: impl fmt::Display, text: &str) -> bool {
    struct Rest<'a>(&'a str);
    impl fmt::Write for Rest<'_> {
        fn write_str(&mut self, piece: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(piece).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    let mut rest = Rest(text);
    write!(rest, "{value}").is_ok() && rest.0.is_empty()
}

/// Shortens a text for messages.
pub(crate) fn shorten(text: &str) -> Box<str> {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        None => text.into(),
        Some((end, _)) => format!("{}...", &text[..end]).into(),
    }
}

fn parse_cidr(network: &str, length: &str) -> Result<AddressRange, ParseError> {
    let Ok(address) = network.parse::<IpAddr>() else {
        return Err(explain_address(network).unwrap_or(ParseError::NotAddress));
    };
    let (mut family, mut bits) = family_and_bits(address);
    let length_bits = match length.as_bytes() {
        [b'0'] | [b'1'..=b'9', ..] => length.parse::<u32>().ok(),
        _ => None,
    };
    let Some(mut length_bits) = length_bits.filter(|bits| *bits <= family.bits()) else {
        return Err(ParseError::Invalid(format!(
            "the prefix length {:?} is not a number from 0 to {}",
            shorten(length),
            family.bits()
        )));
    };
    if let Some(length_in_v4) = length_bits.checked_sub(MAPPED_PREFIX_BITS)
        && let IpAddr::V4(mapped) = address.to_canonical()
        && address.is_ipv6()
    {
        (family, bits) = family_and_bits(mapped.into());
        length_bits = length_in_v4;
    }
    // A shift by 128 bits would overflow.
    let host_bits = family.last().checked_shr(length_bits).unwrap_or(0);
    if bits & host_bits != 0 {
        return Err(ParseError::Invalid(format!(
            "host bits are set; the network is {}/{length_bits}",
            family.address(bits & !host_bits)
        )));
    }
    Ok(AddressRange {
        family,
        first: bits,
        last: bits | host_bits,
    })
}

fn parse_range(first: &str, last: &str) -> Result<AddressRange, ParseError> {
    let (first_address, last_address) = match (parse_address(first), parse_address(last)) {
        (Some(first), Some(last)) => (first, last),
        (None, None) => return Err(explain_address(first).unwrap_or(ParseError::NotAddress)),
        (first_read, _) => {
            let bad = if first_read.is_none() { first } else { last };
            return Err(ParseError::Invalid(format!(
                "{:?} is not an address; a range is two whole addresses, FIRST-LAST",
                shorten(bad)
            )));
        }
    };
    let (family, first_bits) = family_and_bits(first_address);
    let (last_family, last_bits) = family_and_bits(last_address);
    if family != last_family {
        let [first, last] = [family, last_family].map(|family| match family {
            AddressFamily::V4 => "IPv4",
            AddressFamily::V6 => "IPv6",
        });
        return Err(ParseError::Invalid(format!(
            "one end of the range is {first} and the other is {last}"
        )));
    }
    if first_bits > last_bits {
        return Err(ParseError::Invalid(format!(
            "the range is reversed; write {last_address}-{first_address}"
        )));
    }
    Ok(AddressRange {
        family,
        first: first_bits,
        last: last_bits,
    })
}

fn only_ipv6_in_brackets() -> ParseError {
    ParseError::Invalid("only IPv6 addresses go in brackets".to_owned())
}

/// Explains the error in a text that looks like an address. `None` if it does not look like one.
pub(crate) fn explain_address(text: &str) -> Option<ParseError> {
    let reason = if let Some((address, _)) = text.split_once('%') {
        let address: Ipv6Addr = address.trim_start_matches('[').parse().ok()?;
        format!(
            "a zone id is not supported, since it names an interface of this machine; write {address}"
        )
    } else if let Ok(socket) = text.parse::<SocketAddr>() {
        format!("expected an address without a port; write {}", socket.ip())
    } else if text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return explain_octets(text).map(ParseError::Invalid);
    } else if text.contains(':')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.')
    {
        "not a well-formed IPv6 address".to_owned()
    } else {
        return None;
    };
    Some(ParseError::Invalid(reason))
}

/// Explains the error in a text of digits and dots.
fn explain_octets(text: &str) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    let octets: Vec<&str> = text.split('.').take(6).collect();
    if octets.iter().any(|octet| octet.is_empty()) {
        return Some("an octet is empty".to_owned());
    }
    if octets.len() != 4 {
        return Some("an IPv4 address has four octets".to_owned());
    }
    let mut values = [0; 4];
    for (value, octet) in values.iter_mut().zip(&octets) {
        match octet.parse() {
            Ok(read) => *value = read,
            Err(_) => return Some(format!("the octet {} is over 255", shorten(octet))),
        }
    }
    Some(format!(
        "some programs read leading zeros as octal; if the address is decimal, write {}",
        Ipv4Addr::from(values)
    ))
}
