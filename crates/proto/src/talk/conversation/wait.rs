//! Steps that wait for the peer.

use canvass_model::{Cause, Time};

use super::{Inbox, Talk, TalkOutput, fault, oversize};
use crate::talk::captures::{hex, is_text};
use crate::talk::inbox::{NextLine, lines, without_end};
use crate::talk::line_match::{Groups, LineMatch};
use crate::talk::rfc868::{self, ServerTime};
use crate::talk::script::{Action, Expect, ExpectBytes, ExpectLine, Form, Keep, Read};
use crate::talk::{CAPTURED_BYTES_MAX, LINE_BYTES_MAX, READ_BYTES_MAX};

/// The most octets of what is passed over for `expect_bytes` that are kept to be shown.
const PASSED_BYTES_MAX: usize = 256;

impl Talk {
    /// Does a step that is no `send`. The error is what is to be done before it is done.
    pub(super) fn go_on(&mut self, action: &Action, now: Time) -> Result<(), TalkOutput> {
        if self.is_over_datagrams() && action.needs_stream() {
            return Err(fault(
                Cause::Invalid,
                format!("{} is not to be had over datagrams", self.wanted()),
            ));
        }
        match action {
            Action::Expect(expect) => self.expect(expect),
            Action::ExpectLine(line) => self.expect_line(line),
            Action::ExpectBytes(bytes) => self.expect_bytes(bytes),
            Action::Read(read) => self.read(read),
            Action::Delay(delay) => {
                let wake = *self.here.wake.get_or_insert(now + *delay);
                if now < wake {
                    Err(TalkOutput::Wait(wake))
                } else {
                    Ok(())
                }
            }
            Action::HalfClose => Err(TalkOutput::HalfClose),
            Action::StartTls => Err(self.start_tls()),
            // Said before it comes to this.
            Action::Send(_) => Ok(()),
        }
    }

    /// What the present step waits for.
    pub(super) fn wanted(&self) -> String {
        let Some(step) = self.script.steps.get(self.place) else {
            return "nothing".to_owned();
        };
        match &step.action {
            Action::Expect(expect) => format!("a line that matches /{}/", expect.regex),
            Action::ExpectLine(line) => format!("the line \"{}\"", line.source.escape_debug()),
            Action::ExpectBytes(bytes) => format!("the octets \"{}\"", bytes.octets.escape_ascii()),
            Action::Read(read) => match read.octets {
                Some(1) => "an octet".to_owned(),
                Some(count) => format!("{count} octets"),
                None => "the end of the conversation".to_owned(),
            },
            Action::Delay(delay) => format!("{} ms to go by", delay.as_millis()),
            Action::Send(_) => "something to say".to_owned(),
            Action::HalfClose => "a closed writing side".to_owned(),
            Action::StartTls => "TLS".to_owned(),
        }
    }

    /// What came instead, where something did.
    pub(super) fn instead(&self) -> String {
        match (&self.here.other, self.here.taken) {
            (Some(other), _) => format!("; the last it said was {other}"),
            (None, 0) => String::new(),
            (None, count) => format!("; {count} octets came"),
        }
    }

    fn start_tls(&mut self) -> TalkOutput {
        if self.here.securing {
            return self.not_yet();
        }
        self.plain_octets_behind().unwrap_or_else(|| {
            self.here.securing = true;
            TalkOutput::StartTls
        })
    }

    fn expect(&mut self, expect: &Expect) -> Result<(), TalkOutput> {
        let mut gathered = std::mem::take(&mut self.here.gathered);
        let groups = self.look(|line, is_whole_datagram| {
            if let Some(gather) = &expect.gather
                && !is_whole_datagram
                && gathered.add(gather, line).is_none()
            {
                return LineMatch::Oversize;
            }
            expect.look(line)
        });
        self.here.gathered = gathered;
        self.keep_found(expect, groups?)
            .ok_or_else(oversized_captures)
    }

    fn expect_line(&mut self, wanted: &ExpectLine) -> Result<(), TalkOutput> {
        let mut text = Vec::new();
        if wanted.template.fill(self.filling(), &mut text).is_err() {
            return Err(oversize(format!("{} is too long", self.wanted())));
        }
        self.look(|line, _| {
            if wanted.fail.is_in(line) {
                LineMatch::Fail
            } else if line == text {
                LineMatch::Match(Groups::new())
            } else {
                LineMatch::Other
            }
        })?;
        Ok(())
    }

