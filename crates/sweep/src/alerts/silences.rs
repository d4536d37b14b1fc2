//! Silences: targets and groups that cause no alerts until a time.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::alert::time;
use crate::json_file;
use crate::wall_clock::unix_ns;

/// The version of the format.
const VERSION: u32 = 1;
/// The end of the year 2499.
const UNTIL_MAX_UNIX_NS: u64 = 16_725_225_600_000_000_000;
/// What a group is marked by on the command line.
const GROUP_PREFIX: &str = "group:";

/// What a silence is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SilenceScope {
    /// The target with this key.
    Target(Box<str>),
    /// All targets of this group.
    Group(Box<str>),
}

/// One silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// What it is for.
    #[serde(flatten)]
    pub scope: SilenceScope,
    /// When it ends.
    #[serde(
        serialize_with = "write_time",
        deserialize_with = "read_time",
        rename = "until"
    )]
    pub until_unix_ns: u64,
}

/// All silences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Silences(Vec<Silence>);

/// The file.
#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    silences: Vec<Silence>,
}

/// Why silences cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SilencesError {
    /// The system's error.
    #[error("{path}: {error}")]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error.
        error: io::Error,
    },
    /// The sweep keeps no states, so there is no file of silences.
    #[error("there is no file for silences without --state")]
    NoFile,
    /// It is not a file of silences, or a later version of canvass has written it.
    #[error("{path} has no silences that this canvass can read: {reason}")]
    Malformed {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl SilenceScope {
    /// Parses `group:NAME`, or the key of a target.
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix(GROUP_PREFIX) {
            Some(group) => Self::Group(group.into()),
            None => Self::Target(text.into()),
        }
    }
}

impl fmt::Display for SilenceScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(key) => f.write_str(key),
            Self::Group(group) => write!(f, "{GROUP_PREFIX}{group}"),
        }
    }
}

impl Silence {
    /// A silence that ends at `until`; `None` if that is after the year 2500.
    pub fn new(scope: SilenceScope, until: SystemTime) -> Option<Self> {
        let until_unix_ns = unix_ns(until);
        (until_unix_ns < UNTIL_MAX_UNIX_NS).then_some(Self {
            scope,
            until_unix_ns,
        })
    }

    /// Parses a time in RFC 3339.
    pub fn parse_time(text: &str) -> Option<SystemTime> {
        Some(text.parse::<Timestamp>().ok()?.into())
    }

    /// Whether it is for a target of a group.
    fn covers(&self, target: &str, group: &str) -> bool {
        match &self.scope {
            SilenceScope::Target(key) => **key == *target,
            SilenceScope::Group(name) => **name == *group,
        }
    }

    /// Whether it has ended.
    pub fn is_over(&self, now: SystemTime) -> bool {
        unix_ns(now) >= self.until_unix_ns
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", time(self.until_unix_ns), self.scope)
    }
}

impl Silences {
    /// The file of silences beside the file of states `state`.
    pub fn path(state: &Path) -> PathBuf {
        let mut path = state.as_os_str().to_owned();
        path.push(".silences");
        path.into()
    }

