//! What each path does.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

use crate::service::USER;

use super::coded::{BOMB_UNITS, BOMB_UNITS_MAX, Coding, Site};
use super::malformed;
use super::reply::{Body, Reply, reason};
use super::request::Request;
use super::step::Step;
use super::target::Target;

/// What `/` gives.
pub const PAGE: &str = "<!doctype html>\n<html lang=\"en\">\n<title>canvass lab</title>\n\
    <p>This is a loopback peer to probe against. <a href=\"/paths\">Its paths</a> say what it does.\n\
    </html>\n";

/// Every path, with parts in capitals and an example of a query, and what it does.
pub const HTTP_PATHS: &[(&str, &str)] = &[
    ("/", "a small page"),
    ("/paths", "this list"),
    (
        "/ca.pem",
        "the certificate of the authority that signs for the TLS services",
    ),
    ("/status/N", "that status; a 1xx comes ahead of a 200"),
    ("/delay/MS", "an answer after so many milliseconds"),
    ("/redirect/N", "a chain of N redirects to /"),
    (
        "/redirect-to?url=/&code=307",
        "a redirect to the URL, 302 where no code is said",
    ),
    ("/redirect-loop", "a redirect to itself"),
    ("/gzip", "a text in this coding"),
    ("/deflate", "the same text, deflate with its zlib wrapper"),
    ("/deflate-raw", "the same text, deflate without it"),
    ("/br", "the same text"),
    ("/zstd", "the same text"),
    ("/stacked", "the same text, gzip and then br"),
    (
        "/bomb?mib=64",
        "so many MiB of zeros as a thousandth of them in gzip",
    ),
    ("/chunked/N", "N chunks with extensions, and trailers"),
    ("/bytes/N", "N octets"),
    (
        "/close-delimited/N",
        "N octets and no length, ended by the close",
    ),
    (
        "/drip?octets=10&ms=10",
        "so many octets, one each so many milliseconds",
    ),
    (
        "/drip-head?ms=10",
        "a head, one octet each so many milliseconds",
    ),
    ("/endless", "a body without end, no length"),
    ("/endless-chunked", "a chunked body without end"),
    ("/endless-head", "a head without end"),
    (
        "/head/N",
        "an answer whose head has N octets more than usual",
    ),
    (
        "/truncate",
        "the connection closes in the middle of a sized body",
    ),
    (
        "/truncate-chunked",
        "the connection closes in the middle of a chunked body",
    ),
    (
        "/truncate-head",
        "the connection closes in the middle of the head",
    ),
    ("/reset", "a reset before the first octet"),
    ("/reset-head", "a reset in the middle of the head"),
    ("/reset-body", "a reset in the middle of the body"),
    ("/hang", "nothing, for ever"),
    ("/hang-body", "the first half of a body, and nothing more"),
    ("/close", "the connection closes before an answer"),
    (
        "/malformed/KIND",
        "an answer that breaks the rules in one way",
    ),
    ("/early-hints", "a 103 ahead of the answer"),
    ("/obs-fold", "a header over several lines"),
    ("/bare-lf", "lines that end with LF alone"),
    ("/headers", "the header lines of the request"),
    (
        "/echo",
        "the request: its first line, its header lines, an empty line, its body",
    ),
    ("/keep/N", "closes behind its connection's Nth request"),
    (
        "/basic",
        "401 unless the user canvass gives the password secret",
    ),
    ("/no-content", "204"),
    ("/not-modified", "304"),
];

/// Octets of a body that is not whole when it breaks off.
const BROKEN_BODY_BYTES: u64 = 1000;
/// Text for bodies of any length.
const FILLER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.\n";
/// The longest pause and the slowest trickle: an hour.
const SPAN_MS_MAX: u64 = 3_600_000;
/// The most redirects in a chain.
const REDIRECTS_MAX: u64 = 1_000_000;
/// The longest head that is asked for.
const HEAD_BYTES_MAX: u64 = 64 << 20;

