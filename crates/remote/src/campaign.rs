//! What the workers of a campaign receive of its plan.

use serde::{Deserialize, Serialize};

/// The plan of a campaign, as a broker keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignPlan {
    /// What tells this campaign from any other one. A submitter that comes back has the same.
    pub identity: String,
    /// The plan itself, which only the command understands.
    pub plan: Vec<u8>,
}

/// Why octets are not the plan of a campaign.
#[derive(Debug, thiserror::Error)]
#[error("the plan of the campaign cannot be read: {0}")]
pub struct CampaignPlanError(postcard::Error);

impl CampaignPlan {
    /// The plan as octets.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("octets can be saved")
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// The octets are something else.
    pub fn decode(octets: &[u8]) -> Result<Self, CampaignPlanError> {
        postcard::from_bytes(octets).map_err(CampaignPlanError)
    }
}
