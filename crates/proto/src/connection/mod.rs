//! A connection: octets of a stream <-> optional TLS <-> framing.
//!
//! [`Connection`] has no socket. Its owner writes [`Connection::outgoing`] and reports it with
//! [`Connection::wrote`], and hands what it reads to [`Connection::received`]. It serves DNS over
//! streams ([`LengthPrefixed`]) and probes ([`Octets`]) alike; TLS may come first, or in the
//! middle of a conversation (STARTTLS).

mod framing;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

pub use framing::{Framing, LengthPrefixed, Messages, Octets};

use crate::tls::{TlsFault, TlsFilter};

/// Written octets that are kept in front of the unwritten ones before the buffer is compacted.
const WRITTEN_OCTETS_KEPT: usize = 64 << 10;

/// One end of a stream.
#[derive(Default)]
pub struct Connection<F = Octets> {
    /// The octets to write; those before `written` were written.
    out: Vec<u8>,
    written: usize,
    /// Whether the writing side has to be closed after the last octet.
    shuts_write: bool,
    tls: Option<Box<TlsFilter>>,
    framing: F,
}

/// What one read yielded.
#[derive(Debug)]
pub struct Received<'a, F: Framing> {
    /// The complete frames. They count even if a fault follows: how reads were divided must not
    /// matter.
    pub frames: F::Frames<'a>,
    /// What is wrong with the peer's TLS. There may be an alert in [`Connection::outgoing`].
    pub fault: Option<TlsFault>,
}

/// How a peer ended its side of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// As the protocol prescribes: with close_notify, where there is TLS.
    Complete,
    /// Without close_notify, so the data may be truncated (RFC 8446 §6.1).
    Truncated,
}

impl<F: Framing> Connection<F> {
    /// Sends one frame; `write` appends its content.
    pub fn send(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        match &mut self.tls {
            None => F::frame(&mut self.out, write),
            Some(tls) => {
                let mut plain = Vec::new();
                F::frame(&mut plain, write);
                tls.send(&plain);
                tls.take_outgoing(&mut self.out);
            }
        }
    }

    /// The octets to write to the socket.
    pub fn outgoing(&self) -> &[u8] {
        &self.out[self.written..]
    }

    /// Whether there are octets to write.
    pub fn has_outgoing(&self) -> bool {
        self.written < self.out.len()
    }

    /// Reports that the socket took the first `octets` of [`Self::outgoing`].
    pub fn wrote(&mut self, octets: usize) {
        self.written += octets;
        if !self.has_outgoing() {
            self.out.clear();
            self.written = 0;
        } else if self.written >= WRITTEN_OCTETS_KEPT && self.written >= self.out.len() / 2 {
            self.out.drain(..self.written);
            self.written = 0;
        }
    }

    /// Takes all of `octets`, which the peer sent, and returns the frames that are complete now.
    /// Without TLS, frames that lie in `octets` are borrowed from it.
    pub fn received<'a>(&mut self, octets: &'a [u8]) -> Received<'a, F> {
        let Some(tls) = &mut self.tls else {
            return Received {
                frames: self.framing.frames(Cow::Borrowed(octets)),
                fault: None,
            };
        };
        let mut plain = Vec::new();
        let fault = tls.received(octets, &mut plain).err();
        tls.take_outgoing(&mut self.out);
        Received {
            frames: self.framing.frames(Cow::Owned(plain)),
            fault,
        }
    }

    /// What was received of the content of a frame that is not complete; `None` if none has begun.
    pub fn partial_frame(&self) -> Option<&[u8]> {
        self.framing.partial_frame()
    }

    /// The peer closed its side of the stream.
    ///
    /// # Errors
    /// That it did so during the TLS handshake, or what was wrong with its TLS before.
    pub fn ended(&mut self) -> Result<StreamEnd, TlsFault> {
        let complete = match &mut self.tls {
            Some(tls) => tls.ended()?,
            None => true,
        };
        Ok(if complete {
            StreamEnd::Complete
        } else {
            StreamEnd::Truncated
        })
    }

    /// Whether the peer has announced by TLS that it sends nothing more, though the stream may
    /// still be open.
    pub fn is_ended_by_tls(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_ended())
    }

    /// Starts TLS, from the next octet in both directions. [`Self::outgoing`] has its handshake
    /// then.
    pub fn start_tls(&mut self, mut tls: TlsFilter) {
        tls.take_outgoing(&mut self.out);
        self.tls = Some(Box::new(tls));
    }

    /// The TLS session.
    pub fn tls(&self) -> Option<&TlsFilter> {
        self.tls.as_deref()
    }

    /// Closes this side after all that was sent, in TLS with close_notify. Close the socket's
    /// writing side once [`Self::take_shutdown`] returns true.
    pub fn shut_write(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.close();
            tls.take_outgoing(&mut self.out);
        }
        self.shuts_write = true;
    }

    /// Whether the socket's writing side has to be closed now. Returns true once.
    pub fn take_shutdown(&mut self) -> bool {
        let now = self.shuts_write && !self.has_outgoing();
        self.shuts_write &= !now;
        now
    }
}

impl<F> fmt::Debug for Connection<F> {
    /// Without what is sent: it may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("unwritten", &(self.out.len() - self.written))
            .field("shuts_write", &self.shuts_write)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}
