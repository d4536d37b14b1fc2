//! One conversation.

mod judge;
mod mismatch;
mod read;
mod send;
mod wait;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::{Cause, Time};

use super::captures::Captures;
use super::line_match::{Gathered, Groups};
use super::script::{Action, Condition, Script, Step};
use super::telnet::Telnet;
use super::unread::{Datagrams, Stream};
use super::{Credentials, RECEIVED_BYTES_MAX, UNREAD_BYTES_MAX};
use send::send_fault;

pub use judge::Judgement;
pub use mismatch::{Mismatch, Quote};

/// One conversation. It is cloned if several hosts reply to one datagram; see
/// [`Self::judge_datagram`].
#[derive(Clone)]
pub struct Talk {
    script: Arc<Script>,
    credentials: Option<Arc<Credentials>>,
    nonce: u64,
    unix_ns_at_zero: i128,
    /// The next step.
    index: usize,
    state: StepState,
    unread: Unread,
    /// Takes telnet commands out of what is received.
    telnet: Option<Box<Telnet>>,
    /// TLS has started.
    is_secured: bool,
    /// How long nothing must come before a line without an end is taken as it is.
    quiet_after: Duration,
    /// The place of the last `expect` or `match` that matched, and its groups.
    found: Option<(usize, Groups)>,
    captures: Captures,
    /// When something was last received.
    received_at: Option<Time>,
    received_bytes: u64,
    sent_bytes: u64,
    /// How it ended.
    end: Option<TalkOutput>,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TalkOutput {
    /// Send what was appended to `out`, over UDP as one datagram, even if it is empty. It may
    /// contain credentials.
    Send,
    /// Start TLS, then call [`Talk::secured`].
    StartTls,
    /// Close the writing side.
    HalfClose,
    /// Wait until this time, or until something is received.
    Wait(Time),
    /// Wait until something is received, or the peer closes its side.
    Read,
    /// The conversation is done, and matches the script. What was sent before still has to leave.
    Matched,
    /// The peer sent something that does not match the script: why.
    Unmatched(Box<Mismatch>),
    /// It cannot continue.
    Fault(TalkFault),
}

/// Why a conversation cannot continue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TalkFault {
    /// Its cause.
    pub cause: Cause,
    /// A message for people.
    pub message: String,
}

/// What was received and not consumed yet.
#[derive(Clone)]
enum Unread {
    Stream(Stream),
    Datagrams(Datagrams),
}

/// The state of the present step.
#[derive(Clone, Default)]
struct StepState {
    /// When its delay ends.
    wake: Option<Time>,
    /// The number of octets it consumed and did not keep.
    taken: usize,
    /// The first octets that `expect_bytes` skipped.
    passed: Vec<u8>,
    gathered: Gathered,
    /// The last that was received and does not match, quoted.
    other: Option<Quote>,
    /// What came says that it is a message larger than any that is read.
    is_oversize: bool,
    /// TLS is starting.
    starting_tls: bool,
}

