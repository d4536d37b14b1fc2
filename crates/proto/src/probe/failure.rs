//! What went wrong, in the words of an outcome.

use canvass_model::{Cause, Errno, Fault, Phase, Remote, Status, Verdict};

use super::{Probe, ResolveFault, Stage, status_of};

/// EAGAIN (a socket in the file system whose backlog is full), ENOMEM, EADDRINUSE, ENOBUFS.
const PASSING: [i32; 4] = [11, 12, 98, 105];

/// What the system said of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemFault {
    /// In one word.
    pub cause: Cause,
    /// The system's own number, where there is one.
    pub errno: Option<Errno>,
    /// The system's own words.
    pub message: Box<str>,
}

impl SystemFault {
    /// Whether the fault is on this side, and may pass.
    pub fn is_shortage(&self) -> bool {
        let passes = self.errno.is_some_and(|errno| PASSING.contains(&errno.0));
        passes || matches!(self.cause, Cause::Descriptors | Cause::Ports)
    }
}

/// How a journey ended.
#[derive(Clone, Debug)]
pub(super) enum Ended {
    /// With an answer, be it not the one that was expected.
    Settled(Verdict, Status),
    Failed(Failure),
}

/// How a journey failed.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: Status,
    pub(super) fault: Fault,
}

impl Failure {
    pub(super) fn new(phase: Phase, cause: Cause, message: impl Into<Box<str>>) -> Self {
        Self {
            status: status_of(cause),
            fault: Fault {
                phase,
                cause,
                message: message.into(),
                errno: None,
            },
        }
    }

    pub(super) fn system(phase: Phase, remote: Option<&Remote>, system: SystemFault) -> Self {
        let who = remote.map_or_else(|| "the host".to_owned(), Remote::to_string);
        let what = match system.cause {
            Cause::Refused => format!("{who} refused the connection"),
            Cause::Reset => match phase {
                Phase::Connect => format!("{who} reset the connection before it was open"),
                Phase::Transfer => format!("{who} reset the connection in the middle"),
                _ => format!("{who} reset the connection before it said anything"),
            },
            Cause::Unreachable => format!("{who} cannot be reached"),
            Cause::Timeout => format!("{who} did not answer"),
            Cause::Descriptors => format!("no descriptor was left here to reach {who}"),
            Cause::Ports => format!("no local port was left here to reach {who}"),
            _ => format!("this system would not connect to {who}"),
        };
        let mut failure = Self::new(phase, system.cause, format!("{what}: {}", system.message));
        failure.fault.errno = system.errno;
        failure
    }

    pub(super) fn resolve(name: &str, fault: ResolveFault) -> Self {
        let mut failure = Self::new(
            Phase::Resolve,
            fault.cause,
            format!("{name}: {}", fault.message),
        );
        failure.status = fault.status;
        failure
    }
}

impl Probe {
    /// A failure in the phase that is on.
    pub(super) fn failure(&self, cause: Cause, message: impl Into<Box<str>>) -> Failure {
        Failure::new(self.phase(), cause, message)
    }

    /// Where only this side kept it from going on.
    fn shortage(&self) -> Option<Failure> {
        if matches!(self.stage, Stage::Entering | Stage::Pacing) {
            let host = &self.destination.host;
            let what = format!("the caps on {host} left no room for it in time");
            let mut failure = self.failure(Cause::Timeout, what);
            failure.status = Status::Local;
            return Some(failure);
        }
        let opened = self.race.iter().any(|racer| racer.opened);
        if self.stage != Stage::Racing || opened {
            return None;
        }
        let remote = self.race.first().map(|racer| &racer.remote);
        if let Some(hindrance) = self.hindrance.clone() {
            return Some(Failure::system(self.phase(), remote, hindrance));
        }
        let host = &self.destination.connect_host;
        let mut failure = self.failure(
            Cause::Timeout,
            format!("this side did not come to connecting to {host} in time"),
        );
        failure.status = Status::Local;
        Some(failure)
    }

    /// What to say when the time is over.
    pub(super) fn timeout_failure(&self, by_deadline: bool) -> Failure {
        let who = match self.line.as_ref().map(|line| &line.remote) {
            Some(remote) => remote.to_string(),
            None => match self.race.first() {
                Some(racer) => racer.remote.to_string(),
                None => self.destination.connect_host.to_string(),
            },
        };
        if let Some(failure) = self.shortage() {
            return failure;
        }
        let phase = match self.stage {
            Stage::Resolving => Phase::Resolve,
            Stage::Racing if self.race.iter().any(|racer| racer.opened) => Phase::Connect,
            _ => self.phase(),
        };
        let what = match (self.stage, phase) {
            (Stage::Resolving, _) => format!("the addresses of {who} were not found in time"),
            (Stage::Racing, Phase::Connect) => {
                format!("{who} did not accept the connection in time")
            }
            (Stage::Securing, _) => format!("{who} did not end the TLS handshake in time"),
            (Stage::Talking, Phase::Transfer) => match self.waiting_for() {
                Some(what) => format!("{who} did not send {what} in time"),
                None => format!("{who} did not come to an end in time"),
            },
            (Stage::Talking, _) => match self.waiting_for() {
                Some(what) => format!("{who} sent nothing in time; it was to send {what}"),
                None => format!("{who} sent nothing in time"),
            },
            _ => format!("{who} could not be asked in time"),
        };
        let what = if by_deadline {
            format!("{what} (the deadline)")
        } else {
            what
        };
        Failure::new(phase, Cause::Timeout, what)
    }
}
