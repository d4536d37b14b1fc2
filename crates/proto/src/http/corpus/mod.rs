//! Valid and invalid responses, and the result that is expected of each, however its octets are
//! divided.
//!
//! For tests of the reader, of a simulated peer and of a real one. After each response the peer
//! closes the connection in order. Compressed bodies are in `data/`, made from `data/text` and from
//! zeros with `zlib`, `brotli` and `zstd`; `block-too-large.zst` is written by hand: one block of
//! 72 octets that decodes to 4 MB.

mod codings;
mod framing;
mod heads;
mod lenient;

use canvass_model::{Cause, HttpWarning};

use super::HttpSettings;

/// A response and its expected result.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What the case is about.
    pub name: &'static str,
    /// The method of the request.
    pub method: &'static str,
    /// The parts that the peer sends.
    pub parts: &'static [&'static [u8]],
    /// The expected result.
    pub expected: Expected,
    /// What is wrong with it though it is accepted.
    pub warnings: &'static [HttpWarning],
    /// Why it is malformed where responses must keep the rules.
    pub strict_message: Option<&'static str>,
}

/// The expected result of a response.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// A valid response.
    Answer {
        /// Its status code.
        code: u16,
        /// Its body, decoded.
        body: &'static [u8],
        /// Whether the connection can carry another request, if the peer keeps it open.
        reusable: bool,
    },
    /// A fault.
    Fault {
        /// Its cause.
        cause: Cause,
        /// Its message.
        message: &'static str,
    },
}

/// Every case.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    [heads::CASES, framing::CASES, codings::CASES, lenient::CASES]
        .into_iter()
        .flatten()
}

/// The settings for all cases: bodies and connections are kept, heads may have 1 KiB and bodies 4
/// KiB.
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

/// A valid response to `GET` after which the connection can be reused.
const fn good(name: &'static str, parts: &'static [&'static [u8]], body: &'static [u8]) -> Case {
    answer(name, "GET", parts, 200, body, true)
}

/// A valid response to `GET` after which it cannot.
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
        warnings: &[],
        strict_message: None,
    }
}

/// A malformed response to `GET`.
const fn malformed(
    name: &'static str,
    parts: &'static [&'static [u8]],
    message: &'static str,
) -> Case {
    fault(name, parts, Cause::Malformed, message)
}

/// A response to `GET` with a fault.
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
        warnings: &[],
        strict_message: None,
    }
}
