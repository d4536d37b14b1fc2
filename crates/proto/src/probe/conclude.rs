//! What follows from how a journey ended: another hop, another way, another try, the next
//! address, the next request, or the end.

use std::time::Duration;

use canvass_model::{AddressVerdict, Cause, Hop, Phase, Phases, Remote, Status, Time, Verdict};

use super::destination::Destination;
use super::failure::{Ended, Failure};
use super::line::Dialog;
use super::{Output, Probe, Stage, destination};
use crate::http::Request;

/// The wait before a second attempt; it doubles with each.
const BACKOFF: Duration = Duration::from_millis(100);
/// The longest wait between two attempts.
const BACKOFF_MAX: Duration = Duration::from_secs(2);

impl Probe {
    /// The answer of an HTTP server is there, whole.
    pub(super) fn answered(&mut self, now: Time) {
        let Some(Dialog::Http(answer)) = self.line.as_ref().map(|line| &line.dialog) else {
            return;
        };
        let Some(head) = answer.head() else { return };
        let code = head.code();
        let follow_max = self.http_follow_max();
        let leads = if follow_max > 0 {
            head.location()
        } else {
            None
        };
        let next = match (leads, &self.request) {
            (Some(location), Some(request)) => request.redirected(code, &location),
            _ => Ok(None),
        };
        match next {
            Ok(None) => {
                self.conclude(now, Ended::Settled(Verdict::Answered, Status::Http(code)));
            }
            Ok(Some(_)) if self.hops.len() >= follow_max as usize => {
                let text = format!("more than {follow_max} redirects");
                self.redirect_failed(now, code, text);
            }
            Ok(Some(request)) => self.hop(now, code, request),
            Err(error) => self.redirect_failed(now, code, error.to_string()),
        }
    }

    fn redirect_failed(&mut self, now: Time, code: u16, message: String) {
        let mut failure = self.failure(Cause::Redirect, message);
        failure.status = Status::Http(code);
        self.conclude(now, Ended::Failed(failure));
    }

    /// Goes on to where an answer leads.
    fn hop(&mut self, now: Time, code: u16, next: Request) {
        let destination = match Destination::of_url(next.url(), &self.module) {
            Ok(destination) => destination,
            Err(reason) => return self.redirect_failed(now, code, reason.into()),
        };
        let same = destination.is_same_server(&self.destination);
        self.note(now, "redirect", None, || format!("{code} {}", next.url()));
        let url = self
            .request
            .replace(next)
            .map(|request| request.url().to_string());
        let location = self
            .request
            .as_ref()
            .map(|request| request.url().to_string());
        self.hops.push(Hop {
            url: url.unwrap_or_default().into(),
            code,
            remote: self.remote.clone(),
            location: location.unwrap_or_default().into(),
        });
        self.fallback = None;
        self.strayed = true;
        if self.takes_all_addresses() && self.addresses_left.is_none() {
            self.addresses_left = Some(std::mem::take(&mut self.candidates));
        }
        let unix = self.destination.unix.take();
        self.destination = destination;
        if same {
            self.destination.unix = unix;
            if self.keeps_line() {
                if let Some(line) = &mut self.line {
                    line.reused = true;
                    line.dialog = Dialog::None;
                }
                return self.begin_talk(now);
            }
        }
        self.close_line(now);
        self.gathered.forget_page();
        self.clock.turn(now, Phase::Wait);
        self.enter_stage(Stage::Setting, Time::MAX);
    }

    /// A journey is over.
    pub(super) fn conclude(&mut self, now: Time, ended: Ended) {
        let keep = matches!(ended, Ended::Settled(..)) && !self.strayed && self.keeps_line();
        if keep && self.has_more_requests() {
            self.gather();
        } else {
            self.close_line(now);
        }
        self.race_off();
        if let Ended::Failed(failure) = &ended {
            if self.falls_back(failure) {
                return self.fall_back(now);
            }
            if self.tries_again(now, failure) {
                return self.pause(now, failure.clone());
            }
        }
        if self.takes_all_addresses() {
            self.note_verdict(now, &ended);
            if let Some(left) = self.addresses_left.take() {
                self.candidates = left;
            }
            if !self.candidates.is_empty() {
                return self.next_address(now);
            }
            let overall = self.overall(ended);
            return self.end(now, overall);
        }
        self.end(now, ended);
    }

