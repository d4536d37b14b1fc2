//! Targets in: what was asked for becomes numbered [`Job`]s, in order, a batch at a time.
//!
//! A [`Source`] gives jobs: [`arguments`] from the command line, [`stream`] and [`open`] from a
//! list that is read as it comes. A [`Feeder`] pulls batches from a source, says when each job is
//! due, and hands them on, all jobs of a host to the same shard of the engine (a [`Router`] knows
//! which); a [`Ledger`] knows which of them are out and which are done. A source has a
//! [`Position`] that can be saved, so that a run can be resumed.
//!
//! Nothing here sends a packet, reads a clock or holds a list in memory. A CIDR is two numbers,
//! however large it is and however many ports it is asked on: exclusion, sharding and shuffling are
//! arithmetic on places in it. No thread is started, and the only wait is that for a reader which
//! has nothing to give yet.

mod arguments;
mod batch;
mod block;
mod entry;
mod error;
mod exclusions;
mod feeder;
mod intake;
mod ledger;
mod lines;
mod options;
mod parse;
mod partition;
mod permutation;
mod ports;
mod position;
mod route;
mod services;
mod shuffle_buffer;
mod stream;
mod target_template;
mod targets;

use canvass_model::Job;

pub use error::{ExclusionError, PartitionError, PortsError, SourceError};
pub use exclusions::Exclusions;
pub use feeder::{Ended, Feeder, FeederEnd};
pub use ledger::{Completed, LEDGER_SPAN_MAX, Ledger, Receipt};
pub use lines::LINE_BYTES_MAX;
pub use options::{TargetKind, TargetOptions};
pub use partition::Partition;
pub use ports::Ports;
pub use position::Position;
pub use route::Router;
pub use services::Protocol;
pub use shuffle_buffer::SHUFFLE_BUFFER_LINES;
pub use targets::{Targets, arguments, open, stream};

/// Where jobs come from.
pub trait Source: Send {
    /// Appends at most `max` jobs to `out`; `Ok(false)` once nothing will follow.
    ///
    /// It waits only while it has nothing to give: what is complete is given at once. Work in one
    /// call is bounded (a list is read from at most once), so `Ok(true)` with nothing appended
    /// means that it should be asked again.
    ///
    /// # Errors
    ///
    /// Where the source cannot go on. Jobs given by earlier calls stand, this call appended none,
    /// and the source is at its end.
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError>;

    /// Jobs still to come, where that is known: `None` while a list is being read. More than
    /// `u64::MAX` is given as that.
    fn remaining(&self) -> Option<u64>;

    /// Where the source is: in front of the job that it gives next.
    fn position(&self) -> Position;

    /// Passes over the jobs in front of `position`, which may have been saved from another source
    /// that was made of the same list with the same options. The next job is then the one that
    /// followed there, with the same number. What does not have to be read is not: a CIDR of any
    /// size is passed over at once.
    ///
    /// # Errors
    ///
    /// Where the source is past the position, or ends before it, or fails as in
    /// [`next`](Self::next): then it is at its end.
    fn skip_to(&mut self, position: Position) -> Result<(), SourceError> {
        while position::pass_some(self, position)? {}
        Ok(())
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        (**self).next(max, out)
    }

    fn remaining(&self) -> Option<u64> {
        (**self).remaining()
    }

    fn position(&self) -> Position {
        (**self).position()
    }

    fn skip_to(&mut self, position: Position) -> Result<(), SourceError> {
        (**self).skip_to(position)
    }
}
