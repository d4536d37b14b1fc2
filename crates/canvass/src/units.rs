//! Parses numbers with units from the command line.

use std::time::Duration;

/// The shortest interval: timers are no finer.
const INTERVAL_MIN: Duration = Duration::from_millis(1);

/// Parses `500ms`, `2s`, `1.5s`, `250us`, `10ns`, `1m`, `1h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit_s = match unit {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => {
            return Err(
                "expected a number and a unit (ns, us, ms, s, m, h), such as 500ms, 2s or 1m"
                    .into(),
            );
        }
    };
    let number: f64 = number
        .parse()
        .map_err(|_| format!("{number:?} is not a number"))?;
    Duration::try_from_secs_f64(number * unit_s).map_err(|_| "the duration is too long".into())
}

/// Parses the time from one round of probes to the next: a duration that can be kept.
pub(crate) fn interval(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        interval if interval >= INTERVAL_MIN => Ok(interval),
        _ => Err("an interval is at least 1ms".into()),
    }
}

/// Parses a rate per second: a number above 0.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && f64::is_finite(rate) => Ok(rate),
        _ => Err("expected a number above 0, per second".into()),
    }
}

/// Parses a percentage, `99.5` or `99.5%`.
pub(crate) fn percent(text: &str) -> Result<f64, String> {
    match text.strip_suffix('%').unwrap_or(text).parse() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("expected a number from 0 to 100, in percent".into()),
    }
}

/// Parses a size in octets: `500`, `64k`, `16M`, `1G` (powers of 1024).
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let (number, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 20),
        Some(b'g' | b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let size = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift));
    match size {
        Some(size) if size > 0 => Ok(size),
        _ => Err("expected a number of octets above 0, such as 500, 64k, 16M or 1G".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for bad in ["", "5", "s", "1.2.3s", "-1s", "1d", "99999999999999999999h"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_interval_is_a_time_that_timers_can_keep() {
        assert_eq!(interval("1ms"), Ok(INTERVAL_MIN));
        for bad in ["0s", "0ms", "999us", "1"] {
            assert!(interval(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_have_suffixes() {
        assert_eq!(size("500"), Ok(500));
        assert_eq!((size("64k"), size("16M")), (Ok(64 << 10), Ok(16 << 20)));
        for bad in ["", "k", "0", "-1", "1T", "1.5M", "99999999999G"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_and_shares_have_bounds() {
        assert_eq!(rate("0.5"), Ok(0.5));
        assert_eq!(percent("99.5%"), Ok(99.5));
        for bad in ["0", "-1", "inf", "nan", "x"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
        assert!(percent("101").is_err());
    }
}
