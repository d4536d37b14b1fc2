//! Responses that break the rules in ways that curl or Go accept, and have one reading.

use canvass_model::HttpWarning as W;

use super::{Case, answer, good, last};

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

pub(super) const CASES: &[Case] = &[
    odd(
        good(
            "two spaces before the code",
            &[b"HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok"],
            b"ok",
        ),
        &[W::StatusLine],
        "bad status line at octet 9",
    ),
    odd(
        good(
            "no space after the code",
            &[b"HTTP/1.1 200OK\r\nContent-Length: 2\r\n\r\nok"],
            b"ok",
        ),
        &[W::StatusLine],
        "bad status line at octet 12",
    ),
    odd(
        good(
            "a tab after the code",
            &[b"HTTP/1.1 200\tOK\r\nContent-Length: 2\r\n\r\nok"],
            b"ok",
        ),
        &[W::StatusLine],
        "bad status line at octet 12",
    ),
    odd(
        good(
            "http in lower case",
            &[b"http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"],
            b"ok",
        ),
        &[W::HttpVersion],
        "the answer is not http at octet 0",
    ),
    odd(
        good(
            "version 2 in the framing of version 1",
            &[b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok"],
            b"ok",
        ),
        &[W::HttpVersion],
        "the answer is of a version of http that is not 1.x at octet 5",
    ),
    odd(
        good(
            "version 2 without minor",
            &[b"HTTP/2 200\r\nContent-Length: 2\r\n\r\nok"],
            b"ok",
        ),
        &[W::HttpVersion],
        "the answer is of a version of http that is not 1.x at octet 5",
    ),
    odd(
        good(
            "nul in the reason",
            &[b"HTTP/1.1 200 O\0K\r\nContent-Length: 2\r\n\r\nok"],
            b"ok",
        ),
        &[W::ControlCharacter],
        "bad status line at octet 14",
    ),
    odd(
        answer(
            "a code below 100",
            "GET",
            &[b"HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok"],
            99,
            b"ok",
            true,
        ),
        &[W::StatusCode],
        "status code below 100 at octet 9",
    ),
    Case {
        warnings: &[W::StatusCode],
        ..answer(
            "a code of no known class",
            "GET",
            &[b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n"],
            999,
            b"",
            true,
        )
    },
    odd(
        good(
            "white space before the colon",
            &[b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok"],
            b"ok",
        ),
        &[W::BlankBeforeColon],
        "bad header name at octet 31",
    ),
    odd(
        good(
            "a header without name",
            &[b"HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 2\r\n\r\nok"],
            b"ok",
        ),
        &[W::HeaderName],
        "bad header name at octet 17",
    ),
    odd(
        good(
            "a name that is no token",
            &[b"HTTP/1.1 200 OK\r\nX(A): b\r\nContent-Length: 2\r\n\r\nok"],
            b"ok",
        ),
        &[W::HeaderName],
        "bad header name at octet 18",
    ),
    odd(
        good(
            "a folded line with a name that is no token, after a folded one",
            &[b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nX A: d\r\n e\r\nContent-Length:\r\n 2\r\n\r\nok"],
            b"ok",
        ),
        &[W::HeaderName],
        "bad header name at octet 30",
    ),
    odd(
        good(
            "control characters in a value",
            &[b"HTTP/1.1 200 OK\r\nX-A: b\x01c\x7f\r\nContent-Length: 2\r\n\r\nok"],
            b"ok",
        ),
        &[W::ControlCharacter],
        "bad header value at octet 23",
    ),
    odd(
        good(
            "faults of several kinds, one of them in an interim response",
            &[
                b"HTTP/1.1 100Go on\r\n\r\n",
                b"HTTP/2 200 O\x02K\nContent-Length \t: 2\n=)\xff: b\n\nok",
            ],
            b"ok",
        ),
        &[
            W::HttpVersion,
            W::StatusLine,
            W::HeaderName,
            W::BlankBeforeColon,
            W::ControlCharacter,
        ],
        "bad status line at octet 12",
    ),
    odd(
        last(
            "identity",
            &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nok"],
            b"ok",
        ),
        &[W::TransferEncoding],
        "transfer-encoding other than chunked at octet 36",
    ),
    odd(
        good(
            "identity and a length",
            &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok"],
            b"ok",
        ),
        &[W::TransferEncoding],
        "both transfer-encoding and content-length at octet 36",
    ),
    odd(
        good(
            "identity and chunked",
            &[
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity, chunked\r\n\r\n",
                b"2\r\nok\r\n0\r\n\r\n",
            ],
            b"ok",
        ),
        &[W::TransferEncoding],
        "transfer-encoding other than chunked at octet 36",
    ),
    odd(
        good(
            "no transfer coding in a list of them",
            &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: ,\r\nContent-Length: 2\r\n\r\nok"],
            b"ok",
        ),
        &[W::TransferEncoding],
        "both transfer-encoding and content-length at octet 36",
    ),
    odd(
        good(
            "a size before a space",
            &[CHUNKED, b"2 \r\nok\r\n0\t \r\n\r\n"],
            b"ok",
        ),
        &[W::ChunkSize],
        "bad chunk size at octet 49",
    ),
    odd(
        good(
            "a control character in a chunk extension",
            &[CHUNKED, b"2;a=\"\x01\"\r\nok\r\n0\r\n\r\n"],
            b"ok",
        ),
        &[W::ControlCharacter],
        "bad chunk extension at octet 52",
    ),
    odd(
        good(
            "a trailer without name",
            &[CHUNKED, b"0\r\n: b\r\n\r\n"],
            b"",
        ),
        &[W::HeaderName],
        "bad trailer name at octet 50",
    ),
    odd(
        good(
            "a trailer with a name that is no token",
            &[CHUNKED, b"0\r\nX(A) b : c\r\n\r\n"],
            b"",
        ),
        &[W::HeaderName, W::BlankBeforeColon],
        "bad trailer name at octet 51",
    ),
    odd(
        good(
            "a trailer with space before the colon",
            &[CHUNKED, b"0\r\nX-A : b\x02\r\n\r\n"],
            b"",
        ),
        &[W::BlankBeforeColon, W::ControlCharacter],
        "bad trailer name at octet 53",
    ),
    odd(
        good(
            "an unknown content coding",
            &[
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, rot13\r\n",
                b"Content-Length: 5\r\n\r\nuryyb",
            ],
            b"uryyb",
        ),
        &[W::ContentEncoding],
        "content coding \"rot13\" was not offered",
    ),
    Case {
        warnings: &[W::TlsPort],
        ..answer(
            "the notice of a tls port",
            "GET",
            &[
                b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nConnection: close\r\n",
                b"Content-Length: 59\r\n\r\n",
                b"<center>The plain HTTP request was sent to HTTPS port</...>",
            ],
            400,
            b"<center>The plain HTTP request was sent to HTTPS port</...>",
            false,
        )
    },
];

/// A response that is accepted with `warnings`, or refused with this message.
const fn odd(case: Case, warnings: &'static [W], strict_message: &'static str) -> Case {
    Case {
        warnings,
        strict_message: Some(strict_message),
        ..case
    }
}
