//! Runs the engine in a simulated world: a seeded network and a virtual clock.
//!
//! The shard that also runs on mio runs here through a [`Scenario`]: impaired resolvers and hosts,
//! a path that loses and reorders packets, a machine that stalls and runs out of descriptors.
//! Virtual time makes hours take seconds, and a failing seed fails again. The answers of resolvers
//! and hosts are those of the lab. Nothing of the engine is modelled; of the kernel only what the
//! engine can observe.

mod digest;
mod feeder;
mod net;
mod outcomes;
mod peer;
mod rate_law;
mod record;
mod run;
mod scenario;
mod trace;
mod truth;
mod watch;
mod world;

pub use feeder::Feeder;
pub use run::{RunResult, run, run_fed, run_scenario};
pub use scenario::{
    ChannelSettings, CutAt, Host, Interrupt, Path, Peer, Reach, Scenario, Site, Then, UNIX_AT_ZERO,
    Voice, addresses, endpoint_job, http, tcp, udp, url_job,
};
pub use trace::Telling;
pub use truth::{Expected, expected_of};

/// The example of the README is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
