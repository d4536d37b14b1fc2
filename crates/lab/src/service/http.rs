//! A web server whose behaviour is selected by the path (RFC 9110, RFC 9112).

mod body;
mod coded;
mod malformed;
mod request;
mod response;
mod route;
mod step;
mod target;

use std::collections::VecDeque;
use std::sync::Arc;

use canvass_model::Time;

use super::{Activity, Output, Service, ServiceOutput};
use body::{BodyReader, Progress};
use request::{Head, Request};
use step::{Advance, Step};

pub use coded::CODED_TEXT;
pub(crate) use coded::Site;
pub use malformed::MALFORMED;
pub use route::{HTTP_PATHS, PAGE};

/// The longest head of a request.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// No more input is accepted while this many octets are unread.
const UNREAD_BYTES_MAX: usize = 256 << 10;
/// Octets of output per poll.
const OUT_BYTES_MAX: usize = 64 << 10;

/// One connection.
pub(crate) struct Http {
    site: Arc<Site>,
    unread: Vec<u8>,
    reading: Reading,
    /// The remaining steps of the current response.
    steps: VecDeque<Step>,
    /// The number of requests, including the one being read.
    requests: u64,
    /// The current request is the last of the connection.
    last: bool,
    ended: bool,
}

enum Reading {
    Head,
    Body(Box<(Head, BodyReader)>),
}

impl Http {
    pub(crate) fn new(site: Arc<Site>) -> Self {
        Self {
            site,
            unread: Vec::new(),
            reading: Reading::Head,
            steps: VecDeque::new(),
            requests: 0,
            last: false,
            ended: false,
        }
    }

    /// Reads up to the end of a request. Returns whether there are steps to do.
    fn read(&mut self, activity: &mut Activity) -> bool {
        if matches!(self.reading, Reading::Head) && !self.read_head() {
            return !self.steps.is_empty();
        }
        let Reading::Body(reading) = &mut self.reading else {
            return !self.steps.is_empty();
        };
        let (used, progress) = reading.1.read(&self.unread);
        self.unread.drain(..used);
        match progress {
            Progress::More => return !self.steps.is_empty(),
            Progress::Malformed => self.refuse(400),
            Progress::Done => {
                let Reading::Body(reading) = std::mem::replace(&mut self.reading, Reading::Head)
                else {
                    return false;
                };
                let (head, body) = *reading;
                let request = Request {
                    head,
                    body: body.into_kept(),
                    number: self.requests,
                };
                activity.requests += 1;
                self.last = !request.head.keep_alive;
                route::answer(&self.site, &request, &mut self.steps);
            }
        }
        true
    }

    /// Reads a head. Returns whether its body follows.
    fn read_head(&mut self) -> bool {
        // Empty lines before a request are ignored (RFC 9112 §2.2).
        let blank = self
            .unread
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        let Some(length) = request::head_length(&self.unread[blank..]) else {
            if self.unread.len() > HEAD_BYTES_MAX {
                self.refuse(431);
            }
            return false;
        };
        self.requests += 1;
        let head = Head::parse(&self.unread[blank..blank + length]);
        self.unread.drain(..blank + length);
        match head {
            Err(code) => {
                self.refuse(code);
                false
            }
            Ok(head) => {
                let body = BodyReader::new(head.framing);
                if head.expects_continue && !body.is_done() {
                    self.steps.push_back(Step::bytes(CONTINUE));
                }
                self.reading = Reading::Body(Box::new((head, body)));
                true
            }
        }
    }

    /// Answers a malformed request, and closes.
    fn refuse(&mut self, code: u16) {
        self.unread.clear();
        self.reading = Reading::Head;
        response::push_error(code, &mut self.steps);
    }
}

/// RFC 9110 §15.2.1.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

impl Service for Http {
    fn received(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
    }

    fn ended(&mut self) {
        self.ended = true;
    }

    fn poll(&mut self, now: Time, out: &mut Vec<u8>, activity: &mut Activity) -> ServiceOutput {
        let start = out.len();
        let output = loop {
            if out.len() - start >= OUT_BYTES_MAX {
                break Output::Send;
            }
            let Some(step) = self.steps.front_mut() else {
                if self.read(activity) {
                    continue;
                }
                break if self.ended {
                    Output::Close
                } else {
                    Output::Idle
                };
            };
            match step.advance(now, out, OUT_BYTES_MAX - (out.len() - start), activity) {
                Advance::Done => {
                    self.steps.pop_front();
                }
                Advance::More => {}
                Advance::Wait(until) => break Output::Wait(until),
                Advance::Hang if self.ended => break Output::Close,
                Advance::Hang => break Output::Idle,
                Advance::Close => break Output::Close,
                Advance::Reset => break Output::Reset,
            }
        };
        ServiceOutput::Output(if out.len() > start {
            Output::Send
        } else {
            output
        })
    }

    fn is_last(&self) -> bool {
        self.last && self.unread.is_empty()
    }

    fn wants_input(&self) -> bool {
        self.unread.len() < UNREAD_BYTES_MAX
    }
}

#[cfg(test)]
mod tests;