    /// Reads silences. A file that does not exist has none.
    ///
    /// # Errors
    /// The file cannot be read, or is not a file of silences.
    pub fn read(path: &Path) -> Result<Self, SilencesError> {
        match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            opened => Self::read_from(path, opened.map_err(|error| file_error(path, error))?),
        }
    }

    fn read_from(path: &Path, mut file: File) -> Result<Self, SilencesError> {
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map_err(|error| file_error(path, error))?;
        let malformed = |reason| SilencesError::Malformed {
            path: path.into(),
            reason,
        };
        if text.is_empty() {
            return Ok(Self::default());
        }
        let saved: Saved =
            serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        if saved.version != VERSION {
            return Err(malformed(format!(
                "version {} of the format",
                saved.version
            )));
        }
        Ok(Self(saved.silences))
    }

    /// Changes the silences in a file, which is created if need be. Other processes that change it
    /// wait meanwhile. Silences that are over at `now` are dropped.
    ///
    /// # Errors
    /// The file cannot be read or written, or is not a file of silences.
    pub fn change<T>(
        path: &Path,
        now: SystemTime,
        change: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, SilencesError> {
        let failed = |error| file_error(path, error);
        let locked = lock(path).map_err(failed)?;
        let copy = locked.try_clone().map_err(failed)?;
        let mut silences = Self::read_from(path, copy)?;
        let now_unix_ns = unix_ns(now);
        silences.0.retain(|one| one.until_unix_ns > now_unix_ns);
        let result = change(&mut silences);
        silences.write(path).map_err(failed)?;
        Ok(result)
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let saved = Saved {
            version: VERSION,
            silences: self.0.clone(),
        };
        json_file::replace(path, &saved)
    }

    /// Adds a silence, in place of another of the same scope.
    pub fn add(&mut self, silence: Silence) {
        self.remove(&silence.scope);
        self.0.push(silence);
    }

    /// Removes the silence of a scope. Returns whether there was one.
    pub fn remove(&mut self, scope: &SilenceScope) -> bool {
        let before = self.0.len();
        self.0.retain(|one| one.scope != *scope);
        self.0.len() < before
    }

    /// All silences, also those that are over.
    pub fn iter(&self) -> impl Iterator<Item = &Silence> {
        self.0.iter()
    }

    /// When the silence of a target or its group ends that ends last, if there is one at a time.
    pub fn until(&self, target: &str, group: &str, at_unix_ns: u64) -> Option<u64> {
        let ends = self.0.iter().filter(|one| one.covers(target, group));
        ends.map(|one| one.until_unix_ns)
            .filter(|end| at_unix_ns < *end)
            .max()
    }

    /// Whether a target of a group is silenced at a time.
    pub fn cover(&self, target: &str, group: &str, at_unix_ns: u64) -> bool {
        self.until(target, group, at_unix_ns).is_some()
    }
}

/// Opens a file and locks it, until it is the one at `path`: the process that had the lock before
/// has replaced it.
fn lock(path: &Path) -> io::Result<File> {
    loop {
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        file.lock()?;
        if std::fs::metadata(path).is_ok_and(|now| {
            file.metadata()
                .is_ok_and(|locked| (locked.dev(), locked.ino()) == (now.dev(), now.ino()))
        }) {
            file.rewind()?;
            return Ok(file);
        }
    }
}

fn file_error(path: &Path, error: io::Error) -> SilencesError {
    SilencesError::File {
        path: path.into(),
        error,
    }
}

fn write_time<S: serde::Serializer>(unix_ns: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&time(*unix_ns))
}

fn read_time<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let text = String::deserialize(from)?;
    let at: Timestamp = text.parse().map_err(serde::de::Error::custom)?;
    Ok(unix_ns(at.into()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(s: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(s)
    }

    #[test]
    fn silences_are_read_as_they_were_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = Silences::path(&directory.path().join("states"));
        assert_eq!(Silences::read(&path).unwrap(), Silences::default());
        for (scope, until) in [("a", 10), ("group:b", 20), ("a", 30), ("c", 40)] {
            let silence = Silence::new(SilenceScope::parse(scope), at(until)).unwrap();
            Silences::change(&path, at(5), |silences| silences.add(silence)).unwrap();
        }
        let silences = Silences::read(&path).unwrap();
        let shown: Vec<String> = silences.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "1970-01-01T00:00:20.000Z group:b",
                "1970-01-01T00:00:30.000Z a",
                "1970-01-01T00:00:40.000Z c",
            ]
        );
        let ns = |s: u64| s * 1_000_000_000;
        assert!(silences.cover("a", "x", ns(29)));
        assert!(!silences.cover("a", "x", ns(30)));
        assert!(silences.cover("x", "b", ns(19)));
        assert!(!silences.cover("b", "x", 0), "b is a group");
        let was_there = Silences::change(&path, at(25), |silences| {
            assert_eq!(silences.iter().count(), 2, "one is over");
            silences.remove(&SilenceScope::parse("a"))
        });
        assert!(was_there.unwrap());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn no_change_is_lost_when_many_are_made_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("silences");
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for number in 0..10 {
                        let key = SilenceScope::parse(&format!("{thread} {number}"));
                        let silence = Silence::new(key, at(10)).unwrap();
                        Silences::change(path, at(5), |silences| silences.add(silence)).unwrap();
                    }
                });
            }
        });
        assert_eq!(Silences::read(&path).unwrap().iter().count(), 80);
    }

    #[test]
    fn what_is_no_file_of_silences_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("silences");
        for text in [
            "{}",
            "[",
            "{\"version\":2,\"silences\":[]}",
            "{\"version\":1,\"silences\":[{\"target\":\"a\",\"until\":\"soon\"}]}",
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Silences::read(&path).unwrap_err().to_string();
            assert!(error.contains("has no silences"), "{error}");
            assert!(Silences::change(&path, at(5), |_| ()).is_err());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
