//! Builds a plan from what a caller sets and the defaults.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use canvass_engine::{
    AllowList, Config, JOBS_MAX, KnownWindow, LaterModules, Probing, SocketOptions, UPSTREAMS_MAX,
};
use canvass_proto::dns::QueryOptions;
use canvass_proto::{Limits, Module, ModuleKind, Reach, Timeouts, TransportPolicy};
use canvass_queue::TargetKind;
use ipnet::IpNet;

use super::checks::{check_allowed, check_modules, check_resolvers, check_source, has_probes};
use super::{Attempts, Clock, Plan, PlanError};

/// The maximum number of resolvers in a plan.
pub const RESOLVERS_MAX: usize = UPSTREAMS_MAX;
/// The default time limits of a probe of a host. Opening a connection and a TLS handshake each have time
/// for three transmissions of the first packet (RFC 6298 §2).
pub const DEFAULT_TIMEOUTS: Timeouts = Timeouts {
    resolve: DEADLINE,
    connect: Duration::from_secs(5),
    tls: Duration::from_secs(5),
    first_byte: DEADLINE,
    transfer: DEADLINE,
    deadline: DEADLINE,
};

const DEADLINE: Duration = Duration::from_secs(10);
/// The default of [`PlanBuilder::timeout`].
const TIMEOUT: Duration = Duration::from_secs(2);
/// The default number of retries of a question to a resolver.
const QUESTION_RETRIES: u32 = 7;
/// The default number of retries of a probe of a host.
const PROBE_RETRIES: u32 = 0;
/// The default number of concurrent probes of hosts.
const PROBES: usize = 512;
/// The default number of open sockets of probes: half of the usual limit of 1,024 descriptors.
const SOCKETS: usize = 512;
/// The default number of concurrent probes of one host.
const PROBES_PER_HOST: u32 = 6;

/// Builds a [`Plan`]. Everything that is not set has a default.
#[derive(Debug)]
pub struct PlanBuilder {
    kind: TargetKind,
    resolvers: Vec<SocketAddr>,
    query_source: Option<SocketAddr>,
    transport: TransportPolicy,
    retries: Option<u32>,
    deadline: Duration,
    timeout: Duration,
    follow_cname: bool,
    rate: Option<f64>,
    rate_per_resolver: Option<f64>,
    rate_per_host: Option<f64>,
    concurrency: Option<usize>,
    event_loops: usize,
    modules: Vec<Module>,
    probes_per_host: Option<u32>,
    sockets: usize,
    socket_options: SocketOptions,
    system_names: bool,
    trace: bool,
    query: QueryOptions,
    no_resolver: Option<Arc<str>>,
    allowed: AllowList,
    known: Vec<KnownWindow>,
    clock: Clock,
}

/// Defines setters, each for the field of its name.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, $name: $type) -> Self {
            self.$name = $name;
            self
        }
    )*};
}

impl PlanBuilder {
    pub(super) fn new(kind: TargetKind) -> Self {
        Self {
            kind,
            resolvers: Vec::new(),
            query_source: None,
            transport: TransportPolicy::Auto,
            retries: None,
            deadline: DEADLINE,
            timeout: TIMEOUT,
            follow_cname: false,
            rate: None,
            rate_per_resolver: None,
            rate_per_host: None,
            concurrency: None,
            event_loops: default_event_loops(),
            modules: Vec::new(),
            probes_per_host: None,
            sockets: SOCKETS,
            socket_options: SocketOptions::default(),
            system_names: false,
            trace: false,
            query: QueryOptions::PLAIN,
            no_resolver: None,
            allowed: AllowList::default(),
            known: Vec::new(),
            clock: Clock::start(),
        }
    }

