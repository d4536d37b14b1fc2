//! A run against the lab, with the measurements of both ends.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use canvass_lab::{Impairments, Lab, LabConfig, LabReport, ServiceKind};
use canvass_model::{ModuleId, Outcome, Phase, ShardReport};
use canvass_proto::tls::{TlsClient, TlsOptions};
use canvass_proto::{ModuleKind, Reach, TransportPolicy};
use canvass_queue::{Ports, Protocol, TargetKind, TargetOptions, arguments};
use canvass_report::{Sink, SinkError, Tally};
use canvass_run::{DEFAULT_TIMEOUTS, Plan, Run, Shared};

use crate::exit::Failure;
use crate::lab::LabPeers;
use crate::{descriptors, lab};

/// The kind of probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Probe {
    /// PTR lookups over this transport.
    Ptr(TransportPolicy),
    /// HTTP requests.
    Http,
}

/// The load on the lab, and its delay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub targets: u64,
    pub rate_per_second: f64,
    /// The delay of each answer.
    pub delay: Duration,
    pub event_loops: usize,
}

/// The results of one run.
pub(super) struct Trial {
    pub tally: Arc<Tally>,
    pub shards: Vec<ShardReport>,
    pub lab: LabReport,
    times: Times,
}

/// Records the times of each outcome.
#[derive(Clone)]
struct Times {
    phase: Phase,
    /// The time spent in the phase, in nanoseconds.
    phase_ns: Vec<u64>,
    /// When it finished, in nanoseconds since the run began.
    finished_ns: Vec<u64>,
}

impl Sink for Times {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        for outcome in outcomes {
            self.finished_ns.push(outcome.finished.as_nanos());
            let span = outcome.phases.span(self.phase);
            self.phase_ns
                .extend(span.map(|span| span.as_nanos() as u64));
        }
        Ok(())
    }
}

impl Probe {
    /// The phase that includes the delay of the answer.
    pub(super) fn phase(self) -> Phase {
        match self {
            Self::Ptr(_) => Phase::Dns,
            Self::Http => Phase::FirstByte,
        }
    }

    /// The service of the lab that applies the delay; `None` for its DNS server.
    pub(super) fn service(self) -> Option<ServiceKind> {
        match self {
            Self::Ptr(_) => None,
            Self::Http => Some(ServiceKind::Http),
        }
    }

    fn lab(self, delay: Duration) -> Result<Lab, Failure> {
        let impairments = Impairments {
            delay,
            ..Impairments::default()
        };
        match self {
            Self::Ptr(_) => lab::start(LabConfig {
                impairments,
                ..LabConfig::default()
            }),
            Self::Http => lab::start_all(impairments),
        }
    }

    fn plan(self, load: &Load, lab: &Lab) -> Result<Plan, Failure> {
        let builder = match self {
            Self::Ptr(transport) => Plan::builder(TargetKind::Ptr {
                forward_confirm: false,
            })
            .transport(transport),
            Self::Http => {
                let ports = Ports::parse("80", Protocol::Tcp).map_err(Failure::usage)?;
                let http = ModuleKind::Http {
                    settings: Default::default(),
                    tls: TlsClient::new(&TlsOptions::default()).map_err(Failure::usage)?,
                    expect: None,
                };
                let reach = Reach {
                    pins: LabPeers::of(lab).pins(),
                    ..Reach::default()
                };
                Plan::builder(TargetKind::Http {
                    module: ModuleId(0),
                    requests: NonZeroU32::MIN,
                    ports: Some(ports),
                    path_as_is: false,
                })
                .module(http, reach, DEFAULT_TIMEOUTS)
                .sockets(descriptors::sockets_max(load.event_loops, 0, true))
            }
        };
        builder
            .resolvers([lab.address()])
            .retries(Some(0))
            .rate(Some(load.rate_per_second))
            .event_loops(load.event_loops)
            .build()
            .map_err(Failure::usage)
    }

    fn network(self) -> &'static str {
        match self {
            Self::Ptr(_) => "10.0.0.0/8",
            Self::Http => "127.0.0.0/16",
        }
    }
}

impl Trial {
    /// Runs the load against a lab of its own.
    pub(super) fn run(probe: Probe, load: Load) -> Result<Self, Failure> {
        let lab = probe.lab(load.delay)?;
        let plan = probe.plan(&load, &lab)?;
        let options = TargetOptions {
            limit: Some(load.targets),
            ..plan.target_options()
        };
        let source = arguments([probe.network().to_owned()], &options).map_err(Failure::usage)?;
        let times = Shared::new(Times {
            phase: probe.phase(),
            phase_ns: Vec::new(),
            finished_ns: Vec::new(),
        });
        let run = Run::start(plan, source, vec![Box::new(times.clone())]);
        let report = run.map_err(Failure::stopped)?.join();
        let report = report.into_result().map_err(Failure::stopped)?;
        let mut times = Arc::unwrap_or_clone(times.get());
        times.phase_ns.sort_unstable();
        times.finished_ns.sort_unstable();
        Ok(Self {
            tally: report.tally,
            shards: report.shards,
            lab: lab
                .stop()
                .map_err(|error| Failure::stopped(format!("the lab failed: {error}")))?,
            times,
        })
    }

    /// A quantile (0 to 1) of the times spent in the phase.
    pub(super) fn quantile(&self, share: f64) -> Option<Duration> {
        let phase_ns = &self.times.phase_ns;
        let rank = (phase_ns.len() as f64 * share).ceil() as usize;
        let spent_ns = phase_ns.get(rank.max(1) - 1)?;
        Some(Duration::from_nanos(*spent_ns))
    }

    /// Outcomes per second, over the second half of them: by then a window has found its rate.
    pub(super) fn settled_rate_per_second(&self) -> f64 {
        let finished_ns = &self.times.finished_ns;
        let half = finished_ns.len() / 2;
        match (finished_ns.get(half), finished_ns.last()) {
            (Some(from), Some(to)) if to > from => {
                (finished_ns.len() - half) as f64 * 1e9 / (to - from) as f64
            }
            _ => 0.0,
        }
    }
}
