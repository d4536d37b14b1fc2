//! Sets of status codes.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The status codes that a response can have (RFC 9112 §4: three digits).
const CODES: RangeInclusive<u16> = 100..=999;

/// A set of status codes, written as `200`, `200-399`, `2xx`, or several of these with commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusSet {
    ranges: Vec<RangeInclusive<u16>>,
    /// As given.
    text: Box<str>,
}

/// Why a text is not a set of status codes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    /// An item is no code, range or class.
    #[error("{0:?} is not a status code from 100 to 999, a range such as 200-399, or 2xx")]
    Item(Box<str>),
    /// A range ends before it begins.
    #[error("the range {0:?} ends before it begins")]
    Reversed(Box<str>),
}

impl StatusSet {
    /// Whether it has this code.
    pub fn contains(&self, code: u16) -> bool {
        self.ranges.iter().any(|range| range.contains(&code))
    }

    /// The codes that are in any of the sets. `None` if there are no sets.
    pub fn union(sets: &[Self]) -> Option<Self> {
        let texts: Vec<_> = sets.iter().map(|set| &*set.text).collect();
        (!sets.is_empty()).then(|| Self {
            ranges: sets.iter().flat_map(|set| set.ranges.clone()).collect(),
            text: texts.join(",").into(),
        })
    }
}

impl FromStr for StatusSet {
    type Err = StatusError;

    fn from_str(text: &str) -> Result<Self, StatusError> {
        let items: Vec<_> = text.split(',').map(str::trim).collect();
        let ranges = items.iter().map(|item| range(item));
        Ok(Self {
            ranges: ranges.collect::<Result<_, _>>()?,
            text: items.join(",").into(),
        })
    }
}

impl fmt::Display for StatusSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn range(item: &str) -> Result<RangeInclusive<u16>, StatusError> {
    let bad = || StatusError::Item(item.into());
    if let Some(class) = item.strip_suffix("xx").or_else(|| item.strip_suffix("XX")) {
        let first = code(&format!("{class}00")).ok_or_else(bad)?;
        return Ok(first..=first + 99);
    }
    let (first, last) = item.split_once('-').unwrap_or((item, item));
    let first = code(first.trim_end()).ok_or_else(bad)?;
    let last = code(last.trim_start()).ok_or_else(bad)?;
    if first > last {
        return Err(StatusError::Reversed(item.into()));
    }
    Ok(first..=last)
}

fn code(text: &str) -> Option<u16> {
    let is_number = text.len() == 3 && text.bytes().all(|octet| octet.is_ascii_digit());
    let code = text.parse().ok().filter(|_| is_number)?;
    CODES.contains(&code).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ranges_and_classes_make_a_set() {
        let set: StatusSet = "200-204, 3xx,401".parse().unwrap();
        for (code, is_in) in [
            (199, false),
            (200, true),
            (204, true),
            (205, false),
            (300, true),
            (399, true),
            (400, false),
            (401, true),
        ] {
            assert_eq!(set.contains(code), is_in, "{code}");
        }
        assert_eq!(set.to_string(), "200-204,3xx,401");
        let more = StatusSet::union(&[set, "5XX".parse().unwrap()]).unwrap();
        assert!(more.contains(204) && more.contains(599));
        assert_eq!(more.to_string(), "200-204,3xx,401,5XX");
        assert_eq!(StatusSet::union(&[]), None);
    }

    #[test]
    fn what_is_no_set_is_refused_by_name() {
        for text in [
            "", "1000", "99", "0xx", "x", "20x", "2xxx", "200-", "-200", "200,", "+20", "200-1000",
        ] {
            let item = text.split(',').next_back().unwrap();
            assert_eq!(
                text.parse::<StatusSet>(),
                Err(StatusError::Item(item.into())),
                "{text}"
            );
        }
        assert_eq!(
            "204,300-200".parse::<StatusSet>(),
            Err(StatusError::Reversed("300-200".into()))
        );
    }
}
