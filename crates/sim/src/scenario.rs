//! All that a run is made of, as plain data.

mod draw;
mod jobs;
mod modules;
mod probes;
mod show;
mod site;

use std::net::SocketAddr;
use std::time::Duration;

use canvass_engine::Probing;
use canvass_lab::Impairments;
use canvass_model::{Job, ProbeSpec, Time};
use canvass_proto::{Limits, Module};

pub(crate) use draw::draw;
pub use jobs::addresses;
pub use modules::{http, tcp, udp};
pub use probes::{endpoint_job, url_job};
pub(crate) use site::Cut;
pub use site::{CutAt, Site, Then, UNIX_AT_ZERO, Voice};

/// One run's world and work.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What all chance in the run starts from.
    pub seed: u64,
    /// The work, in the order it is fed.
    pub jobs: Vec<Job>,
    /// The resolvers, in the order given.
    pub peers: Vec<Peer>,
    /// How many of them, the last ones, are asked only by jobs that name them.
    pub peers_by_name: usize,
    /// The hosts that probes go to. Of two that serve the same port the first does.
    pub sites: Vec<Site>,
    /// How hosts are probed.
    pub probing: Probing,
    /// What a job may cost.
    pub limits: Limits,
    /// The cap on queries a second.
    pub rate_max_per_second: Option<f64>,
    /// The cap on queries a second to one resolver.
    pub rate_per_resolver_max_per_second: Option<f64>,
    /// The cap on jobs under way.
    pub jobs_max: usize,
    /// Between the resolvers and us.
    pub path: Path,
    /// This side.
    pub host: Host,
    /// How jobs are fed and outcomes taken.
    pub doors: Doors,
    /// The run is stopped before its end.
    pub interrupt: Option<Interrupt>,
    /// Every job has a fair chance: what the zone can answer must be answered.
    pub fair: bool,
}

/// One resolver.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Where it is.
    pub address: SocketAddr,
    /// What it does wrong.
    pub impairments: Impairments,
    /// Whether anything can reach it at all.
    pub reach: Reach,
    /// It resets a connection after so many answers.
    pub reset_after: Option<u32>,
    /// It closes a connection in good order when it was idle for so long.
    pub idle_close: Option<Duration>,
}

/// What becomes of packets to a resolver or a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// They arrive.
    Open,
    /// Its system says that nobody listens.
    Closed,
    /// Our system knows no way there.
    Unroutable,
    /// They vanish.
    Blackhole,
    /// A system on the way says that there is no such host.
    Down,
}

/// The way of every packet, in each direction.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// The least time a packet takes, in nanoseconds.
    pub delay_ns: u64,
    /// How much longer one may take, in nanoseconds; so datagrams overtake each other.
    pub jitter_ns: u64,
    /// The share of datagrams that is lost.
    pub loss: f64,
    /// The share of datagrams that arrives twice.
    pub duplicate: f64,
}

/// What this side does wrong.
#[derive(Clone, Debug)]
pub struct Host {
    /// What each call costs, in nanoseconds.
    pub call_cost_ns: u64,
    /// When this process stands still, and for how long.
    pub stalls: Vec<(Time, Duration)>,
    /// The share of sends for which the system has no room.
    pub no_room: f64,
    /// Streams take and give a few octets at a time.
    pub choppy: bool,
    /// Octets of one stream that the system holds before it says that it would block.
    pub stream_buffer_octets: usize,
    /// Octets a datagram socket's receive buffer may have.
    pub receive_buffer_octets: usize,
    /// Sockets that may be open at once.
    pub descriptors_max: usize,
    /// No socket can be opened from the first time to the second.
    pub descriptors_gone: Option<(Time, Time)>,
    /// No stream to a host can be opened from the first time to the second, for want of local
    /// ports.
    pub ports_gone: Option<(Time, Time)>,
}

/// How jobs are fed and outcomes taken.
#[derive(Clone, Copy, Debug)]
pub struct Doors {
    /// Jobs in a batch.
    pub batch_jobs: usize,
    /// Between two batches, at least, in nanoseconds.
    pub feed_interval_ns: u64,
    /// Batches the inbox holds.
    pub inbox_batches: usize,
    /// Between two looks at the outbox, in nanoseconds.
    pub drain_interval_ns: u64,
    /// Batches the outbox holds.
    pub outbox_batches: usize,
}

/// How a run is stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// No more jobs are taken from this time on.
    Drain(Time),
    /// Everything ends at this time.
    Abort(Time),
}

impl Scenario {
    /// The scenario that `seed` stands for.
    pub fn from_seed(seed: u64) -> Self {
        draw(seed)
    }

    /// How long a job, or each of its requests, may take.
    pub fn deadline_of(&self, job: &Job) -> Duration {
        self.module_of(job)
            .map_or(self.limits.deadline, |module| module.timeouts.deadline)
    }

    /// How a job probes its host, where it does.
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

    /// Whether there are jobs that probe hosts.
    pub fn has_probes(&self) -> bool {
        self.jobs.iter().any(|job| self.module_of(job).is_some())
    }

    /// `jobs` asked of `peers` by a machine and over a path that do nothing wrong, with the
    /// command's own limits.
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
                trace: false,
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
            jobs_max: canvass_engine::JOBS_MAX,
            path: Path::default(),
            host: Host::default(),
            doors: Doors::default(),
            interrupt: None,
            fair: true,
        }
    }
}

impl Peer {
    /// The resolver number `index` of a run, with nothing wrong with it.
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

    /// Whether nothing is wrong with it.
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

    /// The same with these impairments, written as the lab's flags are.
    ///
    /// # Panics
    /// When one of them does not exist.
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
        }
    }
}

impl Default for Doors {
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
