//! An SMTP server that accepts no mail (RFC 5321).

use super::HOST_NAME;
use super::line_protocol::{LineProtocol, NextStep, push_line, split_word};

/// One SMTP session.
#[derive(Debug)]
pub(super) struct Smtp {
    starttls: bool,
}

impl Smtp {
    /// Offers STARTTLS (RFC 3207) if `starttls` is set.
    pub(super) fn new(starttls: bool) -> Self {
        Self { starttls }
    }

    fn extensions(&self, client: &str, out: &mut Vec<u8>) {
        push_line(out, format_args!("250-{HOST_NAME} greets {client}"));
        push_line(out, format_args!("250-PIPELINING"));
        push_line(out, format_args!("250-SIZE 10485760"));
        if self.starttls {
            push_line(out, format_args!("250-STARTTLS"));
        }
        push_line(out, format_args!("250 8BITMIME"));
    }
}

impl LineProtocol for Smtp {
    fn greet(&mut self, out: &mut Vec<u8>) -> NextStep {
        push_line(out, format_args!("220 {HOST_NAME} ESMTP canvass-lab"));
        NextStep::Continue
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> NextStep {
        let line = String::from_utf8_lossy(line);
        let (word, argument) = split_word(&line);
        match word.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" if argument.is_empty() => {
                push_line(out, format_args!("501 say who you are"));
            }
            "EHLO" => self.extensions(argument, out),
            "HELO" => push_line(out, format_args!("250 {HOST_NAME}")),
            "NOOP" | "RSET" => push_line(out, format_args!("250 OK")),
            "STARTTLS" if self.starttls => {
                push_line(out, format_args!("220 ready to start TLS"));
                return NextStep::StartTls;
            }
            "QUIT" => {
                push_line(out, format_args!("221 {HOST_NAME} closing"));
                return NextStep::Close;
            }
            "MAIL" | "RCPT" | "DATA" => push_line(out, format_args!("554 no mail is taken here")),
            _ => push_line(out, format_args!("500 unknown command")),
        }
        NextStep::Continue
    }

    fn secured(&mut self) {
        self.starttls = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::line_protocol::LineService;
    use crate::service::testing::{Ending, converse};

    #[test]
    fn it_greets_lists_its_extensions_and_quits() {
        let (received, ending) = converse(
            LineService::new(Smtp::new(true)),
            &[b"EHLO probe.test\r\n", b"NOOP\r\nMAIL FROM:<>\r\nQUIT\r\n"],
        );
        assert_eq!(
            received,
            "220 good.lab.test ESMTP canvass-lab\r\n\
             250-good.lab.test greets probe.test\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n\
             250-STARTTLS\r\n250 8BITMIME\r\n250 OK\r\n554 no mail is taken here\r\n\
             221 good.lab.test closing\r\n"
        );
        assert_eq!(ending, Ending::Closed);
    }

    #[test]
    fn starttls_is_offered_once() {
        let starttls: &[&[u8]] = &[b"EHLO probe.test\nSTARTTLS\nEHLO again.test\n"];
        let (received, ending) = converse(LineService::new(Smtp::new(true)), starttls);
        assert!(received.ends_with("220 ready to start TLS\r\n"));
        assert_eq!(ending, Ending::StartTls);
        let (received, ending) = converse(LineService::new(Smtp::new(false)), starttls);
        assert!(received.contains("500 unknown command\r\n") && !received.contains("STARTTLS"));
        assert_eq!(ending, Ending::Open);
    }
}
