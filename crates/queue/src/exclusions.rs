//! Addresses that are not to be asked about.
//!
//! The addresses that remain are numbered through: the *rank* of an address is how many lower ones
//! remain. A block of ranks has no holes, so counting, dealing and permuting need not know of
//! exclusions at all, and no excluded address is ever stepped over one at a time.

use std::fs::File;
use std::io::Read;
use std::net::IpAddr;

use crate::ExclusionError;
use crate::lines::Lines;
use crate::spelling::{self, Family, Misspelled, Span, shorten};

/// The number of `::ffff:0:0`. The IPv6 addresses from there on lead to the IPv4 addresses that
/// are their last 32 bits (RFC 4291 §2.5.5.2).
const IPV4_MAPPED: u128 = 0xffff << 32;

/// Addresses to leave out, of both families. With an IPv4 address goes the IPv6 one that it is
/// mapped to, since a connection to that is one to the former.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exclusions {
    v4: Holes,
    v6: Holes,
}

impl Exclusions {
    /// Takes what `--exclude` was given, one time or several: each an address, a CIDR, a range
    /// `first-last`, or the path of a file with one of these a line and `#` comments.
    ///
    /// # Errors
    ///
    /// Where one is neither, or a file has a line that is none of these.
    pub fn read<S: AsRef<str>>(given: impl IntoIterator<Item = S>) -> Result<Self, ExclusionError> {
        let mut spans = Vec::new();
        for given in given {
            let given = given.as_ref();
            match parse_exclusion(given) {
                Ok(span) => spans.push(span),
                Err(reason) => read_file(given, reason, &mut spans)?,
            }
        }
        Ok(Self::of_spans(&spans))
    }

    /// Whether nothing is left out.
    pub fn is_empty(&self) -> bool {
        self.v4.0.is_empty() && self.v6.0.is_empty()
    }

    /// Whether `address` is left out.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (family, bits) = spelling::family_and_bits(address);
        self.holes(family).around(bits).is_some()
    }

    /// The ranks of the first and the last address of `span` that remain; `None` where none does.
    pub(crate) fn ranks(&self, span: Span) -> Option<(u128, u128)> {
        let holes = self.holes(span.family);
        let first = match holes.around(span.first) {
            Some(hole) if hole.last >= span.last => return None,
            Some(hole) => hole.last + 1,
            None => span.first,
        };
        // Some address remains, so a hole at the end begins after one.
        let last = holes
            .around(span.last)
            .map_or(span.last, |hole| hole.first - 1);
        Some((holes.rank(first), holes.rank(last)))
    }

    /// The address of this rank, and the last one up to which every address remains.
    pub(crate) fn run(&self, family: Family, rank: u128) -> (u128, u128) {
        self.holes(family).run(rank, family.last())
    }

    fn of_spans(spans: &[Span]) -> Self {
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        for span in spans {
            match span.family {
                Family::V4 => {
                    v4.push((span.first, span.last));
                    v6.push((IPV4_MAPPED | span.first, IPV4_MAPPED | span.last));
                }
                Family::V6 => v6.push((span.first, span.last)),
            }
        }
        Self {
            v4: Holes::merge(v4),
            v6: Holes::merge(v6),
        }
    }

    fn holes(&self, family: Family) -> &Holes {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }
}

/// Excluded addresses that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hole {
    first: u128,
    last: u128,
    /// How many lower addresses remain, which is the rank of the address after it.
    rank: u128,
}

/// In order, with an address that remains between any two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Holes(Vec<Hole>);

impl Holes {
    fn merge(mut spans: Vec<(u128, u128)>) -> Self {
        spans.sort_unstable();
        let mut holes: Vec<Hole> = Vec::new();
        for (first, last) in spans {
            match holes.last_mut() {
                Some(hole) if first <= hole.last.saturating_add(1) => {
                    hole.last = hole.last.max(last);
                }
                before => {
                    let rank = before.map_or(first, |hole| hole.rank + (first - hole.last - 1));
                    holes.push(Hole { first, last, rank });
                }
            }
        }
        holes.shrink_to_fit();
        Self(holes)
    }

    /// The hole that `bits` lies in.
    fn around(&self, bits: u128) -> Option<&Hole> {
        let after = self.0.partition_point(|hole| hole.first <= bits);
        self.0[..after].last().filter(|hole| hole.last >= bits)
    }

    /// The rank of an address that remains.
    fn rank(&self, bits: u128) -> u128 {
        let after = self.0.partition_point(|hole| hole.first <= bits);
        match self.0[..after].last() {
            None => bits,
            Some(hole) => hole.rank + (bits - hole.last - 1),
        }
    }

    fn run(&self, rank: u128, family_last: u128) -> (u128, u128) {
        let after = self.0.partition_point(|hole| hole.rank <= rank);
        let bits = match self.0[..after].last() {
            None => rank,
            Some(hole) => hole.last + 1 + (rank - hole.rank),
        };
        let last = self.0.get(after).map_or(family_last, |hole| hole.first - 1);
        (bits, last)
    }
}

fn parse_exclusion(text: &str) -> Result<Span, Box<str>> {
    match spelling::parse(text) {
        Ok(spelled) => Ok(spelled.span()),
        Err(Misspelled::Slip(reason)) => Err(reason.into()),
        Err(Misspelled::Foreign) => {
            Err(format!("{:?} is not an address, a CIDR or a range", shorten(text)).into())
        }
    }
}

