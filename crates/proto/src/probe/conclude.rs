//! What follows from how an attempt ended: the fallback, a retry, the next address, the next request,
//! or the end of the job.

use std::time::Duration;

use canvass_model::{
    AddressVerdict, Cause, HttpFallback, Phase, Phases, Remote, Status, Time, Verdict,
};

use super::failure::{Ended, Failure};
use super::protocol::Protocol;
use super::stage::{Departure, Route, Stage};
use super::tour::{Journey, Peer};
use super::{Output, Probe};

/// The wait before a second attempt. It doubles with each further one.
const BACKOFF: Duration = Duration::from_millis(100);
/// The longest wait between two attempts.
const BACKOFF_MAX: Duration = Duration::from_secs(2);

impl Probe {
    /// Departs for another page.
    pub(super) fn depart_anew(&mut self, now: Time, departure: Departure) {
        self.journey.findings.forget_page();
        self.tour.clock.turn(now, Phase::Wait);
        self.enter_stage(Stage::Departing(departure), Time::MAX);
    }

    /// An attempt is over.
    pub(super) fn conclude(&mut self, now: Time, ended: Ended) {
        let ended = self.return_from_icon(now, ended);
        if !self.keeps_connection(&ended) {
            self.close_stage(now);
        }
        if let Ended::Failed(failure) = &ended {
            if let Some(fallback) = self.fallback_after(failure) {
                return self.fall_back(now, fallback);
            }
            if self.is_retried(now, failure) {
                return self.back_off(now, failure.clone());
            }
        }
        if !self.probes_all_addresses() {
            return self.end(now, ended);
        }
        self.note_verdict(now, &ended);
        if self.tour.addresses.is_empty() {
            let overall = self.overall(ended);
            return self.end(now, overall);
        }
        self.tour.retries = 0;
        self.tour.peer = Peer::default();
        self.forget_cookies();
        self.tour.clock.turn(now, Phase::Wait);
        let (paced, route) = (false, Route::NextAddress);
        self.journey = self.fresh_journey(Stage::Departing(Departure { paced, route }));
    }

    /// The stage timed out, or the whole job.
    pub(super) fn run_out(&mut self, now: Time, by_deadline: bool) {
        if self.script_timed_out(now) {
            return;
        }
        if matches!(self.journey.stage, Stage::Resolving(_))
            && let Some(known) = self.lookup_failure(now)
        {
            let ended = Ended::Failed(known);
            return if by_deadline {
                self.end(now, ended)
            } else {
                self.conclude(now, ended)
            };
        }
        if !by_deadline {
            let goes_on = match self.journey.stage {
                Stage::Dialing(_) => self.dial_on(now),
                Stage::Talking(_) => self.next_datagram_address(now),
                _ => false,
            };
            if !goes_on {
                let failure = self.timeout_failure(false);
                self.conclude(now, Ended::Failed(failure));
            }
            return;
        }
        self.tour.clock.settle(now);
        let mut failure = self.timeout_failure(true);
        // How the last attempt failed matters more than what delayed the next.
        if self.journey.stage.is_before_start()
            && let Some(previous) = self.journey.previous.take()
        {
            failure = previous;
        }
        let mut ended = Ended::Failed(failure);
        if self.probes_all_addresses()
            && (self.tour.peer.remote.is_some() || self.tour.verdicts.is_some())
        {
            self.close_stage(now);
            self.note_verdict(now, &ended);
            self.note_addresses_left();
            ended = self.overall(ended);
        }
        self.end(now, ended);
    }

    /// The request is over.
    pub(super) fn end(&mut self, now: Time, ended: Ended) {
        let ended = self.return_from_icon(now, ended);
        let kept = if self.keeps_connection(&ended) {
            self.gather();
            self.journey.stage.take_established()
        } else {
            self.close_stage(now);
            None
        };
        let has_more = self.has_more_requests();
        self.job.requests_done += 1;
        if has_more {
            let outcome = self.outcome(now, self.job.given.clone(), ended);
            self.output(Output::Report(Box::new(outcome)));
            self.output(Output::AcquireTurn);
            self.enter_stage(Stage::Idle(kept), Time::MAX);
        } else {
            self.enter_stage(Stage::Over(Some(ended)), Time::MAX);
        }
    }

    fn has_more_requests(&self) -> bool {
        let begun = u64::from(self.job.requests_done) + 1;
        !self.job.is_last_request && begun < self.job.given.spec.outcomes()
    }

    /// Whether the connection is kept for the job's next request.
    fn keeps_connection(&self, ended: &Ended) -> bool {
        !matches!(ended, Ended::Failed(_))
            && self.journey.detour.is_none()
            && self.has_more_requests()
            && self.can_reuse()
    }

    /// Whether the connection can carry another request.
    pub(super) fn can_reuse(&self) -> bool {
        let Some(established) = self.journey.stage.established() else {
            return false;
        };
        match &established.protocol {
            Protocol::Http(response) => {
                response.can_reuse() && !established.has_unsent() && !self.probes_all_addresses()
            }
            _ => false,
        }
    }

    /// Closes what the stage has open, and keeps what it has shown.
    pub(super) fn close_stage(&mut self, now: Time) {
        self.gather();
        if let Some(established) = self.journey.stage.take_established() {
            self.note(now, "close", None, String::new);
            self.output(Output::Close(established.id));
        } else if let Some(dialing) = self.journey.stage.dialing_mut() {
            for dial in std::mem::take(dialing).dials {
                self.output(Output::Close(dial.connection));
            }
        }
    }

