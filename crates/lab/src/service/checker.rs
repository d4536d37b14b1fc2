//! A service that checks a password.

use super::line_protocol::{LineProtocol, NextStep};
use super::{PASSWORD, USER};

/// Reads one line `user:password`, answers `1` (right), `0` (wrong) or `-1` (malformed), and
/// closes. It has no greeting.
#[derive(Debug)]
pub(super) struct Checker;

impl LineProtocol for Checker {
    fn greet(&mut self, _out: &mut Vec<u8>) -> NextStep {
        NextStep::Continue
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> NextStep {
        let verdict: &[u8] = match std::str::from_utf8(line).map(|line| line.split_once(':')) {
            Ok(Some((user, password))) if !user.is_empty() && !password.is_empty() => {
                if (user, password) == (USER, PASSWORD) {
                    b"1\r\n"
                } else {
                    b"0\r\n"
                }
            }
            _ => b"-1\r\n",
        };
        out.extend_from_slice(verdict);
        NextStep::Close
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::line_protocol::LineService;
    use crate::service::testing::{Ending, converse};

    #[test]
    fn each_line_has_its_verdict() {
        for (line, verdict) in [
            ("canvass:secret\n", "1\r\n"),
            ("canvass:wrong\r\n", "0\r\n"),
            ("somebody:secret\n", "0\r\n"),
            ("canvass\n", "-1\r\n"),
            (":secret\n", "-1\r\n"),
            ("canvass:\n", "-1\r\n"),
            ("\n", "-1\r\n"),
        ] {
            let received = converse(LineService::new(Checker), &[line.as_bytes()]);
            assert_eq!(received, (verdict.to_owned(), Ending::Closed), "{line:?}");
        }
        let not_text = converse(LineService::new(Checker), &[b"\xff:\xff\n"]);
        assert_eq!(not_text.0, "-1\r\n");
    }
}
