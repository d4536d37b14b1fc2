//! A plan on its way to workers.
//!
//! What travels are the arguments that say how to ask, with the content of the files that they name. A
//! worker parses them by the same definition and makes the plan by the same code. `flags` says what becomes
//! of each flag, `pack` reads a command line, and `unpack` makes the plan of a worker.

mod flags;
mod pack;
#[cfg(test)]
mod tests;
mod unpack;

use serde::{Deserialize, Serialize};

use crate::lab::LabPeers;

pub(crate) use pack::{Packing, pack};
pub(crate) use unpack::{OwnSettings, unpack};

/// The commands whose targets workers can probe.
pub(crate) const COMMANDS: [&str; 6] = ["ptr", "dns", "http", "tcp", "udp", "check"];

/// A plan on its way to workers of the same version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TravellingPlan {
    /// The command, which is one of [`COMMANDS`].
    pub command: String,
    pub arguments: Vec<Argument>,
    /// The lab that the submitter has started on this machine.
    pub lab: Option<LabPeers>,
    /// Whether questions go to the resolvers of the run, so that a worker needs some.
    pub needs_resolvers: bool,
    /// The directory in which workers keep lines.
    pub keep_parts: Option<String>,
}

/// An argument of the command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Argument {
    /// A flag without a value.
    Switch(String),
    /// A flag and its value.
    Value { flag: String, value: String },
    /// A flag whose value names a file.
    File { flag: String, file: FileContent },
    /// A flag that says that credentials are used. Each worker has its own.
    OwnOfWorker(String),
}

/// A file that a value of a flag names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileContent {
    /// Its name without directories, for messages.
    pub name: String,
    pub octets: Vec<u8>,
    /// What stands before and after the path in the value.
    pub before: String,
    pub after: String,
}