    /// The time of a stage, or of the whole, is over.
    pub(super) fn run_out(&mut self, now: Time, by_deadline: bool) {
        if self.stage == Stage::Talking && self.talk_over(now) {
            return;
        }
        if self.stage == Stage::Resolving
            && let Some(known) = self.lookup_failure(now)
        {
            return if by_deadline {
                self.end(now, Ended::Failed(known))
            } else {
                self.conclude(now, Ended::Failed(known))
            };
        }
        if !by_deadline {
            let goes_on = match self.stage {
                Stage::Racing => self.race_on(now),
                Stage::Talking => self.next_datagram_address(now),
                _ => false,
            };
            if goes_on {
                return;
            }
        }
        if !by_deadline {
            let failure = self.timeout_failure(false);
            return self.conclude(now, Ended::Failed(failure));
        }
        let mut failure = self.timeout_failure(true);
        // What kept it from its next attempt is no news; the last attempt is.
        let between = matches!(
            self.stage,
            Stage::Pausing | Stage::Setting | Stage::Pacing | Stage::Entering
        );
        if between && let Some(last) = self.gathered.last_failure.take() {
            failure = last;
        }
        if self.takes_all_addresses() && (self.remote.is_some() || self.verdicts.is_some()) {
            let ended = Ended::Failed(failure);
            self.close_line(now);
            if let (true, Some(Remote::Inet(address))) = (self.keeps_addresses, &self.remote) {
                // It was to be tried again, and has its verdict now.
                self.candidates.remove(address.ip());
            }
            self.note_verdict(now, &ended);
            self.note_addresses_left();
            let overall = self.overall(ended);
            return self.end(now, overall);
        }
        self.end(now, Ended::Failed(failure));
    }

    /// The request is over, for good.
    pub(super) fn end(&mut self, now: Time, ended: Ended) {
        let more = self.has_more_requests();
        self.race_off();
        let kept = more && matches!(ended, Ended::Settled(..)) && self.keeps_line();
        if !kept || self.strayed {
            self.close_line(now);
        }
        self.ended = Some(ended);
        self.requests_done += 1;
        if more {
            let outcome = self.outcome(now);
            self.output(Output::Report(Box::new(outcome)));
            self.output(Output::AcquireTurn);
            self.enter_stage(Stage::Waiting, Time::MAX);
            self.deadline = Time::MAX;
        } else {
            self.enter_stage(Stage::Over, Time::MAX);
        }
    }

    fn has_more_requests(&self) -> bool {
        !self.last_request && u64::from(self.requests_done) + 1 < self.job.spec.outcomes()
    }

    /// Whether the connection may carry another request.
    fn keeps_line(&self) -> bool {
        let Some(line) = &self.line else { return false };
        match &line.dialog {
            Dialog::Http(answer) => {
                answer.can_reuse() && !line.has_unsent() && !self.takes_all_addresses()
            }
            _ => false,
        }
    }

    /// Closes the connection, and keeps what it told.
    pub(super) fn close_line(&mut self, now: Time) {
        self.gather();
        if let Some(line) = self.line.take() {
            self.note(now, "close", None, String::new);
            self.output(Output::Close(line.connection));
        }
    }

    /// Ends connections that are still being opened.
    fn race_off(&mut self) {
        for racer in std::mem::take(&mut self.race) {
            self.output(Output::Close(racer.connection));
        }
        self.stagger_at = Time::MAX;
    }

    /// Whether https came to nothing in a way that leaves http to be tried.
    fn falls_back(&self, failure: &Failure) -> bool {
        self.fallback.is_some()
            && matches!(
                failure.fault.cause,
                Cause::Refused
                    | Cause::Reset
                    | Cause::Closed
                    | Cause::Timeout
                    | Cause::Unreachable
                    | Cause::Alert
                    | Cause::Handshake
            )
            && matches!(failure.fault.phase, Phase::Connect | Phase::Tls)
    }

    fn fall_back(&mut self, now: Time) {
        let (Some(fallback), Some(request)) = (self.fallback.take(), &self.request) else {
            return;
        };
        let mut url = request.url().clone();
        // A known scheme and a host that is there: neither can fail.
        let _ = url.set_scheme("http");
        let _ = url.set_port(Some(fallback.port));
        let request = Request::new(request.settings(), &url);
        if let Ok(destination) = Destination::of_url(request.url(), &self.module) {
            self.destination = destination;
        }
        self.note(now, "fallback", None, || request.url().to_string());
        self.request = Some(request);
        self.strayed = true;
        self.paced = true;
        self.keep_this_address();
        self.gathered.forget_page();
        self.clock.turn(now, Phase::Wait);
        self.enter_stage(Stage::Setting, Time::MAX);
    }

