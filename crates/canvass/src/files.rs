//! Files that are written, and standard output.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use canvass_report::SinkError;

use crate::exit::Failure;

/// The name of standard output in errors.
const STDOUT: &str = "standard output";

/// Maps `-` and the other names of standard output to `None`.
pub(crate) fn unless_stdout(path: Option<PathBuf>) -> Option<PathBuf> {
    path.filter(|path| path.as_os_str() != "-" && !is_stdout(path))
}

/// Whether a path is a name of standard output. A file that is opened by such a name would be truncated,
/// also if the shell was told to append (`>>`), so it is written through its descriptor instead.
pub(crate) fn is_stdout(path: &Path) -> bool {
    let names = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    names.iter().any(|name| path.as_os_str() == *name)
}

/// A file that is open for writing. It has its former content until something is written.
#[derive(Debug)]
pub(crate) struct OutputFile {
    file: File,
    path: PathBuf,
    /// Whether it has a former content to discard.
    truncates: bool,
}

impl OutputFile {
    /// Opens a file, or creates it. A FIFO is waited for until it has a reader.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let open = || {
            if is_stdout(path) {
                return Ok((stdout()?, false));
            }
            // Truncated later: another output may turn out not to be writable.
            let mut options = OpenOptions::new();
            let file = options
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)?;
            let is_regular = file.metadata()?.is_file();
            Ok((file, is_regular))
        };
        let (file, truncates) = open().map_err(|error| cannot_write(path, error))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            truncates,
        })
    }

    /// As [`open`](Self::open), if there is a path.
    pub(crate) fn open_if_named(path: Option<&Path>) -> Result<Option<Self>, Failure> {
        path.map(Self::open).transpose()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file with its former content, and its path.
    pub(crate) fn keep(self) -> (File, PathBuf) {
        (self.file, self.path)
    }

    /// Discards the former content. Returns the file and its name in errors.
    pub(crate) fn begin(self) -> Result<(File, String), Failure> {
        let name = self.path.display().to_string();
        match self.truncate() {
            Ok(()) => Ok((self.file, name)),
            Err(error) => Err(cannot_write(&self.path, error)),
        }
    }

    /// Replaces the content.
    pub(crate) fn replace(mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.truncate()
            .and_then(|()| self.file.write_all(bytes))
            .map_err(|error| cannot_write(&self.path, error))
    }

    fn truncate(&self) -> io::Result<()> {
        match self.truncates {
            true => self.file.set_len(0),
            false => Ok(()),
        }
    }
}

/// A file whose octets are counted.
pub(crate) struct CountedFile {
    file: File,
    octets: Arc<AtomicU64>,
}

impl CountedFile {
    /// Counts from the octets that the file has.
    pub(crate) fn new(file: File, octets: u64) -> Self {
        Self {
            file,
            octets: Arc::new(octets.into()),
        }
    }

    /// The number of octets in the file. The count goes on.
    pub(crate) fn octets(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.octets)
    }
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

/// Begins standard output. Returns it and its name in errors.
pub(crate) fn begin_stdout() -> Result<(File, String), Failure> {
    match stdout() {
        Ok(file) => Ok((file, STDOUT.into())),
        Err(error) => Err(cannot_write(Path::new(STDOUT), error)),
    }
}

/// Who received what was written to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Its reader, or a file.
    All,
    /// Nobody: its reader has closed the pipe, which is not an error.
    ToNobody,
}

/// Writes to standard output.
pub(crate) fn write_stdout(bytes: &[u8]) -> Result<Written, Failure> {
    match stdout().and_then(|mut out| out.write_all(bytes)) {
        Ok(()) => Ok(Written::All),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Written::ToNobody),
        Err(error) => Err(cannot_write(Path::new(STDOUT), error)),
    }
}

/// Standard output as a file, without the buffer of [`io::stdout`].
fn stdout() -> io::Result<File> {
    let descriptor = io::stdout().as_fd().try_clone_to_owned()?;
    Ok(descriptor.into())
}

/// Writes to a file, or to standard output if there is none.
pub(crate) fn write_file_or_stdout(file: Option<OutputFile>, bytes: &[u8]) -> Result<(), Failure> {
    match file {
        Some(file) => file.replace(bytes),
        None => write_stdout(bytes).map(drop),
    }
}

pub(crate) fn cannot_write(path: &Path, error: io::Error) -> Failure {
    Failure::stopped(SinkError::new(&path.display().to_string(), error))
}
