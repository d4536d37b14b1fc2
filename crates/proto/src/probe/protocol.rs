//! What is exchanged over a connection: an HTTP request and its response, or a script.

use canvass_model::{Cause, Phase, Status, Time};

use super::established::Established;
use super::failure::Ended;
use super::module::ModuleKind;
use super::stage::{Departure, Stage};
use super::strange::Strange;
use super::tour::{Journey, Tour};
use super::{Output, Probe};
use crate::http::{Progress, RequestContext, ResponseReader};
use crate::talk::{Mismatch, Talk, TalkOutput};
use crate::tunnel::Tunnel;

/// The protocol over a connection.
pub(super) enum Protocol {
    None,
    Tunnel(Box<Tunnel>),
    Http(Box<ResponseReader>),
    Talk(Box<Talk>),
}

impl Probe {
    /// The connection is ready: sends the request, or starts the script.
    pub(super) fn start_protocol(&mut self, now: Time, mut established: Established) {
        let timeouts = self.job.module.timeouts;
        if let Protocol::Talk(talk) = &mut established.protocol {
            // The script started TLS. What was received before still counts.
            talk.secured();
            self.tour.clock.turn(now, Phase::Transfer);
            return self.enter_stage(Stage::Talking(established), now + timeouts.transfer);
        }
        let mut end = now + timeouts.first_byte;
        let is_secured = established.connection.tls().is_some();
        let talk = |script, credentials: &Option<_>| {
            let unix_ns = self.job.module.unix_ns_at_zero;
            let talk = Talk::new(script, credentials.as_ref(), self.job.nonce, unix_ns)
                .within(timeouts.transfer.min(timeouts.deadline));
            if is_secured { talk.over_tls() } else { talk }
        };
        established.protocol = match (&self.job.module.kind, &self.course().request) {
            (
                ModuleKind::Tcp {
                    script,
                    credentials,
                    ..
                },
                _,
            ) => match script.as_ref().filter(|script| !script.is_empty()) {
                Some(script) => Protocol::Talk(Box::new(talk(script, credentials))),
                None => return self.start_nothing(now, established, end),
            },
            (
                ModuleKind::Udp {
                    script,
                    credentials,
                    window,
                },
                _,
            ) => {
                end = window.map_or(end, |window| now + window);
                Protocol::Talk(Box::new(talk(script, credentials).over_datagrams()))
            }
            (ModuleKind::Http { expect, .. }, Some(request)) => {
                let cookies = self.cookies_for(now, request);
                let context = RequestContext {
                    cookies: &cookies,
                    proxy: self.course().destination.forwarding_proxy(),
                };
                established.connection.send(|out| {
                    out.reserve(256);
                    request.write(out, &context);
                });
                let mut response = ResponseReader::new(request);
                if expect.as_ref().is_some_and(|expect| expect.needs_body()) {
                    response = response.keeping_body();
                }
                Protocol::Http(Box::new(response))
            }
            (ModuleKind::Http { .. }, None) => unreachable!("every http job has a request"),
        };
        established.has_received = false;
        self.tour.clock.turn(now, Phase::FirstByte);
        // A script sends only when it runs.
        if matches!(established.protocol, Protocol::Http(_)) {
            self.output(Output::Write(established.id));
        }
        self.enter_stage(Stage::Talking(established), end);
    }

    /// The connection is open, and that was all that was asked for.
    fn start_nothing(&mut self, now: Time, established: Established, end: Time) {
        let id = established.id;
        // A header of the PROXY protocol has to leave first. What TLS has to send does not matter.
        let is_unsent = established.has_unsent() && established.connection.tls().is_none();
        self.enter_stage(Stage::Talking(established), end);
        if is_unsent {
            self.output(Output::Write(id));
        } else {
            self.opened(now);
        }
    }

    pub(super) fn opened(&mut self, now: Time) {
        self.judge(now, Status::Open);
    }

    /// Takes octets that were received for the protocol.
    pub(super) fn take(&mut self, now: Time, octets: &[u8]) {
        let Some(established) = self.journey.stage.established_mut() else {
            return;
        };
        if !std::mem::replace(&mut established.has_received, true) {
            self.tour.clock.turn(now, Phase::Transfer);
            self.journey.stage_end = now + self.job.module.timeouts.transfer;
        }
        match &mut established.protocol {
            Protocol::None | Protocol::Tunnel(_) => {}
            Protocol::Talk(talk) => talk.received(now, octets),
            Protocol::Http(response) => {
                let progress = response.received(octets);
                let (is_redirect, is_stray) = (response.is_redirect(), response.is_stray());
                match progress {
                    // A redirect is followed without judging its body.
                    Ok(Progress::Done) => self.answered(now),
                    _ if is_redirect && self.follows_redirects() => self.answered(now),
                    Ok(_) => {}
                    // It belongs to the response before this one.
                    Err(_) if is_stray && self.may_resend_request() => self.reconnect(now),
                    Err(fault) => self.response_failed(now, fault.cause, &fault.message),
                }
            }
        }
    }

