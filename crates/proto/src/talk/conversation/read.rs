//! Steps that read octets.

use canvass_model::{Cause, Time};

use super::mismatch::End;
use super::wait::{oversized_captures, stored};
use super::{Talk, TalkOutput, Unread, fault, oversize};
use crate::talk::captures::{hex, is_text};
use crate::talk::line_match::groups;
use crate::talk::rfc868::ServerTime;
use crate::talk::script::{Extent, Form, Header, Keep, Read};
use crate::talk::{READ_BYTES_MAX, ntp, rfc868};

/// What a read waits for.
enum Needed {
    /// So many octets, with those that are consumed already.
    Octets(usize),
    /// The header of a message.
    Header,
    /// The end of the stream.
    End,
    /// The message would be larger than a read may be.
    Oversize,
}

impl Talk {
    /// Reads octets; the error is what has to be done first.
    pub(super) fn read(&mut self, read: &Read, now: Time) -> Result<(), TalkOutput> {
        let octets = match &mut self.unread {
            Unread::Datagrams(_) => self.read_datagram(read),
            Unread::Stream(_) => self.read_stream(read, now)?,
        };
        let Some(octets) = octets else {
            return Err(self.not_yet());
        };
        if let Some(pattern) = &read.pattern {
            let Some(captures) = pattern.captures(&octets) else {
                return Err(TalkOutput::Unmatched(Box::new(self.refused(&octets))));
            };
            let found = groups(&captures).ok_or_else(oversized_captures)?;
            stored(self.capture_pattern(pattern, found, false))?;
        }
        match &read.keep {
            Some(keep) => stored(self.capture_read(keep, &octets)),
            None => Ok(()),
        }
    }

    /// The next datagram that is as long as the read and matches; others are dropped.
    fn read_datagram(&mut self, read: &Read) -> Option<Vec<u8>> {
        let Unread::Datagrams(datagrams) = &mut self.unread else {
            return None;
        };
        let mut other = None;
        let fitting = loop {
            let Some(datagram) = datagrams.first().map(<[u8]>::to_vec) else {
                break None;
            };
            datagrams.drop_first();
            let pattern = read.pattern.as_ref();
            if read.extent == Extent::Octets(datagram.len())
                && pattern.is_none_or(|pattern| pattern.is_match(&datagram))
            {
                break Some(datagram);
            }
            other = Some(datagram);
        };
        self.set_other(other);
        fitting
    }

    /// The octets of a stream, once they are all there.
    fn read_stream(&mut self, read: &Read, now: Time) -> Result<Option<Vec<u8>>, TalkOutput> {
        let Unread::Stream(stream) = &mut self.unread else {
            return Ok(None);
        };
        let rest = stream.rest();
        let needed = match read.extent {
            Extent::Octets(count) => Needed::Octets(count),
            Extent::ToEnd => Needed::End,
            Extent::Message(header) => needed_by(header, rest),
        };
        let keeps = read.keep.is_some()
            || read.pattern.is_some()
            || matches!(read.extent, Extent::Message(_));
        let (most, is_enough) = match needed {
            Needed::Octets(count) => {
                let most = count - self.state.taken;
                (most, rest.len() >= most)
            }
            Needed::End => (rest.len(), stream.ended),
            Needed::Header => return Ok(None),
            Needed::Oversize => {
                self.state.is_oversize = true;
                return Err(self.oversize_message(now));
            }
        };
        let part = &rest[..most.min(rest.len())];
        if !keeps {
            self.state.taken += part.len();
            stream.take(part.len());
            return Ok(is_enough.then(Vec::new));
        }
        if part.len() > READ_BYTES_MAX {
            return Err(oversize(format!(
                "more than {READ_BYTES_MAX} octets came before the end of the conversation"
            )));
        }
        if !is_enough {
            return Ok(None);
        }
        let octets = part.to_vec();
        stream.take(octets.len());
        Ok(Some(octets))
    }

    /// A message that is too large is none: what came is text, or another protocol. All of it is
    /// waited for, since it is to be quoted.
    fn oversize_message(&self, now: Time) -> TalkOutput {
        let is_ended = matches!(&self.unread, Unread::Stream(stream) if stream.ended);
        if is_ended || now >= self.quiet_at() {
            TalkOutput::Unmatched(Box::new(self.mismatch_by(End::Refused)))
        } else {
            TalkOutput::Wait(self.quiet_at())
        }
    }

    /// Adds the capture of a `read`; `None` if the limit is exceeded.
    fn capture_read(&mut self, keep: &Keep, octets: &[u8]) -> Option<()> {
        let came = self.received_at.unwrap_or_default();
        let unix_ns = self.unix_ns_at_zero + i128::from(came.as_nanos());
        match keep.form {
            Form::Time => self.capture_time(keep, rfc868::read(octets.try_into().ok()?, unix_ns)),
            Form::Ntp => {
                let reply = ntp::read(octets.try_into().ok()?, unix_ns);
                let stratum = reply.stratum.to_string();
                self.capture_time(keep, reply.time)?;
                self.captures.insert("stratum", stratum, None)
            }
            Form::Text => self.capture(&keep.name, octets, false),
            Form::Auto if is_text(octets) => self.capture(&keep.name, octets, false),
            Form::Auto | Form::Hex => {
                let hex = self.hex(octets, false);
                self.captures.insert(&keep.name, hex, None)
            }
        }
    }

    fn capture_time(&mut self, keep: &Keep, server: ServerTime) -> Option<()> {
        self.captures.insert(&keep.name, server.time, None)?;
        self.captures.insert("drift_s", server.drift_s, None)
    }

    /// Octets in hex, masked if the password is in them or, if they are cut, may begin at their end.
    pub(super) fn hex(&self, octets: &[u8], is_cut: bool) -> String {
        match &self.credentials {
            Some(credentials) => credentials.mask_hex(octets, hex(octets), is_cut),
            None => hex(octets),
        }
    }

    /// The fault if the peer closed its side in the middle of a read.
    pub(super) fn cut_off(&self, came: usize) -> TalkOutput {
        fault(
            Cause::Truncated,
            format!("the peer closed its side after {came} of {}", self.wanted()),
        )
    }
}

/// How much a message needs that begins with `octets`.
fn needed_by(header: Header, octets: &[u8]) -> Needed {
    let end = header.before + header.length;
    let Some(length) = octets.get(header.before..end) else {
        return Needed::Header;
    };
    let add = |value: usize, octet: &u8| value << 8 | usize::from(*octet);
    let value = if header.little_endian {
        length.iter().rev().fold(0, add)
    } else {
        length.iter().fold(0, add)
    };
    let total = if header.counts_itself {
        header.before + value
    } else {
        end + header.after + value
    };
    if total > READ_BYTES_MAX || total < end {
        Needed::Oversize
    } else {
        Needed::Octets(total)
    }
}
