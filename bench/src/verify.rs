//! Verifies that the output of canvass is complete and correct.

mod pace;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use canvass_lab::{ExpectedPtr, Impairments, NameFate, Percent, expected_names};
use canvass_model::Rcode;
use serde_json::{Value, json};

use crate::question::{self, QUESTION_BYTES_MAX};
use pace::Paces;

/// Incorrect lines that are kept as examples.
const EXAMPLES_MAX: usize = 5;

/// The zone that has the names of the addresses.
pub(crate) enum Zone {
    /// That of the lab, with the shares of names that it does not answer from its zone.
    Lab(Box<Impairments>),
    /// Every address has one name, `host-A-B-C-D.example.net.`.
    Synth,
    /// Every address has the name `host.example.net.`.
    Wildcard,
}

/// The result of a verification.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    targets: u32,
    lines: u64,
    right: u64,
    wrong: u64,
    failed: u64,
    /// Targets whose name has no answer.
    unanswerable: u64,
    duplicated: u64,
    missing: u64,
    tcp: u64,
    attempts: u64,
    /// Attempts for names that have an answer.
    attempts_answerable: u64,
    attempts_max: u64,
    examples: Vec<String>,
    paces: Paces,
}

/// Why an output could not be verified.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    /// The file could not be read.
    #[error("cannot read {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// A line is not an output line of `canvass ptr -f ndjson`.
    #[error("{}, line {line}: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line number, from 1.
        line: u64,
        /// Why it is not.
        reason: String,
    },
}

/// The shares of names that a lab treats apart.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Shares {
    /// Share of the names that the lab never answers
    #[arg(long, value_name = "PCT", default_value = "0")]
    pub never: Percent,
    /// Share of the names that the lab answers with SERVFAIL
    #[arg(long, value_name = "PCT", default_value = "0")]
    pub lame: Percent,
    /// Share of the names that the lab answers with NXDOMAIN
    #[arg(long, value_name = "PCT", default_value = "0")]
    pub nxdomain: Percent,
}

/// What a line must say.
enum Expected {
    /// An answer.
    Answer(ExpectedPtr),
    /// That there was none, by one of these statuses.
    Failure(&'static [&'static str]),
}

impl Zone {
    /// The zone of a lab with these shares.
    pub(crate) fn lab(shares: Shares) -> Self {
        let Shares {
            never,
            lame,
            nxdomain,
        } = shares;
        Self::Lab(Box::new(Impairments {
            never,
            lame,
            nxdomain,
            ..Impairments::default()
        }))
    }

    /// The expected result for an address.
    fn expected(&self, index: u32) -> Expected {
        let address = question::address(index);
        match self {
            Self::Lab(impairments) => match fate_of(impairments, index) {
                NameFate::Never => Expected::Failure(&["TIMEOUT"]),
                // The last attempts may run into the deadline.
                NameFate::Lame => Expected::Failure(&["SERVFAIL", "TIMEOUT"]),
                NameFate::NxDomain => Expected::Answer(ExpectedPtr {
                    rcode: Rcode::NXDOMAIN,
                    names: Vec::new(),
                    confirmed: None,
                }),
                NameFate::Answered => Expected::Answer(expected_names(address.into())),
            },
            Self::Synth => {
                let [a, b, c, d] = address.octets();
                Expected::Answer(one_name(format!("host-{a}-{b}-{c}-{d}.example.net.")))
            }
            Self::Wildcard => Expected::Answer(one_name("host.example.net.".into())),
        }
    }
}

/// Whether these are the same names. Servers may send the records of a set in any order.
fn same_names(mut names: Vec<&str>, expected: &[String]) -> bool {
    let mut expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    names.sort_unstable();
    expected.sort_unstable();
    names == expected
}

fn one_name(name: String) -> ExpectedPtr {
    ExpectedPtr {
        rcode: Rcode::NOERROR,
        names: vec![name],
        confirmed: Some(true),
    }
}

