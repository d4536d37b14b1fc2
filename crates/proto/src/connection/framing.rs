//! How a stream is divided into frames.

use std::borrow::Cow;
use std::mem;

use crate::dns::frame;

/// How a stream is divided into frames.
pub trait Framing: Default {
    /// The frames that one read completed.
    type Frames<'a>;

    /// Appends a frame to `out`; `write` appends its content.
    fn frame(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>));

    /// Takes all of `plain`, and returns the frames that are complete now.
    fn frames<'a>(&mut self, plain: Cow<'a, [u8]>) -> Self::Frames<'a>;

    /// What was received of the content of a frame that is not complete; `None` if none has begun.
    fn partial_frame(&self) -> Option<&[u8]>;
}

/// No framing: the octets of each read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Octets;

impl Framing for Octets {
    type Frames<'a> = Cow<'a, [u8]>;

    fn frame(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        write(out);
    }

    fn frames<'a>(&mut self, plain: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        plain
    }

    fn partial_frame(&self) -> Option<&[u8]> {
        None
    }
}

/// DNS messages, each behind its length in two octets (RFC 1035 §4.2.2, RFC 7766 §8).
#[derive(Debug, Default)]
pub struct LengthPrefixed {
    /// The beginning of a message that is not complete yet.
    partial: Vec<u8>,
}

/// The messages that one read completed.
#[derive(Debug)]
pub struct Messages<'a> {
    octets: Cow<'a, [u8]>,
    taken: usize,
}

impl Framing for LengthPrefixed {
    type Frames<'a> = Messages<'a>;

    fn frame(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        frame::write(out, write);
    }

    fn frames<'a>(&mut self, plain: Cow<'a, [u8]>) -> Messages<'a> {
        // Only a message that was cut, and what follows it in the same read, is copied.
        let octets = if self.partial.is_empty() {
            plain
        } else {
            self.partial.extend_from_slice(&plain);
            Cow::Owned(mem::take(&mut self.partial))
        };
        let mut cut = &octets[..];
        while let Some((_, rest)) = frame::split(cut) {
            cut = rest;
        }
        // `Messages` stops before these octets.
        self.partial.extend_from_slice(cut);
        Messages { octets, taken: 0 }
    }

    fn partial_frame(&self) -> Option<&[u8]> {
        let begun = !self.partial.is_empty();
        begun.then(|| self.partial.get(frame::LENGTH_OCTETS..).unwrap_or_default())
    }
}

impl Messages<'_> {
    /// Whether there are no more messages.
    pub fn is_empty(&self) -> bool {
        frame::split(&self.octets[self.taken..]).is_none()
    }

    /// The next message, without its length.
    pub fn next_message(&mut self) -> Option<&[u8]> {
        let (message, rest) = frame::split(&self.octets[self.taken..])?;
        self.taken = self.octets.len() - rest.len();
        Some(message)
    }
}
