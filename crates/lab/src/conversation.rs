//! One connection's peer, whole: a service, TLS around it where there is some, and what is
//! impaired on its way out. No socket and no clock; the lab's host and the simulator hold the
//! same ones.

mod hold;
mod tls;
mod wire;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use canvass_model::Time;

use crate::service::{Output, Said, Service, Tally};
use crate::tls::TlsSetup;
pub(crate) use hold::Delays;
use hold::Hold;
use tls::TlsLayer;
use wire::Wire;
pub(crate) use wire::WireRules;

/// The peer's side of one connection.
///
/// Tell it what comes with [`received`](Self::received) and [`ended`](Self::ended), then ask with
/// [`poll`](Self::poll) until it says [`Output::Wait`], [`Output::Idle`], [`Output::Close`] or
/// [`Output::Reset`].
pub struct Conversation {
    voice: Voice,
    hold: Option<Box<Hold>>,
    wire: Option<Box<Wire>>,
    /// It accepts, and says nothing ever.
    silent: bool,
    ended: bool,
}

/// What is needed to make a conversation.
pub(crate) struct Parts {
    pub service: Box<dyn Service>,
    /// Whether the connection is TLS from its first octet.
    pub tls_at_once: bool,
    /// Where TLS can be had: how, and whether HTTP is spoken behind it.
    pub tls: Option<(Arc<TlsSetup>, bool)>,
    /// The address that was connected to.
    pub server: IpAddr,
    pub delays: Option<Delays>,
    pub wire: Option<WireRules>,
    pub silent: bool,
}

impl Conversation {
    /// Begins now.
    pub(crate) fn new(now: Time, parts: Parts) -> Self {
        let tls = parts
            .tls
            .map(|(setup, web)| Box::new(TlsLayer::new(setup, parts.server, web)));
        let (tls, starttls) = if parts.tls_at_once {
            (tls, None)
        } else {
            (None, tls)
        };
        let mut hold = parts.delays.map(|delays| Box::new(Hold::new(delays)));
        if let Some(hold) = &mut hold {
            hold.begin(now);
        }
        Self {
            voice: Voice {
                service: parts.service,
                tls,
                starttls,
                plain: Vec::new(),
                closing: false,
            },
            hold,
            wire: parts.wire.map(|rules| Box::new(Wire::new(rules))),
            silent: parts.silent,
            ended: false,
        }
    }

    /// The other end has sent something.
    pub fn received(&mut self, now: Time, bytes: &[u8]) {
        if self.silent {
            return;
        }
        if let Some(hold) = &mut self.hold {
            hold.begin(now);
        }
        self.voice.received(bytes);
    }

    /// The other end will send no more.
    pub fn ended(&mut self) {
        self.ended = true;
        self.voice.ended();
    }

    /// Whether a connection that closes need not wait for the other end's close: that has said
    /// that it will send no more, not even the end of TLS.
    pub(crate) fn is_last(&self) -> bool {
        self.voice.tls.is_none() && self.voice.service.is_last()
    }

    /// Whether it has room for what the other end sends; if not, it is to be asked again once it
    /// has said something.
    pub fn wants_input(&self) -> bool {
        self.silent || self.voice.service.wants_input()
    }

    /// Appends what it says now to `out`, or says what is waited for.
    pub fn poll(&mut self, now: Time, out: &mut Vec<u8>, tally: &mut Tally) -> Output {
        if self.silent {
            return if self.ended {
                Output::Close
            } else {
                Output::Idle
            };
        }
        if let Some(until) = self.hold.as_ref().and_then(|hold| hold.until(now)) {
            return Output::Wait(until);
        }
        let voice = &mut self.voice;
        let output = match &mut self.wire {
            Some(wire) => wire.poll(now, out, |out| voice.speak(now, out, tally)),
            None => voice.speak(now, out, tally),
        };
        if let Some(hold) = &mut self.hold {
            let released = hold.release();
            if output == Output::Send {
                tally.delays.extend(released);
            }
        }
        output
    }
}

impl fmt::Debug for Conversation {
    /// Not what was said: that may be long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation")
            .field("tls", &self.voice.tls.is_some())
            .field("silent", &self.silent)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// A service, through TLS where there is some.
struct Voice {
    service: Box<dyn Service>,
    tls: Option<Box<TlsLayer>>,
    /// What becomes `tls` when the service asks for it.
    starttls: Option<Box<TlsLayer>>,
    /// Room for what is said behind TLS.
    plain: Vec<u8>,
    /// The last has been said.
    closing: bool,
}

impl Voice {
    fn received(&mut self, bytes: &[u8]) {
        let Some(tls) = &mut self.tls else {
            self.service.received(bytes);
            return;
        };
        self.plain.clear();
        let news = tls.received(bytes, &mut self.plain);
        if news.established {
            self.service.secured();
        }
        if !self.plain.is_empty() {
            self.service.received(&self.plain);
        }
        if news.ended {
            self.service.ended();
        }
    }

    fn ended(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.ended();
        }
        self.service.ended();
    }

    fn speak(&mut self, now: Time, out: &mut Vec<u8>, tally: &mut Tally) -> Output {
        loop {
            if self.closing {
                return Output::Close;
            }
            let Some(tls) = &mut self.tls else {
                match self.service.poll(now, out, tally) {
                    Said::Output(output) => return output,
                    Said::StartTls => match self.starttls.take() {
                        Some(tls) => self.tls = Some(tls),
                        // It offered what it does not have; there is no way on.
                        None => return Output::Close,
                    },
                }
                continue;
            };
            if let Some(output) = tls.poll(now, out) {
                return output;
            }
            self.plain.clear();
            match self.service.poll(now, &mut self.plain, tally) {
                Said::Output(Output::Send) => {
                    tls.write(&self.plain, out);
                    return Output::Send;
                }
                Said::Output(Output::Close) | Said::StartTls => {
                    self.closing = true;
                    let start = out.len();
                    tls.close(out);
                    if out.len() > start {
                        return Output::Send;
                    }
                }
                Said::Output(other) => return other,
            }
        }
    }
}

#[cfg(test)]
mod tests;
