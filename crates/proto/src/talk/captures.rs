//! The captures of a conversation.

use super::CAPTURED_BYTES_MAX;

/// The captures of a conversation, in order, each name once.
#[derive(Clone, Debug, Default)]
pub(super) struct Captures {
    entries: Vec<(Box<str>, Box<str>)>,
    /// Those whose text does not show the octets, in hex.
    hex: Vec<(Box<str>, Box<str>)>,
    bytes: usize,
}

impl Captures {
    /// Adds a capture, with its octets in hex if the text does not show them. It replaces an earlier
    /// one of the same name. `None` if the limit is exceeded.
    pub(super) fn insert(&mut self, name: &str, value: String, hex: Option<String>) -> Option<()> {
        self.bytes += value.len() + hex.as_ref().map_or(0, String::len);
        match self.entries.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, old)) => {
                self.bytes -= old.len();
                *old = value.into();
            }
            None => self.entries.push((name.into(), value.into())),
        }
        if let Some(at) = self.hex.iter().position(|(known, _)| **known == *name) {
            self.bytes -= self.hex.remove(at).1.len();
        }
        if let Some(hex) = hex {
            self.hex.push((name.into(), hex.into()));
        }
        (self.bytes <= CAPTURED_BYTES_MAX).then_some(())
    }

    /// The text of a capture.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let mut entries = self.entries.iter();
        let (_, value) = entries.find(|(known, _)| **known == *name)?;
        Some(value)
    }

    /// Takes all captures.
    pub(super) fn take(&mut self) -> Vec<(Box<str>, Box<str>)> {
        std::mem::take(&mut self.entries)
    }

    /// Takes what is in hex.
    pub(super) fn take_hex(&mut self) -> Vec<(Box<str>, Box<str>)> {
        std::mem::take(&mut self.hex)
    }
}

/// Whether octets are text: UTF-8 without control characters other than tabs and line ends.
pub(super) fn is_text(octets: &[u8]) -> bool {
    std::str::from_utf8(octets).is_ok_and(|text| {
        let odd = |character: char| character.is_control() && !"\t\r\n".contains(character);
        !text.contains(odd)
    })
}

/// Octets in hex.
pub(super) fn hex(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = octets.iter().flat_map(|octet| [octet >> 4, octet & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}
