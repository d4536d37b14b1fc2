//! The journal of a run: which of its targets are done, and how long each output was when they were.
//!
//! A run that ends in any way, also by SIGKILL or a power failure, is resumed from its journal: each
//! output is cut back to the recorded length, and what is not recorded as done is asked. So no target
//! is lost and no line is written twice.
//!
//! A [`Record`] is the content of a journal. A [`Store`] writes records to a [`Disk`] so that one of
//! the latest two can always be read, whatever of the operations that were not synchronised is lost,
//! reordered or torn. [`FileDisk`] is the real disk; it locks the journal. A [`Writer`] writes
//! checkpoints on a thread of its own, after it has made the outputs durable. A [`Binding`] names what
//! must be the same when a run is resumed, and [`verify_shards`] proves that the runs of several shards
//! cover a list.
//!
//! Nothing here knows of targets, outcomes or lines: they are sequence numbers and octets.

mod binding;
mod disk;
mod done;
mod file_disk;
mod format;
mod record;
mod shards;
mod store;
mod writer;

pub use binding::{Binding, BoundValue, Difference};
pub use disk::{Disk, DiskError, Place};
pub use done::{Done, Partial};
pub use file_disk::{FileDisk, LockError, Syncable};
pub use format::{FormatError, decode, encode};
pub use record::{ListRead, Output, Parked, Progress, Record, Shard};
pub use shards::{Coverage, verify_shards};
pub use store::{LoadError, Loaded, Store};
pub use writer::{INTERVAL_MIN, Writer};

/// The example of the README is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
