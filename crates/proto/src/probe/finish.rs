//! From the state of a probe to its outcome.

use canvass_model::{
    Answer, Class, Favicon, HttpAnswer, HttpExtras, HttpWarnings, Job, Outcome, ProbeSpec,
    TalkAnswer, TalkReply, Target, Time, Unmet,
};

use super::Probe;
use super::established::Established;
use super::failure::Ended;
use super::protocol::Protocol;
use super::stage::Stage;
use crate::http::Head;
use crate::talk::Mismatch;

/// What an attempt found out, kept after its connections are closed.
#[derive(Debug, Default)]
pub(super) struct Findings {
    page: Page,
    /// The page is complete, and something else is requested.
    is_sealed: bool,
    captures: Vec<(Box<str>, Box<str>)>,
    captures_hex: Box<[(Box<str>, Box<str>)]>,
    sent_bytes: u64,
    received_bytes: u64,
    replies: Option<Vec<TalkReply>>,
    /// How what was received differs from what was expected.
    pub(super) mismatch: Option<Box<Mismatch>>,
}

/// What is known of an HTTP response.
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
    extras: Option<Box<HttpExtras>>,
    warnings: HttpWarnings,
    surplus_bytes: Option<u64>,
}

impl Findings {
    /// Forgets the page, unless it is sealed: another one is requested now.
    pub(super) fn forget_page(&mut self) {
        if !self.is_sealed {
            self.page = Page::default();
        }
    }

    /// Keeps the page, whatever is requested next.
    pub(super) fn seal_page(&mut self) {
        self.is_sealed = true;
    }

    /// Adds the response to the request for the site's icon.
    pub(super) fn found_icon(&mut self, favicon: Option<Favicon>) {
        self.page.extras.get_or_insert_default().favicon = Some(favicon);
    }

    fn gather(&mut self, established: &mut Established) {
        self.replies = established.take_replies();
        match &mut established.protocol {
            Protocol::None | Protocol::Tunnel(_) => {}
            Protocol::Talk(talk) => {
                self.captures = talk.captures();
                self.captures_hex = talk.captures_hex().into();
                self.sent_bytes = talk.sent_bytes();
                self.received_bytes = match &self.replies {
                    Some(replies) => replies.iter().map(|reply| reply.received_bytes).sum(),
                    None => talk.received_bytes(),
                };
            }
            Protocol::Http(_) if self.is_sealed => {}
            Protocol::Http(response) => {
                let Some((version, code)) = response.status() else {
                    return;
                };
                let page = &mut self.page;
                page.version = Some(version.as_str());
                page.code = Some(code);
                let Some(head) = response.head() else { return };
                page.content_length = head.content_length();
                page.content_type = text(head, "content-type");
                page.server = text(head, "server");
                let counts = response.counts();
                page.body_bytes = Some(counts.body_bytes);
                page.decoded_bytes = Some(counts.decoded_bytes);
                page.extras = page.extras.take().or_else(|| response.extras());
                page.warnings = response.warnings();
                page.surplus_bytes = response.surplus_bytes();
                page.body = response.take_body().or(page.body.take());
            }
        }
    }
}

/// A header as text.
pub(super) fn text(head: &Head, name: &str) -> Option<Box<str>> {
    let value = head.header(name)?;
    Some(String::from_utf8_lossy(value).into())
}

impl Probe {
    /// Takes the last outcome. The probe must not be used after this.
    ///
    /// # Panics
    /// If [`Self::has_outcome`] is false.
    pub fn finish(&mut self, now: Time) -> Outcome {
        let stage = std::mem::replace(&mut self.journey.stage, Stage::Over(None));
        let Stage::Over(Some(ended)) = stage else {
            panic!("an outcome is taken once, when the job has ended");
        };
        let target = Target::Invalid {
            given: Box::default(),
            reason: Box::default(),
        };
        let job = Job {
            target: std::mem::replace(&mut self.job.given.target, target),
            ..self.job.given.clone()
        };
        self.outcome(now, job, ended)
    }

    /// The outcome of the request that ended.
    pub(super) fn outcome(&mut self, now: Time, job: Job, ended: Ended) -> Outcome {
        let finished = self.tour.clock.settle(self.tour.ended.unwrap_or(now));
        let verdict = ended.verdict();
        let (status, unmet, fault) = ended.into_parts();
        let first_send = self.tour.clock.first_send;
        Outcome {
            verdict,
            status,
            attempts: first_send.map_or(0, |_| self.tour.attempts),
            due: self.tour.due,
            first_send,
            finished,
            phases: self.tour.clock.phases(),
            stalled: false,
            recheck: false,
            resolver: None,
            transport: None,
            class: Class::IN,
            answer: self.answer(unmet),
            details: None,
            fault,
            trace: self.tour.trace.take().map(Into::into),
            job,
        }
    }

    fn answer(&mut self, unmet: Option<Box<Unmet>>) -> Answer {
        let findings = std::mem::take(&mut self.journey.findings);
        let peer = std::mem::take(&mut self.tour.peer);
        let addresses = self.tour.verdicts.take();
        let via = self.course().destination.via.as_deref();
        let proxy = via.map(|via| via.proxy.to_string().into());
        match self.job.given.spec {
            ProbeSpec::Http { requests, .. } => {
                let page = findings.page;
                let request = self.course().request.as_ref();
                let asked = request.map(|request| request.settings().extras);
                let extras = page.extras.or_else(|| asked?.of_nothing());
                Answer::Http(Box::new(HttpAnswer {
                    url: self.course().url(),
                    remote: peer.remote,
                    version: page.version,
                    code: page.code,
                    content_length: page.content_length,
                    content_type: page.content_type,
                    server: page.server,
                    body_bytes: page.body_bytes,
                    decoded_bytes: page.decoded_bytes,
                    redirects: std::mem::take(&mut self.journey.hops),
                    tls: peer.tls,
                    repeat: (requests.get() > 1).then_some(self.job.requests_done),
                    addresses,
                    body: page.body,
                    body_error: None,
                    proxy,
                    unmet,
                    extras,
                    warnings: page.warnings,
                    surplus_bytes: page.surplus_bytes,
                }))
            }
            _ => Answer::Talk(Box::new(TalkAnswer {
                remote: peer.remote,
                captures: findings.captures,
                captures_hex: findings.captures_hex.into(),
                sent_bytes: findings.sent_bytes,
                received_bytes: findings.received_bytes,
                tls: peer.tls,
                mismatch: findings
                    .mismatch
                    .map(|mismatch| mismatch.to_string().into()),
                unmet,
                replies: findings.replies,
                addresses,
                proxy,
            })),
        }
    }

    /// Keeps what the connection that is open has shown.
    pub(super) fn gather(&mut self) {
        if let Some(established) = self.journey.stage.established_mut() {
            if let Some(tls) = established.connection.tls() {
                self.tour.peer.tls = Some(Box::new(tls.facts()));
            }
            self.journey.findings.gather(established);
        }
    }
}
