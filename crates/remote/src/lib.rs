//! Runs a plan on many machines.
//!
//! A [`Submission`] cuts the list of a run into chunks of consecutive jobs, publishes them through a
//! [`Broker`], and merges what comes back into the sinks of the run. A [`Worker`] claims chunks, executes
//! them in a run of its own, and commits their results. The broker is a dispatcher that may lose things:
//! what is done is known to the submitter's journal alone, and whatever the broker has lost is published
//! again.
//!
//! Both sides are machines without threads or clock (`Dispatch`, `Holder`) inside threads that give them
//! the time, so that tests run them against a model of the broker that crashes, pauses and loses replies.

mod broker;
mod campaign;
mod chunk;
mod chunker;
#[cfg(any(test, feature = "model"))]
pub mod model;
mod name;
pub mod redis;
mod result;
mod submitter;
#[cfg(test)]
mod tests;
mod worker;

pub use broker::{
    Broker, BrokerError, Budget, CampaignState, ChunkId, Claim, Claimed, Commit, Delivery,
    DeliveryId, Generation, LOSSES_MAX, Phase, Renewal, WORKERS_MAX, WorkerName, WorkerState,
};
pub use campaign::{CampaignPlan, CampaignPlanError};
pub use chunk::ChunkHeader;
pub use name::{CampaignName, CampaignNameError};
pub use result::{ChunkResult, Packing, ResultError};
pub use submitter::{Submission, SubmissionError, SubmissionSettings, SubmissionStop};
pub use worker::{
    Contact, KeepLines, LineSettings, Timing, WorkEnd, Worker, WorkerReport, WorkerSettings,
    WorkerStop,
};
