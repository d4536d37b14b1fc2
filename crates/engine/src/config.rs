//! What a shard is told, and its limits.

use std::net::SocketAddr;
use std::sync::Arc;

use canvass_proto::{Limits, Module};

use crate::socket_options::SocketOptions;

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
    /// The resolvers to ask. There is at least one, unless there are only probes of hosts.
    pub upstreams: Vec<SocketAddr>,
    /// What a job may cost.
    pub limits: Limits,
    /// The cap on queries a second, of this shard.
    pub rate_max_per_second: Option<f64>,
    /// The cap on queries a second to one resolver, of this shard.
    pub rate_per_resolver_max_per_second: Option<f64>,
    /// The cap on jobs under way, of this shard.
    pub jobs_max: usize,
    /// For probes of hosts.
    pub probing: Probing,
}

/// What a shard is told for probes of hosts.
#[derive(Clone, Debug, Default)]
pub struct Probing {
    /// The settings that jobs name by their place.
    pub modules: Vec<Arc<Module>>,
    /// Sockets that may be open at once, of this shard.
    pub sockets_max: usize,
    /// Probes that one host may have at once.
    pub per_host_max: u32,
    /// The cap on requests a second to one host.
    pub rate_per_host_max_per_second: Option<f64>,
    /// How sockets are set up.
    pub socket_options: SocketOptions,
}
