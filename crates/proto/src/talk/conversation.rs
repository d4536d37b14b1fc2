//! One conversation.

mod judge;
mod wait;

use std::fmt;
use std::sync::Arc;

use canvass_model::{Cause, Time};

use super::captures::Captures;
use super::inbox::{Datagrams, Stream};
use super::line_match::{Gathered, Groups};
use super::script::{Action, LineEnd, Script, Send};
use super::template::{ExpandError, Expansion};
use super::{Credentials, RECEIVED_BYTES_MAX, SEND_BYTES_MAX, UNREAD_BYTES_MAX};

pub use judge::Judgement;

/// One conversation. It is copied where several hosts answer one datagram; see
/// [`Self::judge_datagram`].
#[derive(Clone)]
pub struct Talk {
    script: Arc<Script>,
    credentials: Option<Arc<Credentials>>,
    nonce: u64,
    unix_ns_at_zero: i128,
    /// The next step.
    place: usize,
    here: Here,
    inbox: Inbox,
    /// What the last `expect` found, and its place.
    found: Option<(usize, Groups)>,
    captures: Captures,
    /// When something came last.
    came: Option<Time>,
    received_bytes: u64,
    sent_bytes: u64,
    /// How it ended.
    end: Option<TalkOutput>,
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TalkOutput {
    /// What was appended to `out` is to be sent; over UDP as one datagram, also where it is
    /// empty. It may hold credentials.
    Send,
    /// TLS is to begin; [`Talk::secured`] says that it has.
    StartTls,
    /// The writing side is to be closed.
    HalfClose,
    /// Nothing is to be done before this time, but to hand in what comes.
    Wait(Time),
    /// More octets are needed, or the end.
    Read,
    /// It went as the script says. What was sent before still has to leave.
    Matched,
    /// The peer spoke, and not as the script says: why, for a person.
    Unmatched(String),
    /// It cannot go on.
    Fault(TalkFault),
}

/// Why a conversation cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TalkFault {
    /// What, in one word.
    pub cause: Cause,
    /// What, for a person.
    pub message: String,
}

/// What came and was not yet looked at.
#[derive(Clone)]
enum Inbox {
    Stream(Stream),
    Datagrams(Datagrams),
}

/// What is known of the present step.
#[derive(Clone, Default)]
struct Here {
    /// When its delay is over.
    wake: Option<Time>,
    /// How many octets it took and did not keep.
    taken: usize,
    /// The first octets that `expect_bytes` passed over.
    passed: Vec<u8>,
    gathered: Gathered,
    /// The last that came and is not what it waits for, as it may be shown.
    other: Option<String>,
    /// TLS was asked for.
    securing: bool,
}

impl Talk {
    /// A conversation over a stream. `nonce` should be another one each time;
    /// `unix_ns_at_zero` is the wall clock at [`Time::ZERO`], in nanoseconds since 1970 (UTC).
    pub fn new(
        script: &Arc<Script>,
        credentials: Option<&Arc<Credentials>>,
        nonce: u64,
        unix_ns_at_zero: i128,
    ) -> Self {
        Self {
            script: Arc::clone(script),
            credentials: credentials.map(Arc::clone),
            nonce,
            unix_ns_at_zero,
            place: 0,
            here: Here::default(),
            inbox: Inbox::Stream(Stream::default()),
            found: None,
            captures: Captures::default(),
            came: None,
            received_bytes: 0,
            sent_bytes: 0,
            end: None,
        }
    }

    /// The same over datagrams. To be called before anything else.
    #[must_use]
    pub fn over_datagrams(mut self) -> Self {
        self.inbox = Inbox::Datagrams(Datagrams::default());
        self
    }

