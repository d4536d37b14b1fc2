//! Values that a file of modules has in several places.

use std::fmt;
use std::time;

use canvass_proto::talk::Pattern;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Reads a value that may be left empty.
pub(super) fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A text that is not shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Secret(pub String);

/// What is shown in place of a secret.
pub(crate) const MASK: &str = "<secret>";

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

/// A duration as Go writes it (`1m30s`); a bare number is nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Duration(pub time::Duration);

impl Duration {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(nanoseconds) = text.parse() {
            return Some(Self(time::Duration::from_nanos(nanoseconds)));
        }
        let mut total = time::Duration::ZERO;
        let mut rest = text.strip_prefix('+').unwrap_or(text);
        while !rest.is_empty() {
            let digits = rest.find(|char: char| !char.is_ascii_digit() && char != '.')?;
            let number: f64 = rest[..digits].parse().ok()?;
            rest = &rest[digits..];
            let unit_end = rest
                .find(|char: char| char.is_ascii_digit() || char == '.')
                .unwrap_or(rest.len());
            let unit_s = match &rest[..unit_end] {
                "ns" => 1e-9,
                "us" | "\u{b5}s" | "\u{3bc}s" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
            rest = &rest[unit_end..];
            let part = time::Duration::try_from_secs_f64(number * unit_s).ok()?;
            total = total.checked_add(part)?;
        }
        (!text.is_empty()).then_some(Self(total))
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?.0;
        Self::parse(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not a duration")))
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:?}", self.0))
    }
}

/// A number of octets with a unit that is a power of 1,024 (`10MB`); 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Octets(pub u64);

impl Octets {
    fn parse(text: &str) -> Option<Self> {
        let digits = text
            .find(|char: char| !char.is_ascii_digit() && char != '.')
            .unwrap_or(text.len());
        let number: f64 = text[..digits].parse().ok()?;
        let unit = text[digits..].trim().trim_end_matches(['B', 'b']);
        let power = match unit.trim_end_matches('i').to_ascii_uppercase().as_str() {
            "" => 0,
            "K" => 10,
            "M" => 20,
            "G" => 30,
            "T" => 40,
            "P" => 50,
            _ => return None,
        };
        Some(Self((number * (1_u64 << power) as f64) as u64))
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?.0;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is not a number of octets")))
    }
}

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}B", self.0))
    }
}

/// A scalar as text, whether it was written as a text or as a number.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl Visitor<'_> for Scalar {
            type Value = String;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a scalar")
            }

            fn visit_str<E>(self, text: &str) -> Result<String, E> {
                Ok(text.to_owned())
            }

            fn visit_u64<E>(self, number: u64) -> Result<String, E> {
                Ok(number.to_string())
            }

            fn visit_i64<E>(self, number: i64) -> Result<String, E> {
                Ok(number.to_string())
            }
        }
        deserializer.deserialize_any(Scalar).map(Self)
    }
}

/// A regular expression. Where an empty one means that there is none, the field is an `Option`.
#[derive(Clone, Debug)]
pub(crate) struct Regex {
    pub source: String,
    pub pattern: Pattern,
}

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl<'de> Deserialize<'de> for Regex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        let pattern = Pattern::parse(&source).map_err(|reason| {
            D::Error::custom(format!("regular expression {source:?}: {reason}"))
        })?;
        Ok(Self { source, pattern })
    }
}

impl Serialize for Regex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

/// The address family that is preferred. blackbox_exporter takes every other text for `ip4`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum IpProtocol {
    #[default]
    Ip6,
    Ip4,
}

impl<'de> Deserialize<'de> for IpProtocol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match String::deserialize(deserializer)?.as_str() {
            "" | "ip6" => Self::Ip6,
            _ => Self::Ip4,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_in_go() {
        for (text, ms) in [
            ("5s", Some(5_000)),
            ("1m30s", Some(90_000)),
            ("1.5h", Some(5_400_000)),
            ("250ms", Some(250)),
            ("2000000", Some(2)),
            ("0", Some(0)),
            ("", None),
            ("5", Some(0)),
            ("5 s", None),
            ("5d", None),
            ("s", None),
            ("-1s", None),
        ] {
            let read = Duration::parse(text).map(|duration| duration.0.as_millis());
            assert_eq!(read, ms, "{text:?}");
        }
    }

    #[test]
    fn sizes_have_units_that_are_powers_of_1024() {
        for (text, octets) in [
            ("0", Some(0)),
            ("1B", Some(1)),
            ("10MB", Some(10 << 20)),
            ("1KiB", Some(1 << 10)),
            ("1.5GB", Some(3 << 29)),
            ("MB", None),
            ("1XB", None),
        ] {
            assert_eq!(Octets::parse(text).map(|size| size.0), octets, "{text:?}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret("hunter2".into());
        assert_eq!(format!("{secret:?}"), MASK);
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"<secret>\"");
    }
}
