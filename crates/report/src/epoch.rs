//! Converts the clock of the run to calendar time.

use std::time::{SystemTime, UNIX_EPOCH};

use canvass_model::Time;
use jiff::Timestamp;

use crate::write::six_digits;

/// The calendar time of [`Time::ZERO`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// The wall clock at the start of the run.
    pub wall: SystemTime,
}

/// How many seconds have their text cached. The start times of consecutive lines can differ by up to
/// the deadline if there are retries, so caching only the last second is not enough.
const SECONDS_KEPT: usize = 16;
/// Length of `2026-01-02T03:04:05`.
const SECOND_TEXT_BYTES: usize = 19;
/// Length of `2026-01-02T03:04:05.123456Z`.
const TIME_TEXT_BYTES: usize = SECOND_TEXT_BYTES + 8;
/// 0000-01-01T00:00:00Z; RFC 3339 §5.6 has four digits for the year and no sign.
const FIRST_SECOND: i64 = -62_167_219_200;

/// Writes RFC 3339 times. Each second is formatted once; then only the fraction is replaced.
pub(crate) struct Calendar {
    epoch_s: i64,
    epoch_ns: u64,
    kept: [(i64, [u8; TIME_TEXT_BYTES]); SECONDS_KEPT],
}

impl Calendar {
    pub(crate) fn new(epoch: Epoch) -> Self {
        let (epoch_s, epoch_ns) = since_1970(epoch.wall);
        Self {
            epoch_s,
            epoch_ns,
            kept: [(i64::MIN, *b"0000-00-00T00:00:00.000000Z"); SECONDS_KEPT],
        }
    }

    /// Appends `time` as `2026-01-02T03:04:05.123456Z` (RFC 3339 §5.6, UTC). A time outside the
    /// years 0 to 9999 becomes the nearest one inside.
    pub(crate) fn push(&mut self, out: &mut Vec<u8>, time: Time) {
        const NANOS: u64 = 1_000_000_000;
        let sub_second_ns = self.epoch_ns + time.as_nanos() % NANOS;
        let second = self
            .epoch_s
            .saturating_add((time.as_nanos() / NANOS + sub_second_ns / NANOS) as i64)
            .clamp(FIRST_SECOND, Timestamp::MAX.as_second());
        let kept = &mut self.kept[second.rem_euclid(SECONDS_KEPT as i64) as usize];
        let (kept_second, text) = kept;
        if *kept_second != second {
            *kept_second = second;
            text[..SECOND_TEXT_BYTES].copy_from_slice(&second_text(second));
        }
        let fraction = six_digits((sub_second_ns % NANOS / 1000) as u32);
        text[SECOND_TEXT_BYTES + 1..TIME_TEXT_BYTES - 1].copy_from_slice(&fraction);
        out.extend_from_slice(text);
    }
}

/// Appends a second since 1970 as `2026-01-02T03:04:05Z`, with the bounds of [`Calendar::push`].
pub(crate) fn push_second(out: &mut Vec<u8>, second: i64) {
    let second = second.clamp(FIRST_SECOND, Timestamp::MAX.as_second());
    out.extend_from_slice(&second_text(second));
    out.push(b'Z');
}

/// Whole seconds since 1970, rounded down, and the nanoseconds left over.
fn since_1970(wall: SystemTime) -> (i64, u64) {
    match wall.duration_since(UNIX_EPOCH) {
        Ok(after) => (
            i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            after.subsec_nanos().into(),
        ),
        Err(before) => {
            let before = before.duration();
            let whole = i64::try_from(before.as_secs()).map_or(i64::MIN, |seconds| -seconds);
            match before.subsec_nanos() {
                0 => (whole, 0),
                nanos => (whole.saturating_sub(1), u64::from(1_000_000_000 - nanos)),
            }
        }
    }
}

/// `second` lies between [`FIRST_SECOND`] and the last one jiff knows.
fn second_text(second: i64) -> [u8; SECOND_TEXT_BYTES] {
    let timestamp = Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
    let text = timestamp.to_string();
    let mut bytes = [b'0'; SECOND_TEXT_BYTES];
    bytes.copy_from_slice(&text.as_bytes()[..SECOND_TEXT_BYTES]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn text(wall: SystemTime, time: Time) -> String {
        let mut out = Vec::new();
        Calendar::new(Epoch { wall }).push(&mut out, time);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_fraction_carries_into_the_second() {
        let wall = UNIX_EPOCH + Duration::new(1_767_322_999, 999_999_999);
        assert_eq!(text(wall, Time::ZERO), "2026-01-02T03:03:19.999999Z");
        assert_eq!(
            text(wall, Time::from_nanos(1)),
            "2026-01-02T03:03:20.000000Z"
        );
        assert_eq!(
            text(wall, Time::from_nanos(86_400_000_000_000)),
            "2026-01-03T03:03:19.999999Z"
        );
    }

    #[test]
    fn a_clock_before_1970_is_written_too() {
        let wall = UNIX_EPOCH - Duration::from_millis(1500);
        assert_eq!(text(wall, Time::ZERO), "1969-12-31T23:59:58.500000Z");
        let wall = UNIX_EPOCH - Duration::from_secs(2);
        assert_eq!(text(wall, Time::ZERO), "1969-12-31T23:59:58.000000Z");
    }

    #[test]
    fn years_rfc_3339_cannot_write_become_the_nearest_it_can() {
        let far = Duration::from_secs(400_000_000_000);
        assert_eq!(&text(UNIX_EPOCH + far, Time::MAX)[..4], "9999");
        assert_eq!(
            text(UNIX_EPOCH - far, Time::ZERO),
            "0000-01-01T00:00:00.000000Z"
        );
    }

    #[test]
    fn seconds_of_any_size_are_written() {
        for (second, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_767_323_045, "2026-01-02T03:04:05Z"),
            (i64::MIN, "0000-01-01T00:00:00Z"),
            (i64::MAX, "9999-12-30T22:00:00Z"),
        ] {
            let mut out = Vec::new();
            push_second(&mut out, second);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    proptest! {
        #[test]
        fn times_in_any_order_read_back(nanos in prop::collection::vec(0..40_000_000_000_u64, 1..60)) {
            let wall = UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
            let mut calendar = Calendar::new(Epoch { wall });
            for nanos in nanos {
                let mut out = Vec::new();
                calendar.push(&mut out, Time::from_nanos(nanos));
                let read: Timestamp = std::str::from_utf8(&out).unwrap().parse().unwrap();
                let meant = 1_700_000_000_123_456_789 + i128::from(nanos);
                prop_assert_eq!(read.as_nanosecond(), meant / 1000 * 1000);
            }
        }
    }
}
