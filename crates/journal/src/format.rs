//! The octets of a journal: a line with the version, the length and the checksum, and a line of JSON.
//!
//! ```text
//! canvass-journal 1 4711 9f86d081...
//! {"generation":12,...}
//! ```
//!
//! The length and the SHA-256 are those of the second line without its end.

use sha2::{Digest, Sha256};

use crate::Record;

/// The first word of a journal.
const MAGIC: &str = "canvass-journal";
/// The version of the format.
const VERSION: u32 = 1;
/// The first line is shorter than this.
const HEAD_OCTETS_MAX: usize = 200;

/// Why octets are not a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// They are something else.
    #[error("it is not a journal of canvass")]
    NotAJournal,
    /// They have another version.
    #[error("it has version {found} of the format, and this program reads version {VERSION}")]
    Version {
        /// The version.
        found: u32,
    },
    /// A part is missing or changed.
    #[error("it is damaged: {0}")]
    Damaged(String),
}

/// Writes a record.
pub fn encode(record: &Record) -> Vec<u8> {
    let body = serde_json::to_vec(record).expect("a record has nothing that JSON lacks");
    let head = format!("{MAGIC} {VERSION} {} {}\n", body.len(), checksum(&body));
    let mut octets = head.into_bytes();
    octets.extend_from_slice(&body);
    octets.push(b'\n');
    octets
}

/// Reads a record.
///
/// # Errors
/// The octets are not a whole record of this version.
pub fn decode(octets: &[u8]) -> Result<Record, FormatError> {
    let damaged = |reason: &str| FormatError::Damaged(reason.into());
    let start = &octets[..octets.len().min(HEAD_OCTETS_MAX)];
    if !start.starts_with(MAGIC.as_bytes()) {
        // A torn journal may have lost its start, and is empty or zeros then.
        return Err(match octets.iter().all(|octet| *octet == 0) {
            true => damaged("it is empty"),
            false => FormatError::NotAJournal,
        });
    }
    let end = start.iter().position(|octet| *octet == b'\n');
    let end = end.ok_or_else(|| damaged("its first line has no end"))?;
    let head = str::from_utf8(&start[..end]).map_err(|_| damaged("its first line is no text"))?;
    let mut words = head.split(' ').skip(1);
    let mut word = || words.next().unwrap_or_default();
    let found = word().parse().map_err(|_| FormatError::NotAJournal)?;
    if found != VERSION {
        return Err(FormatError::Version { found });
    }
    let length: usize = word()
        .parse()
        .map_err(|_| damaged("its length is missing"))?;
    let body = octets[end + 1..]
        .get(..length)
        .ok_or_else(|| damaged("its end is missing"))?;
    if word() != checksum(body) {
        return Err(damaged("its checksum is wrong"));
    }
    serde_json::from_slice(body).map_err(|error| FormatError::Damaged(error.to_string()))
}

fn checksum(octets: &[u8]) -> String {
    format!("{:x}", Sha256::digest(octets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;
    use proptest::prelude::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let written = record(7);
        assert_eq!(decode(&encode(&written)), Ok(written));
    }

    #[test]
    fn other_files_and_versions_are_told_apart() {
        assert_eq!(decode(b"192.0.2.1\n"), Err(FormatError::NotAJournal));
        let text = String::from_utf8(encode(&record(1))).unwrap();
        let later = text.replacen("journal 1", "journal 2", 1);
        let error = decode(later.as_bytes()).unwrap_err();
        assert_eq!(error, FormatError::Version { found: 2 });
        for torn in [&b""[..], &[0; 512]] {
            let error = decode(torn).unwrap_err();
            assert!(matches!(error, FormatError::Damaged(_)), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_change_of_any_octet_is_noticed(at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
            let mut octets = encode(&record(3));
            // The last one is the end of the line.
            let at = at.index(octets.len() - 1);
            octets[at] ^= flip;
            prop_assert!(decode(&octets).is_err());
        }

        #[test]
        fn a_part_is_no_record(at in any::<prop::sample::Index>()) {
            let octets = encode(&record(3));
            prop_assert!(decode(&octets[..at.index(octets.len() - 1)]).is_err());
        }
    }
}
