//! Message framing (RFC 9112 §6.3, §7.1).

use canvass_model::Cause;

use super::{Case, HEAD_BYTES_MAX, answer, fault, good, last, malformed};

/// The head of most chunked responses; 47 octets.
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// More than chunk extensions may have.
const LONG: &[u8] = &[b'a'; HEAD_BYTES_MAX + 1];

const LONG_ZERO: &[u8] = &[b'0'; HEAD_BYTES_MAX + 2];

/// More than a body may have.
const LARGE: &[u8] = &[b'.'; 5000];

pub(super) const CASES: &[Case] = &[
    good(
        "a length",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
        b"hello",
    ),
    good(
        "a length of nothing",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
        b"",
    ),
    good(
        "the same length twice",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5, 05\r\n\r\nhello"],
        b"hello",
    ),
    last(
        "a body until the end",
        &[b"HTTP/1.1 200 OK\r\n\r\nhello"],
        b"hello",
    ),
    last("nothing until the end", &[b"HTTP/1.1 200 OK\r\n\r\n"], b""),
    last(
        "a body until the end is not ended by saying that the connection stays",
        &[b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello"],
        b"hello",
    ),
    good(
        "chunks",
        &[CHUNKED, b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"],
        b"hello",
    ),
    good("no chunk but the last", &[CHUNKED, b"0\r\n\r\n"], b""),
    good(
        "sizes in either case and with zeros before",
        &[
            CHUNKED,
            b"00a\r\n0123456789\r\nA\r\nabcdefghij\r\n000\r\n\r\n",
        ],
        b"0123456789abcdefghij",
    ),
    good(
        "chunk extensions",
        &[
            CHUNKED,
            b"2;a;b=c\r\nhe\r\n3 ; d=\"e;\\\"\xff\t\"\r\nllo\r\n0;f\r\n\r\n",
        ],
        b"hello",
    ),
    good(
        "trailers",
        &[
            CHUNKED,
            b"5\r\nhello\r\n0\r\nX-A: b\r\nX-C:\r\n folded\r\n\r\n",
        ],
        b"hello",
    ),
    good(
        "chunked in any case",
        &[b"HTTP/1.1 200 OK\r\ntransfer-encoding: , CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
        b"hello",
    ),
    answer(
        "head is answered by a head alone",
        "HEAD",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\nContent-Encoding: gzip\r\n\r\n"],
        200,
        b"",
        true,
    ),
    answer(
        "head of a chunked answer",
        "HEAD",
        &[CHUNKED],
        200,
        b"",
        true,
    ),
    answer(
        "204 has no body whatever it says",
        "GET",
        &[b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"],
        204,
        b"",
        true,
    ),
    answer(
        "304 has no body whatever it says",
        "GET",
        &[b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n"],
        304,
        b"",
        true,
    ),
    answer(
        "a tunnel is not http any more",
        "CONNECT",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"],
        200,
        b"",
        false,
    ),
    fault(
        "a body shorter than its length",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"],
        Cause::Truncated,
        "the connection was closed after 4 of 5 octets of the body",
    ),
    fault(
        "chunks without the last",
        &[CHUNKED, b"5\r\nhello\r\n"],
        Cause::Truncated,
        "the connection was closed before the last chunk, after 5 octets of the body",
    ),
    fault(
        "a last chunk without its empty line",
        &[CHUNKED, b"5\r\nhello\r\n0\r\n"],
        Cause::Truncated,
        "the connection was closed before the last chunk, after 5 octets of the body",
    ),
    fault(
        "a length above what is allowed",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 4097\r\n\r\n"],
        Cause::Oversize,
        "the body is larger than 4096 octets",
    ),
    fault(
        "a chunk above what is allowed",
        &[CHUNKED, b"5\r\nhello\r\nffc\r\n"],
        Cause::Oversize,
        "the body is larger than 4096 octets",
    ),
    fault(
        "more until the end than is allowed",
        &[b"HTTP/1.1 200 OK\r\n\r\n", LARGE],
        Cause::Oversize,
        "the body is larger than 4096 octets",
    ),
    fault(
        "a size of zeros without end",
        &[CHUNKED, LONG_ZERO],
        Cause::Oversize,
        "chunk extensions and trailers are larger than 1024 octets",
    ),
    fault(
        "an extension without end",
        &[CHUNKED, b"5;", LONG],
        Cause::Oversize,
        "chunk extensions and trailers are larger than 1024 octets",
    ),
    fault(
        "a trailer without end",
        &[CHUNKED, b"0\r\nX-A:", LONG],
        Cause::Oversize,
        "chunk extensions and trailers are larger than 1024 octets",
    ),
    last(
        "more after a body of known length",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello!"],
        b"hello",
    ),
    last(
        "a second response that was not requested",
        &[
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ],
        b"ok",
    ),
    last(
        "more after the last chunk",
        &[CHUNKED, b"0\r\n\r\n\r\n"],
        b"",
    ),
    answer(
        "a body after 204",
        "GET",
        &[b"HTTP/1.1 204 No Content\r\n\r\n0\r\n\r\n"],
        204,
        b"",
        false,
    ),
    answer(
        "a body after 304",
        "GET",
        &[b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello"],
        304,
        b"",
        false,
    ),
    answer(
        "a body after the answer to head",
        "HEAD",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
        200,
        b"",
        false,
    ),
    malformed(
        "differing lengths",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"],
        "differing content-lengths at octet 52",
    ),
    malformed(
        "differing lengths in one list",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello"],
        "differing content-lengths at octet 33",
    ),
    malformed(
        "an empty length",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nhello"],
        "bad content-length at octet 32",
    ),
    malformed(
        "a length with a sign",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello"],
        "bad content-length at octet 33",
    ),
    malformed(
        "a length below nothing",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello"],
        "bad content-length at octet 33",
    ),
    malformed(
        "a length in hexadecimal",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello"],
        "bad content-length at octet 33",
    ),
    malformed(
        "a length with a hole",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 5,,5\r\n\r\nhello"],
        "bad content-length at octet 33",
    ),
    malformed(
        "a length beyond all measure",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\nhello"],
        "bad content-length at octet 33",
    ),
    malformed(
        "a length and chunks",
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
        "both transfer-encoding and content-length at octet 55",
    ),
    malformed(
        "chunks in 1.0",
        &[b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
        "transfer-encoding in http/1.0 at octet 36",
    ),
    malformed(
        "a transfer coding that was not asked for",
        &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
        "transfer-encoding other than chunked at octet 36",
    ),
    malformed(
        "chunked and not last",
        &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"],
        "transfer-encoding other than chunked at octet 36",
    ),
    malformed(
        "chunked twice",
        &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"],
        "transfer-encoding other than chunked at octet 36",
    ),
    malformed(
        "chunked in disguise",
        &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"],
        "transfer-encoding other than chunked at octet 36",
    ),
    malformed(
        "no size",
        &[CHUNKED, b"\r\nhello"],
        "bad chunk size at octet 47",
    ),
    malformed(
        "no size but an extension",
        &[CHUNKED, b";a\r\n"],
        "bad chunk size at octet 47",
    ),
    malformed(
        "a size with a sign",
        &[CHUNKED, b"+5\r\nhello"],
        "bad chunk size at octet 47",
    ),
    malformed(
        "a size of -1",
        &[CHUNKED, b"-1\r\nhello"],
        "bad chunk size at octet 47",
    ),
    malformed(
        "a size with a prefix",
        &[CHUNKED, b"0x5\r\nhello"],
        "bad chunk size at octet 48",
    ),
    malformed(
        "a size after a space",
        &[CHUNKED, b" 5\r\nhello"],
        "bad chunk size at octet 47",
    ),
    malformed(
        "a size with a space within",
        &[CHUNKED, b"1 0\r\n"],
        "bad chunk size at octet 49",
    ),
    malformed(
        "a size that just does not fit",
        &[CHUNKED, b"10000000000000000\r\n"],
        "chunk size without measure at octet 63",
    ),
    malformed(
        "a size and lf alone",
        &[CHUNKED, b"5\nhello"],
        "bad chunk size at octet 48",
    ),
    malformed(
        "a size and cr alone",
        &[CHUNKED, b"5\rhello"],
        "bare cr in chunked framing at octet 49",
    ),
    malformed(
        "an extension that ends in lf alone",
        &[CHUNKED, b"5;a\nhello"],
        "bad chunk extension at octet 50",
    ),
    malformed(
        "an extension with a line end in quotes",
        &[CHUNKED, b"5;a=\"\r\n\"\r\nhello"],
        "bad chunk extension at octet 52",
    ),
    malformed(
        "a chunk longer than its size",
        &[CHUNKED, b"4\r\nhello\r\n0\r\n\r\n"],
        "chunk goes on after its end at octet 54",
    ),
    malformed(
        "a chunk that ends in lf alone",
        &[CHUNKED, b"5\r\nhello\n0\r\n\r\n"],
        "chunk goes on after its end at octet 55",
    ),
    malformed(
        "a chunk that ends in cr alone",
        &[CHUNKED, b"5\r\nhello\r0\r\n\r\n"],
        "chunk goes on after its end at octet 56",
    ),
    malformed(
        "a trailer that ends in lf alone",
        &[CHUNKED, b"0\r\nX-A: b\n\r\n"],
        "bad trailer value at octet 56",
    ),
    malformed(
        "a trailer that ends in cr alone",
        &[CHUNKED, b"0\r\nX-A: b\rX"],
        "bare cr in chunked framing at octet 57",
    ),
    malformed(
        "a trailer without colon",
        &[CHUNKED, b"0\r\nX-A\r\n\r\n"],
        "bad trailer name at octet 53",
    ),
    malformed(
        "a fold before the first trailer",
        &[CHUNKED, b"0\r\n a\r\n\r\n"],
        "bad trailer name at octet 50",
    ),
];
