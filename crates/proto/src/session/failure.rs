//! Why a query has no answer.

use std::net::SocketAddr;

use canvass_model::{
    Cause, ExtendedError, Fault, Phase, Rcode, ResponseDetails, Status, Transport,
};

use super::query::Query;
use super::{LameSet, Limits, LostCause, Reply, ReplyClass};
use crate::dns::AnswerError;

/// The last thing that went wrong with a query.
#[derive(Debug)]
pub(super) struct LastFailure {
    what: Failure,
    /// What the response says besides its answer, if the failure is about one.
    pub(super) details: Option<ResponseDetails>,
}

/// What went wrong with a query.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Silence,
    Lost(LostCause),
    Rcode(Rcode),
    /// These do not recurse.
    Lame(LameSet),
    Malformed(AnswerError),
    Truncated,
}

impl Failure {
    pub(super) fn of(reply: &Reply<'_>, class: ReplyClass, rcode: Rcode) -> Self {
        match class {
            ReplyClass::Truncated => Self::Truncated,
            // A message that is truncated on a stream is unusable whatever its code.
            _ if reply.message.truncated() => Self::Malformed(AnswerError::Broken),
            _ => Self::Rcode(rcode),
        }
    }
}

/// A failure that is not about a response.
impl From<Failure> for LastFailure {
    fn from(what: Failure) -> Self {
        Self {
            what,
            details: None,
        }
    }
}

impl LastFailure {
    /// A failure that is about `reply`.
    pub(super) fn by(what: Failure, reply: &Reply<'_>, limits: &Limits) -> Self {
        Self {
            what,
            details: Some(reply.message.details(&limits.query)),
        }
    }

    /// The servers that do not recurse, if the last replies are theirs.
    pub(super) fn lame(&self) -> LameSet {
        match self.what {
            Failure::Lame(all) => all,
            _ => LameSet::EMPTY,
        }
    }

    /// Whether the system of this machine refused to send.
    pub(super) fn is_local(&self) -> bool {
        matches!(self.what, Failure::Lost(lost) if lost.is_local())
    }

    /// Whether the run was stopped.
    pub(super) fn is_interrupt(&self) -> bool {
        matches!(
            self.what,
            Failure::Lost(LostCause {
                cause: Cause::Interrupted,
                ..
            })
        )
    }

    /// Replaces the failure by a later one. A truncated answer stays the reason if only TCP failed
    /// after it. An interrupt always replaces it.
    pub(super) fn follow(&mut self, next: Self) {
        let is_reply = matches!(next.what, Failure::Rcode(_) | Failure::Lame(_));
        if self.what != Failure::Truncated || next.is_interrupt() || is_reply {
            *self = next;
        }
    }

    /// The Extended DNS Errors of the response, behind a colon; empty if there is none.
    fn explanation(&self) -> String {
        let errors = self.details.iter().flat_map(|details| &details.errors);
        let errors: Vec<_> = errors.map(ExtendedError::to_string).collect();
        if errors.is_empty() {
            return String::new();
        }
        format!(": {}", errors.join("; "))
    }
}

impl Query {
    /// What is reported if the query ends now.
    pub(super) fn fault(&self) -> (Status, Fault) {
        let attempts = self.attempts();
        let who = self.resolver().map_or_else(
            || "a resolver".to_owned(),
            |(address, _)| address.to_string(),
        );
        let often = format!(
            "in {attempts} attempt{}",
            if attempts == 1 { "" } else { "s" }
        );
        let phase = if attempts == 0 {
            Phase::Wait
        } else {
            Phase::Dns
        };
        let last = self.failure();
        let failure = match last {
            Some(last) => &last.what,
            None if attempts == 0 => {
                let message = "no resolver could be asked before the deadline".into();
                return (
                    Status::Timeout,
                    Fault {
                        phase,
                        cause: Cause::Timeout,
                        message,
                        errno: None,
                    },
                );
            }
            None => &Failure::Silence,
        };
        let mut errno = None;
        let (status, cause, message) = match failure {
            Failure::Silence => (
                Status::Timeout,
                Cause::Timeout,
                format!("no answer from {who} {often}"),
            ),
            Failure::Malformed(error) => {
                let what = match error {
                    AnswerError::Broken => "an answer that cannot be read",
                    AnswerError::Unrelated => "records that do not belong to the question",
                    AnswerError::Loop => "aliases that lead in a circle",
                    AnswerError::TooManyAliases => "too many aliases",
                };
                (
                    Status::Malformed,
                    Cause::Malformed,
                    format!("{who} sent {what}, {often}"),
                )
            }
            Failure::Truncated => (
                Status::Truncated,
                Cause::Truncated,
                truncated_message(self.resolver(), &who),
            ),
            Failure::Rcode(rcode) => (
                Status::Rcode(*rcode),
                Cause::Rcode,
                format!(
                    "{who} answered {rcode} {often}{}",
                    last.map(LastFailure::explanation).unwrap_or_default()
                ),
            ),
            Failure::Lame(_) => (
                Status::Lame,
                Cause::Lame,
                format!("{who} does not recurse, and does not serve this name, {often}"),
            ),
            Failure::Lost(lost) => {
                errno = lost.errno;
                let (status, what) = match lost.cause {
                    Cause::Refused => (Status::ConnRefused, "refused the connection"),
                    Cause::Reset => (Status::Reset, "broke the connection off"),
                    Cause::Unreachable => (Status::Unreachable, "cannot be reached"),
                    Cause::Interrupted => (
                        Status::Local,
                        "was still being asked when the run was stopped",
                    ),
                    Cause::Descriptors => (
                        Status::Local,
                        "could not be asked: no descriptors are left here",
                    ),
                    Cause::Ports => (
                        Status::Local,
                        "could not be asked: no local ports are left here",
                    ),
                    Cause::Timeout => (Status::Timeout, "did not accept the connection"),
                    Cause::Malformed => (
                        Status::Malformed,
                        "sent a message whose length is not the one it gave",
                    ),
                    _ => (
                        Status::Local,
                        "could not be asked: this system would not send",
                    ),
                };
                (status, lost.cause, format!("{who} {what}, {often}"))
            }
        };
        (
            status,
            Fault {
                phase,
                cause,
                message: message.into(),
                errno,
            },
        )
    }
}

fn truncated_message(last: Option<(SocketAddr, Transport)>, who: &str) -> String {
    match last {
        Some((_, Transport::Tcp)) => {
            format!("the answer did not fit a datagram, and {who} gave none over tcp")
        }
        _ => format!("the answer of {who} did not fit a datagram, and tcp is not allowed"),
    }
}
