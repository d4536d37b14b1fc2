//! DNS record types.

use std::fmt;
use std::str::FromStr;

use hickory_proto::rr::RecordType as Known;

/// A DNS record type (RFC 1035 §3.2.2 and IANA's registry). Parsed from and displayed as a mnemonic
/// that hickory-proto knows, or `TYPEnnn` (RFC 3597 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordType(pub u16);

/// A text is not a record type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown record type {0:?}: expected a mnemonic (A, MX, ...) or TYPEnnn")]
pub struct RecordTypeError(pub String);

impl RecordType {
    /// IPv4 host address.
    pub const A: Self = Self(1);
    /// Canonical name.
    pub const CNAME: Self = Self(5);
    /// Domain name pointer.
    pub const PTR: Self = Self(12);
    /// IPv6 host address (RFC 3596).
    pub const AAAA: Self = Self(28);
    /// EDNS(0) pseudo-record (RFC 6891).
    pub const OPT: Self = Self(41);
    /// All records (RFC 8482).
    pub const ANY: Self = Self(255);
}

impl FromStr for RecordType {
    type Err = RecordTypeError;

    fn from_str(text: &str) -> Result<Self, RecordTypeError> {
        let upper = text.to_ascii_uppercase();
        if let Some(number) = upper.strip_prefix("TYPE")
            && let Ok(number) = number.parse()
        {
            return Ok(Self(number));
        }
        // hickory-proto displays these mnemonics and does not parse them.
        match upper.as_str() {
            "IXFR" => return Ok(Self(251)),
            "DNAME" => return Ok(Self(39)),
            "OPT" => return Ok(Self::OPT),
            _ => {}
        }
        match Known::from_str(&upper) {
            Ok(known) => Ok(Self(known.into())),
            Err(_) => Err(RecordTypeError(text.to_owned())),
        }
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Known::from(self.0) {
            Known::Unknown(_) | Known::ZERO => write!(f, "TYPE{}", self.0),
            known => f.write_str(known.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_reads_back() {
        for number in 0..=u16::MAX {
            let text = RecordType(number).to_string();
            assert_eq!(text.parse::<RecordType>(), Ok(RecordType(number)), "{text}");
        }
    }

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!("aaaa".parse(), Ok(RecordType::AAAA));
        assert_eq!("Type12".parse(), Ok(RecordType::PTR));
        assert!("TYPE70000".parse::<RecordType>().is_err());
        assert!("BOGUS".parse::<RecordType>().is_err());
    }
}