    /// What can be tried if https fails.
    pub(super) fn fallback(&self) -> Option<HttpFallback> {
        self.course().fallback
    }

    /// The fallback, if https failed in a way that http may not.
    fn fallback_after(&self, failure: &Failure) -> Option<HttpFallback> {
        let is_unreachable = matches!(
            failure.fault.cause,
            Cause::Refused
                | Cause::Reset
                | Cause::Closed
                | Cause::Timeout
                | Cause::Unreachable
                | Cause::Proxy
                | Cause::Alert
                | Cause::Handshake
        );
        let is_early = matches!(failure.fault.phase, Phase::Connect | Phase::Tls);
        self.fallback().filter(|_| is_unreachable && is_early)
    }

    fn fall_back(&mut self, now: Time, fallback: HttpFallback) {
        let Some(request) = &self.course().request else {
            return;
        };
        let request = request.over_http(fallback.port);
        let Ok(course) = self.course_of(request) else {
            return;
        };
        self.note(now, "fallback", None, || course.url().into());
        self.journey.detour = Some(Box::new(course));
        let (paced, route) = (true, self.same_route());
        self.depart_anew(now, Departure { paced, route });
    }

    fn is_retried(&self, now: Time, failure: &Failure) -> bool {
        self.tour.retries < self.job.module.retries
            && now + self.backoff() < self.tour.deadline
            && matches!(
                failure.fault.cause,
                Cause::Timeout
                    | Cause::Refused
                    | Cause::Reset
                    | Cause::Closed
                    | Cause::Unreachable
                    | Cause::Truncated
                    | Cause::Rcode
            )
    }

    fn backoff(&self) -> Duration {
        BACKOFF
            .saturating_mul(1 << self.tour.retries.min(16))
            .min(BACKOFF_MAX)
    }

    /// Waits, and then begins another attempt at the start.
    fn back_off(&mut self, now: Time, failure: Failure) {
        let end = now + self.backoff();
        self.tour.retries += 1;
        self.note(now, "retry", None, String::new);
        self.tour.clock.turn(now, Phase::Wait);
        let route = self.same_route();
        self.journey = Journey {
            previous: Some(failure),
            stage_end: end,
            ..self.fresh_journey(Stage::BackingOff(route))
        };
    }

    /// If addresses are probed one after the other, another try is at the same one.
    fn same_route(&mut self) -> Route {
        if !self.probes_all_addresses() {
            return Route::LookUp;
        }
        if let Some(first) = self.journey.hops.first() {
            self.tour.peer.remote.clone_from(&first.remote);
        }
        match &self.tour.peer.remote {
            Some(Remote::Inet(address)) => Route::SameAddress(address.ip()),
            _ => Route::LookUp,
        }
    }

    /// Notes the verdicts of addresses that were not probed before the deadline.
    fn note_addresses_left(&mut self) {
        // The outcome is not that of the last redirect then.
        self.journey.detour = None;
        self.journey.hops.clear();
        let port = self.job.start.destination.connect_port;
        while let Some(address) = self.tour.addresses.next() {
            let remote = Remote::Inet((address, port).into());
            let message = format!("the deadline came before {remote} was asked");
            let fault = Failure::new(Phase::Wait, Cause::Timeout, message).fault;
            self.tour
                .verdicts
                .get_or_insert_default()
                .push(AddressVerdict {
                    remote,
                    verdict: Verdict::Failed,
                    // Nobody asked it, so it is not to blame.
                    status: Status::Local,
                    phases: Phases::default(),
                    fault: Some(Box::new(fault)),
                    unmet: None,
                });
        }
    }

    fn note_verdict(&mut self, now: Time, ended: &Ended) {
        self.tour.clock.settle(now);
        let phases = self.tour.clock.take_leg();
        let first = self.journey.hops.first().and_then(|hop| hop.remote.clone());
        if let Some(remote) = first.or_else(|| self.tour.peer.remote.clone()) {
            let verdict = ended.verdict();
            let (status, unmet, fault) = ended.clone().into_parts();
            self.tour
                .verdicts
                .get_or_insert_default()
                .push(AddressVerdict {
                    remote,
                    verdict,
                    status,
                    phases,
                    fault,
                    unmet,
                });
        }
    }

    /// The verdict on all addresses together: the first of the worst.
    fn overall(&self, last: Ended) -> Ended {
        let of = |verdict| {
            let mut verdicts = self.tour.verdicts.iter().flatten();
            verdicts.find(|one| one.verdict == verdict)
        };
        let worst = of(Verdict::Failed)
            .or_else(|| of(Verdict::Negative))
            .or_else(|| of(Verdict::Answered));
        match worst {
            Some(AddressVerdict {
                status,
                fault: Some(fault),
                ..
            }) => Ended::Failed(Failure {
                status: *status,
                fault: (**fault).clone(),
            }),
            Some(AddressVerdict {
                status,
                unmet: Some(unmet),
                ..
            }) => Ended::Unmet(*status, unmet.clone()),
            Some(one) => Ended::Answered(one.status),
            None => last,
        }
    }
}
