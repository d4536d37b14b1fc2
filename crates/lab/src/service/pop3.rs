//! A POP3 server with one mailbox (RFC 1939).

use super::line_protocol::{LineProtocol, NextStep, push_line, split_word};
use super::{PASSWORD, USER};

/// Messages in the mailbox.
pub const MAILBOX_MESSAGES: u32 = 72;
/// Octets of all messages.
pub const MAILBOX_OCTETS: u32 = {
    let (mut total, mut message) = (0, 1);
    while message <= MAILBOX_MESSAGES {
        total += octets_of(message);
        message += 1;
    }
    total
};

/// One POP3 session.
#[derive(Debug)]
pub(super) struct Pop3 {
    starttls: bool,
    user: Option<bool>,
    logged_in: bool,
}

impl Pop3 {
    /// Offers STLS (RFC 2595) if `starttls` is set.
    pub(super) fn new(starttls: bool) -> Self {
        Self {
            starttls,
            user: None,
            logged_in: false,
        }
    }

    fn list(&self, argument: &str, out: &mut Vec<u8>) {
        if argument.is_empty() {
            push_line(
                out,
                format_args!("+OK {MAILBOX_MESSAGES} messages ({MAILBOX_OCTETS} octets)"),
            );
            for message in 1..=MAILBOX_MESSAGES {
                push_line(out, format_args!("{message} {}", octets_of(message)));
            }
            push_line(out, format_args!("."));
            return;
        }
        match argument.parse() {
            Ok(message @ 1..=MAILBOX_MESSAGES) => {
                push_line(out, format_args!("+OK {message} {}", octets_of(message)));
            }
            _ => push_line(out, format_args!("-ERR no such message")),
        }
    }

    fn capabilities(&self, out: &mut Vec<u8>) {
        push_line(out, format_args!("+OK capability list follows"));
        let starttls = self.starttls.then_some("STLS");
        for capability in ["USER", "UIDL", "IMPLEMENTATION canvass-lab"]
            .into_iter()
            .chain(starttls)
            .chain(["."])
        {
            push_line(out, format_args!("{capability}"));
        }
    }
}

impl LineProtocol for Pop3 {
    fn greet(&mut self, out: &mut Vec<u8>) -> NextStep {
        push_line(out, format_args!("+OK canvass-lab POP3 server ready"));
        NextStep::Continue
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> NextStep {
        let line = String::from_utf8_lossy(line);
        let (word, argument) = split_word(&line);
        match (word.to_ascii_uppercase().as_str(), self.logged_in) {
            ("QUIT", _) => {
                push_line(out, format_args!("+OK bye"));
                return NextStep::Close;
            }
            ("CAPA", _) => self.capabilities(out),
            ("STLS", false) if self.starttls => {
                push_line(out, format_args!("+OK begin TLS negotiation"));
                return NextStep::StartTls;
            }
            ("USER", false) if !argument.is_empty() => {
                self.user = Some(argument == USER);
                push_line(out, format_args!("+OK send PASS"));
            }
            // Does not reveal whether the user name exists (RFC 1939 §13).
            ("PASS", false) => match self.user.take() {
                Some(true) if argument == PASSWORD => {
                    self.logged_in = true;
                    push_line(out, format_args!("+OK logged in"));
                }
                Some(_) => push_line(out, format_args!("-ERR [AUTH] authentication failed")),
                None => push_line(out, format_args!("-ERR send USER first")),
            },
            ("STAT", true) => {
                push_line(out, format_args!("+OK {MAILBOX_MESSAGES} {MAILBOX_OCTETS}"))
            }
            ("LIST", true) => self.list(argument, out),
            ("NOOP" | "RSET", true) => push_line(out, format_args!("+OK")),
            _ => push_line(out, format_args!("-ERR unknown command")),
        }
        NextStep::Continue
    }

    fn secured(&mut self) {
        self.starttls = false;
        self.user = None;
    }
}

/// The size of a message.
const fn octets_of(message: u32) -> u32 {
    400 + message * 37
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::line_protocol::LineService;
    use crate::service::testing::{Ending, converse};

    const GREETING: &str = "+OK canvass-lab POP3 server ready\r\n";

    fn session(lines: &str) -> (String, Ending) {
        let (received, ending) = converse(LineService::new(Pop3::new(true)), &[lines.as_bytes()]);
        (received.strip_prefix(GREETING).unwrap().to_owned(), ending)
    }

    #[test]
    fn a_login_gives_access_to_the_mailbox() {
        let (received, ending) =
            session("USER canvass\r\nPASS secret\r\nSTAT\r\nlist 2\r\nLIST 73\r\nQUIT\r\n");
        assert_eq!(
            received,
            format!(
                "+OK send PASS\r\n+OK logged in\r\n+OK 72 {MAILBOX_OCTETS}\r\n+OK 2 474\r\n\
                 -ERR no such message\r\n+OK bye\r\n"
            )
        );
        assert_eq!(ending, Ending::Closed);
    }

    #[test]
    fn a_list_adds_up_to_the_total() {
        let (received, _) = session("USER canvass\nPASS secret\nLIST\n");
        let list = received.split("octets)\r\n").nth(1).unwrap();
        let sizes: Vec<u32> = list
            .lines()
            .take_while(|line| *line != ".")
            .map(|line| line.split_once(' ').unwrap().1.parse().unwrap())
            .collect();
        assert_eq!(sizes.len(), MAILBOX_MESSAGES as usize);
        assert_eq!(sizes.iter().sum::<u32>(), MAILBOX_OCTETS);
    }

    #[test]
    fn a_failed_login_gives_no_access() {
        for (lines, last) in [
            ("USER canvass\nPASS wrong\n", "-ERR [AUTH]"),
            ("USER other\nPASS secret\n", "-ERR [AUTH]"),
            ("PASS secret\n", "-ERR send USER"),
            ("STAT\n", "-ERR unknown"),
            ("USER canvass\nPASS wrong\nSTAT\n", "-ERR unknown"),
        ] {
            let (received, ending) = session(lines);
            let said_last = received.lines().last().unwrap();
            assert!(said_last.starts_with(last), "{lines:?}: {said_last}");
            assert_eq!(ending, Ending::Open);
        }
    }

    #[test]
    fn stls_is_offered_once() {
        assert!(session("CAPA\n").0.contains("\r\nSTLS\r\n"));
        assert_eq!(session("STLS\n").1, Ending::StartTls);
        let mut secured = Pop3::new(true);
        secured.secured();
        for without in [secured, Pop3::new(false)] {
            let (received, ending) = converse(LineService::new(without), &[b"CAPA\nSTLS\n"]);
            assert!(!received.contains("\r\nSTLS\r\n"));
            assert!(received.ends_with("-ERR unknown command\r\n"));
            assert_eq!(ending, Ending::Open);
        }
    }
}
