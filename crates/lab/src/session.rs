//! A service's side of one connection: the protocol, TLS if any, and the impairments of its output.
//! Without IO; used by the lab's server and by the simulator.

mod delay;
mod shaper;
mod tls;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use canvass_model::Time;

use crate::service::{Activity, Output, Service, ServiceOutput};
use crate::tls::TlsSetup;
use delay::DelayGate;
pub(crate) use delay::DelaySampler;
use shaper::Shaper;
pub(crate) use shaper::ShaperSettings;
use tls::TlsLayer;

/// A service's side of one connection.
///
/// Pass input to [`received`](Self::received) and [`ended`](Self::ended), then call
/// [`poll`](Self::poll) until it returns anything else than [`Output::Send`].
pub struct ServiceSession {
    stack: Stack,
    delay: Option<Box<DelayGate>>,
    shaper: Option<Box<Shaper>>,
    /// The connection is accepted and nothing is ever sent.
    silent: bool,
    ended: bool,
}

/// The parts of a session.
pub(crate) struct Parts {
    pub(crate) service: Box<dyn Service>,
    /// Whether the connection is TLS from its first octet.
    pub(crate) implicit_tls: bool,
    /// If TLS is available: its setup, and whether HTTP is spoken over it.
    pub(crate) tls: Option<(Arc<TlsSetup>, bool)>,
    /// The address that was connected to.
    pub(crate) server: IpAddr,
    pub(crate) delays: Option<DelaySampler>,
    pub(crate) shaper: Option<ShaperSettings>,
    pub(crate) silent: bool,
}

impl ServiceSession {
    pub(crate) fn new(now: Time, parts: Parts) -> Self {
        let tls = parts
            .tls
            .map(|(setup, http)| Box::new(TlsLayer::new(setup, parts.server, http)));
        let (tls, starttls) = if parts.implicit_tls {
            (tls, None)
        } else {
            (None, tls)
        };
        let mut delay = parts.delays.map(|delays| Box::new(DelayGate::new(delays)));
        if let Some(delay) = &mut delay {
            delay.begin(now);
        }
        Self {
            stack: Stack {
                service: parts.service,
                tls,
                starttls,
                plain: Vec::new(),
                closing: false,
            },
            delay,
            shaper: parts.shaper.map(|settings| Box::new(Shaper::new(settings))),
            silent: parts.silent,
            ended: false,
        }
    }

    /// Processes octets from the client.
    pub fn received(&mut self, now: Time, bytes: &[u8]) {
        if self.silent {
            return;
        }
        if let Some(delay) = &mut self.delay {
            delay.begin(now);
        }
        self.stack.received(bytes);
    }

    /// The client has closed its end.
    pub fn ended(&mut self) {
        self.ended = true;
        self.stack.ended();
    }

    /// Whether the client has announced that it will send nothing more, so that its close need not
    /// be waited for. With TLS, a close_notify may still follow.
    pub(crate) fn is_last(&self) -> bool {
        self.stack.tls.is_none() && self.stack.service.is_last()
    }

    /// Whether there is room for input. If not, there is again after more output was sent.
    pub fn wants_input(&self) -> bool {
        self.silent || self.stack.service.wants_input()
    }

    /// Appends output to `out`, or returns what to wait for.
    pub fn poll(&mut self, now: Time, out: &mut Vec<u8>, activity: &mut Activity) -> Output {
        if self.silent {
            return if self.ended {
                Output::Close
            } else {
                Output::Idle
            };
        }
        if let Some(until) = self.delay.as_ref().and_then(|delay| delay.until(now)) {
            return Output::Wait(until);
        }
        let stack = &mut self.stack;
        let output = match &mut self.shaper {
            Some(shaper) => shaper.poll(now, out, |out| stack.poll(now, out, activity)),
            None => stack.poll(now, out, activity),
        };
        if let Some(delay) = &mut self.delay {
            let ended = delay.end();
            if output == Output::Send {
                activity.delays.extend(ended);
            }
        }
        output
    }
}

impl fmt::Debug for ServiceSession {
    /// Leaves out the buffers, which may be long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceSession")
            .field("tls", &self.stack.tls.is_some())
            .field("silent", &self.silent)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// A service, with TLS below it if the connection has TLS.
struct Stack {
    service: Box<dyn Service>,
    tls: Option<Box<TlsLayer>>,
    /// Becomes `tls` when the service asks for it.
    starttls: Option<Box<TlsLayer>>,
    /// A buffer for unencrypted data.
    plain: Vec<u8>,
    /// All output was sent.
    closing: bool,
}

impl Stack {
    fn received(&mut self, bytes: &[u8]) {
        let Some(tls) = &mut self.tls else {
            self.service.received(bytes);
            return;
        };
        self.plain.clear();
        let events = tls.received(bytes, &mut self.plain);
        if events.established {
            self.service.secured();
        }
        if !self.plain.is_empty() {
            self.service.received(&self.plain);
        }
        if events.ended {
            self.service.ended();
        }
    }

    fn ended(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.ended();
        }
        self.service.ended();
    }

    fn poll(&mut self, now: Time, out: &mut Vec<u8>, activity: &mut Activity) -> Output {
        loop {
            if self.closing {
                return Output::Close;
            }
            let Some(tls) = &mut self.tls else {
                match self.service.poll(now, out, activity) {
                    ServiceOutput::Output(output) => return output,
                    ServiceOutput::StartTls => match self.starttls.take() {
                        Some(tls) => self.tls = Some(tls),
                        // STARTTLS was accepted although there is no TLS.
                        None => return Output::Close,
                    },
                }
                continue;
            };
            if let Some(output) = tls.poll(now, out) {
                return output;
            }
            self.plain.clear();
            match self.service.poll(now, &mut self.plain, activity) {
                ServiceOutput::Output(Output::Send) => {
                    tls.write(&self.plain, out);
                    return Output::Send;
                }
                ServiceOutput::Output(Output::Close) | ServiceOutput::StartTls => {
                    self.closing = true;
                    let start = out.len();
                    tls.close(out);
                    if out.len() > start {
                        return Output::Send;
                    }
                }
                ServiceOutput::Output(other) => return other,
            }
        }
    }
}

#[cfg(test)]
mod tests;