    /// What is to be done now. What is to be sent is appended to `out`. To be called again after
    /// each [`TalkOutput::Send`], [`TalkOutput::StartTls`] and [`TalkOutput::HalfClose`]; else
    /// when something came, or the time waited for has come. The end stays the end.
    pub fn poll(&mut self, now: Time, out: &mut Vec<u8>) -> TalkOutput {
        if let Some(end) = &self.end {
            return end.clone();
        }
        let script = Arc::clone(&self.script);
        let mut has_spoken = false;
        while let Some(step) = script.steps.get(self.place) {
            if step.when_credentials && self.credentials.is_none() {
                self.advance();
                continue;
            }
            if let Action::Send(send) = &step.action {
                match self.say(send, out) {
                    Ok(spoken) => has_spoken |= spoken,
                    Err(error) => {
                        let fault = send_fault(error, step.number);
                        return self.finish(fault);
                    }
                }
                self.advance();
                // What a stream carries in one write are several datagrams.
                if has_spoken && self.is_over_datagrams() {
                    return TalkOutput::Send;
                }
                continue;
            }
            if has_spoken {
                return TalkOutput::Send;
            }
            match self.go_on(&step.action, now) {
                Ok(()) => self.advance(),
                Err(end @ (TalkOutput::Unmatched(_) | TalkOutput::Fault(_))) => {
                    return self.finish(end);
                }
                Err(output) => {
                    if output == TalkOutput::HalfClose {
                        self.advance();
                    }
                    return output;
                }
            }
        }
        if has_spoken {
            return TalkOutput::Send;
        }
        self.finish(TalkOutput::Matched)
    }

    /// Takes what came; over UDP, one datagram.
    pub fn received(&mut self, now: Time, bytes: &[u8]) {
        if bytes.is_empty() && !self.is_over_datagrams() {
            return;
        }
        self.came = Some(now);
        self.received_bytes += bytes.len() as u64;
        if self.end.is_some() {
            return;
        }
        let unread = match &mut self.inbox {
            Inbox::Stream(stream) => {
                stream.push(bytes);
                stream.rest().len()
            }
            Inbox::Datagrams(datagrams) => {
                datagrams.push(bytes);
                datagrams.bytes()
            }
        };
        if self.received_bytes > RECEIVED_BYTES_MAX {
            self.end = Some(oversize(format!(
                "the peer sent more than {RECEIVED_BYTES_MAX} octets"
            )));
        } else if unread > UNREAD_BYTES_MAX {
            self.end = Some(oversize(format!(
                "the peer sent more than {UNREAD_BYTES_MAX} octets at once"
            )));
        }
    }

    /// The peer has closed its side: nothing more comes.
    pub fn ended(&mut self) {
        if let Inbox::Stream(stream) = &mut self.inbox {
            stream.ended = true;
        }
    }

    /// TLS has begun, after [`TalkOutput::StartTls`].
    pub fn secured(&mut self) {
        if !std::mem::take(&mut self.here.securing) {
            return;
        }
        match self.plain_octets_behind() {
            Some(fault) => self.end = Some(fault),
            None => self.advance(),
        }
    }

    /// What was picked out so far, in order, each name once. It is handed over: a second call
    /// gives what came since.
    pub fn captures(&mut self) -> Vec<(Box<str>, Box<str>)> {
        self.captures.take()
    }

    /// Octets that came, those of TLS not counted.
    pub fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    /// Octets that were to be sent, those of TLS not counted.
    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// Whether anything came at all.
    pub fn heard_anything(&self) -> bool {
        self.came.is_some()
    }

    /// Whether something came that is not what the present step waits for. When time is up this
    /// tells a peer that says something else (UNMATCHED) from one that says nothing (TIMEOUT).
    pub fn heard_other(&self) -> bool {
        if self.end.is_some() {
            return false;
        }
        let waits_for_words = match self.script.steps.get(self.place).map(|step| &step.action) {
            Some(Action::Expect(_) | Action::ExpectLine(_) | Action::ExpectBytes(_)) => true,
            Some(Action::Read(_)) => false,
            _ => return false,
        };
        let lies_there = match &self.inbox {
            Inbox::Stream(stream) => !stream.rest().is_empty(),
            Inbox::Datagrams(_) => false,
        };
        self.here.other.is_some() || (waits_for_words && (self.here.taken > 0 || lies_there))
    }

