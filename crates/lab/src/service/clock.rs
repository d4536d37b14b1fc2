//! Servers that tell the time: RFC 868 and RFC 867.

use std::io::Write;

use canvass_model::Time;

use super::{DayTime, Output, Said, Service, Tally};

/// Seconds from 1900 to 1970 (RFC 868).
const SECONDS_1900_TO_1970: i64 = 2_208_988_800;
const SECONDS_PER_DAY: i64 = 86_400;

/// Says the time as soon as a connection is there, and closes.
#[derive(Debug)]
pub(super) struct Clock {
    day_at_zero: DayTime,
    write: fn(DayTime, &mut Vec<u8>),
    said: bool,
}

impl Clock {
    /// The time as a number.
    pub fn time(day_at_zero: DayTime) -> Self {
        Self {
            day_at_zero,
            write: push_time,
            said: false,
        }
    }

    /// The time in words.
    pub fn daytime(day_at_zero: DayTime) -> Self {
        Self {
            write: push_daytime,
            ..Self::time(day_at_zero)
        }
    }
}

impl Service for Clock {
    fn received(&mut self, _bytes: &[u8]) {}

    fn ended(&mut self) {}

    fn poll(&mut self, now: Time, out: &mut Vec<u8>, tally: &mut Tally) -> Said {
        if self.said {
            return Said::Output(Output::Close);
        }
        self.said = true;
        tally.requests += 1;
        (self.write)(self.day_at_zero.at(now), out);
        Said::Output(Output::Send)
    }
}

/// Appends the seconds since 1900 as 32 bits (RFC 868); they wrap in 2036.
pub(super) fn push_time(day_time: DayTime, out: &mut Vec<u8>) {
    let seconds = day_time.unix_s() + SECONDS_1900_TO_1970;
    out.extend_from_slice(&(seconds as u32).to_be_bytes());
}

/// Appends a line such as `2026-07-28 09:30:00 UTC`; RFC 867 leaves the form open.
pub(super) fn push_daytime(day_time: DayTime, out: &mut Vec<u8>) {
    let seconds = day_time.unix_s();
    let (year, month, day) = date(seconds.div_euclid(SECONDS_PER_DAY));
    let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    // A vector takes everything.
    let _ = write!(
        out,
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC\r\n"
    );
}

/// Year, month and day of the Gregorian calendar, so many days after 1970-01-01.
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
    use crate::service::testing::{Ending, listen};

    fn words(unix_s: i64) -> String {
        let mut out = Vec::new();
        let unix_ns = i128::from(unix_s) * 1_000_000_000;
        push_daytime(DayTime { unix_ns }, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_number_is_the_one_the_rfc_gives() {
        // RFC 868: 2,208,988,800 is 00:00 1 Jan 1970 GMT, 2,398,291,200 is 1 Jan 1976.
        for (unix_s, number) in [(0, 2_208_988_800u32), (189_302_400, 2_398_291_200)] {
            let mut out = Vec::new();
            push_time(
                DayTime {
                    unix_ns: i128::from(unix_s) * 1_000_000_000,
                },
                &mut out,
            );
            assert_eq!(out, number.to_be_bytes());
        }
    }

    #[test]
    fn the_words_are_those_of_the_calendar() {
        for (unix_s, text) in [
            (0, "1970-01-01 00:00:00 UTC\r\n"),
            (-1, "1969-12-31 23:59:59 UTC\r\n"),
            (951_782_399, "2000-02-28 23:59:59 UTC\r\n"),
            (951_782_400, "2000-02-29 00:00:00 UTC\r\n"),
            (1_000_000_000, "2001-09-09 01:46:40 UTC\r\n"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC\r\n"),
        ] {
            assert_eq!(words(unix_s), text);
        }
    }

    #[test]
    fn a_connection_is_told_the_time_of_the_moment_and_closed() {
        let mut clock = Clock::time(DayTime { unix_ns: 0 });
        let mut now = Time::from_nanos(7_000_000_000);
        let (said, ending) = listen(&mut clock, &mut now);
        assert_eq!(said, 2_208_988_807u32.to_be_bytes());
        assert_eq!(ending, Ending::Closed);
    }
}
