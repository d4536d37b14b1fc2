//! Runs a plan on many machines: a submitter cuts a list into chunks, workers claim and complete them.

mod broker;
#[cfg(any(test, feature = "model"))]
pub mod model;
mod name;
pub mod redis;

pub use broker::{
    Broker, BrokerError, Budget, CampaignState, ChunkId, Claim, Claimed, Commit, Delivery,
    DeliveryId, Generation, LOSSES_MAX, Phase, Renewal, WORKERS_MAX, WorkerName, WorkerState,
};
pub use name::{CampaignName, CampaignNameError};
