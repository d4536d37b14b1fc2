//! Turns targets into numbered [`Job`]s, in order and in batches.
//!
//! A [`Source`] gives jobs: [`arguments`] from the command line, [`stream`] and [`open`] from a list
//! that is read as a stream. A [`Feeder`] reads batches from a source, sets when each job is due,
//! and delivers them to the shards of the engine; a [`Router`] sends all jobs of a host to the same
//! shard. A [`Ledger`] tracks which jobs are under way and which are done. A source has a
//! [`Position`] that can be saved, and [`Resumed`] gives what an earlier run has not completed.
//!
//! Nothing here sends a packet, reads a clock or holds a list in memory. A CIDR is stored as two
//! numbers, however large it is and however many ports it is combined with: exclusion, sharding and
//! shuffling are arithmetic on indices. No thread is started; the only operations that block are
//! reading a list and waiting for the ledger.

mod arguments;
mod batch;
mod block;
mod decompress;
mod dedup;
mod entry;
mod error;
mod exclusions;
mod feeder;
mod fields;
mod intake;
mod jobs;
mod ledger;
mod lines;
mod list_progress;
mod options;
mod output;
mod parse;
mod partition;
mod permutation;
#[cfg(test)]
mod pieces;
mod ports;
mod position;
mod records;
mod resolver;
mod resumed;
mod route;
mod schemes;
mod scope;
mod selection;
mod services;
mod shuffle_buffer;
mod stream;
mod target_template;
mod targets;

use canvass_model::Job;

pub use decompress::Decompressed;
pub use dedup::Dedup;
pub use error::{DelimiterError, ExclusionError, PartitionError, PortsError, SourceError};
pub use exclusions::Exclusions;
pub use feeder::{Ended, Feeder, FeederEnd};
pub use fields::{Delimiter, FieldSelection};
pub use jobs::jobs;
pub use ledger::{Completed, LEDGER_SPAN_MAX, Ledger, Receipt};
pub use lines::LINE_BYTES_MAX;
pub use list_progress::ListProgress;
pub use options::{TargetKind, TargetOptions};
pub use output::{OutputPart, OutputPartError, OutputSelection};
pub use partition::Partition;
pub use ports::Ports;
pub use position::Position;
pub use resolver::{ResolverError, parse_resolver};
pub use resumed::Resumed;
pub use route::Router;
pub use schemes::{Scheme, SchemeProbe};
pub use scope::{ScopeError, parse_local_address, parse_scoped};
pub use selection::Selection;
pub use services::Protocol;
pub use shuffle_buffer::SHUFFLE_BUFFER_LINES;
pub use targets::{Targets, arguments, open, stream};

/// Gives the jobs of a run.
pub trait Source: Send {
    /// Appends at most `max` jobs to `out`. Returns `Ok(false)` once there are no more.
    ///
    /// Blocks only while it has no job: complete ones are given at once. The work of one call is
    /// bounded (a list is read at most once), so it may append nothing and return `Ok(true)`; call
    /// it again.
    ///
    /// # Errors
    ///
    /// The source cannot continue. Jobs given by earlier calls are valid, this call appended none,
    /// and the source has ended.
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError>;

    /// The number of jobs still to come; `None` if it is unknown, as while a list is read.
    /// `u64::MAX` also for more.
    fn remaining(&self) -> Option<u64>;

    /// How far the list is read that the jobs come from, if it is in a file.
    fn list_progress(&self) -> Option<ListProgress> {
        None
    }

    /// The current position: before the job that it gives next.
    fn position(&self) -> Position;

    /// Skips the jobs before `position`, which may be the saved position of another source with the
    /// same list and the same options. The next job is then the one that followed there, with the
    /// same number. A CIDR of any size is skipped in constant time. What was decompressed, taken from
    /// fields or left out as a repetition before is read again, since the position counts jobs; a
    /// [`Dedup`] must be new.
    ///
    /// # Errors
    ///
    /// The source is past the position, ends before it, or fails as in [`next`](Self::next): then it
    /// has ended.
    fn skip_to(&mut self, position: Position) -> Result<(), SourceError> {
        while position::pass_some(self, position)? {}
        Ok(())
    }

    /// The jobs that were done before and are not given: usually those before the position.
    fn completed(&self) -> Completed {
        Completed::before(self.position().seq())
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        (**self).next(max, out)
    }

    fn remaining(&self) -> Option<u64> {
        (**self).remaining()
    }

    fn list_progress(&self) -> Option<ListProgress> {
        (**self).list_progress()
    }

    fn position(&self) -> Position {
        (**self).position()
    }

    fn skip_to(&mut self, position: Position) -> Result<(), SourceError> {
        (**self).skip_to(position)
    }

    fn completed(&self) -> Completed {
        (**self).completed()
    }
}

/// The example of the README is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
