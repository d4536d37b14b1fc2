//! The response for each path.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

use crate::service::USER;

use super::coded::{BOMB_UNITS, BOMB_UNITS_MAX, Coding, Site};
use super::malformed;
use super::request::Request;
use super::response::{Body, Response, reason};
use super::step::Step;
use super::target::Target;

/// The content of `/`.
pub const PAGE: &str = "<!doctype html>\n<html lang=\"en\">\n<title>canvass lab</title>\n\
    <p>This is a loopback peer to probe against. <a href=\"/paths\">Its paths</a> say what it does.\n\
    </html>\n";

/// The paths, each with its description. Variable parts are in capitals; a query is an example.
pub const HTTP_PATHS: &[(&str, &str)] = &[
    ("/", "a small page"),
    ("/paths", "this list"),
    (
        "/ca.pem",
        "the certificate of the authority of the TLS services",
    ),
    ("/status/N", "status N; a 1xx is followed by a 200"),
    ("/delay/MS", "a response after MS milliseconds"),
    ("/redirect/N", "a chain of N redirects to /"),
    (
        "/redirect-to?url=/&code=307",
        "a redirect to the URL, with 302 by default",
    ),
    ("/redirect-loop", "a redirect to itself"),
    ("/gzip", "a text in this coding"),
    ("/deflate", "the same text in deflate with the zlib format"),
    (
        "/deflate-raw",
        "the same text in deflate without the zlib format",
    ),
    ("/br", "the same text in brotli"),
    ("/zstd", "the same text in zstd"),
    ("/stacked", "the same text in gzip and then brotli"),
    (
        "/bomb?mib=64",
        "this many MiB of zeros in gzip, about a thousandth of the size",
    ),
    ("/chunked/N", "N chunks with extensions, and trailers"),
    ("/bytes/N", "N octets"),
    (
        "/close-delimited/N",
        "N octets without a length, ended by the close",
    ),
    (
        "/drip?octets=10&ms=10",
        "this many octets, one per this many milliseconds",
    ),
    (
        "/drip-head?ms=10",
        "a head, one octet per this many milliseconds",
    ),
    ("/endless", "an endless body without a length"),
    ("/endless-chunked", "an endless chunked body"),
    ("/endless-head", "an endless head"),
    ("/head/N", "a response with N additional octets in its head"),
    ("/truncate", "a close in the middle of a body with a length"),
    (
        "/truncate-chunked",
        "a close in the middle of a chunked body",
    ),
    ("/truncate-head", "a close in the middle of the head"),
    ("/reset", "a reset before the first octet"),
    ("/reset-head", "a reset in the middle of the head"),
    ("/reset-body", "a reset in the middle of the body"),
    ("/hang", "no response at all"),
    ("/hang-body", "half of a body and nothing more"),
    ("/close", "a close before the response"),
    ("/malformed/KIND", "a malformed response"),
    ("/early-hints", "a 103 before the response"),
    ("/obs-fold", "a header field over several lines"),
    ("/bare-lf", "lines that end with LF alone"),
    ("/headers", "the header lines of the request"),
    (
        "/echo",
        "the request: request line, header lines, an empty line, body",
    ),
    ("/keep/N", "closes after the Nth request of the connection"),
    (
        "/basic",
        "401 unless the user is canvass and the password secret",
    ),
    ("/no-content", "204"),
    ("/not-modified", "304"),
];

/// The announced length of a body that is not sent completely.
const BROKEN_BODY_BYTES: u64 = 1000;
/// Repeated to fill bodies of any length.
const FILLER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.\n";
/// The longest pause: an hour.
const SPAN_MS_MAX: u64 = 3_600_000;
/// The most redirects in a chain.
const REDIRECTS_MAX: u64 = 1_000_000;
/// The most additional octets in a head.
const HEAD_BYTES_MAX: u64 = 64 << 20;

/// Appends the steps that answer a request.
pub(super) fn answer(site: &Site, request: &Request, steps: &mut VecDeque<Step>) {
    let target = Target::new(&request.head.target);
    let (first, rest) = target.parts();
    let response = match (first, rest) {
        ("", "") => Response::new(200, Body::Text(PAGE.as_bytes().into()))
            .header("Content-Type", "text/html; charset=utf-8"),
        ("gzip", "") => coded(site, Coding::Gzip),
        ("deflate", "") => coded(site, Coding::Deflate),
        ("deflate-raw", "") => coded(site, Coding::RawDeflate),
        ("br", "") => coded(site, Coding::Brotli),
        ("zstd", "") => coded(site, Coding::Zstd),
        ("stacked", "") => coded(site, Coding::Stacked),
        ("no-content", "") => Response::status(204),
        ("not-modified", "") => Response::status(304).header("ETag", "\"lab\""),
        ("paths", "") => Response::text(200, paths()),
        ("headers", "") => Response::text(200, header_lines(request)),
        ("echo", "") => Response::text(200, echo(request)),
        ("basic", "") => basic(request),
        ("redirect-loop", "") => Response::status(302).header("Location", "/redirect-loop"),
        ("redirect-to", "") => redirect_to(target),
        ("bomb", "") => bomb(site, target.number("mib").unwrap_or(BOMB_UNITS)),
        ("drip", "") => drip(target),
        ("ca.pem", "") => match &site.ca_pem {
            Some(pem) => Response::new(200, Body::Text(pem.clone().into_bytes().into()))
                .header("Content-Type", "application/x-pem-file"),
            None => Response::status(404),
        },
        _ => match number(rest).and_then(|n| numbered(first, n, request, steps)) {
            Some(response) => response,
            None if faulty(target, steps) => return,
            None => Response::status(404),
        },
    };
    response.send(request, steps);
}

