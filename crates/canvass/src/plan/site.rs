//! Where a plan is made, and what it takes from there.

use canvass_lab::{Impairments, Lab};

use crate::args::CommonArgs;
use crate::exit::Failure;
use crate::lab::LabPeers;

/// Where a plan is made.
#[derive(Clone, Copy)]
pub(crate) enum Site<'a> {
    /// In the process that probes.
    Here,
    /// In the process that submits the targets to workers.
    Submitter,
    /// In a worker. The submitter may have a lab on this machine.
    Worker(Option<&'a LabPeers>),
}

/// The lab that a plan leads to, if any.
#[derive(Default)]
pub(super) struct SiteLab {
    /// The lab, if it is in this process.
    pub held: Option<Lab>,
    pub peers: Option<LabPeers>,
}

impl Site<'_> {
    /// The lab of a plan. `start` starts one in this process.
    pub(super) fn lab(
        self,
        args: &CommonArgs,
        start: impl FnOnce(Impairments) -> Result<Lab, Failure>,
    ) -> Result<SiteLab, Failure> {
        match (self, &args.lab) {
            (Self::Worker(peers), _) => Ok(SiteLab {
                held: None,
                peers: peers.cloned(),
            }),
            (_, None) => Ok(SiteLab::default()),
            (_, Some(impairments)) => {
                let lab = start(impairments.clone().unwrap_or_default())?;
                Ok(SiteLab {
                    peers: Some(LabPeers::of(&lab)),
                    held: Some(lab),
                })
            }
        }
    }

    /// Whether the credentials of this process are those that are sent.
    pub(super) fn has_credentials(self) -> bool {
        !matches!(self, Self::Submitter)
    }
}
