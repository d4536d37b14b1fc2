//! Excluded addresses.
//!
//! Addresses that are not excluded are numbered: the *rank* of an address is the number of lower
//! addresses that are not excluded. Ranks are consecutive, so counting, partitioning and permuting
//! do not depend on exclusions, and no excluded address is visited.

use std::fs::File;
use std::io::Read;
use std::net::IpAddr;

use crate::ExclusionError;
use crate::decompress::Decompressed;
use crate::lines::Lines;
use crate::parse::{self, AddressFamily, AddressRange, ParseError, shorten};

/// The number of `::ffff:0:0`, the first IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2).
const IPV4_MAPPED: u128 = 0xffff << 32;

/// Excluded addresses of both families. An IPv4 address excludes its IPv4-mapped IPv6 address too,
/// because both lead to the same host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exclusions {
    v4: ExcludedRanges,
    v6: ExcludedRanges,
}

impl Exclusions {
    /// Parses the values of `--exclude`: each is an address, a CIDR, a range `first-last`, or the
    /// path of a file with one of these per line and `#` comments.
    ///
    /// # Errors
    ///
    /// If a value is none of these, or a file has an invalid line.
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

    /// Whether no address is excluded.
    pub fn is_empty(&self) -> bool {
        self.v4.0.is_empty() && self.v6.0.is_empty()
    }

    /// Whether `address` is excluded.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (family, bits) = parse::family_and_bits(address.to_canonical());
        self.ranges(family).around(bits).is_some()
    }

    /// The ranks of the first and the last address of `span` that are not excluded. `None` if all
    /// are excluded.
    pub(crate) fn ranks(&self, span: AddressRange) -> Option<(u128, u128)> {
        let ranges = self.ranges(span.family);
        let first = match ranges.around(span.first) {
            Some(range) if range.last >= span.last => return None,
            Some(range) => range.last + 1,
            None => span.first,
        };
        // At least one address is not excluded, so it precedes an excluded range at the end.
        let last = ranges
            .around(span.last)
            .map_or(span.last, |range| range.first - 1);
        Some((ranges.rank(first), ranges.rank(last)))
    }

    /// The address of a rank, and the last address before the next excluded one.
    pub(crate) fn run(&self, family: AddressFamily, rank: u128) -> (u128, u128) {
        self.ranges(family).run(rank, family.last())
    }

    fn of_spans(spans: &[AddressRange]) -> Self {
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        for span in spans {
            match span.family {
                AddressFamily::V4 => {
                    v4.push((span.first, span.last));
                    v6.push((IPV4_MAPPED | span.first, IPV4_MAPPED | span.last));
                }
                AddressFamily::V6 => v6.push((span.first, span.last)),
            }
        }
        Self {
            v4: ExcludedRanges::merge(v4),
            v6: ExcludedRanges::merge(v6),
        }
    }

    fn ranges(&self, family: AddressFamily) -> &ExcludedRanges {
        match family {
            AddressFamily::V4 => &self.v4,
            AddressFamily::V6 => &self.v6,
        }
    }
}

/// A range of excluded addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ExcludedRange {
    first: u128,
    last: u128,
    /// The number of lower addresses that are not excluded, which is the rank of the next address.
    rank: u128,
}

/// Excluded ranges in order. Between two of them there is at least one address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ExcludedRanges(Vec<ExcludedRange>);

impl ExcludedRanges {
    fn merge(mut spans: Vec<(u128, u128)>) -> Self {
        spans.sort_unstable();
        let mut ranges: Vec<ExcludedRange> = Vec::new();
        for (first, last) in spans {
            match ranges.last_mut() {
                Some(range) if first <= range.last.saturating_add(1) => {
                    range.last = range.last.max(last);
                }
                before => {
                    let rank = before.map_or(first, |range| range.rank + (first - range.last - 1));
                    ranges.push(ExcludedRange { first, last, rank });
                }
            }
        }
        ranges.shrink_to_fit();
        Self(ranges)
    }

    /// The excluded range that contains `bits`.
    fn around(&self, bits: u128) -> Option<&ExcludedRange> {
        let after = self.0.partition_point(|range| range.first <= bits);
        self.0[..after].last().filter(|range| range.last >= bits)
    }

    /// The rank of an address that is not excluded.
    fn rank(&self, bits: u128) -> u128 {
        let after = self.0.partition_point(|range| range.first <= bits);
        match self.0[..after].last() {
            None => bits,
            Some(range) => range.rank + (bits - range.last - 1),
        }
    }

    fn run(&self, rank: u128, family_last: u128) -> (u128, u128) {
        let after = self.0.partition_point(|range| range.rank <= rank);
        let bits = match self.0[..after].last() {
            None => rank,
            Some(range) => range.last + 1 + (rank - range.rank),
        };
        let last = self
            .0
            .get(after)
            .map_or(family_last, |range| range.first - 1);
        (bits, last)
    }
}

fn parse_exclusion(text: &str) -> Result<AddressRange, Box<str>> {
    match parse::parse(text) {
        Ok(spelled) => Ok(spelled.span()),
        Err(ParseError::Invalid(reason)) => Err(reason.into()),
        Err(ParseError::NotAddress) => {
            Err(format!("{:?} is not an address, a CIDR or a range", shorten(text)).into())
        }
    }
}

/// Reads a file of exclusions. `reason` is why its path is not an address, a CIDR or a range.
fn read_file(
    path: &str,
    reason: Box<str>,
    spans: &mut Vec<AddressRange>,
) -> Result<(), ExclusionError> {
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

/// Reads exclusions, one per line. Returns the first invalid line.
fn read_lines(
    path: &str,
    file: impl Read,
    spans: &mut Vec<AddressRange>,
) -> std::io::Result<Option<ExclusionError>> {
    let mut lines = Lines::new(Decompressed::new(file));
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

    fn bits_of(exclusions: &Exclusions, span: AddressRange) -> Vec<u128> {
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
        let exclusions = Exclusions::read(["::ffff:192.0.2.0/120"]).unwrap();
        for address in ["192.0.2.9", "::ffff:192.0.2.9"] {
            assert!(exclusions.contains(address.parse().unwrap()), "{address}");
        }
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
        let everything = AddressRange {
            family: AddressFamily::V6,
            first: 0,
            last: u128::MAX,
        };
        let exclusions = Exclusions::read(["::/0"]).unwrap();
        assert_eq!(exclusions.ranks(everything), None);
        let exclusions = Exclusions::read(["::/1", "::/2"]).unwrap();
        let half = 1 << 127;
        assert_eq!(exclusions.ranks(everything), Some((0, half - 1)));
        assert_eq!(exclusions.run(AddressFamily::V6, 0), (half, u128::MAX));
        let exclusions = Exclusions::read(["8000::/1"]).unwrap();
        assert_eq!(exclusions.ranks(everything), Some((0, half - 1)));
        assert_eq!(exclusions.run(AddressFamily::V6, 7), (7, half - 1));
        let all_v4 = AddressRange {
            family: AddressFamily::V4,
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
            let family = AddressFamily::V6;
            let span = |first, length| AddressRange { family, first, last: first + length };
            let spans: Vec<AddressRange> = out.iter().map(|(first, length)| span(*first, *length)).collect();
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