    fn tries_again(&self, now: Time, failure: &Failure) -> bool {
        self.retries < self.module.retries
            && now + self.backoff() < self.deadline
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
            .saturating_mul(1 << self.retries.min(16))
            .min(BACKOFF_MAX)
    }

    /// Waits, and then begins from the start.
    fn pause(&mut self, now: Time, failure: Failure) {
        let end = now + self.backoff();
        self.retries += 1;
        self.note(now, "retry", None, String::new);
        self.keep_this_address();
        self.back_to_start();
        self.gathered = super::Gathered::default();
        self.gathered.last_failure = Some(failure);
        self.clock.turn(now, Phase::Wait);
        self.enter_stage(Stage::Pausing, end);
    }

    /// Puts the first destination back, after redirects and fallbacks.
    fn back_to_start(&mut self) {
        if std::mem::take(&mut self.strayed)
            && let Ok((destination, request, fallback)) =
                destination::of_job(&self.job, &self.module)
        {
            self.hops.clear();
            self.destination = destination;
            self.request = request;
            self.fallback = fallback;
        }
    }

    /// Where the addresses are probed one after the other, the next try is at the same one.
    fn keep_this_address(&mut self) {
        if !self.takes_all_addresses() {
            return;
        }
        let first = self.hops.first().and_then(|hop| hop.remote.as_ref());
        let Some(Remote::Inet(address)) = first.or(self.remote.as_ref()) else {
            return;
        };
        let address = address.ip();
        if let Some(left) = self.addresses_left.take() {
            self.candidates = left;
        }
        self.candidates.put_back(address);
        self.keeps_addresses = true;
    }

    /// The addresses that were not come to before the deadline.
    fn note_addresses_left(&mut self) {
        let mut left = self
            .addresses_left
            .take()
            .unwrap_or_else(|| std::mem::take(&mut self.candidates));
        self.back_to_start();
        while let Some(address) = left.next() {
            let remote = Remote::Inet((address, self.destination.connect_port).into());
            let message = format!("the deadline came before {remote} was asked");
            let mut failure = Failure::new(Phase::Wait, Cause::Timeout, message);
            // Nobody asked it, so it is not to blame.
            failure.status = Status::Local;
            self.verdicts.get_or_insert_default().push(AddressVerdict {
                remote,
                verdict: Verdict::Failed,
                status: failure.status,
                phases: Phases::default(),
                fault: Some(Box::new(failure.fault)),
            });
        }
    }

    /// Whether every address of the host is to be probed.
    pub(super) fn takes_all_addresses(&self) -> bool {
        self.module.reach.all_addresses && self.module.reach.unix_socket.is_none()
    }

    fn note_verdict(&mut self, now: Time, ended: &Ended) {
        self.clock.settle(now);
        let (verdict, status, fault) = match ended {
            Ended::Settled(verdict, status) => (*verdict, *status, None),
            Ended::Failed(failure) => (
                Verdict::Failed,
                failure.status,
                Some(Box::new(failure.fault.clone())),
            ),
        };
        let phases = self.clock.take_leg();
        let first = self.hops.first().and_then(|hop| hop.remote.clone());
        if let Some(remote) = first.or_else(|| self.remote.clone()) {
            self.verdicts.get_or_insert_default().push(AddressVerdict {
                remote,
                verdict,
                status,
                phases,
                fault,
            });
        }
    }

    fn next_address(&mut self, now: Time) {
        self.back_to_start();
        self.retries = 0;
        self.remote = None;
        self.tls = None;
        self.lost = None;
        self.gathered = super::Gathered::default();
        self.keeps_addresses = true;
        self.clock.turn(now, Phase::Wait);
        self.enter_stage(Stage::Setting, Time::MAX);
    }

    /// What all addresses come to: the first of the worst of them.
    fn overall(&self, last: Ended) -> Ended {
        let of = |verdict| {
            let mut verdicts = self.verdicts.iter().flatten();
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
            Some(one) => Ended::Settled(one.verdict, one.status),
            None => last,
        }
    }

    /// Forgets the request that was, for the next.
    pub(super) fn begin_request(&mut self, now: Time) {
        self.back_to_start();
        self.due = now;
        self.deadline = now + self.module.timeouts.deadline;
        self.clock = super::clock::Clock::default();
        self.attempts = 0;
        self.retries = 0;
        self.hindrance = None;
        self.lost = None;
        self.keeps_addresses = false;
        self.verdicts = None;
        self.addresses_left = None;
        self.ended = None;
        self.gathered = super::Gathered::default();
        if let Some(trace) = &mut self.trace {
            trace.clear();
        }
    }
}
