//! The values of impairments, as they are written in flags.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

/// The longest duration: a week.
const SPAN_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// A share, stored in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent {
    millionths: u32,
}

impl Percent {
    /// Nothing.
    pub const ZERO: Self = Self { millionths: 0 };

    /// Whether the share is 0.
    pub const fn is_zero(self) -> bool {
        self.millionths == 0
    }

    /// Both shares together, at most everything.
    pub(crate) const fn plus(self, other: Self) -> Self {
        let sum = self.millionths + other.millionths;
        Self {
            millionths: if sum < 1_000_000 { sum } else { 1_000_000 },
        }
    }

    /// Whether a uniformly distributed random number falls into this share.
    pub const fn includes(self, random: u32) -> bool {
        ((random as u64 * 1_000_000) >> 32) < self.millionths as u64
    }
}

impl FromStr for Percent {
    type Err = &'static str;

    /// Parses a number from 0 to 100 such as `10%`, `10` and `0.5%`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_suffix('%').unwrap_or(text);
        match plain_number(number) {
            Some(percent) if percent <= 100.0 => Ok(Self {
                millionths: (percent * 10_000.0).round() as u32,
            }),
            _ => Err("a percentage from 0 to 100, such as 10% or 0.5%"),
        }
    }
}

/// Parses a duration of at most a week such as `20ms`, `1.5s`, `250us` and `10ns`.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "a duration up to a week, such as 250us, 20ms or 1.5s";
    let digits = text.find(char::is_alphabetic).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_seconds = match unit {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return Err(EXPECTED),
    };
    plain_number(number)
        .and_then(|number| Duration::try_from_secs_f64(number * unit_seconds).ok())
        .filter(|span| *span <= SPAN_MAX)
        .ok_or(EXPECTED)
}

/// Parses an integer number of seconds, at most a hundred years.
pub(super) fn seconds(text: &str) -> Result<i64, &'static str> {
    const SECONDS_MAX: u64 = 100 * 366 * 24 * 3600;
    text.parse()
        .ok()
        .filter(|seconds: &i64| seconds.unsigned_abs() <= SECONDS_MAX)
        .ok_or("an integer number of seconds up to a hundred years, such as 90 or -3600")
}

/// Parses a network, or an address as a network of one host.
pub(super) fn network(text: &str) -> Result<IpNet, &'static str> {
    const EXPECTED: &str =
        "an address or a CIDR without host bits, such as 127.0.0.2 or 127.9.0.0/16";
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.into());
    }
    match text.parse::<IpNet>() {
        Ok(network) if network == network.trunc() => Ok(network),
        _ => Err(EXPECTED),
    }
}

/// Parses the value of a switch. An empty value means true.
pub(super) fn switch(text: &str) -> Result<bool, &'static str> {
    match text {
        "" | "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("true or false"),
    }
}

/// Parses a number of digits and at most one dot, without sign and exponent.
fn plain_number(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !plain || !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_numbers_from_0_to_100() {
        for (text, millionths) in [
            ("10%", 100_000),
            ("10", 100_000),
            ("0.5%", 5_000),
            ("100%", 1_000_000),
            ("0", 0),
        ] {
            assert_eq!(text.parse(), Ok(Percent { millionths }), "{text}");
        }
        for text in [
            "", "%", "-1", "101%", "1e1", "inf", "NaN", "1.2.3", ".5", "10 %",
        ] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_share_takes_its_part_of_all_draws() {
        let half = "50%".parse::<Percent>().unwrap();
        assert!(half.includes(0) && half.includes((1 << 31) - 1));
        assert!(!half.includes(1 << 31) && !half.includes(u32::MAX));
        assert!(!Percent::ZERO.includes(0));
        assert!("100%".parse::<Percent>().unwrap().includes(u32::MAX));
    }

    #[test]
    fn durations_carry_a_unit() {
        for (text, nanos) in [
            ("500ms", 500_000_000),
            ("1.5s", 1_500_000_000),
            ("250us", 250_000),
            ("250µs", 250_000),
            ("7ns", 7),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
        for text in [
            "",
            "5",
            "ms",
            "-5ms",
            "5 ms",
            "5h",
            "1e3s",
            "999999999s",
            "1s2",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn networks_have_no_host_bits() {
        assert_eq!(network("127.0.0.2"), network("127.0.0.2/32"));
        assert!(
            network("127.9.0.0/16")
                .unwrap()
                .contains(&IpAddr::from([127, 9, 3, 4]))
        );
        assert!(network("::1").is_ok());
        for text in ["", "127.9.0.1/16", "127/8", "127.0.0.0/33", "lo"] {
            assert!(network(text).is_err(), "{text}");
        }
    }
}
