//! The file in which `--recheck` parks failed outcomes until the end of the run.
//!
//! With a journal it has a name, so that it outlives the process. Without one it has none, and no end of
//! the process leaves it behind.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use canvass_run::Spill;

use crate::exit::Failure;
use crate::files::cannot_write;

/// Outcomes have their targets as they were given, with passwords.
const MODE: u32 = 0o600;
/// The name of a file without one, in errors.
const UNNAMED: &str = "the temporary file of --recheck";

/// The file of a run with a journal.
pub(crate) struct ParkedFile {
    pub spill: Spill,
    pub path: PathBuf,
}

impl ParkedFile {
    /// Removes the file, unless the journal counts on it.
    pub(crate) fn remove_unless_needed(&self) {
        if self.spill.octets().load(Ordering::Relaxed) == 0 {
            // What remains of it is discarded by the next run.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The file beside that of the lines.
pub(crate) fn path_beside(lines: &Path) -> PathBuf {
    let mut name = lines.as_os_str().to_owned();
    name.push(".parked");
    name.into()
}

/// Opens or creates the file. It has its former content.
pub(crate) fn open(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(MODE);
    options
        .open(path)
        .map_err(|error| cannot_write(path, error))
}

/// Creates a file without a name: on the disk of the lines, if they have one, since there is room for lines.
pub(crate) fn temporary(lines: Option<&Path>) -> Result<Spill, Failure> {
    let directory = lines.and_then(Path::parent);
    let beside = directory.and_then(|directory| match directory.as_os_str().is_empty() {
        true => tempfile::tempfile_in(".").ok(),
        false => tempfile::tempfile_in(directory).ok(),
    });
    let file = match beside {
        Some(file) => Ok(file),
        None => tempfile::tempfile(),
    };
    let file = file.map_err(|error| cannot_write(Path::new(UNNAMED), error))?;
    Ok(Spill::new(file, UNNAMED))
}
