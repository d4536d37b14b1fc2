//! What a shard is told, and its limits.

use std::net::SocketAddr;

use canvass_proto::Limits;

/// Jobs one shard may have under way. A recursive resolver holds some for as long as the
/// deadline, so this bounds memory and not the rate.
pub const JOBS_MAX: usize = 32_768;
/// Outcomes handed over at once.
pub const OUTCOME_BATCH_MAX: usize = 256;
/// How long an outcome may wait for others, in microseconds.
pub const OUTCOME_WAIT_US: u64 = 2_000;

/// What a shard is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The resolvers to ask. There is at least one.
    pub upstreams: Vec<SocketAddr>,
    /// What a job may cost.
    pub limits: Limits,
    /// The cap on queries a second, of this shard.
    pub rate_max_per_second: Option<f64>,
    /// The cap on queries a second to one resolver, of this shard.
    pub rate_per_resolver_max_per_second: Option<f64>,
    /// The cap on jobs under way, of this shard.
    pub jobs_max: usize,
}