    /// What it waits for, as in `a line that matches /^220/`, with what came instead where
    /// something did. The password is not in it.
    pub fn waiting_for(&self) -> String {
        self.wanted() + &self.instead()
    }

    fn advance(&mut self) {
        self.place += 1;
        self.here = Here::default();
    }

    fn finish(&mut self, end: TalkOutput) -> TalkOutput {
        self.end = Some(end.clone());
        end
    }

    fn is_over_datagrams(&self) -> bool {
        matches!(self.inbox, Inbox::Datagrams(_))
    }

    /// Appends what is to be said; returns whether there is anything to send.
    fn say(&mut self, send: &Send, out: &mut Vec<u8>) -> Result<bool, ExpandError> {
        let before = out.len();
        send.template.fill(self.filling(), out)?;
        let end: &[u8] = match send.end {
            LineEnd::None => b"",
            LineEnd::Lf => b"\n",
            // Scripts for blackbox_exporter write the carriage return themselves.
            LineEnd::CrLf if out[before..].ends_with(b"\r") => b"\n",
            LineEnd::CrLf => b"\r\n",
        };
        if out.len() == before && !send.even_empty {
            return Ok(false);
        }
        out.extend_from_slice(end);
        self.sent_bytes += (out.len() - before) as u64;
        Ok(out.len() > before || self.is_over_datagrams())
    }

    fn filling(&self) -> Expansion<'_> {
        Expansion {
            found: self
                .found
                .as_ref()
                .map(|(place, groups)| (*place, groups.as_slice())),
            credentials: self.credentials.as_deref(),
            nonce: self.nonce,
        }
    }

    /// A fault if the peer went on in plain text behind the line that lets TLS begin. Whoever
    /// sits on the way could have put that there, and it would be taken for the peer's own word
    /// behind TLS (the STARTTLS injection of CVE-2011-0411, from the other side).
    fn plain_octets_behind(&self) -> Option<TalkOutput> {
        let Inbox::Stream(stream) = &self.inbox else {
            return None;
        };
        let count = stream.rest().len();
        (count > 0).then(|| {
            fault(
                Cause::Malformed,
                format!("{count} octets came in plain text where TLS was to begin"),
            )
        })
    }

    /// What the peer said, to be shown: without the password, without control characters, and
    /// not too much of it.
    fn quote(&self, octets: &[u8]) -> String {
        const QUOTED_CHARS_MAX: usize = 200;
        let text = self.text(octets);
        let mut chars = text.chars();
        let head: String = chars.by_ref().take(QUOTED_CHARS_MAX).collect();
        let more = if chars.next().is_some() { "..." } else { "" };
        format!("\"{}\"{more}", head.escape_debug())
    }

    /// Octets as text, without the password.
    fn text(&self, octets: &[u8]) -> String {
        let text = String::from_utf8_lossy(octets);
        match &self.credentials {
            Some(credentials) => credentials.mask(&text).into_owned(),
            None => text.into_owned(),
        }
    }
}

impl fmt::Debug for Talk {
    /// Shows how far it is, and nothing of what was said: there may be credentials in that.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Talk")
            .field("script", &self.script.name)
            .field("place", &self.place)
            .field("received_bytes", &self.received_bytes)
            .field("sent_bytes", &self.sent_bytes)
            .finish_non_exhaustive()
    }
}

fn send_fault(error: ExpandError, step: usize) -> TalkOutput {
    match error {
        ExpandError::NoCredentials => fault(
            Cause::Invalid,
            format!("step {step} needs credentials, and there are none"),
        ),
        ExpandError::Oversize => oversize(format!(
            "step {step} would send more than {SEND_BYTES_MAX} octets"
        )),
    }
}

fn oversize(message: String) -> TalkOutput {
    fault(Cause::Oversize, message)
}

fn fault(cause: Cause, message: String) -> TalkOutput {
    TalkOutput::Fault(TalkFault { cause, message })
}
