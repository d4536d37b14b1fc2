//! Reads the output of a run: the lines of `-f ndjson`, or the interval log of `--hlog`.
//!
//! The outcomes are counted by the same [`Tally`], [`LatencyRecorder`], [`Timeline`],
//! [`NotableTargets`] and [`ResolverCounts`] as during the run. None of them grows with the file, and only one line is in
//! memory at a time. Lines that cannot be read are counted and skipped. Text and CSV do not have
//! enough information.

mod format;
mod hlog;
mod input;
mod line;
mod ndjson;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeSet;
use std::io::{self, BufRead};
use std::time::{Duration, SystemTime};

use crate::human::count;
use crate::{
    LatencyRecorder, NotableTargets, Origin, ResolverCounts, RunReport, SummaryInput, Tally,
    Timeline,
};
use format::{InputFormat, LineKind, line_kind};
use input::LineReader;
pub(crate) use line::{FaultDraft, LineDraft, Probe};
pub(crate) use value::{FromText, Millis};

/// How many lines of unknown format are skipped at the beginning.
const UNKNOWN_LINES_MAX: u64 = 8;

/// What is known of a run from its output.
pub struct ReadRun {
    file: Box<str>,
    figures: Counts,
    bad: Option<BadLines>,
    warnings: Vec<String>,
}

/// The counts of a file.
struct Counts {
    tally: Option<Tally>,
    latency: LatencyRecorder,
    timeline: Timeline,
    resolvers: ResolverCounts,
    notable: Option<NotableTargets>,
    probes: BTreeSet<&'static str>,
    began: Option<SystemTime>,
    wall: Duration,
}

/// Lines that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLines {
    /// Their number.
    pub count: u64,
    /// The line number of the first, from 1.
    pub first_line: u64,
    /// Why the first could not be read.
    pub first_reason: Box<str>,
}

/// Why a file cannot be read as the output of a run.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Reading failed.
    #[error("cannot read {name}: {source}")]
    Io {
        /// The file.
        name: Box<str>,
        /// The error of the system.
        source: io::Error,
    },
    /// The file is empty.
    #[error("{name} is empty")]
    Empty {
        /// The file.
        name: Box<str>,
    },
    /// The file has another format.
    #[error(
        "{name} holds {found}; only ndjson (-f ndjson) and HdrHistogram interval logs (--hlog) can \
         be read"
    )]
    Form {
        /// The file.
        name: Box<str>,
        /// What the file holds.
        found: &'static str,
    },
    /// The file is the output of `compare`.
    #[error("{name} holds a comparison; `canvass compare --html` writes the page about one")]
    Comparison {
        /// The file.
        name: Box<str>,
    },
    /// The file has the right format, but no line can be read.
    #[error("no line of {name} can be read; line {}: {}", bad.first_line, bad.first_reason)]
    NoLine {
        /// The file.
        name: Box<str>,
        /// The lines that cannot be read.
        bad: BadLines,
    },
}

/// Reads the output of a run in either format. `name` is the file name in errors and on the page.
///
/// # Errors
/// `reader` fails, or the file is not the output of a run.
pub fn read_run(reader: impl BufRead, name: &str) -> Result<ReadRun, ReadError> {
    let mut source = Source {
        lines: LineReader::new(reader),
        name,
        bad: None,
    };
    let format = source.format()?;
    let figures = match format {
        InputFormat::Ndjson => ndjson::read(&mut source)?,
        InputFormat::IntervalLog => hlog::read(&mut source)?,
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
            recheck: None,
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
    /// The input of the page about the run.
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
            notable: figures.notable.as_ref(),
            resolvers: (figures.resolvers.kept().len() > 0).then_some(&figures.resolvers),
            wall: Some(figures.wall),
            cpu: None,
            remaining: None,
            interrupted: false,
            warnings: &self.warnings,
        }
    }

    /// The lines that could not be read and were skipped; `None` if there are none.
    pub fn bad_lines(&self) -> Option<&BadLines> {
        self.bad.as_ref()
    }
}

impl BadLines {
    /// The warning about them.
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

/// A file that is being read.
struct Source<'a, R> {
    lines: LineReader<R>,
    name: &'a str,
    bad: Option<BadLines>,
}

impl<R: BufRead> Source<'_, R> {
    /// Calls `take` for each line and counts the lines it rejects.
    fn each(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), LineError>,
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
                None => Err(LineError::Bad("the line is too long".into())),
            };
            match taken {
                Ok(()) => {}
                Err(LineError::Bad(reason)) => self.count_bad(number, reason),
                Err(LineError::Comparison) => {
                    return Err(ReadError::Comparison {
                        name: self.name.into(),
                    });
                }
            }
        }
    }

    fn count_bad(&mut self, line: u64, reason: String) {
        let bad = self.bad.get_or_insert_with(|| BadLines {
            count: 0,
            first_line: line,
            first_reason: reason.into(),
        });
        bad.count += 1;
    }

    /// Returns the format of the first line that has one. That line is read again; lines before it
    /// are bad.
    fn format(&mut self) -> Result<InputFormat, ReadError> {
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
            match line_kind(line.text.unwrap_or_default()) {
                LineKind::Readable(format) => {
                    self.lines.put_back();
                    return Ok(format);
                }
                LineKind::Other(found) => {
                    let name = name.into();
                    return Err(ReadError::Form { name, found });
                }
                LineKind::Unknown if number < UNKNOWN_LINES_MAX => {
                    self.count_bad(number, "it is not a line of the output of a run".into());
                }
                LineKind::Unknown => {
                    return Err(ReadError::Form {
                        name: name.into(),
                        found: UNKNOWN,
                    });
                }
            }
        }
    }
}

/// What a file of unknown format is said to hold.
const UNKNOWN: &str = "an unknown format";

/// Why a line is rejected.
enum LineError {
    /// It cannot be read, for this reason.
    Bad(String),
    /// It is a line of `compare`.
    Comparison,
}
