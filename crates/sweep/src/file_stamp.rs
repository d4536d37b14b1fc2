//! Tells whether a file is still the same.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What changes when a file is written or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileStamp {
    device: u64,
    inode: u64,
    modified_s: i64,
    modified_ns: i64,
    octets: u64,
}

impl FileStamp {
    /// That of the file at `path`; `None` if there is none, or it cannot be looked at.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let stamp = |metadata: Metadata| Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            modified_s: metadata.mtime(),
            modified_ns: metadata.mtime_nsec(),
            octets: metadata.size(),
        };
        std::fs::metadata(path).ok().map(stamp)
    }
}
