//! From the state of a session to its one outcome.

use canvass_model::{Answer, Cause, DnsName, Fault, Outcome, Status, Time, Verdict};

use super::{Session, Settled};

impl Session {
    /// Ends the job with what is known.
    pub fn finish(mut self, now: Time) -> Outcome {
        let asking = self.any_out();
        let now = self.clock.not_before(now);
        self.clock.turn(now, asking);
        let attempts = self.query.attempts()
            + self.aliases.as_ref().map_or(0, |all| all.attempts())
            + self.forward.as_ref().map_or(0, |all| all.attempts());
        let mut resolver = self.current().resolver();
        let result = match self.settled.take() {
            Some(settled) => Ok(settled),
            None => {
                let (status, fault) = self.fault();
                let details = self.current_mut().take_details();
                // An alias is all there is if no server had more.
                let was_stopped = fault.cause == Cause::Interrupted;
                let aliases = self.aliases.take().filter(|_| !was_stopped);
                match aliases.and_then(|aliases| aliases.into_answer()) {
                    Some((settled, from)) => {
                        resolver = Some(from);
                        Ok(settled)
                    }
                    None => Err((status, fault, details)),
                }
            }
        };
        let (verdict, status, answer, fault, details) = match result {
            Ok(settled) => {
                let Settled {
                    negative,
                    rcode,
                    mut answer,
                    details,
                } = settled;
                let verdict = if negative {
                    Verdict::Negative
                } else {
                    Verdict::Answered
                };
                if let (Answer::Ptr(ptr), Some(forward)) = (&mut answer, self.forward) {
                    let extra = ptr.extra.get_or_insert_default();
                    extra.confirmation = Some(forward.confirmation());
                }
                (verdict, Status::Rcode(rcode), answer, None, details)
            }
            Err((status, fault, details)) => {
                let answer = Answer::empty(self.job.spec);
                let fault = Some(Box::new(fault));
                (
                    Verdict::Failed,
                    status,
                    answer,
                    fault,
                    details.map(Box::new),
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
            recheck: false,
            resolver: resolver.map(|(resolver, _)| resolver),
            transport: resolver.map(|(_, transport)| transport),
            class: self.query.question().class(),
            answer,
            details,
            fault,
            trace: self.trace.map(|trace| trace.events.into()),
            job: self.job,
        }
    }

    /// Why there is no answer, and about which name if that is not the one of the job.
    fn fault(&self) -> (Status, Fault) {
        let query = self.current();
        let (status, mut fault) = query.fault();
        let target = self.aliases.as_ref().and_then(|aliases| aliases.last());
        if let Some(target) = target.and_then(|query| DnsName::from_wire(query.question().name())) {
            fault.message = format!("alias target {target}: {}", fault.message).into();
        }
        (status, fault)
    }
}
