//! Services that are recognised by their first line.

use super::line_protocol::{LineProtocol, NextStep, split_word};
use super::{PASSWORD, USER};

const SSH_BANNER: &[u8] = b"SSH-2.0-canvass_lab_1.0\r\n";
const FTP_BANNER: &[u8] = b"220 canvass-lab FTP server ready\r\n";

/// Sends its version (RFC 4253 §4.2), and closes after the version of the client: it has no key
/// exchange.
#[derive(Debug)]
pub(super) struct Ssh;

impl LineProtocol for Ssh {
    fn greet(&mut self, out: &mut Vec<u8>) -> NextStep {
        out.extend_from_slice(SSH_BANNER);
        NextStep::Continue
    }

    fn line(&mut self, _line: &[u8], _out: &mut Vec<u8>) -> NextStep {
        NextStep::Close
    }
}

/// Greets, and supports login and logout (RFC 959). It has no files.
#[derive(Debug, Default)]
pub(super) struct Ftp {
    user: Option<bool>,
}

impl LineProtocol for Ftp {
    fn greet(&mut self, out: &mut Vec<u8>) -> NextStep {
        out.extend_from_slice(FTP_BANNER);
        NextStep::Continue
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> NextStep {
        let line = String::from_utf8_lossy(line);
        let (word, argument) = split_word(&line);
        let (reply, after): (&[u8], _) = match word.to_ascii_uppercase().as_str() {
            "USER" => {
                self.user = Some(argument == USER);
                (b"331 password required\r\n", NextStep::Continue)
            }
            "PASS" => match self.user.take() {
                Some(true) if argument == PASSWORD => (b"230 logged in\r\n", NextStep::Continue),
                Some(_) => (b"530 login incorrect\r\n", NextStep::Continue),
                None => (b"503 send USER first\r\n", NextStep::Continue),
            },
            "SYST" => (b"215 UNIX Type: L8\r\n", NextStep::Continue),
            "NOOP" => (b"200 OK\r\n", NextStep::Continue),
            "QUIT" => (b"221 goodbye\r\n", NextStep::Close),
            _ => (b"502 command not implemented\r\n", NextStep::Continue),
        };
        out.extend_from_slice(reply);
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::line_protocol::LineService;
    use crate::service::testing::{Ending, converse};

    #[test]
    fn an_ssh_server_sends_its_version() {
        let (received, ending) = converse(LineService::new(Ssh), &[]);
        assert_eq!(
            (received.as_str(), ending),
            ("SSH-2.0-canvass_lab_1.0\r\n", Ending::Open)
        );
        let (_, ending) = converse(LineService::new(Ssh), &[b"SSH-2.0-probe\r\n"]);
        assert_eq!(ending, Ending::Closed);
    }

    #[test]
    fn an_ftp_server_logs_in_and_out() {
        let (received, ending) = converse(
            LineService::new(Ftp::default()),
            &[b"PASS secret\r\nUSER canvass\r\nPASS wrong\r\nUSER canvass\r\nPASS secret\r\nRETR x\r\nQUIT\r\n"],
        );
        let codes: Vec<&str> = received.lines().map(|line| &line[..3]).collect();
        assert_eq!(
            codes,
            ["220", "503", "331", "530", "331", "230", "502", "221"]
        );
        assert_eq!(ending, Ending::Closed);
    }
}
