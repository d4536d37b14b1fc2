//! The results of the self-test: how well this machine can measure, and the criteria.

use std::fmt::Write;
use std::time::Duration;

use canvass_model::LatenessHistogram;

use crate::Layout;
use crate::human::{rate, seconds, span_ns};
use crate::summary::{LATE_WAKE_P99_MAX, TURN_P99_MAX};
use crate::table::{Column, Table};

/// The maximum error of a median.
const MEDIAN_ERROR_MAX: Duration = Duration::from_micros(100);
/// The minimum rate per second that must be sustained with all answers.
const RATE_MIN_PER_SECOND: f64 = 10_000.0;
/// The share of a rate that counts as sustaining it.
const RATE_MIN_SHARE: f64 = 0.9;
/// The minimum number of sockets for probes of many hosts.
const SOCKETS_MIN: u64 = 1_000;

/// The measurement of a known delay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedDelay {
    /// The kind of measurement (`dns over udp`).
    pub name: &'static str,
    /// The configured delay.
    pub delay: Duration,
    /// The measured delay minus that of the lab; `None` if there were no answers.
    pub error: Option<DelayError>,
}

/// The measured delay minus that of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayError {
    /// Of the medians, in nanoseconds.
    pub p50_ns: i64,
    /// Of the 99th percentiles, in nanoseconds.
    pub p99_ns: i64,
}

/// The results of a self-test.
#[derive(Clone, Debug, PartialEq)]
pub struct SelfTest {
    /// The measurements of known delays.
    pub delays: Vec<TimedDelay>,
    /// How late the event loops woke during these measurements.
    pub late_wakes: LatenessHistogram,
    /// How long the event loops were away from their sockets.
    pub turns: LatenessHistogram,
    /// The highest rate per second at which every query was answered by its first attempt; `None` if
    /// no rate that was tried is.
    pub complete_rate_per_second: Option<f64>,
    /// Whether this is the highest rate that was tried, so that more may be possible.
    pub rate_is_open: bool,
    /// The limits of the system.
    pub limits: SystemLimits,
}

/// The limits of the system for this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemLimits {
    /// The maximum number of descriptors, with the limit raised as far as possible.
    pub descriptors: u64,
    /// How many of them can be sockets of probes.
    pub sockets: u64,
    /// The receive buffer size granted and requested, in octets.
    pub receive_buffer_octets: Option<(usize, usize)>,
    /// Local ports for connections to one address and port.
    pub local_ports: Option<u32>,
}

impl SelfTest {
    /// The reasons why measurements on this machine are unreliable, each a sentence.
    pub fn weaknesses(&self) -> Vec<String> {
        let delays = self.delays.iter().filter_map(|timed| {
            let TimedDelay { name, delay, error } = timed;
            let delay = delay_shown(*delay);
            match error {
                None => Some(format!("{name} with {delay}: no answers")),
                Some(error) if error.p50_ns.unsigned_abs() > nanos(MEDIAN_ERROR_MAX) => {
                    Some(format!(
                        "{name} with {delay}: the median is {} off; smaller differences cannot be \
                         measured here",
                        signed(error.p50_ns)
                    ))
                }
                Some(_) => None,
            }
        });
        let lags = [
            ("woke late", self.late_wakes, LATE_WAKE_P99_MAX),
            (
                "was away from its sockets for too long",
                self.turns,
                TURN_P99_MAX,
            ),
        ];
        let lags = lags.into_iter().filter_map(|(what, lags, limit)| {
            let p99 = lags.quantile(0.99).filter(|p99| *p99 > limit)?;
            Some(format!(
                "the event loop {what}: {} (99th percentile)",
                seconds(p99)
            ))
        });
        let rate_low = self
            .complete_rate_per_second
            .is_none_or(|kept| kept < RATE_MIN_SHARE * RATE_MIN_PER_SECOND);
        let rate_low = rate_low.then(|| {
            format!(
                "{} could not be sustained with every answer: this machine is soon the limit",
                rate(RATE_MIN_PER_SECOND)
            )
        });
        let sockets = (self.limits.sockets < SOCKETS_MIN).then(|| {
            format!(
                "probes may have {} sockets open at once; raise the limit on descriptors (ulimit -n)",
                self.limits.sockets
            )
        });
        let buffer = self
            .limits
            .receive_buffer_octets
            .filter(|(granted, asked)| granted < asked)
            .map(|(granted, asked)| {
                format!(
                    "a receive buffer has {granted} of the {asked} octets requested, so fewer queries \
                     can be in flight on a socket; raise net.core.rmem_max"
                )
            });
        delays
            .chain(lags)
            .chain(rate_low)
            .chain(sockets)
            .chain(buffer)
            .collect()
    }

