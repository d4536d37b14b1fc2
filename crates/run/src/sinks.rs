//! Wrappers of sinks: [`Shared`] and [`Optional`].

use std::sync::{Arc, Mutex, PoisonError};

use canvass_model::Outcome;
use canvass_report::{Durable, Part, Sink, SinkError};

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

    fn merge(&mut self, part: &Part) -> Result<(), SinkError> {
        self.with(|sink| sink.merge(part))
    }

    fn flush(&mut self) -> Result<Durable, SinkError> {
        self.with(S::flush)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.with(S::finish)
    }
}

/// A sink whose failure does not end the run: it receives no more outcomes, and its error is kept in
/// [`OptionalError`].
#[derive(Debug)]
pub struct Optional<S> {
    sink: Option<S>,
    error: OptionalError,
}

/// The error of an [`Optional`] sink, which can be read during and after the run.
#[derive(Clone, Debug, Default)]
pub struct OptionalError(Arc<Mutex<Option<SinkError>>>);

impl OptionalError {
    /// Takes the error, if the sink has failed.
    pub fn take(&self) -> Option<SinkError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<S: Sink> Optional<S> {
    /// Wraps a sink.
    pub fn new(sink: S) -> Self {
        Self {
            sink: Some(sink),
            error: OptionalError::default(),
        }
    }

    /// Returns where its error will be.
    pub fn error(&self) -> OptionalError {
        self.error.clone()
    }

    /// Calls the sink, unless it has failed.
    fn call<T>(&mut self, call: impl FnOnce(&mut S) -> Result<T, SinkError>) -> Option<T> {
        match call(self.sink.as_mut()?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.sink = None;
                let mut kept = self.error.0.lock().unwrap_or_else(PoisonError::into_inner);
                *kept = Some(error);
                None
            }
        }
    }
}

impl<S: Sink> Sink for Optional<S> {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        self.call(|sink| sink.record(outcomes));
        Ok(())
    }

    fn merge(&mut self, part: &Part) -> Result<(), SinkError> {
        self.call(|sink| sink.merge(part));
        Ok(())
    }

    fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(self.call(S::flush).unwrap_or(Durable::All))
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.call(S::finish);
        Ok(())
    }
}
