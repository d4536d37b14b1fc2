//! Answers, good and bad, with what is to be made of them however they are cut up on their way.
//!
//! For tests: of the reader itself, of a simulated peer, of a real one. After each response the peer
//! closes the connection in good order. Compressed bodies are in `data/`, made from `data/text` and
//! from zeros with `zlib`, `brotli` and `zstd`; `block-too-large.zst` is written by hand: one block of
//! 72 octets that decodes to 4 MB.

mod codings;
mod framing;
mod heads;

use canvass_model::Cause;

use super::HttpSettings;

/// A response and what is to be made of it.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What it shows.
    pub name: &'static str,
    /// The method of the request.
    pub method: &'static str,
    /// What the peer sends, one after the other.
    pub parts: &'static [&'static [u8]],
    /// What is to be made of it.
    pub expected: Expected,
}

/// What is to be made of a response.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// An answer.
    Answer {
        /// Its status code.
        code: u16,
        /// Its body, decoded.
        body: &'static [u8],
        /// Whether the connection may take another request, if the peer has not closed it.
        reusable: bool,
    },
    /// None.
    Fault {
        /// Why, in a word.
        cause: Cause,
        /// Why, for a person.
        message: &'static str,
    },
}

/// Every case.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    [heads::CASES, framing::CASES, codings::CASES]
        .into_iter()
        .flatten()
}

/// How the cases are to be asked for: their bodies are kept, their connections too, and they make do
/// with heads of 1 KiB and bodies of 4 KiB.
pub fn settings(method: &str) -> HttpSettings {
    HttpSettings {
        method: method.into(),
        head_bytes_max: HEAD_BYTES_MAX,
        body_bytes_max: 4 << 10,
        keep_body: true,
        keep_alive: true,
        ..HttpSettings::default()
    }
}

/// The body of many cases.
pub const TEXT: &[u8] = include_bytes!("data/text");

const HEAD_BYTES_MAX: usize = 1 << 10;

impl Case {
    /// All that the peer sends.
    pub fn response(&self) -> Vec<u8> {
        self.parts.concat()
    }
}

/// An answer to `GET` after which the connection may be used again.
const fn good(name: &'static str, parts: &'static [&'static [u8]], body: &'static [u8]) -> Case {
    answer(name, "GET", parts, 200, body, true)
}

/// An answer to `GET` after which it may not.
const fn last(name: &'static str, parts: &'static [&'static [u8]], body: &'static [u8]) -> Case {
    answer(name, "GET", parts, 200, body, false)
}

const fn answer(
    name: &'static str,
    method: &'static str,
    parts: &'static [&'static [u8]],
    code: u16,
    body: &'static [u8],
    reusable: bool,
) -> Case {
    let expected = Expected::Answer {
        code,
        body,
        reusable,
    };
    Case {
        name,
        method,
        parts,
        expected,
    }
}

/// No answer to `GET`, for octets that cannot be read.
const fn malformed(
    name: &'static str,
    parts: &'static [&'static [u8]],
    message: &'static str,
) -> Case {
    fault(name, parts, Cause::Malformed, message)
}

/// No answer to `GET`.
const fn fault(
    name: &'static str,
    parts: &'static [&'static [u8]],
    cause: Cause,
    message: &'static str,
) -> Case {
    Case {
        name,
        method: "GET",
        parts,
        expected: Expected::Fault { cause, message },
    }
}
