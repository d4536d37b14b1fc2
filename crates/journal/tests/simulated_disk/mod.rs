//! A disk in memory that fails: what was not synchronised is lost, reordered or torn.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use canvass_journal::{Disk, DiskError, LoadError, Place};
use rand::rngs::StdRng;
use rand::{RngExt, seq::SliceRandom};

/// What is written in one piece.
const SECTOR_OCTETS: usize = 16;

/// The disk failed, and with it the run.
#[derive(Debug)]
pub(crate) struct Crashed;

impl From<DiskError> for Crashed {
    fn from(_: DiskError) -> Self {
        Self
    }
}

impl From<LoadError> for Crashed {
    fn from(_: LoadError) -> Self {
        Self
    }
}

/// A disk with the files of a journal and one output. Clones are the same disk.
#[derive(Clone, Default)]
pub(crate) struct SimulatedDisk(Rc<RefCell<Disks>>);

#[derive(Default)]
struct Disks {
    files: Vec<FileContent>,
    /// Names as the run sees them, and as they are on the disk.
    names: BTreeMap<Place, usize>,
    durable_names: BTreeMap<Place, usize>,
    /// Changes of names that are not durable.
    renames: Vec<NameChange>,
    output: FileContent,
    operations: u64,
    operations_max: u64,
    has_begun: bool,
}

/// A file as the run sees it, and as it is on the disk.
#[derive(Clone, Default)]
struct FileContent {
    octets: Vec<u8>,
    durable: Vec<u8>,
}

/// Names a file, and removes another name of it.
#[derive(Clone, Copy)]
struct NameChange {
    name: Option<Place>,
    removed: Option<Place>,
    file: usize,
}

impl SimulatedDisk {
    /// Lets the operation after this many further ones fail, and all that follow.
    pub(crate) fn fail_after(&self, operations: u64) {
        let mut disks = self.0.borrow_mut();
        disks.operations = 0;
        disks.operations_max = operations;
    }

    /// The number of operations since then.
    pub(crate) fn operations(&self) -> u64 {
        self.0.borrow().operations
    }

    pub(crate) fn has_failed(&self) -> bool {
        let disks = self.0.borrow();
        disks.operations > disks.operations_max
    }

    /// The first record is durable.
    pub(crate) fn note_begun(&self) {
        self.0.borrow_mut().has_begun = true;
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.0.borrow().has_begun
    }

    /// The machine fails and starts again.
    pub(crate) fn crash(&self, rng: &mut StdRng) {
        let mut disks = self.0.borrow_mut();
        let mut renames = std::mem::take(&mut disks.renames);
        renames.retain(|_| rng.random());
        renames.shuffle(rng);
        for change in renames {
            change.apply(&mut disks.durable_names);
        }
        disks.names = disks.durable_names.clone();
        for file in &mut disks.files {
            file.tear(rng);
        }
        disks.output.tear(rng);
    }

    /// Cuts the output back. Returns its content.
    pub(crate) fn cut_output(&self, octets: u64) -> Result<Vec<u8>, Crashed> {
        self.operate("cut")?;
        let output = &mut self.0.borrow_mut().output;
        assert!(
            output.octets.len() as u64 >= octets,
            "the output is too short"
        );
        output.octets.truncate(octets as usize);
        Ok(output.octets.clone())
    }

    pub(crate) fn append_output(&self, octets: &[u8]) -> Result<(), Crashed> {
        let failed = self.operate("append");
        // A write that fails may have written a part.
        let written = if failed.is_ok() {
            octets.len()
        } else {
            octets.len() / 2
        };
        let output = &mut self.0.borrow_mut().output;
        output.octets.extend_from_slice(&octets[..written]);
        Ok(failed?)
    }

    /// Changes an octet of a file.
    pub(crate) fn damage(&self, place: Place) {
        let mut disks = self.0.borrow_mut();
        let file = disks.names[&place];
        let file = &mut disks.files[file];
        let middle = file.octets.len() / 2;
        file.octets[middle] ^= 1;
    }

    fn operate(&self, operation: &'static str) -> Result<(), DiskError> {
        let mut disks = self.0.borrow_mut();
        disks.operations += 1;
        if disks.operations > disks.operations_max {
            return Err(DiskError {
                operation,
                name: "simulated".into(),
                source: io::ErrorKind::Other.into(),
            });
        }
        Ok(())
    }

