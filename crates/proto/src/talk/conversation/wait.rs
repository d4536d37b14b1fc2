//! Steps that wait for the peer.

use canvass_model::{Cause, Time};

use super::mismatch::{End, PASSED_BYTES_MAX};
use super::{Talk, TalkOutput, Unread, fault, oversize};
use crate::talk::captures::is_text;
use crate::talk::line_match::{Gathered, Groups, LineMatch};
use crate::talk::pattern::Pattern;
use crate::talk::script::{Action, Expect, ExpectBytes, ExpectLine, Extent};
use crate::talk::unread::{NextLine, lines, without_end};
use crate::talk::{CAPTURED_BYTES_MAX, LINE_BYTES_MAX};

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
            Action::Expect(expect) => self.expect(expect, now),
            Action::ExpectLine(line) => self.expect_line(line),
            Action::ExpectBytes(bytes) => self.expect_bytes(bytes),
            Action::Read(read) => self.read(read, now),
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
            Action::Expect(expect) => format!("a line that matches /{}/", expect.pattern),
            Action::ExpectLine(line) => format!("the line \"{}\"", line.source.escape_debug()),
            Action::ExpectBytes(bytes) => format!("the octets \"{}\"", bytes.octets.escape_ascii()),
            Action::Read(read) => {
                let what = match read.extent {
                    Extent::Octets(1) => "an octet".to_owned(),
                    Extent::Octets(count) => format!("{count} octets"),
                    Extent::Message(_) => "a message".to_owned(),
                    Extent::ToEnd => "the end of the conversation".to_owned(),
                };
                match &read.pattern {
                    Some(pattern) => format!("{what} matching /{pattern}/"),
                    None => what,
                }
            }
            Action::Delay(delay) => format!("{} ms to go by", delay.as_millis()),
            Action::Send(_) => "something to say".to_owned(),
            Action::HalfClose => "a closed writing side".to_owned(),
            Action::StartTls => "TLS".to_owned(),
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

    fn expect(&mut self, expect: &Expect, now: Time) -> Result<(), TalkOutput> {
        let mut gathered = std::mem::take(&mut self.state.gathered);
        let matched = self.match_lines(|line, is_whole_datagram| {
            if is_whole_datagram {
                expect.match_line(line)
            } else {
                gather_and_match(&mut gathered, expect, line)
            }
        });
        self.state.gathered = gathered;
        match matched {
            Ok(groups) => stored(self.capture_expect(expect, groups, false)),
            Err(TalkOutput::Read) if expect.partial => self.expect_partial(expect, now),
            Err(output) => Err(output),
        }
    }

    /// Matches a line without an end once nothing came for a while. It is not consumed if it does
    /// not match, since more of it may come.
    fn expect_partial(&mut self, expect: &Expect, now: Time) -> Result<(), TalkOutput> {
        let line = match &self.unread {
            Unread::Stream(stream) if !stream.rest().is_empty() => stream.rest(),
            _ => return Err(TalkOutput::Read),
        };
        if now < self.quiet_at() {
            return Err(TalkOutput::Wait(self.quiet_at()));
        }
        let line = without_end(line).to_vec();
        let mut gathered = self.state.gathered.clone();
        let groups = match gather_and_match(&mut gathered, expect, &line) {
            LineMatch::Match(groups) => groups,
            LineMatch::Fail => {
                return Err(TalkOutput::Unmatched(Box::new(
                    self.mismatch_by(End::Refused),
                )));
            }
            LineMatch::Oversize => return Err(oversized_captures()),
            LineMatch::Other => return Err(TalkOutput::Read),
        };
        self.state.gathered = gathered;
        if let Unread::Stream(stream) = &mut self.unread {
            stream.take(stream.rest().len());
        }
        stored(self.capture_expect(expect, groups, true))
    }

    /// When nothing will have come for a while.
    pub(super) fn quiet_at(&self) -> Time {
        self.received_at.unwrap_or_default() + self.quiet_after
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
                let mismatch = self.refused(&other.unwrap_or_default());
                Err(TalkOutput::Unmatched(Box::new(mismatch)))
            }
            Some(LineMatch::Oversize) => Err(oversized_captures()),
            Some(LineMatch::Other) | None => {
                self.set_other(other);
                Err(self.not_yet())
            }
        }
    }

    /// Stores what was received and does not match.
    pub(super) fn set_other(&mut self, other: Option<Vec<u8>>) {
        if let Some(other) = other {
            self.state.other = Some(self.quote(&other, false));
        }
    }

    /// What to do if the step does not match yet.
    pub(super) fn not_yet(&self) -> TalkOutput {
        let Unread::Stream(stream) = &self.unread else {
            return TalkOutput::Read;
        };
        if !stream.ended {
            return TalkOutput::Read;
        }
        let came = self.state.taken + stream.rest().len();
        let step = self.script.steps.get(self.index);
        if matches!(step.map(|step| &step.action), Some(Action::Read(_))) && came > 0 {
            return self.cut_off(came);
        }
        let mismatch = self.mismatch_by(End::Closed { came });
        if self.state.other.is_some() || came > 0 {
            TalkOutput::Unmatched(Box::new(mismatch))
        } else {
            fault(Cause::Closed, mismatch.to_string())
        }
    }

    /// Adds the captures of an `expect`; `None` if the limit is exceeded.
    fn capture_expect(&mut self, expect: &Expect, groups: Groups, is_cut: bool) -> Option<()> {
        self.capture_pattern(&expect.pattern, groups, is_cut)?;
        if let Some(gather) = &expect.gather {
            let found = std::mem::take(&mut self.state.gathered.found);
            let names: Vec<_> = gather.pattern.capture_names().collect();
            for (number, octets) in found {
                self.capture(names[number].unwrap_or_default(), &octets, is_cut)?;
            }
        }
        for (name, template) in &expect.labels {
            let mut value = Vec::new();
            template.expand(self.expansion(), &mut value).ok()?;
            self.capture(name, &value, is_cut)?;
        }
        Some(())
    }

    /// Adds the groups of a match as captures, and keeps them for later steps; `None` if the limit
    /// is exceeded.
    pub(super) fn capture_pattern(
        &mut self,
        pattern: &Pattern,
        groups: Groups,
        is_cut: bool,
    ) -> Option<()> {
        for (number, name) in pattern.capture_names().enumerate().skip(1) {
            if let Some(Some(found)) = groups.get(number) {
                let number = number.to_string();
                self.capture(name.unwrap_or(&number), found, is_cut)?;
            }
        }
        self.found = Some((self.index, groups));
        Some(())
    }

    /// Adds a capture as text, and in hex too where the text does not show what came; `None` if the
    /// limit is exceeded.
    pub(super) fn capture(&mut self, name: &str, octets: &[u8], is_cut: bool) -> Option<()> {
        let text = self.text(octets, is_cut);
        let hex = (!is_text(octets)).then(|| self.hex(octets, is_cut));
        self.captures.insert(name, text, hex)
    }
}

/// Matches a line, which `gather` sees too.
fn gather_and_match(gathered: &mut Gathered, expect: &Expect, line: &[u8]) -> LineMatch {
    if let Some(gather) = &expect.gather
        && gathered.add(gather, line).is_none()
    {
        return LineMatch::Oversize;
    }
    expect.match_line(line)
}

/// The result of adding captures.
pub(super) fn stored(stored: Option<()>) -> Result<(), TalkOutput> {
    stored.ok_or_else(oversized_captures)
}

pub(super) fn oversized_captures() -> TalkOutput {
    oversize(format!(
        "more than {CAPTURED_BYTES_MAX} octets would have to be kept"
    ))
}
