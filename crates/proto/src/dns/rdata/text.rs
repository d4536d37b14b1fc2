//! Octets as text.

use std::fmt::Write as _;

use data_encoding::HEXUPPER;

pub(super) fn write_hex(octets: &[u8], out: &mut String) {
    HEXUPPER.encode_append(octets, out);
}

/// Appends a quoted `<character-string>` (RFC 1035 §5.1).
pub(super) fn write_quoted(octets: &[u8], out: &mut String) {
    out.push('"');
    for &octet in octets {
        match octet {
            b'"' | b'\\' => out.extend(['\\', char::from(octet)]),
            b' '..=b'~' => out.push(char::from(octet)),
            _ => {
                let _ = write!(out, "\\{octet:03}");
            }
        }
    }
    out.push('"');
}

/// Appends numbers in lower-case hexadecimal of two digits, with hyphens between them (RFC 7043
/// §3.2).
pub(super) fn write_hyphenated(octets: &[u8], out: &mut String) {
    for (at, octet) in octets.iter().enumerate() {
        let hyphen = if at == 0 { "" } else { "-" };
        let _ = write!(out, "{hyphen}{octet:02x}");
    }
}
