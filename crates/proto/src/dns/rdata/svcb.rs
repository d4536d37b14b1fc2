//! Service parameters (RFC 9460 §2.1, §7, appendix A).

use data_encoding::BASE64;

use super::fields::display;
use super::reader::Reader;
use super::text::write_quoted;

/// Appends all parameters. Keys must ascend (RFC 9460 §2.2).
pub(super) fn params(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    let mut last = None;
    while !reader.is_at_end() {
        if last.is_some() {
            out.push(' ');
        }
        let key = reader.u16()?;
        if last.is_some_and(|last| last >= key) {
            return None;
        }
        last = Some(key);
        let length = reader.u16()?;
        let value = reader.take(length.into())?;
        write_key(key, out);
        param(key, value, out)?;
    }
    Some(())
}

/// Keys that have a name (IANA's registry of SVCB SvcParamKeys). The others are written as
/// `keyNNN`, which every reader takes.
const KEYS: [&str; 8] = [
    "mandatory",
    "alpn",
    "no-default-alpn",
    "port",
    "ipv4hint",
    "ech",
    "ipv6hint",
    "dohpath",
];

fn write_key(key: u16, out: &mut String) {
    match KEYS.get(usize::from(key)) {
        Some(name) => out.push_str(name),
        None => {
            out.push_str("key");
            display(key, out);
        }
    }
}

/// Appends `=` and the value, where there is one.
fn param(key: u16, value: &[u8], out: &mut String) -> Option<()> {
    match key {
        0 => {
            let (keys, rest) = value.as_chunks();
            out.push('=');
            list(keys, out, |key, out| {
                write_key(u16::from_be_bytes(*key), out)
            })?;
            rest.is_empty().then_some(())
        }
        1 => alpn(value, out),
        2 => value.is_empty().then_some(()),
        3 => {
            let port = u16::from_be_bytes(value.try_into().ok()?);
            out.push('=');
            display(port, out);
            Some(())
        }
        4 => {
            let (addresses, rest) = value.as_chunks::<4>();
            out.push('=');
            list(addresses, out, |octets, out| {
                display(std::net::Ipv4Addr::from(*octets), out)
            })?;
            rest.is_empty().then_some(())
        }
        5 => {
            out.push('=');
            (!value.is_empty()).then(|| BASE64.encode_append(value, out))
        }
        6 => {
            let (addresses, rest) = value.as_chunks::<16>();
            out.push('=');
            list(addresses, out, |octets, out| {
                display(std::net::Ipv6Addr::from(*octets), out)
            })?;
            rest.is_empty().then_some(())
        }
        _ if value.is_empty() => Some(()),
        _ => {
            out.push('=');
            write_quoted(value, out);
            Some(())
        }
    }
}

/// Appends at least one item, with commas between them.
fn list<T>(items: &[T], out: &mut String, write: impl Fn(&T, &mut String)) -> Option<()> {
    let (first, others) = items.split_first()?;
    write(first, out);
    for item in others {
        out.push(',');
        write(item, out);
    }
    Some(())
}

/// Protocol names, each of 1 to 255 octets. A comma or a backslash in a name is escaped once for
/// the list and, like all of it, once more as a `<character-string>` (RFC 9460 appendix A.1).
fn alpn(mut value: &[u8], out: &mut String) -> Option<()> {
    let mut names = Vec::with_capacity(value.len());
    while let Some((&length, rest)) = value.split_first() {
        let (name, rest) = rest.split_at_checked(length.into())?;
        if name.is_empty() {
            return None;
        }
        if !names.is_empty() {
            names.push(b',');
        }
        for &octet in name {
            if matches!(octet, b',' | b'\\') {
                names.push(b'\\');
            }
            names.push(octet);
        }
        value = rest;
    }
    out.push('=');
    write_quoted(&names, out);
    (!names.is_empty()).then_some(())
}