    /// Runs a script as far as possible. Returns how long to wait if it can go no further by
    /// itself.
    pub(super) fn run_script(&mut self, now: Time) -> Option<Time> {
        let Some(established) = self.journey.stage.established_mut() else {
            return Some(Time::MAX);
        };
        // Datagrams leave one by one.
        let is_pending = established.has_pending_datagram();
        let Protocol::Talk(talk) = &mut established.protocol else {
            return Some(Time::MAX);
        };
        if is_pending {
            return Some(Time::MAX);
        }
        let mut said = Vec::new();
        match talk.poll(now, &mut said) {
            TalkOutput::Send => {
                established.connection.send(|out| out.append(&mut said));
                if let Some(datagrams) = &mut established.datagrams {
                    datagrams.pending = true;
                }
                let id = established.id;
                self.output(Output::Write(id));
            }
            TalkOutput::StartTls => {
                if let Some(established) = self.journey.stage.take_established() {
                    self.start_tls(now, established);
                }
            }
            TalkOutput::HalfClose => {
                established.connection.shut_write();
                let id = established.id;
                let output = if established.connection.take_shutdown() {
                    Output::ShutWrite(id)
                } else {
                    Output::Write(id)
                };
                self.output(output);
            }
            TalkOutput::Wait(until) => return Some(until),
            TalkOutput::Read => return Some(Time::MAX),
            // What was sent has to leave before the end.
            TalkOutput::Matched if established.has_unsent() => return Some(Time::MAX),
            TalkOutput::Matched => self.judge(now, Status::Matched),
            TalkOutput::Unmatched(mismatch) => self.unmatched(now, mismatch),
            TalkOutput::Fault(fault) => {
                let failure = self.failure(fault.cause, fault.message);
                self.conclude(now, Ended::Failed(failure));
            }
        }
        None
    }

    /// What was received is not what the script expects.
    fn unmatched(&mut self, now: Time, mismatch: Box<Mismatch>) {
        let mut unmet = mismatch.unmet();
        if let Some(established) = self.journey.stage.established()
            && let Some(datagrams) = established.datagrams.as_ref().filter(|one| one.many)
        {
            unmet.seen = datagrams.seen();
        }
        self.journey.findings.mismatch = Some(mismatch);
        self.conclude(now, Ended::Unmet(Status::Unmatched, Box::new(unmet)));
    }

    /// A script timed out, or the time to collect replies is over. Returns whether that concluded
    /// the attempt: a reply that does not match does, silence does not.
    pub(super) fn script_timed_out(&mut self, now: Time) -> bool {
        let Stage::Talking(established) = &self.journey.stage else {
            return false;
        };
        let Protocol::Talk(talk) = &established.protocol else {
            return false;
        };
        if let Some(datagrams) = established.datagrams.as_ref().filter(|one| one.many) {
            if datagrams.replies.is_empty() {
                return false;
            }
            if datagrams.replies.iter().any(|reply| reply.matched) {
                self.judge(now, Status::Matched);
            } else {
                self.unmatched(now, Box::new(Mismatch::of_replies()));
            }
            return true;
        }
        let mismatch = talk.mismatch();
        let has_mismatch = mismatch.is_some();
        if let Some(mismatch) = mismatch {
            self.unmatched(now, Box::new(mismatch));
        }
        has_mismatch
    }

    /// What the protocol waits for.
    pub(super) fn waiting_for(&self) -> Option<String> {
        match &self.journey.stage.established()?.protocol {
            Protocol::Talk(talk) => Some(talk.waiting_for()),
            Protocol::Http(response) if response.head().is_some() => {
                Some("the rest of the body".into())
            }
            Protocol::Http(_) => Some("the head of its answer".into()),
            Protocol::None | Protocol::Tunnel(_) => None,
        }
    }

    pub(super) fn response_failed(&mut self, now: Time, cause: Cause, message: &str) {
        let mut message = match self.journey.stage.established() {
            Some(established) => format!("{}: {message}", established.remote),
            None => message.to_owned(),
        };
        if let Some(Established {
            protocol: Protocol::Http(response),
            ..
        }) = self.journey.stage.established()
            && let Some(strange) = response.strange()
        {
            message.push_str(&Strange(strange).to_string());
        }
        let failure = self.failure(cause, message);
        self.conclude(now, Ended::Failed(failure));
    }

    /// The rate limit allows a waiting attempt to go on, or the next request to begin, on the kept
    /// connection or else on a new one. Returns whether it was a request.
    pub fn turn_acquired(&mut self, now: Time) -> bool {
        let kept = match &mut self.journey.stage {
            Stage::AwaitingTurn(route) => {
                let (paced, route) = (true, *route);
                self.enter_stage(Stage::Departing(Departure { paced, route }), Time::MAX);
                return false;
            }
            Stage::Idle(kept) => kept.take(),
            _ => return false,
        };
        self.tour = Tour::new(now, now, &self.job.module);
        self.journey = Journey::new(Stage::Departing(Departure::PACED));
        if let Some(established) = kept {
            self.tour.peer.remote = Some(established.remote.clone());
            self.tour.attempts = 1;
            self.start_protocol(now, established.reuse());
        }
        true
    }
}
