//! The head of a response: the status line and the header fields.

use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::ops::Range;

use canvass_model::{Cause, HttpWarning, HttpWarnings};
use httparse::Error;
use percent_encoding::{AsciiSet, percent_encode};

use super::fault::HttpFault;
use super::folding::{narrow, unfold};
use super::mend::{self, mended};
use super::scan::START;
use super::settings::{HttpSettings, HttpVersion};
use super::status_line::{BARE_CR, StatusLine, StatusLineFault, is_code};

/// Heads with more fields than this need an allocation to be parsed.
const FEW_FIELDS: usize = 64;

/// The head of a final response (RFC 9112 §2.1).
#[derive(Clone, Debug)]
pub struct Head {
    /// As received, except for line folding.
    octets: Vec<u8>,
    fields: Vec<Field>,
    version: HttpVersion,
    code: u16,
    warnings: HttpWarnings,
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

    /// The status code, 0 to 999. One below 100 or above 599 counts as 5xx (RFC 9110 §15).
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Whether it redirects to another URL: by its code, and by a Location that is not empty (RFC
    /// 9110 §15.4).
    pub fn is_redirect(&self) -> bool {
        matches!(self.code, 301 | 302 | 303 | 307 | 308)
            && self
                .header("Location")
                .is_some_and(|value| !value.is_empty())
    }

    pub(super) fn status_line(&self) -> StatusLine {
        StatusLine {
            version: self.version,
            code: self.code,
            warnings: self.warnings,
        }
    }

    /// What is wrong with it.
    pub(super) fn warnings(&self) -> HttpWarnings {
        self.warnings
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

    /// The value of Location (RFC 9110 §10.2.2). Octets that are not ASCII, which it must not have
    /// (RFC 3986 §2), are percent-encoded one by one, so that they are sent back as they are.
    pub fn location(&self) -> Option<Cow<'_, str>> {
        let value = self.header("Location")?;
        // No ASCII is in this set.
        Some(percent_encode(value, &AsciiSet::EMPTY).into())
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
    pub(super) fn parse(
        mut octets: Vec<u8>,
        folded: bool,
        offset: u64,
        settings: &HttpSettings,
    ) -> Result<Self, RefusedHead> {
        let (strict, lines_max) = (settings.strict, settings.head_lines_max);
        // A higher minor version is handled as the highest known (RFC 9110 §2.5).
        if octets.starts_with(START)
            && let Some(minor @ b'2'..=b'9') = octets.get_mut(START.len())
        {
            *minor = b'1';
        }
        let folds = if folded {
            unfold(&mut octets)
        } else {
            Vec::new()
        };
        let parsed = match parse(&octets, lines_max) {
            Ok(parsed) => parsed.checked(strict, offset),
            Err(Error::TooManyHeaders) => Err(too_many_lines(lines_max)),
            Err(error) if strict => Err(parse_fault(error, &octets, offset, lines_max)),
            Err(_) => parse_leniently(&octets, offset, lines_max),
        };
        let mut parsed = parsed.map_err(|fault| RefusedHead {
            fault,
            status_line: StatusLine::of_refused(&octets, strict),
        })?;
        for fold in folds.iter().rev() {
            for field in &mut parsed.fields {
                narrow(&mut octets, &mut field.value, fold);
            }
        }
        let StatusLine {
            version,
            code,
            warnings,
        } = parsed.status_line;
        Ok(Self {
            octets,
            fields: parsed.fields,
            version,
            code,
            warnings,
            offset,
        })
    }
}

/// A head that is not accepted.
#[derive(Debug)]
pub(super) struct RefusedHead {
    pub(super) fault: HttpFault,
    /// Its status line, if nothing is wrong with that.
    pub(super) status_line: Option<StatusLine>,
}

/// A head whose fields are located.
struct Parsed {
    status_line: StatusLine,
    fields: Vec<Field>,
}

impl Parsed {
    /// With what is to be said of its status code.
    fn checked(mut self, strict: bool, offset: u64) -> Result<Self, HttpFault> {
        let code = self.status_line.code;
        if !is_code(code) {
            if strict && code < 100 {
                let at = offset + START.len() as u64 + 2;
                return Err(HttpFault::malformed(at, "status code below 100"));
            }
            self.status_line.warnings.insert(HttpWarning::StatusCode);
        }
        Ok(self)
    }
}

/// Locates the fields of a head, or of a part of it.
fn parse(octets: &[u8], lines_max: usize) -> Result<Parsed, Error> {
    let mut few = [const { MaybeUninit::uninit() }; FEW_FIELDS];
    match parse_with(octets, &mut few[..lines_max.min(FEW_FIELDS)]) {
        Err(Error::TooManyHeaders) if lines_max > FEW_FIELDS => {
            let lines = octets.iter().filter(|octet| **octet == b'\n').count();
            let mut many = Vec::with_capacity(lines.min(lines_max));
            parse_with(octets, many.spare_capacity_mut())
        }
        parsed => parsed,
    }
}

fn parse_with<'a>(
    octets: &'a [u8],
    storage: &mut [MaybeUninit<httparse::Header<'a>>],
) -> Result<Parsed, Error> {
    let mut response = httparse::Response::new(&mut []);
    httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        octets,
        storage,
    )?;
    let place = |part: &[u8]| {
        let start = (part.as_ptr() as usize - octets.as_ptr() as usize) as u32;
        start..start + part.len() as u32
    };
    let mut fields = Vec::with_capacity(response.headers.len());
    fields.extend(response.headers.iter().map(|header| {
        let name = place(header.name.as_bytes());
        let value = match header.value {
            // It may point outside the head. Its place is behind the colon.
            [] => name.end + 1..name.end + 1,
            value => place(value),
        };
        Field { name, value }
    }));
    Ok(Parsed {
        status_line: StatusLine {
            version: match response.version {
                Some(0) => HttpVersion::V10,
                _ => HttpVersion::V11,
            },
            // It has one unless the head breaks off, and only `first_bad` looks at such heads.
            code: response.code.unwrap_or_default(),
            warnings: HttpWarnings::default(),
        },
        fields,
    })
}

/// Parses a head that a strict parser refuses.
fn parse_leniently(octets: &[u8], offset: u64, lines_max: usize) -> Result<Parsed, HttpFault> {
    let no_line = StatusLineFault {
        at: 0,
        what: "no status line",
    };
    let (mut status_line, lines_start) = StatusLine::read(octets)
        .unwrap_or(Err(no_line))
        .map_err(|fault| HttpFault::malformed(offset + fault.at as u64, fault.what))?;
    let mended = mended(&octets[lines_start..], &mut status_line.warnings);
    let shift = lines_start as i64 - mend::START.len() as i64;
    let mut fields = match parse(&mended, lines_max) {
        Ok(parsed) => parsed.fields,
        Err(error) => {
            let offset = offset.saturating_add_signed(shift);
            return Err(parse_fault(error, &mended, offset, lines_max));
        }
    };
    let moved = |at: u32| (i64::from(at) + shift) as u32;
    for Field { name, value } in &mut fields {
        *name = moved(name.start)..moved(name.end);
        *value = moved(value.start)..moved(value.end);
    }
    Ok(Parsed {
        status_line,
        fields,
    })
}

pub(super) fn trimmed(mut octets: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = octets {
        octets = rest;
    }
    octets
}

fn too_many_lines(lines_max: usize) -> HttpFault {
    let message = format!("the head has more than {lines_max} header lines");
    HttpFault::new(Cause::Oversize, message)
}

fn parse_fault(error: Error, octets: &[u8], offset: u64, lines_max: usize) -> HttpFault {
    let what = match error {
        Error::TooManyHeaders => return too_many_lines(lines_max),
        Error::Version => "bad version in the status line",
        Error::Status => "bad status line",
        Error::HeaderName => "bad header name",
        Error::HeaderValue => "bad header value",
        Error::NewLine => "bad end of line",
        Error::Token => "bad octet",
    };
    let bad = first_bad(octets, lines_max);
    // httparse refuses the octet after it, but the carriage return is what is wrong (RFC 9112
    // §2.2).
    if let Some(before) = bad.checked_sub(1)
        && octets[before] == b'\r'
        && octets.get(bad) != Some(&b'\n')
    {
        return HttpFault::malformed(offset + before as u64, BARE_CR);
    }
    HttpFault::malformed(offset + bad as u64, what)
}

/// The first octet that httparse refuses. It does not say which that is, but it finds every shorter
/// prefix incomplete.
fn first_bad(octets: &[u8], lines_max: usize) -> usize {
    let (mut good, mut bad) = (0, octets.len());
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if parse(&octets[..middle], lines_max).is_err() {
            bad = middle;
        } else {
            good = middle;
        }
    }
    good
}
