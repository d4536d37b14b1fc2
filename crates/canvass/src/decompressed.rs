//! Reads files that may be compressed, with gzip (RFC 1952) or zstd (RFC 8878).

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use crate::message::message;

/// Octets per read.
const BUFFER_BYTES: usize = 256 * 1024;
/// The first octets of a compressed file (RFC 1952 §2.3.1, RFC 8878 §3.1.1).
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Returns the content of `input`, decompressed if it begins like a compressed file.
///
/// The end of a compressed file is missing if its writer was killed. What is there is read, and a
/// warning is printed.
pub(crate) fn reader(mut input: impl Read + 'static) -> io::Result<Box<dyn BufRead>> {
    let mut head = Vec::new();
    let head_bytes = ZSTD_MAGIC.len() as u64;
    input.by_ref().take(head_bytes).read_to_end(&mut head)?;
    let (is_gzip, is_zstd) = (head.starts_with(GZIP_MAGIC), head == ZSTD_MAGIC);
    let input = BufReader::with_capacity(BUFFER_BYTES, Cursor::new(head).chain(input));
    let decoder: Box<dyn Read> = if is_gzip {
        Box::new(MultiGzDecoder::new(input))
    } else if is_zstd {
        Box::new(zstd::Decoder::with_buffer(input)?)
    } else {
        return Ok(Box::new(input));
    };
    Ok(Box::new(BufReader::with_capacity(
        BUFFER_BYTES,
        UpToCut(decoder),
    )))
}

/// Ends where its input is cut off.
struct UpToCut<R>(R);

impl<R: Read> Read for UpToCut<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                message("canvass: warning: the compressed file is cut off; its end is missing");
                Ok(0)
            }
            result => result,
        }
    }
}
