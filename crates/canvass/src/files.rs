//! Files that are written when the work is done, and standard output.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// The file that is named, unless that is `-`, which is standard output.
pub(crate) fn unless_standard(path: Option<PathBuf>) -> Option<PathBuf> {
    path.filter(|path| path.as_os_str() != "-")
}

/// Sees that a file can be written, before there is anything to lose. What is in it stays.
pub(crate) fn check_writable(path: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = path else {
        return Ok(());
    };
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map(drop)
        .map_err(|error| cannot_write(path, &error))
}

/// Writes a whole file, in the place of what it held.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|error| cannot_write(path, &error))
}

/// Writes to standard output. Whoever read it may have gone, and that is a quiet end.
pub(crate) fn write_out(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::stopped(format!(
            "cannot write standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Writes to a file, or to standard output where none is named.
pub(crate) fn write_to(path: Option<&Path>, bytes: &[u8]) -> Result<(), Failure> {
    match path {
        Some(path) => write(path, bytes),
        None => write_out(bytes),
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::stopped(format!("cannot write {}: {error}", path.display()))
}
