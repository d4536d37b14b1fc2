//! When an output is rotated, and the names of its finished files.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

use crate::compressed::Compression;
use crate::units;

const DAY: Duration = Duration::from_secs(86_400);
/// ISO 8601 in the basic format: a colon is no part of a file name on some systems.
const TIME_FORMAT: &str = "%Y%m%dT%H%M%SZ";
const TIME_OCTETS: usize = "20261128T030000Z".len();

/// How an output is rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rotation {
    pub schedule: Schedule,
    /// The number of finished files that are kept; `None` for all.
    pub keep: Option<NonZeroUsize>,
}

/// When a file is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    /// Once it has this many octets.
    Size(u64),
    /// At midnight UTC.
    Daily,
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "daily" => Ok(Self::Daily),
            _ => units::size(text)
                .map(Self::Size)
                .map_err(|_| "expected daily, or a size such as 64k, 16M or 1G".into()),
        }
    }
}

/// The number of a day, for [`Schedule::Daily`].
pub(crate) fn day(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs() / DAY.as_secs()
}

/// The names of the finished files of one output. `a/lines.ndjson.gz` has those that are called
/// `a/lines-TIME.ndjson.gz` and, if one second has several, `a/lines-TIME-2.ndjson.gz`.
#[derive(Debug)]
pub(crate) struct FinishedNames {
    directory: PathBuf,
    /// Before the time.
    begin: OsString,
    /// After the time and the number: the extension, two if the last is that of a compression.
    end: OsString,
}

impl FinishedNames {
    pub(crate) fn of(path: &Path) -> Self {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut stem = PathBuf::from(path.file_name().unwrap_or_default());
        let mut end = OsString::new();
        let extensions = 1 + usize::from(Compression::of_name(path).is_some());
        for _ in 0..extensions {
            if let Some(extension) = stem.extension() {
                let mut longer = OsString::from(".");
                longer.push(extension);
                longer.push(&end);
                end = longer;
                stem.set_extension("");
            }
        }
        let mut begin = stem.into_os_string();
        begin.push("-");
        Self {
            directory: directory.to_owned(),
            begin,
            end,
        }
    }

    /// A name for a file whose last line is from `at`. No file has it.
    pub(crate) fn free(&self, at: SystemTime) -> io::Result<PathBuf> {
        let at = Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH);
        let time = at.strftime(TIME_FORMAT).to_string();
        let mut number = 1;
        loop {
            let path = self.name(&time, number);
            // Not `exists`: a link that leads nowhere would be replaced.
            match fs::symlink_metadata(&path) {
                Ok(_) => number += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path),
                Err(error) => return Err(error),
            }
        }
    }

    /// The finished files, the oldest first.
    pub(crate) fn existing(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let name = entry?.file_name();
            if let Some(order) = self.order(name.as_encoded_bytes()) {
                found.push((order, self.directory.join(name)));
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, path)| path).collect())
    }

    fn name(&self, time: &str, number: u64) -> PathBuf {
        let mut name = self.begin.clone();
        name.push(time);
        if number > 1 {
            name.push(format!("-{number}"));
        }
        name.push(&self.end);
        self.directory.join(name)
    }

    /// The time and the number in a name, if it is one of these.
    fn order(&self, name: &[u8]) -> Option<(String, u64)> {
        let rest = name.strip_prefix(self.begin.as_encoded_bytes())?;
        let rest = rest.strip_suffix(self.end.as_encoded_bytes())?;
        let (time, number) = rest.split_at_checked(TIME_OCTETS)?;
        let is_time = time.iter().enumerate().all(|(at, octet)| match at {
            8 => *octet == b'T',
            15 => *octet == b'Z',
            _ => octet.is_ascii_digit(),
        });
        let number = match number {
            [] => 1,
            _ => str::from_utf8(number.strip_prefix(b"-")?)
                .ok()?
                .parse()
                .ok()?,
        };
        let time = str::from_utf8(time).ok()?;
        is_time.then(|| (time.to_owned(), number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_a_size_or_daily() {
        assert_eq!("daily".parse(), Ok(Schedule::Daily));
        assert_eq!("64k".parse(), Ok(Schedule::Size(64 << 10)));
        for bad in ["", "0", "weekly", "1d", "Daily"] {
            assert!(bad.parse::<Schedule>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_day_begins_at_midnight_utc() {
        let at = |s| day(UNIX_EPOCH + Duration::from_secs(s));
        assert_eq!([at(0), at(86_399), at(86_400)], [0, 0, 1]);
    }

    #[test]
    fn the_time_stands_before_the_extension() {
        let at = UNIX_EPOCH + Duration::from_millis(1_795_834_800_999);
        let directory = tempfile::tempdir().unwrap();
        for (name, finished) in [
            ("lines", "lines-20261128T030000Z"),
            ("lines.ndjson", "lines-20261128T030000Z.ndjson"),
            ("a.b.ndjson.zst", "a.b-20261128T030000Z.ndjson.zst"),
            ("lines.gz", "lines-20261128T030000Z.gz"),
            (".lines", ".lines-20261128T030000Z"),
        ] {
            let names = FinishedNames::of(&directory.path().join(name));
            let path = names.free(at).unwrap();
            assert_eq!(path, directory.path().join(finished), "{name}");
            assert!(
                names.order(finished.as_bytes()).is_some_and(|it| it.1 == 1),
                "{name}"
            );
        }
    }

    #[test]
    fn finished_files_are_numbered_within_a_second_and_other_files_are_not_theirs() {
        let directory = tempfile::tempdir().unwrap();
        let names = FinishedNames::of(&directory.path().join("lines.gz"));
        let mut made = Vec::new();
        for s in [5, 4] {
            for _ in 0..12 {
                let path = names.free(UNIX_EPOCH + Duration::from_secs(s)).unwrap();
                fs::write(&path, "").unwrap();
                made.push(path);
            }
        }
        made.rotate_left(12);
        for other in [
            "lines.gz",
            "lines-20260101.gz",
            "lines-20260101T000000Z-x.gz",
            "lines-20260101T000000Z-2.gz.part",
            "other-20260101T000000Z.gz",
        ] {
            fs::write(directory.path().join(other), "").unwrap();
        }
        assert_eq!(names.existing().unwrap(), made);
    }
}
