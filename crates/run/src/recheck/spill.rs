//! The file of parked outcomes.
//!
//! It begins with a line that names the version, since the form of an entry is that of the types of the
//! program. Then come entries, each after its length in octets (32 bits, little-endian). A run that is
//! resumed cuts the file at the end of an entry and goes on.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use canvass_model::Outcome;
use canvass_report::{Durable, RecheckCounts, Sink, SinkError};
use serde::{Deserialize, Serialize};

const HEADER: &str = concat!("canvass ", env!("CARGO_PKG_VERSION"), " parked outcomes\n");
/// The number of octets that are buffered before they are written.
const BUFFER_OCTETS: usize = 128 * 1024;
const LENGTH_OCTETS: usize = 4;
/// How an entry with a parked outcome begins: postcard writes the index of a variant first.
const PARKED: u8 = 0;

/// The file in which outcomes are parked. As a sink it parks what it is given to park, and leaves alone what
/// is recorded. Clones are the same file.
#[derive(Clone)]
pub struct Spill {
    file: Arc<Mutex<SpillFile>>,
    counts: Arc<Counts>,
}

struct SpillFile {
    file: Arc<File>,
    name: Box<str>,
    /// Whole entries that are not in the file yet.
    buffer: Vec<u8>,
    /// The length of the file.
    octets: u64,
}

struct Counts {
    /// The length of the file for who cuts it: 0 once everything is recorded.
    octets: Arc<AtomicU64>,
    /// Everything before this place is recorded.
    recorded: AtomicU64,
    /// The outcomes that are parked and not recorded.
    parked: AtomicU64,
    /// What earlier passes and the last one have come to: the outcomes that had failed, and those of them
    /// that were asked again.
    failed: AtomicU64,
    asked: AtomicU64,
}

/// The state of a [`Spill`] at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpillState {
    /// How much of the file is recorded, in octets.
    pub recorded_octets: u64,
    /// What asking again has come to.
    pub counts: RecheckCounts,
}

/// An entry of the file. A place is where an entry begins, in octets.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Entry<O> {
    Parked(O),
    /// What was answered when the target of the outcome at `parked` was asked again.
    Answered {
        parked: u64,
        outcome: O,
    },
    /// The sample has been asked.
    Asked,
}

/// Reads entries in their order.
pub(super) struct Entries {
    reader: BufReader<FileFrom>,
    name: Box<str>,
    at: u64,
    end: u64,
    octets: Vec<u8>,
}

/// An entry in its file.
pub(super) struct Found<'a> {
    pub place: u64,
    octets: &'a [u8],
    name: &'a str,
}

struct FileFrom {
    file: Arc<File>,
    at: u64,
}

impl Spill {
    /// Parks outcomes in an empty file that is open for reading and writing. `name` is the name of the file in
    /// errors.
    pub fn new(file: File, name: impl Into<Box<str>>) -> Self {
        Self::of(file, name.into(), 0, HEADER.len() as u64)
    }

    /// Goes on with the first `octets` of the file of an earlier part of the run.
    ///
    /// # Errors
    /// The file cannot be read, or is that of another version.
    pub fn continued(
        file: File,
        name: impl Into<Box<str>>,
        octets: u64,
        before: SpillState,
    ) -> Result<Self, SinkError> {
        let name = name.into();
        let spill = match octets {
            0 => Self::new(file, name),
            _ => Self::read(file, name, octets, before.recorded_octets)?,
        };
        spill.add_counts(before.counts);
        Ok(spill)
    }

    fn read(file: File, name: Box<str>, octets: u64, recorded: u64) -> Result<Self, SinkError> {
        let mut header = [0; HEADER.len()];
        let read = file.read_exact_at(&mut header, 0);
        if read.is_err() || header != HEADER.as_bytes() {
            return Err(damaged(
                &name,
                "it was not written by this version of canvass",
            ));
        }
        let spill = Self::of(file, name, octets, recorded);
        let mut entries = spill.entries(recorded)?;
        let mut parked = 0;
        while let Some(found) = entries.next()? {
            parked += u64::from(found.is_parked());
        }
        spill.counts.parked.store(parked, Ordering::Relaxed);
        Ok(spill)
    }

