//! Runs a plan: very many targets are asked a question, or probed, and every one has an outcome.
//!
//! This is canvass without its command line. A [`Plan`] says what to ask, of whom and under which
//! limits; a [`Source`] gives the targets, in order; [`Sink`]s take the outcomes; and a [`Run`] is
//! all of it at work on threads of its own.
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
//! # What it is not
//!
//! Nothing here belongs to a whole process. There is no terminal and nothing is printed; no signal
//! is caught; no limit on descriptors is raised ([`PlanBuilder::sockets`] says how many there may
//! be); no allocator and no panic strategy is asked for, and a thread that panics ends its run with
//! an error. Two runs in one process do not know of each other.
//!
//! It does not decide when to run again, what is up and what is down, or whom to tell.
//!
//! # Targets
//!
//! [`arguments`] takes addresses, CIDRs, ranges, names and URLs as the command does, [`open`] and
//! [`stream`] read a list as it comes; [`Plan::target_options`] has their options. Any other
//! [`Source`] gives numbered jobs in batches and may wait until there are some, which is how work
//! that comes bit by bit enters a run. A source has a [`Position`] that can be saved and skipped to.
//!
//! # Sinks
//!
//! A sink takes outcomes in batches, in the order they end, on one thread that all sinks share: a
//! slow sink slows the run down, and nothing piles up. Only [`record`](Sink::record) is required.
//! A sink that buffers passes everything on in [`flush`](Sink::flush), several times a second, and
//! returns how much is durable; [`finish`](Sink::finish) ends it. An error ends the run:
//! [`Report::error`] has it, and the other sinks are finished.
//!
//! [`LineSink`] writes lines, [`IntervalLog`] histograms over time, [`SavedBodies`] bodies;
//! [`Tally`], [`LatencyRecorder`] and [`Timeline`] count. [`Shared`] makes a sink one that can be
//! looked at during the run and after it.
//!
//! # During a run
//!
//! [`Run::snapshot`] says how the run stands, at any moment and at little cost: counts, latency,
//! rate, what is in flight, what the windows of resolvers allow.
//!
//! A [`StopHandle`] ends a run early, from any thread: [`drain`](StopHandle::drain) starts no more
//! targets, [`abort`](StopHandle::abort) ends those under way too. Each that was started has its
//! outcome all the same. A signal handler that drains first and aborts when it is called again is
//! what users expect.
//!
//! [`Report::completed`] says which targets are done for good: all outcomes were recorded by every
//! sink, and are durable. A run that is to go on from there skips its source to the watermark and
//! leaves out what is done above it.

mod collector;
mod error;
mod event_loops;
mod plan;
mod run;
mod sinks;
mod snapshot;
mod stop;
mod system_names;
mod threads;

pub use canvass_model::{Answer, Job, LoopSample, Outcome, ShardReport, Verdict};
pub use canvass_queue::{
    Completed, Position, Source, SourceError, TargetKind, TargetOptions, Targets, arguments, open,
    stream,
};
pub use canvass_report::{
    Columns, Durable, Epoch, Format, IntervalLog, LatencyRecorder, LineSink, Sink, SinkError,
    Tally, Timeline,
};
pub use error::{RunError, StartError};
pub use plan::{
    DEFAULT_TIMEOUTS, Plan, PlanBuilder, PlanError, RESOLVERS_MAX, default_event_loops,
};
pub use run::{Report, Run};
pub use sinks::{SavedBodies, Shared};
pub use snapshot::Snapshot;
pub use stop::StopHandle;
pub use system_names::{SYSTEM_NAME_THREADS, system_addresses};
