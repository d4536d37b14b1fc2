//! Services that are known by their first line.

use super::dialogue::{After, Dialogue, split_word};
use super::{PASSWORD, USER};

const SSH_BANNER: &[u8] = b"SSH-2.0-canvass_lab_1.0\r\n";
const FTP_BANNER: &[u8] = b"220 canvass-lab FTP server ready\r\n";

/// Says its version (RFC 4253 §4.2) and hangs up once it has heard the other's: there is no
/// key exchange behind it.
#[derive(Debug)]
pub(super) struct Ssh;

impl Dialogue for Ssh {
    fn greet(&mut self, out: &mut Vec<u8>) -> After {
        out.extend_from_slice(SSH_BANNER);
        After::Go
    }

    fn line(&mut self, _line: &[u8], _out: &mut Vec<u8>) -> After {
        After::Close
    }
}

/// Greets, and logs in and out (RFC 959). It has no files.
#[derive(Debug, Default)]
pub(super) struct Ftp {
    user: Option<bool>,
}

impl Dialogue for Ftp {
    fn greet(&mut self, out: &mut Vec<u8>) -> After {
        out.extend_from_slice(FTP_BANNER);
        After::Go
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> After {
        let line = String::from_utf8_lossy(line);
        let (word, argument) = split_word(&line);
        let (reply, after): (&[u8], _) = match word.to_ascii_uppercase().as_str() {
            "USER" => {
                self.user = Some(argument == USER);
                (b"331 password required\r\n", After::Go)
            }
            "PASS" => match self.user.take() {
                Some(true) if argument == PASSWORD => (b"230 logged in\r\n", After::Go),
                Some(_) => (b"530 login incorrect\r\n", After::Go),
                None => (b"503 send USER first\r\n", After::Go),
            },
            "SYST" => (b"215 UNIX Type: L8\r\n", After::Go),
            "NOOP" => (b"200 OK\r\n", After::Go),
            "QUIT" => (b"221 goodbye\r\n", After::Close),
            _ => (b"502 command not implemented\r\n", After::Go),
        };
        out.extend_from_slice(reply);
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::dialogue::Talking;
    use crate::service::testing::{Ending, converse};

    #[test]
    fn an_ssh_server_says_its_version() {
        let (said, ending) = converse(Talking::new(Ssh), &[]);
        assert_eq!(
            (said.as_str(), ending),
            ("SSH-2.0-canvass_lab_1.0\r\n", Ending::Open)
        );
        let (_, ending) = converse(Talking::new(Ssh), &[b"SSH-2.0-probe\r\n"]);
        assert_eq!(ending, Ending::Closed);
    }

    #[test]
    fn an_ftp_server_logs_in_and_out() {
        let (said, ending) = converse(
            Talking::new(Ftp::default()),
            &[b"PASS secret\r\nUSER canvass\r\nPASS wrong\r\nUSER canvass\r\nPASS secret\r\nRETR x\r\nQUIT\r\n"],
        );
        let codes: Vec<&str> = said.lines().map(|line| &line[..3]).collect();
        assert_eq!(
            codes,
            ["220", "503", "331", "530", "331", "230", "502", "221"]
        );
        assert_eq!(ending, Ending::Closed);
    }
}
