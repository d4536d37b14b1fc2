//! One probe of a host: lookups, connections, TLS, a protocol over them, and what follows from
//! its result.
//!
//! State is divided by how long it lasts: [`ProbeJob`] for the whole job, [`Tour`] for one of its
//! requests, [`Journey`] for one attempt, and in it a [`Stage`], which owns what is open.

mod candidates;
mod chain;
mod clock;
mod conclude;
mod cookies;
mod destination;
mod dial;
mod established;
mod expect;
mod failure;
mod finish;
mod icon;
mod module;
mod protocol;
mod redirects;
mod stage;
mod strange;
mod tour;
mod tunnelling;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use canvass_model::{Cause, Host, Job, Outcome, Phase, Remote, Time, TraceEvent};
use smallvec::SmallVec;

pub use candidates::ResolveFault;
pub use failure::SystemFault;
pub use module::{
    AddressFamily, FamilyPreference, Module, ModuleKind, Pin, PinHost, Reach, Timeouts,
};

use crate::http::CookieJar;
use crate::http::Request;
use crate::output::{ConnectionId, Output};
use destination::Course;
use failure::Ended;
use stage::{Departure, Stage};
use tour::{Journey, Tour};

/// Trace events that are kept of one request.
const TRACE_MAX: usize = 4_096;

/// The socket that a connection needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketRequest {
    /// A stream.
    Stream(Remote),
    /// A datagram socket.
    Datagram {
        /// Where datagrams are sent to.
        peer: SocketAddr,
        /// Whether replies of any host count: the socket must not be connected then.
        many: bool,
    },
}

/// The probe of one job.
///
/// Report to it what happens, and after each event drain [`Self::poll`] until that returns
/// [`Output::Wait`] or [`Output::Finish`].
pub struct Probe {
    job: ProbeJob,
    tour: Tour,
    journey: Journey,
    outputs: SmallVec<[Output; 4]>,
}

/// What lasts for the whole job.
struct ProbeJob {
    given: Job,
    module: Arc<Module>,
    /// The random number that scripts can send.
    nonce: u64,
    /// Where every attempt starts.
    start: Course,
    /// The cookies that were received, if they are kept.
    cookies: Option<Box<CookieJar>>,
    /// The host it holds a permit at.
    permit: Option<Host>,
    connections: u16,
    /// Requests that have their outcome.
    requests_done: u32,
    /// No further request begins.
    is_last_request: bool,
}

impl fmt::Debug for Probe {
    /// Without what is sent: it may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("seq", &self.job.given.seq)
            .field("stage", &self.journey.stage.name())
            .finish_non_exhaustive()
    }
}

