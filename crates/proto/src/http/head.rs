//! The head of a response: the status line and the header fields.

use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::ops::Range;

use canvass_model::Cause;

use super::fault::HttpFault;
use super::settings::HttpVersion;

/// The most header fields of a head.
const FIELDS_MAX: usize = 256;

/// The start of a status line; the minor version follows.
const START: &[u8] = b"HTTP/1.";

/// The head of a final response (RFC 9112 §2.1).
#[derive(Clone, Debug)]
pub struct Head {
    /// As received, except for line folding.
    octets: Vec<u8>,
    fields: Vec<Field>,
    version: HttpVersion,
    code: u16,
    /// The number of octets before it.
    offset: u64,
}

/// The place of a header field in the octets of its head.
#[derive(Clone, Debug)]
struct Field {
    name: Range<u32>,
    value: Range<u32>,
}

impl Head {
    /// The HTTP version.
    pub fn version(&self) -> HttpVersion {
        self.version
    }

    /// The status code, 100 to 999.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The value of the first header with this name, in any case, without surrounding white space.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers_named(name).next()
    }

    /// The values of all headers with this name, in order.
    pub fn headers_named(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.located(name).map(|(_, value)| value)
    }

    /// All headers with their values, in order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().map(|field| {
            let name = std::str::from_utf8(self.part(&field.name));
            (name.unwrap_or_default(), self.part(&field.value))
        })
    }

    /// The value of Location (RFC 9110 §10.2.2), as text.
    pub fn location(&self) -> Option<Cow<'_, str>> {
        self.header("Location").map(String::from_utf8_lossy)
    }

    /// The Content-Length, in octets; `None` if there is none or it is invalid.
    pub fn content_length(&self) -> Option<u64> {
        super::framing::content_length(self).unwrap_or(None)
    }

    /// The values of all headers with this name, each with its offset in the response.
    pub(super) fn located(&self, name: &str) -> impl Iterator<Item = (u64, &[u8])> {
        self.fields
            .iter()
            .filter(move |field| self.part(&field.name).eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| {
                let offset = self.offset + u64::from(field.value.start);
                (offset, self.part(&field.value))
            })
    }

    /// The elements of the lists in the headers with this name (RFC 9110 §5.6.1), without empty
    /// ones, each with the offset of its header's value.
    pub(super) fn list(&self, name: &str) -> impl Iterator<Item = (u64, &[u8])> {
        self.located(name).flat_map(|(offset, value)| {
            value
                .split(|octet| *octet == b',')
                .map(trimmed)
                .filter(|element| !element.is_empty())
                .map(move |element| (offset, element))
        })
    }

    fn part(&self, range: &Range<u32>) -> &[u8] {
        &self.octets[range.start as usize..range.end as usize]
    }

    /// Parses a whole head, from the status line to the empty line. `offset` is its place in the
    /// response.
    pub(super) fn parse(mut octets: Vec<u8>, folded: bool, offset: u64) -> Result<Self, HttpFault> {
        // A higher minor version is handled as the highest known (RFC 9110 §2.5).
        if let Some(minor @ b'2'..=b'9') = octets.get_mut(START.len()) {
            *minor = b'1';
        }
        let folds = if folded {
            unfold(&mut octets)
        } else {
            Vec::new()
        };
        let mut storage = [const { MaybeUninit::uninit() }; FIELDS_MAX];
        let mut response = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
            &mut response,
            &octets,
            &mut storage,
        );
        if let Err(error) = parsed {
            return Err(parse_fault(error, &octets, offset));
        }
        // A head with its empty line is complete.
        let (Some(minor), Some(code)) = (response.version, response.code) else {
            return Err(HttpFault::malformed(offset, "no status line"));
        };
        if code < 100 {
            let at = offset + START.len() as u64 + 2;
            return Err(HttpFault::malformed(at, "status code below 100"));
        }
        let place = |part: &[u8]| {
            // An empty value may point outside the head.
            if part.is_empty() {
                return 0..0;
            }
            let start = (part.as_ptr() as usize - octets.as_ptr() as usize) as u32;
            start..start + part.len() as u32
        };
        let mut fields = Vec::with_capacity(response.headers.len());
        fields.extend(response.headers.iter().map(|header| Field {
            name: place(header.name.as_bytes()),
            value: place(header.value),
        }));
        for fold in folds.iter().rev() {
            for field in &mut fields {
                narrow(&mut octets, &mut field.value, fold);
            }
        }
        Ok(Self {
            version: match minor {
                0 => HttpVersion::V10,
                _ => HttpVersion::V11,
            },
            code,
            octets,
            fields,
            offset,
        })
    }
}

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
pub(super) fn check_start(octets: &[u8], offset: u64) -> Result<(), HttpFault> {
    let differs = |(got, want): (&u8, &u8)| got != want;
    match octets.iter().zip(START).position(differs) {
        None => Ok(()),
        Some(at @ 5..) => Err(HttpFault::malformed(
            offset + at as u64,
            "the answer is of a version of http that is not 1.x",
        )),
        Some(_) => Err(HttpFault::malformed(offset, "the answer is not http")),
    }
}

