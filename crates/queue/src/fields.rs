//! Takes the target of a line from one of its fields.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::num::{NonZeroU64, NonZeroUsize};
use std::str::FromStr;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder, Terminator};

use crate::DelimiterError;
use crate::entry::shown;
use crate::lines::{BadLine, Line, content_of, without_comment};

/// The maximum length of a line of fields, and of a record of several lines. Lines of logs and
/// CSV are longer than targets.
pub(crate) const RECORD_BYTES_MAX: usize = 64 * 1024;
/// The most lines of a record. If its quote is never closed, those behind the first are read again.
const RECORD_LINES_MAX: usize = 256;

/// Which field of a line is its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldSelection {
    /// The number of the field, from 1.
    pub number: NonZeroUsize,
    /// What separates fields.
    pub delimiter: Delimiter,
}

/// What separates the fields of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delimiter {
    /// Runs of blanks, as in awk: those at the start of a line are ignored.
    #[default]
    Blanks,
    /// One ASCII character. After a comma or a semicolon a field may be quoted (RFC 4180 §2), and may
    /// then contain delimiters, doubled quotes and line ends.
    Character(u8),
}

impl FromStr for Delimiter {
    type Err = DelimiterError;

    /// Parses one ASCII character, or `\t`.
    fn from_str(text: &str) -> Result<Self, DelimiterError> {
        match text.as_bytes() {
            b"\\t" => Ok(Self::Character(b'\t')),
            [b'"' | b'\r' | b'\n' | 0 | 0x80..] => Err(DelimiterError(text.into())),
            [byte] => Ok(Self::Character(*byte)),
            _ => Err(DelimiterError(text.into())),
        }
    }
}

/// A line, or a record of several lines.
pub(crate) struct Record<'a> {
    /// The number of its first line.
    pub(crate) number: NonZeroU64,
    /// The target. `None` if there is none: the line is blank or a comment, or the record goes on.
    pub(crate) content: Result<Option<&'a str>, BadLine>,
}

/// Takes one field of each line.
pub(crate) struct FieldReader {
    number: NonZeroUsize,
    splitter: Splitter,
    /// The field of the last record.
    value: Vec<u8>,
}

enum Splitter {
    Blanks,
    Character(u8),
    Quoted(Box<QuotedReader>),
}

impl FieldReader {
    pub(crate) fn new(selection: FieldSelection) -> Self {
        Self {
            number: selection.number,
            splitter: match selection.delimiter {
                Delimiter::Blanks => Splitter::Blanks,
                Delimiter::Character(byte @ (b',' | b';')) => {
                    Splitter::Quoted(Box::new(QuotedReader::new(byte)))
                }
                Delimiter::Character(byte) => Splitter::Character(byte),
            },
            value: Vec::new(),
        }
    }

    /// Takes the field of a line.
    pub(crate) fn take(&mut self, line: &Line<'_>) -> Record<'_> {
        let (bytes, number) = (line.bytes, line.number);
        let in_record = self.open_lines() > 0;
        let is_blank = match bytes.trim_ascii_start() {
            [] | [b'#', ..] => !in_record,
            _ => false,
        };
        if is_blank {
            let content = Ok(None);
            return Record { number, content };
        }
        if !line.whole && !in_record {
            let content = Err(line.too_long());
            return Record { number, content };
        }
        if !in_record {
            self.value.clear();
        }
        let index = self.number.get() - 1;
        let mut first = None;
        let found = match &mut self.splitter {
            Splitter::Blanks => {
                let mut fields = without_comment(bytes)
                    .split(u8::is_ascii_whitespace)
                    .filter(|field| !field.is_empty());
                pick(&mut fields, index, &mut self.value)
            }
            Splitter::Character(delimiter) => {
                let mut fields = without_comment(bytes).split(|byte| byte == delimiter);
                pick(&mut fields, index, &mut self.value)
            }
            Splitter::Quoted(reader) => match reader.take(line, index, &mut self.value) {
                Quoted::Open => {
                    let content = Ok(None);
                    return Record { number, content };
                }
                Quoted::Record(first_line, found) => {
                    first = first_line;
                    found
                }
                Quoted::Unclosed(bad) => return unclosed(bad),
            },
        };
        let (number, bytes) = match &first {
            Some(first) => (first.number, &first.bytes[..]),
            None => (number, bytes),
        };
        let content = match found {
            Ok(()) => match content_of(without_comment(&self.value)) {
                Ok(None) => Err(bad(bytes, format!("field {} is empty", self.number))),
                content => content,
            },
            Err(count) => {
                let fields = if count == 1 { "field" } else { "fields" };
                let reason = format!(
                    "the line has {count} {fields}, and the target is field {}",
                    self.number
                );
                Err(bad(bytes, reason))
            }
        };
        Record { number, content }
    }

    /// Whether there are lines to be taken again.
    pub(crate) fn has_again(&self) -> bool {
        matches!(&self.splitter, Splitter::Quoted(reader) if !reader.again.is_empty())
    }

    /// The next line that must be taken again because it is not part of a quoted field after all.
    pub(crate) fn take_again(&mut self) -> Option<Record<'_>> {
        let Splitter::Quoted(reader) = &mut self.splitter else {
            return None;
        };
        let line = reader.again.pop_front()?;
        Some(self.take(&Line {
            number: line.number,
            bytes: &line.bytes,
            whole: line.whole,
        }))
    }

