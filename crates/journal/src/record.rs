//! The content of a journal.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Binding, Done};

/// The content of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The number of this record. Each later one of the same file has a greater number.
    pub generation: u64,
    /// The version of the program that began the run.
    pub version: String,
    /// When the run began, in nanoseconds since 1970.
    pub began_ns: u64,
    /// What must be the same when the run is resumed.
    pub binding: Binding,
    /// The seed of the order; `None` for the order of the list.
    pub seed: Option<u64>,
    /// The part of the list.
    pub shard: Shard,
    /// What was done when this was recorded.
    pub progress: Progress,
    /// The exit status of the run, if it is complete.
    pub finished: Option<u8>,
}

/// Part `index` of `count` of a list, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// The number of the part.
    pub index: u64,
    /// The number of parts.
    pub count: u64,
}

/// What of a run is done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The targets that are done.
    pub done: Done,
    /// The outputs, each with the octets that hold the lines of those targets and no others.
    pub outputs: Vec<Output>,
    /// What is known of the output with parked outcomes.
    #[serde(default)]
    pub parked: Parked,
    /// What was read of a list that can be read only once.
    pub list: Option<ListRead>,
    /// How long the run took so far, in nanoseconds.
    pub elapsed_ns: u64,
    /// The CPU time so far, in nanoseconds.
    pub cpu_ns: u64,
    /// Counts and histograms of the targets that are done, as their owner writes them.
    pub counts: Value,
}

/// An output of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The flag that names it.
    pub flag: String,
    /// Its path.
    pub path: String,
    /// Its length in octets.
    pub octets: u64,
}

/// What is known of an output with outcomes that are not in the other outputs yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parked {
    /// How much of it is in the other outputs, in octets.
    pub recorded_octets: u64,
    /// The outcomes that had failed when their targets were to be asked again.
    pub failed: u64,
    /// Those of them that were asked again.
    pub asked: u64,
}

/// What was read of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListRead {
    /// The number of octets.
    pub octets: u64,
    /// Their SHA-256, in hexadecimal.
    pub sha256: String,
    /// Whether that is the whole list.
    pub ended: bool,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::BoundValue;

    /// A record in which every part has something.
    pub(crate) fn record(generation: u64) -> Record {
        let bound = [BoundValue::new("command", "ptr", "ptr")];
        Record {
            generation,
            version: "0.1.0".into(),
            began_ns: 1_795_834_800_000_000_000,
            binding: Binding::new("salt".into(), bound),
            seed: Some(u64::MAX),
            shard: Shard { index: 1, count: 2 },
            progress: Progress {
                done: Done {
                    watermark: 10,
                    above: vec![11..14, 20..21],
                    partial: Vec::new(),
                },
                outputs: vec![Output {
                    flag: "--output".into(),
                    path: "lines.ndjson".into(),
                    octets: 4711,
                }],
                parked: Parked::default(),
                list: Some(ListRead {
                    octets: 9,
                    sha256: "00".into(),
                    ended: false,
                }),
                elapsed_ns: 5,
                cpu_ns: 3,
                counts: serde_json::json!({ "answered": 14 }),
            },
            finished: None,
        }
    }
}
