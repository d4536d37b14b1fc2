//! A broker in memory, whose clock and faults are the caller's: for simulations and tests.
//!
//! It keeps one campaign, with the same answers as [`redis`](crate::redis), which a test compares.

mod broker;
mod campaign;
mod faults;
mod faulty;
mod server;
mod shares;

pub use broker::ModelBroker;
pub use faults::FaultRates;
pub use faulty::FaultyBroker;
pub use server::{ModelServer, Snapshot};
