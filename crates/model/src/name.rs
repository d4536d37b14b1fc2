//! Domain names in wire form.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use idna::AsciiDenyList;
use serde::{Deserialize, Serialize};

/// Octets of a name in wire form, including the root (RFC 1035 §3.1).
const NAME_OCTETS_MAX: usize = 255;
/// Octets of a label (RFC 1035 §3.1).
const LABEL_OCTETS_MAX: usize = 63;

/// An absolute domain name in uncompressed wire form. The case is kept.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DnsName(Box<[u8]>);

/// Why a text is not a domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("the name is empty")]
    Empty,
    /// There are two dots in a row or a leading dot.
    #[error("the name has an empty label (two dots in a row, or a leading dot)")]
    EmptyLabel,
    /// RFC 1035 §3.1.
    #[error("a label has {0} octets (maximum 63)")]
    LabelTooLong(usize),
    /// RFC 1035 §3.1.
    #[error("the name has more than 255 octets on the wire")]
    TooLong,
    /// Names are A-labels in queries; [`DnsName::from_unicode`] converts them.
    #[error("the name has non-ASCII characters; use A-labels (xn--...)")]
    NonAscii,
    /// A label, counted from 1, has no A-label (UTS 46). 0 if the name is bad as a whole, as when
    /// it mixes directions of writing.
    #[error("{}", idn_reason(*.0))]
    Idn(usize),
    /// White space and control characters are most likely mistakes.
    #[error("the name has a space or a control character")]
    Control,
    /// RFC 1035 §5.1 has `\X` and `\DDD`.
    #[error("invalid escape: expected one character or three digits up to 255 after the backslash")]
    BadEscape,
}

impl DnsName {
    /// The root, `.`.
    pub fn root() -> Self {
        Self(Box::new([0]))
    }

    /// Returns `None` unless the octets are exactly one uncompressed absolute name.
    pub fn from_wire(wire: &[u8]) -> Option<Self> {
        if wire.len() > NAME_OCTETS_MAX {
            return None;
        }
        let mut rest = wire;
        loop {
            let (&length, tail) = rest.split_first()?;
            if length == 0 {
                return tail.is_empty().then(|| Self(wire.into()));
            }
            if usize::from(length) > LABEL_OCTETS_MAX {
                return None;
            }
            rest = tail.get(usize::from(length)..)?;
        }
    }

    /// Parses presentation form as [`from_str`](Self::from_str) does, and converts a name with
    /// non-ASCII characters to A-labels first, as URLs do (UTS 46, non-transitional). ASCII labels
    /// are not restricted to those of host names: underscores and escapes stay as they are.
    ///
    /// # Errors
    ///
    /// Those of [`from_str`](Self::from_str), and [`NameError::Idn`].
    pub fn from_unicode(text: &str) -> Result<Self, NameError> {
        if text.is_ascii() {
            return text.parse();
        }
        let to_ascii = |text: &str| {
            idna::domain_to_ascii_cow(text.as_bytes(), AsciiDenyList::EMPTY)
                .map(std::borrow::Cow::into_owned)
        };
        match to_ascii(text) {
            Ok(ascii) => ascii.parse(),
            Err(_) => {
                let labels = text.split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']);
                let bad = labels.zip(1..).find(|(label, _)| to_ascii(label).is_err());
                Err(NameError::Idn(bad.map_or(0, |(_, number)| number)))
            }
        }
    }

    /// The name in wire form, including the octet of the root.
    pub fn wire(&self) -> &[u8] {
        &self.0
    }

    /// The labels from the left, without the root.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (&length, tail) = rest.split_first()?;
            if length == 0 {
                return None;
            }
            let (label, tail) = tail.split_at(usize::from(length));
            rest = tail;
            Some(label)
        })
    }
}

impl FromStr for DnsName {
    type Err = NameError;

