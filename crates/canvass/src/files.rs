//! Files that are written at the end, and standard output.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// Maps `-`, which means standard output, to `None`.
pub(crate) fn unless_stdout(path: Option<PathBuf>) -> Option<PathBuf> {
    path.filter(|path| path.as_os_str() != "-")
}

/// Checks that a file can be written, before the work begins. Its content is kept.
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

/// Writes a whole file, replacing its content.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|error| cannot_write(path, &error))
}

/// Writes to standard output. A closed pipe is not an error.
pub(crate) fn write_stdout(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::stopped(format!(
            "cannot write standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Writes to a file, or to standard output if there is none.
pub(crate) fn write_file_or_stdout(path: Option<&Path>, bytes: &[u8]) -> Result<(), Failure> {
    match path {
        Some(path) => write(path, bytes),
        None => write_stdout(bytes),
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::stopped(format!("cannot write {}: {error}", path.display()))
}
