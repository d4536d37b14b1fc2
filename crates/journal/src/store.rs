//! Writes and reads records so that one of the latest two survives a crash.

use crate::disk::{Disk, DiskError, Place};
use crate::format::{FormatError, decode, encode};
use crate::record::Record;

/// The records of one journal on a disk.
pub struct Store<D> {
    disk: D,
    /// The number of the latest record; 0 if there is none.
    generation: u64,
    /// Whether the latest record is that of this run, so that it is kept beside the next one.
    keeps_current: bool,
}

/// What a journal has.
#[derive(Debug)]
pub struct Loaded {
    /// The latest record that can be read; `None` if there is no journal.
    pub record: Option<Record>,
    /// Why the record before the latest one had to be taken.
    pub damage: Option<FormatError>,
}

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The disk failed.
    #[error("cannot {0}")]
    Disk(#[from] DiskError),
    /// No record can be read.
    #[error("{0}")]
    Format(#[from] FormatError),
}

impl<D: Disk> Store<D> {
    /// Reads the journal on a disk.
    ///
    /// # Errors
    /// The files cannot be read, or there are some and none of them has a record.
    pub fn load(mut disk: D) -> Result<(Self, Loaded), LoadError> {
        let mut current = disk.read(Place::Current)?;
        let previous = disk.read(Place::Previous)?;
        if previous.is_none() {
            // A file that was made for a journal. No crash leaves one that is empty.
            current = current.filter(|octets| !octets.is_empty());
        }
        let previous = previous.map(|octets| decode(&octets));
        let current = current.map(|octets| decode(&octets));
        let keeps_current = matches!(current, Some(Ok(_)));
        let loaded = match (current, previous) {
            (None, None) => Loaded {
                record: None,
                damage: None,
            },
            // Somebody has removed the latest one: no crash does.
            (None, Some(previous)) => Loaded {
                record: Some(previous?),
                damage: None,
            },
            (Some(Ok(current)), _) => Loaded {
                record: Some(current),
                damage: None,
            },
            (Some(Err(damage @ FormatError::Damaged(_))), Some(Ok(previous))) => Loaded {
                record: Some(previous),
                damage: Some(damage),
            },
            (Some(Err(error)), _) => return Err(error.into()),
        };
        let store = Self {
            disk,
            generation: loaded.record.as_ref().map_or(0, |record| record.generation),
            keeps_current,
        };
        Ok((store, loaded))
    }

    /// The disk.
    pub fn disk_mut(&mut self) -> &mut D {
        &mut self.disk
    }

    /// Writes the first record of a new run. Records of an earlier run are replaced.
    ///
    /// # Errors
    /// The first operation that failed.
    pub fn begin(&mut self, record: &mut Record) -> Result<(), DiskError> {
        self.disk.remove(Place::Previous)?;
        self.keeps_current = false;
        self.commit(record)
    }

    /// Makes the outputs durable, and then a record that counts on them. Numbers the record.
    ///
    /// # Errors
    /// The first operation that failed. The run must end then: after a failed fsync the pages that were
    /// not written are no longer known to be dirty, so another fsync succeeds without them.
    pub fn commit(&mut self, record: &mut Record) -> Result<(), DiskError> {
        record.generation = self.generation + 1;
        self.disk.sync_outputs()?;
        self.disk.write_next(&encode(record))?;
        self.disk.sync_next()?;
        if self.keeps_current {
            self.disk.keep_current()?;
        }
        self.disk.publish_next()?;
        self.disk.sync_directory()?;
        self.generation = record.generation;
        self.keeps_current = true;
        Ok(())
    }
}
