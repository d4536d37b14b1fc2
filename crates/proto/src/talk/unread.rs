//! Buffers of what was received and not consumed yet.

use std::collections::VecDeque;
use std::ops::Range;

use super::LINE_BYTES_MAX;

/// The octets of a stream that are not consumed.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    octets: Vec<u8>,
    /// The place of the first octet that is not consumed.
    start: usize,
    /// Up to here no line ends.
    scanned: usize,
    /// The peer closed its side.
    pub(super) ended: bool,
}

/// The next line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextLine {
    /// It is whole: its text, and the place after its end.
    Whole { text: Range<usize>, next: usize },
    /// It is not whole, yet or for good.
    Partial,
    /// It is too long.
    TooLong,
}

impl Stream {
    /// Appends octets.
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
    }

    /// The octets that are not consumed.
    pub(super) fn rest(&self) -> &[u8] {
        &self.octets[self.start..]
    }

    /// Consumes `count` octets.
    pub(super) fn take(&mut self, count: usize) {
        self.take_to(self.start + count);
    }

    /// Finds the next line, and does not consume it. The last line of a stream that has ended needs
    /// no line end.
    pub(super) fn line(&mut self) -> NextLine {
        let from = self.scanned.max(self.start);
        let feed = self.octets[from..].iter().position(|octet| *octet == b'\n');
        let (end, next) = match feed {
            Some(at) => (from + at, from + at + 1),
            None => {
                self.scanned = self.octets.len();
                (self.octets.len(), self.octets.len())
            }
        };
        if end - self.start > LINE_BYTES_MAX {
            return NextLine::TooLong;
        }
        if feed.is_none() && !(self.ended && end > self.start) {
            return NextLine::Partial;
        }
        let text = self.start..self.start + without_return(&self.octets[self.start..end]).len();
        NextLine::Whole { text, next }
    }

    /// The text of a line.
    pub(super) fn text(&self, text: Range<usize>) -> &[u8] {
        &self.octets[text]
    }

    /// Consumes what is before `next`.
    pub(super) fn take_to(&mut self, next: usize) {
        self.start = next;
        if self.start == self.octets.len() {
            // A large buffer is not kept: there may be thousands of peers.
            if self.octets.capacity() > 4096 {
                self.octets = Vec::new();
            }
            self.octets.clear();
            (self.start, self.scanned) = (0, 0);
        } else if self.start > self.octets.len() / 2 {
            self.octets.drain(..self.start);
            self.scanned = self.scanned.saturating_sub(self.start);
            self.start = 0;
        }
    }
}

/// The datagrams that are not consumed.
#[derive(Clone, Debug, Default)]
pub(super) struct Datagrams {
    queue: VecDeque<Box<[u8]>>,
    /// The place of the first octet of the first one that is not consumed.
    start: usize,
    /// Their size.
    bytes: usize,
}

impl Datagrams {
    /// Appends a datagram.
    pub(super) fn push(&mut self, datagram: &[u8]) {
        // An empty one needs memory too.
        self.bytes += datagram.len() + size_of::<Box<[u8]>>();
        self.queue.push_back(datagram.into());
    }

    /// What is not consumed of the first datagram.
    pub(super) fn first(&self) -> Option<&[u8]> {
        self.queue.front().map(|datagram| &datagram[self.start..])
    }

    /// Consumes `count` octets of the first datagram, and drops it if none remain.
    pub(super) fn take(&mut self, count: usize) {
        self.start += count;
        if self.first().is_some_and(<[u8]>::is_empty) {
            self.drop_first();
        }
    }

    /// Drops the first datagram.
    pub(super) fn drop_first(&mut self) {
        if let Some(datagram) = self.queue.pop_front() {
            self.bytes -= datagram.len() + size_of::<Box<[u8]>>();
        }
        self.start = 0;
    }

    /// The memory they need.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The lines of a datagram, each with the place after it. The last needs no line end.
pub(super) fn lines(datagram: &[u8]) -> impl Iterator<Item = (&[u8], usize)> {
    let mut next = 0;
    datagram
        .split_inclusive(|octet| *octet == b'\n')
        .map(move |line| {
            next += line.len();
            (without_end(line), next)
        })
}

/// `line` without its line end: LF or CRLF.
pub(super) fn without_end(line: &[u8]) -> &[u8] {
    without_return(line.strip_suffix(b"\n").unwrap_or(line))
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(stream: &mut Stream) -> Option<Vec<u8>> {
        match stream.line() {
            NextLine::Whole { text, next } => {
                let line = stream.text(text).to_vec();
                stream.take_to(next);
                Some(line)
            }
            _ => None,
        }
    }

    #[test]
    fn lines_lose_their_ends_and_nothing_else() {
        let mut stream = Stream::default();
        stream.push(b"one\r\ntwo\n\r\r\n\nla");
        for line in [&b"one"[..], b"two", b"\r", b""] {
            assert_eq!(next(&mut stream).as_deref(), Some(line));
        }
        assert_eq!(next(&mut stream), None);
        stream.push(b"st\r");
        assert_eq!(next(&mut stream), None);
        stream.ended = true;
        assert_eq!(next(&mut stream).as_deref(), Some(&b"last"[..]));
        assert_eq!((next(&mut stream), stream.rest()), (None, &b""[..]));
    }

    #[test]
    fn a_line_is_too_long_however_it_comes() {
        for (length, fits) in [(LINE_BYTES_MAX, true), (LINE_BYTES_MAX + 1, false)] {
            let mut line = vec![b'x'; length];
            let mut stream = Stream::default();
            stream.push(&line);
            assert_eq!(
                stream.line() != NextLine::TooLong,
                fits,
                "{length} without an end"
            );
            line.push(b'\n');
            let mut stream = Stream::default();
            stream.push(&line);
            assert_eq!(next(&mut stream).is_some(), fits, "{length} with an end");
        }
    }

    #[test]
    fn datagrams_are_taken_one_by_one() {
        let mut datagrams = Datagrams::default();
        datagrams.push(b"a\r\nb");
        datagrams.push(b"");
        let cut: Vec<_> = lines(datagrams.first().unwrap()).collect();
        assert_eq!(cut, [(&b"a"[..], 3), (&b"b"[..], 4)]);
        datagrams.take(3);
        assert_eq!(datagrams.first(), Some(&b"b"[..]));
        datagrams.take(1);
        assert_eq!(datagrams.first(), Some(&b""[..]));
        datagrams.drop_first();
        assert_eq!((datagrams.first(), datagrams.bytes()), (None, 0));
    }
}
