//! Data that is no plain list of fields.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use canvass_model::RecordType;
use data_encoding::BASE64;

use super::fields::display;
use super::reader::Reader;
use super::text::write_hex;

/// Appends `item`, with a blank before all but the first.
fn item(item: impl std::fmt::Display, start: usize, out: &mut String) {
    if out.len() > start {
        out.push(' ');
    }
    display(item, out);
}

/// The numbers of the bits that are set, counted from the most significant one.
fn bits(octets: &[u8]) -> impl Iterator<Item = usize> {
    let is_set = |octet: u8, bit: usize| octet & (0x80 >> bit) != 0;
    octets.iter().enumerate().flat_map(move |(at, &octet)| {
        (0..8)
            .filter(move |bit| is_set(octet, *bit))
            .map(move |bit| at * 8 + bit)
    })
}

/// A bitmap of record types in windows of 256 (RFC 4034 §4.1.2).
pub(super) fn types(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    let start = out.len();
    let mut last = None;
    while !reader.is_at_end() {
        let window = reader.u8()?;
        let bitmap = reader.counted()?;
        if last.is_some_and(|last| last >= window) || !(1..=32).contains(&bitmap.len()) {
            return None;
        }
        last = Some(window);
        for bit in bits(bitmap) {
            item(RecordType(u16::from(window) << 8 | bit as u16), start, out);
        }
    }
    Some(())
}

/// A bitmap of record types under 128 (RFC 2535 §5.2).
pub(super) fn old_types(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    let start = out.len();
    let bitmap = reader.take_rest();
    bits(bitmap).for_each(|bit| item(RecordType(bit as u16), start, out));
    (bitmap.len() <= 16).then_some(())
}

/// A bitmap of ports (RFC 1035 §3.4.2).
pub(super) fn ports(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    let start = out.len();
    let bitmap = reader.take_rest();
    bits(bitmap).for_each(|port| item(port, start, out));
    (bitmap.len() <= 8_192).then_some(())
}

/// RFC 1876 §2, §3.
pub(super) fn location(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    let version = reader.u8()?;
    let spans = [reader.u8()?, reader.u8()?, reader.u8()?];
    let latitude = reader.u32()?;
    let longitude = reader.u32()?;
    let altitude_cm = i64::from(reader.u32()?) - 10_000_000;
    if version != 0 {
        return None;
    }
    angle(latitude, 90, ['N', 'S'], out)?;
    out.push(' ');
    angle(longitude, 180, ['E', 'W'], out)?;
    let sign = if altitude_cm < 0 { "-" } else { "" };
    let altitude_cm = altitude_cm.unsigned_abs();
    write!(
        out,
        " {sign}{}.{:02}m",
        altitude_cm / 100,
        altitude_cm % 100
    )
    .ok()?;
    for span in spans {
        let (base, exponent) = (u64::from(span >> 4), u32::from(span & 15));
        if base > 9 || exponent > 9 {
            return None;
        }
        let span_cm = base * 10u64.pow(exponent);
        match exponent {
            0 | 1 => write!(out, " 0.{span_cm:02}m").ok()?,
            _ => write!(out, " {}m", span_cm / 100).ok()?,
        }
    }
    Some(())
}

/// Thousandths of a second of arc from the equator or the prime meridian, which is 2^31.
fn angle(value: u32, degrees_max: u32, hemispheres: [char; 2], out: &mut String) -> Option<()> {
    let hemisphere = hemispheres[usize::from(value < 1 << 31)];
    let thousandths = value.abs_diff(1 << 31);
    if thousandths > degrees_max * 3_600_000 {
        return None;
    }
    let seconds = thousandths / 1_000;
    let (degrees, minutes) = (seconds / 3_600, seconds / 60 % 60);
    let (seconds, fraction) = (seconds % 60, thousandths % 1_000);
    write!(
        out,
        "{degrees} {minutes} {seconds}.{fraction:03} {hemisphere}"
    )
    .ok()
}

/// An ATM end system address: hexadecimal, or an E.164 number (af-dans-0152 §5.2).
pub(super) fn atm_address(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    match (reader.u8()?, reader.take_rest()) {
        (0, octets @ [_, ..]) => {
            octets
                .iter()
                .for_each(|octet| display(format_args!("{octet:02x}"), out));
            Some(())
        }
        (1, digits @ [_, ..]) if digits.iter().all(u8::is_ascii_digit) => {
            out.push('+');
            out.extend(digits.iter().map(|digit| char::from(*digit)));
            Some(())
        }
        _ => None,
    }
}

/// RFC 4398 §2.1.
pub(super) fn certificate_type(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    let number = reader.u16()?;
    let name = match number {
        1 => "PKIX",
        2 => "SPKI",
        3 => "PGP",
        4 => "IPKIX",
        5 => "ISPKI",
        6 => "IPGP",
        7 => "ACPKIX",
        8 => "IACPKIX",
        253 => "URI",
        254 => "OID",
        _ => "",
    };
    named(name, number, out);
    Some(())
}