/// Puts what a request is answered with behind the steps there are.
pub(super) fn answer(site: &Site, request: &Request, steps: &mut VecDeque<Step>) {
    let target = Target::new(&request.head.target);
    let (first, rest) = target.parts();
    let reply = match (first, rest) {
        ("", "") => Reply::new(200, Body::Text(PAGE.as_bytes().into()))
            .header("Content-Type", "text/html; charset=utf-8"),
        ("gzip", "") => coded(site, Coding::Gzip),
        ("deflate", "") => coded(site, Coding::Deflate),
        ("deflate-raw", "") => coded(site, Coding::RawDeflate),
        ("br", "") => coded(site, Coding::Brotli),
        ("zstd", "") => coded(site, Coding::Zstd),
        ("stacked", "") => coded(site, Coding::Stacked),
        ("no-content", "") => Reply::status(204),
        ("not-modified", "") => Reply::status(304).header("ETag", "\"lab\""),
        ("paths", "") => Reply::text(200, paths()),
        ("headers", "") => Reply::text(200, header_lines(request)),
        ("echo", "") => Reply::text(200, echo(request)),
        ("basic", "") => basic(request),
        ("redirect-loop", "") => Reply::status(302).header("Location", "/redirect-loop"),
        ("redirect-to", "") => redirect_to(target),
        ("bomb", "") => bomb(site, target.number("mib").unwrap_or(BOMB_UNITS)),
        ("drip", "") => drip(target),
        ("ca.pem", "") => match &site.ca_pem {
            Some(pem) => Reply::new(200, Body::Text(pem.clone().into_bytes().into()))
                .header("Content-Type", "application/x-pem-file"),
            None => Reply::status(404),
        },
        _ => match number(rest).and_then(|n| numbered(first, n, request, steps)) {
            Some(reply) => reply,
            None if broken(target, steps) => return,
            None => Reply::status(404),
        },
    };
    reply.send(request, steps);
}

/// Answers whose path ends with a number.
fn numbered(first: &str, n: u64, request: &Request, steps: &mut VecDeque<Step>) -> Option<Reply> {
    Some(match first {
        "status" => match n {
            100..200 => {
                let head = format!("HTTP/1.1 {n} {}\r\n\r\n", reason(n as u16));
                steps.push_back(Step::bytes(head.into_bytes()));
                Reply::status(200)
            }
            200..=599 => Reply::status(n as u16),
            _ => Reply::status(400),
        },
        "delay" => {
            let ms = n.min(SPAN_MS_MAX);
            steps.push_back(Step::pause(Duration::from_millis(ms)));
            Reply::text(200, format!("after {ms} ms\n").into_bytes())
        }
        "redirect" if n > 0 && n <= REDIRECTS_MAX => {
            let next = match n {
                1 => "/".to_owned(),
                _ => format!("/redirect/{}", n - 1),
            };
            Reply::status(302).header("Location", next)
        }
        "bytes" => Reply::new(
            200,
            Body::Sized {
                octets: n,
                steps: vec![Step::repeat(FILLER, n)],
            },
        ),
        "close-delimited" => Reply::new(200, Body::UntilClose(vec![Step::repeat(FILLER, n)])),
        "chunked" => chunked(n, request.head.old),
        "head" => {
            let octets = n.min(HEAD_BYTES_MAX) as usize;
            const LINE_BYTES: usize = 1000;
            let mut reply = Reply::text(200, &b"a long head\n"[..]);
            for start in (0..octets).step_by(LINE_BYTES) {
                let fill = LINE_BYTES
                    .min(octets - start)
                    .saturating_sub("X: \r\n".len());
                reply = reply.header("X", "x".repeat(fill));
            }
            reply
        }
        "keep" => {
            let text = format!("request {} of {n}\n", request.number);
            let reply = Reply::text(200, text.into_bytes());
            if request.number >= n {
                reply.closing()
            } else {
                reply
            }
        }
        _ => return None,
    })
}

/// Answers that are not in good order. Returns whether the path is one of them.
fn broken(target: Target<'_>, steps: &mut VecDeque<Step>) -> bool {
    let half = || Step::repeat(FILLER, BROKEN_BODY_BYTES / 2);
    let sized_head = || {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BROKEN_BODY_BYTES}\r\n\r\n");
        Step::bytes(head.into_bytes())
    };
    const CHUNKED_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const HALF_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Le";
    const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    let broken: &[Step] = &match target.parts() {
        ("close", "") => vec![Step::Close],
        ("reset", "") => vec![Step::Reset],
        ("hang", "") => vec![Step::Hang],
        ("hang-body", "") => vec![sized_head(), half(), Step::Hang],
        ("truncate", "") => vec![sized_head(), half(), Step::Close],
        ("truncate-chunked", "") => vec![
            Step::bytes(CHUNKED_HEAD),
            Step::bytes(&b"1f4\r\n"[..]),
            Step::repeat(FILLER, 100),
            Step::Close,
        ],
        ("truncate-head", "") => vec![Step::bytes(HALF_HEAD), Step::Close],
        ("reset-head", "") => vec![Step::bytes(HALF_HEAD), Step::Reset],
        ("reset-body", "") => vec![sized_head(), half(), Step::Reset],
        ("endless", "") => vec![
            Step::bytes(&b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"[..]),
            Step::repeat(FILLER, u64::MAX),
        ],
        ("endless-chunked", "") => vec![
            Step::bytes(CHUNKED_HEAD),
            Step::repeat(
                [
                    format!("{:x}\r\n", FILLER.len()).as_bytes(),
                    FILLER,
                    b"\r\n",
                ]
                .concat(),
                u64::MAX,
            ),
        ],
        ("endless-head", "") => vec![
            Step::bytes(&b"HTTP/1.1 200 OK\r\n"[..]),
            Step::repeat(&b"X-Lab: there is always one more line\r\n"[..], u64::MAX),
        ],
        ("drip-head", "") => vec![
            Step::trickle(WHOLE, WHOLE.len() as u64, span_ms(target)),
            Step::Close,
        ],
        ("early-hints", "") => vec![
            Step::bytes(
                &b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"[..],
            ),
            Step::bytes(WHOLE),
            Step::Close,
        ],
        ("obs-fold", "") => vec![
            Step::bytes(
                &b"HTTP/1.1 200 OK\r\nX-Lab: folded\r\n  over\r\n\tlines\r\nContent-Length: 5\r\n\
                   Connection: close\r\n\r\nhello"[..],
            ),
            Step::Close,
        ],
        ("bare-lf", "") => vec![
            Step::bytes(&b"HTTP/1.1 200 OK\nContent-Length: 5\nConnection: close\n\nhello"[..]),
            Step::Close,
        ],
        ("malformed", kind) => match malformed::response(kind) {
            Some(response) => vec![Step::bytes(response), Step::Close],
            None => return false,
        },
        _ => return false,
    };
    steps.extend(broken.iter().cloned());
    true
}

