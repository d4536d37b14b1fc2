//! A mail server that names its extensions and takes no mail (RFC 5321).

use super::HOST_NAME;
use super::dialogue::{After, Dialogue, say, split_word};

/// One SMTP session.
#[derive(Debug)]
pub(super) struct Smtp {
    starttls: bool,
}

impl Smtp {
    /// A session that can become TLS (RFC 3207) where `starttls`.
    pub fn new(starttls: bool) -> Self {
        Self { starttls }
    }

    fn extensions(&self, client: &str, out: &mut Vec<u8>) {
        say(out, format_args!("250-{HOST_NAME} greets {client}"));
        say(out, format_args!("250-PIPELINING"));
        say(out, format_args!("250-SIZE 10485760"));
        if self.starttls {
            say(out, format_args!("250-STARTTLS"));
        }
        say(out, format_args!("250 8BITMIME"));
    }
}

impl Dialogue for Smtp {
    fn greet(&mut self, out: &mut Vec<u8>) -> After {
        say(out, format_args!("220 {HOST_NAME} ESMTP canvass-lab"));
        After::Go
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> After {
        let line = String::from_utf8_lossy(line);
        let (word, argument) = split_word(&line);
        match word.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" if argument.is_empty() => {
                say(out, format_args!("501 say who you are"));
            }
            "EHLO" => self.extensions(argument, out),
            "HELO" => say(out, format_args!("250 {HOST_NAME}")),
            "NOOP" | "RSET" => say(out, format_args!("250 OK")),
            "STARTTLS" if self.starttls => {
                say(out, format_args!("220 ready to start TLS"));
                return After::StartTls;
            }
            "QUIT" => {
                say(out, format_args!("221 {HOST_NAME} closing"));
                return After::Close;
            }
            "MAIL" | "RCPT" | "DATA" => say(out, format_args!("554 no mail is taken here")),
            _ => say(out, format_args!("500 unknown command")),
        }
        After::Go
    }

    fn secured(&mut self) {
        self.starttls = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::dialogue::Talking;
    use crate::service::testing::{Ending, converse};

    #[test]
    fn it_greets_names_its_extensions_and_says_goodbye() {
        let (said, ending) = converse(
            Talking::new(Smtp::new(true)),
            &[b"EHLO probe.test\r\n", b"NOOP\r\nMAIL FROM:<>\r\nQUIT\r\n"],
        );
        assert_eq!(
            said,
            "220 good.lab.test ESMTP canvass-lab\r\n\
             250-good.lab.test greets probe.test\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n\
             250-STARTTLS\r\n250 8BITMIME\r\n250 OK\r\n554 no mail is taken here\r\n\
             221 good.lab.test closing\r\n"
        );
        assert_eq!(ending, Ending::Closed);
    }

    #[test]
    fn tls_is_there_once() {
        let starttls: &[&[u8]] = &[b"EHLO probe.test\nSTARTTLS\nEHLO again.test\n"];
        let (said, ending) = converse(Talking::new(Smtp::new(true)), starttls);
        assert!(said.ends_with("220 ready to start TLS\r\n"));
        assert_eq!(ending, Ending::StartTls);
        let (said, ending) = converse(Talking::new(Smtp::new(false)), starttls);
        assert!(said.contains("500 unknown command\r\n") && !said.contains("STARTTLS"));
        assert_eq!(ending, Ending::Open);
    }
}
