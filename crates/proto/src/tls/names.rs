//! Distinguished names as text (RFC 4514).

use std::fmt::Write;

use x509_parser::prelude::X509Name;
use x509_parser::x509::AttributeTypeAndValue;

/// The types that are written by a word: those of RFC 4514 §3, and others that certificates
/// often have.
const TYPES: [(&str, &str); 16] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.12", "title"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.42", "GN"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

const TELETEX_STRING: u32 = 20;
const BMP_STRING: u32 = 30;

/// `name` as RFC 4514 writes it: the last part first, with commas between.
pub(super) fn distinguished_name(name: &X509Name<'_>) -> Box<str> {
    let mut parts: Vec<_> = name.iter_rdn().collect();
    parts.reverse();
    let mut text = String::new();
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        for (index, attribute) in part.iter().enumerate() {
            if index > 0 {
                text.push('+');
            }
            write_attribute(&mut text, attribute);
        }
    }
    text.into()
}

fn write_attribute(text: &mut String, attribute: &AttributeTypeAndValue<'_>) {
    let id = attribute.attr_type().to_id_string();
    let word = TYPES.iter().find(|(known, _)| *known == id);
    text.push_str(word.map_or(&id, |(_, word)| word));
    text.push('=');
    match (word, value(attribute)) {
        (Some(_), Some(value)) => write_value(text, &value),
        // Of another type not even the form is known (RFC 4514 §2.4).
        _ => write_der(text, attribute),
    }
}

fn value(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    if let Ok(text) = attribute.as_str() {
        return Some(text.to_owned());
    }
    let octets = attribute.as_slice();
    match attribute.attr_value().tag().0 {
        // Nobody ever wrote T.61; what is found there is Latin-1.
        TELETEX_STRING => Some(octets.iter().map(|octet| char::from(*octet)).collect()),
        BMP_STRING => {
            let units = octets
                .chunks(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        _ => None,
    }
}

/// Escapes what has a meaning in a distinguished name (RFC 4514 §2.4).
fn write_value(text: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        match character {
            '\0' => text.push_str("\\00"),
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => {
                text.push('\\');
                text.push(character);
            }
            ' ' if index == 0 || index == last => text.push_str("\\ "),
            '#' if index == 0 => text.push_str("\\#"),
            _ => text.push(character),
        }
    }
}

fn write_der(text: &mut String, attribute: &AttributeTypeAndValue<'_>) {
    let octets = attribute.as_slice();
    let tag = u8::try_from(attribute.attr_value().tag().0).unwrap_or(0);
    text.push('#');
    let length = octets.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|octet| **octet == 0).count()..];
    let mut header = vec![tag];
    if octets.len() < 0x80 {
        header.push(octets.len() as u8);
    } else {
        header.push(0x80 | significant.len() as u8);
        header.extend_from_slice(significant);
    }
    for octet in header.iter().chain(octets) {
        // Writing to a string does not fail.
        let _ = write!(text, "{octet:02x}");
    }
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::FromDer;

    use super::*;

    fn der(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
        let content = parts.concat();
        [vec![tag, u8::try_from(content.len()).unwrap()], content].concat()
    }

    /// An attribute of the type 2.5.4.`arc`.
    fn attribute(arc: u8, tag: u8, value: &[u8]) -> Vec<u8> {
        let id = der(0x06, &[vec![0x55, 4, arc]]);
        der(0x30, &[id, der(tag, &[value.to_vec()])])
    }

    fn shown(sets: &[Vec<u8>]) -> String {
        let sets: Vec<_> = sets
            .iter()
            .map(|set| der(0x31, std::slice::from_ref(set)))
            .collect();
        let name = der(0x30, &sets);
        distinguished_name(&X509Name::from_der(&name).unwrap().1).into()
    }

    #[test]
    fn the_last_part_stands_first() {
        let sets = [
            attribute(6, 0x13, b"NO"),
            attribute(10, 0x0c, "Bl\u{e5}b\u{e6}r".as_bytes()),
            attribute(3, 0x0c, b"berry.example"),
        ];
        assert_eq!(shown(&sets), "CN=berry.example,O=Bl\u{e5}b\u{e6}r,C=NO");
        assert_eq!(shown(&[]), "");
    }

    #[test]
    fn parts_of_one_set_are_joined_with_plus() {
        let set = [attribute(3, 0x0c, b"a"), attribute(11, 0x0c, b"b")].concat();
        assert_eq!(shown(&[set]), "CN=a+OU=b");
    }

    #[test]
    fn what_has_a_meaning_is_escaped() {
        for (value, text) in [
            (&b"Before \"After\", Inc."[..], r#"Before \"After\"\, Inc."#),
            (b" a ", r"\ a\ "),
            (b" ", r"\ "),
            (b"#a#", r"\#a#"),
            (b"a+b<c>d;e\\f=g", r"a\+b\<c\>d\;e\\f=g"),
            (b"a\0b", r"a\00b"),
        ] {
            assert_eq!(shown(&[attribute(10, 0x0c, value)]), format!("O={text}"));
        }
    }

    #[test]
    fn old_kinds_of_strings_are_read() {
        assert_eq!(shown(&[attribute(3, 0x14, b"Bj\xf6rn")]), "CN=Bj\u{f6}rn");
        assert_eq!(shown(&[attribute(3, 0x1e, b"\0B\x20\xac")]), "CN=B\u{20ac}");
    }

    #[test]
    fn what_is_not_known_is_shown_as_it_came() {
        assert_eq!(shown(&[attribute(99, 0x0c, b"ab")]), "2.5.4.99=#0c026162");
        assert_eq!(shown(&[attribute(3, 0x02, &[5])]), "CN=#020105");
        // AddressFamily a pair of UTF-16 is no text.
        assert_eq!(shown(&[attribute(3, 0x1e, b"\xd8\0")]), "CN=#1e02d800");
    }
}
