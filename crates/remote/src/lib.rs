//! Runs a plan on many machines: a submitter cuts a list into chunks, workers claim and complete them.

mod broker;

pub use broker::{
    Broker, BrokerError, CampaignState, ChunkId, Claim, Claimed, Commit, Delivery, DeliveryId,
    Generation, LOSSES_MAX, Phase, Renewal, WorkerName, WorkerState,
};
