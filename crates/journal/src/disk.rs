//! What a journal needs of a disk.

use std::io;

/// The files of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// The latest record.
    Current,
    /// The record before.
    Previous,
    /// The record that is being written.
    Next,
}

/// An operation on a disk that failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} {name}: {source}")]
pub struct DiskError {
    /// What failed.
    pub operation: &'static str,
    /// The file.
    pub name: Box<str>,
    /// The error of the system.
    pub source: io::Error,
}

/// What a journal needs of a disk. What is not synchronised may be lost, reordered or torn when the
/// machine fails.
pub trait Disk {
    /// Reads a file; `None` if there is none.
    ///
    /// # Errors
    /// The file cannot be read.
    fn read(&mut self, place: Place) -> Result<Option<Vec<u8>>, DiskError>;

    /// Creates the file [`Place::Next`], instead of one that has the name.
    ///
    /// # Errors
    /// The file cannot be written.
    fn write_next(&mut self, octets: &[u8]) -> Result<(), DiskError>;

    /// Makes the content of [`Place::Next`] durable.
    ///
    /// # Errors
    /// It cannot be made durable. What the file has on the disk is unknown then.
    fn sync_next(&mut self) -> Result<(), DiskError>;

    /// Gives [`Place::Current`] the name [`Place::Previous`] too, instead of the file that has it.
    ///
    /// # Errors
    /// The file that has the name cannot be removed.
    fn keep_current(&mut self) -> Result<(), DiskError>;

    /// Renames [`Place::Next`] to [`Place::Current`], and replaces that.
    ///
    /// # Errors
    /// The file cannot be renamed.
    fn publish_next(&mut self) -> Result<(), DiskError>;

    /// Removes a file, if it exists.
    ///
    /// # Errors
    /// The file cannot be removed.
    fn remove(&mut self, place: Place) -> Result<(), DiskError>;

    /// Makes names durable.
    ///
    /// # Errors
    /// They cannot be made durable.
    fn sync_directory(&mut self) -> Result<(), DiskError>;

    /// Makes everything durable that was written to the outputs.
    ///
    /// # Errors
    /// It cannot be made durable. What an output has on the disk is unknown then.
    fn sync_outputs(&mut self) -> Result<(), DiskError>;
}
