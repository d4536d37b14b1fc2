//! The files of a journal on a real disk.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::disk::{Disk, DiskError, Place};

/// The journal may have what others should not see: paths, targets, digests of secrets.
const MODE: u32 = 0o600;

/// The files of a journal, locked: `FILE`, `FILE.previous`, `FILE.next`, and `FILE.lock`, which exists
/// while the journal is in use.
pub struct FileDisk {
    path: PathBuf,
    directory: Option<File>,
    lock: Option<File>,
    next: Option<File>,
    outputs: Vec<Syncable>,
}

/// Something that is made durable before a record that counts on it.
#[derive(Debug)]
pub enum Syncable {
    /// A file, and its name in errors.
    File(File, Box<str>),
    /// All files of the file system that has this directory, and its name in errors.
    FileSystem(File, Box<str>),
}

/// Why a journal cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process uses it.
    #[error("another canvass uses it")]
    InUse,
    /// Its directory or the lock cannot be opened.
    #[error("{0}")]
    Disk(#[from] DiskError),
}

impl FileDisk {
    /// Locks the journal at `path`, which need not exist, until this is dropped.
    ///
    /// # Errors
    /// Another process uses it, or the directory cannot be used.
    pub fn lock(path: &Path) -> Result<Self, LockError> {
        // A link keeps its name: what it leads to is replaced.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let directory = File::open(parent).map_err(|source| failed("open", parent, source))?;
        let lock = lock(&beside(&path, "lock"))?;
        Ok(Self {
            directory: Some(directory),
            lock: Some(lock),
            next: None,
            outputs: Vec::new(),
            path,
        })
    }

    /// The files of a journal that is read only, whether another process uses it or not.
    pub fn unlocked(path: &Path) -> Self {
        Self {
            directory: None,
            lock: None,
            next: None,
            outputs: Vec::new(),
            path: path.to_owned(),
        }
    }

    /// Whether a process uses the journal at `path` now.
    pub fn is_locked(path: &Path) -> bool {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        File::open(beside(&path, "lock"))
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The files of the journal at `path`, without it itself.
    pub fn files_beside(path: &Path) -> [PathBuf; 3] {
        ["previous", "next", "lock"].map(|name| beside(path, name))
    }

    /// Adds what must be durable before a record that counts on it.
    pub fn add_output(&mut self, output: Syncable) {
        self.outputs.push(output);
    }

    fn path_of(&self, place: Place) -> PathBuf {
        match place {
            Place::Current => self.path.clone(),
            Place::Previous => beside(&self.path, "previous"),
            Place::Next => beside(&self.path, "next"),
        }
    }
}

impl Disk for FileDisk {
    fn read(&mut self, place: Place) -> Result<Option<Vec<u8>>, DiskError> {
        let path = self.path_of(place);
        match fs::read(&path) {
            Ok(octets) => Ok(Some(octets)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &path, error)),
        }
    }

    fn write_next(&mut self, octets: &[u8]) -> Result<(), DiskError> {
        self.remove(Place::Next)?;
        let path = self.path_of(Place::Next);
        let write = || {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(MODE);
            let mut file = options.open(&path)?;
            file.write_all(octets)?;
            Ok(file)
        };
        let file = write().map_err(|error| failed("write", &path, error))?;
        self.next = Some(file);
        Ok(())
    }

    fn sync_next(&mut self) -> Result<(), DiskError> {
        match self.next.take() {
            Some(file) => file
                .sync_all()
                .map_err(|error| failed("fsync", &self.path_of(Place::Next), error)),
            None => Ok(()),
        }
    }

    fn keep_current(&mut self) -> Result<(), DiskError> {
        self.remove(Place::Previous)?;
        // A second name, so that the first one is there at every moment. A file system without hard
        // links has the latest record alone, which is enough after any crash.
        let _ = fs::hard_link(&self.path, self.path_of(Place::Previous));
        Ok(())
    }

    fn publish_next(&mut self) -> Result<(), DiskError> {
        let next = self.path_of(Place::Next);
        fs::rename(&next, &self.path).map_err(|error| failed("rename", &next, error))
    }

    fn remove(&mut self, place: Place) -> Result<(), DiskError> {
        let path = self.path_of(place);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", &path, error))
            }
            _ => Ok(()),
        }
    }

    fn sync_directory(&mut self) -> Result<(), DiskError> {
        let synced = self.directory.as_ref().map_or(Ok(()), File::sync_all);
        synced.map_err(|error| failed("fsync the directory of", &self.path, error))
    }

    fn sync_outputs(&mut self) -> Result<(), DiskError> {
        self.outputs.iter().try_for_each(|output| match output {
            Syncable::File(file, name) => file
                .sync_all()
                .map_err(|error| failed("fsync", Path::new(&**name), error)),
            Syncable::FileSystem(directory, name) => rustix::fs::syncfs(directory)
                .map_err(|error| failed("syncfs", Path::new(&**name), error.into())),
        })
    }
}

impl Drop for FileDisk {
    fn drop(&mut self) {
        if self.lock.is_some() {
            // Removed while it is locked. If it cannot be removed, the next run locks it again.
            let _ = fs::remove_file(beside(&self.path, "lock"));
        }
    }
}

/// Locks a file that may be removed by the process that has it locked now.
fn lock(path: &Path) -> Result<File, LockError> {
    loop {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(MODE);
        let file = options
            .open(path)
            .map_err(|error| failed("open", path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::InUse),
            Err(TryLockError::Error(error)) => return Err(failed("lock", path, error).into()),
        }
        let locked = file
            .metadata()
            .map_err(|error| failed("open", path, error))?;
        let is_there = fs::metadata(path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (locked.dev(), locked.ino()));
        if is_there {
            return Ok(file);
        }
    }
}

fn beside(path: &Path, name: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(".");
    path.push(name);
    path.into()
}

fn failed(operation: &'static str, path: &Path, source: io::Error) -> DiskError {
    DiskError {
        operation,
        name: path.display().to_string().into(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use crate::record::tests::record;

    #[test]
    fn one_process_at_a_time_uses_a_journal() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.journal");
        assert!(!FileDisk::is_locked(&path));
        let disk = FileDisk::lock(&path).unwrap();
        assert!(FileDisk::is_locked(&path));
        let again = FileDisk::lock(&path).map(drop);
        assert!(matches!(again, Err(LockError::InUse)));
        drop(disk);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        FileDisk::lock(&path).unwrap();
    }

    #[test]
    fn the_latest_record_is_read_and_the_one_before_it_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.journal");
        let load = || Store::load(FileDisk::lock(&path).unwrap()).unwrap();
        let (mut store, loaded) = load();
        assert!(loaded.record.is_none());
        store.begin(&mut record(0)).unwrap();
        store.commit(&mut record(0)).unwrap();
        drop(store);
        let generation = || load().1.record.unwrap().generation;
        assert_eq!(generation(), 2);
        let mut octets = fs::read(&path).unwrap();
        *octets.last_mut().unwrap() = b'}';
        octets.truncate(octets.len() - 9);
        fs::write(&path, octets).unwrap();
        let (_store, loaded) = load();
        assert!(loaded.damage.is_some());
        assert_eq!(loaded.record.unwrap().generation, 1);
        drop(_store);
        fs::remove_file(&path).unwrap();
        assert_eq!(generation(), 1);
        fs::write(&path, "192.0.2.1\n").unwrap();
        assert!(Store::load(FileDisk::lock(&path).unwrap()).is_err());
    }
}
