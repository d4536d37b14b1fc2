//! Files of JSON that are replaced whole.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use tempfile::NamedTempFile;

/// Writes `value` to the file at `path`, so that after a crash the file has either this or what it had
/// before.
///
/// # Errors
/// The system's own. The file is as it was.
pub(crate) fn replace(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = parent.unwrap_or(Path::new("."));
    let mut file = BufWriter::new(NamedTempFile::new_in(directory)?);
    serde_json::to_writer(&mut file, value)?;
    file.write_all(b"\n")?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The name is durable only when its directory is.
    File::open(directory)?.sync_all()
}
