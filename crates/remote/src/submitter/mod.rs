//! The submitter: cuts the list into chunks, publishes them, and merges what comes back.
//!
//! `dispatch` knows what is out and what came back, without threads or clock. `collect` gives results to
//! the sinks, and `fleet` knows the workers. `service` drives all of them on a thread of a `submission`.

mod collect;
mod dispatch;
mod fleet;
mod service;
mod submission;

#[cfg(test)]
pub(crate) use dispatch::{Dispatch, Receiver};
pub use submission::{Submission, SubmissionError, SubmissionSettings, SubmissionStop};
