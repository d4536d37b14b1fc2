//! The errors of a run.

use std::io;

use canvass_model::Errno;
use canvass_queue::SourceError;
use canvass_report::{BalanceError, SinkError};

/// Why a run could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An event loop cannot be created, for example because no descriptor is left.
    #[error("cannot create an event loop: {0}")]
    EventLoop(#[source] io::Error),
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
}

/// Why a run failed or ended early.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An event loop failed.
    #[error("an event loop failed: {0}")]
    EventLoop(#[source] io::Error),
    /// A thread panicked: a bug in canvass, or in the source or a sink of the caller.
    #[error("the thread {thread:?} panicked: {message}")]
    Panicked {
        /// The name of the thread.
        thread: Box<str>,
        /// The panic message.
        message: Box<str>,
    },
    /// A sink failed.
    #[error(transparent)]
    Sink(SinkError),
    /// The number of outcomes does not match the number of targets: a bug in canvass.
    #[error(transparent)]
    Balance(BalanceError),
    /// No resolver answered any more, so the event loops gave up.
    #[error("no resolver answers any more; the rest of the list was not asked")]
    GaveUp,
    /// The system of this machine refused to send any query for a while, so the event loops gave up.
    #[error("this machine cannot send queries ({0}); the rest of the list was not asked")]
    Blocked(Errno),
    /// The source failed. The targets it gave before have outcomes.
    #[error(transparent)]
    Source(SourceError),
    /// Targets were lost between the source and the event loops: a bug in canvass.
    #[error("{targets} targets were read but have no outcome; please report this")]
    Lost {
        /// The number of targets.
        targets: u64,
    },
}
