//! An IMAP server with login and logout (RFC 3501).

use super::line_protocol::{LineProtocol, NextStep, push_line, split_word};
use super::{PASSWORD, USER};

/// One IMAP session.
#[derive(Debug)]
pub(super) struct Imap {
    starttls: bool,
    logged_in: bool,
}

impl Imap {
    /// Offers STARTTLS if `starttls` is set.
    pub(super) fn new(starttls: bool) -> Self {
        Self {
            starttls,
            logged_in: false,
        }
    }

    fn capabilities(&self) -> &'static str {
        if self.starttls {
            "IMAP4rev1 STARTTLS AUTH=PLAIN"
        } else {
            "IMAP4rev1 AUTH=PLAIN"
        }
    }
}

impl LineProtocol for Imap {
    fn greet(&mut self, out: &mut Vec<u8>) -> NextStep {
        let capabilities = self.capabilities();
        push_line(
            out,
            format_args!("* OK [CAPABILITY {capabilities}] canvass-lab IMAP server ready"),
        );
        NextStep::Continue
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> NextStep {
        let line = String::from_utf8_lossy(line);
        let (tag, rest) = split_word(&line);
        let (word, arguments) = split_word(rest);
        match (word.to_ascii_uppercase().as_str(), self.logged_in) {
            ("CAPABILITY", _) => {
                push_line(out, format_args!("* CAPABILITY {}", self.capabilities()));
                push_line(out, format_args!("{tag} OK CAPABILITY completed"));
            }
            ("NOOP", _) => push_line(out, format_args!("{tag} OK NOOP completed")),
            ("LOGOUT", _) => {
                push_line(out, format_args!("* BYE logging out"));
                push_line(out, format_args!("{tag} OK LOGOUT completed"));
                return NextStep::Close;
            }
            ("STARTTLS", false) if self.starttls => {
                push_line(out, format_args!("{tag} OK begin TLS negotiation"));
                return NextStep::StartTls;
            }
            ("LOGIN", false) => {
                let (user, password) = split_word(arguments);
                if (unquoted(user), unquoted(password)) == (USER, PASSWORD) {
                    self.logged_in = true;
                    push_line(out, format_args!("{tag} OK LOGIN completed"));
                } else {
                    push_line(
                        out,
                        format_args!("{tag} NO [AUTHENTICATIONFAILED] authentication failed"),
                    );
                }
            }
            _ if word.is_empty() => push_line(out, format_args!("* BAD no command")),
            _ => push_line(out, format_args!("{tag} BAD unknown command")),
        }
        NextStep::Continue
    }

    fn secured(&mut self) {
        self.starttls = false;
    }
}

/// An atom, or a quoted string without its quotes.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::line_protocol::LineService;
    use crate::service::testing::{Ending, converse};

    #[test]
    fn it_logs_in_and_out() {
        let (received, ending) = converse(
            LineService::new(Imap::new(false)),
            &[b"a1 LOGIN canvass \"secret\"\r\na2 login canvass secret\r\na3 LOGOUT\r\n"],
        );
        assert_eq!(
            received,
            "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] canvass-lab IMAP server ready\r\n\
             a1 OK LOGIN completed\r\na2 BAD unknown command\r\n\
             * BYE logging out\r\na3 OK LOGOUT completed\r\n"
        );
        assert_eq!(ending, Ending::Closed);
    }

    #[test]
    fn invalid_commands_are_refused() {
        let (received, ending) = converse(
            LineService::new(Imap::new(true)),
            &[b"x CAPABILITY\ny LOGIN canvass wrong\n\nz STARTTLS\n"],
        );
        let replies: Vec<&str> = received.lines().skip(1).collect();
        assert_eq!(
            replies,
            [
                "* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN",
                "x OK CAPABILITY completed",
                "y NO [AUTHENTICATIONFAILED] authentication failed",
                "* BAD no command",
                "z OK begin TLS negotiation",
            ]
        );
        assert_eq!(ending, Ending::StartTls);
    }
}