impl Probe {
    /// Begins the probe of `job`, which holds a permit at its host. `nonce` should be random.
    ///
    /// # Errors
    /// The outcome of a job whose target is invalid or does not suit its kind of probe.
    #[expect(
        clippy::result_large_err,
        reason = "the outcome is moved on at once, like any other"
    )]
    pub fn new(job: Job, now: Time, module: Arc<Module>, nonce: u64) -> Result<Self, Outcome> {
        let start = match Course::of_job(&job, &module) {
            Ok(start) => start,
            Err(reason) => return Err(Outcome::invalid(job, now, reason)),
        };
        let due = job.due.unwrap_or(now);
        let keeps_cookies = start
            .request
            .as_ref()
            .is_some_and(|request| request.settings().cookies);
        Ok(Self {
            tour: Tour::new(due, now, &module),
            journey: Journey::new(Stage::Departing(Departure::PACED)),
            outputs: SmallVec::new(),
            job: ProbeJob {
                permit: Some(start.destination.host.clone()),
                given: job,
                module,
                nonce,
                start,
                cookies: keeps_cookies.then(Box::default),
                connections: 0,
                requests_done: 0,
                is_last_request: false,
            },
        })
    }

    /// The host it connects to, or needs a permit at.
    pub fn host(&self) -> &Host {
        &self.course().destination.host
    }

    /// The name that is to be looked up.
    pub fn name(&self) -> Option<&str> {
        match self.sought_host() {
            Host::Name(name) => Some(name),
            Host::Address(_) | Host::Scoped(_) => None,
        }
    }

    /// Which addresses of the name are used.
    pub fn family(&self) -> FamilyPreference {
        self.job.module.reach.family
    }

    /// What the event loop is to do now.
    pub fn poll(&mut self, now: Time) -> Output {
        loop {
            if !self.outputs.is_empty() {
                return self.outputs.remove(0);
            }
            if let Some(output) = self.advance(now) {
                return output;
            }
        }
    }

    /// Does what is due in the present stage, or returns what to wait for.
    fn advance(&mut self, now: Time) -> Option<Output> {
        let until = match &self.journey.stage {
            Stage::Over(_) => return Some(Output::Finish),
            Stage::Idle(_) if self.job.is_last_request => {
                self.close_stage(now);
                self.enter_stage(Stage::Over(None), Time::MAX);
                return None;
            }
            Stage::Idle(_) => return Some(Output::Wait(Time::MAX)),
            _ if now >= self.tour.deadline => {
                self.run_out(now, true);
                return None;
            }
            Stage::BackingOff(route) if now >= self.journey.stage_end => {
                let (paced, route) = (false, *route);
                self.depart(now, Departure { paced, route });
                return None;
            }
            _ if now >= self.journey.stage_end => {
                self.run_out(now, false);
                return None;
            }
            Stage::Departing(departure) => {
                self.depart(now, *departure);
                return None;
            }
            Stage::Dialing(dialing) if now >= dialing.stagger_at => {
                self.dial_next(now);
                return None;
            }
            Stage::Dialing(dialing) => dialing.stagger_at,
            Stage::Resolving(_) => self.check_addresses(now)?,
            Stage::Talking(_) => self.run_script(now)?,
            Stage::AwaitingHost(_)
            | Stage::AwaitingTurn(_)
            | Stage::BackingOff(_)
            | Stage::Tunnelling(_)
            | Stage::Handshaking(_) => Time::MAX,
        };
        let end = self.journey.stage_end.min(self.tour.deadline);
        Some(Output::Wait(until.min(end)))
    }

    /// The run is stopped at once: the next [`Self::poll`] ends the job, with what is known.
    pub fn cancel(&mut self, now: Time) {
        self.job.is_last_request = true;
        if !matches!(self.journey.stage, Stage::Over(_) | Stage::Idle(_)) {
            let message = "the run was stopped before it was done";
            let failure = self.failure(Cause::Interrupted, message);
            self.end(now, Ended::Failed(failure));
        }
    }

    /// No further request begins.
    pub fn stop_repeating(&mut self) {
        self.job.is_last_request = true;
    }

    /// Whether it waits for a permit for [`Self::host`].
    pub fn is_waiting_for_host(&self) -> bool {
        matches!(self.journey.stage, Stage::AwaitingHost(_))
    }

    /// Whether [`Self::finish`] has an outcome: a probe that was stopped between two requests has
    /// none.
    pub fn has_outcome(&self) -> bool {
        matches!(self.journey.stage, Stage::Over(Some(_)))
    }

    fn enter_stage(&mut self, stage: Stage, end: Time) {
        self.journey.stage = stage;
        self.journey.stage_end = end;
    }

    fn output(&mut self, output: Output) {
        self.outputs.push(output);
    }

    /// The course of the present attempt.
    fn course(&self) -> &Course {
        self.journey.detour.as_deref().unwrap_or(&self.job.start)
    }

    /// The course of a further request. A URL has no scope, so an address keeps the one it has now.
    fn course_of(&self, request: Request) -> Result<Course, Box<str>> {
        let course = Course::of_request(request, &self.job.module)?;
        Ok(course.keep_scope(Some(self.host())))
    }

    fn next_connection(&mut self) -> ConnectionId {
        let connection = ConnectionId(self.job.connections);
        self.job.connections = self.job.connections.wrapping_add(1);
        connection
    }

    /// Adds an event to the trace, if one is kept.
    fn note(
        &mut self,
        now: Time,
        event: &'static str,
        octets: Option<usize>,
        detail: impl FnOnce() -> String,
    ) {
        let trace = self.tour.trace.as_mut();
        if let Some(trace) = trace.filter(|trace| trace.len() < TRACE_MAX) {
            trace.push(TraceEvent {
                at: now,
                event,
                detail: detail().into(),
                octets: octets.map(|octets| octets as u64),
            });
        }
    }

    /// The phase a fault belongs to now. Before the first send that is the wait.
    fn phase(&self) -> Phase {
        self.tour.clock.phase().unwrap_or(Phase::Wait)
    }

    /// The wall clock, in seconds since 1970.
    fn unix_s(&self, now: Time) -> i64 {
        let unix_ns = self.job.module.unix_ns_at_zero + i128::from(now.as_nanos());
        i64::try_from(unix_ns.div_euclid(1_000_000_000)).unwrap_or(i64::MAX)
    }

    /// Whether every address of the host is probed, one after the other.
    fn probes_all_addresses(&self) -> bool {
        let reach = &self.job.module.reach;
        reach.all_addresses && reach.unix_socket.is_none()
    }
}

#[cfg(test)]
mod tests;
