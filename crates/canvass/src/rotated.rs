//! Lines that are written to one file after the other: `--output-rotate`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use canvass_model::Outcome;
use canvass_report::{Durable, LineCount, Sink, SinkError};

use crate::files::CountedFile;
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

    fn record_at(&mut self, now: SystemTime, outcomes: &[Outcome]) -> Result<(), SinkError> {
        if self.is_due(now) {
            self.rotate()?;
        }
        let recorded = self.current.lines.record(outcomes);
        self.current.last = now;
        self.count();
        recorded
    }

    fn count(&self) {
        let current = self.current.written.get();
        self.written.set(self.written_before + current);
    }
}

impl Sink for RotatedLines {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        self.record_at(SystemTime::now(), outcomes)
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
        let counted = CountedFile::new(file, 0);
        let octets = counted.octets();
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

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::time::Duration;

    use canvass_report::{Columns, Epoch, Format};

    use super::*;
    use crate::rotation::Schedule;

    const DAY: Duration = Duration::from_secs(86_400);

    fn begin(path: &Path, schedule: Schedule, keep: Option<usize>) -> RotatedLines {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .unwrap();
        let rotation = Rotation {
            schedule,
            keep: keep.and_then(NonZeroUsize::new),
        };
        let sinks = LineSinks {
            format: Format::Csv,
            columns: Columns::Dns,
            epoch: Epoch {
                wall: SystemTime::UNIX_EPOCH,
            },
            compression: None,
            filter: None,
            colour: false,
        };
        RotatedLines::begin(file, path, rotation, sinks).unwrap()
    }

    fn files(directory: &Path) -> usize {
        fs::read_dir(directory).unwrap().count()
    }

    #[test]
    fn a_day_is_finished_once_also_if_the_clock_is_set_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lines.csv");
        let mut lines = begin(&path, Schedule::Daily, None);
        let now = SystemTime::now();
        lines.current.day = day(now);
        for (at, files_expected) in [
            (now, 1),
            (now - DAY, 1),
            (now, 1),
            (now + DAY, 2),
            (now + DAY, 2),
        ] {
            lines.record_at(at, &[]).unwrap();
            // The next file is of the day on which it was begun.
            lines.current.day = lines.current.day.max(day(at));
            assert_eq!(files(directory.path()), files_expected);
        }
        lines.finish().unwrap();
        let whole = |path: &Path| fs::read_to_string(path).unwrap().starts_with("seq,");
        // Named for the last line, and not for the time at which that was noticed.
        let finished = FinishedNames::of(&path).existing().unwrap();
        let named = FinishedNames::of(&directory.path().join("x/lines.csv"));
        let expected = named.free(now).unwrap();
        assert_eq!(finished[0].file_name(), expected.file_name());
        assert!(whole(&finished[0]) && whole(&path));
    }

    #[test]
    fn a_file_that_was_removed_by_another_is_not_missed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lines.csv");
        let mut lines = begin(&path, Schedule::Size(1), Some(2));
        for _ in 0..5 {
            lines.flush().unwrap();
            lines.record(&[]).unwrap();
        }
        assert_eq!(files(directory.path()), 3);
        fs::remove_file(&path).unwrap();
        lines.flush().unwrap();
        lines.record(&[]).unwrap();
        lines.finish().unwrap();
        assert_eq!(files(directory.path()), 3);
        assert!(path.exists());
    }
}
