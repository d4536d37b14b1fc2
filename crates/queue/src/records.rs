//! The lines of a list, decompressed, with their targets.

use std::io::{self, Read};

use crate::TargetOptions;
use crate::decompress::Decompressed;
use crate::fields::{FieldReader, RECORD_BYTES_MAX, Record};
use crate::lines::Lines;

/// Reads the targets of a list as text: one per line, or one per record if they are fields.
pub(crate) struct Records<R> {
    lines: Lines<Decompressed<R>>,
    fields: Option<FieldReader>,
    lines_skipped: u64,
}

impl<R: Read> Records<R> {
    pub(crate) fn new(reader: R, options: &TargetOptions) -> Self {
        let reader = Decompressed::new(reader);
        Self {
            lines: match options.field {
                None => Lines::new(reader),
                Some(_) => Lines::with_limit(reader, RECORD_BYTES_MAX),
            },
            fields: options.field.map(FieldReader::new),
            lines_skipped: options.lines_skipped,
        }
    }

    /// The next line, without reading; it may have no target. `None` until more is read, or at the
    /// end.
    pub(crate) fn next_buffered(&mut self) -> Option<Record<'_>> {
        if self.fields.as_ref().is_some_and(FieldReader::has_again) {
            return self.fields.as_mut().and_then(FieldReader::take_again);
        }
        let is_at_end = self.lines.is_at_end();
        let Some(line) = self.lines.next_buffered() else {
            return match &mut self.fields {
                Some(fields) if is_at_end => fields.end(),
                _ => None,
            };
        };
        let number = line.number;
        let content = if number.get() <= self.lines_skipped {
            Ok(None)
        } else if let Some(fields) = &mut self.fields {
            return Some(fields.take(&line));
        } else {
            line.content()
        };
        Some(Record { number, content })
    }

    /// Whether [`next_buffered`](Self::next_buffered) returns the last lines.
    pub(crate) fn is_at_end(&self) -> bool {
        self.lines.is_at_end()
    }

    /// The number of lines so far.
    pub(crate) fn lines_read(&self) -> u64 {
        self.lines.count()
    }

    /// Reads, which may block.
    pub(crate) fn read(&mut self) -> io::Result<()> {
        self.lines.read()
    }
}
