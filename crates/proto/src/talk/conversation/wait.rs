//! Steps that wait for the peer.

use canvass_model::{Cause, Time, Unmet};

use super::{Talk, TalkOutput, Unread, fault, oversize};
use crate::talk::captures::{hex, is_text};
use crate::talk::line_match::{Groups, LineMatch};
use crate::talk::rfc868::{self, ServerTime};
use crate::talk::script::{Action, Expect, ExpectBytes, ExpectLine, Form, Keep, Read};
use crate::talk::unread::{NextLine, lines, without_end};
use crate::talk::{CAPTURED_BYTES_MAX, LINE_BYTES_MAX, READ_BYTES_MAX};

/// The most octets skipped by `expect_bytes` that are kept to be quoted.
const PASSED_BYTES_MAX: usize = 256;

impl Talk {
    /// Runs a step that is not `send`. The error is what has to be done first.
    pub(super) fn run(&mut self, action: &Action, now: Time) -> Result<(), TalkOutput> {
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
                let wake = *self.state.wake.get_or_insert(now + *delay);
                if now < wake {
                    Err(TalkOutput::Wait(wake))
                } else {
                    Ok(())
                }
            }
            Action::HalfClose => Err(TalkOutput::HalfClose),
            Action::StartTls => Err(self.start_tls()),
            // It was sent before.
            Action::Send(_) => Ok(()),
        }
    }

    /// What the present step waits for.
    pub(super) fn wanted(&self) -> String {
        let Some(step) = self.script.steps.get(self.index) else {
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

    /// What the present step expects, and what was received instead. After a conversation that does
    /// not match, that is the step it ended in.
    pub fn unmet(&self) -> Unmet {
        let lies_there = match &self.unread {
            Unread::Stream(stream) => stream.rest(),
            Unread::Datagrams(_) => &[],
        };
        Unmet {
            expected: self.wanted().into(),
            seen: match (&self.state.other, self.state.taken) {
                (Some(other), _) => other.as_str().into(),
                (None, 0) if lies_there.is_empty() => "nothing".into(),
                (None, 0) => self.quote(lies_there).into(),
                (None, count) => format!("{} octets", count + lies_there.len()).into(),
            },
        }
    }

    /// What was received instead, if anything.
    pub(super) fn received_instead(&self) -> String {
        match (&self.state.other, self.state.taken) {
            (Some(other), _) => format!("; the last it said was {other}"),
            (None, 0) => String::new(),
            (None, count) => format!("; {count} octets came"),
        }
    }

    fn start_tls(&mut self) -> TalkOutput {
        if self.state.starting_tls {
            return self.not_yet();
        }
        self.injected_plain_text().unwrap_or_else(|| {
            self.state.starting_tls = true;
            TalkOutput::StartTls
        })
    }

    fn expect(&mut self, expect: &Expect) -> Result<(), TalkOutput> {
        let mut gathered = std::mem::take(&mut self.state.gathered);
        let groups = self.match_lines(|line, is_whole_datagram| {
            if let Some(gather) = &expect.gather
                && !is_whole_datagram
                && gathered.add(gather, line).is_none()
            {
                return LineMatch::Oversize;
            }
            expect.match_line(line)
        });
        self.state.gathered = gathered;
        self.capture_groups(expect, groups?)
            .ok_or_else(oversized_captures)
    }

    fn expect_line(&mut self, wanted: &ExpectLine) -> Result<(), TalkOutput> {
        let mut text = Vec::new();
        if wanted.template.expand(self.expansion(), &mut text).is_err() {
            return Err(oversize(format!("{} is too long", self.wanted())));
        }
        self.match_lines(|line, _| {
            if wanted.fail.matches(line) {
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
        match &mut self.unread {
            Unread::Stream(stream) => {
                let rest = stream.rest();
                if let Some(found) = wanted.finder.find(rest) {
                    let end = found.end();
                    stream.take(end);
                    return Ok(());
                }
                // The end of the buffer may be the beginning of what is expected.
                let undecided = if stream.ended {
                    0
                } else {
                    wanted.octets.len() - 1
                };
                let passed = rest.len().saturating_sub(undecided);
                let room = PASSED_BYTES_MAX.saturating_sub(self.state.passed.len());
                self.state
                    .passed
                    .extend_from_slice(&rest[..passed.min(room)]);
                self.state.taken += passed;
                stream.take(passed);
                // If it were cut off, it might show part of the password.
                let is_whole = (1..=PASSED_BYTES_MAX).contains(&self.state.taken);
                self.state.other = is_whole.then(|| self.quote(&self.state.passed));
            }
            Unread::Datagrams(datagrams) => {
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
                self.set_other(other);
            }
        }
        Err(self.not_yet())
    }

    fn read(&mut self, read: &Read) -> Result<(), TalkOutput> {
        let octets = match &mut self.unread {
            Unread::Datagrams(datagrams) => {
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
                self.set_other(other);
                fitting
            }
            Unread::Stream(stream) => {
                let rest = stream.rest();
                let is_enough = match read.octets {
                    Some(count) => self.state.taken + rest.len() >= count,
                    None => stream.ended,
                };
                let most = read
                    .octets
                    .map_or(rest.len(), |count| count - self.state.taken);
                let part = &rest[..most.min(rest.len())];
                if read.keep.is_none() {
                    self.state.taken += part.len();
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
            Some(keep) => self
                .capture_read(keep, &octets)
                .ok_or_else(oversized_captures),
            None => Ok(()),
        }
    }

    /// Matches line after line, and a datagram also as a whole; the second argument of `matches` is
    /// true then. The error is what to do if none matches.
    fn match_lines(
        &mut self,
        mut matches: impl FnMut(&[u8], bool) -> LineMatch,
    ) -> Result<Groups, TalkOutput> {
        let mut other = None;
        let seen = match &mut self.unread {
            Unread::Stream(stream) => loop {
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
            Unread::Datagrams(datagrams) => loop {
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
            Some(LineMatch::Fail) => {
                let said = self.quote(&other.unwrap_or_default());
                let why = format!("waiting for {}, the peer said {said}", self.wanted());
                self.state.other = Some(said);
                Err(TalkOutput::Unmatched(why))
            }
            Some(LineMatch::Oversize) => Err(oversized_captures()),
            Some(LineMatch::Other) | None => {
                self.set_other(other);
                Err(self.not_yet())
            }
        }
    }

    /// Stores what was received and does not match.
    fn set_other(&mut self, other: Option<Vec<u8>>) {
        if let Some(other) = other {
            self.state.other = Some(self.quote(&other));
        }
    }

    /// What to do if the step does not match yet.
    fn not_yet(&self) -> TalkOutput {
        let Unread::Stream(stream) = &self.unread else {
            return TalkOutput::Read;
        };
        if !stream.ended {
            return TalkOutput::Read;
        }
        let wanted = self.wanted();
        let came = self.state.taken + stream.rest().len();
        let step = self.script.steps.get(self.index);
        if matches!(step.map(|step| &step.action), Some(Action::Read(_))) && came > 0 {
            return fault(
                Cause::Truncated,
                format!("the peer closed its side after {came} of {wanted}"),
            );
        }
        let message = format!(
            "the peer closed its side before {wanted} came{}",
            self.received_instead()
        );
        if self.state.other.is_some() || came > 0 {
            TalkOutput::Unmatched(message)
        } else {
            fault(Cause::Closed, message)
        }
    }

    /// Adds the captures of an `expect`; `None` if the limit is exceeded.
    fn capture_groups(&mut self, expect: &Expect, groups: Groups) -> Option<()> {
        for (number, name) in expect.regex.capture_names().enumerate().skip(1) {
            if let Some(Some(found)) = groups.get(number) {
                let value = self.text(found);
                let number = number.to_string();
                self.captures.insert(name.unwrap_or(&number), value)?;
            }
        }
        if let Some(gather) = &expect.gather {
            let found = std::mem::take(&mut self.state.gathered.found);
            let names: Vec<_> = gather.regex.capture_names().collect();
            for (number, octets) in found {
                let value = self.text(&octets);
                self.captures
                    .insert(names[number].unwrap_or_default(), value)?;
            }
        }
        self.found = Some((self.index, groups));
        for (name, template) in &expect.labels {
            let mut value = Vec::new();
            template.expand(self.expansion(), &mut value).ok()?;
            let value = self.text(&value);
            self.captures.insert(name, value)?;
        }
        Some(())
    }

    /// Adds the capture of a `read`; `None` if the limit is exceeded.
    fn capture_read(&mut self, keep: &Keep, octets: &[u8]) -> Option<()> {
        if let (Form::Time, Ok(seconds)) = (keep.form, octets.try_into()) {
            let came = self.received_at.unwrap_or_default();
            let unix_ns = self.unix_ns_at_zero + i128::from(came.as_nanos());
            let ServerTime { time, drift_s } = rfc868::read(seconds, unix_ns);
            self.captures.insert(&keep.name, time)?;
            return self.captures.insert("drift_s", drift_s);
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
        self.captures.insert(&keep.name, value)
    }
}

fn oversized_captures() -> TalkOutput {
    oversize(format!(
        "more than {CAPTURED_BYTES_MAX} octets would have to be kept"
    ))
}
