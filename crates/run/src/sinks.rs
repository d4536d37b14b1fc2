//! Sinks that do not write lines: [`Shared`] and [`SavedBodies`].

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use canvass_model::{Answer, Outcome};
use canvass_report::{Durable, Sink, SinkError};

/// A sink that can be read during and after the run: keep it, and pass a clone to the run.
///
/// Reading is cheap. The run copies the sink only if a value returned by [`get`](Self::get) is still
/// held when the next outcomes arrive.
#[derive(Debug, Default)]
pub struct Shared<S>(Arc<Mutex<Arc<S>>>);

impl<S> Shared<S> {
    /// Wraps a sink.
    pub fn new(sink: S) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(sink))))
    }

    /// Returns the current state of the sink.
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

/// Saves the bodies of HTTP responses in a directory, each in a file `SEQ.body`, or `SEQ-REPEAT.body` if
/// requests are repeated. Outcomes contain bodies only if
/// [`HttpSettings::keep_body`](canvass_proto::http::HttpSettings) is set.
#[derive(Debug)]
pub struct SavedBodies {
    directory: PathBuf,
}

impl SavedBodies {
    /// Saves bodies in `directory`, which must exist.
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
