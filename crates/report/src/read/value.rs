//! Values of a line that are written as text or in milliseconds.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

use canvass_model::{Phase, Phases};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A value that is written as a string and read with [`FromStr`].
pub(crate) struct FromText<T>(pub(crate) T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for FromText<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<T: FromStr<Err: Display>> Visitor<'_> for Reader<T> {
            type Value = FromText<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<FromText<T>, E> {
                text.parse().map(FromText).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Reader(PhantomData))
    }
}

/// A span in milliseconds, to the nanosecond.
///
/// The number is read as a double, whose 53 bits hold the nanoseconds of more than three weeks. No
/// probe takes as long.
pub(crate) struct Millis(pub(crate) Duration);

/// Nanoseconds in a millisecond.
const NANOS_PER_MS: f64 = 1e6;

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let millis = f64::deserialize(deserializer)?;
        if millis < 0.0 {
            return Err(D::Error::custom(format_args!(
                "a span of {millis} ms is negative"
            )));
        }
        Ok(Self(Duration::from_nanos(
            (millis * NANOS_PER_MS).round() as u64
        )))
    }
}

impl Millis {
    /// Adds a span, if there is one, to what was spent in `phase`.
    pub(crate) fn add_to(phases: &mut Phases, phase: Phase, span: Option<Self>) {
        if let Some(span) = span {
            phases.add(phase, span.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::push_ms;
    use proptest::prelude::*;

    /// Three weeks.
    const EXACT_NS_MAX: u64 = 21 * 86_400 * 1_000_000_000;

    fn read(nanos: u64) -> u64 {
        let mut text = Vec::new();
        push_ms(&mut text, Duration::from_nanos(nanos));
        let read: Millis = serde_json::from_slice(&text).unwrap();
        u64::try_from(read.0.as_nanos()).unwrap()
    }

    proptest! {
        #[test]
        fn milliseconds_come_back_to_the_nanosecond(
            nanos in prop_oneof![0..=EXACT_NS_MAX, 0..100_000_000_000_u64, 0..2_000_000_u64],
        ) {
            prop_assert_eq!(read(nanos), nanos);
        }

        #[test]
        fn longer_spans_come_back_nearly(nanos in EXACT_NS_MAX..) {
            prop_assert!(read(nanos).abs_diff(nanos) <= nanos >> 51);
        }
    }

    #[test]
    fn a_span_is_a_number_and_not_negative() {
        for (text, part) in [("-1", "negative"), ("\"1\"", "string"), ("null", "null")] {
            let error = serde_json::from_str::<Millis>(text).err().unwrap();
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
