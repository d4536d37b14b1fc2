//! Bodies in each content coding (RFC 9110 §8.4), made on first use.

use std::io::Write;
use std::sync::{Arc, OnceLock};

use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use flate2::{Compress, Compression, Crc, FlushCompress};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// The decoded content of every coded body.
pub const CODED_TEXT: &str = include_str!("coded.txt");

/// The quality of brotli, up to 11.
const BROTLI_QUALITY: u32 = 5;
/// The base-2 logarithm of brotli's window, the smallest that holds the text.
const BROTLI_WINDOW_LOG: u32 = 16;

/// Zeros per unit of a decompression bomb.
const BOMB_UNIT_BYTES: usize = 1 << 20;
/// The default size of a bomb, in units.
pub(super) const BOMB_UNITS: u64 = 64;
/// The maximum size of a bomb, in units: 16 GiB.
pub(super) const BOMB_UNITS_MAX: u64 = 16 << 10;

/// A coding, or several in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    /// With the zlib format around it (RFC 9110 §8.4.1.2).
    Deflate,
    /// Without the zlib format, as some servers send it.
    RawDeflate,
    Brotli,
    Zstd,
    /// gzip, then brotli.
    Stacked,
}

/// The content of the web server, shared by all connections.
#[derive(Debug)]
pub(crate) struct Site {
    coded: [OnceLock<Arc<[u8]>>; Coding::COUNT],
    bomb_unit: OnceLock<Arc<[u8]>>,
    /// The certificate of the lab's authority, if there is one.
    pub(super) ca_pem: Option<String>,
}

/// A gzip member in three parts, of which the middle one is repeated.
pub(super) struct Bomb {
    pub start: &'static [u8],
    pub unit: Arc<[u8]>,
    pub end: Vec<u8>,
}

impl Site {
    /// A site that serves the certificate of the authority, if there is one.
    pub(crate) fn new(ca_pem: Option<String>) -> Self {
        Self {
            coded: [const { OnceLock::new() }; Coding::COUNT],
            bomb_unit: OnceLock::new(),
            ca_pem,
        }
    }

    /// The coded text.
    pub(super) fn coded(&self, coding: Coding) -> Arc<[u8]> {
        let made = &self.coded[coding as usize];
        Arc::clone(made.get_or_init(|| coding.encode(CODED_TEXT.as_bytes()).into()))
    }

    /// A bomb of this many units of [`BOMB_UNIT_BYTES`] zeros.
    pub(super) fn bomb(&self, units: u64) -> Bomb {
        // RFC 1952 §2.3: no name, no time, an unknown system.
        const START: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff";
        // A last block that is stored and empty (RFC 1951 §3.2.4).
        const LAST_BLOCK: &[u8] = &[1, 0, 0, 0xff, 0xff];
        let unit = self.bomb_unit.get_or_init(|| bomb_unit().into());
        let (mut crc, mut one) = (Crc::new(), Crc::new());
        one.update(&vec![0; BOMB_UNIT_BYTES]);
        for _ in 0..units {
            crc.combine(&one);
        }
        let mut end = LAST_BLOCK.to_vec();
        end.extend(crc.sum().to_le_bytes());
        // RFC 1952 §2.3.1: modulo 2^32.
        end.extend(((units * BOMB_UNIT_BYTES as u64) as u32).to_le_bytes());
        Bomb {
            start: START,
            unit: Arc::clone(unit),
            end,
        }
    }
}

impl Coding {
    const COUNT: usize = Self::Stacked as usize + 1;

    /// The value of `Content-Encoding`: the codings in the order they were applied.
    pub(super) const fn header(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate | Self::RawDeflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Stacked => "gzip, br",
        }
    }

    fn encode(self, text: &[u8]) -> Vec<u8> {
        let level = Compression::default();
        // Nothing here can fail because the output is a vector.
        match self {
            Self::Gzip => finish(GzEncoder::new(Vec::new(), level), text, GzEncoder::finish),
            Self::Deflate => finish(
                ZlibEncoder::new(Vec::new(), level),
                text,
                ZlibEncoder::finish,
            ),
            Self::RawDeflate => finish(
                DeflateEncoder::new(Vec::new(), level),
                text,
                DeflateEncoder::finish,
            ),
            Self::Brotli => {
                let mut coded = Vec::new();
                let mut writer = brotli::CompressorWriter::new(
                    &mut coded,
                    4096,
                    BROTLI_QUALITY,
                    BROTLI_WINDOW_LOG,
                );
                let _ = writer.write_all(text);
                drop(writer);
                coded
            }
            Self::Zstd => compress_to_vec(text, CompressionLevel::Fastest),
            Self::Stacked => Self::Brotli.encode(&Self::Gzip.encode(text)),
        }
    }
}

fn finish<W: Write>(
    mut writer: W,
    text: &[u8],
    end: impl FnOnce(W) -> std::io::Result<Vec<u8>>,
) -> Vec<u8> {
    let _ = writer.write_all(text);
    end(writer).unwrap_or_default()
}

/// Zeros as deflate blocks that end on an octet boundary and do not refer to earlier blocks, so
/// that they can be repeated.
fn bomb_unit() -> Vec<u8> {
    let mut deflate = Compress::new(Compression::best(), false);
    let zeros = vec![0; BOMB_UNIT_BYTES];
    let mut unit = Vec::with_capacity(BOMB_UNIT_BYTES / 64);
    // One call suffices because the output has room for all of it.
    let _ = deflate.compress_vec(&zeros, &mut unit, FlushCompress::Full);
    unit
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};

    fn read(mut reader: impl Read) -> Vec<u8> {
        let mut text = Vec::new();
        reader.read_to_end(&mut text).unwrap();
        text
    }

    #[test]
    fn each_coding_holds_the_text() {
        let site = Site::new(None);
        let coded = |coding| site.coded(coding);
        let unbrotli = |bytes: &[u8]| read(brotli::Decompressor::new(bytes, 4096));
        for text in [
            read(GzDecoder::new(&coded(Coding::Gzip)[..])),
            read(ZlibDecoder::new(&coded(Coding::Deflate)[..])),
            read(DeflateDecoder::new(&coded(Coding::RawDeflate)[..])),
            unbrotli(&coded(Coding::Brotli)),
            read(ruzstd::decoding::StreamingDecoder::new(&coded(Coding::Zstd)[..]).unwrap()),
            read(GzDecoder::new(&unbrotli(&coded(Coding::Stacked))[..])),
        ] {
            assert_eq!(text, CODED_TEXT.as_bytes());
        }
    }

    #[test]
    fn a_bomb_is_one_gzip_member_of_zeros() {
        let site = Site::new(None);
        for units in [0, 1, 3] {
            let bomb = site.bomb(units);
            let mut coded = bomb.start.to_vec();
            for _ in 0..units {
                coded.extend_from_slice(&bomb.unit);
            }
            coded.extend(bomb.end);
            let text = read(GzDecoder::new(&coded[..]));
            assert_eq!(text.len(), units as usize * BOMB_UNIT_BYTES);
            assert!(text.iter().all(|&byte| byte == 0));
            assert!(coded.len() < 100 + units as usize * BOMB_UNIT_BYTES / 500);
        }
    }
}
