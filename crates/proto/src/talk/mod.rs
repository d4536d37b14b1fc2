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
//! | `when: plain` | skip the step if TLS has started |
//! | `when: {NAME: REGEX}` | skip the step unless there is a capture of this name that matches; of a list of conditions, all must hold |
//! | `expect: REGEX` | wait for a line that matches; skip others |
//! | `partial: true` | a line without an end counts too, once nothing came for `quiet_after` |
//! | `expect_bytes: TEXT` | wait for these octets, wherever they start; skip what precedes them |
//! | `expect_line: TEXT` | wait for this line, expanded as in `send` |
//! | `read: N`, `read: to_end` | read N octets, or all until the peer closes its side |
//! | `read: {before, length, after, order, counts}` | read a message that says how long it is: `length` octets (1 to 4) after the first `before` octets, `order: big` or `little`, say how many octets follow behind `after` further ones (`counts: rest`), or how many the length and all that follows it are (`counts: itself`) |
//! | `match: REGEX` | what was read must match, octet by octet, with the header of a message; groups become captures |
//! | `as: NAME` | store what was read as a capture: as text if it is UTF-8 without control characters (other than tabs and line ends), otherwise in hex |
//! | `form: text`, `hex`, `time`, `ntp` | the format of that capture; `time` decodes the four octets of RFC 868, and adds `drift_s`; `ntp` decodes the 48 octets of RFC 5905, and adds `drift_s` and `stratum` |
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
//! At the top, `tls: true` starts TLS with the connection, `timeout: 5s` limits the whole
//! conversation, `quiet_after: 500ms` is for `partial`, and `telnet: true` takes telnet commands out
//! of what is received and refuses every option (RFC 854), and `text: TEXT` is what `${text}` stands
//! for unless another text is given ([`Script::with_text`]). Durations are a number and `ms`, `s`, `m`
//! or `h`. Other keys are refused. A module of blackbox_exporter may have no steps: then the
//! connection is all, see [`Script::is_empty`]; and it may say something about addresses and
//! certificates, see [`ModuleSettings`].
//!
//! In `send`, `${1}` and `${name}` are the groups of the last `expect` or `match`, `${nonce}` is a
//! random number for each conversation, `${user}` and `${password}` are the [`Credentials`], and `${text}` is
//! the text of a script that has one; with
//! `.quoted` they become an IMAP string (RFC 3501 §4.3). A step with both `expect` and `send` also
//! has `$1`, `$name`, and `$$` for a dollar sign, as in blackbox_exporter; other steps send `$` as
//! it is, and `$${` for `${`.
//!
//! A line ends at its line feed, or where the peer closes; a carriage return before that is not
//! part of it. A line without an end is shown in a mismatch, and matches nothing: otherwise a line
//! that comes in two parts would be taken for two. `partial` is for what never ends, such as a
//! prompt.
//!
//! Regular expressions are those of the `regex` crate, and those over lines match characters where a
//! line is UTF-8, and octets where it is not. As in Go, `\w`, `\d`, `\s` and `\b` are ASCII; `(?u)`
//! makes them Unicode.
//!
//! Over UDP each `send` is a datagram. A received datagram is matched line by line, and then as a
//! whole; one that does not match is dropped, and so is one of another length if `read` needs N
//! octets.

use std::time::Duration;

mod captures;
mod conversation;
mod credentials;
mod error;
mod line_match;
mod module_settings;
mod ntp;
mod parse;
mod pattern;
mod preset;
mod rfc868;
mod script;
mod telnet;
mod template;
mod unread;
mod yaml;

#[cfg(test)]
mod tests;

pub use conversation::{Judgement, Mismatch, Quote, Talk, TalkFault, TalkOutput};
pub use credentials::{CredentialUse, Credentials, CredentialsError};
pub use error::ScriptError;
pub use module_settings::{ModuleSettings, OnlyFamily};
pub use pattern::Pattern;
pub use preset::Preset;
pub use script::{GivenText, GivenTextError, Script};

/// How long nothing must come before a line without an end is taken as it is, by default.
pub const QUIET_AFTER: Duration = Duration::from_millis(500);
/// The most octets of a script.
pub const SCRIPT_BYTES_MAX: usize = 256 << 10;
/// The most steps of a script.
pub const STEPS_MAX: usize = 100;
/// The most octets of a compiled regular expression over octets; four times as much for one over
/// characters. The time to match a line of
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
/// The most octets of the text that is given to a script.
pub const TEXT_BYTES_MAX: usize = 1 << 10;
/// The most received octets that are not consumed yet. More are a fault.
pub const UNREAD_BYTES_MAX: usize = 2 << 20;
/// The most octets received in one conversation. More are a fault.
pub const RECEIVED_BYTES_MAX: u64 = 64 << 20;
/// The most octets of one expanded `send`. More are a fault.
pub const SEND_BYTES_MAX: usize = 1 << 20;
/// The most octets of all captures of a conversation. More are a fault.
pub const CAPTURED_BYTES_MAX: usize = 4 << 20;