fn coded(site: &Site, coding: Coding) -> Reply {
    let bytes = site.coded(coding);
    let octets = bytes.len() as u64;
    let steps = vec![Step::shared(bytes)];
    Reply::new(200, Body::Sized { octets, steps })
        .header("Content-Type", "text/plain; charset=utf-8")
        .header("Content-Encoding", coding.header())
}

fn bomb(site: &Site, units: u64) -> Reply {
    let units = units.min(BOMB_UNITS_MAX);
    let bomb = site.bomb(units);
    let middle = bomb.unit.len() as u64 * units;
    let octets = (bomb.start.len() + bomb.end.len()) as u64 + middle;
    let steps = vec![
        Step::bytes(bomb.start),
        Step::repeat(bomb.unit.to_vec(), middle),
        Step::bytes(bomb.end),
    ];
    Reply::new(200, Body::Sized { octets, steps }).header("Content-Encoding", "gzip")
}

fn chunked(chunks: u64, old: bool) -> Reply {
    let body = Step::Chunks {
        next: 1,
        last: chunks,
        framed: !old,
    };
    if old {
        return Reply::new(200, Body::UntilClose(vec![body]));
    }
    let trailers = format!("0\r\nX-Lab-Chunks: {chunks}\r\nX-Lab-End: yes\r\n\r\n");
    Reply::new(
        200,
        Body::Chunked(vec![body, Step::bytes(trailers.into_bytes())]),
    )
    .header("Trailer", "X-Lab-Chunks, X-Lab-End")
}

fn drip(target: Target<'_>) -> Reply {
    let octets = target.number("octets").unwrap_or(10);
    let steps = vec![Step::trickle(FILLER, octets, span_ms(target))];
    Reply::new(200, Body::Sized { octets, steps })
}

fn span_ms(target: Target<'_>) -> Duration {
    Duration::from_millis(target.number("ms").unwrap_or(10).min(SPAN_MS_MAX))
}

fn redirect_to(target: Target<'_>) -> Reply {
    let code = target.number("code").unwrap_or(302);
    match target.value("url") {
        // A line ending in the URL would write header lines of the client's choice.
        Some(url) if (300..400).contains(&code) && !url.contains(['\r', '\n']) => {
            Reply::status(code as u16).header("Location", url)
        }
        _ => Reply::status(400),
    }
}

/// RFC 7617.
fn basic(request: &Request) -> Reply {
    // "canvass:secret" in base64.
    const CREDENTIALS: &str = "Y2FudmFzczpzZWNyZXQ=";
    let given = request.head.authorization.as_deref().unwrap_or_default();
    match given.split_once(' ') {
        Some((scheme, credentials))
            if scheme.eq_ignore_ascii_case("basic") && credentials.trim() == CREDENTIALS =>
        {
            Reply::text(200, format!("hello {USER}\n").into_bytes())
        }
        _ => {
            Reply::status(401).header("WWW-Authenticate", "Basic realm=\"lab\", charset=\"UTF-8\"")
        }
    }
}

fn paths() -> Vec<u8> {
    let mut text = String::new();
    for (path, help) in HTTP_PATHS {
        // A string takes everything.
        let _ = writeln!(text, "{path:<32}{help}");
    }
    text.into_bytes()
}

fn header_lines(request: &Request) -> Vec<u8> {
    let mut text = request.head.lines.join("\n");
    text.push('\n');
    text.into_bytes()
}

fn echo(request: &Request) -> Vec<u8> {
    let head = &request.head;
    let version = if head.old { "1.0" } else { "1.1" };
    let mut bytes = format!("{} {} HTTP/{version}\n", head.method, head.target).into_bytes();
    bytes.extend(header_lines(request));
    bytes.push(b'\n');
    bytes.extend_from_slice(&request.body);
    bytes
}

fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}