    fn expect_bytes(&mut self, wanted: &ExpectBytes) -> Result<(), TalkOutput> {
        match &mut self.inbox {
            Inbox::Stream(stream) => {
                let rest = stream.rest();
                if let Some(found) = wanted.finder.find(rest) {
                    let end = found.end();
                    stream.take(end);
                    return Ok(());
                }
                // The end of what is here may be the beginning of what is waited for.
                let undecided = if stream.ended {
                    0
                } else {
                    wanted.octets.len() - 1
                };
                let passed = rest.len().saturating_sub(undecided);
                let room = PASSED_BYTES_MAX.saturating_sub(self.here.passed.len());
                self.here
                    .passed
                    .extend_from_slice(&rest[..passed.min(room)]);
                self.here.taken += passed;
                stream.take(passed);
                // Cut off, it might show a part of the password.
                let is_whole = (1..=PASSED_BYTES_MAX).contains(&self.here.taken);
                self.here.other = is_whole.then(|| self.quote(&self.here.passed));
            }
            Inbox::Datagrams(datagrams) => {
                let mut other = None;
                while let Some(datagram) = datagrams.first() {
                    if let Some(found) = wanted.finder.find(datagram) {
                        let end = found.end();
                        datagrams.take(end);
                        return Ok(());
                    }
                    other = Some(datagram.to_vec());
                    datagrams.drop_first();
                }
                self.remember(other);
            }
        }
        Err(self.not_yet())
    }

    fn read(&mut self, read: &Read) -> Result<(), TalkOutput> {
        let octets = match &mut self.inbox {
            Inbox::Datagrams(datagrams) => {
                let mut other = None;
                let fitting = loop {
                    let Some(datagram) = datagrams.first().map(<[u8]>::to_vec) else {
                        break None;
                    };
                    datagrams.drop_first();
                    if read.octets == Some(datagram.len()) {
                        break Some(datagram);
                    }
                    other = Some(datagram);
                };
                self.remember(other);
                fitting
            }
            Inbox::Stream(stream) => {
                let rest = stream.rest();
                let is_enough = match read.octets {
                    Some(count) => self.here.taken + rest.len() >= count,
                    None => stream.ended,
                };
                let most = read
                    .octets
                    .map_or(rest.len(), |count| count - self.here.taken);
                let part = &rest[..most.min(rest.len())];
                if read.keep.is_none() {
                    self.here.taken += part.len();
                    stream.take(part.len());
                    is_enough.then(Vec::new)
                } else if part.len() > READ_BYTES_MAX {
                    return Err(oversize(format!(
                        "more than {READ_BYTES_MAX} octets came before the end of the conversation"
                    )));
                } else if is_enough {
                    let octets = part.to_vec();
                    stream.take(octets.len());
                    Some(octets)
                } else {
                    None
                }
            }
        };
        let Some(octets) = octets else {
            return Err(self.not_yet());
        };
        match &read.keep {
            Some(keep) => self.keep_read(keep, &octets).ok_or_else(oversized_captures),
            None => Ok(()),
        }
    }

    /// Looks at line after line, and at datagrams as a whole too; the second argument of `matches` is then true.
    /// The error is how things stand where none is what was waited for.
    fn look(
        &mut self,
        mut matches: impl FnMut(&[u8], bool) -> LineMatch,
    ) -> Result<Groups, TalkOutput> {
        let mut other = None;
        let seen = match &mut self.inbox {
            Inbox::Stream(stream) => loop {
                let (text, next) = match stream.line() {
                    NextLine::Whole { text, next } => (text, next),
                    NextLine::Partial => break None,
                    NextLine::TooLong => {
                        return Err(oversize(format!(
                            "a line has more than {LINE_BYTES_MAX} octets"
                        )));
                    }
                };
                let line = stream.text(text);
                let matched = matches(line, false);
                let is_other = matches!(matched, LineMatch::Other);
                if !matches!(matched, LineMatch::Match(_)) {
                    other = Some(line.to_vec());
                }
                stream.take_to(next);
                if !is_other {
                    break Some(matched);
                }
            },
            Inbox::Datagrams(datagrams) => loop {
                let Some(datagram) = datagrams.first() else {
                    break None;
                };
                let whole = (without_end(datagram), datagram.len(), true);
                let parts = lines(datagram).map(|(line, next)| (line, next, false));
                let seen = parts.chain([whole]).find_map(|(text, next, is_whole)| {
                    let matched = matches(text, is_whole);
                    (!matches!(matched, LineMatch::Other)).then(|| (matched, text.to_vec(), next))
                });
                if let Some((matched, text, next)) = seen {
                    if !matches!(matched, LineMatch::Match(_)) {
                        other = Some(text);
                    }
                    datagrams.take(next);
                    break Some(matched);
                }
                other = Some(datagram.to_vec());
                datagrams.drop_first();
            },
        };
        match seen {
            Some(LineMatch::Match(groups)) => Ok(groups),
            Some(LineMatch::Fail) => Err(TalkOutput::Unmatched(format!(
                "waiting for {}, the peer said {}",
                self.wanted(),
                self.quote(&other.unwrap_or_default())
            ))),
            Some(LineMatch::Oversize) => Err(oversized_captures()),
            Some(LineMatch::Other) | None => {
                self.remember(other);
                Err(self.not_yet())
            }
        }
    }

