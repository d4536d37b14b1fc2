//! The files that a web configuration is read from.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The maximum size of a file, in octets.
const FILE_SIZE_MAX: u64 = 1 << 20;

/// Files with what was in them.
#[derive(Default)]
pub(super) struct Sources(Vec<(PathBuf, Result<Vec<u8>, String>)>);

impl Sources {
    /// Reads a file, and remembers what is in it, or that it cannot be read.
    pub(super) fn read(&mut self, path: &Path) -> Result<&[u8], String> {
        let place = self.0.len();
        self.0.push((path.into(), read(path)));
        match &self.0[place].1 {
            Ok(octets) => Ok(octets),
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        }
    }

    /// Whether the files are as they were.
    pub(super) fn are_current(&self) -> bool {
        self.0.iter().all(|(path, octets)| read(path) == *octets)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_SIZE_MAX + 1).read_to_end(&mut octets))
        .map_err(|error| error.to_string())?;
    if octets.len() as u64 > FILE_SIZE_MAX {
        return Err(format!("it has more than {FILE_SIZE_MAX} octets"));
    }
    Ok(octets)
}
