//! Malformed responses.

/// The kinds of `/malformed/KIND`: each with its name, and all that is sent before the connection
/// closes.
pub const MALFORMED: &[(&str, &[u8])] = &[
    ("conflicting-lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
    ("conflicting-length-list", b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello!"),
    ("bad-length", b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello"),
    ("signed-length", b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello"),
    ("huge-length", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhello"),
    ("bad-chunk-size", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive!\r\nhello\r\n0\r\n\r\n"),
    ("signed-chunk-size", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n"),
    ("huge-chunk-size", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    ("no-chunk-end", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n"),
    ("te-and-length", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    ("unknown-te", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, rot13\r\n\r\n5\r\nuryyb\r\n0\r\n\r\n"),
    ("bare-cr", b"HTTP/1.1 200 OK\r\nX-Lab: a\rb\r\nContent-Length: 5\r\n\r\nhello"),
    ("nul", b"HTTP/1.1 200 OK\r\nX-Lab: a\0b\r\nContent-Length: 5\r\n\r\nhello"),
    ("control", b"HTTP/1.1 200 OK\r\nX-Lab: a\x07b\r\nContent-Length: 5\r\n\r\nhello"),
    ("no-version", b"200 OK\r\nContent-Length: 5\r\n\r\nhello"),
    ("bad-version", b"HTTP/x.y 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
    ("bad-status", b"HTTP/1.1 2x0 OK\r\nContent-Length: 5\r\n\r\nhello"),
    ("no-status", b"HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"),
    ("short-status", b"HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\nhello"),
    ("no-colon", b"HTTP/1.1 200 OK\r\nX-Lab\r\nContent-Length: 5\r\n\r\nhello"),
    ("space-before-colon", b"HTTP/1.1 200 OK\r\nX-Lab : a\r\nContent-Length: 5\r\n\r\nhello"),
    ("no-name", b"HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 5\r\n\r\nhello"),
    ("garbage", b"\x00\x01\x02\x03 this is no HTTP\r\n\r\n"),
    ("garbage-after", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain"),
    ("bad-gzip", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\nthis is text"),
    ("cut-gzip", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\xff\xcb\x48"),
    ("unknown-coding", b"HTTP/1.1 200 OK\r\nContent-Encoding: rot13\r\nContent-Length: 5\r\n\r\nuryyb"),
];

/// All octets that are sent for a kind.
pub(super) fn response(kind: &str) -> Option<&'static [u8]> {
    let known = MALFORMED.iter().find(|(name, _)| *name == kind);
    known.map(|(_, response)| *response)
}