    fn change(&self, change: NameChange) {
        let mut disks = self.0.borrow_mut();
        change.apply(&mut disks.names);
        disks.renames.push(change);
    }
}

impl NameChange {
    fn apply(self, names: &mut BTreeMap<Place, usize>) {
        if let Some(name) = self.name {
            names.insert(name, self.file);
        }
        if let Some(removed) = self.removed
            && names.get(&removed) == Some(&self.file)
        {
            names.remove(&removed);
        }
    }
}

impl FileContent {
    /// Each sector has its old or its new octets, and the length is any in between.
    fn tear(&mut self, rng: &mut StdRng) {
        let (old, new) = (&self.durable, &self.octets);
        let (short, long) = match old.len() <= new.len() {
            true => (old.len(), new.len()),
            false => (new.len(), old.len()),
        };
        let mut torn = vec![0; rng.random_range(short..=long)];
        for (at, sector) in torn.chunks_mut(SECTOR_OCTETS).enumerate() {
            let source = if rng.random() { old } else { new };
            let first = (at * SECTOR_OCTETS).min(source.len());
            let last = (first + sector.len()).min(source.len());
            sector[..last - first].copy_from_slice(&source[first..last]);
        }
        // What both have is not written again.
        let common = old
            .iter()
            .zip(new)
            .take_while(|(old, new)| old == new)
            .count();
        torn[..common].copy_from_slice(&old[..common]);
        self.octets = torn.clone();
        self.durable = torn;
    }
}

impl Disk for SimulatedDisk {
    fn read(&mut self, place: Place) -> Result<Option<Vec<u8>>, DiskError> {
        let disks = self.0.borrow();
        let file = disks.names.get(&place);
        Ok(file.map(|file| disks.files[*file].octets.clone()))
    }

    fn write_next(&mut self, octets: &[u8]) -> Result<(), DiskError> {
        let failed = self.operate("write");
        let written = if failed.is_ok() {
            octets.len()
        } else {
            octets.len() / 2
        };
        let mut disks = self.0.borrow_mut();
        disks.files.push(FileContent {
            octets: octets[..written].to_vec(),
            durable: Vec::new(),
        });
        let file = disks.files.len() - 1;
        drop(disks);
        self.change(NameChange {
            name: Some(Place::Next),
            removed: None,
            file,
        });
        failed
    }

    fn sync_next(&mut self) -> Result<(), DiskError> {
        self.operate("fsync")?;
        let mut disks = self.0.borrow_mut();
        let file = disks.names[&Place::Next];
        let file = &mut disks.files[file];
        file.durable = file.octets.clone();
        Ok(())
    }

    fn keep_current(&mut self) -> Result<(), DiskError> {
        self.remove(Place::Previous)?;
        self.operate("link")?;
        let file = self.0.borrow().names[&Place::Current];
        self.change(NameChange {
            name: Some(Place::Previous),
            removed: None,
            file,
        });
        Ok(())
    }

    fn publish_next(&mut self) -> Result<(), DiskError> {
        self.operate("rename")?;
        let file = self.0.borrow().names[&Place::Next];
        self.change(NameChange {
            name: Some(Place::Current),
            removed: Some(Place::Next),
            file,
        });
        Ok(())
    }

    fn remove(&mut self, place: Place) -> Result<(), DiskError> {
        self.operate("remove")?;
        let file = self.0.borrow().names.get(&place).copied();
        if let Some(file) = file {
            self.change(NameChange {
                name: None,
                removed: Some(place),
                file,
            });
        }
        Ok(())
    }

    fn sync_directory(&mut self) -> Result<(), DiskError> {
        self.operate("fsync")?;
        let mut disks = self.0.borrow_mut();
        disks.durable_names = disks.names.clone();
        disks.renames.clear();
        Ok(())
    }

    fn sync_outputs(&mut self) -> Result<(), DiskError> {
        self.operate("fsync")?;
        let mut disks = self.0.borrow_mut();
        disks.output.durable = disks.output.octets.clone();
        Ok(())
    }
}
