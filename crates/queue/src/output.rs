//! Takes targets from the output of an earlier run.

mod lines;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::entry::shown;
use crate::fields::Record;
use crate::lines::{BadLine, Line, content_of};

/// What of the lines of an earlier run is a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputPart {
    /// Host names: those that a PTR lookup found, those that the records of another lookup lead to, and
    /// the name that was asked for addresses and has some.
    Names,
    /// Addresses: one that has a name, those that a lookup found, and that of the peer of a probe.
    Addresses,
    /// The target of each line, whatever its outcome.
    Targets,
}

impl OutputPart {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Names, Self::Addresses, Self::Targets];

    /// Its name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Names => "names",
            Self::Addresses => "addresses",
            Self::Targets => "targets",
        }
    }
}

/// A text is not the name of a part of output lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not names, addresses or targets")]
pub struct OutputPartError(pub String);

impl FromStr for OutputPart {
    type Err = OutputPartError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|part| part.as_str() == text)
            .ok_or_else(|| OutputPartError(text.to_owned()))
    }
}

/// Lists are the output of earlier runs, text or ndjson, and part of it are their targets. All sources of
/// a run share it, and no other run may.
#[derive(Clone, Debug)]
pub struct OutputSelection {
    part: OutputPart,
    /// The number of lines that had no such part.
    skipped: Arc<AtomicU64>,
}

impl OutputSelection {
    /// Takes this part of each line.
    pub fn new(part: OutputPart) -> Self {
        Self {
            part,
            skipped: Arc::default(),
        }
    }

    /// What is taken of each line.
    pub fn part(&self) -> OutputPart {
        self.part
    }

    /// The number of lines so far that have no such part.
    pub fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }
}

/// Takes the targets of each line, of which there may be several.
pub(crate) struct OutputReader {
    selection: OutputSelection,
    /// The targets of the last line that were not given yet.
    pending: VecDeque<String>,
    /// The number of that line.
    number: NonZeroU64,
    /// The target that was given last.
    given: String,
}

impl OutputReader {
    pub(crate) fn new(selection: OutputSelection) -> Self {
        Self {
            selection,
            pending: VecDeque::new(),
            number: NonZeroU64::MIN,
            given: String::new(),
        }
    }

    /// Takes the first target of a line.
    pub(crate) fn take(&mut self, line: &Line<'_>) -> Record<'_> {
        let number = line.number;
        let record = |content| Record { number, content };
        let text = match line.bytes.trim_ascii_start() {
            [] | [b'#', ..] => return record(Ok(None)),
            _ if !line.whole => return record(Err(line.too_long())),
            bytes => match content_of(bytes) {
                Ok(text) => text.unwrap_or_default(),
                Err(bad) => return record(Err(bad)),
            },
        };
        match lines::targets(text, self.selection.part) {
            Err(reason) => record(Err(bad(text, reason))),
            Ok(targets) if targets.is_empty() => {
                self.selection.skipped.fetch_add(1, Ordering::Relaxed);
                record(Ok(None))
            }
            Ok(targets) => {
                self.number = number;
                self.pending.extend(targets);
                self.take_pending().unwrap_or(record(Ok(None)))
            }
        }
    }

    /// Whether the last line has more targets.
    pub(crate) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Takes the next target of the last line.
    pub(crate) fn take_pending(&mut self) -> Option<Record<'_>> {
        self.given = self.pending.pop_front()?;
        let content = match self.selection.part {
            // Whoever answers a reverse lookup chooses the name, which must not be more than one.
            OutputPart::Names if !is_host_name(&self.given) => {
                Err(bad(&self.given, "it is not the name of a host"))
            }
            _ => Ok(Some(&*self.given)),
        };
        Some(Record {
            number: self.number,
            content,
        })
    }
}

fn bad(text: &str, reason: &str) -> BadLine {
    BadLine {
        given: shown(text),
        reason: reason.into(),
    }
}

/// Whether a text is the name of a host and nothing else that a target can be: no address, range, URL or
/// path. An underscore is accepted, as many hosts have one.
fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let mut bytes = label.bytes();
        !label.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    // In a URL, a name whose last label is a number is an address (https://url.spec.whatwg.org/, the
    // ends-in-a-number checker).
    let last = text.rsplit('.').next().unwrap_or(text);
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.starts_with("0x")
        || last.starts_with("0X");
    text.split('.').all(is_label) && !is_number
}
