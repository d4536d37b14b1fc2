//! Lines that are written to one file after the other: `--output-rotate`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use canvass_model::Outcome;
use canvass_report::{Durable, LineCount, Sink, SinkError};

use crate::lines::LineSinks;
use crate::message::message;
use crate::rotation::{FinishedNames, Rotation, Schedule, day};

/// A sink of lines whose file is finished from time to time, and renamed. All lines of a batch of
/// outcomes are in the same file.
pub(crate) struct RotatedLines {
    path: PathBuf,
    /// The path, for errors.
    name: Box<str>,
    rotation: Rotation,
    finished: FinishedNames,
    sinks: LineSinks,
    current: Current,
    /// The lines of finished files, and with them those of the current one.
    written_before: u64,
    written: LineCount,
}

/// The file that is written now.
struct Current {
    lines: Box<dyn Sink>,
    written: LineCount,
    /// The number of octets in the file.
    octets: Arc<AtomicU64>,
    /// The day on which it was begun.
    day: u64,
    /// When the latest lines were recorded.
    last: SystemTime,
}

impl RotatedLines {
    /// Begins with an open file. If it has lines already, it is finished first.
    pub(crate) fn begin(
        file: File,
        path: &Path,
        rotation: Rotation,
        sinks: LineSinks,
    ) -> Result<Self, SinkError> {
        let name: Box<str> = path.display().to_string().into();
        let begin = || {
            // A link keeps its name: the file that it leads to is renamed.
            let path = match path.is_symlink() {
                true => path.canonicalize()?,
                false => path.to_owned(),
            };
            let finished = FinishedNames::of(&path);
            let found = file.metadata()?;
            let file = if found.len() == 0 {
                file
            } else {
                fs::rename(&path, finished.free(found.modified()?)?)?;
                new_file(&path)?
            };
            let current = Current::begin(file, &name, &sinks)?;
            Ok((path, finished, current))
        };
        let (path, finished, current) = begin().map_err(|error| SinkError::new(&name, error))?;
        let lines = Self {
            path,
            name,
            rotation,
            finished,
            sinks,
            current,
            written_before: 0,
            written: LineCount::default(),
        };
        lines.remove_old();
        Ok(lines)
    }

    /// The number of lines in all files. The count goes on.
    pub(crate) fn written_lines(&self) -> LineCount {
        self.written.clone()
    }

    fn is_due(&self, now: SystemTime) -> bool {
        match self.rotation.schedule {
            Schedule::Size(octets) => self.current.octets.load(Ordering::Relaxed) >= octets,
            // A clock that is set back finishes nothing.
            Schedule::Daily => day(now) > self.current.day,
        }
    }

    /// Finishes the current file, and begins the next.
    fn rotate(&mut self) -> Result<(), SinkError> {
        let ended = self.current.lines.finish();
        self.count();
        ended?;
        self.written_before = self.written.get();
        self.current = self
            .begin_next()
            .map_err(|error| SinkError::new(&self.name, error))?;
        self.remove_old();
        Ok(())
    }

    fn begin_next(&self) -> io::Result<Current> {
        match fs::rename(&self.path, self.finished.free(self.current.last)?) {
            // Another program has renamed or removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            renamed => renamed?,
        }
        Current::begin(new_file(&self.path)?, &self.name, &self.sinks)
    }

    /// Removes finished files that are not kept. A failure ends nothing: it is tried again the next
    /// time, and the disk may never be full.
    fn remove_old(&self) {
        let Some(keep) = self.rotation.keep else {
            return;
        };
        let remove = || {
            let existing = self.finished.existing()?;
            let old = existing.len().saturating_sub(keep.get());
            existing[..old].iter().try_for_each(fs::remove_file)
        };
        if let Err(error) = remove() {
            let name = &self.name;
            message(format_args!(
                "canvass: cannot remove a finished file of {name}: {error}"
            ));
        }
    }

    fn count(&self) {
        let current = self.current.written.get();
        self.written.set(self.written_before + current);
    }
}

impl Sink for RotatedLines {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        let now = SystemTime::now();
        if self.is_due(now) {
            self.rotate()?;
        }
        let recorded = self.current.lines.record(outcomes);
        self.current.last = now;
        self.count();
        recorded
    }

    fn flush(&mut self) -> Result<Durable, SinkError> {
        let flushed = self.current.lines.flush();
        self.count();
        flushed
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let ended = self.current.lines.finish();
        self.count();
        ended
    }
}

impl Current {
    fn begin(file: File, name: &str, sinks: &LineSinks) -> io::Result<Self> {
        let octets = Arc::default();
        let counted = CountedFile {
            file,
            octets: Arc::clone(&octets),
        };
        let (lines, written) = sinks.begin(counted, name)?;
        let now = SystemTime::now();
        Ok(Self {
            lines,
            written,
            octets,
            day: day(now),
            last: now,
        })
    }
}

/// Opens a file that nobody else has made meanwhile, or continues that.
fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// A file whose octets are counted.
struct CountedFile {
    file: File,
    octets: Arc<AtomicU64>,
}

impl Write for CountedFile {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let taken = self.file.write(octets)?;
        self.octets.fetch_add(taken as u64, Ordering::Relaxed);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
