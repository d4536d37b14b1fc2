//! Why a run did not start, or not go to its end.

use std::io;

use canvass_queue::SourceError;
use canvass_report::{BalanceError, SinkError};

/// Why a run could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The system gives no event loop: no descriptor is left, for example.
    #[error("cannot begin an event loop: {0}")]
    EventLoop(#[source] io::Error),
    /// The system gives no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
}

/// Why a run did not go to its end as it should.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An event loop could not go on.
    #[error("an event loop failed: {0}")]
    EventLoop(#[source] io::Error),
    /// A thread panicked: a fault of this program, or of a source or a sink that it was given.
    #[error("the thread {thread:?} panicked: {message}")]
    Panicked {
        /// Which.
        thread: Box<str>,
        /// What it said.
        message: Box<str>,
    },
    /// A sink takes no more.
    #[error(transparent)]
    Sink(SinkError),
    /// What went in is not what came out: a fault of this program.
    #[error(transparent)]
    Balance(BalanceError),
    /// No resolver answered any more.
    #[error("no resolver answers any more; the rest of the list was not asked")]
    GaveUp,
    /// The source could not go on. What it gave before was asked.
    #[error(transparent)]
    Source(SourceError),
    /// Targets were lost between the source and the event loops: a fault of this program.
    #[error("{targets} targets were read and never asked; please report this")]
    Lost {
        /// How many.
        targets: u64,
    },
}
