//! Saves the bodies of HTTP responses.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use canvass_model::{Answer, Outcome};
use canvass_report::{Durable, Sink, SinkError};

/// Saves the bodies of HTTP responses in a directory, each in a file `SEQ.body`, or `SEQ-REPEAT.body` if
/// requests are repeated, and passes the outcomes on to another sink. Outcomes contain bodies only if
/// [`HttpSettings::keep_body`](canvass_proto::http::HttpSettings) is set.
///
/// A body that cannot be saved does not end the run. Its outcome is passed on with
/// [`body_error`](canvass_model::HttpAnswer::body_error), no part of its file remains, and it is
/// counted in [`UnsavedBodies`].
#[derive(Debug)]
pub struct SavedBodies<S> {
    directory: PathBuf,
    sink: S,
    unsaved: UnsavedBodies,
}

/// The bodies that could not be saved. They can be read during and after the run.
#[derive(Clone, Debug, Default)]
pub struct UnsavedBodies(Arc<Mutex<BTreeMap<Box<str>, UnsavedCount>>>);

/// How many bodies could not be saved for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsavedCount {
    /// The number of bodies.
    pub bodies: u64,
    /// The file of the first.
    pub first: PathBuf,
}

impl UnsavedBodies {
    /// Returns the counts by reason, the text of a system error.
    pub fn by_reason(&self) -> BTreeMap<Box<str>, UnsavedCount> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.clone()
    }

    fn count(&self, reason: &str, path: PathBuf) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = counts.entry(reason.into()).or_insert(UnsavedCount {
            bodies: 0,
            first: path,
        });
        counted.bodies += 1;
    }
}

impl<S: Sink> SavedBodies<S> {
    /// Saves bodies in `directory`, which must exist, before `sink` records their outcomes.
    pub fn new(directory: PathBuf, sink: S) -> Self {
        Self {
            directory,
            sink,
            unsaved: UnsavedBodies::default(),
        }
    }

    /// Returns the sink that records the outcomes.
    pub fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }

    /// Returns the counts of bodies that could not be saved.
    pub fn unsaved(&self) -> UnsavedBodies {
        self.unsaved.clone()
    }

    /// Saves the body of an outcome, if it has one. Returns the file and the error if that fails.
    fn save(&self, outcome: &Outcome) -> Result<(), (PathBuf, io::Error)> {
        let Answer::Http(answer) = &outcome.answer else {
            return Ok(());
        };
        let Some(body) = &answer.body else {
            return Ok(());
        };
        let seq = outcome.job.seq;
        let path = self.directory.join(match answer.repeat {
            Some(repeat) => format!("{seq}-{repeat}.body"),
            None => format!("{seq}.body"),
        });
        write_whole(&path, body).map_err(|error| (path, error))
    }
}

/// Writes a file. If that fails, no part of it remains: it would be taken for the whole.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes).inspect_err(|_| {
        // If it cannot be removed, the line of the outcome still has the reason.
        let _ = fs::remove_file(path);
    })
}

impl<S: Sink> Sink for SavedBodies<S> {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        let mut passed = 0;
        for (at, outcome) in outcomes.iter().enumerate() {
            let Err((path, error)) = self.save(outcome) else {
                continue;
            };
            let reason = error.to_string();
            self.unsaved.count(&reason, path);
            let mut unsaved = outcome.clone();
            if let Answer::Http(answer) = &mut unsaved.answer {
                answer.body = None;
                answer.body_error = Some(reason.into());
            }
            self.sink.record(&outcomes[passed..at])?;
            self.sink.record(&[unsaved])?;
            passed = at + 1;
        }
        self.sink.record(&outcomes[passed..])
    }

    fn flush(&mut self) -> Result<Durable, SinkError> {
        self.sink.flush()
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.sink.finish()
    }
}
