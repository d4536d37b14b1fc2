//! Content codings (RFC 9110 §8.4), decoded as a body is received.

mod brotli;
mod flate;
mod gzip;
mod zstd;

use brotli::Brotli;
use flate::Deflate;
use gzip::Gzip;
use zstd::Zstd;

/// Octets that are decoded at a time.
const PIECE_BYTES: usize = 8 << 10;

/// Decodes the codings of a body. Its memory is bounded by their windows: 32 KiB for gzip and
/// deflate, 16 MiB for br (RFC 7932 §9.1), 8 MiB and a block for zstd (RFC 9659).
pub(super) struct Decoder {
    /// Outermost first.
    stages: Vec<Stage>,
    bytes_max: u64,
}

struct Stage {
    coding: Coding,
    /// Whether it received anything: nothing decodes to nothing.
    begun: bool,
    decoded_bytes: u64,
}

enum Coding {
    Gzip(Gzip),
    Deflate(Deflate),
    Brotli(Brotli),
    Zstd(Zstd),
}

/// Why a body cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CodingFault {
    /// It decodes to more octets than the limit.
    #[error("larger than was allowed")]
    Oversize,
    /// A coding that the request did not offer.
    #[error("content coding {0:?} was not offered")]
    Unknown(Box<str>),
    /// Too many codings.
    #[error("more than {0} content codings")]
    TooMany(usize),
    /// The coded octets are invalid.
    #[error("bad {coding} content: {what}")]
    Bad {
        coding: &'static str,
        what: &'static str,
    },
}

/// Where decoded octets go.
type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), CodingFault>;

impl Decoder {
    /// For a body with `codings`, at most `codings_max`, in the order in which they were applied.
    pub(super) fn new(
        codings: &[Box<[u8]>],
        codings_max: usize,
        bytes_max: u64,
    ) -> Result<Self, CodingFault> {
        if codings.len() > codings_max {
            return Err(CodingFault::TooMany(codings_max));
        }
        let stages = codings.iter().rev().map(|name| {
            Ok(Stage {
                coding: Coding::named(name)?,
                begun: false,
                decoded_bytes: 0,
            })
        });
        Ok(Self {
            stages: stages.collect::<Result<_, _>>()?,
            bytes_max,
        })
    }

    /// Decodes octets and passes the result to `keep`, never more than the limit in total.
    pub(super) fn decode(
        &mut self,
        octets: &[u8],
        keep: &mut dyn FnMut(&[u8]),
    ) -> Result<(), CodingFault> {
        feed(&mut self.stages, self.bytes_max, octets, keep)
    }

    /// Checks that every coding has ended.
    pub(super) fn end(&self) -> Result<(), CodingFault> {
        let mut begun = self.stages.iter().filter(|stage| stage.begun);
        begun.try_for_each(|stage| {
            if stage.coding.is_complete() {
                return Ok(());
            }
            Err(stage.coding.bad("it ends before its end"))
        })
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.stages.iter().map(|stage| stage.coding.name());
        f.debug_list().entries(names).finish()
    }
}

/// Passes `octets` through the stages. The limit holds for each: otherwise a small body with two
/// codings could decode to a huge one in the middle.
fn feed(
    stages: &mut [Stage],
    bytes_max: u64,
    octets: &[u8],
    keep: &mut dyn FnMut(&[u8]),
) -> Result<(), CodingFault> {
    let Some((stage, further)) = stages.split_first_mut() else {
        keep(octets);
        return Ok(());
    };
    let Stage {
        coding,
        begun,
        decoded_bytes,
    } = stage;
    *begun |= !octets.is_empty();
    coding.decode(octets, &mut |decoded| {
        let left = usize::try_from(bytes_max - *decoded_bytes).unwrap_or(usize::MAX);
        let fitting = &decoded[..left.min(decoded.len())];
        *decoded_bytes += fitting.len() as u64;
        feed(further, bytes_max, fitting, keep)?;
        if fitting.len() < decoded.len() {
            return Err(CodingFault::Oversize);
        }
        Ok(())
    })
}

impl Coding {
    /// The coding of this name (RFC 9110 §8.4.1; `x-gzip`: §8.4.1.3; RFC 7932; RFC 8878).
    fn named(name: &[u8]) -> Result<Self, CodingFault> {
        Ok(match name.to_ascii_lowercase().as_slice() {
            b"gzip" | b"x-gzip" => Self::Gzip(Gzip::new()),
            b"deflate" => Self::Deflate(Deflate::new()),
            b"br" => Self::Brotli(Brotli::new()),
            b"zstd" => Self::Zstd(Zstd::new()),
            _ => return Err(CodingFault::Unknown(String::from_utf8_lossy(name).into())),
        })
    }

    fn decode(&mut self, octets: &[u8], sink: Sink<'_>) -> Result<(), CodingFault> {
        match self {
            Self::Gzip(gzip) => gzip.decode(octets, sink),
            Self::Deflate(deflate) => deflate.decode(octets, sink),
            Self::Brotli(brotli) => brotli.decode(octets, sink),
            Self::Zstd(zstd) => zstd.decode(octets, sink),
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Self::Gzip(gzip) => gzip.is_complete(),
            Self::Deflate(deflate) => deflate.is_complete(),
            Self::Brotli(brotli) => brotli.is_complete(),
            Self::Zstd(zstd) => zstd.is_complete(),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Gzip(_) => gzip::NAME,
            Self::Deflate(_) => flate::NAME,
            Self::Brotli(_) => brotli::NAME,
            Self::Zstd(_) => zstd::NAME,
        }
    }

    fn bad(&self, what: &'static str) -> CodingFault {
        CodingFault::Bad {
            coding: self.name(),
            what,
        }
    }
}
