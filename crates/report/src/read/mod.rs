//! A run's output, read back: the lines of `-f ndjson`, or the interval log of `--hlog`.
//!
//! What is read is counted as it was when the run went on: by the same [`Tally`],
//! [`LatencyRecorder`], [`Timeline`] and [`ResolverCounts`]. None of them grows with the file,
//! and only one line of it is held at a time. Lines that cannot be read are counted and left
//! out. Text and CSV lines do not say enough to be read.

mod form;
mod hlog;
mod line;
mod lines;
mod ndjson;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeSet;
use std::io::{self, BufRead};
use std::time::{Duration, SystemTime};

use crate::human::count;
use crate::{LatencyRecorder, Origin, ResolverCounts, RunReport, SummaryInput, Tally, Timeline};
use form::{Form, Look, look};
pub(crate) use line::{FaultDraft, LineDraft, Probe};
use lines::Lines;
pub(crate) use value::{FromText, Millis};

/// Lines at the beginning that need not look like any form, before the file is none.
const UNKNOWN_LINES_MAX: u64 = 8;

/// A run, as far as its output tells of it.
pub struct ReadRun {
    file: Box<str>,
    figures: Figures,
    bad: Option<BadLines>,
    warnings: Vec<String>,
}

/// What a file has to say.
struct Figures {
    tally: Option<Tally>,
    latency: LatencyRecorder,
    timeline: Timeline,
    resolvers: ResolverCounts,
    probes: BTreeSet<&'static str>,
    began: Option<SystemTime>,
    wall: Duration,
}

/// Lines that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLines {
    /// How many.
    pub count: u64,
    /// The number of the first, from 1.
    pub first_line: u64,
    /// Why that one could not be read, for a person.
    pub first_reason: Box<str>,
}

/// Why a file is no run's output.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system would not read it.
    #[error("cannot read {name}: {source}")]
    Io {
        /// The file.
        name: Box<str>,
        /// What the system said.
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("{name} is empty")]
    Empty {
        /// The file.
        name: Box<str>,
    },
    /// It is something else.
    #[error(
        "{name} holds {found}; what can be read is ndjson (-f ndjson) and HdrHistogram interval \
         logs (--hlog)"
    )]
    Form {
        /// The file.
        name: Box<str>,
        /// What it holds instead.
        found: &'static str,
    },
    /// It is what `compare` writes, and no run's.
    #[error(
        "{name} holds a comparison; the page about one is written when it is made, with \
         `canvass compare --html`"
    )]
    Comparison {
        /// The file.
        name: Box<str>,
    },
    /// It has the right form, and not one line of it can be read.
    #[error("no line of {name} can be read; line {}: {}", bad.first_line, bad.first_reason)]
    NoLine {
        /// The file.
        name: Box<str>,
        /// What was there instead.
        bad: BadLines,
    },
}

/// Reads what a run has written, in either form; `name` is what errors and the page call it.
///
/// # Errors
/// `reader` fails, or what it holds is no run's output.
pub fn read_run(reader: impl BufRead, name: &str) -> Result<ReadRun, ReadError> {
    let mut source = Source {
        lines: Lines::new(reader),
        name,
        bad: None,
    };
    let form = source.form()?;
    let figures = match form {
        Form::Ndjson => ndjson::read(&mut source)?,
        Form::IntervalLog => hlog::read(&mut source)?,
    };
    let Some(figures) = figures else {
        let name = name.into();
        return Err(match source.bad {
            Some(bad) => ReadError::NoLine { name, bad },
            None => ReadError::Empty { name },
        });
    };
    let mut warnings: Vec<String> = source.bad.iter().map(BadLines::warning).collect();
    if let Some(tally) = &figures.tally {
        warnings.extend(crate::warnings(&SummaryInput {
            tally,
            latency: &figures.latency,
            shards: &[],
            wall: figures.wall,
            cpu: None,
            remaining: None,
            interrupted: false,
            colour: false,
        }));
    }
    Ok(ReadRun {
        file: name.into(),
        figures,
        bad: source.bad,
        warnings,
    })
}

