//! Where the head of a response begins and ends.

use super::fault::HttpFault;

/// The start of a status line; the minor version follows.
pub(super) const START: &[u8] = b"HTTP/1.";
/// The name at its beginning.
const NAME: &[u8] = b"HTTP/";

/// The search for the empty line that ends a head. It continues where it stopped.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeadScan {
    /// The octets before this were searched.
    at: usize,
    /// A line begins with white space.
    pub(super) folded: bool,
}

impl HeadScan {
    /// The length of the head at the start of `octets`, once it is whole. Between two calls
    /// `octets` may only grow. A line ends in CRLF or LF (RFC 9112 §2.2).
    pub(super) fn end(&mut self, octets: &[u8]) -> Option<usize> {
        while let Some(to_end) = octets[self.at..].iter().position(|octet| *octet == b'\n') {
            let line_end = self.at + to_end;
            match octets[line_end + 1..] {
                [b'\n', ..] => return Some(line_end + 2),
                [b'\r', b'\n', ..] => return Some(line_end + 3),
                // It may become either of the two.
                [] | [b'\r'] => {
                    self.at = line_end;
                    return None;
                }
                [b' ' | b'\t', ..] => self.folded = true,
                _ => {}
            }
            self.at = line_end + 1;
        }
        self.at = octets.len();
        None
    }
}

/// Refuses what cannot be the start of a head, from its first octet on.
pub(super) fn check_start(octets: &[u8], offset: u64, strict: bool) -> Result<(), HttpFault> {
    let differs = |(got, want): (&u8, &u8)| got != want;
    if octets.iter().zip(START).any(differs) && (strict || !may_start_leniently(octets)) {
        return Err(not_http(octets, offset, strict));
    }
    Ok(())
}

/// Whether [`StatusLine::read`](super::status_line::StatusLine::read) may read what begins so.
fn may_start_leniently(octets: &[u8]) -> bool {
    let (name, version) = octets.split_at(octets.len().min(NAME.len()));
    name.eq_ignore_ascii_case(&NAME[..name.len()])
        && matches!(
            version,
            [] | [b'1'] | [b'1', b'.', ..] | [b'2'] | [b'2', b'.' | b' ', ..]
        )
}

fn not_http(octets: &[u8], offset: u64, strict: bool) -> HttpFault {
    let differs =
        |(got, want): (&u8, &u8)| got != want && (strict || !got.eq_ignore_ascii_case(want));
    match octets.iter().zip(START).position(differs) {
        Some(at) if at >= NAME.len() => HttpFault::malformed(
            offset + at as u64,
            "the answer is of a version of http that is not 1.x",
        ),
        _ => HttpFault::malformed(offset, "the answer is not http"),
    }
}
