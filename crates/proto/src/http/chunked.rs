//! The chunked transfer coding (RFC 9112 §7.1).

use canvass_model::{Cause, HttpWarning};

use super::body::Body;
use super::fault::HttpFault;
use super::settings::{is_control, is_token_octet};

/// Reads a chunked body. Only CRLF ends a line: leniency here permits request smuggling. What curl or
/// Go accept beside the rules is accepted unless `strict`, as far as it does not change where a
/// chunk ends.
#[derive(Debug)]
pub(super) struct Chunked {
    state: State,
    /// The size of the chunk as far as it is read, then the octets of it that are still to come.
    left: u64,
    /// The octets that extensions, leading zeros and trailers may still have.
    extras_left: usize,
    extras_max: usize,
    strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first digit of a size.
    Size,
    /// After a digit.
    SizeMore,
    /// In the white space before an extension.
    ExtensionSpace,
    Extension,
    /// In a quoted value of an extension.
    Quoted,
    /// After a backslash in a quoted value.
    QuotedPair,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// At the start of the first line after the last chunk.
    TrailerFirst,
    /// At the start of a further line.
    Trailer,
    TrailerName,
    /// In the blanks after a name.
    TrailerBlank,
    TrailerValue,
    TrailerLf,
    LastLf,
    Done,
}

impl Chunked {
    pub(super) fn new(extras_max: usize, strict: bool) -> Self {
        Self {
            state: State::Size,
            left: 0,
            extras_left: extras_max,
            extras_max,
            strict,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Removes the framing from `octets` and passes the rest to `body`. `offset` is their place in
    /// the response. Returns how many belong to the body: all, unless it ends among them.
    pub(super) fn read(
        &mut self,
        octets: &[u8],
        offset: u64,
        body: &mut Body,
    ) -> Result<usize, HttpFault> {
        let mut read = 0;
        while read < octets.len() && self.state != State::Done {
            if self.state == State::Data {
                let rest = &octets[read..];
                let data =
                    usize::try_from(self.left).map_or(rest, |left| &rest[..left.min(rest.len())]);
                body.received(data)?;
                read += data.len();
                self.left -= data.len() as u64;
                if self.left == 0 {
                    self.state = State::DataCr;
                }
                continue;
            }
            let octet = octets[read];
            self.state = self
                .framing_octet(octet, body)
                .map_err(|what| what.into_fault(offset + read as u64, self.extras_max))?;
            read += 1;
        }
        Ok(read)
    }

    fn framing_octet(&mut self, octet: u8, body: &mut Body) -> Result<State, FramingError> {
        Ok(match (self.state, octet) {
            (State::Size | State::SizeMore, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                if self.state == State::Size {
                    self.left = 0;
                } else if self.left == 0 {
                    self.count_extra()?;
                }
                let digit = char::from(octet).to_digit(16).expect("it is one of these");
                let shifted = self.left.checked_mul(16);
                self.left = shifted.ok_or(FramingError::Bad("chunk size without measure"))?
                    | u64::from(digit);
                State::SizeMore
            }
            (State::SizeMore, b'\r') => State::SizeLf,
            (State::SizeMore | State::ExtensionSpace, b';') => {
                self.count_extra()?;
                State::Extension
            }
            (State::SizeMore | State::ExtensionSpace, b' ' | b'\t') => {
                self.count_extra()?;
                State::ExtensionSpace
            }
            (State::ExtensionSpace, b'\r') if !self.strict => {
                body.warn(HttpWarning::ChunkSize);
                State::SizeLf
            }
            (State::Size | State::SizeMore | State::ExtensionSpace, _) => {
                return Err(FramingError::Bad("bad chunk size"));
            }
            (State::Extension, b'\r') => State::SizeLf,
            (State::Extension | State::Quoted | State::QuotedPair, _) => {
                self.check_text(octet, "bad chunk extension", body)?;
                self.count_extra()?;
                match (self.state, octet) {
                    (State::Extension, b'"') | (State::QuotedPair, _) => State::Quoted,
                    (State::Quoted, b'"') => State::Extension,
                    (State::Quoted, b'\\') => State::QuotedPair,
                    (state, _) => state,
                }
            }
            (State::SizeLf, b'\n') if self.left == 0 => State::TrailerFirst,
            (State::SizeLf, b'\n') => {
                body.check_size(self.left).map_err(FramingError::Fault)?;
                State::Data
            }
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size,
            (State::DataCr | State::DataLf, _) => {
                return Err(FramingError::Bad("chunk goes on after its end"));
            }
            (State::TrailerFirst | State::Trailer, b'\r') => State::LastLf,
            // Obsolete line folding (RFC 9112 §5.2).
            (State::Trailer, b' ' | b'\t') => {
                self.count_extra()?;
                State::TrailerValue
            }
            (State::TrailerName, b':') => {
                self.count_extra()?;
                State::TrailerValue
            }
            (State::TrailerBlank, b':') => {
                self.count_extra()?;
                body.warn(HttpWarning::BlankBeforeColon);
                State::TrailerValue
            }
            (State::TrailerName | State::TrailerBlank, b' ' | b'\t') if !self.strict => {
                self.count_extra()?;
                State::TrailerBlank
            }
            (
                State::TrailerFirst | State::Trailer | State::TrailerName | State::TrailerBlank,
                _,
            ) => {
                if !is_token_octet(octet) || self.state == State::TrailerBlank {
                    let is_fold = self.state == State::TrailerFirst && octet == b' ';
                    if self.strict || is_fold || is_control(octet) || octet == b'\t' {
                        return Err(FramingError::Bad("bad trailer name"));
                    }
                    body.warn(HttpWarning::HeaderName);
                }
                self.count_extra()?;
                match octet {
                    b':' => State::TrailerValue,
                    _ => State::TrailerName,
                }
            }
            (State::TrailerValue, b'\r') => State::TrailerLf,
            (State::TrailerValue, _) => {
                self.check_text(octet, "bad trailer value", body)?;
                self.count_extra()?;
                State::TrailerValue
            }
            (State::TrailerLf, b'\n') => State::Trailer,
            (State::LastLf, b'\n') => State::Done,
            (State::SizeLf | State::TrailerLf | State::LastLf, _) => {
                return Err(FramingError::Bad("bare cr in chunked framing"));
            }
            (State::Data | State::Done, _) => unreachable!("no framing is read there"),
        })
    }

    /// Checks an octet of text that means nothing here.
    fn check_text(
        &self,
        octet: u8,
        what: &'static str,
        body: &mut Body,
    ) -> Result<(), FramingError> {
        if !is_control(octet) {
            return Ok(());
        }
        if self.strict || matches!(octet, b'\0' | b'\r' | b'\n') {
            return Err(FramingError::Bad(what));
        }
        body.warn(HttpWarning::ControlCharacter);
        Ok(())
    }

    fn count_extra(&mut self) -> Result<(), FramingError> {
        self.extras_left = self
            .extras_left
            .checked_sub(1)
            .ok_or(FramingError::Extras)?;
        Ok(())
    }
}

/// Why an octet of the framing is refused.
enum FramingError {
    Bad(&'static str),
    Extras,
    Fault(HttpFault),
}

impl FramingError {
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
