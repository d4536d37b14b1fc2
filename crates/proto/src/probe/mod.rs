//! One job's life at a host: lookups, connections, TLS, a conversation, and what follows from it.

mod candidates;
mod clock;
mod conclude;
mod destination;
mod dialog;
mod failure;
mod finish;
mod line;
mod module;
mod travel;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use canvass_model::{
    AddressVerdict, Cause, Hop, Host, HttpFallback, Job, Outcome, Phase, Remote, Status, Time,
    TlsFacts, TraceEvent,
};
use smallvec::SmallVec;

use crate::http::Request;
use crate::output::{ConnectionId, Output};
use candidates::Candidates;
pub use candidates::ResolveFault;
use clock::Clock;
use destination::Destination;
pub use failure::SystemFault;
use failure::{Ended, Failure};
use finish::Gathered;
use line::Line;
pub use module::{
    AddressFamily, FamilyPreference, Module, ModuleKind, Pin, PinHost, Reach, Timeouts,
};
use travel::Dial;

/// Events of one probe that are noted.
const TRACE_MAX: usize = 4_096;

/// The socket that a connection needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketRequest {
    /// A stream.
    Stream(Remote),
    /// A socket for datagrams; with `many`, one that hears every host.
    Datagram {
        /// Where they go.
        peer: SocketAddr,
        /// Whether replies of any host count.
        many: bool,
    },
}

/// One job's life at a host.
///
/// Drive it with what happens, and drain [`Self::poll`] after each, until it says `Wait` or
/// `Finish`.
pub struct Probe {
    job: Job,
    module: Arc<Module>,
    nonce: u64,
    due: Time,
    deadline: Time,
    clock: Clock,
    stage: Stage,
    /// When the stage has had its time.
    stage_end: Time,
    destination: Destination,
    request: Option<Request>,
    /// What is still to be tried when https comes to nothing.
    fallback: Option<HttpFallback>,
    candidates: Candidates,
    race: SmallVec<[Dial; 2]>,
    /// When the next address is tried beside those under way.
    stagger_at: Time,
    line: Option<Line>,
    connections: u16,
    outputs: SmallVec<[Output; 4]>,
    /// Journeys begun.
    attempts: u32,
    retries: u32,
    /// The host it has a permit at.
    permitted: Option<Host>,
    /// The pace allows its next journey.
    paced: bool,
    /// It is no longer where its job began: led elsewhere, or fallen back.
    strayed: bool,
    /// The addresses at hand are gone on with, and not looked up again.
    keeps_addresses: bool,
    /// What kept it from opening a socket.
    hindrance: Option<SystemFault>,
    /// How the last connection that came to nothing did so.
    lost: Option<Failure>,
    hops: Vec<Hop>,
    remote: Option<Remote>,
    tls: Option<Box<TlsFacts>>,
    gathered: Gathered,
    verdicts: Option<Vec<AddressVerdict>>,
    /// The addresses that are still to be probed, while redirects lead elsewhere.
    addresses_left: Option<Candidates>,
    ended: Option<Ended>,
    /// Requests that have their outcome.
    requests_done: u32,
    /// No further request is to be begun.
    last_request: bool,
    trace: Option<Vec<TraceEvent>>,
}

impl fmt::Debug for Probe {
    /// Without what is said: it may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("seq", &self.job.seq)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It has not begun, or begins anew.
    Setting,
    /// It waits until the pace allows another journey.
    Pacing,
    /// It waits for a permit at its host.
    Entering,
    /// It waits for addresses.
    Resolving,
    /// It waits for a connection.
    Racing,
    /// It waits for a TLS handshake.
    Securing,
    /// It talks.
    Talking,
    /// It waits before it tries again.
    Pausing,
    /// It waits for its turn to begin a further request.
    Waiting,
    /// It is over.
    Over,
}

