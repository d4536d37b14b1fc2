//! What a DNS response says besides its answer: header flags, EDNS(0) options, other sections.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ClientSubnet, Record};

/// What a DNS response says besides the answer to its question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseDetails {
    /// The flags of its header.
    pub flags: HeaderFlags,
    /// Whether the response has an OPT record. `None` unless the query asked for something that
    /// needs one: without it, what the query asked for had no effect.
    pub edns: Option<bool>,
    /// The Extended DNS Errors, in the order of the response.
    pub errors: Vec<ExtendedError>,
    /// The identifier of the server.
    pub nsid: Option<Nsid>,
    /// The client subnet that the response is for.
    pub subnet: Option<ClientSubnet>,
    /// The sections after the answer section. `None` unless they are kept.
    pub sections: Option<Sections>,
}

/// The authority and the additional section.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sections {
    /// The records of the authority section.
    pub authority: Vec<Record>,
    /// The records of the additional section, without the pseudo-record OPT.
    pub additional: Vec<Record>,
}

/// The flags of a DNS header (RFC 1035 §4.1.1, RFC 4035 §3.1.6 and §3.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderFlags(u16);

/// The flags with their bits in the second word of the header, in the order in which dig prints
/// them. QR is left out: every response has it.
const FLAGS: [(u16, &str); 6] = [
    (0x0400, "aa"),
    (0x0200, "tc"),
    (0x0100, "rd"),
    (0x0080, "ra"),
    (0x0020, "ad"),
    (0x0010, "cd"),
];

impl HeaderFlags {
    /// The flags in the second word of a header.
    pub const fn from_header(word: u16) -> Self {
        Self(word)
    }

    /// The names of the flags that are set, in dig's order: `aa`, `tc`, `rd`, `ra`, `ad`, `cd`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let set = FLAGS.into_iter().filter(move |(bit, _)| self.0 & bit != 0);
        set.map(|(_, name)| name)
    }

    /// Whether the server says that it has authenticated the data (AD, RFC 4035 §3.2.3).
    pub const fn is_authentic(self) -> bool {
        self.0 & 0x0020 != 0
    }
}

/// An Extended DNS Error (RFC 8914).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtendedError {
    /// Its INFO-CODE.
    pub code: u16,
    /// Its EXTRA-TEXT, if it has one. It may contain any characters.
    pub text: Option<Box<str>>,
}

/// IANA's registry of Extended DNS Error codes, in the order of their numbers from 0.
const ERROR_NAMES: [&str; 31] = [
    "Other Error",
    "Unsupported DNSKEY Algorithm",
    "Unsupported DS Digest Type",
    "Stale Answer",
    "Forged Answer",
    "DNSSEC Indeterminate",
    "DNSSEC Bogus",
    "Signature Expired",
    "Signature Not Yet Valid",
    "DNSKEY Missing",
    "RRSIGs Missing",
    "No Zone Key Bit Set",
    "NSEC Missing",
    "Cached Error",
    "Not Ready",
    "Blocked",
    "Censored",
    "Filtered",
    "Prohibited",
    "Stale NXDOMAIN Answer",
    "Not Authoritative",
    "Not Supported",
    "No Reachable Authority",
    "Network Error",
    "Invalid Data",
    "Signature Expired before Valid",
    "Too Early",
    "Unsupported NSEC3 Iterations Value",
    "Unable to conform to policy",
    "Synthesized",
    "Invalid Query Type",
];

impl ExtendedError {
    /// The name of its code in IANA's registry.
    pub fn name(&self) -> Option<&'static str> {
        ERROR_NAMES.get(usize::from(self.code)).copied()
    }
}

/// `DNSSEC Bogus (6): "signature expired"`; the number alone if the code has no name. The text is
/// quoted, with escapes for every character that is not printable.
impl fmt::Display for ExtendedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.code)?,
            None => write!(f, "{}", self.code)?,
        }
        match &self.text {
            Some(text) => write!(f, ": {text:?}"),
            None => Ok(()),
        }
    }
}

/// The identifier of a server (RFC 5001): any octets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nsid(pub Box<[u8]>);

impl Nsid {
    /// The octets in hexadecimal, without blanks.
    pub fn hex(&self) -> String {
        self.0.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    /// The octets as text, if they are printable ASCII.
    pub fn text(&self) -> Option<&str> {
        let is_printable = |octet: &u8| octet.is_ascii_graphic() || *octet == b' ';
        let text = self.0.iter().all(is_printable);
        text.then(|| std::str::from_utf8(&self.0).ok()).flatten()
    }
}

/// As dig prints it: `6e 73 31 ("ns1")`. Octets that are not printable are dots in the text.
impl fmt::Display for Nsid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for octet in &self.0 {
            write!(f, "{octet:02x} ")?;
        }
        f.write_str("(\"")?;
        for octet in &self.0 {
            let is_printable = octet.is_ascii_graphic() || *octet == b' ';
            write!(
                f,
                "{}",
                if is_printable {
                    char::from(*octet)
                } else {
                    '.'
                }
            )?;
        }
        f.write_str("\")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_the_names_and_the_order_of_dig() {
        let names = |word| HeaderFlags::from_header(word).names().collect::<Vec<_>>();
        assert_eq!(names(0xffff), ["aa", "tc", "rd", "ra", "ad", "cd"]);
        assert_eq!(names(0x8180), ["rd", "ra"]);
        assert!(names(0x8003).is_empty());
    }

    #[test]
    fn errors_are_shown_with_the_names_of_the_registry() {
        let shown = |code, text: Option<&str>| {
            let text = text.map(Into::into);
            ExtendedError { code, text }.to_string()
        };
        assert_eq!(
            shown(6, Some("signature expired")),
            "DNSSEC Bogus (6): \"signature expired\""
        );
        assert_eq!(shown(30, None), "Invalid Query Type (30)");
        assert_eq!(shown(31, None), "31");
        assert_eq!(
            shown(49152, Some("a\n\u{1b}[2J\"\u{202e}")),
            "49152: \"a\\n\\u{1b}[2J\\\"\\u{202e}\""
        );
    }

    #[test]
    fn an_identifier_is_shown_as_dig_shows_it() {
        for (octets, shown, text) in [
            (&b"ns1"[..], "6e 73 31 (\"ns1\")", Some("ns1")),
            (b"\x00a\xff", "00 61 ff (\".a.\")", None),
            (b"", "(\"\")", Some("")),
        ] {
            let nsid = Nsid(octets.into());
            assert_eq!((nsid.to_string().as_str(), nsid.text()), (shown, text));
        }
        assert_eq!(Nsid(b"\x00n".as_slice().into()).hex(), "006e");
    }
}