    /// Notes what came and is not what is waited for.
    fn remember(&mut self, other: Option<Vec<u8>>) {
        if let Some(other) = other {
            self.here.other = Some(self.quote(&other));
        }
    }

    /// How things stand where what is waited for is not here.
    fn not_yet(&self) -> TalkOutput {
        let Inbox::Stream(stream) = &self.inbox else {
            return TalkOutput::Read;
        };
        if !stream.ended {
            return TalkOutput::Read;
        }
        let wanted = self.wanted();
        let came = self.here.taken + stream.rest().len();
        let step = self.script.steps.get(self.place);
        if matches!(step.map(|step| &step.action), Some(Action::Read(_))) && came > 0 {
            return fault(
                Cause::Truncated,
                format!("the peer closed its side after {came} of {wanted}"),
            );
        }
        let message = format!(
            "the peer closed its side before {wanted} came{}",
            self.instead()
        );
        if self.here.other.is_some() || came > 0 {
            TalkOutput::Unmatched(message)
        } else {
            fault(Cause::Closed, message)
        }
    }

    /// Keeps what an `expect` found; `None` where that is more than may be kept.
    fn keep_found(&mut self, expect: &Expect, groups: Groups) -> Option<()> {
        for (number, name) in expect.regex.capture_names().enumerate().skip(1) {
            if let Some(Some(found)) = groups.get(number) {
                let value = self.text(found);
                let number = number.to_string();
                self.captures.keep(name.unwrap_or(&number), value)?;
            }
        }
        if let Some(gather) = &expect.gather {
            let found = std::mem::take(&mut self.here.gathered.found);
            let names: Vec<_> = gather.regex.capture_names().collect();
            for (number, octets) in found {
                let value = self.text(&octets);
                self.captures
                    .keep(names[number].unwrap_or_default(), value)?;
            }
        }
        self.found = Some((self.place, groups));
        for (name, template) in &expect.labels {
            let mut value = Vec::new();
            template.fill(self.filling(), &mut value).ok()?;
            let value = self.text(&value);
            self.captures.keep(name, value)?;
        }
        Some(())
    }

    /// Keeps what a `read` took; `None` where that is more than may be kept.
    fn keep_read(&mut self, keep: &Keep, octets: &[u8]) -> Option<()> {
        if let (Form::Time, Ok(seconds)) = (keep.form, octets.try_into()) {
            let came = self.came.unwrap_or_default();
            let unix_ns = self.unix_ns_at_zero + i128::from(came.as_nanos());
            let ServerTime { time, drift_s } = rfc868::read(seconds, unix_ns);
            self.captures.keep(&keep.name, time)?;
            return self.captures.keep("drift_s", drift_s);
        }
        let as_text = match keep.form {
            Form::Text => true,
            Form::Auto => is_text(octets),
            Form::Hex | Form::Time => false,
        };
        let value = match &self.credentials {
            _ if as_text => self.text(octets),
            Some(credentials) => credentials.mask_hex(octets, hex(octets)),
            None => hex(octets),
        };
        self.captures.keep(&keep.name, value)
    }
}

fn oversized_captures() -> TalkOutput {
    oversize(format!(
        "more than {CAPTURED_BYTES_MAX} octets would have to be kept"
    ))
}
