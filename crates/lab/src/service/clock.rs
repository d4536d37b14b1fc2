//! The time protocol (RFC 868) and the daytime protocol (RFC 867).

use std::io::Write;

use canvass_model::Time;

use super::{Activity, Output, Service, ServiceOutput, UnixTime};

/// Seconds from 1900 to 1970 (RFC 868).
const SECONDS_1900_TO_1970: i64 = 2_208_988_800;
const SECONDS_PER_DAY: i64 = 86_400;

/// Sends the time, and closes.
#[derive(Debug)]
pub(super) struct Clock {
    unix_at_zero: UnixTime,
    write: fn(UnixTime, &mut Vec<u8>),
    sent: bool,
}

impl Clock {
    /// The time protocol.
    pub(super) fn time(unix_at_zero: UnixTime) -> Self {
        Self {
            unix_at_zero,
            write: push_time,
            sent: false,
        }
    }

    /// The daytime protocol.
    pub(super) fn daytime(unix_at_zero: UnixTime) -> Self {
        Self {
            write: push_daytime,
            ..Self::time(unix_at_zero)
        }
    }
}

impl Service for Clock {
    fn received(&mut self, _bytes: &[u8]) {}

    fn ended(&mut self) {}

    fn poll(&mut self, now: Time, out: &mut Vec<u8>, activity: &mut Activity) -> ServiceOutput {
        if self.sent {
            return ServiceOutput::Output(Output::Close);
        }
        self.sent = true;
        activity.requests += 1;
        (self.write)(self.unix_at_zero.at(now), out);
        ServiceOutput::Output(Output::Send)
    }
}

/// Appends the seconds since 1900 as 32 bits (RFC 868), which overflow in 2036.
pub(super) fn push_time(unix_time: UnixTime, out: &mut Vec<u8>) {
    let seconds = unix_time.unix_s() + SECONDS_1900_TO_1970;
    out.extend_from_slice(&(seconds as u32).to_be_bytes());
}

/// Appends a line such as `2026-07-28 09:30:00 UTC`. RFC 867 does not specify the format.
pub(super) fn push_daytime(unix_time: UnixTime, out: &mut Vec<u8>) {
    let seconds = unix_time.unix_s();
    let (year, month, day) = date(seconds.div_euclid(SECONDS_PER_DAY));
    let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    // Writing to a vector cannot fail.
    let _ = write!(
        out,
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC\r\n"
    );
}

/// Year, month and day of the Gregorian calendar for a number of days after 1970-01-01.
fn date(mut days: i64) -> (i64, usize, i64) {
    let mut year = 1970;
    while days < 0 {
        year -= 1;
        days += days_of_months(year).iter().sum::<i64>();
    }
    loop {
        for (month, length) in (1..).zip(days_of_months(year)) {
            if days < length {
                return (year, month, days + 1);
            }
            days -= length;
        }
        year += 1;
    }
}

fn days_of_months(year: i64) -> [i64; 12] {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if leap { 29 } else { 28 };
    [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::testing::{Ending, read_all};

    fn daytime(unix_s: i64) -> String {
        let mut out = Vec::new();
        let unix_ns = i128::from(unix_s) * 1_000_000_000;
        push_daytime(UnixTime { unix_ns }, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_are_those_of_the_rfc() {
        // RFC 868: 2,208,988,800 is 00:00 1 Jan 1970 GMT, 2,398,291,200 is 1 Jan 1976.
        for (unix_s, number) in [(0, 2_208_988_800u32), (189_302_400, 2_398_291_200)] {
            let mut out = Vec::new();
            push_time(
                UnixTime {
                    unix_ns: i128::from(unix_s) * 1_000_000_000,
                },
                &mut out,
            );
            assert_eq!(out, number.to_be_bytes());
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (unix_s, text) in [
            (0, "1970-01-01 00:00:00 UTC\r\n"),
            (-1, "1969-12-31 23:59:59 UTC\r\n"),
            (951_782_399, "2000-02-28 23:59:59 UTC\r\n"),
            (951_782_400, "2000-02-29 00:00:00 UTC\r\n"),
            (1_000_000_000, "2001-09-09 01:46:40 UTC\r\n"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC\r\n"),
        ] {
            assert_eq!(daytime(unix_s), text);
        }
    }

    #[test]
    fn a_connection_gets_the_current_time_and_is_closed() {
        let mut clock = Clock::time(UnixTime { unix_ns: 0 });
        let mut now = Time::from_nanos(7_000_000_000);
        let (received, ending) = read_all(&mut clock, &mut now);
        assert_eq!(received, 2_208_988_807u32.to_be_bytes());
        assert_eq!(ending, Ending::Closed);
    }
}