impl Talk {
    /// A conversation over a stream. `nonce` should be random; `unix_ns_at_zero` is the wall clock
    /// at [`Time::ZERO`], in nanoseconds since 1970 (UTC).
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
            index: 0,
            state: StepState::default(),
            unread: Unread::Stream(Stream::default()),
            telnet: script.telnet.then(Box::default),
            is_secured: false,
            quiet_after: script.quiet_after,
            found: None,
            captures: Captures::default(),
            received_at: None,
            received_bytes: 0,
            sent_bytes: 0,
            end: None,
        }
    }

    /// Makes it a conversation over datagrams. Must be called first.
    #[must_use]
    pub fn over_datagrams(mut self) -> Self {
        self.unread = Unread::Datagrams(Datagrams::default());
        self
    }

    /// Limits the quiet that a line without an end needs to half of the time that there is, so that
    /// a short time is not over before it. Must be called first.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.quiet_after = self.quiet_after.min(time / 2);
        self
    }

    /// Says that TLS started before the conversation. Must be called first.
    #[must_use]
    pub fn over_tls(mut self) -> Self {
        self.is_secured = true;
        self
    }

    /// Returns what to do now, and appends what is to be sent to `out`. Call it again after each
    /// [`TalkOutput::Send`], [`TalkOutput::StartTls`] and [`TalkOutput::HalfClose`], and otherwise
    /// when something was received or the time of [`TalkOutput::Wait`] has come. The end is
    /// returned again and again.
    pub fn poll(&mut self, now: Time, out: &mut Vec<u8>) -> TalkOutput {
        if let Some(end) = &self.end {
            return end.clone();
        }
        let script = Arc::clone(&self.script);
        let mut has_output = self.append_telnet_replies(out);
        while let Some(step) = script.steps.get(self.index) {
            if !self.runs(step) {
                self.advance();
                continue;
            }
            if let Action::Send(send) = &step.action {
                match self.append(send, out) {
                    Ok(appended) => has_output |= appended,
                    Err(error) => {
                        let fault = send_fault(error, step.number);
                        return self.finish(fault);
                    }
                }
                self.advance();
                // A stream sends several steps in one write, but each is a datagram.
                if has_output && self.is_over_datagrams() {
                    return TalkOutput::Send;
                }
                continue;
            }
            if has_output {
                return TalkOutput::Send;
            }
            match self.run(&step.action, now) {
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
        if has_output {
            return TalkOutput::Send;
        }
        self.finish(TalkOutput::Matched)
    }

    /// Takes octets that were received; over UDP, one datagram.
    pub fn received(&mut self, now: Time, bytes: &[u8]) {
        if bytes.is_empty() && !self.is_over_datagrams() {
            return;
        }
        self.received_at = Some(now);
        self.received_bytes += bytes.len() as u64;
        if self.end.is_some() {
            return;
        }
        let unread = match &mut self.unread {
            Unread::Stream(stream) => {
                match &mut self.telnet {
                    Some(telnet) => {
                        let mut text = Vec::with_capacity(bytes.len());
                        telnet.read(bytes, &mut text);
                        stream.push(&text);
                    }
                    None => stream.push(bytes),
                }
                stream.rest().len()
            }
            Unread::Datagrams(datagrams) => {
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

    /// The peer closed its side.
    pub fn ended(&mut self) {
        if let Unread::Stream(stream) = &mut self.unread {
            stream.ended = true;
        }
    }

    /// TLS has started, after [`TalkOutput::StartTls`].
    pub fn secured(&mut self) {
        if !std::mem::take(&mut self.state.starting_tls) {
            return;
        }
        match self.injected_plain_text() {
            Some(fault) => self.end = Some(fault),
            None => {
                self.is_secured = true;
                self.advance();
            }
        }
    }

    /// Takes the captures so far, in order, each name once.
    pub fn captures(&mut self) -> Vec<(Box<str>, Box<str>)> {
        self.captures.take()
    }

    /// Takes those of the captures in hex that are not text.
    pub fn captures_hex(&mut self) -> Vec<(Box<str>, Box<str>)> {
        self.captures.take_hex()
    }

    /// The number of octets received, without those of TLS.
    pub fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    /// The number of octets to send, without those of TLS.
    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// Whether anything was received.
    pub fn received_anything(&self) -> bool {
        self.received_at.is_some()
    }

    fn advance(&mut self) {
        self.index += 1;
        self.state = StepState::default();
    }

    fn finish(&mut self, end: TalkOutput) -> TalkOutput {
        self.end = Some(end.clone());
        end
    }

    fn is_over_datagrams(&self) -> bool {
        matches!(self.unread, Unread::Datagrams(_))
    }

    /// Whether the conditions of a step hold.
    fn runs(&self, step: &Step) -> bool {
        step.when.iter().all(|condition| match condition {
            Condition::Credentials => self.credentials.is_some(),
            Condition::Plain => !self.is_secured,
            Condition::Captured { name, pattern } => {
                let value = self.captures.value(name);
                value.is_some_and(|value| pattern.is_match(value.as_bytes()))
            }
        })
    }

    /// A fault if the peer sent plain text after the line that starts TLS. Someone on the path
    /// could have inserted it, and it would be taken for part of the TLS stream (STARTTLS
    /// injection, CVE-2011-0411, towards the client).
    fn injected_plain_text(&self) -> Option<TalkOutput> {
        let Unread::Stream(stream) = &self.unread else {
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
}

impl fmt::Debug for Talk {
    /// Without what was sent and received: it may contain credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Talk")
            .field("script", &self.script.name)
            .field("index", &self.index)
            .field("received_bytes", &self.received_bytes)
            .field("sent_bytes", &self.sent_bytes)
            .finish_non_exhaustive()
    }
}

fn oversize(message: String) -> TalkOutput {
    fault(Cause::Oversize, message)
}

fn fault(cause: Cause, message: String) -> TalkOutput {
    TalkOutput::Fault(TalkFault { cause, message })
}
