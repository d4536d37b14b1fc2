//! Heads: lines, versions, interim responses.

use canvass_model::Cause;

use super::{Case, HEAD_BYTES_MAX, fault, good, last, malformed};

/// A header line that fills the head.
const LONG_LINE: &[u8] = &[b'a'; HEAD_BYTES_MAX];

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

pub(super) const CASES: &[Case] = &[
    good(
        "a reason is not needed",
        &[b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"],
        b"ok",
    ),
    good(
        "a reason may be empty",
        &[b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok"],
        b"ok",
    ),
    good(
        "a reason may be of any octets above ascii",
        &[b"HTTP/1.1 200 \xc3\xa4\xff\r\nContent-Length: 2\r\n\r\nok"],
        b"ok",
    ),
    good(
        "lines may end in lf alone",
        &[b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"],
        b"ok",
    ),
    good(
        "line ends may be mixed",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok"],
        b"ok",
    ),
    good(
        "names are of any case and values have space around",
        &[b"HTTP/1.1 200 OK\r\ncONTENT-lENGTH:\t 2 \t\r\n\r\nok"],
        b"ok",
    ),
    good(
        "a folded line is one",
        &[b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\n\t d\r\nContent-Length:\r\n 2\r\n\r\nok"],
        b"ok",
    ),
    good(
        "a line folded by lf alone is one",
        &[b"HTTP/1.1 200 OK\nX-A: b\n c\nContent-Length: 2\n\nok"],
        b"ok",
    ),
    good(
        "a line of white space folds and does not end the head",
        &[b"HTTP/1.1 200 OK\r\nX-A: b\r\n \r\nContent-Length: 2\r\n\r\nok"],
        b"ok",
    ),
    good(
        "a header may be empty",
        &[b"HTTP/1.1 200 OK\r\nX-A:\r\nContent-Length: 2\r\n\r\nok"],
        b"ok",
    ),
    good(
        "a later minor version is read as 1.1",
        &[b"HTTP/1.7 200 OK\r\nContent-Length: 2\r\n\r\nok"],
        b"ok",
    ),
    good(
        "interim responses come first",
        &[
            CONTINUE,
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ],
        b"ok",
    ),
    last(
        "1.0 closes",
        &[b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"],
        b"ok",
    ),
    good(
        "1.0 stays if it says so",
        &[b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok"],
        b"ok",
    ),
    last(
        "1.1 closes if it says so",
        &[b"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok"],
        b"ok",
    ),
    fault(
        "nothing at all",
        &[],
        Cause::Closed,
        "the connection was closed before the first octet of an answer",
    ),
    fault(
        "a head that breaks off",
        &[b"HTTP/1.1 200 OK\r\nContent-Le"],
        Cause::Truncated,
        "the connection was closed within the head, after 27 octets",
    ),
    fault(
        "a head that breaks off before its last octet",
        &[b"HTTP/1.1 200 OK\r\n\r"],
        Cause::Truncated,
        "the connection was closed within the head, after 18 octets",
    ),
    fault(
        "an interim response and nothing more",
        &[CONTINUE],
        Cause::Truncated,
        "the connection was closed within the head, after 25 octets",
    ),
    fault(
        "a head without end",
        &[b"HTTP/1.1 200 OK\r\nX-A: ", LONG_LINE, b"\r\n\r\n"],
        Cause::Oversize,
        "the head is larger than 1024 octets",
    ),
    malformed(
        "octets that are no http",
        &[b"220 mail.example.net ESMTP\r\n"],
        "the answer is not http at octet 0",
    ),
    malformed(
        "a body without head, as http 0.9 has it",
        &[b"<html></html>"],
        "the answer is not http at octet 0",
    ),
    malformed(
        "an empty line before the answer",
        &[b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"],
        "the answer is not http at octet 0",
    ),
    malformed(
        "almost http",
        &[b"HTTP 200 OK\r\n\r\n"],
        "the answer is not http at octet 0",
    ),
    malformed(
        "a tls alert",
        &[b"\x15\x03\x01\x00\x02\x02\x46"],
        "the answer is not http at octet 0",
    ),
    malformed(
        "settings of http/2",
        &[b"\x00\x00\x12\x04\x00\x00\x00\x00\x00"],
        "the answer is not http at octet 0",
    ),
    malformed(
        "the preface of http/2",
        &[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
        "the answer is not http at octet 0",
    ),
    malformed(
        "a version without minor",
        &[b"HTTP/1 200 OK\r\n\r\n"],
        "the answer is of a version of http that is not 1.x at octet 6",
    ),
    malformed(
        "a minor version that is no digit",
        &[b"HTTP/1.x 200 OK\r\n\r\n"],
        "bad version in the status line at octet 7",
    ),
    malformed(
        "a minor version of two digits",
        &[b"HTTP/1.10 200 OK\r\n\r\n"],
        "bad version in the status line at octet 8",
    ),
    malformed(
        "a code that is no number",
        &[b"HTTP/1.1 2x0 OK\r\n\r\n"],
        "bad status line at octet 10",
    ),
    malformed(
        "a code of two digits",
        &[b"HTTP/1.1 20\r\n\r\n"],
        "bad status line at octet 11",
    ),
    malformed(
        "a code of four digits",
        &[b"HTTP/1.1 2000 OK\r\n\r\n"],
        "bad status line at octet 12",
    ),
    malformed(
        "a bare cr in the reason",
        &[b"HTTP/1.1 200 O\rK\r\n\r\n"],
        "a bare carriage return in the head at octet 14",
    ),
    malformed(
        "a header without colon",
        &[b"HTTP/1.1 200 OK\r\nX-A\r\n\r\n"],
        "bad header name at octet 20",
    ),
    malformed(
        "a fold after the status line",
        &[b"HTTP/1.1 200 OK\r\n X-A: b\r\n\r\n"],
        "bad header name at octet 17",
    ),
    malformed(
        "nul in a value",
        &[b"HTTP/1.1 200 OK\r\nX-A: b\0c\r\n\r\n"],
        "bad header value at octet 23",
    ),
    malformed(
        "a bare cr in a value",
        &[b"HTTP/1.1 200 OK\r\nX-A: b\rc\r\n\r\n"],
        "a bare carriage return in the head at octet 23",
    ),
    malformed(
        "a bare cr in a folded value",
        &[b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\rd\r\n\r\n"],
        "a bare carriage return in the head at octet 27",
    ),
    malformed(
        "a change of protocol that was not requested",
        &[b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"],
        "a change of protocol that was not asked for at octet 0",
    ),
    malformed(
        "offsets go on after an interim response",
        &[CONTINUE, b"HTTP/1.1 200 OK\r\nX-A\r\n\r\n"],
        "bad header name at octet 45",
    ),
    malformed(
        "what is wrong behind a fault that has one reading",
        &[b"HTTP/1.1  200 OK\r\nX-A : b\r\nX(B): c\r\nX-C\r\n\r\n"],
        "bad header name at octet 39",
    ),
    malformed(
        "a version above 2",
        &[b"HTTP/3.0 200 OK\r\n\r\n"],
        "the answer is of a version of http that is not 1.x at octet 5",
    ),
    malformed(
        "nul in a name",
        &[b"HTTP/1.1 200 OK\r\nX\0A: b\r\n\r\n"],
        "bad header name at octet 18",
    ),
    malformed(
        "a carriage return more at the end of a line",
        &[b"HTTP/1.1 200 OK\r\nX-A: b\r\r\n\r\n"],
        "a bare carriage return in the head at octet 23",
    ),
    malformed(
        "a tab before the code",
        &[b"HTTP/1.1\t200 OK\r\n\r\n"],
        "bad version in the status line at octet 8",
    ),
    fault(
        "interim responses without end",
        &[CONTINUE; 20],
        Cause::Oversize,
        "more than 16 interim responses",
    ),
];
