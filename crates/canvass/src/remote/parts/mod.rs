//! Lines that stay with the workers that have made them (`--keep-parts`).
//!
//! A worker writes the lines of each chunk to a file of its own, compressed, and adds an [`Entry`] to its
//! manifest. The same entry is what it commits in place of the lines. So the output of the submitter has the
//! entries of the parts that it has accepted, each once: an index of the files that count. A part of a worker
//! that was too late is in no index.

mod gather;
mod keeper;

use canvass_report::{Columns, Format};
use serde::{Deserialize, Serialize};

pub(crate) use gather::gather;
pub(crate) use keeper::{PartKeeper, place};

/// The version of entries and files.
const VERSION: u32 = 1;
/// The end of the name of a manifest.
const MANIFEST: &str = ".manifest.ndjson";

/// A file of lines, as manifests and the index have it: a JSON object on a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    version: u32,
    campaign: String,
    worker: String,
    /// The name of the file in its directory.
    file: String,
    format: String,
    columns: ColumnsName,
    /// The `seq` of its first target, and the number of targets, whose numbers follow each other.
    first: u64,
    targets: u64,
    /// The number of lines.
    lines: u64,
    /// Of the file, as it is compressed.
    octets: u64,
    sha256: String,
}

/// The columns of CSV by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ColumnsName {
    Dns,
    Http,
    Talk,
    Endpoints,
}

impl From<Columns> for ColumnsName {
    fn from(columns: Columns) -> Self {
        match columns {
            Columns::Dns => Self::Dns,
            Columns::Http => Self::Http,
            Columns::Talk => Self::Talk,
            Columns::Endpoints => Self::Endpoints,
        }
    }
}

impl From<ColumnsName> for Columns {
    fn from(name: ColumnsName) -> Self {
        match name {
            ColumnsName::Dns => Self::Dns,
            ColumnsName::Http => Self::Http,
            ColumnsName::Talk => Self::Talk,
            ColumnsName::Endpoints => Self::Endpoints,
        }
    }
}

/// How the lines of a campaign look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineLook {
    pub format: Format,
    pub columns: Columns,
}

impl Entry {
    /// The entry as a line.
    fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("an entry has nothing that JSON lacks");
        line.push(b'\n');
        line
    }
}