/// Reads a file of exclusions; `reason` is why its path was nothing else.
fn read_file(path: &str, reason: Box<str>, spans: &mut Vec<Span>) -> Result<(), ExclusionError> {
    let unreadable = |error| ExclusionError::Unreadable {
        given: path.into(),
        reason,
        error,
    };
    match File::open(path) {
        Ok(file) => match read_lines(path, file, spans) {
            Ok(bad_line) => bad_line.map_or(Ok(()), Err),
            Err(error) => Err(unreadable(error)),
        },
        Err(error) => Err(unreadable(error)),
    }
}

/// Reads exclusions, one a line; gives the first bad line back.
fn read_lines(
    path: &str,
    file: impl Read,
    spans: &mut Vec<Span>,
) -> std::io::Result<Option<ExclusionError>> {
    let mut lines = Lines::new(file);
    loop {
        while let Some(line) = lines.next_buffered() {
            let text = match line.content() {
                Ok(None) => continue,
                Ok(Some(text)) => parse_exclusion(text).map_err(|reason| (shorten(text), reason)),
                Err(bad) => Err((bad.given, bad.reason)),
            };
            match text {
                Ok(span) => spans.push(span),
                Err((given, reason)) => {
                    return Ok(Some(ExclusionError::BadLine {
                        path: path.into(),
                        line: line.number,
                        given,
                        reason,
                    }));
                }
            }
        }
        if lines.is_at_end() {
            return Ok(None);
        }
        lines.read()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write as _;

    fn bits_of(exclusions: &Exclusions, span: Span) -> Vec<u128> {
        let Some((first, last)) = exclusions.ranks(span) else {
            return Vec::new();
        };
        (first..=last)
            .map(|rank| exclusions.run(span.family, rank).0)
            .collect()
    }

    #[test]
    fn arguments_and_files_are_read() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(
            file,
            "\u{feff}# spared\r\n192.0.2.0/25 # half\r\n\r\n 2001:db8::1-2001:db8::5\n198.51.100.7"
        )
        .unwrap();
        let path = file.path().to_str().unwrap();
        let exclusions = Exclusions::read(["203.0.113.0/24", path]).unwrap();
        for (address, out) in [
            ("192.0.2.0", true),
            ("192.0.2.127", true),
            ("192.0.2.128", false),
            ("203.0.113.9", true),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("2001:db8::5", true),
            ("2001:db8::6", false),
            ("::c000:200", false),
            ("::ffff:192.0.2.127", true),
            ("::ffff:192.0.2.128", false),
        ] {
            assert_eq!(
                exclusions.contains(address.parse().unwrap()),
                out,
                "{address}"
            );
        }
        assert!(!exclusions.is_empty());
        assert!(Exclusions::read::<&str>([]).unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_excluded_is_named() {
        let error = Exclusions::read(["10.1.2.3/8"]).unwrap_err().to_string();
        assert!(
            error.starts_with("bad exclusion: \"10.1.2.3/8\": host bits are set; the network is 10.0.0.0/8; reading it as a file failed: No such file"),
            "{error}"
        );
        let error = Exclusions::read(["no-such-list"]).unwrap_err().to_string();
        assert!(
            error.starts_with("bad exclusion: \"no-such-list\" is not an address"),
            "{error}"
        );
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "10.0.0.0/8\nexample.net\n").unwrap();
        let path = file.path().to_str().unwrap();
        let error = Exclusions::read([path]).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "bad exclusion at {path}:2: \"example.net\" is not an address, a CIDR or a range"
            )
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let error = Exclusions::read([path]).unwrap_err().to_string();
        assert!(
            error.contains(path) && error.contains("directory"),
            "{error}"
        );
    }

    #[test]
    fn the_ends_of_the_families_can_be_excluded() {
        let everything = Span {
            family: Family::V6,
            first: 0,
            last: u128::MAX,
        };
        let exclusions = Exclusions::read(["::/0"]).unwrap();
        assert_eq!(exclusions.ranks(everything), None);
        let exclusions = Exclusions::read(["::/1", "::/2"]).unwrap();
        let half = 1 << 127;
        assert_eq!(exclusions.ranks(everything), Some((0, half - 1)));
        assert_eq!(exclusions.run(Family::V6, 0), (half, u128::MAX));
        let exclusions = Exclusions::read(["8000::/1"]).unwrap();
        assert_eq!(exclusions.ranks(everything), Some((0, half - 1)));
        assert_eq!(exclusions.run(Family::V6, 7), (7, half - 1));
        let all_v4 = Span {
            family: Family::V4,
            first: 0,
            last: u32::MAX.into(),
        };
        assert_eq!(exclusions.ranks(all_v4), Some((0, u32::MAX.into())));
        assert_eq!(Exclusions::read(["0.0.0.0/0"]).unwrap().ranks(all_v4), None);
    }

    proptest! {
        #[test]
        fn what_remains_is_what_a_search_finds(
            out in prop::collection::vec((0u128..120, 0u128..12), 0..10),
            first in 0u128..130,
            length in 0u128..130,
        ) {
            let family = Family::V6;
            let span = |first, length| Span { family, first, last: first + length };
            let spans: Vec<Span> = out.iter().map(|(first, length)| span(*first, *length)).collect();
            let exclusions = Exclusions::of_spans(&spans);
            let whole = span(first, length);
            let expected: Vec<u128> = (whole.first..=whole.last)
                .filter(|bits| !spans.iter().any(|span| (span.first..=span.last).contains(bits)))
                .collect();
            for bits in whole.first..=whole.last {
                prop_assert_eq!(exclusions.contains(family.address(bits)), !expected.contains(&bits));
            }
            prop_assert_eq!(bits_of(&exclusions, whole), expected);
        }
    }
}