    fn of(file: File, name: Box<str>, octets: u64, recorded: u64) -> Self {
        let mut buffer = Vec::new();
        if octets == 0 {
            buffer.extend_from_slice(HEADER.as_bytes());
        }
        Self {
            file: Arc::new(Mutex::new(SpillFile {
                file: Arc::new(file),
                name,
                buffer,
                octets,
            })),
            counts: Arc::new(Counts {
                octets: Arc::new(octets.into()),
                recorded: recorded.into(),
                parked: AtomicU64::new(0),
                failed: AtomicU64::new(0),
                asked: AtomicU64::new(0),
            }),
        }
    }

    /// The length of the file, for who makes it durable and cuts it. It is 0 once the file is of no more use.
    /// The number goes on.
    pub fn octets(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.counts.octets)
    }

    /// What has to be known to go on with the file, besides its length.
    pub fn state(&self) -> SpillState {
        SpillState {
            recorded_octets: match self.counts.octets.load(Ordering::Relaxed) {
                0 => 0,
                _ => self.recorded(),
            },
            counts: self.counts(),
        }
    }

    /// What asking again has come to, in all parts of the run.
    pub fn counts(&self) -> RecheckCounts {
        RecheckCounts {
            failed: self.counts.failed.load(Ordering::Relaxed),
            asked: self.counts.asked.load(Ordering::Relaxed),
        }
    }

    pub(super) fn add_counts(&self, counts: RecheckCounts) {
        let RecheckCounts { failed, asked } = counts;
        self.counts.failed.fetch_add(failed, Ordering::Relaxed);
        self.counts.asked.fetch_add(asked, Ordering::Relaxed);
    }

    /// The number of outcomes that are parked and not recorded.
    pub fn parked(&self) -> u64 {
        self.counts.parked.load(Ordering::Relaxed)
    }

    /// Where recording goes on.
    pub(super) fn recorded(&self) -> u64 {
        self.counts.recorded.load(Ordering::Relaxed)
    }

    /// Notes that everything before `place` is recorded: so many more outcomes.
    pub(super) fn set_recorded(&self, place: u64, outcomes: usize) {
        self.counts.recorded.store(place, Ordering::Relaxed);
        self.counts
            .parked
            .fetch_sub(outcomes as u64, Ordering::Relaxed);
    }

    /// Appends an entry.
    pub(super) fn append(&self, entry: &Entry<&Outcome>) -> Result<(), SinkError> {
        let mut file = self.lock();
        file.append(entry)?;
        if file.buffer.len() >= BUFFER_OCTETS {
            self.write(&mut file)?;
        }
        Ok(())
    }

    /// The entries from `place` to the present end.
    pub(super) fn entries(&self, place: u64) -> Result<Entries, SinkError> {
        let mut file = self.lock();
        self.write(&mut file)?;
        let from = FileFrom {
            file: Arc::clone(&file.file),
            at: place,
        };
        Ok(Entries {
            reader: BufReader::with_capacity(BUFFER_OCTETS, from),
            name: file.name.clone(),
            at: place,
            end: file.octets,
            octets: Vec::new(),
        })
    }

    /// The outcome of the entry at `place`.
    pub(super) fn outcome_at(&self, place: u64) -> Result<Outcome, SinkError> {
        let mut file = self.lock();
        if place >= file.octets {
            self.write(&mut file)?;
        }
        let mut length = [0; LENGTH_OCTETS];
        let read = file.file.read_exact_at(&mut length, place).and_then(|()| {
            let mut octets = vec![0; u32::from_le_bytes(length) as usize];
            file.file
                .read_exact_at(&mut octets, place + LENGTH_OCTETS as u64)?;
            Ok(octets)
        });
        let octets = read.map_err(|error| failed(&file.name, error))?;
        outcome_of(&octets, &file.name)
    }

    fn write(&self, file: &mut SpillFile) -> Result<(), SinkError> {
        if file.buffer.is_empty() {
            return Ok(());
        }
        file.file
            .write_all_at(&file.buffer, file.octets)
            .map_err(|error| failed(&file.name, error))?;
        file.octets += file.buffer.len() as u64;
        file.buffer.clear();
        self.counts.octets.store(file.octets, Ordering::Relaxed);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, SpillFile> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpillFile {
    fn append(&mut self, entry: &Entry<&Outcome>) -> Result<(), SinkError> {
        let begin = self.buffer.len();
        self.buffer.extend_from_slice(&[0; LENGTH_OCTETS]);
        let buffer = std::mem::take(&mut self.buffer);
        self.buffer = postcard::to_extend(entry, buffer)
            .map_err(|error| damaged(&self.name, &error.to_string()))?;
        let octets = self.buffer.len() - begin - LENGTH_OCTETS;
        let length = u32::try_from(octets)
            .map_err(|_| damaged(&self.name, "an outcome has more than 4 GiB"))?;
        self.buffer[begin..begin + LENGTH_OCTETS].copy_from_slice(&length.to_le_bytes());
        Ok(())
    }
}

impl Sink for Spill {
    fn record(&mut self, _outcomes: &[Outcome]) -> Result<(), SinkError> {
        Ok(())
    }

    fn park(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        for outcome in outcomes {
            self.append(&Entry::Parked(outcome))?;
        }
        self.counts
            .parked
            .fetch_add(outcomes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn flush(&mut self) -> Result<Durable, SinkError> {
        let mut file = self.lock();
        self.write(&mut file)?;
        Ok(Durable::All)
    }

    /// Where everything is recorded, nothing in the file is needed any more.
    fn finish(&mut self) -> Result<(), SinkError> {
        let mut file = self.lock();
        self.write(&mut file)?;
        if self.recorded() == file.octets {
            self.counts.octets.store(0, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Entries {
    /// The next entry; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Found<'_>>, SinkError> {
        if self.at >= self.end {
            return Ok(None);
        }
        let mut read = || {
            let mut length = [0; LENGTH_OCTETS];
            self.reader.read_exact(&mut length)?;
            let length = u32::from_le_bytes(length);
            self.octets.resize(length as usize, 0);
            self.reader.read_exact(&mut self.octets)
        };
        read().map_err(|error| failed(&self.name, error))?;
        let place = self.at;
        self.at += (LENGTH_OCTETS + self.octets.len()) as u64;
        Ok(Some(Found {
            place,
            octets: &self.octets,
            name: &self.name,
        }))
    }

    /// The place after the latest entry.
    pub(super) fn place(&self) -> u64 {
        self.at
    }
}

impl Found<'_> {
    pub(super) fn is_parked(&self) -> bool {
        self.octets.first() == Some(&PARKED)
    }

    pub(super) fn outcome(&self) -> Result<Outcome, SinkError> {
        outcome_of(self.octets, self.name)
    }

    pub(super) fn entry(&self) -> Result<Entry<Outcome>, SinkError> {
        decode(self.octets, self.name)
    }
}

impl Read for FileFrom {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

fn decode(octets: &[u8], name: &str) -> Result<Entry<Outcome>, SinkError> {
    postcard::from_bytes(octets).map_err(|error| damaged(name, &error.to_string()))
}

fn outcome_of(octets: &[u8], name: &str) -> Result<Outcome, SinkError> {
    match decode(octets, name)? {
        Entry::Parked(outcome) | Entry::Answered { outcome, .. } => Ok(outcome),
        Entry::Asked => Err(damaged(name, "an outcome is missing")),
    }
}

fn damaged(name: &str, reason: &str) -> SinkError {
    failed(name, io::Error::new(io::ErrorKind::InvalidData, reason))
}

fn failed(name: &str, error: io::Error) -> SinkError {
    SinkError::new(name, error)
}