impl Probe {
    /// Begins the life of `job`, which has its permit at its host. `nonce` is drawn at random.
    ///
    /// # Errors
    /// The outcome of a job whose target is none, or does not suit its probe.
    #[expect(
        clippy::result_large_err,
        reason = "the outcome is moved on at once, like any other"
    )]
    pub fn new(job: Job, now: Time, module: Arc<Module>, nonce: u64) -> Result<Self, Outcome> {
        let (destination, request, fallback) = match destination::of_job(&job, &module) {
            Ok(first) => first,
            Err(reason) => return Err(finish::invalid(job, now, reason)),
        };
        Ok(Self {
            due: job.due.unwrap_or(now),
            deadline: now + module.timeouts.deadline,
            clock: Clock::default(),
            stage: Stage::Setting,
            stage_end: Time::MAX,
            request,
            fallback,
            candidates: Candidates::default(),
            race: SmallVec::new(),
            stagger_at: Time::MAX,
            line: None,
            connections: 0,
            outputs: SmallVec::new(),
            attempts: 0,
            retries: 0,
            permitted: Some(destination.host.clone()),
            paced: true,
            strayed: false,
            keeps_addresses: false,
            hindrance: None,
            lost: None,
            hops: Vec::new(),
            remote: None,
            tls: None,
            gathered: Gathered::default(),
            verdicts: None,
            addresses_left: None,
            ended: None,
            requests_done: 0,
            last_request: false,
            trace: module.trace.then(Vec::new),
            destination,
            job,
            module,
            nonce,
        })
    }

    /// The host it connects to, or wants a permit at.
    pub fn host(&self) -> &Host {
        &self.destination.host
    }

    /// The name it wants to have looked up.
    pub fn name(&self) -> Option<&str> {
        match &self.destination.connect_host {
            Host::Name(name) => Some(name),
            Host::Address(_) => None,
        }
    }

    /// Which addresses of the name are of use.
    pub fn family(&self) -> FamilyPreference {
        self.module.reach.family
    }

    /// What the probe wants now.
    pub fn poll(&mut self, now: Time) -> Output {
        loop {
            if !self.outputs.is_empty() {
                return self.outputs.remove(0);
            }
            match self.stage {
                Stage::Over => return Output::Finish,
                _ if now >= self.deadline => self.run_out(now, true),
                _ if now >= self.stage_end => self.stage_over(now),
                Stage::Setting => self.depart(now),
                Stage::Resolving => match self.look_around(now) {
                    Some(until) => return self.wait(until),
                    None => continue,
                },
                Stage::Racing if now >= self.stagger_at => self.race_next(now),
                Stage::Talking => match self.converse(now) {
                    Some(until) => return self.wait(until),
                    None => continue,
                },
                Stage::Waiting if self.last_request => {
                    self.close_line(now);
                    self.stage = Stage::Over;
                }
                _ => return self.wait(Time::MAX),
            }
        }
    }

    /// The run stops at once: the next [`Self::poll`] ends the job, with what is known.
    pub fn cancel(&mut self, now: Time) {
        self.last_request = true;
        if matches!(self.stage, Stage::Over | Stage::Waiting) {
            return;
        }
        let failure = self.failure(Cause::Interrupted, "the run was stopped before it was done");
        self.end(now, Ended::Failed(failure));
    }

    /// No further request is begun.
    pub fn stop_repeating(&mut self) {
        self.last_request = true;
    }

    /// Whether it waits for a permit at [`Self::host`].
    pub fn is_entering(&self) -> bool {
        self.stage == Stage::Entering
    }

    /// Whether there is an outcome to take: there is none when it was stopped between two
    /// requests.
    pub fn has_outcome(&self) -> bool {
        self.ended.is_some()
    }

    fn wait(&self, until: Time) -> Output {
        let stagger = if self.stage == Stage::Racing {
            self.stagger_at
        } else {
            Time::MAX
        };
        Output::Wait(until.min(stagger).min(self.stage_end).min(self.deadline))
    }

    /// The stage has had its time.
    fn stage_over(&mut self, now: Time) {
        match self.stage {
            Stage::Pausing => {
                self.stage = Stage::Setting;
                self.stage_end = Time::MAX;
            }
            _ => self.run_out(now, false),
        }
    }

    fn enter_stage(&mut self, stage: Stage, end: Time) {
        self.stage = stage;
        self.stage_end = end;
    }

    fn output(&mut self, output: Output) {
        self.outputs.push(output);
    }

    fn next_connection(&mut self) -> ConnectionId {
        let connection = ConnectionId(self.connections);
        self.connections = self.connections.wrapping_add(1);
        connection
    }

    fn unix_s(&self, now: Time) -> i64 {
        let unix_ns = self.module.unix_ns_at_zero + i128::from(now.as_nanos());
        i64::try_from(unix_ns.div_euclid(1_000_000_000)).unwrap_or(i64::MAX)
    }

    /// Notes what happened, where that is asked for.
    fn note(
        &mut self,
        now: Time,
        event: &'static str,
        octets: Option<usize>,
        detail: impl FnOnce() -> String,
    ) {
        if let Some(trace) = self.trace.as_mut().filter(|trace| trace.len() < TRACE_MAX) {
            trace.push(TraceEvent {
                at: now,
                event,
                detail: detail().into(),
                octets: octets.map(|octets| octets as u64),
            });
        }
    }

    /// The phase that is on, for a fault: where nothing was sent yet, it waits.
    fn phase(&self) -> Phase {
        self.clock.phase().unwrap_or(Phase::Wait)
    }
}

/// The word for a failure of this cause.
fn status_of(cause: Cause) -> Status {
    match cause {
        Cause::Timeout => Status::Timeout,
        Cause::Refused => Status::ConnRefused,
        Cause::Reset | Cause::Closed => Status::Reset,
        Cause::Unreachable => Status::Unreachable,
        Cause::Truncated | Cause::Oversize => Status::Truncated,
        Cause::Malformed | Cause::Coding | Cause::Redirect => Status::Malformed,
        Cause::Expired
        | Cause::NotYetValid
        | Cause::WrongHost
        | Cause::UnknownIssuer
        | Cause::BadCertificate
        | Cause::Alert
        | Cause::Handshake => Status::Tls,
        Cause::Invalid => Status::Invalid,
        Cause::Rcode
        | Cause::NxDomain
        | Cause::NoData
        | Cause::Descriptors
        | Cause::Ports
        | Cause::System
        | Cause::Interrupted => Status::Local,
    }
}

#[cfg(test)]
mod tests;
