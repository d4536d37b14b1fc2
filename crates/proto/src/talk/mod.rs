//! Scripted conversations (send/expect), without IO.
//!
//! A [`Script`] is YAML in the syntax of blackbox_exporter's `query_response`, or a [`Preset`]. A
//! [`Talk`] is one conversation that follows it: the caller passes it what is received and the
//! time, drains [`Talk::poll`], and does what that returns. It deals in plain octets: TLS is
//! below it, and it only says when TLS starts.
//!
//! # Scripts
//! A script is a list of steps, a mapping with that list under `query_response`, or a module of
//! blackbox_exporter that has it under `tcp`. The parts of a step run in this order, whatever the
//! order of its keys:
//!
//! | key | meaning |
//! |---|---|
//! | `when: credentials` | skip the step if there are no credentials |
//! | `expect: REGEX` | wait for a line that matches; skip others |
//! | `expect_bytes: TEXT` | wait for these octets, wherever they start; skip what precedes them |
//! | `expect_line: TEXT` | wait for this line, expanded as in `send` |
//! | `read: N`, `read: to_end` | read N octets, or all until the peer closes its side |
//! | `as: NAME` | store what was read as a capture: as text if it is UTF-8 without control characters (other than tabs and line ends), otherwise in hex |
//! | `form: text`, `hex`, `time` | the format of that capture; `time` decodes the four octets of RFC 868, and adds `drift_s` |
//! | `fail: REGEX` | a line that matches while another is expected ends the conversation as not matched. At the top it applies to all steps |
//! | `gather: REGEX` | collect the named groups of each line, the expected one included, joined by `, ` |
//! | `gather_skip: N` | ignore the first N lines that `gather` matches |
//! | `labels: [{name, value}]` | captures made of the groups of `expect`, as in `value: "${1}"` |
//! | `delay: 150ms` | wait |
//! | `send: TEXT` | send this and a line feed |
//! | `crlf: true`, `newline: none`, `lf`, `crlf` | the line end to send instead. At the top `crlf` applies to all steps |
//! | `send_bytes: HEX` | send these octets; over UDP none of them are an empty datagram |
//! | `half_close: true` | close the writing side |
//! | `starttls: true` | start TLS |
//!
//! At the top, `tls: true` starts TLS with the connection, and `timeout: 5s` limits the whole
//! conversation. Durations are a number and `ms`, `s`, `m` or `h`. Other keys are refused.
//!
//! In `send`, `${1}` and `${name}` are the groups of the last `expect`, `${nonce}` is a random
//! number for each conversation, `${user}` and `${password}` are the [`Credentials`]; with
//! `.quoted` they become an IMAP string (RFC 3501 §4.3). A step with both `expect` and `send` also
//! has `$1`, `$name`, and `$$` for a dollar sign, as in blackbox_exporter; other steps send `$` as
//! it is, and `$${` for `${`.
//!
//! A line ends at its line feed, or where the peer closes; a carriage return before that is not
//! part of it. Regular expressions are those of the `regex` crate, over octets: `.` is any octet
//! but a line feed, and `\w`, `\d` and `(?i)` are ASCII, unless a pattern needs Unicode classes.
//!
//! Over UDP each `send` is a datagram. A received datagram is matched line by line, and then as a
//! whole; one that does not match is dropped, and so is one of another length if `read` needs N
//! octets.

mod captures;
mod conversation;
mod credentials;
mod error;
mod line_match;
mod parse;
mod preset;
mod rfc868;
mod script;
mod template;
mod unread;
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
/// The most octets of a compiled regular expression. The time to match a line of
/// [`LINE_BYTES_MAX`] grows with it.
pub const REGEX_BYTES_MAX: usize = 128 << 10;
/// The most octets of the cache for one regular expression, per thread.
pub const REGEX_CACHE_BYTES_MAX: usize = 1 << 20;
/// The longest delay of a script, in milliseconds.
pub const DELAY_MS_MAX: u64 = 3_600_000;
/// The most octets of a line, without its end. A longer one is a fault.
pub const LINE_BYTES_MAX: usize = (64 << 10) - 1;
/// The most octets a `read` can capture.
pub const READ_BYTES_MAX: usize = 1 << 20;
/// The most received octets that are not consumed yet. More are a fault.
pub const UNREAD_BYTES_MAX: usize = 2 << 20;
/// The most octets received in one conversation. More are a fault.
pub const RECEIVED_BYTES_MAX: u64 = 64 << 20;
/// The most octets of one expanded `send`. More are a fault.
pub const SEND_BYTES_MAX: usize = 1 << 20;
/// The most octets of all captures of a conversation. More are a fault.
pub const CAPTURED_BYTES_MAX: usize = 4 << 20;
