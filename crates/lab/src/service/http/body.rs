//! The bodies of requests (RFC 9112 §6, §7.1).

/// Octets of a body that are kept for the response. Further octets are discarded.
pub(super) const KEPT_BYTES_MAX: usize = 1 << 20;
/// The longest line of the chunked framing.
const LINE_BYTES_MAX: usize = 8 << 10;

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    None,
    Length(u64),
    Chunked,
}

/// How far a body has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    Done,
    Malformed,
}

/// Reads one body.
#[derive(Debug)]
pub(super) struct BodyReader {
    state: State,
    kept: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Data(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailer,
    Done,
}

impl BodyReader {
    pub(super) fn new(framing: Framing) -> Self {
        Self {
            state: match framing {
                Framing::None | Framing::Length(0) => State::Done,
                Framing::Length(octets) => State::Data(octets),
                Framing::Chunked => State::ChunkSize,
            },
            kept: Vec::new(),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The octets that were kept.
    pub(super) fn into_kept(self) -> Vec<u8> {
        self.kept
    }

    /// Reads on. Returns the number of octets consumed.
    pub(super) fn read(&mut self, bytes: &[u8]) -> (usize, Progress) {
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            match self.state {
                State::Done => return (used, Progress::Done),
                State::Data(left) | State::ChunkData(left) => {
                    let taken = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    let room = KEPT_BYTES_MAX - self.kept.len();
                    self.kept.extend_from_slice(&rest[..taken.min(room)]);
                    used += taken;
                    let left = left - taken as u64;
                    self.state = match self.state {
                        State::Data(_) if left == 0 => State::Done,
                        State::Data(_) => State::Data(left),
                        _ if left == 0 => State::ChunkEnd,
                        _ => State::ChunkData(left),
                    };
                    if left > 0 {
                        return (used, Progress::More);
                    }
                }
                State::ChunkSize | State::ChunkEnd | State::Trailer => {
                    let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
                        let too_long = rest.len() > LINE_BYTES_MAX;
                        let progress = [Progress::More, Progress::Malformed][usize::from(too_long)];
                        return (used, progress);
                    };
                    let line = &rest[..end];
                    let line = line.strip_suffix(b"\r").unwrap_or(line);
                    used += end + 1;
                    let Some(next) = after_line(self.state, line) else {
                        return (used, Progress::Malformed);
                    };
                    self.state = next;
                }
            }
        }
    }
}

/// The state after a line of the framing.
fn after_line(state: State, line: &[u8]) -> Option<State> {
    Some(match state {
        State::ChunkSize => {
            let size = line.split(|&byte| byte == b';').next()?.trim_ascii();
            let text = std::str::from_utf8(size).ok()?;
            let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
            match u64::from_str_radix(text, 16).ok().filter(|_| digits)? {
                0 => State::Trailer,
                octets => State::ChunkData(octets),
            }
        }
        State::ChunkEnd if line.is_empty() => State::ChunkSize,
        State::Trailer if line.is_empty() => State::Done,
        State::Trailer => State::Trailer,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `bytes` in pieces that end at `cut`.
    fn read(framing: Framing, bytes: &[u8], cut: usize) -> (usize, Progress, Vec<u8>) {
        let mut reader = BodyReader::new(framing);
        let (first, progress) = reader.read(&bytes[..cut]);
        if progress != Progress::More {
            return (first, progress, reader.into_kept());
        }
        let (second, progress) = reader.read(&bytes[first..]);
        (first + second, progress, reader.into_kept())
    }

    #[test]
    fn bodies_end_according_to_their_framing() {
        let chunked: &[u8] = b"3;a=\"b\"\r\nabc\r\n02 \r\nde\r\n0\r\nT: x\r\n\r\nGET";
        for (framing, bytes, used) in [
            (Framing::Length(5), b"abcdeGET".as_slice(), 5),
            (Framing::Chunked, chunked, chunked.len() - 3),
        ] {
            for cut in 0..bytes.len() {
                let expected = (used, Progress::Done, b"abcde".to_vec());
                assert_eq!(read(framing, bytes, cut), expected, "{framing:?} {cut}");
            }
        }
        assert_eq!(read(Framing::None, b"GET", 3), (0, Progress::Done, vec![]));
    }

    #[test]
    fn bad_chunks_are_malformed() {
        for bytes in [
            b"x\r\n".as_slice(),
            b"+3\r\nabc",
            b"\r\n",
            b"3\r\nabcd\r\n",
            b"11111111111111111\r\n",
        ] {
            let (_, progress, _) = read(Framing::Chunked, bytes, bytes.len());
            assert_eq!(progress, Progress::Malformed, "{bytes:?}");
        }
    }

    #[test]
    fn a_long_body_is_read_and_not_kept_whole() {
        let body = vec![b'x'; KEPT_BYTES_MAX + 10];
        let (used, progress, kept) = read(Framing::Length(body.len() as u64), &body, 100);
        assert_eq!((used, progress), (body.len(), Progress::Done));
        assert_eq!(kept.len(), KEPT_BYTES_MAX);
    }
}
