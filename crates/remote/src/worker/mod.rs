//! The worker: claims chunks, executes them in one run, and commits their results.
//!
//! `holder` knows what chunks it holds, without threads or clock. `chunks` connects them with a run as its
//! source and sink, and `work` runs all of it on threads.

mod chunks;
mod contact;
mod holder;
mod known;
mod report;
mod unproven;
mod work;

pub use chunks::{KeepLines, LineSettings};
pub use contact::Contact;
pub use holder::Timing;
#[cfg(test)]
pub(crate) use holder::{Executor, Holder, Next};
pub use report::WorkerReport;
pub use work::{WorkEnd, Worker, WorkerSettings, WorkerStop};