    /// Ends the list. A record whose quote is still open has a bad first line.
    pub(crate) fn end(&mut self) -> Option<Record<'_>> {
        match &mut self.splitter {
            Splitter::Quoted(reader) if !reader.open.is_empty() => Some(unclosed(reader.give_up())),
            _ => None,
        }
    }

    fn open_lines(&self) -> usize {
        match &self.splitter {
            Splitter::Quoted(reader) => reader.open.len(),
            Splitter::Blanks | Splitter::Character(_) => 0,
        }
    }
}

fn unclosed(line: OwnedLine) -> Record<'static> {
    let reason = "a quote is not closed in this line or in those that follow".to_owned();
    Record {
        number: line.number,
        content: Err(bad(&line.bytes, reason)),
    }
}

/// Copies the field at `index` to `value`. If there is none, returns the number of fields.
fn pick(
    fields: &mut dyn Iterator<Item = &[u8]>,
    index: usize,
    value: &mut Vec<u8>,
) -> Result<(), usize> {
    let mut count = 0;
    for field in fields {
        if count == index {
            value.extend_from_slice(field);
            return Ok(());
        }
        count += 1;
    }
    Err(count)
}

fn bad(bytes: &[u8], reason: String) -> BadLine {
    BadLine {
        given: shown(&String::from_utf8_lossy(bytes.trim_ascii())),
        reason: reason.into(),
    }
}

/// Reads records with quoted fields, which may span lines.
struct QuotedReader {
    csv: Reader,
    /// A whole field.
    field: Box<[u8]>,
    field_bytes: usize,
    /// The fields of the record so far.
    fields: usize,
    /// The lines of a record that goes on.
    open: Vec<OwnedLine>,
    open_bytes: usize,
    /// The lines that follow one whose quote is never closed.
    again: VecDeque<OwnedLine>,
}

struct OwnedLine {
    number: NonZeroU64,
    bytes: Vec<u8>,
    whole: bool,
}

enum Quoted {
    /// The record goes on in the next line.
    Open,
    /// The first of several lines of a record, and whether the field was found; if not, the number
    /// of fields.
    Record(Option<OwnedLine>, Result<(), usize>),
    /// The first line of a record that does not end.
    Unclosed(OwnedLine),
}

impl QuotedReader {
    fn new(delimiter: u8) -> Self {
        Self {
            csv: ReaderBuilder::new()
                .delimiter(delimiter)
                .terminator(Terminator::Any(b'\n'))
                .build(),
            field: vec![0; RECORD_BYTES_MAX + 1].into(),
            field_bytes: 0,
            fields: 0,
            open: Vec::new(),
            open_bytes: 0,
            again: VecDeque::new(),
        }
    }

    fn take(&mut self, line: &Line<'_>, index: usize, value: &mut Vec<u8>) -> Quoted {
        let bytes = line.bytes.strip_suffix(b"\r").unwrap_or(line.bytes);
        let owned = || OwnedLine {
            number: line.number,
            bytes: bytes.to_owned(),
            whole: line.whole,
        };
        let fits = line.whole
            && self.open.len() < RECORD_LINES_MAX
            && self.open_bytes + bytes.len() < RECORD_BYTES_MAX;
        if !fits && !self.open.is_empty() {
            let first = self.give_up();
            self.again.push_back(owned());
            return Quoted::Unclosed(first);
        }
        if self.feed(bytes, index, value) || self.feed(b"\n", index, value) {
            let found = match self.fields {
                fields if fields > index => Ok(()),
                fields => Err(fields),
            };
            let first = std::mem::take(&mut self.open).into_iter().next();
            self.restart();
            return Quoted::Record(first, found);
        }
        self.open_bytes += bytes.len() + 1;
        self.open.push(owned());
        Quoted::Open
    }

    /// Returns whether the record has ended.
    fn feed(&mut self, mut input: &[u8], index: usize, value: &mut Vec<u8>) -> bool {
        // An empty input would end the record.
        while !input.is_empty() {
            let room = &mut self.field[self.field_bytes..];
            let (result, read, written) = self.csv.read_field(input, room);
            input = &input[read..];
            self.field_bytes += written;
            match result {
                ReadFieldResult::Field { record_end } => {
                    if self.fields == index {
                        value.extend_from_slice(&self.field[..self.field_bytes]);
                    }
                    self.fields += 1;
                    self.field_bytes = 0;
                    if record_end {
                        return true;
                    }
                }
                // A field fits, since a record has a limit.
                ReadFieldResult::InputEmpty
                | ReadFieldResult::OutputFull
                | ReadFieldResult::End => return false,
            }
        }
        false
    }

    fn restart(&mut self) {
        self.csv.reset();
        self.field_bytes = 0;
        self.fields = 0;
        self.open.clear();
        self.open_bytes = 0;
    }

    /// Gives the record up: returns its first line, and takes the others again.
    fn give_up(&mut self) -> OwnedLine {
        let mut lines = std::mem::take(&mut self.open).into_iter();
        let first = lines.next().expect("a record that goes on has a line");
        // Before those that were to be taken again already.
        for line in lines.rev() {
            self.again.push_front(line);
        }
        self.restart();
        first
    }
}
