//! Messages on a stream, each preceded by its length (RFC 1035 §4.2.2).

/// Octets of the length.
pub const LENGTH_OCTETS: usize = 2;

/// Appends the length of a message and the message to `out`; `write` appends the message itself.
///
/// # Panics
/// If `write` appends more than [`super::MESSAGE_OCTETS_MAX`] octets.
pub fn write(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0, 0]);
    write(out);
    let length =
        u16::try_from(out.len() - start - LENGTH_OCTETS).expect("a message fits its length field");
    out[start..start + LENGTH_OCTETS].copy_from_slice(&length.to_be_bytes());
}

/// Splits the first message off `bytes`; `None` while it is incomplete.
pub fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH_OCTETS>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_split_off_only_when_whole() {
        let mut bytes = Vec::new();
        write(&mut bytes, |out| out.extend_from_slice(b"first"));
        write(&mut bytes, |out| out.extend_from_slice(b"second"));
        for cut in 0..7 {
            assert_eq!(split(&bytes[..cut]), None, "cut at {cut}");
        }
        let (first, rest) = split(&bytes).unwrap();
        assert_eq!(first, b"first");
        assert_eq!(split(rest), Some((&b"second"[..], &b""[..])));
    }
}