impl ReadRun {
    /// What a page about it is made of.
    pub fn report(&self) -> RunReport<'_> {
        let figures = &self.figures;
        RunReport {
            origin: Origin {
                file: Some(self.file.to_string()),
                began: figures.began,
                ..Origin::default()
            },
            probes: Vec::from_iter(figures.probes.iter().copied()).join(" "),
            tally: figures.tally.as_ref(),
            latency: &figures.latency,
            timeline: &figures.timeline,
            shards: None,
            resolvers: (figures.resolvers.kept().len() > 0).then_some(&figures.resolvers),
            wall: Some(figures.wall),
            cpu: None,
            remaining: None,
            interrupted: false,
            warnings: &self.warnings,
        }
    }

    /// The lines that could not be read and are left out; `None` where there was none.
    pub fn bad_lines(&self) -> Option<&BadLines> {
        self.bad.as_ref()
    }
}

impl BadLines {
    /// What a person should know of them.
    pub fn warning(&self) -> String {
        format!(
            "{} of the file could not be read and {} left out; the first is line {}: {}",
            count(self.count, "line", "lines"),
            if self.count == 1 { "is" } else { "are" },
            self.first_line,
            self.first_reason
        )
    }
}

/// A file while it is read.
struct Source<'a, R> {
    lines: Lines<R>,
    name: &'a str,
    bad: Option<BadLines>,
}

impl<R: BufRead> Source<'_, R> {
    /// Hands each line to `take`, and counts those that it says something against.
    fn each(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), Objection>,
    ) -> Result<(), ReadError> {
        loop {
            let line = self.lines.next().map_err(|source| ReadError::Io {
                name: self.name.into(),
                source,
            })?;
            let Some(line) = line else {
                return Ok(());
            };
            let number = line.number;
            let taken = match line.text {
                Some(text) => take(text),
                None => Err(Objection::Bad("it is too long to be a line of ours".into())),
            };
            match taken {
                Ok(()) => {}
                Err(Objection::Bad(reason)) => self.object(number, reason),
                Err(Objection::Comparison) => {
                    return Err(ReadError::Comparison {
                        name: self.name.into(),
                    });
                }
            }
        }
    }

    fn object(&mut self, line: u64, reason: String) {
        let bad = self.bad.get_or_insert_with(|| BadLines {
            count: 0,
            first_line: line,
            first_reason: reason.into(),
        });
        bad.count += 1;
    }

    /// The form of the first line that has one. That line is read again; those before it are bad.
    fn form(&mut self) -> Result<Form, ReadError> {
        let name = self.name;
        loop {
            let line = self.lines.next().map_err(|source| ReadError::Io {
                name: name.into(),
                source,
            })?;
            let Some(line) = line else {
                return Err(match self.bad {
                    Some(_) => ReadError::Form {
                        name: name.into(),
                        found: UNKNOWN,
                    },
                    None => ReadError::Empty { name: name.into() },
                });
            };
            let number = line.number;
            match look(line.text.unwrap_or_default()) {
                Look::Of(form) => {
                    self.lines.put_back();
                    return Ok(form);
                }
                Look::Other(found) => {
                    let name = name.into();
                    return Err(ReadError::Form { name, found });
                }
                Look::Unknown if number < UNKNOWN_LINES_MAX => {
                    self.object(number, "it looks like no line of a run's output".into());
                }
                Look::Unknown => {
                    return Err(ReadError::Form {
                        name: name.into(),
                        found: UNKNOWN,
                    });
                }
            }
        }
    }
}

/// What is said of a file that looks like nothing.
const UNKNOWN: &str = "nothing that a run writes";

/// What there is to say against a line.
enum Objection {
    /// It cannot be read, for this reason.
    Bad(String),
    /// It is what `compare` writes.
    Comparison,
}
