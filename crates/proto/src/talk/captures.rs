//! The captures of a conversation.

use super::CAPTURED_BYTES_MAX;

/// The captures of a conversation, in order, each name once.
#[derive(Clone, Debug, Default)]
pub(super) struct Captures {
    entries: Vec<(Box<str>, Box<str>)>,
    bytes: usize,
}

impl Captures {
    /// Adds a capture. It replaces an earlier one of the same name. `None` if the limit is
    /// exceeded.
    pub(super) fn insert(&mut self, name: &str, value: String) -> Option<()> {
        self.bytes += value.len();
        match self.entries.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, old)) => {
                self.bytes -= old.len();
                *old = value.into();
            }
            None => self.entries.push((name.into(), value.into())),
        }
        (self.bytes <= CAPTURED_BYTES_MAX).then_some(())
    }

    /// Takes all captures.
    pub(super) fn take(&mut self) -> Vec<(Box<str>, Box<str>)> {
        self.bytes = 0;
        std::mem::take(&mut self.entries)
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
