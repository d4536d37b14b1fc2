//! What is said over a connection: a request and its answer, or a script.

use canvass_model::{Cause, Phase, Status, Time, Verdict};

use super::failure::Ended;
use super::line::Dialog;
use super::module::ModuleKind;
use super::{Output, Probe, Stage};
use crate::http::{Progress, ResponseReader};
use crate::talk::{Talk, TalkOutput};

impl Probe {
    /// The connection is ready: says what is to be said first.
    pub(super) fn begin_talk(&mut self, now: Time) {
        let Some(line) = &mut self.line else { return };
        if let Dialog::Talk(talk) = &mut line.dialog {
            // It asked for TLS in the middle of its conversation.
            talk.secured();
            return self.resume_talk(now);
        }
        let dialog = match &self.module.kind {
            ModuleKind::Tcp { script: None, .. } => {
                let open = Ended::Settled(Verdict::Answered, Status::Open);
                return self.conclude(now, open);
            }
            ModuleKind::Tcp {
                script: Some(script),
                credentials,
                ..
            }
            | ModuleKind::Udp {
                script,
                credentials,
                ..
            } => {
                let talk = Talk::new(
                    script,
                    credentials.as_ref(),
                    self.nonce,
                    self.module.unix_ns_at_zero,
                );
                Dialog::Talk(Box::new(match line.datagrams {
                    Some(_) => talk.over_datagrams(),
                    None => talk,
                }))
            }
            ModuleKind::Http { .. } => {
                let Some(request) = &self.request else { return };
                Dialog::Http(Box::new(ResponseReader::new(request)))
            }
        };
        let is_http = matches!(dialog, Dialog::Http(_));
        line.dialog = dialog;
        line.heard = false;
        self.clock.turn(now, Phase::FirstByte);
        let mut end = now + self.module.timeouts.first_byte;
        if let ModuleKind::Udp {
            window: Some(window),
            ..
        } = &self.module.kind
        {
            end = now + *window;
        }
        self.enter_stage(Stage::Talking, end);
        if is_http && let Some(request) = &self.request {
            let mut octets = Vec::with_capacity(256);
            request.write(&mut octets);
            self.say(octets);
        }
    }

    /// After TLS came in the middle: what was heard before still counts.
    pub(super) fn resume_talk(&mut self, now: Time) {
        self.clock.turn(now, Phase::Transfer);
        let end = now + self.module.timeouts.transfer;
        self.enter_stage(Stage::Talking, end);
    }

    pub(super) fn say(&mut self, plain: Vec<u8>) {
        let Some(line) = &mut self.line else { return };
        match &mut line.tls {
            Some(tls) => {
                tls.send(&plain);
                line.gather_tls();
            }
            None if line.out.is_empty() => line.out = plain,
            None => line.out.extend_from_slice(&plain),
        }
        if let Some(datagrams) = &mut line.datagrams {
            datagrams.waits = true;
        }
        let connection = line.connection;
        self.output(Output::Write(connection));
    }

    /// Octets came that are part of the conversation.
    pub(super) fn hear(&mut self, now: Time, plain: &[u8]) {
        let Some(line) = &mut self.line else { return };
        if !line.heard {
            line.heard = true;
            self.clock.turn(now, Phase::Transfer);
            self.stage_end = now + self.module.timeouts.transfer;
        }
        match &mut line.dialog {
            Dialog::None => {}
            Dialog::Talk(talk) => talk.received(now, plain),
            Dialog::Http(answer) => match answer.received(plain) {
                Ok(Progress::Done) => self.answered(now),
                Ok(_) => {}
                Err(fault) => self.answer_failed(now, fault.cause, fault.message),
            },
        }
    }

