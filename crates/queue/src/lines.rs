//! Splits a stream into lines of limited length.

use std::io::{self, Read};
use std::num::NonZeroU64;

use memchr::{memchr, memchr_iter};

use crate::entry::shown;

/// The maximum length of a line that is a target. The rest of a longer line is skipped. The longest
/// name has 1004 bytes if all its octets are escaped.
pub const LINE_BYTES_MAX: usize = 4096;
/// Bytes per read, minus those of an incomplete line.
const BUFFER_BYTES: usize = 256 * 1024;

/// Splits the output of a reader into lines.
pub(crate) struct Lines<R> {
    reader: R,
    buffer: Box<[u8]>,
    /// The start of the next line.
    start: usize,
    /// Where the search for the end of that line continues.
    searched: usize,
    /// The end of the bytes that were read.
    end: usize,
    /// The number of bytes so far.
    read_bytes: u64,
    /// The number of lines so far.
    number: u64,
    /// The start of a line that is too long.
    head: Vec<u8>,
    /// The rest of a line that is too long is being skipped.
    skipping: bool,
    /// The reader is at its end.
    exhausted: bool,
    line_bytes_max: usize,
}

/// A line without its end.
pub(crate) struct Line<'a> {
    /// The line number, from 1.
    pub(crate) number: NonZeroU64,
    pub(crate) bytes: &'a [u8],
    /// Whether `bytes` is the whole line.
    pub(crate) whole: bool,
}

/// An invalid line.
#[derive(Debug)]
pub(crate) struct BadLine {
    /// Its text, as far as it may be displayed.
    pub(crate) given: Box<str>,
    /// Why it is invalid.
    pub(crate) reason: Box<str>,
}

impl<R: Read> Lines<R> {
    /// Reads lines of at most [`LINE_BYTES_MAX`] bytes.
    pub(crate) fn new(reader: R) -> Self {
        Self::with_limit(reader, LINE_BYTES_MAX)
    }

    /// Reads lines of at most `line_bytes_max` bytes, which must be much less than the buffer.
    pub(crate) fn with_limit(reader: R, line_bytes_max: usize) -> Self {
        Self {
            reader,
            buffer: vec![0; BUFFER_BYTES].into(),
            start: 0,
            searched: 0,
            end: 0,
            read_bytes: 0,
            number: 0,
            head: Vec::new(),
            skipping: false,
            exhausted: false,
            line_bytes_max,
        }
    }

    /// The number of lines so far.
    pub(crate) fn count(&self) -> u64 {
        self.number
    }

    /// What is read.
    pub(crate) fn reader(&self) -> &R {
        &self.reader
    }

