//! Why a query has no answer.

use std::net::SocketAddr;

use canvass_model::{Cause, Fault, Phase, Rcode, Status, Transport};

use super::query::Query;
use super::{LameSet, LostCause, Reply, ReplyClass};
use crate::dns::AnswerError;

/// The last thing that went wrong with a query.
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

    /// The servers that do not recurse, if the last replies are theirs.
    pub(super) fn lame(&self) -> LameSet {
        match self {
            Self::Lame(all) => *all,
            _ => LameSet::EMPTY,
        }
    }

    /// Whether the run was stopped.
    pub(super) fn is_interrupt(&self) -> bool {
        matches!(
            self,
            Self::Lost(LostCause {
                cause: Cause::Interrupted,
                ..
            })
        )
    }

    /// Replaces the failure by a later one. A truncated answer stays the reason if only TCP failed
    /// after it. An interrupt always replaces it.
    pub(super) fn follow(&mut self, next: Self) {
        match (&mut *self, next) {
            (Self::Truncated, next @ (Self::Rcode(_) | Self::Lame(_))) => *self = next,
            (Self::Truncated, next) if !next.is_interrupt() => {}
            (_, next) => *self = next,
        }
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
        let failure = match self.failure() {
            Some(failure) => failure,
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
                format!("{who} answered {rcode} {often}"),
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
                    Cause::Timeout => (Status::Timeout, "did not accept the connection"),
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