    /// The results and the verdict as lines.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out)
            .expect("a String takes every character");
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "timing error against known delays: measured minus actual delay"
        )?;
        let mut table = Table::new([Column::LEFT, Column::RIGHT, Column::RIGHT, Column::RIGHT]);
        table.heading(["phase", "delay", "p50", "p99"]);
        for TimedDelay { name, delay, error } in &self.delays {
            let mut row = vec![(*name).to_owned(), delay_shown(*delay)];
            match error {
                Some(error) => row.extend([signed(error.p50_ns), signed(error.p99_ns)]),
                None => row.push("no answer".to_owned()),
            }
            table.row(row);
        }
        table.write(out, Layout::FILE);
        for (what, lags) in [
            ("woke late by", &self.late_wakes),
            ("away from its sockets for", &self.turns),
        ] {
            if let (Some(p50), Some(p99)) = (lags.quantile(0.5), lags.quantile(0.99)) {
                writeln!(
                    out,
                    "event loop: {what} p50 {}, p99 {}, max {}",
                    seconds(p50),
                    seconds(p99),
                    seconds(lags.max())
                )?;
            }
        }
        write!(out, "highest rate with every answer at the first attempt: ")?;
        match self.complete_rate_per_second {
            Some(kept) if self.rate_is_open => {
                writeln!(out, "{}, the highest that was tried", rate(kept))?;
            }
            Some(kept) => writeln!(out, "{}", rate(kept))?,
            None => writeln!(out, "none of those tried")?,
        }
        write!(
            out,
            "descriptors: {}, of these {} for sockets of probes",
            self.limits.descriptors, self.limits.sockets
        )?;
        if let Some(ports) = self.limits.local_ports {
            write!(out, "; local ports: {ports}")?;
        }
        if let Some((granted, asked)) = self.limits.receive_buffer_octets {
            write!(out, "; receive buffer: {granted} of {asked} octets")?;
        }
        writeln!(out)?;
        let weaknesses = self.weaknesses();
        if weaknesses.is_empty() {
            return writeln!(
                out,
                "verdict: good; medians are accurate to {}; larger differences are due to the peer \
                 or the path",
                seconds(MEDIAN_ERROR_MAX)
            );
        }
        writeln!(out, "verdict: weak")?;
        weaknesses
            .iter()
            .try_for_each(|weakness| writeln!(out, "  {weakness}"))
    }
}

fn nanos(span: Duration) -> u64 {
    crate::write::nanos(span)
}

fn delay_shown(delay: Duration) -> String {
    if delay.is_zero() {
        "no delay".to_owned()
    } else {
        seconds(delay)
    }
}

fn signed(error_ns: i64) -> String {
    let sign = if error_ns < 0 { "-" } else { "+" };
    format!("{sign}{}", span_ns(error_ns.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> SelfTest {
        let mut lags = LatenessHistogram::default();
        (0..200).for_each(|micros| lags.record(Duration::from_micros(micros)));
        SelfTest {
            delays: vec![
                TimedDelay {
                    name: "dns over udp",
                    delay: Duration::ZERO,
                    error: Some(DelayError {
                        p50_ns: 41_000,
                        p99_ns: 300_000,
                    }),
                },
                TimedDelay {
                    name: "first byte of http",
                    delay: Duration::from_millis(5),
                    error: Some(DelayError {
                        p50_ns: -12_000,
                        p99_ns: 90_000,
                    }),
                },
            ],
            late_wakes: lags,
            turns: lags,
            complete_rate_per_second: Some(120_000.0),
            rate_is_open: false,
            limits: SystemLimits {
                descriptors: 1_048_576,
                sockets: 1_048_525,
                receive_buffer_octets: Some((4 << 20, 4 << 20)),
                local_ports: Some(28_232),
            },
        }
    }

    #[test]
    fn a_good_machine_is_told_so() {
        let text = good().text();
        for part in [
            "  dns over udp        no delay  +41.0 µs   +300 µs\n",
            "  first byte of http   5.00 ms  -12.0 µs  +90.0 µs\n",
            "event loop: woke late by p50 128 µs, p99 199 µs, max 199 µs\n",
            "highest rate with every answer at the first attempt: 120000/s\n",
            "local ports: 28232; receive buffer: 4194304 of 4194304 octets\n",
            "verdict: good; ",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
    }

    #[test]
    fn each_weakness_is_told() {
        let mut weak = good();
        weak.delays[0].error = None;
        weak.delays[1].error = Some(DelayError {
            p50_ns: -150_000,
            p99_ns: 0,
        });
        (0..100).for_each(|_| weak.late_wakes.record(Duration::from_millis(50)));
        (0..100).for_each(|_| weak.turns.record(Duration::from_millis(50)));
        weak.complete_rate_per_second = Some(5_000.0);
        weak.limits.sockets = 200;
        weak.limits.receive_buffer_octets = Some((212_992, 4 << 20));
        let weaknesses = weak.weaknesses();
        let parts = [
            "no answers",
            "-150 µs off",
            "woke late: 50.0 ms",
            "away from its sockets for too long: 50.0 ms",
            "10000/s could not be sustained",
            "200 sockets",
            "212992 of the 4194304",
        ];
        assert_eq!(weaknesses.len(), parts.len(), "{weaknesses:?}");
        for (weakness, part) in weaknesses.iter().zip(parts) {
            assert!(weakness.contains(part), "{weakness}");
        }
        assert!(weak.text().contains("verdict: weak\n  dns over udp"));
        weak.complete_rate_per_second = None;
        assert!(weak.text().contains("none of those tried"));
    }
}