    /// The number of bytes that were read, and how many of them are in lines that were returned.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let waiting = self.end - self.start;
        (self.read_bytes, self.read_bytes - waiting as u64)
    }

    /// The next complete line, without reading.
    pub(crate) fn next_buffered(&mut self) -> Option<Line<'_>> {
        match memchr(b'\n', &self.buffer[self.searched..self.end]) {
            Some(at) => {
                let line_end = self.searched + at;
                Some(self.cut(line_end, line_end + 1))
            }
            None => {
                self.searched = self.end;
                if !self.skipping && self.end - self.start > self.line_bytes_max {
                    self.head.clear();
                    let head = &self.buffer[self.start..self.start + self.line_bytes_max];
                    self.head.extend_from_slice(head);
                    self.skipping = true;
                }
                if self.skipping {
                    self.start = self.end;
                }
                (self.exhausted && (self.skipping || self.start < self.end))
                    .then(|| self.cut(self.end, self.end))
            }
        }
    }

    /// Whether [`next_buffered`](Self::next_buffered) returns the last lines.
    pub(crate) fn is_at_end(&self) -> bool {
        self.exhausted
    }

    /// Reads once, which may block. An interruption by a signal is not an error.
    pub(crate) fn read(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.searched -= self.start;
        self.end -= self.start;
        self.start = 0;
        match self.reader.read(&mut self.buffer[self.end..]) {
            Ok(0) => self.exhausted = true,
            Ok(count) => {
                self.end += count;
                self.read_bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Returns the line that ends at `line_end`. The next one begins at `next_start`.
    fn cut(&mut self, line_end: usize, next_start: usize) -> Line<'_> {
        let line_start = std::mem::replace(&mut self.start, next_start);
        self.searched = next_start;
        self.number += 1;
        let (mut bytes, whole) = if std::mem::take(&mut self.skipping) {
            (&self.head[..], false)
        } else {
            let bytes = &self.buffer[line_start..line_end];
            let whole = bytes.len() <= self.line_bytes_max;
            (&bytes[..bytes.len().min(self.line_bytes_max)], whole)
        };
        if self.number == 1 {
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        Line {
            number: NonZeroU64::new(self.number).expect("a line was just counted"),
            bytes,
            whole,
        }
    }
}

impl<'a> Line<'a> {
    /// The content without surrounding white space and comment. `None` if there is none.
    pub(crate) fn content(&self) -> Result<Option<&'a str>, BadLine> {
        let bytes = without_comment(self.bytes);
        if !self.whole && bytes.len() == self.bytes.len() {
            return Err(self.too_long());
        }
        content_of(bytes)
    }

    /// The error of a line that is not whole.
    pub(crate) fn too_long(&self) -> BadLine {
        let mut given = shown(&String::from_utf8_lossy(self.bytes.trim_ascii()));
        if !given.ends_with("...") {
            given = format!("{given}...").into();
        }
        BadLine {
            given,
            reason: format!("the line has more than {} bytes", self.bytes.len()).into(),
        }
    }
}

/// A line up to its comment, which begins with `#` at the start or after a blank.
pub(crate) fn without_comment(bytes: &[u8]) -> &[u8] {
    let comment =
        memchr_iter(b'#', bytes).find(|at| *at == 0 || bytes[at - 1].is_ascii_whitespace());
    &bytes[..comment.unwrap_or(bytes.len())]
}

/// The text of a line or a field without surrounding white space. `None` if there is none.
pub(crate) fn content_of(bytes: &[u8]) -> Result<Option<&str>, BadLine> {
    let bytes = bytes.trim_ascii();
    let reason = if bytes.is_empty() {
        return Ok(None);
    } else if memchr(0, bytes).is_some() {
        "the line has a NUL byte in it"
    } else {
        match std::str::from_utf8(bytes) {
            Ok(text) => return Ok(Some(text)),
            Err(_) => "the line is not UTF-8",
        }
    };
    Err(BadLine {
        given: shown(&String::from_utf8_lossy(bytes)),
        reason: reason.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pieces::Pieces;
    use proptest::prelude::*;

    /// Every line that is not blank: its number, and its text or why it has none.
    fn contents(reader: impl Read) -> Vec<(u64, Result<String, String>)> {
        let mut lines = Lines::new(reader);
        let mut all = Vec::new();
        loop {
            while let Some(line) = lines.next_buffered() {
                match line.content() {
                    Ok(None) => {}
                    Ok(Some(text)) => all.push((line.number.get(), Ok(text.to_owned()))),
                    Err(bad) => all.push((
                        line.number.get(),
                        Err(format!("{}: {}", bad.given, bad.reason)),
                    )),
                }
            }
            if lines.is_at_end() {
                return all;
            }
            lines.read().unwrap();
        }
    }

    fn good(number: u64, text: &str) -> (u64, Result<String, String>) {
        (number, Ok(text.to_owned()))
    }

    #[test]
    fn comments_blanks_and_line_ends_are_no_content() {
        let text = "\u{feff}a\r\n#b\n\n \t \r\n  c # d\ne#f\n\t# g\nh\t#\ni";
        for piece in [1, 2, 3, 7, 1000] {
            let bytes = text.as_bytes();
            assert_eq!(
                contents(Pieces { bytes, piece }),
                [
                    good(1, "a"),
                    good(5, "c"),
                    good(6, "e#f"),
                    good(8, "h"),
                    good(9, "i")
                ]
            );
        }
        assert_eq!(contents(&b""[..]), []);
        assert_eq!(contents(&b"\n"[..]), []);
        assert_eq!(contents(&b"\xef\xbb\xbf"[..]), []);
    }

    #[test]
    fn what_is_no_text_is_bad_unless_it_is_a_comment() {
        let lines = contents(&b"a\0b\n\xff\xfe\n# \xff\0\nc # \xff\n"[..]);
        assert_eq!(
            lines,
            [
                (1, Err("a\0b: the line has a NUL byte in it".to_owned())),
                (2, Err("\u{fffd}\u{fffd}: the line is not UTF-8".to_owned())),
                good(4, "c"),
            ]
        );
    }

    #[test]
    fn a_line_may_have_so_many_bytes_and_no_more() {
        let most = "a".repeat(LINE_BYTES_MAX);
        let reason = format!("{}...: the line has more than 4096 bytes", "a".repeat(100));
        for piece in [100, 4096, 5000, 1 << 20] {
            let text = format!("{most}\n{most}a\nb\n{most}a");
            let bytes = text.as_bytes();
            assert_eq!(
                contents(Pieces { bytes, piece }),
                [
                    good(1, &most),
                    (2, Err(reason.clone())),
                    good(3, "b"),
                    (4, Err(reason.clone()))
                ],
                "{piece}"
            );
        }
    }

    #[test]
    fn a_comment_may_be_of_any_length() {
        let text = format!("#{0}\na #{0}\nb", "x".repeat(1 << 20));
        assert_eq!(contents(text.as_bytes()), [good(2, "a"), good(3, "b")]);
    }

    #[test]
    fn a_line_of_a_gigabyte_goes_by() {
        let reader = io::repeat(b'a').take(1 << 30).chain(&b"\nb"[..]);
        let lines = contents(reader);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].1.as_ref().unwrap_err().len() < 200);
        assert_eq!(lines[1], good(2, "b"));
    }

    #[test]
    fn a_wait_that_a_signal_cuts_short_is_no_error() {
        struct Interrupted(bool);
        impl Read for Interrupted {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if std::mem::take(&mut self.0) {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                buffer[0] = b'a';
                self.0 = true;
                Ok(1)
            }
        }
        assert_eq!(contents(Interrupted(true).take(2)), [good(1, "aa")]);
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(bytes in prop::collection::vec(prop::sample::select(&b"ab #\n\r\xff\0"[..]), 0..200), piece in 1usize..9) {
            let whole = contents(&bytes[..]);
            prop_assert_eq!(contents(Pieces { bytes: &bytes, piece }), whole);
        }
    }
}
