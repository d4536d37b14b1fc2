//! The description of a run.

mod draw;
mod jobs;
mod modules;
mod probes;
mod show;
mod site;

use std::net::SocketAddr;
use std::time::Duration;

use canvass_engine::{AllowList, KnownWindow, Probing};
use canvass_lab::Impairments;
use canvass_model::{Job, ProbeSpec, Time};
use canvass_proto::dns::QueryOptions;
use canvass_proto::{Limits, Module};

pub(crate) use draw::draw;
pub use jobs::addresses;
pub use modules::{http, tcp, udp};
pub use probes::{endpoint_job, url_job};
pub(crate) use site::Cut;
pub use site::{CutAt, Site, Then, UNIX_AT_ZERO, Voice};

/// The world and the jobs of a run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The seed of all random numbers.
    pub seed: u64,
    /// The jobs in order.
    pub jobs: Vec<Job>,
    /// The resolvers in order.
    pub peers: Vec<Peer>,
    /// How many of them, the last ones, are asked only by jobs that name them.
    pub peers_by_name: usize,
    /// The hosts of probes. If two of them serve the same port the first one is used.
    pub sites: Vec<Site>,
    /// The modules of probes.
    pub probing: Probing,
    /// The limits of a job.
    pub limits: Limits,
    /// The limit of queries per second.
    pub rate_max_per_second: Option<f64>,
    /// The limit of queries per second and resolver.
    pub rate_per_resolver_max_per_second: Option<f64>,
    /// The addresses that may be sent to.
    pub allowed: AllowList,
    /// What is known of resolvers before they are asked.
    pub known: Vec<KnownWindow>,
    /// The limit of jobs in progress.
    pub jobs_max: usize,
    /// The limit of jobs in progress that a user has set, if there is one.
    pub concurrency_cap: Option<usize>,
    /// From when on the run has which share of its caps. At first it has all of them.
    pub shares: Vec<(Time, f64)>,
    /// The path to resolvers and hosts.
    pub path: Path,
    /// The machine that runs the shard.
    pub host: Host,
    /// How jobs are sent and outcomes are received.
    pub channels: ChannelSettings,
    /// When the run is stopped, if it is.
    pub interrupt: Option<Interrupt>,
    /// The impairments are such that every job must have its answer.
    pub fair: bool,
}

/// A resolver.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The address.
    pub address: SocketAddr,
    /// The impairments.
    pub impairments: Impairments,
    /// What happens to packets for it.
    pub reach: Reach,
    /// Resets a connection after this many answers.
    pub reset_after: Option<u32>,
    /// Closes a connection that was idle for this time.
    pub idle_close: Option<Duration>,
}

/// What happens to packets for a resolver or a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// They arrive.
    Open,
    /// The port is closed.
    Closed,
    /// There is no route.
    Unroutable,
    /// They are lost.
    Blackhole,
    /// A router replies that the host is unreachable.
    Down,
}

/// The path of packets in each direction.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// The minimum delay, in nanoseconds.
    pub delay_ns: u64,
    /// The maximum additional delay, in nanoseconds, which reorders datagrams.
    pub jitter_ns: u64,
    /// The share of datagrams that are lost.
    pub loss: f64,
    /// The share of datagrams that are duplicated.
    pub duplicate: f64,
}

/// The machine that runs the shard.
#[derive(Clone, Debug)]
pub struct Host {
    /// The cost of a system call, in nanoseconds.
    pub call_cost_ns: u64,
    /// The times and lengths of stalls.
    pub stalls: Vec<(Time, Duration)>,
    /// The share of sends that fail for lack of buffers.
    pub no_room: f64,
    /// TCP reads and writes transfer only a few octets.
    pub choppy: bool,
    /// The size of the send buffer of a TCP socket, in octets.
    pub stream_buffer_octets: usize,
    /// The size of the receive buffer of a UDP socket, in octets.
    pub receive_buffer_octets: usize,
    /// The maximum number of open sockets.
    pub descriptors_max: usize,
    /// No socket can be opened between these times.
    pub descriptors_gone: Option<(Time, Time)>,
    /// No connection to a host can be opened between these times, for lack of local
    /// ports.
    pub ports_gone: Option<(Time, Time)>,
    /// Between these times, every datagram and every write to a stream fails with this errno.
    pub sends_refused: Option<(Time, Time, i32)>,
}

/// How jobs are fed and outcomes taken.
#[derive(Clone, Copy, Debug)]
pub struct ChannelSettings {
    /// Jobs per batch.
    pub batch_jobs: usize,
    /// The minimum time between two batches, in nanoseconds.
    pub feed_interval_ns: u64,
    /// The capacity of the inbox, in batches.
    pub inbox_batches: usize,
    /// The time between two reads of the outbox, in nanoseconds.
    pub drain_interval_ns: u64,
    /// The capacity of the outbox, in batches.
    pub outbox_batches: usize,
}

