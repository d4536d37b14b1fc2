//! The lines of a list, decompressed, with their targets.

use std::io::{self, Read};

use crate::TargetOptions;
use crate::decompress::Decompressed;
use crate::fields::{RECORD_BYTES_MAX, Record};
use crate::lines::Lines;
use crate::selection::Selector;

/// Reads the targets of a list as text: one per line, or those that are selected of lines.
pub(crate) struct Records<R> {
    lines: Lines<Decompressed<R>>,
    selector: Option<Selector>,
    lines_skipped: u64,
}

impl<R: Read> Records<R> {
    pub(crate) fn new(reader: R, options: &TargetOptions) -> Self {
        let reader = Decompressed::new(reader);
        Self {
            lines: match options.selection {
                None => Lines::new(reader),
                Some(_) => Lines::with_limit(reader, RECORD_BYTES_MAX),
            },
            selector: options.selection.as_ref().map(Selector::new),
            lines_skipped: options.lines_skipped,
        }
    }

    /// The next line, without reading; it may have no target. `None` until more is read, or at the
    /// end.
    pub(crate) fn next_buffered(&mut self) -> Option<Record<'_>> {
        if self.selector.as_ref().is_some_and(Selector::has_pending) {
            return self.selector.as_mut().and_then(Selector::take_pending);
        }
        let is_at_end = self.lines.is_at_end();
        let Some(line) = self.lines.next_buffered() else {
            return match &mut self.selector {
                Some(selector) if is_at_end => selector.end(),
                _ => None,
            };
        };
        let number = line.number;
        let content = if number.get() <= self.lines_skipped {
            Ok(None)
        } else if let Some(selector) = &mut self.selector {
            return Some(selector.take(&line));
        } else {
            line.content()
        };
        Some(Record { number, content })
    }

    /// Whether [`next_buffered`](Self::next_buffered) returns the last lines.
    pub(crate) fn is_at_end(&self) -> bool {
        self.lines.is_at_end()
    }

    /// The part of the file with this many octets that is in records that were returned, from 0 to 1.
    pub(crate) fn share_of(&self, file_octets: u64) -> f64 {
        let (read, returned) = self.lines.bytes();
        if returned == 0 || file_octets == 0 {
            return 0.0;
        }
        // Of the octets that were read, as many are still to be returned as of what they are decoded to.
        let decoded = self.lines.reader().decoded_octets().unwrap_or(read);
        let share = decoded as f64 / file_octets as f64 * (returned as f64 / read as f64);
        if self.lines.is_at_end() && returned == read {
            return 1.0;
        }
        share.min(1.0)
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
