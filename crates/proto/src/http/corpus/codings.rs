//! Content codings (RFC 9110 §8.4).

use canvass_model::Cause;

use super::{Case, TEXT, fault, good, last};

const GZIP_OPEN: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
const DEFLATE_OPEN: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n";
const BR_OPEN: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n";
const ZSTD_OPEN: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\n";

const TEXT_GZ: &[u8] = include_bytes!("data/text.gz");
const TEXT_ZLIB: &[u8] = include_bytes!("data/text.zlib");
const TEXT_DEFLATE: &[u8] = include_bytes!("data/text.deflate");
const TEXT_BR: &[u8] = include_bytes!("data/text.br");
const TEXT_GZ_BR: &[u8] = include_bytes!("data/text.gz.br");
const TEXT_ZST: &[u8] = include_bytes!("data/text.zst");
const ZEROS_GZ: &[u8] = include_bytes!("data/zeros.gz");
const ZEROS_BR: &[u8] = include_bytes!("data/zeros.br");
const ZEROS_ZST: &[u8] = include_bytes!("data/zeros.zst");

pub(super) const CASES: &[Case] = &[
    good(
        "gzip of known length",
        &[
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 331\r\n\r\n",
            TEXT_GZ,
        ],
        TEXT,
    ),
    good(
        "gzip in chunks",
        &[
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"a\r\n",
            TEXT_GZ.split_at(10).0,
            b"\r\n141\r\n",
            TEXT_GZ.split_at(10).1,
            b"\r\n0\r\n\r\n",
        ],
        TEXT,
    ),
    last(
        "x-gzip is gzip",
        &[
            b"HTTP/1.1 200 OK\r\nContent-Encoding: X-GZip\r\n\r\n",
            TEXT_GZ,
        ],
        TEXT,
    ),
    last(
        "gzip with every field a header may have",
        &[GZIP_OPEN, include_bytes!("data/text-every-field.gz")],
        TEXT,
    ),
    last(
        "gzip of two members",
        &[GZIP_OPEN, include_bytes!("data/text-two-members.gz")],
        TEXT,
    ),
    last(
        "deflate with the header of zlib",
        &[DEFLATE_OPEN, TEXT_ZLIB],
        TEXT,
    ),
    last("deflate without it", &[DEFLATE_OPEN, TEXT_DEFLATE], TEXT),
    last(
        "deflate of nothing in two octets",
        &[DEFLATE_OPEN, b"\x03\x00"],
        b"",
    ),
    last("br", &[BR_OPEN, TEXT_BR], TEXT),
    last("zstd", &[ZSTD_OPEN, TEXT_ZST], TEXT),
    last(
        "zstd of two frames and one to skip",
        &[ZSTD_OPEN, include_bytes!("data/text-frames.zst")],
        TEXT,
    ),
    last(
        "two codings in one header",
        &[
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, br\r\n\r\n",
            TEXT_GZ_BR,
        ],
        TEXT,
    ),
    last(
        "two codings in two headers",
        &[
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Encoding: br\r\n\r\n",
            TEXT_GZ_BR,
        ],
        TEXT,
    ),
    last(
        "identity is no coding",
        &[
            b"HTTP/1.1 200 OK\r\nContent-Encoding: identity, gzip, Identity\r\n\r\n",
            TEXT_GZ,
        ],
        TEXT,
    ),
    good(
        "nothing needs no decoding",
        &[b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"],
        b"",
    ),
    last("nothing until the end needs no decoding", &[ZSTD_OPEN], b""),
    last(
        "nothing under two codings, of which the outer makes something of it",
        &[
            b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate, br\r\n\r\n",
            b"\x06",
        ],
        b"",
    ),
    good(
        "nothing needs no known coding",
        &[b"HTTP/1.1 200 OK\r\nContent-Encoding: rot13\r\nContent-Length: 0\r\n\r\n"],
        b"",
    ),
    fault(
        "five codings",
        &[b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip, gzip, gzip, gzip\r\n\r\na"],
        Cause::Oversize,
        "more than 4 content codings",
    ),
    bad(
        "gzip that is none",
        &[GZIP_OPEN, TEXT],
        "bad gzip content: it does not begin as gzip does",
    ),
    bad(
        "gzip by an unknown method",
        &[GZIP_OPEN, b"\x1f\x8b\x07"],
        "bad gzip content: its method is not deflate",
    ),
    bad(
        "gzip with unknown flags",
        &[GZIP_OPEN, b"\x1f\x8b\x08\x80"],
        "bad gzip content: it has unknown flags",
    ),
    bad(
        "gzip with a wrong checksum over its header",
        &[GZIP_OPEN, b"\x1f\x8b\x08\x02\0\0\0\0\0\x03\0\0"],
        "bad gzip content: the checksum of its header is wrong",
    ),
    bad(
        "gzip of no deflate",
        &[GZIP_OPEN, b"\x1f\x8b\x08\x00\0\0\0\0\0\x03\xff"],
        "bad gzip content: not a deflate stream",
    ),
    bad(
        "gzip with a wrong checksum",
        &[
            GZIP_OPEN,
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0",
            b"\x01\0\0\0\0\0\0\0",
        ],
        "bad gzip content: its checksum is wrong",
    ),
    bad(
        "gzip with a wrong length",
        &[
            GZIP_OPEN,
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0",
            b"\0\0\0\0\x01\0\0\0",
        ],
        "bad gzip content: its length is wrong",
    ),
    bad(
        "gzip that breaks off",
        &[GZIP_OPEN, TEXT_GZ.split_at(300).0],
        "bad gzip content: it ends before its end",
    ),
    bad(
        "gzip without its trailer",
        &[GZIP_OPEN, TEXT_GZ.split_at(TEXT_GZ.len() - 1).0],
        "bad gzip content: it ends before its end",
    ),
    bad(
        "gzip and something else",
        &[GZIP_OPEN, TEXT_GZ, b"\0"],
        "bad gzip content: it does not begin as gzip does",
    ),
    bad(
        "deflate that is none",
        &[DEFLATE_OPEN, b"\xff\xff"],
        "bad deflate content: not a deflate stream",
    ),
    bad(
        "deflate of one octet",
        &[DEFLATE_OPEN, b"\x78"],
        "bad deflate content: it ends before its end",
    ),
    bad(
        "deflate with a wrong checksum",
        &[DEFLATE_OPEN, b"\x78\x9c\x03\0\0\0\0\x02"],
        "bad deflate content: not a deflate stream",
    ),
    bad(
        "deflate and something else",
        &[DEFLATE_OPEN, TEXT_ZLIB, b"!"],
        "bad deflate content: it goes on after its end",
    ),
    bad(
        "br that is none",
        &[BR_OPEN, b"\xff\xff\xff\xff"],
        "bad br content: not a brotli stream",
    ),
    bad(
        "br that breaks off",
        &[BR_OPEN, TEXT_BR.split_at(200).0],
        "bad br content: it ends before its end",
    ),
    bad(
        "br and something else",
        &[BR_OPEN, TEXT_BR, b"!"],
        "bad br content: it goes on after its end",
    ),
    bad(
        "zstd that is none",
        &[ZSTD_OPEN, TEXT],
        "bad zstd content: it does not begin as zstd does",
    ),
    bad(
        "zstd with a bit that is reserved",
        &[ZSTD_OPEN, b"\x28\xb5\x2f\xfd\x08\x38"],
        "bad zstd content: the header of a frame cannot be read",
    ),
    bad(
        "zstd with a dictionary",
        &[ZSTD_OPEN, b"\x28\xb5\x2f\xfd\x01\x38\x07"],
        "bad zstd content: it needs a dictionary",
    ),
    bad(
        "zstd with a window above 8 MiB",
        &[ZSTD_OPEN, b"\x28\xb5\x2f\xfd\x00\x69"],
        "bad zstd content: its window is larger than 8 MiB",
    ),
    bad(
        "zstd with a block of no known type",
        &[ZSTD_OPEN, b"\x28\xb5\x2f\xfd\x00\x38\x07\0\0"],
        "bad zstd content: a block is of no known type",
    ),
    bad(
        "zstd with a block larger than there are",
        &[ZSTD_OPEN, b"\x28\xb5\x2f\xfd\x00\x38\x09\0\x10"],
        "bad zstd content: a block is larger than 128 KiB",
    ),
    bad(
        "zstd with a block that decodes to more than there may be",
        &[ZSTD_OPEN, include_bytes!("data/block-too-large.zst")],
        "bad zstd content: a block cannot be read",
    ),
    bad(
        "zstd with a wrong checksum",
        &[
            ZSTD_OPEN,
            TEXT_ZST.split_at(TEXT_ZST.len() - 4).0,
            b"\0\0\0\0",
        ],
        "bad zstd content: the checksum of a frame is wrong",
    ),
    bad(
        "zstd with a wrong length",
        &[ZSTD_OPEN, b"\x28\xb5\x2f\xfd\x20\x02\x09\0\0a"],
        "bad zstd content: the length of a frame is wrong",
    ),
    bad(
        "zstd that breaks off",
        &[ZSTD_OPEN, TEXT_ZST.split_at(200).0],
        "bad zstd content: it ends before its end",
    ),
    bad(
        "zstd that breaks off in a frame to skip",
        &[ZSTD_OPEN, b"\x50\x2a\x4d\x18\x05\0\0\0abcd"],
        "bad zstd content: it ends before its end",
    ),
    bad(
        "zstd and something else",
        &[ZSTD_OPEN, TEXT_ZST, b"!!!!"],
        "bad zstd content: it does not begin as zstd does",
    ),
    bad(
        "two codings of which the inner breaks off",
        &[
            b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate, gzip\r\n\r\n",
            // A member around the first half of "\x03\x00".
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x63\x06\0",
            b"\x37\xbe\x0b\x4b\x01\0\0\0",
        ],
        "bad deflate content: it ends before its end",
    ),
    fault(
        "coded content whose framing breaks off",
        &[
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 331\r\n\r\n",
            TEXT_GZ.split_at(300).0,
        ],
        Cause::Truncated,
        "the connection was closed after 300 of 331 octets of the body",
    ),
    oversize("gzip of very much", &[GZIP_OPEN, ZEROS_GZ]),
    oversize("br of very much", &[BR_OPEN, ZEROS_BR]),
    oversize("zstd of very much", &[ZSTD_OPEN, ZEROS_ZST]),
];

const fn bad(name: &'static str, parts: &'static [&'static [u8]], message: &'static str) -> Case {
    fault(name, parts, Cause::Coding, message)
}

const fn oversize(name: &'static str, parts: &'static [&'static [u8]]) -> Case {
    let message = "the decoded body is larger than 4096 octets";
    fault(name, parts, Cause::Oversize, message)
}