impl Checks {
    /// Verifies the output of a run over the first `targets` addresses of 10.0.0.0/8.
    ///
    /// # Errors
    /// The file cannot be read, or has other lines.
    pub(crate) fn read(path: &Path, targets: u32, zone: Zone) -> Result<Self, VerifyError> {
        let io_error = |error| VerifyError::Io {
            path: path.into(),
            error,
        };
        let file = File::open(path).map_err(io_error)?;
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let mut checker = Checker::new(targets, zone);
        let mut line = String::new();
        let mut number = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line).map_err(io_error)? == 0 {
                return Ok(checker.finish());
            }
            number += 1;
            checker
                .take(line.trim_end())
                .map_err(|reason| VerifyError::Line {
                    path: path.into(),
                    line: number,
                    reason,
                })?;
        }
    }

    /// The result as JSON. Rates are null if the run was too short.
    pub(crate) fn to_json(&self) -> Value {
        let each = |sum: u64, count: u64| (count > 0).then(|| sum as f64 / count as f64);
        let answerable = self.lines - self.unanswerable;
        json!({
            "targets": self.targets,
            "lines": self.lines,
            "right": self.right,
            "wrong": self.wrong,
            "failed": self.failed,
            "unanswerable": self.unanswerable,
            "duplicated": self.duplicated,
            "missing": self.missing,
            "tcp": self.tcp,
            "attempts_per_target": each(self.attempts, self.lines),
            "attempts_per_answerable": each(self.attempts_answerable, answerable),
            "attempts_max": self.attempts_max,
            "second_second_per_second": self.paces.second_second_per_second(),
            "final_per_second": self.paces.final_per_second(),
            "started_per_second": self.paces.started_per_second(),
            "examples": self.examples,
        })
    }
}

/// A verification in progress.
struct Checker {
    zone: Zone,
    seen: Vec<bool>,
    checks: Checks,
}

impl Checker {
    fn new(targets: u32, zone: Zone) -> Self {
        Self {
            zone,
            seen: vec![false; targets as usize],
            checks: Checks {
                targets,
                ..Checks::default()
            },
        }
    }

    fn take(&mut self, line: &str) -> Result<(), String> {
        let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let seq = number(&value, "seq")?;
        let attempts = number(&value, "attempts")?;
        let index = u32::try_from(seq).unwrap_or(u32::MAX);
        let checks = &mut self.checks;
        checks.lines += 1;
        match self.seen.get_mut(index as usize) {
            Some(seen) if *seen => checks.duplicated += 1,
            Some(seen) => *seen = true,
            None => return Err(format!("unexpected seq {seq}")),
        }
        checks.attempts += attempts;
        checks.attempts_max = checks.attempts_max.max(attempts);
        checks.tcp += u64::from(text(&value, "transport") == Some("tcp"));
        let expected = self.zone.expected(index);
        let failed = text(&value, "outcome") == Some("failed");
        let right = match &expected {
            Expected::Answer(answer) => {
                checks.attempts_answerable += attempts;
                !failed && is_right(&value, index, answer)
            }
            Expected::Failure(statuses) => {
                checks.unanswerable += 1;
                let status = text(&value, "status");
                failed && status.is_some_and(|status| statuses.contains(&status))
            }
        };
        match (right, failed) {
            (true, _) => checks.right += 1,
            (false, true) => checks.failed += 1,
            (false, false) => checks.wrong += 1,
        }
        if !right && checks.examples.len() < EXAMPLES_MAX {
            checks.examples.push(line.to_owned());
        }
        if let (Some(started), Some(latency_ms)) =
            (text(&value, "started"), value["latency_ms"].as_f64())
        {
            checks.paces.add(started, latency_ms)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Checks {
        self.checks.missing = self.seen.iter().filter(|seen| !**seen).count() as u64;
        self.checks.paces.sort();
        self.checks
    }
}

fn is_right(value: &Value, index: u32, expected: &ExpectedPtr) -> bool {
    let names: Option<Vec<&str>> = value["names"]
        .as_array()
        .and_then(|names| names.iter().map(Value::as_str).collect());
    let outcome = if expected.names.is_empty() {
        "negative"
    } else {
        "answered"
    };
    let target = text(value, "target").and_then(|target| target.parse::<Ipv4Addr>().ok());
    target == Some(question::address(index))
        && text(value, "outcome") == Some(outcome)
        && text(value, "status") == Some(expected.rcode.to_string().as_str())
        && names.is_some_and(|names| same_names(names, &expected.names))
}

fn fate_of(impairments: &Impairments, index: u32) -> NameFate {
    let mut query = [0; QUESTION_BYTES_MAX];
    let query_bytes = question::write(index, &mut query);
    impairments.fate_of(&query[..query_bytes])
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value[key].as_str()
}

fn number(value: &Value, key: &str) -> Result<u64, String> {
    value[key]
        .as_u64()
        .ok_or_else(|| format!("{key} is not a number: {}", value[key]))
}

#[cfg(test)]
mod tests;
