//! DNS record types by number, with the mnemonics of IANA's registry.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::mnemonics::Mnemonics;
use crate::suggestion::suggestion;

/// A DNS record type (RFC 1035 §3.2.2, RFC 6895 §3.1).
///
/// Reads and prints the mnemonics of IANA's registry of resource record types, and `TYPEnnn`
/// (RFC 3597 §5) for every other number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordType(pub u16);

/// A text is not a record type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown record type {0:?}{nearest}; expected a mnemonic (A, MX, ...) or TYPEnnn", nearest = nearest(.0))]
pub struct RecordTypeError(pub String);

/// IANA's registry of resource record types, in the order of their numbers.
const MNEMONICS: Mnemonics = Mnemonics {
    prefix: "TYPE",
    known: &[
        (1, "A"),
        (2, "NS"),
        (3, "MD"),
        (4, "MF"),
        (5, "CNAME"),
        (6, "SOA"),
        (7, "MB"),
        (8, "MG"),
        (9, "MR"),
        (10, "NULL"),
        (11, "WKS"),
        (12, "PTR"),
        (13, "HINFO"),
        (14, "MINFO"),
        (15, "MX"),
        (16, "TXT"),
        (17, "RP"),
        (18, "AFSDB"),
        (19, "X25"),
        (20, "ISDN"),
        (21, "RT"),
        (22, "NSAP"),
        (23, "NSAP-PTR"),
        (24, "SIG"),
        (25, "KEY"),
        (26, "PX"),
        (27, "GPOS"),
        (28, "AAAA"),
        (29, "LOC"),
        (30, "NXT"),
        (31, "EID"),
        (32, "NIMLOC"),
        (33, "SRV"),
        (34, "ATMA"),
        (35, "NAPTR"),
        (36, "KX"),
        (37, "CERT"),
        (38, "A6"),
        (39, "DNAME"),
        (40, "SINK"),
        (41, "OPT"),
        (42, "APL"),
        (43, "DS"),
        (44, "SSHFP"),
        (45, "IPSECKEY"),
        (46, "RRSIG"),
        (47, "NSEC"),
        (48, "DNSKEY"),
        (49, "DHCID"),
        (50, "NSEC3"),
        (51, "NSEC3PARAM"),
        (52, "TLSA"),
        (53, "SMIMEA"),
        (55, "HIP"),
        (56, "NINFO"),
        (57, "RKEY"),
        (58, "TALINK"),
        (59, "CDS"),
        (60, "CDNSKEY"),
        (61, "OPENPGPKEY"),
        (62, "CSYNC"),
        (63, "ZONEMD"),
        (64, "SVCB"),
        (65, "HTTPS"),
        (66, "DSYNC"),
        (67, "HHIT"),
        (68, "BRID"),
        (99, "SPF"),
        (100, "UINFO"),
        (101, "UID"),
        (102, "GID"),
        (103, "UNSPEC"),
        (104, "NID"),
        (105, "L32"),
        (106, "L64"),
        (107, "LP"),
        (108, "EUI48"),
        (109, "EUI64"),
        (128, "NXNAME"),
        (249, "TKEY"),
        (250, "TSIG"),
        (251, "IXFR"),
        (252, "AXFR"),
        (253, "MAILB"),
        (254, "MAILA"),
        (255, "ANY"),
        (256, "URI"),
        (257, "CAA"),
        (258, "AVC"),
        (259, "DOA"),
        (260, "AMTRELAY"),
        (261, "RESINFO"),
        (262, "WALLET"),
        (263, "CLA"),
        (264, "IPN"),
        (32768, "TA"),
        (32769, "DLV"),
    ],
};

fn nearest(text: &str) -> String {
    suggestion(text, MNEMONICS.known.iter().map(|(_, name)| *name))
}

impl RecordType {
    /// IPv4 host address.
    pub const A: Self = Self(1);
    /// Canonical name.
    pub const CNAME: Self = Self(5);
    /// Start of a zone of authority.
    pub const SOA: Self = Self(6);
    /// Domain name pointer.
    pub const PTR: Self = Self(12);
    /// IPv6 host address (RFC 3596).
    pub const AAAA: Self = Self(28);
    /// Redirection of a subtree (RFC 6672).
    pub const DNAME: Self = Self(39);
    /// EDNS(0) pseudo-record (RFC 6891).
    pub const OPT: Self = Self(41);
    /// Signature of a set of records (RFC 4034).
    pub const RRSIG: Self = Self(46);
    /// All records (RFC 8482).
    pub const ANY: Self = Self(255);
}

impl FromStr for RecordType {
    type Err = RecordTypeError;

    /// Reads a mnemonic or `TYPEnnn`, in any case.
    fn from_str(text: &str) -> Result<Self, RecordTypeError> {
        let number = MNEMONICS.read(text);
        number
            .map(Self)
            .ok_or_else(|| RecordTypeError(text.to_owned()))
    }
}

impl fmt::Display for RecordType {
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
            let text = RecordType(number).to_string();
            assert_eq!(text.parse::<RecordType>(), Ok(RecordType(number)), "{text}");
        }
    }

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!("aaaa".parse(), Ok(RecordType::AAAA));
        assert_eq!("Type12".parse(), Ok(RecordType::PTR));
        assert!("TYPE70000".parse::<RecordType>().is_err());
        assert_eq!(
            "BOGUS".parse::<RecordType>().unwrap_err().to_string(),
            "unknown record type \"BOGUS\"; expected a mnemonic (A, MX, ...) or TYPEnnn"
        );
        assert_eq!(
            "txxt".parse::<RecordType>().unwrap_err().to_string(),
            "unknown record type \"txxt\"; did you mean TXT?; expected a mnemonic (A, MX, ...) or TYPEnnn"
        );
    }
}
