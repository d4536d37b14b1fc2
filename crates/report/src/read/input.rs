//! Reads a file line by line, with a limit on the length of a line.

use std::io::{self, BufRead, Read};

/// The maximum length of a line in octets. A line with all names and data of a DNS message is
/// shorter, even if every character is escaped.
const LINE_BYTES_MAX: usize = 16 << 20;

/// The UTF-8 byte order mark, which some editors write.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads the lines of a file.
pub(super) struct LineReader<R> {
    reader: R,
    buffer: Vec<u8>,
    number: u64,
    put_back: bool,
}

/// A line of a file.
pub(super) struct InputLine<'a> {
    /// The line number, from 1.
    pub(super) number: u64,
    /// The text with a line feed at the end; `None` if it is too long.
    pub(super) text: Option<&'a [u8]>,
}

impl<R: BufRead> LineReader<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            number: 0,
            put_back: false,
        }
    }

    /// Returns the next line that is not blank.
    pub(super) fn next(&mut self) -> io::Result<Option<InputLine<'_>>> {
        if std::mem::take(&mut self.put_back) {
            return Ok(Some(self.line()));
        }
        loop {
            self.buffer.clear();
            let room = LINE_BYTES_MAX as u64 + 1;
            let mut limited = self.reader.by_ref().take(room);
            if limited.read_until(b'\n', &mut self.buffer)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.number == 1 && self.buffer.starts_with(BYTE_ORDER_MARK) {
                self.buffer.drain(..BYTE_ORDER_MARK.len());
            }
            if self.buffer.last() != Some(&b'\n') {
                if self.buffer.len() > LINE_BYTES_MAX {
                    self.reader.skip_until(b'\n')?;
                } else {
                    self.buffer.push(b'\n');
                }
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(Some(self.line()));
            }
        }
    }

    /// Makes [`next`](Self::next) return the last line again.
    pub(super) fn put_back(&mut self) {
        self.put_back = true;
    }

    fn line(&self) -> InputLine<'_> {
        let whole = self.buffer.last() == Some(&b'\n');
        InputLine {
            number: self.number,
            text: whole.then_some(&self.buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut lines = LineReader::new(text);
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push((line.number, line.text.map(<[u8]>::to_vec)));
        }
        all
    }

    #[test]
    fn blank_lines_count_and_the_last_one_needs_no_end() {
        assert_eq!(
            all(b"\xef\xbb\xbfa\n\n \r\nb\r\nc"),
            [
                (1, Some(b"a\n".to_vec())),
                (4, Some(b"b\r\n".to_vec())),
                (5, Some(b"c\n".to_vec()))
            ]
        );
        assert_eq!(all(b""), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_to_its_end() {
        for (length, read) in [
            (LINE_BYTES_MAX, Some(LINE_BYTES_MAX + 1)),
            (LINE_BYTES_MAX + 1, None),
            (3 * LINE_BYTES_MAX, None),
        ] {
            let mut text = vec![b'x'; length];
            text.extend_from_slice(b"\nb\n");
            let lengths: Vec<_> = all(&text)
                .into_iter()
                .map(|(number, text)| (number, text.map(|text| text.len())))
                .collect();
            assert_eq!(lengths, [(1, read), (2, Some(2))], "{length}");
        }
    }

    #[test]
    fn a_line_can_be_read_again() {
        let mut lines = LineReader::new(&b"a\nb\n"[..]);
        for (again, expected) in [(true, b"a\n"), (false, b"a\n"), (false, b"b\n")] {
            let line = lines.next().unwrap().unwrap();
            assert_eq!(line.text, Some(&expected[..]));
            if again {
                lines.put_back();
            }
        }
        assert!(lines.next().unwrap().is_none());
    }
}
