//! DNS classes by number, with the mnemonics that dig reads.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::mnemonics::Mnemonics;

/// A DNS class, or a class that a question may ask for (RFC 1035 §3.2.4 and §3.2.5, RFC 6895 §3.2).
///
/// Reads and prints the mnemonics, and `CLASSnnn` (RFC 3597 §5) for every other number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Class(pub u16);

/// A text is not a class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown class {0:?}: expected IN, CH, HS, NONE, ANY or CLASSnnn")]
pub struct ClassError(pub String);

/// IANA's registry of classes, in the order of their numbers.
const MNEMONICS: Mnemonics = Mnemonics {
    prefix: "CLASS",
    known: &[(1, "IN"), (3, "CH"), (4, "HS"), (254, "NONE"), (255, "ANY")],
};

impl Class {
    /// The Internet.
    pub const IN: Self = Self(1);
    /// Chaos, in which servers describe themselves (RFC 4892).
    pub const CH: Self = Self(3);
    /// Any class: only questions have it.
    pub const ANY: Self = Self(255);
}

impl FromStr for Class {
    type Err = ClassError;

    /// Reads a mnemonic or `CLASSnnn`, in any case.
    fn from_str(text: &str) -> Result<Self, ClassError> {
        let number = MNEMONICS.read(text);
        number.map(Self).ok_or_else(|| ClassError(text.to_owned()))
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        MNEMONICS.write(self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_reads_back() {
        for number in 0..=u16::MAX {
            let text = Class(number).to_string();
            assert_eq!(text.parse::<Class>(), Ok(Class(number)), "{text}");
        }
    }

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!("ch".parse(), Ok(Class::CH));
        assert_eq!("class3".parse(), Ok(Class::CH));
        for wrong in ["", "XX", "CLASS", "CLASS65536", "CLASS-1", "CHAOS1"] {
            assert!(wrong.parse::<Class>().is_err(), "{wrong}");
        }
    }
}