    /// Parses presentation form (RFC 1035 §5.1) with `\X` and `\DDD` escapes. The trailing dot is
    /// optional.
    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text == "." {
            return Ok(Self::root());
        }
        let mut wire = Vec::with_capacity(text.len() + 2);
        let mut label_start = 0;
        wire.push(0);
        let mut bytes = text.bytes();
        let mut ended = false;
        while let Some(byte) = bytes.next() {
            ended = false;
            match byte {
                b'.' => {
                    close_label(&mut wire, label_start)?;
                    label_start = wire.len();
                    wire.push(0);
                    ended = true;
                }
                b'\\' => wire.push(unescape(&mut bytes)?),
                0x80.. => return Err(NameError::NonAscii),
                0..=b' ' | 0x7f => return Err(NameError::Control),
                _ => wire.push(byte),
            }
            if wire.len() > text.len() + 2 || wire.len() > 4 * NAME_OCTETS_MAX {
                return Err(NameError::TooLong);
            }
        }
        if !ended {
            close_label(&mut wire, label_start)?;
            wire.push(0);
        }
        if wire.len() > NAME_OCTETS_MAX {
            return Err(NameError::TooLong);
        }
        Ok(Self(wire.into()))
    }
}

fn idn_reason(label: usize) -> String {
    match label {
        0 => "the name is not a valid internationalized name (UTS 46)".to_owned(),
        label => {
            format!("label {label} of the name is not valid in internationalized names (UTS 46)")
        }
    }
}

/// Writes the length of the label that begins at `start`.
fn close_label(wire: &mut [u8], start: usize) -> Result<(), NameError> {
    match wire.len() - start - 1 {
        0 => Err(NameError::EmptyLabel),
        length if length > LABEL_OCTETS_MAX => Err(NameError::LabelTooLong(length)),
        length => {
            wire[start] = length as u8;
            Ok(())
        }
    }
}

/// Parses what follows a backslash.
fn unescape(bytes: &mut std::str::Bytes<'_>) -> Result<u8, NameError> {
    let first = bytes.next().ok_or(NameError::BadEscape)?;
    if !first.is_ascii_digit() {
        return if first.is_ascii() {
            Ok(first)
        } else {
            Err(NameError::NonAscii)
        };
    }
    let mut value = u32::from(first - b'0');
    for _ in 0..2 {
        match bytes.next() {
            Some(digit) if digit.is_ascii_digit() => value = value * 10 + u32::from(digit - b'0'),
            _ => return Err(NameError::BadEscape),
        }
    }
    u8::try_from(value).map_err(|_| NameError::BadEscape)
}

/// Octets that are written without escape in labels of host names. All are ASCII.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let octet = byte as u8;
        plain[byte] = octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'/');
        byte += 1;
    }
    plain
};

/// Appends a label in presentation form, with the escapes of zone files and `dig` (RFC 1035 §5.1).
/// The text is always ASCII.
pub fn write_label(out: &mut String, label: &[u8]) {
    // Most labels need no escape. Checking them for UTF-8 once more took 4 % of the instructions
    // of a bulk reverse lookup.
    if label.iter().all(|byte| PLAIN[usize::from(*byte)]) {
        #[expect(
            unsafe_code,
            reason = "the octets were checked, and this is the hot path"
        )]
        // SAFETY: plain octets are ASCII, which is UTF-8.
        let text = unsafe { std::str::from_utf8_unchecked(label) };
        out.push_str(text);
        return;
    }
    for &byte in label {
        match byte {
            b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            0x21..=0x7e => out.push(char::from(byte)),
            _ => {
                out.push('\\');
                for digit in [byte / 100, byte / 10 % 10, byte % 10] {
                    out.push(char::from(b'0' + digit));
                }
            }
        }
    }
}

impl fmt::Display for DnsName {
    /// Presentation form with a trailing dot.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(self.0.len());
        for label in self.labels() {
            write_label(&mut text, label);
            text.push('.');
        }
        f.write_str(if text.is_empty() { "." } else { &text })
    }
}

impl fmt::Debug for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DnsName({self})")
    }
}
