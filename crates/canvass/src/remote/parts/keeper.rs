//! A worker's side: files of lines and their manifest.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use canvass_remote::{CampaignName, WorkerName};
use sha2::{Digest, Sha256};

use super::{Entry, LineLook, MANIFEST, VERSION};
use crate::compressed::Compression;

/// Keeps the lines of a campaign in files.
pub(crate) struct PartKeeper {
    directory: PathBuf,
    campaign: CampaignName,
    worker: WorkerName,
    look: LineLook,
    manifest: File,
    /// The number of files. Names are not used again: a part that was made twice may have been accepted
    /// the first time.
    count: u64,
}

/// Where a campaign that names `wanted` keeps its lines, below the `root` that this worker was started with.
///
/// # Errors
/// It would be somewhere else.
pub(crate) fn place(root: &Path, wanted: &Path) -> Result<PathBuf, String> {
    let root = std::path::absolute(root).map_err(|error| error.to_string())?;
    let place = root.join(wanted);
    let is_plain = |component| !matches!(component, Component::ParentDir | Component::CurDir);
    if !place.components().all(is_plain) || !place.starts_with(&root) {
        return Err(format!(
            "it keeps lines in {}, which is not below {}",
            wanted.display(),
            root.display()
        ));
    }
    Ok(place)
}

impl PartKeeper {
    /// Begins a manifest in a directory, which is created.
    ///
    /// # Errors
    /// The directory or the manifest cannot be created.
    pub(crate) fn new(
        directory: PathBuf,
        campaign: &CampaignName,
        worker: &WorkerName,
        look: LineLook,
    ) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let path = directory.join(format!("{campaign}.{}{MANIFEST}", worker.0));
        let manifest = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self {
            campaign: campaign.clone(),
            worker: worker.clone(),
            directory,
            look,
            manifest,
            count: 0,
        })
    }

    /// Keeps the lines of consecutive targets, and returns what the submitter gets in their place. Both are
    /// on the disk when this returns.
    ///
    /// # Errors
    /// They cannot be written. Nothing was kept.
    pub(crate) fn keep(
        &mut self,
        targets: Range<u64>,
        lines: u64,
        octets: &[u8],
    ) -> io::Result<Vec<u8>> {
        let packed = Compression::Zstd.compress(octets)?;
        let name = format!("{}.{}.{:08}.zst", self.campaign, self.worker.0, self.count);
        self.count += 1;
        let mut file = File::create_new(self.directory.join(&name))?;
        file.write_all(&packed)?;
        file.sync_all()?;
        let entry = Entry {
            version: VERSION,
            campaign: self.campaign.to_string(),
            worker: self.worker.0.to_string(),
            file: name,
            format: self.look.format.as_str().to_owned(),
            columns: self.look.columns.into(),
            first: targets.start,
            targets: targets.end - targets.start,
            lines,
            octets: packed.len() as u64,
            sha256: format!("{:x}", Sha256::digest(&packed)),
        };
        let line = entry.line();
        self.manifest.write_all(&line)?;
        self.manifest.sync_data()?;
        // So that a crash does not lose the names.
        File::open(&self.directory)?.sync_all()?;
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_below_the_directory_of_the_worker() {
        let root = Path::new("/srv/parts");
        for (wanted, expected) in [
            ("scan", "/srv/parts/scan"),
            ("a/b", "/srv/parts/a/b"),
            ("/srv/parts", "/srv/parts"),
            ("/srv/parts/x", "/srv/parts/x"),
        ] {
            assert_eq!(place(root, Path::new(wanted)), Ok(expected.into()));
        }
        for elsewhere in [
            "/etc",
            "../x",
            "a/../../x",
            "/srv/parts/../x",
            "/srv/parts2",
        ] {
            assert!(place(root, Path::new(elsewhere)).is_err(), "{elsewhere}");
        }
    }
}
