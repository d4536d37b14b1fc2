//! Services whose protocol consists of lines.

use std::fmt;
use std::io::Write;

use canvass_model::Time;

use super::{Activity, Output, Service, ServiceOutput};

/// The longest line that is read; RFC 5321 §4.5.3.1.6 asks for 1000.
pub(super) const LINE_BYTES_MAX: usize = 8 << 10;
/// No more input is accepted while this many octets are unread.
const UNREAD_BYTES_MAX: usize = 64 << 10;
/// Lines are answered until this many octets of output are unsent.
const OUT_BYTES_MAX: usize = 64 << 10;

/// What follows the answer to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextStep {
    /// The next line.
    Continue,
    /// The end.
    Close,
    /// A TLS handshake, then the next line.
    StartTls,
}

/// A protocol of lines.
pub(super) trait LineProtocol: Send {
    /// Appends the greeting.
    fn greet(&mut self, out: &mut Vec<u8>) -> NextStep;

    /// Answers one line, without its line ending.
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> NextStep;

    /// The TLS handshake is complete.
    fn secured(&mut self) {}
}

/// A service that speaks such a protocol. A line ends with LF or CRLF.
#[derive(Debug)]
pub(super) struct LineService<P> {
    protocol: P,
    unread: Vec<u8>,
    stage: Stage,
    ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Greeting,
    Open,
    /// A TLS handshake follows once all output has been sent.
    Securing,
    Closing,
}

impl<P: LineProtocol> LineService<P> {
    pub(super) fn new(protocol: P) -> Self {
        Self {
            protocol,
            unread: Vec::new(),
            stage: Stage::Greeting,
            ended: false,
        }
    }

    fn follow(&mut self, after: NextStep) {
        self.stage = match after {
            NextStep::Continue => Stage::Open,
            NextStep::Close => Stage::Closing,
            NextStep::StartTls => Stage::Securing,
        };
    }
}

impl<P: LineProtocol> Service for LineService<P> {
    fn received(&mut self, bytes: &[u8]) {
        if self.stage != Stage::Closing {
            self.unread.extend_from_slice(bytes);
        }
    }

    fn ended(&mut self) {
        self.ended = true;
    }

    fn secured(&mut self) {
        self.protocol.secured();
    }

    fn poll(&mut self, _now: Time, out: &mut Vec<u8>, activity: &mut Activity) -> ServiceOutput {
        let start = out.len();
        if self.stage == Stage::Greeting {
            let after = self.protocol.greet(out);
            self.follow(after);
        }
        let mut read = 0;
        while self.stage == Stage::Open && out.len() - start < OUT_BYTES_MAX {
            let rest = &self.unread[read..];
            let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
                if self.ended || rest.len() > LINE_BYTES_MAX {
                    self.stage = Stage::Closing;
                }
                break;
            };
            let line = &rest[..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            read += end + 1;
            activity.requests += 1;
            let after = self.protocol.line(line, out);
            self.follow(after);
        }
        self.unread.drain(..read);
        if out.len() > start {
            return ServiceOutput::Output(Output::Send);
        }
        match self.stage {
            Stage::Closing => ServiceOutput::Output(Output::Close),
            Stage::Securing => {
                // Input in the clear after the command must not be processed as if it were
                // encrypted (RFC 3207 §6, RFC 2595 §4).
                self.unread.clear();
                self.stage = Stage::Open;
                ServiceOutput::StartTls
            }
            Stage::Greeting | Stage::Open => ServiceOutput::Output(Output::Idle),
        }
    }

    fn wants_input(&self) -> bool {
        self.unread.len() < UNREAD_BYTES_MAX
    }
}

/// Appends a line.
pub(super) fn push_line(out: &mut Vec<u8>, line: fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "{line}\r\n");
}

/// The first word of a line, and the rest of it.
pub(super) fn split_word(line: &str) -> (&str, &str) {
    let line = line.trim();
    line.split_once(' ')
        .map_or((line, ""), |(word, rest)| (word, rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::reverser::Reverser;
    use crate::service::testing::{Ending, converse};

    #[test]
    fn pieces_of_lines_get_the_same_answers() {
        let input = b"abc\r\n\nx y\nEND\r\nnever read\n";
        let whole = converse(LineService::new(Reverser), &[input]);
        for cut in 0..input.len() {
            let (head, tail) = input.split_at(cut);
            assert_eq!(
                converse(LineService::new(Reverser), &[head, tail]),
                whole,
                "{cut}"
            );
        }
        assert_eq!(whole.1, Ending::Closed);
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let long = vec![b'x'; LINE_BYTES_MAX + 1];
        assert_eq!(
            converse(LineService::new(Reverser), &[&long]).1,
            Ending::Closed
        );
    }

    #[test]
    fn words_are_split_from_the_rest() {
        assert_eq!(split_word(" USER  me \r"), ("USER", "me"));
        assert_eq!(split_word("QUIT"), ("QUIT", ""));
    }
}
