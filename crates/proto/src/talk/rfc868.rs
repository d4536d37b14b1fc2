//! The time protocol (RFC 868).

/// Seconds from 1900, the epoch of RFC 868, to 1970.
const UNIX_EPOCH_S: i128 = 2_208_988_800;
/// The period of the 32-bit counter in seconds; it wraps first in February 2036.
const ERA_S: i128 = 1 << 32;
pub(super) const NANOS_PER_S: i128 = 1_000_000_000;

/// The time of a server, compared to the local clock.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServerTime {
    /// Its time in RFC 3339.
    pub(super) time: String,
    /// How far it is ahead, in decimal seconds to the millisecond. A server of RFC 868 sends whole
    /// seconds.
    pub(super) drift_s: String,
}

impl ServerTime {
    /// The octets of a time.
    pub(super) const OCTETS: usize = 4;
}

/// Decodes the four octets, received at `unix_ns` (nanoseconds since 1970), as the time closest to
/// that.
pub(super) fn read(octets: [u8; ServerTime::OCTETS], unix_ns: i128) -> ServerTime {
    server_time(u32::from_be_bytes(octets), 0, unix_ns)
}

/// The time `seconds` and `nanos` after 1900, which was received at `unix_ns`, in the era closest to
/// that.
pub(super) fn server_time(seconds: u32, nanos: i128, unix_ns: i128) -> ServerTime {
    let since_1970_s = i128::from(seconds) - UNIX_EPOCH_S;
    let here_s = unix_ns.div_euclid(NANOS_PER_S);
    let eras = (here_s - since_1970_s + ERA_S / 2).div_euclid(ERA_S);
    let server_s = since_1970_s + eras * ERA_S;
    let drift_ns = server_s * NANOS_PER_S + nanos - unix_ns;
    let drift_ms = (drift_ns.abs() + 500_000) / 1_000_000;
    let sign = if drift_ns < 0 && drift_ms > 0 {
        "-"
    } else {
        ""
    };
    ServerTime {
        time: rfc3339(server_s),
        drift_s: format!("{sign}{}.{:03}", drift_ms / 1000, drift_ms % 1000),
    }
}

/// Days are counted from 1 March of the year 0, so that leap days come last in a year.
fn rfc3339(unix_s: i128) -> String {
    let (days, second) = (unix_s.div_euclid(86_400), unix_s.rem_euclid(86_400));
    let days = days + 719_468;
    let (cycle, day_of_cycle) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = cycle * 400 + year_of_cycle + i128::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(seconds: u32, here_s: i128, here_ns: i128) -> (String, String) {
        let read = read(seconds.to_be_bytes(), here_s * NANOS_PER_S + here_ns);
        (read.time, read.drift_s)
    }

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        for (seconds, here_s, time) in [
            (2_208_988_800, 0, "1970-01-01T00:00:00Z"),
            (2_398_291_200, 189_302_400, "1976-01-01T00:00:00Z"),
            (2_524_521_600, 315_532_800, "1980-01-01T00:00:00Z"),
            (2_629_584_000, 420_595_200, "1983-05-01T00:00:00Z"),
        ] {
            assert_eq!(said(seconds, here_s, 0), (time.to_owned(), "0.000".into()));
        }
        // The RFC's last example is before 1900, which is the closest time only for such a clock.
        let seconds = (-1_297_728_000_i64) as u32;
        assert_eq!(said(seconds, -3_506_716_800, 0).0, "1858-11-17T00:00:00Z");
    }

    #[test]
    fn drift_is_the_servers_time_less_ours() {
        let at = 1_700_000_000;
        let seconds = (at + UNIX_EPOCH_S) as u32;
        for (server, here_ns, drift) in [
            (seconds, 437_000_000, "-0.437"),
            (seconds + 61, 500_000_000, "60.500"),
            (seconds - 3600, 0, "-3600.000"),
            (seconds, 400_000, "0.000"),
            (seconds, 999_600_000, "-1.000"),
        ] {
            assert_eq!(said(server, at, here_ns).1, drift);
        }
    }

    #[test]
    fn the_era_is_the_closest_one() {
        // 2036-02-07T06:28:16Z, when the counter wraps.
        let turn = ERA_S - UNIX_EPOCH_S;
        assert_eq!(
            said(0, turn, 0),
            ("2036-02-07T06:28:16Z".to_owned(), "0.000".to_owned())
        );
        assert_eq!(
            said(u32::MAX, turn, 0),
            ("2036-02-07T06:28:15Z".to_owned(), "-1.000".to_owned())
        );
        assert_eq!(said(0, turn - 1, 0).1, "1.000");
        assert_eq!(said(0, turn + ERA_S, 0).0, "2172-03-15T12:56:32Z");
    }

    #[test]
    fn leap_days_are_days() {
        for (unix_s, shown) in [
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(unix_s), shown);
        }
    }
}
