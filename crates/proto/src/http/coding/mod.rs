//! Content codings (RFC 9110 §8.4), taken off a body as it streams by.

mod brotli;
mod flate;
mod gzip;
mod zstd;

use brotli::Brotli;
use flate::Deflate;
use gzip::Gzip;
use zstd::Zstd;

/// Codings a body may be under.
const CODINGS_MAX: usize = 4;

/// Octets that are decoded before they are handed on.
const PIECE_BYTES: usize = 8 << 10;

/// Takes a list of codings off a body. What it holds is bounded by the windows of the codings: 32 KiB
/// for gzip and deflate, 16 MiB for br (RFC 7932 §9.1), 8 MiB and a block for zstd (RFC 9659).
pub(super) struct Decoder {
    /// Outermost first.
    stages: Vec<Stage>,
    bytes_max: u64,
}

struct Stage {
    coding: Coding,
    /// Whether anything came to it at all: nothing decodes to nothing.
    begun: bool,
    decoded_bytes: u64,
}

enum Coding {
    Gzip(Gzip),
    Deflate(Deflate),
    Brotli(Brotli),
    Zstd(Zstd),
}

/// Why a body could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CodingFault {
    /// There is more than was allowed.
    #[error("larger than was allowed")]
    Oversize,
    /// A coding that was not offered.
    #[error("content coding {0:?} was not offered")]
    Unknown(Box<str>),
    /// More codings than anyone needs.
    #[error("more than {CODINGS_MAX} content codings")]
    TooMany,
    /// The coded octets are not what they should be.
    #[error("bad {coding} content: {what}")]
    Bad {
        coding: &'static str,
        what: &'static str,
    },
}

/// Where decoded octets go.
type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), CodingFault>;

impl Decoder {
    /// For a body under `codings`, in the order in which they were put on.
    pub(super) fn new(codings: &[Box<[u8]>], bytes_max: u64) -> Result<Self, CodingFault> {
        if codings.len() > CODINGS_MAX {
            return Err(CodingFault::TooMany);
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

    /// Takes coded octets and hands what they decode to to `keep`, of which there is never more than
    /// was allowed.
    pub(super) fn decode(
        &mut self,
        octets: &[u8],
        keep: &mut dyn FnMut(&[u8]),
    ) -> Result<(), CodingFault> {
        feed(&mut self.stages, self.bytes_max, octets, keep)
    }

    /// Whether every coding has come to its end.
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

/// Sends `octets` through the stages. Each is held to what the body may decode to, or a small body
/// under two codings could keep the one in the middle busy for long.
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
    /// RFC 9110 §8.4.1 (`x-gzip` by §8.4.1.3), RFC 7932, RFC 8878.
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