pub(super) fn trimmed(mut octets: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = octets {
        octets = rest;
    }
    octets
}

fn parse_fault(error: httparse::Error, octets: &[u8], offset: u64) -> HttpFault {
    let what = match error {
        httparse::Error::TooManyHeaders => {
            return HttpFault::new(
                Cause::Oversize,
                format!("the head has more than {FIELDS_MAX} header lines"),
            );
        }
        httparse::Error::Version => "bad version in the status line",
        httparse::Error::Status => "bad status line",
        httparse::Error::HeaderName => "bad header name",
        httparse::Error::HeaderValue => "bad header value",
        httparse::Error::NewLine => "bad end of line",
        httparse::Error::Token => "bad octet",
    };
    let bad = first_bad(octets);
    // httparse refuses the octet after it, but the carriage return is what is wrong (RFC 9112
    // §2.2).
    if let Some(before) = bad.checked_sub(1)
        && octets[before] == b'\r'
        && octets.get(bad) != Some(&b'\n')
    {
        return HttpFault::malformed(offset + before as u64, "a bare carriage return in the head");
    }
    HttpFault::malformed(offset + bad as u64, what)
}

/// The first octet that httparse refuses. It does not say which that is, but it finds every shorter
/// prefix incomplete.
fn first_bad(octets: &[u8]) -> usize {
    let is_bad = |length: usize| {
        let mut storage = [const { MaybeUninit::uninit() }; FIELDS_MAX];
        httparse::ParserConfig::default()
            .parse_response_with_uninit_headers(
                &mut httparse::Response::new(&mut []),
                &octets[..length],
                &mut storage,
            )
            .is_err()
    };
    let (mut good, mut bad) = (0, octets.len());
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if is_bad(middle) {
            bad = middle;
        } else {
            good = middle;
        }
    }
    good
}

/// Replaces the line ends of obsolete line folding by spaces (RFC 9112 §5.2), and returns where the
/// white space around each is. The length stays the same, so that offsets hold. A status line
/// cannot be folded.
fn unfold(octets: &mut [u8]) -> Vec<Range<usize>> {
    let mut folds = Vec::new();
    let is_space = |octet: &u8| matches!(octet, b' ' | b'\t');
    let Some(status_end) = octets.iter().position(|octet| *octet == b'\n') else {
        return folds;
    };
    for at in status_end + 1..octets.len() - 1 {
        if octets[at] != b'\n' || !is_space(&octets[at + 1]) {
            continue;
        }
        let end_of_line = at - usize::from(octets[at - 1] == b'\r');
        octets[end_of_line..=at].fill(b' ');
        let before = octets[..at]
            .iter()
            .rev()
            .take_while(|o| is_space(o))
            .count();
        let after = octets[at..].iter().take_while(|o| is_space(o)).count();
        folds.push(at - before..at + after);
    }
    folds
}

/// Reduces the white space at `fold` to one space, if it is within `value`.
fn narrow(octets: &mut [u8], value: &mut Range<u32>, fold: &Range<usize>) {
    let (start, end) = (value.start as usize, value.end as usize);
    if start < fold.start && fold.end < end {
        octets[fold.start] = b' ';
        octets.copy_within(fold.end..end, fold.start + 1);
        value.end -= (fold.len() - 1) as u32;
    }
}
