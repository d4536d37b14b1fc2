//! Sinks that belong to no output format.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use canvass_model::{Answer, Outcome};
use canvass_report::{Durable, Sink, SinkError};

/// A sink that can be looked at while the run goes on, and after it: give the run a clone of it.
///
/// Looking is cheap. Only if what was seen is still held when the next outcomes come does the run
/// go on with a copy.
#[derive(Debug, Default)]
pub struct Shared<S>(Arc<Mutex<Arc<S>>>);

impl<S> Shared<S> {
    /// Shares a sink.
    pub fn new(sink: S) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(sink))))
    }

    /// The sink as it is now.
    pub fn get(&self) -> Arc<S> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn with<T>(&self, call: impl FnOnce(&mut S) -> T) -> T
    where
        S: Clone,
    {
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        call(Arc::make_mut(&mut sink))
    }
}

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Sink + Clone + Sync> Sink for Shared<S> {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        self.with(|sink| sink.record(outcomes))
    }

    fn flush(&mut self) -> Result<Durable, SinkError> {
        self.with(S::flush)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.with(S::finish)
    }
}

/// Saves the bodies of HTTP answers in a directory, a file for each: `SEQ.body`, or
/// `SEQ-REPEAT.body` where a target is asked several times. Bodies are in outcomes only where
/// [`HttpSettings::keep_body`](canvass_proto::http::HttpSettings) is set.
#[derive(Debug)]
pub struct SavedBodies {
    directory: PathBuf,
}

impl SavedBodies {
    /// Saves bodies in `directory`, which must be there.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }
}

impl Sink for SavedBodies {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        for outcome in outcomes {
            let Answer::Http(answer) = &outcome.answer else {
                continue;
            };
            let Some(body) = &answer.body else { continue };
            let seq = outcome.job.seq;
            let path = self.directory.join(match answer.repeat {
                Some(repeat) => format!("{seq}-{repeat}.body"),
                None => format!("{seq}.body"),
            });
            std::fs::write(&path, body)
                .map_err(|error| SinkError::new(&path.display().to_string(), error))?;
        }
        Ok(())
    }
}
