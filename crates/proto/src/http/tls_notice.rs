//! What servers say over plain HTTP on a port for https.

/// The text that is looked through has no more octets than this.
const TEXT_MAX: usize = 2 << 10;

/// What nginx, Apache, Go and Tomcat say in the body of an error 400, and no other page is likely to.
const NOTICES: [&[u8]; 4] = [
    b"The plain HTTP request was sent to HTTPS port",
    b"speaking plain HTTP to an SSL-enabled server port",
    b"Client sent an HTTP request to an HTTPS server",
    b"This combination of host and port requires TLS",
];

/// Adds to the beginning of a body.
pub(super) fn gather(text: &mut Vec<u8>, octets: &[u8]) {
    let left = TEXT_MAX - text.len();
    text.extend_from_slice(&octets[..octets.len().min(left)]);
}

/// Whether the beginning of a body has such a notice.
pub(super) fn is_in(text: &[u8]) -> bool {
    NOTICES
        .iter()
        .any(|notice| text.windows(notice.len()).any(|part| part == *notice))
}