/// Responses for paths that end with a number.
fn numbered(
    first: &str,
    n: u64,
    request: &Request,
    steps: &mut VecDeque<Step>,
) -> Option<Response> {
    Some(match first {
        "status" => match n {
            100..200 => {
                let head = format!("HTTP/1.1 {n} {}\r\n\r\n", reason(n as u16));
                steps.push_back(Step::bytes(head.into_bytes()));
                Response::status(200)
            }
            200..=599 => Response::status(n as u16),
            _ => Response::status(400),
        },
        "delay" => {
            let ms = n.min(SPAN_MS_MAX);
            steps.push_back(Step::pause(Duration::from_millis(ms)));
            Response::text(200, format!("after {ms} ms\n").into_bytes())
        }
        "redirect" if n > 0 && n <= REDIRECTS_MAX => {
            let next = match n {
                1 => "/".to_owned(),
                _ => format!("/redirect/{}", n - 1),
            };
            Response::status(302).header("Location", next)
        }
        "bytes" => Response::new(
            200,
            Body::Sized {
                octets: n,
                steps: vec![Step::repeat(FILLER, n)],
            },
        ),
        "close-delimited" => Response::new(200, Body::UntilClose(vec![Step::repeat(FILLER, n)])),
        "chunked" => chunked(n, request.head.is_http10),
        "head" => {
            let octets = n.min(HEAD_BYTES_MAX) as usize;
            const LINE_BYTES: usize = 1000;
            let mut response = Response::text(200, &b"a long head\n"[..]);
            for start in (0..octets).step_by(LINE_BYTES) {
                let fill = LINE_BYTES
                    .min(octets - start)
                    .saturating_sub("X: \r\n".len());
                response = response.header("X", "x".repeat(fill));
            }
            response
        }
        "keep" => {
            let text = format!("request {} of {n}\n", request.number);
            let response = Response::text(200, text.into_bytes());
            if request.number >= n {
                response.closing()
            } else {
                response
            }
        }
        _ => return None,
    })
}

/// Appends the steps of a faulty response. Returns whether the path has one.
fn faulty(target: Target<'_>, steps: &mut VecDeque<Step>) -> bool {
    let half = || Step::repeat(FILLER, BROKEN_BODY_BYTES / 2);
    let sized_head = || {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BROKEN_BODY_BYTES}\r\n\r\n");
        Step::bytes(head.into_bytes())
    };
    const CHUNKED_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const HALF_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Le";
    const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    let faulty: &[Step] = &match target.parts() {
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
    steps.extend(faulty.iter().cloned());
    true
}

fn coded(site: &Site, coding: Coding) -> Response {
    let bytes = site.coded(coding);
    let octets = bytes.len() as u64;
    let steps = vec![Step::shared(bytes)];
    Response::new(200, Body::Sized { octets, steps })
        .header("Content-Type", "text/plain; charset=utf-8")
        .header("Content-Encoding", coding.header())
}

fn bomb(site: &Site, units: u64) -> Response {
    let units = units.min(BOMB_UNITS_MAX);
    let bomb = site.bomb(units);
    let middle = bomb.unit.len() as u64 * units;
    let octets = (bomb.start.len() + bomb.end.len()) as u64 + middle;
    let steps = vec![
        Step::bytes(bomb.start),
        Step::repeat(bomb.unit.to_vec(), middle),
        Step::bytes(bomb.end),
    ];
    Response::new(200, Body::Sized { octets, steps }).header("Content-Encoding", "gzip")
}

fn chunked(chunks: u64, http10: bool) -> Response {
    let body = Step::Chunks {
        next: 1,
        last: chunks,
        framed: !http10,
    };
    if http10 {
        return Response::new(200, Body::UntilClose(vec![body]));
    }
    let trailers = format!("0\r\nX-Lab-Chunks: {chunks}\r\nX-Lab-End: yes\r\n\r\n");
    Response::new(
        200,
        Body::Chunked(vec![body, Step::bytes(trailers.into_bytes())]),
    )
    .header("Trailer", "X-Lab-Chunks, X-Lab-End")
}

fn drip(target: Target<'_>) -> Response {
    let octets = target.number("octets").unwrap_or(10);
    let steps = vec![Step::trickle(FILLER, octets, span_ms(target))];
    Response::new(200, Body::Sized { octets, steps })
}

fn span_ms(target: Target<'_>) -> Duration {
    Duration::from_millis(target.number("ms").unwrap_or(10).min(SPAN_MS_MAX))
}

fn redirect_to(target: Target<'_>) -> Response {
    let code = target.number("code").unwrap_or(302);
    match target.value("url") {
        // A line ending in the URL would allow header injection.
        Some(url) if (300..400).contains(&code) && !url.contains(['\r', '\n']) => {
            Response::status(code as u16).header("Location", url)
        }
        _ => Response::status(400),
    }
}

/// RFC 7617.
fn basic(request: &Request) -> Response {
    // "canvass:secret" in base64.
    const CREDENTIALS: &str = "Y2FudmFzczpzZWNyZXQ=";
    let given = request.head.authorization.as_deref().unwrap_or_default();
    match given.split_once(' ') {
        Some((scheme, credentials))
            if scheme.eq_ignore_ascii_case("basic") && credentials.trim() == CREDENTIALS =>
        {
            Response::text(200, format!("hello {USER}\n").into_bytes())
        }
        _ => Response::status(401)
            .header("WWW-Authenticate", "Basic realm=\"lab\", charset=\"UTF-8\""),
    }
}

fn paths() -> Vec<u8> {
    let mut text = String::new();
    for (path, help) in HTTP_PATHS {
        // Writing to a string cannot fail.
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
    let version = if head.is_http10 { "1.0" } else { "1.1" };
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
