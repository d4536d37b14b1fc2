//! Notices that files have changed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::file_stamp::FileStamp;

/// Files, and what they looked like when they were read.
#[derive(Debug, Default)]
pub struct FileChanges {
    files: BTreeMap<PathBuf, Seen>,
}

#[derive(Debug)]
struct Seen {
    when_read: Option<FileStamp>,
    latest: Option<FileStamp>,
}

impl FileChanges {
    /// Watches a file from now on. Call it before the file is read.
    pub fn add(&mut self, path: PathBuf) {
        let now = FileStamp::of(&path);
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
            let now = FileStamp::of(path);
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
