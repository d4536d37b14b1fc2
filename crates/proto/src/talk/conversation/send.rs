//! What is sent.

use canvass_model::Cause;

use super::{Talk, TalkOutput, fault, oversize};
use crate::talk::SEND_BYTES_MAX;
use crate::talk::script::{LineEnd, Send};
use crate::talk::template::{ExpandError, Expansion};

impl Talk {
    /// Appends what is to be sent; returns whether there is anything to send.
    pub(super) fn append(&mut self, send: &Send, out: &mut Vec<u8>) -> Result<bool, ExpandError> {
        let before = out.len();
        send.template.expand(self.expansion(), out)?;
        let end: &[u8] = match send.end {
            LineEnd::None => b"",
            LineEnd::Lf => b"\n",
            // Scripts for blackbox_exporter contain the carriage return.
            LineEnd::CrLf if out[before..].ends_with(b"\r") => b"\n",
            LineEnd::CrLf => b"\r\n",
        };
        if out.len() == before && !send.even_empty {
            return Ok(false);
        }
        out.extend_from_slice(end);
        self.sent_bytes += (out.len() - before) as u64;
        Ok(out.len() > before || self.is_over_datagrams())
    }

    /// Appends the replies to telnet commands; returns whether there are any.
    pub(super) fn append_telnet_replies(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(telnet) = &mut self.telnet else {
            return false;
        };
        let replies = telnet.take_replies();
        self.sent_bytes += replies.len() as u64;
        out.extend_from_slice(&replies);
        !replies.is_empty()
    }

    pub(super) fn expansion(&self) -> Expansion<'_> {
        Expansion {
            found: self
                .found
                .as_ref()
                .map(|(index, groups)| (*index, groups.as_slice())),
            credentials: self.credentials.as_deref(),
            nonce: self.nonce,
            text: self.script.text(),
        }
    }
}

/// The fault if a step cannot be sent.
pub(super) fn send_fault(error: ExpandError, step: usize) -> TalkOutput {
    match error {
        ExpandError::NoCredentials => fault(
            Cause::Invalid,
            format!("step {step} needs credentials, and there are none"),
        ),
        ExpandError::Oversize => oversize(format!(
            "step {step} would send more than {SEND_BYTES_MAX} octets"
        )),
    }
}
