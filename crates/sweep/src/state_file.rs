//! The file that keeps states over a restart.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::alerts::SavedAlerts;
use crate::json_file;
use crate::state::Tracker;

/// The version of the format.
const VERSION: u32 = 1;

/// The states of all targets, by their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedStates {
    version: u32,
    targets: HashMap<Box<str>, SavedTarget>,
    /// Alerts that are not delivered or not over.
    #[serde(default)]
    pub(crate) alerts: SavedAlerts,
}

/// The state of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedTarget {
    /// Its state, and what led to it.
    #[serde(flatten)]
    pub tracker: Tracker,
    /// An alert said that it is down, and none that it is up.
    pub announced: bool,
}

/// Why states cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// The file cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// It is not a file of states.
    #[error("{path} has no states of a sweep: {error}")]
    Malformed {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// A later version of canvass has written it.
    #[error("{path} has version {version} of the format, and this canvass knows {VERSION}")]
    Version {
        /// Its path.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

impl SavedStates {
    /// States of targets.
    pub(crate) fn new(targets: impl Iterator<Item = (Box<str>, SavedTarget)>) -> Self {
        Self {
            version: VERSION,
            targets: targets.collect(),
            alerts: SavedAlerts::default(),
        }
    }

    /// Takes the state of a target.
    pub(crate) fn take(&mut self, key: &str) -> Option<SavedTarget> {
        self.targets.remove(key)
    }

    /// Reads states. A file that does not exist has none.
    ///
    /// # Errors
    /// The file cannot be read, or is not a file of states.
    pub fn read(path: &Path) -> Result<Self, StateFileError> {
        let text = match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::new(std::iter::empty()));
            }
            read => read.map_err(|error| StateFileError::Unreadable {
                path: path.into(),
                error,
            })?,
        };
        let states: Self =
            serde_json::from_slice(&text).map_err(|error| StateFileError::Malformed {
                path: path.into(),
                error,
            })?;
        if states.version != VERSION {
            return Err(StateFileError::Version {
                path: path.into(),
                version: states.version,
            });
        }
        Ok(states)
    }

    /// Writes the states, so that after a crash the file has either these or those before.
    ///
    /// # Errors
    /// The system's own. The file is as it was.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        json_file::replace(path, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Evidence;
    use crate::state::{State, Thresholds};

    fn states() -> SavedStates {
        let mut tracker = Tracker::default();
        for _ in 0..3 {
            let bad = Evidence::Bad("refused".into());
            tracker.round(5, bad, &Thresholds::default(), false);
        }
        tracker.opinion(7, Evidence::Bad("refused".into()), &Thresholds::default());
        assert_eq!(tracker.state(), State::Down);
        let saved = SavedTarget {
            tracker,
            announced: true,
        };
        SavedStates::new([("tcp://a.example.net:25".into(), saved)].into_iter())
    }

    #[test]
    fn states_are_read_as_they_were_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("states");
        let none = SavedStates::read(&path).unwrap();
        assert_eq!(none.targets.len(), 0);
        for _ in 0..2 {
            states().write(&path).unwrap();
            assert_eq!(SavedStates::read(&path).unwrap(), states());
        }
        let files = std::fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(files, 1, "nothing temporary is left");
    }

    #[test]
    fn what_is_no_file_of_states_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("states");
        for (text, words) in [
            ("", "has no states of a sweep"),
            ("{}", "has no states of a sweep"),
            ("{\"version\":2,\"targets\":{}}", "has version 2"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = SavedStates::read(&path).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert!(error.contains("states"), "{error}");
        }
        let error = SavedStates::read(directory.path()).unwrap_err();
        assert!(matches!(error, StateFileError::Unreadable { .. }));
        assert!(states().write(directory.path()).is_err());
    }
}
