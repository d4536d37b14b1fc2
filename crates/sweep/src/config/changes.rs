//! Notices that files have changed.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// Files, and what they looked like when they were read.
#[derive(Debug, Default)]
pub struct FileChanges {
    files: BTreeMap<PathBuf, Seen>,
}

#[derive(Debug)]
struct Seen {
    when_read: Option<Stamp>,
    latest: Option<Stamp>,
}

/// What changes when a file is written or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    modified_s: i64,
    modified_ns: i64,
    octets: u64,
}

impl FileChanges {
    /// Watches a file from now on. Call it before the file is read.
    pub fn add(&mut self, path: PathBuf) {
        let now = stamp(&path);
        let seen = Seen {
            when_read: now,
            latest: now,
        };
        self.files.insert(path, seen);
    }

    /// Whether a file has changed since it was added or this was true, and no file has changed since
    /// the last call: one that is still being written is not read yet.
    pub fn poll(&mut self) -> bool {
        let mut is_settled = true;
        for (path, seen) in &mut self.files {
            let now = stamp(path);
            is_settled &= seen.latest == now;
            seen.latest = now;
        }
        let has_changed = self
            .files
            .values()
            .any(|seen| seen.latest != seen.when_read);
        if !(has_changed && is_settled) {
            return false;
        }
        for seen in self.files.values_mut() {
            seen.when_read = seen.latest;
        }
        true
    }
}

fn stamp(path: &PathBuf) -> Option<Stamp> {
    let stamp = |metadata: Metadata| Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        modified_s: metadata.mtime(),
        modified_ns: metadata.mtime_nsec(),
        octets: metadata.size(),
    };
    std::fs::metadata(path).ok().map(stamp)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_change_is_noticed_once_when_it_is_complete() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("list");
        fs::write(&path, "a").unwrap();
        let mut changes = FileChanges::default();
        changes.add(path.clone());
        assert!(!changes.poll() && !changes.poll());
        fs::write(&path, "ab").unwrap();
        assert!(!changes.poll());
        fs::write(&path, "abc").unwrap();
        assert!(!changes.poll());
        assert!(changes.poll());
        assert!(!changes.poll());
        fs::remove_file(&path).unwrap();
        assert!(!changes.poll());
        assert!(changes.poll());
    }
}
