//! Conversations by script, without IO.
//!
//! A [`Script`] is read from YAML in the form of blackbox_exporter's `query_response`, or is a
//! [`Preset`]. A [`Talk`] is one conversation after it: the caller hands in what came and what
//! time it is, drains [`Talk::poll`], and does what it says. It speaks plain octets: TLS lies
//! below it, and it only says when TLS is to begin.
//!
//! # Scripts
//! A script is a list of steps, or a mapping that has it under `query_response`, or a module of
//! blackbox_exporter that has that under `tcp`. What a step asks for is done in this order,
//! however its keys are ordered:
//!
//! | key | meaning |
//! |---|---|
//! | `when: credentials` | the step is for when there are credentials, and is left out otherwise |
//! | `expect: REGEX` | wait for a line that matches; others go by |
//! | `expect_bytes: TEXT` | wait for these octets, wherever they begin; what comes before goes by |
//! | `expect_line: TEXT` | wait for a line that is this text, expanded as in `send` |
//! | `read: N`, `read: to_end` | take the next N octets, or all until the peer closes its side |
//! | `as: NAME` | keep what was read as a capture: text where it is UTF-8 without control characters (tabs and line ends apart), else hex |
//! | `form: text`, `hex`, `time` | keep it as this instead; `time` takes the four octets of RFC 868, and adds `drift_s` |
//! | `fail: REGEX` | a line that matches while one is waited for ends the conversation: not matched. At the top it holds for all steps |
//! | `gather: REGEX` | what the named groups find on each line that goes by, the expected one included, is kept, joined by `, ` |
//! | `gather_skip: N` | the first N lines `gather` matches are not kept |
//! | `labels: [{name, value}]` | captures made of the groups of `expect`, as in `value: "${1}"` |
//! | `delay: 150ms` | wait so long |
//! | `send: TEXT` | say this and a line feed |
//! | `crlf: true`, `newline: none`, `lf`, `crlf` | end what is sent by CR LF or otherwise. `crlf` may stand at the top, for all steps |
//! | `send_bytes: HEX` | say these octets; over UDP none of them are an empty datagram |
//! | `half_close: true` | close the writing side |
//! | `starttls: true` | begin TLS |
//!
//! At the top, `tls: true` asks for TLS before anything is said, and `timeout: 5s` bounds the
//! whole conversation. Spans are a number and `ms`, `s`, `m` or `h`. Keys that are not told here
//! are refused.
//!
//! In `send`, `${1}` and `${name}` are the groups of the last `expect`, `${nonce}` a number that
//! every conversation has another of, `${user}` and `${password}` the [`Credentials`], with
//! `.quoted` behind them as an IMAP string (RFC 3501 §4.3). A step with both `expect` and `send`
//! also knows `$1`, `$name` and `$$` for a dollar sign, as blackbox_exporter does; other steps
//! send `$` as it is, and `$${` for `${`.
//!
//! A line ends at its line feed, or where the peer closes; a carriage return before that end is
//! no part of it. The regular expressions are those of the `regex` crate, over octets: `.` is any
//! octet but a line feed, and `\w`, `\d` and `(?i)` know ASCII, unless a pattern needs Unicode
//! classes.
//!
//! Over UDP each `send` is a datagram. A datagram that came is looked at line by line, and then
//! as a whole; one that is not what is waited for is dropped, and so is one of another length
//! where `read` waits for N octets.

mod captures;
mod conversation;
mod credentials;
mod error;
mod inbox;
mod line_match;
mod parse;
mod preset;
mod rfc868;
mod script;
mod template;
mod yaml;

#[cfg(test)]
mod tests;

pub use conversation::{Judgement, Talk, TalkFault, TalkOutput};
pub use credentials::{CredentialUse, Credentials, CredentialsError};
pub use error::ScriptError;
pub use preset::Preset;
pub use script::Script;

/// The most octets of a script.
pub const SCRIPT_BYTES_MAX: usize = 256 << 10;
/// The most steps of a script.
pub const STEPS_MAX: usize = 100;
/// The most octets one compiled regular expression takes. The time a line of
/// [`LINE_BYTES_MAX`] takes grows with it.
pub const REGEX_BYTES_MAX: usize = 128 << 10;
/// The most octets a thread spends on what makes one regular expression fast.
pub const REGEX_CACHE_BYTES_MAX: usize = 1 << 20;
/// The longest delay a script may ask for, in milliseconds.
pub const DELAY_MS_MAX: u64 = 3_600_000;
/// The most octets of a line, its end apart. A longer one is a fault.
pub const LINE_BYTES_MAX: usize = (64 << 10) - 1;
/// The most octets a `read` may keep.
pub const READ_BYTES_MAX: usize = 1 << 20;
/// The most octets that may lie unread, while a delay lasts or a `read` fills up. More are a
/// fault.
pub const UNREAD_BYTES_MAX: usize = 2 << 20;
/// The most octets a peer may send in one conversation. More are a fault.
pub const RECEIVED_BYTES_MAX: u64 = 64 << 20;
/// The most octets of one `send` once it is expanded. More are a fault.
pub const SEND_BYTES_MAX: usize = 1 << 20;
/// The most octets of all captures of a conversation together. More are a fault.
pub const CAPTURED_BYTES_MAX: usize = 4 << 20;
