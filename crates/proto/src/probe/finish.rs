//! From the state of a probe to its outcome.

use canvass_model::{
    Answer, Cause, Fault, HttpAnswer, Job, Outcome, Phase, Phases, ProbeSpec, Status, TalkAnswer,
    TalkReply, Target, Time, Verdict,
};

use super::failure::{Ended, Failure};
use super::line::Dialog;
use super::{Probe, Stage};
use crate::http::Head;

/// What connections told, after they are closed.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    page: Page,
    captures: Vec<(Box<str>, Box<str>)>,
    sent_bytes: u64,
    received_bytes: u64,
    replies: Option<Vec<TalkReply>>,
    /// How what came differs from what was expected.
    pub(super) mismatch: Option<Box<str>>,
    /// Why the attempt before failed.
    pub(super) last_failure: Option<Failure>,
}

/// What is known of an HTTP answer.
#[derive(Debug, Default)]
struct Page {
    version: Option<&'static str>,
    code: Option<u16>,
    content_length: Option<u64>,
    content_type: Option<Box<str>>,
    server: Option<Box<str>>,
    body_bytes: Option<u64>,
    decoded_bytes: Option<u64>,
    body: Option<Vec<u8>>,
}

impl Gathered {
    /// What is asked now is another page.
    pub(super) fn forget_page(&mut self) {
        self.page = Page::default();
    }
}

/// The outcome of a job that cannot even begin.
pub(super) fn invalid(job: Job, now: Time, reason: Box<str>) -> Outcome {
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
        fault: Some(Box::new(Fault {
            phase: Phase::Target,
            cause: Cause::Invalid,
            message: reason,
            errno: None,
        })),
        trace: None,
        job,
    }
}

/// A header as text.
fn text(head: &Head, name: &str) -> Option<Box<str>> {
    let value = head.header(name)?;
    Some(String::from_utf8_lossy(value).into())
}

/// An answer that says nothing.
fn nothing(spec: ProbeSpec) -> Answer {
    match spec {
        ProbeSpec::Http { .. } => Answer::Http(Box::default()),
        _ => Answer::Talk(Box::default()),
    }
}

impl Probe {
    /// Ends the job with what is known. The probe is spent: only its husk stays.
    pub fn finish(&mut self, now: Time) -> Outcome {
        debug_assert_eq!(self.stage, Stage::Over);
        self.outcome(now)
    }

    /// The outcome of the request that is over.
    pub(super) fn outcome(&mut self, now: Time) -> Outcome {
        let now = self.clock.settle(now);
        let more = self.stage != Stage::Over && self.job.spec.outcomes() > 1;
        let job = if more {
            self.job.clone()
        } else {
            let husk = Target::Invalid {
                given: Box::default(),
                reason: Box::default(),
            };
            Job {
                target: std::mem::replace(&mut self.job.target, husk),
                ..self.job.clone()
            }
        };
        let (verdict, status, fault) = match self.ended.take() {
            Some(Ended::Settled(verdict, status)) => (verdict, status, None),
            Some(Ended::Failed(failure)) => (
                Verdict::Failed,
                failure.status,
                Some(Box::new(failure.fault)),
            ),
            None => unreachable!("an outcome is taken once, when a request is over"),
        };
        let started = self.clock.first_send.is_some();
        Outcome {
            verdict,
            status,
            attempts: if started { self.attempts } else { 0 },
            due: self.due,
            first_send: self.clock.first_send,
            finished: now,
            phases: self.clock.phases(),
            stalled: false,
            resolver: None,
            transport: None,
            answer: self.answer(),
            fault,
            trace: self
                .trace
                .as_mut()
                .map(|trace| std::mem::take(trace).into()),
            job,
        }
    }

    fn answer(&mut self) -> Answer {
        let gathered = std::mem::take(&mut self.gathered);
        let tls = self.tls.take();
        let remote = self.remote.take();
        let addresses = self.verdicts.take();
        match self.job.spec {
            ProbeSpec::Http { requests, .. } => {
                let page = gathered.page;
                let url = self
                    .request
                    .as_ref()
                    .map(|request| request.url().to_string());
                Answer::Http(Box::new(HttpAnswer {
                    url: url.unwrap_or_default().into(),
                    remote,
                    version: page.version,
                    code: page.code,
                    content_length: page.content_length,
                    content_type: page.content_type,
                    server: page.server,
                    body_bytes: page.body_bytes,
                    decoded_bytes: page.decoded_bytes,
                    redirects: std::mem::take(&mut self.hops),
                    tls,
                    repeat: (requests.get() > 1).then_some(self.requests_done),
                    addresses,
                    body: page.body,
                }))
            }
            _ => Answer::Talk(Box::new(TalkAnswer {
                remote,
                captures: gathered.captures,
                sent_bytes: gathered.sent_bytes,
                received_bytes: gathered.received_bytes,
                tls,
                mismatch: gathered.mismatch,
                replies: gathered.replies,
                addresses,
            })),
        }
    }

    /// Keeps what the connection told, while it is there.
    pub(super) fn gather(&mut self) {
        let Some(line) = &mut self.line else { return };
        if let Some(tls) = &line.tls {
            self.tls = Some(Box::new(tls.facts()));
        }
        self.gathered.replies = line.take_replies();
        match &mut line.dialog {
            Dialog::None => {}
            Dialog::Talk(talk) => {
                self.gathered.captures = talk.captures();
                self.gathered.sent_bytes = talk.sent_bytes();
                self.gathered.received_bytes = talk.received_bytes();
                if let Some(replies) = &self.gathered.replies {
                    self.gathered.received_bytes =
                        replies.iter().map(|reply| reply.received_bytes).sum();
                }
            }
            Dialog::Http(answer) => {
                let Some(head) = answer.head() else { return };
                let page = &mut self.gathered.page;
                page.version = Some(head.version().as_str());
                page.code = Some(head.code());
                page.content_length = head.content_length();
                page.content_type = text(head, "content-type");
                page.server = text(head, "server");
                let counts = answer.counts();
                page.body_bytes = Some(counts.body_bytes);
                page.decoded_bytes = Some(counts.decoded_bytes);
                page.body = answer.take_body().or(page.body.take());
            }
        }
    }
}
