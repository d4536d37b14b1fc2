//! The configuration of a shard, and its limits.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use canvass_proto::{Limits, Module};

use crate::allow_list::AllowList;
use crate::known_windows::KnownWindow;
use crate::later_modules::LaterModules;
use crate::socket_options::SocketOptions;

/// Jobs that one shard may have under way. A recursive resolver can hold some of them until the
/// deadline, so this bounds memory and not the rate.
pub const JOBS_MAX: usize = 32_768;
/// Outcomes handed over in one batch.
pub(crate) const OUTCOME_BATCH_MAX: usize = 256;
/// How long an outcome may wait for others to fill its batch, in microseconds.
pub(crate) const OUTCOME_WAIT_US: u64 = 10_000;

/// The configuration of a shard.
#[derive(Clone, Debug)]
pub struct Config {
    /// The resolvers that share the queries, at most [`UPSTREAMS_MAX`](crate::UPSTREAMS_MAX). Jobs
    /// that name another add it. May be empty if all jobs name one or are probes of addresses.
    pub upstreams: Vec<SocketAddr>,
    /// The limits of a job.
    pub limits: Limits,
    /// The local address that queries are sent from, with port 0. `None` leaves it to the system.
    pub query_source: Option<SocketAddr>,
    /// The addresses that queries and probes may be sent to.
    pub allowed: AllowList,
    /// What is known of resolvers before they are asked.
    pub known: Vec<KnownWindow>,
    /// The number of shards of the run.
    pub shards: NonZeroUsize,
    /// The most queries per second of all shards ([`RunLimits`](crate::RunLimits)).
    pub rate_max_per_second: Option<f64>,
    /// Whether jobs are due on a schedule of that rate. A run that falls behind it catches up.
    pub is_scheduled: bool,
    /// The most queries per second of all shards to one resolver.
    pub rate_per_resolver_max_per_second: Option<f64>,
    /// The most queries in flight from this shard to one resolver over one transport. `None` leaves it to
    /// what the resolver bears.
    pub in_flight_per_resolver_max: Option<u32>,
    /// Whether the run ends early if no resolver answers any more. Where only some of the jobs need one,
    /// those fail and the others go on.
    pub ends_without_resolvers: bool,
    /// The most jobs under way in this shard.
    pub jobs_max: usize,
    /// The most jobs under way in all shards, if the user has limited them.
    pub concurrency_cap: Option<usize>,
    /// The configuration of probes of hosts.
    pub probing: Probing,
}

/// The configuration of probes of hosts.
#[derive(Clone, Debug, Default)]
pub struct Probing {
    /// The settings that jobs refer to by index.
    pub modules: Vec<Arc<Module>>,
    /// Those that jobs refer to by the indexes after that.
    pub later_modules: LaterModules,
    /// The most sockets that this shard may have open for probes.
    pub sockets_max: usize,
    /// The most probes of one host at once.
    pub per_host_max: u32,
    /// Whether that is a limit of the user, of which a run may have a share.
    pub per_host_is_cap: bool,
    /// The most requests per second to one host.
    pub rate_per_host_max_per_second: Option<f64>,
    /// How sockets are set up.
    pub socket_options: SocketOptions,
}
