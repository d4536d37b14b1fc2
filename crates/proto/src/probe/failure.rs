//! How an attempt ended or failed.

use canvass_model::{Cause, Errno, Fault, Phase, Status, Unmet, Verdict};

use super::stage::{Dialing, Stage};
use super::{Probe, ResolveFault};
use crate::session::LostCause;

/// EAGAIN (a Unix socket whose backlog is full), ENOMEM, EADDRINUSE, ENOBUFS.
const SHORTAGES: [i32; 4] = [11, 12, 98, 105];

/// An error of the system for a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemFault {
    /// Its kind.
    pub cause: Cause,
    /// The error number, if there is one.
    pub errno: Option<Errno>,
    /// The system's message.
    pub message: Box<str>,
}

impl SystemFault {
    /// Its kind and number.
    pub fn lost_cause(&self) -> LostCause {
        LostCause {
            cause: self.cause,
            errno: self.errno,
        }
    }

    /// Whether the reason is on this side and may pass: a shortage, or a firewall that forbids what it
    /// permits a moment later, since its table of connections is full (EPERM).
    pub fn may_pass(&self) -> bool {
        const EPERM: Errno = Errno(1);
        self.errno == Some(EPERM) || self.is_shortage()
    }

    /// Whether this side is short of something, which may pass.
    pub fn is_shortage(&self) -> bool {
        let is_short = self.errno.is_some_and(|errno| SHORTAGES.contains(&errno.0));
        is_short || matches!(self.cause, Cause::Descriptors | Cause::Ports)
    }
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub(super) enum Ended {
    /// With an answer.
    Answered(Status),
    /// With an answer that does not meet an expectation.
    Unmet(Status, Box<Unmet>),
    Failed(Failure),
}

/// How an attempt failed.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: Status,
    pub(super) fault: Fault,
}

impl Ended {
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Answered(_) => Verdict::Answered,
            Self::Unmet(..) => Verdict::Negative,
            Self::Failed(_) => Verdict::Failed,
        }
    }

    pub(super) fn into_parts(self) -> (Status, Option<Box<Unmet>>, Option<Box<Fault>>) {
        match self {
            Self::Answered(status) => (status, None, None),
            Self::Unmet(status, unmet) => (status, Some(unmet), None),
            Self::Failed(Failure { status, fault }) => (status, None, Some(Box::new(fault))),
        }
    }
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

    pub(super) fn system(phase: Phase, who: &str, system: SystemFault) -> Self {
        if system.cause == Cause::Denied {
            return Self::new(phase, system.cause, system.message);
        }
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
            _ if phase == Phase::Connect => format!("this system would not connect to {who}"),
            _ => format!("this system would not send to {who}"),
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
    /// A failure in the present phase.
    pub(super) fn failure(&self, cause: Cause, message: impl Into<Box<str>>) -> Failure {
        Failure::new(self.phase(), cause, message)
    }

    /// What kept the attempt from going on, if it was this side.
    fn local_failure(&self, by_deadline: bool) -> Option<Failure> {
        let stage = &self.journey.stage;
        let what = match stage {
            Stage::Dialing(dialing) if dialing.has_started() => return None,
            Stage::Dialing(Dialing {
                local_fault: Some(fault),
                dials,
                ..
            }) => {
                let who = match dials.first() {
                    Some(dial) => self.peer_name(&dial.remote),
                    None => "the host".to_owned(),
                };
                return Some(Failure::system(self.phase(), &who, (**fault).clone()));
            }
            Stage::AwaitingHost(_) | Stage::AwaitingTurn(_) => {
                if by_deadline && self.peers_took_most() {
                    return None;
                }
                let host = self.host();
                format!("the caps on {host} left no room for it in time")
            }
            Stage::Dialing(_) => {
                let host = &self.course().destination.connect_host;
                format!("this side did not come to connecting to {host} in time")
            }
            _ => return None,
        };
        let mut failure = self.failure(Cause::Timeout, what);
        failure.status = Status::Local;
        Some(failure)
    }

    /// If more than half of the time since the first send was spent on peers. A deadline that comes
    /// between two redirects is theirs then.
    fn peers_took_most(&self) -> bool {
        let phases = self.tour.clock.phases();
        let waited = phases.span(Phase::Wait).unwrap_or_default();
        phases.total().unwrap_or_default() > waited * 2
    }

    /// The failure of an attempt whose stage, or whose job, timed out.
    pub(super) fn timeout_failure(&self, by_deadline: bool) -> Failure {
        if let Some(failure) = self.local_failure(by_deadline) {
            return failure;
        }
        let stage = &self.journey.stage;
        let dial = stage.dialing().and_then(|dialing| dialing.dials.first());
        let remote = stage.established().map(|established| &established.remote);
        let who = match remote.or(dial.map(|dial| &dial.remote)) {
            Some(remote) => self.peer_name(remote),
            None => self.sought_host().to_string(),
        };
        let phase = match stage {
            Stage::Resolving(_) => Phase::Resolve,
            Stage::Dialing(_) | Stage::Tunnelling(_) => Phase::Connect,
            _ => self.phase(),
        };
        let mut what = match (stage, self.waiting_for()) {
            (Stage::Resolving(_), _) => format!("the addresses of {who} were not found in time"),
            (Stage::Dialing(_), _) => format!("{who} did not accept the connection in time"),
            (Stage::Tunnelling(established), _) => self.tunnel_timeout(established),
            (Stage::Handshaking(_), _) => format!("{who} did not end the TLS handshake in time"),
            (Stage::Talking(_), Some(wanted)) if phase == Phase::Transfer => {
                format!("{who} did not send {wanted} in time")
            }
            (Stage::Talking(_), None) if phase == Phase::Transfer => {
                format!("{who} did not come to an end in time")
            }
            (Stage::Talking(_), Some(wanted)) => {
                format!("{who} sent nothing in time; it was to send {wanted}")
            }
            (Stage::Talking(_), None) => format!("{who} sent nothing in time"),
            _ if !self.journey.hops.is_empty() => {
                let followed = self.journey.hops.len();
                format!("there was no time to follow redirect {followed}, to {who}")
            }
            _ => format!("{who} could not be asked in time"),
        };
        if by_deadline {
            what.push_str(" (the deadline)");
        }
        Failure::new(phase, Cause::Timeout, what)
    }
}

/// The status of a failure with this cause.
fn status_of(cause: Cause) -> Status {
    match cause {
        Cause::Timeout => Status::Timeout,
        Cause::Refused => Status::ConnRefused,
        Cause::Reset | Cause::Closed => Status::Reset,
        Cause::Unreachable | Cause::Proxy => Status::Unreachable,
        Cause::Truncated | Cause::Oversize => Status::Truncated,
        Cause::Malformed | Cause::Coding | Cause::Redirect => Status::Malformed,
        Cause::Expired
        | Cause::NotYetValid
        | Cause::WrongHost
        | Cause::UnknownIssuer
        | Cause::WeakKey
        | Cause::BadCertificate
        | Cause::Alert
        | Cause::Handshake => Status::Tls,
        Cause::Invalid => Status::Invalid,
        Cause::Lame => Status::Lame,
        Cause::Rcode
        | Cause::NxDomain
        | Cause::NoData
        | Cause::Descriptors
        | Cause::Ports
        | Cause::System
        | Cause::Interrupted
        | Cause::Quarantined
        | Cause::Denied => Status::Local,
    }
}