    setters! {
        /// The local address that queries are sent from, with port 0. It must be of the family of
        /// every resolver. The default is the system's choice.
        query_source: Option<SocketAddr>,
        /// The transport of queries to resolvers. The default is UDP, and TCP after a truncated answer.
        transport: TransportPolicy,
        /// The number of attempts after the first. The default is 7 for a question to a resolver, and
        /// 0 for a probe of a host.
        retries: Option<u32>,
        /// The total time limit for one question to resolvers, whether it is a target or the name of a
        /// host. The default is 10 s.
        deadline: Duration,
        /// The maximum timeout of one attempt of such a question. The timeout adapts to the resolver.
        /// The default is 2 s.
        timeout: Duration,
        /// Whether the target of an alias is asked about, where the answer to a target has an alias
        /// alone. The default is false.
        follow_cname: bool,
        /// The maximum number of targets, and of queries, per second, in any 100 ms. Targets are
        /// scheduled at even intervals, from when the windows of the resolvers allow the rate.
        rate: Option<f64>,
        /// The maximum number of queries per second to one resolver.
        rate_per_resolver: Option<f64>,
        /// The maximum number of requests per second to one host.
        rate_per_host: Option<f64>,
        /// The maximum number of concurrent targets. The default is 512 for probes of hosts, and the
        /// limit of the engine for questions to resolvers.
        concurrency: Option<usize>,
        /// The number of event loops, each on its own thread. The default is one less than the number
        /// of processors.
        event_loops: usize,
        /// The maximum number of concurrent probes of one host. The default is 6.
        probes_per_host: Option<u32>,
        /// The maximum number of open sockets of probes. The default is 512. A caller that has raised
        /// the limit on descriptors may raise this too.
        sockets: usize,
        /// The socket options of probes.
        socket_options: SocketOptions,
        /// Whether host names are looked up with `getaddrinfo` instead of the resolvers of the plan.
        system_names: bool,
        /// Whether outcomes include a trace of events.
        trace: bool,
        /// How resolvers are asked, and how much is kept of their responses. The default is
        /// [`QueryOptions::PLAIN`].
        query: QueryOptions,
        /// Why the plan has no resolver. With a reason it needs none: targets that name their own
        /// ([`Job::resolver`](crate::Job::resolver)) are asked, and [`Plan::target_options`] makes
        /// the others invalid for this reason.
        no_resolver: Option<Arc<str>>,
        /// What is known of the limits of resolvers ([`Run::set_known`](crate::Run::set_known)). The
        /// default is nothing: each run finds it out.
        known: Vec<KnownWindow>,
    }

    /// Allows the run to send to no address outside of these networks, and to no Unix socket, whatever
    /// leads there: a target, a name, a redirect, a proxy, a resolver that a target names. A target that
    /// needs another fails with status `LOCAL` and cause `denied`, and nothing is sent. Replies to a
    /// multicast or broadcast may come from anywhere. What a proxy connects to is not known here.
    ///
    /// Several calls add up. The default, and an empty list, allow every address.
    #[must_use]
    pub fn allow(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.allowed = self.allowed.with(networks);
        self
    }

    /// Adds resolvers.
    #[must_use]
    pub fn resolvers(mut self, resolvers: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.resolvers.extend(resolvers);
        self
    }

    /// Adds settings for probes of hosts. The first have the id 0
    /// ([`ModuleId`](canvass_model::ModuleId)), by which the target kind refers to them.
    #[must_use]
    pub fn module(mut self, kind: ModuleKind, reach: Reach, timeouts: Timeouts) -> Self {
        self.modules.push(Module {
            kind,
            reach,
            timeouts,
            // The same for all modules; set in `build`, and when the run starts.
            trace: false,
            retries: 0,
            unix_ns_at_zero: self.clock.unix_ns_at_zero(),
        });
        self
    }

    /// Limits the time for one target with these modules, and with it that of each phase.
    #[must_use]
    pub fn module_deadline(mut self, modules: Range<usize>, deadline: Duration) -> Self {
        for module in &mut self.modules[modules] {
            module.timeouts = module.timeouts.within(deadline);
        }
        self
    }

