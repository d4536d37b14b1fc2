//! From the state of a session to its one outcome.

use canvass_model::{
    Answer, Cause, DnsAnswer, Fault, Job, Outcome, Phase, Phases, ProbeSpec, PtrAnswer, Status,
    Time, Verdict,
};

use super::Session;

/// The outcome of a job that does not begin.
fn unbegun(job: Job, now: Time, status: Status, fault: Fault) -> Outcome {
    Outcome {
        verdict: Verdict::Failed,
        status,
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

/// The outcome of a job whose target cannot be asked about.
pub(super) fn invalid(job: Job, now: Time, reason: Box<str>) -> Outcome {
    let fault = Fault {
        phase: Phase::Target,
        cause: Cause::Invalid,
        message: reason,
        errno: None,
    };
    unbegun(job, now, Status::Invalid, fault)
}

impl Session {
    /// The outcome of a job that waited for a resolver and could not be asked.
    pub fn unasked(job: Job, now: Time, status: Status, cause: Cause, reason: &str) -> Outcome {
        let fault = Fault {
            phase: Phase::Wait,
            cause,
            message: reason.into(),
            errno: None,
        };
        unbegun(job, now, status, fault)
    }

    /// Ends the job with what is known.
    pub fn finish(mut self, now: Time) -> Outcome {
        let asking = self.any_out();
        self.clock.turn(now, asking);
        let forward_attempts = self.forward.as_ref().map_or(0, |all| all.attempts());
        let (verdict, status, answer, fault) = match self.settled {
            Some(settled) => {
                let verdict = if settled.negative {
                    Verdict::Negative
                } else {
                    Verdict::Answered
                };
                let mut answer = settled.answer;
                if let (Answer::Ptr(ptr), Some(forward)) = (&mut answer, self.forward) {
                    ptr.confirmation = Some(Box::new(forward.confirmation()));
                }
                (verdict, Status::Rcode(settled.rcode), answer, None)
            }
            None => {
                let (status, fault) = self.query.fault();
                let answer = nothing(self.job.spec);
                (Verdict::Failed, status, answer, Some(Box::new(fault)))
            }
        };
        let resolver = self.query.resolver();
        Outcome {
            verdict,
            status,
            attempts: self.query.attempts() + forward_attempts,
            due: self.due,
            first_send: self.clock.first_send,
            finished: now,
            phases: self.clock.phases(),
            stalled: false,
            resolver: resolver.map(|(resolver, _)| resolver),
            transport: resolver.map(|(_, transport)| transport),
            answer,
            fault,
            trace: self.trace.map(Into::into),
            job: self.job,
        }
    }
}

fn nothing(spec: ProbeSpec) -> Answer {
    match spec {
        ProbeSpec::Ptr { .. } => Answer::Ptr(PtrAnswer::default()),
        _ => Answer::Dns(DnsAnswer::default()),
    }
}
