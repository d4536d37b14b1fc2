//! Runs mass DNS lookups and probes: many targets in, exactly one outcome per target (or per
//! repeated request) out.
//!
//! This is canvass without its command line. A [`Plan`] contains what to look up or probe, with which
//! resolvers and limits; a [`Source`] gives the targets, in order; [`Sink`]s receive the outcomes; and
//! a [`Run`] executes the plan on its own threads.
//!
//! ```
//! use canvass_lab::{Lab, LabConfig};
//! use canvass_run::{Answer, Outcome, Plan, Run, Sink, SinkError, TargetKind, arguments};
//!
//! /// Prints the names of addresses.
//! struct Names;
//!
//! impl Sink for Names {
//!     fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
//!         for outcome in outcomes {
//!             if let Answer::Ptr(answer) = &outcome.answer {
//!                 println!("{:?}: {:?}", outcome.job.target, answer.names);
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! // A DNS server on loopback. Any resolver will do.
//! let lab = Lab::start(LabConfig::default())?;
//! let plan = Plan::builder(TargetKind::Ptr { forward_confirm: false })
//!     .resolvers([lab.address()])
//!     .build()?;
//! let source = arguments(["10.1.2.0/28".to_owned()], &plan.target_options())?;
//! let report = Run::start(plan, source, vec![Box::new(Names)])?.join().into_result()?;
//! assert_eq!(report.tally.total(), 16);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it does not do
//!
//! It leaves the process alone: it prints nothing, catches no signals, raises no limit on descriptors
//! ([`PlanBuilder::sockets`] sets how many are used), and requires no allocator or panic strategy. A
//! thread that panics ends its run with an error. Runs in one process are independent.
//!
//! It does not schedule repeated runs, decide which hosts are up, or send alerts.
//!
//! # Targets
//!
//! [`arguments`] accepts addresses, CIDRs, ranges, names and URLs as the command does; [`open`] and
//! [`stream`] read a list as a stream; [`Plan::target_options`] returns their options. A list of endpoints
//! of several kinds (`https://…`, `tcp://…`, `dns://…`) is probed by [`EndpointModules`]. Any other
//! [`Source`] gives numbered jobs in batches. It may block until there are some, so targets can be
//! added during a run. A source has a [`Position`] that can be saved and skipped to.
//!
//! # Sinks
//!
//! A sink receives outcomes in batches, in the order in which they end, on one thread that all sinks
//! share. A slow sink slows the run down, so memory stays bounded. Only [`record`](Sink::record) is
//! required. A sink that buffers writes its buffer in [`flush`](Sink::flush), which is called several
//! times per second and returns how much is durable; [`finish`](Sink::finish) completes it. An error
//! ends the run: it is in [`Report::error`], and the other sinks receive the remaining outcomes and
//! are finished. [`Optional`] wraps a sink whose error does not end the run.
//!
//! [`LineSink`] writes lines, [`IntervalLog`] histograms over time; [`SavedBodies`] saves bodies
//! before another sink records their outcomes; [`Tally`], [`LatencyRecorder`] and [`Timeline`]
//! aggregate. [`Shared`] wraps a sink so that it can be read during and after the run.
//!
//! # Assertions
//!
//! What a probe finds is judged by its module: status, body, certificate. What is expected of a whole
//! outcome, its records and how long it took, are [`Assertions`]. They are a [`Judge`], which
//! [`Plan::judged`] gives a plan: an outcome that is not as expected is negative, for every sink.
//!
//! # During a run
//!
//! [`Run::snapshot`] returns the state of the run at little cost: counts, latency, rate, targets in
//! flight, windows of the resolvers.
//!
//! A [`StopHandle`] ends a run early, from any thread: [`drain`](StopHandle::drain) starts no more
//! targets, [`abort`](StopHandle::abort) also ends those under way. Every target that was started has
//! an outcome. Users expect the first SIGINT to drain and the second to abort.
//!
//! A [`ShareHandle`] gives a run a share of its own caps, for runs on several machines whose caps hold for
//! all of them together.
//!
//! [`Report::completed`] contains the targets that are done: every sink has made all of their outcomes
//! durable. To resume a run, pass its source through [`Resumed`], and start it with [`Run::go_on`].
//!
//! # A second opinion
//!
//! With a [`Recheck`], what fails is not recorded at once: it is parked in a file, the [`Spill`], and a
//! sample of it is asked again at the end, slowly. Then every outcome is recorded, once.

mod assertions;
mod bodies;
mod collector;
mod continuation;
mod endpoints;
mod error;
mod event_loops;
mod judge;
mod modules;
mod plan;
mod recheck;
mod run;
mod share;
mod sinks;
mod snapshot;
mod stop;
mod system_names;
mod threads;

pub use assertions::{
    Assertions, LatencyMax, RecordAssertions, SoaTimes, Span, SpanError, contradict, is_behind, soa,
};
pub use bodies::{SavedBodies, UnsavedBodies, UnsavedCount};
pub use canvass_engine::{Caps, KnownWindow};
pub use canvass_model::{Answer, Job, LoopSample, Outcome, ShardReport, Verdict};
pub use canvass_queue::{
    Completed, Position, Resumed, Source, SourceError, TargetKind, TargetOptions, Targets,
    arguments, open, stream,
};
pub use canvass_report::{
    Columns, Durable, Epoch, Format, IntervalLog, LatencyRecorder, LineCount, LineSink,
    RecheckCounts, Sink, SinkError, Tally, Timeline,
};
pub use continuation::Continuation;
pub use endpoints::{EndpointModules, EndpointSettings, any_reply};
pub use error::{RunError, StartError};
pub use judge::Judge;
pub use plan::{
    DEFAULT_TIMEOUTS, Plan, PlanBuilder, PlanError, RESOLVERS_MAX, default_event_loops,
};
pub use recheck::{RECHECK_TIME_MAX, Recheck, Spill, SpillState};
pub use run::{Report, Run};
pub use share::ShareHandle;
pub use sinks::{Optional, OptionalError, Shared};
pub use snapshot::{PublishedRate, RateMeter, RunReader, Snapshot};
pub use stop::StopHandle;
pub use system_names::{SYSTEM_NAME_THREADS, system_addresses};

/// The example of the README is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
