//! Which targets, and in what order.

use std::sync::Arc;

use canvass_model::{ProbeSpec, RecordType};

use crate::{Exclusions, Shard};

/// What the list is a list of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// Addresses, CIDRs, ranges and `.arpa` names, to ask PTR of.
    Ptr {
        /// Look each name up and see whether the address comes back.
        forward_confirm: bool,
    },
    /// Names. A line may name its own type after the name (`example.net MX`).
    Dns {
        /// The types asked for where a line names none, in this order. If there are none, such a
        /// line is bad.
        types: Vec<RecordType>,
    },
}

impl TargetKind {
    /// What is asked of a target that has no types of its own.
    pub(crate) fn first_spec(&self) -> ProbeSpec {
        match self {
            Self::Ptr { forward_confirm } => ProbeSpec::Ptr {
                forward_confirm: *forward_confirm,
            },
            Self::Dns { types } => ProbeSpec::Dns {
                record_type: types.first().copied().unwrap_or(RecordType::A),
            },
        }
    }
}

/// Which targets, and in what order.
#[derive(Clone, Debug)]
pub struct TargetOptions {
    /// What the list is a list of.
    pub kind: TargetKind,
    /// Addresses to leave out. An `.arpa` name that stands for a whole address goes with it.
    pub exclude: Arc<Exclusions>,
    /// The seed to shuffle by; `None` keeps the order given.
    pub shuffle: Option<u64>,
    /// Which part of the list, after exclusion.
    pub shard: Shard,
    /// The most jobs to give, after exclusion and sharding.
    pub limit: Option<u64>,
    /// Stop at the first bad line.
    pub strict: bool,
}

impl TargetOptions {
    /// The whole list in the order given, bad lines included.
    pub fn new(kind: TargetKind) -> Self {
        Self {
            kind,
            exclude: Arc::default(),
            shuffle: None,
            shard: Shard::WHOLE,
            limit: None,
            strict: false,
        }
    }
}
