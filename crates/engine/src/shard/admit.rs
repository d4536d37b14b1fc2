//! Admits jobs.

use canvass_model::{
    Cause, Fault, Job, Outcome, Phase, ProbeSpec, Status, Target, Time, Transport,
};
use canvass_proto::{LameSet, SendRequest, Session, UpstreamId};

use super::Shard;
use super::transmit::{BLOCKED_WAIT, PASSED_OVER_MAX, SendTurn};
use crate::net::Net;
use crate::upstream::AddError;

impl<N: Net> Shard<N> {
    /// The first query of a new job, at the resolver it names if it names one.
    fn first_request(&self, now: Time, only: Option<UpstreamId>) -> SendRequest {
        let mut request = SendRequest {
            transport: self.config.limits.transport.first(),
            avoid: None,
            lame: LameSet::EMPTY,
            prefer: None,
            only,
            first: true,
        };
        self.upstreams.advise(now, &mut request);
        request
    }

    /// Begins questions that were put aside, at most one per resolver that they wait for.
    pub(super) fn admit_held(&mut self, turn: &mut SendTurn) {
        for _ in 0..self.intake.awaited().min(PASSED_OVER_MAX) {
            if !turn.goes_on() || !self.has_room() {
                return;
            }
            if let Some(at) = self.pacer.hold(turn.now) {
                return self.sender.resume_by(at);
            }
            let Some(only) = self.intake.next_awaited() else {
                return;
            };
            let mut request = self.first_request(turn.now, only);
            match self.upstreams.pick(turn.now, &mut request, true) {
                Ok(upstream) => {
                    if let Some(mut job) = self.intake.release() {
                        self.set_due(turn.now, &mut job);
                        self.admit_job(turn, job, &request, Some(upstream));
                    }
                }
                Err(at) => {
                    self.sender.resume_by(at);
                    if let Some(fault) = self.reason_to_wait(only, request.transport) {
                        self.end_overdue(turn, &fault);
                    }
                }
            }
        }
        if self.intake.awaited() > PASSED_OVER_MAX {
            self.sender.resume_by(turn.now + BLOCKED_WAIT);
        }
    }

    /// Why jobs wait for a resolver in vain, if they do: it does not answer, or cannot be asked from
    /// here.
    fn reason_to_wait(&self, only: Option<UpstreamId>, transport: Transport) -> Option<Fault> {
        let local = only.and_then(|only| self.upstreams.lasting_local_fault(only, transport));
        let (cause, errno, message) = match (local, only) {
            (Some(lost), _) => (
                lost.cause,
                lost.errno,
                "this system does not send to the resolver that this job names",
            ),
            (None, Some(only)) if self.upstreams.is_benched(only, transport) => (
                Cause::Timeout,
                None,
                "the resolver that this job names answers no queries",
            ),
            (None, None) if self.upstreams.all_benched(transport) => {
                (Cause::Timeout, None, "no resolver answers queries")
            }
            _ => return None,
        };
        Some(Fault {
            phase: Phase::Wait,
            cause,
            message: message.into(),
            errno,
        })
    }

    /// Ends jobs that have waited in vain for as long as a job may take.
    fn end_overdue(&mut self, turn: &mut SendTurn, fault: &Fault) {
        while turn.goes_on()
            && let Some(since) = self.intake.held_since()
        {
            let end = since + self.config.limits.deadline;
            if end > turn.now {
                return self.sender.resume_by(end);
            }
            if let Some(mut job) = self.intake.release() {
                self.set_due(turn.now, &mut job);
                self.end_unasked(turn, job, fault.clone());
            }
        }
    }

    /// Begins new jobs while there is a permit for each; only one while other queries wait to be
    /// sent.
    pub(super) fn admit(&mut self, turn: &mut SendTurn) {
        while turn.goes_on() {
            self.intake.stage(&self.channels.jobs);
            if self.intake.next().is_none() || !self.has_room() {
                return;
            }
            let Some(next) = self.intake.next() else {
                return;
            };
            if let Some(due) = self.due_of(next).filter(|due| *due > turn.now) {
                return self.sender.resume_by(due);
            }
            if is_probe(next.spec) {
                if !self.admit_probe(turn) {
                    return;
                }
                continue;
            }
            let mut request = self.first_request(turn.now, None);
            let mut permit = None;
            if !matches!(next.target, Target::Invalid { .. }) {
                if let Some(at) = self.pacer.hold(turn.now) {
                    return self.sender.resume_by(at);
                }
                if let Some(resolver) = next.resolver.as_deref() {
                    match self.upstreams.add(*resolver) {
                        Ok(upstream) => request = self.first_request(turn.now, Some(upstream)),
                        Err(error) => {
                            if let Some(job) = self.take_job(turn.now) {
                                let fault = Fault {
                                    phase: Phase::Wait,
                                    cause: match error {
                                        AddError::Denied(_) => Cause::Denied,
                                        _ => Cause::System,
                                    },
                                    message: error.to_string().into(),
                                    errno: None,
                                };
                                self.end_unasked(turn, job, fault);
                            }
                            continue;
                        }
                    }
                }
                match self.upstreams.pick(turn.now, &mut request, true) {
                    Ok(upstream) => permit = Some(upstream),
                    Err(at) => {
                        self.sender.resume_by(at);
                        if self.may_pass(request.only) && self.intake.hold(turn.now, request.only) {
                            continue;
                        }
                        return;
                    }
                }
            }
            let Some(job) = self.take_job(turn.now) else {
                return;
            };
            self.admit_job(turn, job, &request, permit);
            if !self.sender.is_empty() {
                return;
            }
        }
    }

    /// Whether other jobs may go before a question that waits for a permit. Questions to the
    /// resolvers of the run have the same permits, but probes behind them need none.
    fn may_pass(&self, only: Option<UpstreamId>) -> bool {
        only.is_some() || !self.config.probing.modules.is_empty()
    }

    /// Ends a job that cannot be asked.
    fn end_unasked(&mut self, turn: &mut SendTurn, job: Job, fault: Fault) {
        self.report.admitted += 1;
        let status = match fault.cause {
            Cause::Timeout => Status::Timeout,
            _ => Status::Local,
        };
        let outcome = Outcome::unbegun(job, turn.now, status, fault);
        self.push_outcome(turn.now, turn.now, outcome);
        self.count_sent(turn);
    }

    /// Begins a job, which has a permit unless its target is invalid.
    fn admit_job(
        &mut self,
        turn: &mut SendTurn,
        job: Job,
        request: &SendRequest,
        permit: Option<UpstreamId>,
    ) {
        self.sender.begin_row();
        self.report.admitted += 1;
        match Session::new(job, turn.now, &self.config.limits) {
            Ok(session) => {
                let mut session = Box::new(session);
                if let Some(only) = request.only {
                    session.ask_only(only);
                }
                self.begin(turn, session, request, permit);
            }
            Err(outcome) => {
                self.push_outcome(turn.now, turn.now, outcome);
                self.count_sent(turn);
            }
        }
    }

    pub(super) fn count_in_flight(&mut self) {
        let under_way = self.tasks.jobs() as u64;
        self.report.in_flight_max = self.report.in_flight_max.max(under_way);
    }
}

/// Whether a job is a probe of a host.
pub(super) fn is_probe(spec: ProbeSpec) -> bool {
    !matches!(spec, ProbeSpec::Ptr { .. } | ProbeSpec::Dns { .. })
}
