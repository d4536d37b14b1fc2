//! Services that hold a conversation in lines.

use std::fmt;
use std::io::Write;

use canvass_model::Time;

use super::{Output, Said, Service, Tally};

/// The longest line that is read; RFC 5321 §4.5.3.1.6 asks for 1000.
pub(super) const LINE_BYTES_MAX: usize = 8 << 10;
/// Octets that wait to be read from which on no more are taken in.
const UNREAD_BYTES_MAX: usize = 64 << 10;
/// Octets said in answer to lines that came together before they are sent.
const SAID_BYTES_MAX: usize = 64 << 10;

/// What follows a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// The next line.
    Go,
    /// The end.
    Close,
    /// A TLS handshake, then the next line.
    StartTls,
}

/// What is said when, in lines.
pub(super) trait Dialogue: Send {
    /// What is said first, before anything was read.
    fn greet(&mut self, out: &mut Vec<u8>) -> After;

    /// Answers one line, without its line ending.
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> After;

    /// The connection is TLS now.
    fn secured(&mut self) {}
}

/// A dialogue on a stream. A line ends with LF or CR LF.
#[derive(Debug)]
pub(super) struct Talking<D> {
    dialogue: D,
    unread: Vec<u8>,
    stage: Stage,
    ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Fresh,
    Open,
    /// `StartTls` is to be said once what was said before has been sent.
    Securing,
    Closing,
}

impl<D: Dialogue> Talking<D> {
    pub fn new(dialogue: D) -> Self {
        Self {
            dialogue,
            unread: Vec::new(),
            stage: Stage::Fresh,
            ended: false,
        }
    }

    fn follow(&mut self, after: After) {
        self.stage = match after {
            After::Go => Stage::Open,
            After::Close => Stage::Closing,
            After::StartTls => Stage::Securing,
        };
    }
}

impl<D: Dialogue> Service for Talking<D> {
    fn received(&mut self, bytes: &[u8]) {
        if self.stage != Stage::Closing {
            self.unread.extend_from_slice(bytes);
        }
    }

    fn ended(&mut self) {
        self.ended = true;
    }

    fn secured(&mut self) {
        self.dialogue.secured();
    }

    fn poll(&mut self, _now: Time, out: &mut Vec<u8>, tally: &mut Tally) -> Said {
        let start = out.len();
        if self.stage == Stage::Fresh {
            let after = self.dialogue.greet(out);
            self.follow(after);
        }
        let mut read = 0;
        while self.stage == Stage::Open && out.len() - start < SAID_BYTES_MAX {
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
            tally.requests += 1;
            let after = self.dialogue.line(line, out);
            self.follow(after);
        }
        self.unread.drain(..read);
        if out.len() > start {
            return Said::Output(Output::Send);
        }
        match self.stage {
            Stage::Closing => Said::Output(Output::Close),
            Stage::Securing => {
                // What came in the clear behind the command must not count as said in TLS
                // (RFC 3207 §6, RFC 2595 §4).
                self.unread.clear();
                self.stage = Stage::Open;
                Said::StartTls
            }
            Stage::Fresh | Stage::Open => Said::Output(Output::Idle),
        }
    }

    fn wants_input(&self) -> bool {
        self.unread.len() < UNREAD_BYTES_MAX
    }
}

/// Appends a line.
pub(super) fn say(out: &mut Vec<u8>, line: fmt::Arguments<'_>) {
    // A vector takes everything.
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
    use crate::service::line::Line;
    use crate::service::testing::{Ending, converse};

    #[test]
    fn pieces_of_lines_make_the_same_dialogue() {
        let input = b"abc\r\n\nx y\nEND\r\nnever read\n";
        let whole = converse(Talking::new(Line), &[input]);
        for cut in 0..input.len() {
            let (head, tail) = input.split_at(cut);
            assert_eq!(converse(Talking::new(Line), &[head, tail]), whole, "{cut}");
        }
        assert_eq!(whole.1, Ending::Closed);
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let long = vec![b'x'; LINE_BYTES_MAX + 1];
        assert_eq!(converse(Talking::new(Line), &[&long]).1, Ending::Closed);
    }

    #[test]
    fn words_are_told_from_the_rest() {
        assert_eq!(split_word(" USER  me \r"), ("USER", "me"));
        assert_eq!(split_word("QUIT"), ("QUIT", ""));
    }
}
