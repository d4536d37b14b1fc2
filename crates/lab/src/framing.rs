//! DNS messages over TCP, each preceded by its length (RFC 1035 §4.2.2).

use std::io::{self, Write};

use mio::net::TcpStream;

/// Octets of the length field.
pub(crate) const LENGTH_BYTES: usize = 2;
/// Room for an incomplete message of any length, and 64 KiB of what follows.
pub(crate) const READ_BYTES: usize = (64 << 10) + LENGTH_BYTES + 65_535;

/// Returns the message at the start of `bytes`, if it is complete.
pub(crate) fn first_message(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}

/// Appends a message of at most 65,535 octets with its length.
pub(crate) fn push_message(out: &mut Vec<u8>, message: &[u8]) {
    out.extend_from_slice(&(message.len() as u16).to_be_bytes());
    out.extend_from_slice(message);
}

/// Writes as much as the socket accepts, which may be nothing, and returns how much that is.
pub(crate) fn write_some(stream: &mut TcpStream, mut bytes: &[u8]) -> io::Result<usize> {
    let mut sent = 0;
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(count) => {
                sent += count;
                bytes = &bytes[count..];
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}
