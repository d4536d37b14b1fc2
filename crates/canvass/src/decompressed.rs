//! Reads files that may be compressed, and may be cut off.

use std::io::{self, BufRead, BufReader, Read};

use canvass_queue::Decompressed;

use crate::message::message;

/// Octets per read.
const BUFFER_BYTES: usize = 256 * 1024;

/// Returns the content of `input`, decompressed if it begins like a gzip or zstd file.
///
/// The end of a compressed file is missing if its writer was killed. The file is then read up to
/// there, and a warning is printed.
pub(crate) fn reader(input: impl Read) -> impl BufRead {
    BufReader::with_capacity(BUFFER_BYTES, UpToCut(Decompressed::new(input)))
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