    /// Goes on with a talk script; until when to wait, when it can go no further by itself.
    pub(super) fn converse(&mut self, now: Time) -> Option<Time> {
        let Some(line) = &mut self.line else {
            return Some(Time::MAX);
        };
        let Dialog::Talk(talk) = &mut line.dialog else {
            return Some(Time::MAX);
        };
        // One datagram after the other.
        if line.datagrams.as_ref().is_some_and(|one| one.waits) {
            return Some(Time::MAX);
        }
        let mut said = Vec::new();
        let output = talk.poll(now, &mut said);
        match output {
            TalkOutput::Send => self.say(said),
            TalkOutput::StartTls => self.secure(now),
            TalkOutput::HalfClose => self.close_half(),
            TalkOutput::Wait(until) => return Some(until),
            TalkOutput::Read => return Some(Time::MAX),
            // What was said has to leave before the end.
            TalkOutput::Matched if line.has_unsent() => return Some(Time::MAX),
            TalkOutput::Matched => {
                self.conclude(now, Ended::Settled(Verdict::Answered, Status::Matched));
            }
            TalkOutput::Unmatched(why) => self.unmatched(now, why),
            TalkOutput::Fault(fault) => {
                let failure = self.failure(fault.cause, fault.message);
                self.conclude(now, Ended::Failed(failure));
            }
        }
        None
    }

    /// What came is not what was expected.
    pub(super) fn unmatched(&mut self, now: Time, why: impl Into<Box<str>>) {
        self.gathered.mismatch = Some(why.into());
        self.conclude(now, Ended::Settled(Verdict::Negative, Status::Unmatched));
    }

    pub(super) fn close_half(&mut self) {
        let Some(line) = &mut self.line else { return };
        if let Some(tls) = &mut line.tls {
            tls.close();
            line.gather_tls();
        }
        let connection = line.connection;
        if line.has_unsent() {
            line.shut_after = true;
            self.output(Output::Write(connection));
        } else {
            self.output(Output::ShutWrite(connection));
        }
    }

    /// The time for replies of several hosts, or for a script, is over.
    pub(super) fn talk_over(&mut self, now: Time) -> bool {
        let Some(line) = &mut self.line else {
            return false;
        };
        let Dialog::Talk(talk) = &line.dialog else {
            return false;
        };
        if let Some(datagrams) = line.datagrams.as_ref().filter(|one| one.many) {
            let matched = datagrams.replies.iter().any(|reply| reply.matched);
            let heard = !datagrams.replies.is_empty();
            if matched {
                let ended = Ended::Settled(Verdict::Answered, Status::Matched);
                self.conclude(now, ended);
            } else if heard {
                self.unmatched(now, "no reply is what the script expects");
            }
            return heard;
        }
        // Whole lines that do not match are an answer of a kind; silence is none.
        let heard = talk.heard_other();
        if heard {
            let why = format!("nothing that came is {}", talk.waiting_for());
            self.unmatched(now, why);
        }
        heard
    }

    /// What the conversation waits for, in words.
    pub(super) fn waiting_for(&self) -> Option<String> {
        match &self.line.as_ref()?.dialog {
            Dialog::Talk(talk) => Some(talk.waiting_for()),
            Dialog::Http(answer) => Some(
                if answer.head().is_some() {
                    "the rest of the body"
                } else {
                    "the head of its answer"
                }
                .into(),
            ),
            Dialog::None => None,
        }
    }

    pub(super) fn answer_failed(&mut self, now: Time, cause: Cause, message: Box<str>) {
        let failure = match &self.line {
            Some(line) => self.failure(cause, format!("{}: {message}", line.remote)),
            None => self.failure(cause, message),
        };
        self.conclude(now, Ended::Failed(failure));
    }

    /// The pace allows it: goes on with a journey, or begins a further request, on the connection
    /// that was kept or else on a new one. Returns whether it was a request.
    pub fn granted(&mut self, now: Time) -> bool {
        if self.stage == Stage::Pacing {
            self.paced = true;
            self.enter_stage(Stage::Setting, Time::MAX);
        }
        if self.stage != Stage::Waiting {
            return false;
        }
        self.paced = true;
        self.begin_request(now);
        if let Some(line) = &mut self.line {
            line.reused = true;
            line.dialog = Dialog::None;
            self.remote = Some(line.remote.clone());
            self.attempts += 1;
            self.paced = false;
            self.begin_talk(now);
        } else {
            self.enter_stage(Stage::Setting, Time::MAX);
        }
        true
    }

    /// The settings as the probes of one module share them.
    pub(super) fn http_follow_max(&self) -> u32 {
        match &self.module.kind {
            ModuleKind::Http { settings, .. } => settings.follow_max,
            _ => 0,
        }
    }
}