/// A DNSSEC algorithm by its mnemonic (RFC 4034 appendix A.1 and its successors). Those that
/// software writes in two ways, 6 and 7, have their number.
pub(super) fn algorithm(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    let number = reader.u8()?;
    let name = match number {
        1 => "RSAMD5",
        2 => "DH",
        3 => "DSA",
        5 => "RSASHA1",
        8 => "RSASHA256",
        10 => "RSASHA512",
        12 => "ECCGOST",
        13 => "ECDSAP256SHA256",
        14 => "ECDSAP384SHA384",
        15 => "ED25519",
        16 => "ED448",
        252 => "INDIRECT",
        253 => "PRIVATEDNS",
        254 => "PRIVATEOID",
        _ => "",
    };
    named(name, number.into(), out);
    Some(())
}

fn named(name: &str, number: u16, out: &mut String) {
    if name.is_empty() {
        display(number, out);
    } else {
        out.push_str(name);
    }
}

/// A DSYNC scheme: NOTIFY, or a number (RFC 9859 §2.2).
pub(super) fn dsync_scheme(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    let number = reader.u8()?;
    named(if number == 1 { "NOTIFY" } else { "" }, number.into(), out);
    Some(())
}

/// A prefix length, the rest of an address, and the name that has the prefix (RFC 2874 §3).
pub(super) fn a6(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    let prefix_length = reader.u8()?;
    if prefix_length > 128 {
        return None;
    }
    display(prefix_length, out);
    if prefix_length < 128 {
        let suffix = reader.take(16 - usize::from(prefix_length / 8))?;
        let mut octets = [0; 16];
        octets[16 - suffix.len()..].copy_from_slice(suffix);
        out.push(' ');
        display(Ipv6Addr::from(octets), out);
    }
    if prefix_length > 0 {
        out.push(' ');
        reader.write_name(out)?;
    }
    Some(())
}

/// Address prefixes (RFC 3123 §5).
pub(super) fn prefixes(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    let start = out.len();
    while !reader.is_at_end() {
        let family = reader.u16()?;
        let length = reader.u8()?;
        let negated = reader.u8()?;
        let octets = reader.take(usize::from(negated & 0x7f))?;
        let not = if negated & 0x80 != 0 { "!" } else { "" };
        // Zeros at the end are left out on the wire, and must be (RFC 3123 §4).
        if octets.last() == Some(&0) {
            return None;
        }
        let address = match family {
            1 if length <= 32 => Ipv4Addr::from(padded::<4>(octets)?).to_string(),
            2 if length <= 128 => Ipv6Addr::from(padded::<16>(octets)?).to_string(),
            _ => return None,
        };
        item(format_args!("{not}{family}:{address}/{length}"), start, out);
    }
    Some(())
}

fn padded<const N: usize>(octets: &[u8]) -> Option<[u8; N]> {
    let mut all = [0; N];
    all.get_mut(..octets.len())?.copy_from_slice(octets);
    Some(all)
}

/// Precedence, gateway type, algorithm and gateway (RFC 4025 §3.1).
pub(super) fn ipsec_gateway(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    let (precedence, kind, algorithm) = (reader.u8()?, reader.u8()?, reader.u8()?);
    write!(out, "{precedence} {kind} {algorithm} ").ok()?;
    gateway(kind, reader, out)
}

/// Precedence, discovery bit, relay type and relay (RFC 8777 §4.3).
pub(super) fn amt_relay(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    let (precedence, kind) = (reader.u8()?, reader.u8()?);
    let (discovery, kind) = (kind >> 7, kind & 0x7f);
    write!(out, "{precedence} {discovery} {kind} ").ok()?;
    gateway(kind, reader, out)
}

fn gateway(kind: u8, reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    match kind {
        0 => out.push('.'),
        1 => display(reader.ipv4()?, out),
        2 => display(reader.ipv6()?, out),
        3 => reader.write_name(out)?,
        _ => return None,
    }
    Some(())
}

/// A host identity: algorithm, identity tag, public key, rendezvous servers (RFC 8005 §5).
pub(super) fn host_identity(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    let tag_octets = reader.u8()?;
    let algorithm = reader.u8()?;
    let key_octets = reader.u16()?;
    let tag = reader.take(tag_octets.into())?;
    let key = reader.take(key_octets.into())?;
    if tag.is_empty() || key.is_empty() {
        return None;
    }
    write!(out, "{algorithm} ").ok()?;
    write_hex(tag, out);
    out.push(' ');
    BASE64.encode_append(key, out);
    while !reader.is_at_end() {
        out.push(' ');
        reader.write_name(out)?;
    }
    Some(())
}
