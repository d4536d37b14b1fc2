//! The [`Sink`] trait.

use std::io;

use canvass_model::Outcome;

use crate::{LatencyRecorder, Part, Tally, Timeline};

/// Receives every outcome of a run, in the order in which they end.
///
/// Only [`record`](Self::record) is required.
pub trait Sink: Send {
    /// Records a batch of outcomes. May buffer them; see [`flush`](Self::flush).
    ///
    /// # Errors
    /// What was written before the error is not undone. The sink is not called again, but the other
    /// sinks of the run are.
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError>;

    /// Takes note of outcomes that are set aside. Each of them, or another one of the same target in its
    /// place, is given to [`record_parked`](Self::record_parked) later.
    ///
    /// # Errors
    /// As for [`record`](Self::record).
    fn park(&mut self, _outcomes: &[Outcome]) -> Result<(), SinkError> {
        Ok(())
    }

    /// Records outcomes that were parked. In what [`flush`](Self::flush) returns they have counted since
    /// then.
    ///
    /// # Errors
    /// As for [`record`](Self::record).
    fn record_parked(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        self.record(outcomes)
    }

    /// Records outcomes that another process has recorded.
    ///
    /// # Errors
    /// As for [`record`](Self::record); also if the sink needs the outcomes themselves.
    fn merge(&mut self, _part: &Part) -> Result<(), SinkError> {
        let error = io::Error::new(
            io::ErrorKind::Unsupported,
            "it needs the outcomes themselves",
        );
        Err(SinkError::new("an output", error))
    }

    /// Writes everything recorded so far. Returns how many outcomes would survive a crash of this
    /// process: only those count as done when a run is resumed.
    ///
    /// # Errors
    /// As for [`record`](Self::record).
    fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::All)
    }

    /// Completes the output and makes everything durable. The sink is not called again.
    ///
    /// # Errors
    /// As for [`record`](Self::record).
    fn finish(&mut self) -> Result<(), SinkError> {
        self.flush().map(drop)
    }
}

/// How many of the outcomes that a sink has recorded are durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durable {
    /// Everything recorded so far. Also for a sink that has nothing to lose.
    All,
    /// This many of those recorded or parked, counted from the creation of the sink.
    First(u64),
}

impl<S: Sink + ?Sized> Sink for Box<S> {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        (**self).record(outcomes)
    }

    fn park(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        (**self).park(outcomes)
    }

    fn record_parked(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        (**self).record_parked(outcomes)
    }

    fn merge(&mut self, part: &Part) -> Result<(), SinkError> {
        (**self).merge(part)
    }

    fn flush(&mut self) -> Result<Durable, SinkError> {
        (**self).flush()
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        (**self).finish()
    }
}

impl Sink for Tally {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        self.record_all(outcomes);
        Ok(())
    }

    fn merge(&mut self, part: &Part) -> Result<(), SinkError> {
        self.merge(&part.counts.tally);
        Ok(())
    }
}

impl Sink for Timeline {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        outcomes.iter().for_each(|outcome| self.record(outcome));
        Ok(())
    }

    /// What the part has counts as ended when it was received.
    fn merge(&mut self, part: &Part) -> Result<(), SinkError> {
        self.add(part.at, &part.counts.bin);
        Ok(())
    }
}

impl Sink for LatencyRecorder {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        outcomes.iter().for_each(|outcome| self.record(outcome));
        Ok(())
    }

    fn merge(&mut self, part: &Part) -> Result<(), SinkError> {
        self.merge(&part.counts.latency);
        Ok(())
    }
}

/// Why an output could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The reader has closed the pipe (`| head`). Not a failure.
    #[error("the reader of {path} has closed it")]
    Closed {
        /// The output.
        path: Box<str>,
    },
    /// The disk is full, or a quota or the limit on file size is reached.
    #[error("no space is left to write {path}: {source}")]
    Full {
        /// The output.
        path: Box<str>,
        /// The error of the system.
        source: io::Error,
    },
    /// Anything else.
    #[error("cannot write {path}: {source}")]
    Other {
        /// The output.
        path: Box<str>,
        /// The error of the system.
        source: io::Error,
    },
}

impl SinkError {
    /// Classifies an error of the system for the output called `path`.
    pub fn new(path: &str, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed { path },
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full { path, source },
            _ => Self::Other { path, source },
        }
    }

    /// Whether the reader has closed the pipe. Then the run ends without an error message.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }
}
