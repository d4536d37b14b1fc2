//! A virtual world for the engine: a seeded network under a virtual clock.
//!
//! The very shard that runs on mio runs here over a [`Scenario`]: resolvers with characters, a
//! path that loses and reorders, a machine that stalls and runs out of descriptors. Time passes
//! only where the world says so, so hours take seconds and a failing seed fails again. What the
//! resolvers answer is decided by the lab's own script. This is no model of the engine: nothing
//! of it is written twice, and nothing of the kernel is here that the engine cannot see.

mod digest;
mod net;
mod outcomes;
mod peer;
mod record;
mod run;
mod scenario;
mod trace;
mod truth;
mod watch;
mod world;

pub use run::{RunResult, run, run_scenario};
pub use scenario::{
    CutAt, Doors, Host, Interrupt, Path, Peer, Reach, Scenario, Site, Then, UNIX_AT_ZERO, Voice,
    addresses, endpoint_job, http, tcp, udp, url_job,
};
pub use trace::Telling;
pub use truth::{Expected, expected_of};
