//! From the state of a session to its one outcome.

use std::net::SocketAddr;

use canvass_model::{
    Answer, Cause, DnsAnswer, Fault, Job, Outcome, Phase, Phases, ProbeSpec, PtrAnswer, Rcode,
    Status, Target, Time, Transport, Verdict,
};

use super::{LostCause, Reply, ReplyClass, Session};

/// The last thing that went wrong with the main question.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Last {
    Silence,
    Lost(LostCause),
    Rcode(Rcode),
    Malformed,
    Truncated,
}

impl Last {
    pub(super) fn of(reply: &Reply<'_>, class: ReplyClass) -> Self {
        match class {
            ReplyClass::Truncated => Self::Truncated,
            // Only a message cut short on a stream is unusable with a good code.
            _ if reply.message.truncated() => Self::Malformed,
            _ => Self::Rcode(reply.message.rcode()),
        }
    }

    /// Takes what came after. A truncated answer stays the reason when only TCP failed after
    /// it, and an interrupt is the last word.
    pub(super) fn follow(&mut self, next: Self) {
        let interrupted = matches!(
            next,
            Self::Lost(LostCause {
                cause: Cause::Interrupted,
                ..
            })
        );
        let by_code = matches!(next, Self::Rcode(_));
        if *self != Self::Truncated || interrupted || by_code {
            *self = next;
        }
    }
}

/// The outcome of a job that cannot even begin.
pub(super) fn invalid(job: Job, now: Time, reason: Box<str>) -> Outcome {
    let fault = Fault {
        phase: Phase::Target,
        cause: Cause::Invalid,
        message: reason,
        errno: None,
    };
    Outcome {
        verdict: Verdict::Failed,
        status: Status::Invalid,
        attempts: 0,
        due: job.due.unwrap_or(now),
        first_send: None,
        finished: now,
        phases: Phases::default(),
        stalled: false,
        resolver: None,
        transport: None,
        answer: nothing(job.spec),
        fault: Some(Box::new(fault)),
        trace: None,
        job,
    }
}

impl Session {
    /// Ends the job with what is known. The session is spent: only its husk stays.
    pub fn finish(&mut self, now: Time) -> Outcome {
        let asking = self.any_out();
        self.clock.turn(now, asking);
        let husk = Target::Invalid {
            given: Box::default(),
            reason: Box::default(),
        };
        let job = Job {
            target: std::mem::replace(&mut self.job.target, husk),
            ..self.job.clone()
        };
        let attempts = self.query.attempts()
            + self
                .forward
                .as_ref()
                .map_or(0, |forward| forward.attempts());
        let forward = self.forward.take();
        let (verdict, status, answer, fault) = match self.settled.take() {
            Some(settled) => {
                let verdict = if settled.negative {
                    Verdict::Negative
                } else {
                    Verdict::Answered
                };
                let mut answer = settled.answer;
                if let (Answer::Ptr(ptr), Some(forward)) = (&mut answer, forward) {
                    ptr.confirmation = Some(Box::new(forward.confirmation()));
                }
                (verdict, Status::Rcode(settled.rcode), answer, None)
            }
            None => {
                let (status, fault) = self.fault();
                (
                    Verdict::Failed,
                    status,
                    nothing(job.spec),
                    Some(Box::new(fault)),
                )
            }
        };
        Outcome {
            verdict,
            status,
            attempts,
            due: self.due,
            first_send: self.clock.first_send,
            finished: now,
            phases: self.clock.phases(),
            stalled: false,
            resolver: self.resolver.map(|(resolver, _)| resolver),
            transport: self.resolver.map(|(_, transport)| transport),
            answer,
            fault,
            trace: self.trace.take().map(Into::into),
            job,
        }
    }

    fn fault(&self) -> (Status, Fault) {
        let attempts = self.query.attempts();
        let who = self.resolver.map_or_else(
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
        let last = match self.last.as_deref() {
            Some(last) => last,
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
            None => &Last::Silence,
        };
        let mut errno = None;
        let (status, cause, message) = match last {
            Last::Silence => (
                Status::Timeout,
                Cause::Timeout,
                format!("no answer from {who} {often}"),
            ),
            Last::Malformed => (
                Status::Malformed,
                Cause::Malformed,
                format!("{who} sent an answer that cannot be read, {often}"),
            ),
            Last::Truncated => (
                Status::Truncated,
                Cause::Truncated,
                truncated_message(self.resolver, &who),
            ),
            Last::Rcode(rcode) => (
                Status::Rcode(*rcode),
                Cause::Rcode,
                format!("{who} answered {rcode} {often}"),
            ),
            Last::Lost(lost) => {
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

fn nothing(spec: ProbeSpec) -> Answer {
    match spec {
        ProbeSpec::Ptr { .. } => Answer::Ptr(PtrAnswer::default()),
        _ => Answer::Dns(DnsAnswer::default()),
    }
}
