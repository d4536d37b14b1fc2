//! Bodies that come in chunks (RFC 9112 §7.1).

use canvass_model::Cause;

use super::fault::HttpFault;
use super::response::Body;
use super::settings::{is_control, is_token_octet};

/// The reader of a chunked body. Lines end in CRLF and nothing else: where ends may be disagreed
/// on, leniency is a hole.
#[derive(Debug)]
pub(super) struct Chunked {
    at: At,
    /// Of the chunk: the size read so far, then the octets of it that are still to come.
    left: u64,
    /// Octets that extensions, needless zeros and trailers may still have.
    extras_left: usize,
    extras_max: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before the first digit of a size.
    Size,
    /// After a digit.
    SizeMore,
    /// In the white space before an extension.
    ExtensionSpace,
    Extension,
    /// In a quoted value of one.
    Quoted,
    /// After a backslash in that.
    QuotedPair,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// At the start of the first line after the last chunk.
    TrailerFirst,
    /// At the start of a further one.
    Trailer,
    TrailerName,
    TrailerValue,
    TrailerLf,
    LastLf,
    Done,
}

impl Chunked {
    pub(super) fn new(extras_max: usize) -> Self {
        Self {
            at: At::Size,
            left: 0,
            extras_left: extras_max,
            extras_max,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.at == At::Done
    }

    /// Takes the framing off `octets`, which stand `offset` into the response, and hands the rest to
    /// `body`. Returns how many of them belong to the body, which is all unless it is done.
    pub(super) fn read(
        &mut self,
        octets: &[u8],
        offset: u64,
        body: &mut Body,
    ) -> Result<usize, HttpFault> {
        let mut read = 0;
        while read < octets.len() && self.at != At::Done {
            if self.at == At::Data {
                let rest = &octets[read..];
                let data =
                    usize::try_from(self.left).map_or(rest, |left| &rest[..left.min(rest.len())]);
                body.received(data)?;
                read += data.len();
                self.left -= data.len() as u64;
                if self.left == 0 {
                    self.at = At::DataCr;
                }
                continue;
            }
            let octet = octets[read];
            self.at = self
                .framing_octet(octet, body)
                .map_err(|what| what.into_fault(offset + read as u64, self.extras_max))?;
            read += 1;
        }
        Ok(read)
    }

    fn framing_octet(&mut self, octet: u8, body: &mut Body) -> Result<At, Refused> {
        Ok(match (self.at, octet) {
            (At::Size | At::SizeMore, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                if self.at == At::Size {
                    self.left = 0;
                } else if self.left == 0 {
                    self.extra()?;
                }
                let digit = char::from(octet).to_digit(16).expect("it is one of these");
                let shifted = self.left.checked_mul(16);
                self.left =
                    shifted.ok_or(Refused::Bad("chunk size without measure"))? | u64::from(digit);
                At::SizeMore
            }
            (At::SizeMore, b'\r') => At::SizeLf,
            (At::SizeMore | At::ExtensionSpace, b';') => {
                self.extra()?;
                At::Extension
            }
            (At::SizeMore | At::ExtensionSpace, b' ' | b'\t') => {
                self.extra()?;
                At::ExtensionSpace
            }
            (At::Size | At::SizeMore | At::ExtensionSpace, _) => {
                return Err(Refused::Bad("bad chunk size"));
            }
            (At::Extension, b'\r') => At::SizeLf,
            (At::Extension | At::Quoted | At::QuotedPair, _) => {
                if is_control(octet) {
                    return Err(Refused::Bad("bad chunk extension"));
                }
                self.extra()?;
                match (self.at, octet) {
                    (At::Extension, b'"') | (At::QuotedPair, _) => At::Quoted,
                    (At::Quoted, b'"') => At::Extension,
                    (At::Quoted, b'\\') => At::QuotedPair,
                    (at, _) => at,
                }
            }
            (At::SizeLf, b'\n') if self.left == 0 => At::TrailerFirst,
            (At::SizeLf, b'\n') => {
                body.announced(self.left).map_err(Refused::Fault)?;
                At::Data
            }
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::Size,
            (At::DataCr | At::DataLf, _) => {
                return Err(Refused::Bad("chunk goes on after its end"));
            }
            (At::TrailerFirst | At::Trailer, b'\r') => At::LastLf,
            // RFC 9112 §5.2: the line before goes on.
            (At::Trailer, b' ' | b'\t') => {
                self.extra()?;
                At::TrailerValue
            }
            (At::TrailerName, b':') => {
                self.extra()?;
                At::TrailerValue
            }
            (At::TrailerFirst | At::Trailer | At::TrailerName, _) => {
                if !is_token_octet(octet) {
                    return Err(Refused::Bad("bad trailer name"));
                }
                self.extra()?;
                At::TrailerName
            }
            (At::TrailerValue, b'\r') => At::TrailerLf,
            (At::TrailerValue, _) => {
                if is_control(octet) {
                    return Err(Refused::Bad("bad trailer value"));
                }
                self.extra()?;
                At::TrailerValue
            }
            (At::TrailerLf, b'\n') => At::Trailer,
            (At::LastLf, b'\n') => At::Done,
            (At::SizeLf | At::TrailerLf | At::LastLf, _) => {
                return Err(Refused::Bad("bare cr in chunked framing"));
            }
            (At::Data | At::Done, _) => unreachable!("no framing is read there"),
        })
    }

    fn extra(&mut self) -> Result<(), Refused> {
        self.extras_left = self.extras_left.checked_sub(1).ok_or(Refused::Extras)?;
        Ok(())
    }
}

/// Why an octet of the framing is refused.
enum Refused {
    Bad(&'static str),
    Extras,
    Fault(HttpFault),
}

impl Refused {
    fn into_fault(self, offset: u64, extras_max: usize) -> HttpFault {
        match self {
            Self::Bad(what) => HttpFault::malformed(offset, what),
            Self::Extras => HttpFault::new(
                Cause::Oversize,
                format!("chunk extensions and trailers are larger than {extras_max} octets"),
            ),
            Self::Fault(fault) => fault,
        }
    }
}
