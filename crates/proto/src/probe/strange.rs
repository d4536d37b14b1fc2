//! What a peer sent instead of HTTP, as a message says it.

use std::fmt;

use crate::excerpt::FirstLine;

/// The beginning of what was received instead of an HTTP response.
pub(super) struct Strange<'a>(pub(super) &'a [u8]);

impl fmt::Display for Strange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ": the peer sent {}", FirstLine(self.0))?;
        // A TLS record begins with its type and the major version 3 (RFC 8446 §5.1).
        match self.0 {
            [0x15, 3, ..] => f.write_str(", a TLS alert: it expects https"),
            [0x14 | 0x16 | 0x17, 3, ..] => f.write_str(", a TLS record: it expects https"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tls_record_is_told_from_a_banner() {
        for (octets, shown) in [
            (
                &b"\x15\x03\x01\0\x02\x02F"[..],
                ": the peer sent \"\\x15\\x03\\x01\\x00\\x02\\x02F\", a TLS alert: it expects https",
            ),
            (b"220 mail ESMTP\r\n", ": the peer sent \"220 mail ESMTP\""),
            (b"\x15", ": the peer sent \"\\x15\""),
        ] {
            assert_eq!(Strange(octets).to_string(), shown);
        }
    }
}
