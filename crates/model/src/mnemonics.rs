//! Numbers of the DNS that have mnemonics, and the form of those that have none (RFC 3597 §5).

use std::fmt;

/// The mnemonics of a kind of number.
pub(crate) struct Mnemonics {
    /// What stands before a number without a mnemonic.
    pub(crate) prefix: &'static str,
    /// The numbers with their mnemonics, in order.
    pub(crate) known: &'static [(u16, &'static str)],
}

impl Mnemonics {
    /// The number that `text` is a mnemonic of, or that follows the prefix in it; in any case.
    pub(crate) fn read(&self, text: &str) -> Option<u16> {
        let mut known = self.known.iter();
        if let Some((number, _)) = known.find(|(_, name)| name.eq_ignore_ascii_case(text)) {
            return Some(*number);
        }
        let (prefix, digits) = text.split_at_checked(self.prefix.len())?;
        let is_number = prefix.eq_ignore_ascii_case(self.prefix)
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| is_number)
    }

    /// Writes what [`Self::read`] reads.
    pub(crate) fn write(&self, number: u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self
            .known
            .binary_search_by_key(&number, |(known, _)| *known)
        {
            Ok(at) => f.write_str(self.known[at].1),
            Err(_) => write!(f, "{}{number}", self.prefix),
        }
    }
}
