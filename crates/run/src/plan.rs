//! The plan of a run: what to look up or probe, with which resolvers and limits.

mod attempts;
mod builder;
mod checks;
mod clock;
mod gentle;
mod single;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use canvass_engine::{Caps, Config};
use canvass_model::Time;
use canvass_proto::TransportPolicy;
use canvass_queue::{TargetKind, TargetOptions};
use canvass_report::Epoch;
use ipnet::IpNet;

use crate::judge::{Judge, PlannedJudge};
pub(crate) use attempts::Attempts;
pub use builder::{DEFAULT_TIMEOUTS, PlanBuilder, RESOLVERS_MAX, default_event_loops};
pub use checks::PlanError;
use checks::{check_allowed, check_resolvers};
pub(crate) use clock::Clock;

/// What a [`Run`](crate::Run) does: the kind of lookup or probe, the resolvers and the limits. Targets
/// come from a [`Source`](crate::Source), and outcomes go to [`Sink`](crate::Sink)s.
#[derive(Clone, Debug)]
pub struct Plan {
    kind: TargetKind,
    /// The configuration of each event loop.
    pub(crate) config: Config,
    pub(crate) event_loops: NonZeroUsize,
    concurrency: usize,
    pub(crate) rate_per_second: Option<f64>,
    pub(crate) system_names: bool,
    no_resolver: Option<Arc<str>>,
    pub(crate) judge: Option<PlannedJudge>,
    /// What is done to the modules when the run starts.
    pub(crate) attempts: Attempts,
    pub(crate) clock: Clock,
}

impl Plan {
    /// Begins a plan for targets of this kind. The clock of the run starts now.
    pub fn builder(kind: TargetKind) -> PlanBuilder {
        PlanBuilder::new(kind)
    }

    /// The options for a [`Source`](crate::Source) of targets of this plan's kind: all targets, in the
    /// order of the list.
    pub fn target_options(&self) -> TargetOptions {
        TargetOptions {
            no_resolver: self.no_resolver.clone(),
            ..TargetOptions::new(self.kind.clone())
        }
    }

    /// The number of outcomes of this many targets.
    pub fn outcomes_of(&self, targets: u64) -> u64 {
        match &self.kind {
            TargetKind::Http { requests, .. } => targets.saturating_mul(requests.get().into()),
            _ => targets,
        }
    }

    /// The wall-clock time at which the run began, with its earlier parts. Sinks that write times need it.
    pub fn epoch(&self) -> Epoch {
        Epoch {
            wall: self.clock.wall(),
        }
    }

    /// The current time on the clock of the run.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// The instant at which this part of the run began.
    pub fn began(&self) -> Instant {
        self.clock.began
    }

    /// The resolvers.
    pub fn resolvers(&self) -> &[SocketAddr] {
        &self.config.upstreams
    }

    /// The transport of queries to resolvers.
    pub fn transport(&self) -> TransportPolicy {
        self.config.limits.transport
    }

    /// The longest that a target may take.
    pub fn deadline(&self) -> Duration {
        let modules = self.config.probing.modules.iter();
        modules
            .map(|module| module.timeouts.deadline)
            .fold(self.config.limits.deadline, Duration::max)
    }

    /// The number of event loops.
    pub fn event_loops(&self) -> usize {
        self.event_loops.get()
    }

    /// The maximum number of concurrent targets, which event loops share evenly.
    pub fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// The caps that the caller of the builder has given. Runs of several plans can share them
    /// ([`Run::set_share`](crate::Run::set_share)).
    pub fn caps(&self) -> Caps {
        Caps::of(&self.config)
    }

    /// Whether targets have times on a schedule, from which response times count.
    pub fn is_scheduled(&self) -> bool {
        self.config.is_scheduled
    }

    /// The same plan without a schedule: the rate is only an upper limit, and a target is due when an
    /// event loop takes it.
    #[must_use]
    pub fn unscheduled(mut self) -> Self {
        self.rate_per_second = None;
        self.config.is_scheduled = false;
        self
    }

    /// The same plan, in which a probe over datagrams sends again once: it waits for half of the time
    /// at most, so that one lost datagram does not fail it and it takes no longer. Probes that
    /// collect the replies of several hosts are as before.
    #[must_use]
    pub fn resending_datagrams(mut self) -> Self {
        self.attempts.resends_datagrams = true;
        self
    }

    /// The same plan for few targets, each probed patiently: one event loop, at most `targets` at
    /// once, and `retries` after the first attempt of a probe of a host, each with the time of one.
    #[must_use]
    pub fn patient(mut self, targets: NonZeroUsize, retries: u32) -> Self {
        self.event_loops = NonZeroUsize::MIN;
        self.concurrency = targets.get();
        self.config.shards = NonZeroUsize::MIN;
        self.config.jobs_max = targets.get();
        self.config.concurrency_cap = None;
        self.config.probing.sockets_max = targets.get();
        self.attempts.patience = retries;
        self
    }

    /// The same plan, which sends to no address outside of these networks either: see
    /// [`PlanBuilder::allow`].
    ///
    /// # Errors
    /// A resolver is outside of them.
    pub fn allowing(
        mut self,
        networks: impl IntoIterator<Item = IpNet>,
    ) -> Result<Self, PlanError> {
        let allowed = std::mem::take(&mut self.config.allowed).with(networks);
        check_allowed(&allowed, &self.config.upstreams, self.system_names)?;
        self.config.allowed = allowed;
        Ok(self)
    }

    /// The same plan with a judge of its outcomes, in place of any before.
    #[must_use]
    pub fn judged(mut self, judge: Arc<dyn Judge>) -> Self {
        self.judge = Some(PlannedJudge(judge));
        self
    }

    /// The same plan for a part of a run that began at this wall-clock time: the clock goes on from there,
    /// so that the times of all parts can be compared.
    #[must_use]
    pub fn continuing(mut self, began: SystemTime) -> Self {
        self.clock = self.clock.since(began);
        for module in &mut self.config.probing.modules {
            Arc::make_mut(module).unix_ns_at_zero = self.clock.unix_ns_at_zero();
        }
        self
    }

    /// The same plan with another transport.
    #[must_use]
    pub fn with_transport(mut self, transport: TransportPolicy) -> Self {
        self.config.limits.transport = transport;
        self
    }

    /// The same plan with other resolvers.
    ///
    /// # Errors
    /// As for [`PlanBuilder::build`].
    pub fn with_resolvers(mut self, resolvers: Vec<SocketAddr>) -> Result<Self, PlanError> {
        check_resolvers(&self.kind, &resolvers)?;
        check_allowed(&self.config.allowed, &resolvers, self.system_names)?;
        self.config.limits.alternatives = resolvers.len() > 1;
        self.config.upstreams = resolvers;
        Ok(self)
    }
}
