//! Records that rustls writes into buffers of this side.

use rustls::client::ClientConnectionData;
use rustls::unbuffered::{
    EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError, WriteTraffic,
};

/// The most octets a record adds to its plaintext, and the most plaintext octets of a record (RFC
/// 5246 §6.2, RFC 8446 §5.1).
const RECORD_OVERHEAD_MAX: usize = 64;
const RECORD_PLAIN_MAX: usize = 1 << 14;

/// Appends what rustls has written.
pub(super) fn encode(outgoing: &mut Vec<u8>, mut data: EncodeTlsData<'_, ClientConnectionData>) {
    append(outgoing, 0, |room| {
        data.encode(room).map_err(|error| match error {
            EncodeError::InsufficientSize(short) => Some(short),
            EncodeError::AlreadyEncoded => None,
        })
    });
}

/// Appends the records of `plain`.
pub(super) fn encrypt(
    outgoing: &mut Vec<u8>,
    traffic: &mut WriteTraffic<'_, ClientConnectionData>,
    plain: &[u8],
) {
    let records = plain.len() / RECORD_PLAIN_MAX + 1;
    let room = plain.len() + records * RECORD_OVERHEAD_MAX;
    append(outgoing, room, |room| {
        traffic.encrypt(plain, room).map_err(missing_room)
    });
}

/// Appends an alert close_notify (RFC 8446 §6.1).
pub(super) fn encrypt_close_notify(
    outgoing: &mut Vec<u8>,
    traffic: &mut WriteTraffic<'_, ClientConnectionData>,
) {
    append(outgoing, RECORD_OVERHEAD_MAX, |room| {
        traffic.queue_close_notify(room).map_err(missing_room)
    });
}

fn missing_room(error: EncryptError) -> Option<InsufficientSizeError> {
    match error {
        EncryptError::InsufficientSize(short) => Some(short),
        // After 2^64 records.
        EncryptError::EncryptExhausted => None,
    }
}

/// Appends what `write` writes, with space for `room_bytes` octets, or for as many as it needs.
fn append(
    out: &mut Vec<u8>,
    room_bytes: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<InsufficientSizeError>>,
) {
    let start = out.len();
    let mut room_bytes = room_bytes;
    loop {
        out.resize(start + room_bytes, 0);
        match write(&mut out[start..]) {
            Ok(written) => return out.truncate(start + written),
            Err(Some(short)) if short.required_size > room_bytes => {
                room_bytes = short.required_size;
            }
            Err(_) => return out.truncate(start),
        }
    }
}