    /// Validates the inputs and returns the plan.
    ///
    /// # Errors
    /// The first invalid input.
    pub fn build(self) -> Result<Plan, PlanError> {
        if self.no_resolver.is_none() || !self.resolvers.is_empty() {
            check_resolvers(&self.kind, &self.resolvers)?;
        }
        check_source(self.query_source, &self.resolvers)?;
        check_allowed(&self.allowed, &self.resolvers, self.system_names)?;
        for (input, rate) in [
            ("rate", self.rate),
            ("rate_per_resolver", self.rate_per_resolver),
            ("rate_per_host", self.rate_per_host),
        ] {
            if let Some(rate) = rate.filter(|rate| !(rate.is_finite() && *rate > 0.0)) {
                return Err(PlanError::Rate { input, rate });
            }
        }
        let probes_per_host = self.probes_per_host.unwrap_or(PROBES_PER_HOST);
        let is_probe = has_probes(&self.kind);
        let mut concurrency = self.concurrency.unwrap_or(JOBS_MAX).min(JOBS_MAX);
        if is_probe {
            concurrency = self.concurrency.unwrap_or(PROBES).min(concurrency);
            concurrency = concurrency.min(self.sockets);
        }
        for (input, number) in [
            ("sockets", self.sockets),
            ("concurrency", concurrency),
            ("event_loops", self.event_loops),
            ("probes_per_host", probes_per_host as usize),
        ] {
            if number == 0 {
                return Err(PlanError::Zero { input });
            }
        }
        check_modules(&self.kind, &self.modules)?;
        // Limits are divided among the loops, and each loop must be allowed at least one target.
        let loops = self.event_loops.min(concurrency);
        let event_loops = NonZeroUsize::new(loops).unwrap_or(NonZeroUsize::MIN);
        let concurrency = concurrency / loops * loops;
        let sockets = if is_probe { self.sockets / loops } else { 0 };
        let has_none = self.resolvers.is_empty();
        let modules = self.modules.into_iter().map(|module| {
            Arc::new(Module {
                trace: self.trace,
                ..module
            })
        });
        Ok(Plan {
            config: Config {
                limits: Limits {
                    retries: self.retries.unwrap_or(QUESTION_RETRIES),
                    deadline: self.deadline,
                    timeout: self.timeout,
                    transport: self.transport,
                    alternatives: self.resolvers.len() > 1,
                    follow_cname: self.follow_cname,
                    trace: self.trace,
                    query: self.query,
                },
                upstreams: self.resolvers,
                query_source: self.query_source,
                allowed: self.allowed,
                known: self.known,
                shards: event_loops,
                rate_max_per_second: self.rate,
                is_scheduled: self.rate.is_some(),
                rate_per_resolver_max_per_second: self.rate_per_resolver,
                ends_without_resolvers: !matches!(self.kind, TargetKind::Endpoints { .. }),
                in_flight_per_resolver_max: None,
                jobs_max: concurrency / loops,
                concurrency_cap: self.concurrency.map(|_| concurrency),
                probing: Probing {
                    modules: modules.collect(),
                    later_modules: LaterModules::default(),
                    sockets_max: sockets.max(1),
                    per_host_max: probes_per_host,
                    per_host_is_cap: self.probes_per_host.is_some(),
                    rate_per_host_max_per_second: self.rate_per_host,
                    socket_options: self.socket_options,
                },
            },
            no_resolver: self.no_resolver.filter(|_| has_none),
            kind: self.kind,
            event_loops,
            concurrency,
            rate_per_second: self.rate,
            system_names: self.system_names,
            judge: None,
            attempts: Attempts {
                retries: self.retries.unwrap_or(PROBE_RETRIES),
                ..Attempts::default()
            },
            clock: self.clock,
        })
    }
}

/// The default number of event loops: one processor is left for the feeder and the sinks.
pub fn default_event_loops() -> usize {
    available_parallelism()
        .map_or(1, |count| count.get() - 1)
        .max(1)
}
