//! From the state of a session to its one outcome.

use canvass_model::{Answer, Outcome, Status, Time, Verdict};

use super::Session;

impl Session {
    /// Ends the job with what is known.
    pub fn finish(mut self, now: Time) -> Outcome {
        let asking = self.any_out();
        self.clock.turn(now, asking);
        let forward_attempts = self.forward.as_ref().map_or(0, |all| all.attempts());
        let (verdict, status, answer, fault, details) = match self.settled {
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
                let status = Status::Rcode(settled.rcode);
                (verdict, status, answer, None, settled.details)
            }
            None => {
                let (status, fault) = self.query.fault();
                let answer = Answer::empty(self.job.spec);
                let details = self.query.take_details().map(Box::new);
                let fault = Some(Box::new(fault));
                (Verdict::Failed, status, answer, fault, details)
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
            class: self.query.question().class(),
            answer,
            details,
            fault,
            trace: self.trace.map(Into::into),
            job: self.job,
        }
    }
}