/// How a run is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// No jobs are taken after this time.
    Drain(Time),
    /// All jobs end at this time.
    Abort(Time),
}

impl Scenario {
    /// The scenario of a seed.
    pub fn from_seed(seed: u64) -> Self {
        draw(seed)
    }

    /// The time limit of a job, or of each of its requests.
    pub fn deadline_of(&self, job: &Job) -> Duration {
        self.module_of(job)
            .map_or(self.limits.deadline, |module| module.timeouts.deadline)
    }

    /// The module of a job, if it is a probe of a host.
    pub(crate) fn module_of(&self, job: &Job) -> Option<&Module> {
        match job.spec {
            ProbeSpec::Http { module, .. }
            | ProbeSpec::Tcp { module }
            | ProbeSpec::Udp { module } => self
                .probing
                .modules
                .get(usize::from(module.0))
                .map(|one| &**one),
            ProbeSpec::Ptr { .. } | ProbeSpec::Dns { .. } => None,
        }
    }

    /// Whether there are probes of hosts.
    pub fn has_probes(&self) -> bool {
        self.jobs.iter().any(|job| self.module_of(job).is_some())
    }

    /// Whether there are questions to resolvers.
    pub fn has_questions(&self) -> bool {
        self.jobs.iter().any(|job| self.module_of(job).is_none())
    }

    /// A scenario with these jobs and resolvers, with no impairments of the machine and the path,
    /// and with the default limits of the command.
    pub fn plain(seed: u64, jobs: Vec<Job>, peers: Vec<Peer>) -> Self {
        Self {
            seed,
            jobs,
            limits: Limits {
                retries: 7,
                deadline: Duration::from_secs(10),
                timeout: Duration::from_secs(2),
                transport: canvass_proto::TransportPolicy::Auto,
                alternatives: peers.len() > 1,
                follow_cname: false,
                trace: false,
                query: QueryOptions::PLAIN,
            },
            peers,
            peers_by_name: 0,
            sites: Vec::new(),
            probing: Probing {
                sockets_max: 1_000,
                per_host_max: 6,
                ..Probing::default()
            },
            rate_max_per_second: None,
            rate_per_resolver_max_per_second: None,
            allowed: AllowList::default(),
            known: Vec::new(),
            jobs_max: canvass_engine::JOBS_MAX,
            concurrency_cap: None,
            shares: Vec::new(),
            path: Path::default(),
            host: Host::default(),
            channels: ChannelSettings::default(),
            interrupt: None,
            fair: true,
        }
    }
}

impl Peer {
    /// Resolver `index` of a run, without impairments.
    pub fn new(index: u16) -> Self {
        let [high, low] = index.to_be_bytes();
        let address = if index % 7 == 6 {
            SocketAddr::from(([0xfd00, 0, 0, 0, 0, 0, 0, index + 1], 53))
        } else {
            SocketAddr::from(([127, 53, high, low], 53))
        };
        Self {
            address,
            impairments: Impairments {
                seed: u64::from(index),
                ..Impairments::default()
            },
            reach: Reach::Open,
            reset_after: None,
            idle_close: None,
        }
    }

    /// Whether it has no impairments.
    pub fn is_plain(&self) -> bool {
        let plain = Impairments {
            seed: self.impairments.seed,
            ..Impairments::default()
        };
        self.impairments == plain
            && self.reach == Reach::Open
            && self.reset_after.is_none()
            && self.idle_close.is_none()
    }

    /// The same with these impairments, in the format of `--lab`.
    ///
    /// # Panics
    /// If one of them does not exist.
    pub fn impaired(index: u16, impairments: &str) -> Self {
        let mut peer = Self::new(index);
        let seed = peer.impairments.seed;
        peer.impairments = impairments.parse().expect("impairments that exist");
        peer.impairments.seed = seed;
        peer
    }
}

impl Default for Path {
    fn default() -> Self {
        Self {
            delay_ns: 50_000,
            jitter_ns: 20_000,
            loss: 0.0,
            duplicate: 0.0,
        }
    }
}

impl Default for Host {
    fn default() -> Self {
        Self {
            call_cost_ns: 500,
            stalls: Vec::new(),
            no_room: 0.0,
            choppy: false,
            stream_buffer_octets: 1 << 20,
            receive_buffer_octets: 8 << 20,
            descriptors_max: 1_000,
            descriptors_gone: None,
            ports_gone: None,
            sends_refused: None,
        }
    }
}

impl Default for ChannelSettings {
    fn default() -> Self {
        Self {
            batch_jobs: 256,
            feed_interval_ns: 20_000,
            inbox_batches: 8,
            drain_interval_ns: 50_000,
            outbox_batches: 8,
        }
    }
}
