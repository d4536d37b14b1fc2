//! The corpus, and what it cannot show.

use canvass_model::Cause;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

use super::super::corpus::{Case, Expected, cases, settings};
use super::super::{HttpSettings, HttpVersion};
use super::*;

fn read_case<'a>(case: &Case, pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    read(settings(case.method), pieces)
}

#[test]
fn every_answer_is_what_it_should_be() {
    for case in cases() {
        let seen = read_case(case, [&case.response()[..]]);
        match case.expected {
            Expected::Answer {
                code,
                body,
                reusable,
            } => {
                assert_eq!(seen.fault, None, "{}", case.name);
                assert_eq!(seen.code, Some(code), "{}", case.name);
                assert_eq!(seen.reusable, reusable, "{}", case.name);
                let (counts, seen_body) = seen.body.unwrap();
                assert_eq!(seen_body, body, "{}", case.name);
                assert_eq!(counts.decoded_bytes, body.len() as u64, "{}", case.name);
            }
            Expected::Fault { cause, message } => {
                let fault = seen.fault.expect(case.name);
                assert_eq!(
                    (fault.cause, &*fault.message),
                    (cause, message),
                    "{}",
                    case.name
                );
            }
        }
    }
}

#[test]
fn no_cut_makes_a_difference() {
    for case in cases() {
        let response = case.response();
        let whole = read_case(case, [&response[..]]);
        let octets = read_case(case, response.chunks(1));
        assert_eq!(octets, whole, "{}, octet by octet", case.name);
        for cut in 0..=response.len() {
            let (first, second) = response.split_at(cut);
            let cut_up = read_case(case, [first, second]);
            assert_eq!(cut_up, whole, "{}, cut at {cut}", case.name);
        }
    }
}

#[test]
fn names_are_told_apart() {
    let mut names: Vec<_> = cases().map(|case| case.name).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn a_head_says_what_it_says() {
    let response = b"HTTP/1.0 301 Moved\r\nX-A: one\r\nLocation: /\xc3\xa4\xff\r\n\
        x-a: \r\nX-B: b \r\n\t c\t \r\n  \r\n d\r\nContent-Length: 7\r\n\r\n";
    let mut reader = ResponseReader::new(&request(HttpSettings::default(), "http://host.example/"));
    assert_eq!(reader.received(&response[..20]), Ok(Progress::Head));
    assert!(reader.head().is_none());
    assert_eq!(reader.received(&response[20..]), Ok(Progress::Body));
    let head = reader.head().unwrap();
    assert_eq!((head.version(), head.code()), (HttpVersion::V10, 301));
    assert_eq!(head.location().as_deref(), Some("/\u{e4}\u{fffd}"));
    assert_eq!(head.content_length(), Some(7));
    assert_eq!(head.header("X-a"), Some(&b"one"[..]));
    let both: Vec<_> = head.headers_named("X-A").collect();
    assert_eq!(both, [&b"one"[..], b""]);
    assert_eq!(head.header("x-b"), Some(&b"b c d"[..]));
    assert_eq!(head.header("X-C"), None);
    let names: Vec<_> = head.headers().map(|(name, _)| name).collect();
    assert_eq!(names, ["X-A", "Location", "x-a", "X-B", "Content-Length"]);
}

#[test]
fn a_head_stands_though_the_body_fails() {
    let seen = read(
        HttpSettings::default(),
        [&b"HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\nhel"[..]],
    );
    assert_eq!(seen.code, Some(503));
    assert_eq!(seen.fault.unwrap().cause, Cause::Truncated);
}

#[test]
fn progress_is_told() {
    let mut reader = ResponseReader::new(&request(HttpSettings::default(), "http://host.example/"));
    for (piece, progress) in [
        (&b""[..], Progress::Head),
        (b"HTTP/1.1 100 Continue\r\n\r\n", Progress::Head),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
            Progress::Body,
        ),
        (b"o", Progress::Body),
        (b"k", Progress::Done),
        (b"", Progress::Done),
    ] {
        assert_eq!(reader.received(piece), Ok(progress), "{piece:?}");
    }
    assert_eq!(reader.counts().body_bytes, 2);
    assert_eq!(reader.take_body(), None, "it was not to be kept");
}

#[test]
fn a_connection_that_is_to_be_closed_is_not_used_again() {
    let closing = HttpSettings::default();
    let seen = read(closing, [&b"HTTP/1.1 204 No Content\r\n\r\n"[..]]);
    assert_eq!((seen.fault, seen.reusable), (None, false));
}

#[test]
fn as_many_header_lines_as_are_allowed_are_read() {
    let head = |lines| {
        let lines = "X-A: b\r\n".repeat(lines);
        format!("HTTP/1.1 204 No Content\r\n{lines}\r\n")
    };
    let read = |lines| read(HttpSettings::default(), [head(lines).as_bytes()]);
    assert_eq!(read(256).fault, None);
    let fault = read(257).fault.unwrap();
    assert_eq!(fault.cause, Cause::Oversize);
    assert_eq!(&*fault.message, "the head has more than 256 header lines");
}

#[test]
fn a_head_may_be_as_large_as_is_allowed_and_no_larger() {
    for (padding, fits) in [(999, true), (1000, true), (1001, false)] {
        let mut response = b"HTTP/1.1 204 \r\nX: ".to_vec();
        response.resize(response.len() + padding - 18 - 4, b'a');
        response.extend_from_slice(b"\r\n\r\n");
        assert_eq!(response.len(), padding);
        let settings = || HttpSettings {
            head_bytes_max: 1000,
            ..HttpSettings::default()
        };
        for piece_octets in [1, 999, 2000] {
            let seen = read(settings(), response.chunks(piece_octets));
            assert_eq!(seen.fault.is_none(), fits, "{padding} in {piece_octets}");
        }
    }
}

#[test]
fn a_bomb_stops_at_what_is_allowed() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        bomb.write_all(&vec![0; 1 << 20]).unwrap();
    }
    // Once more over: a body of a few hundred octets.
    let mut twice = GzEncoder::new(Vec::new(), Compression::best());
    twice.write_all(&bomb.finish().unwrap()).unwrap();
    let twice = twice.finish().unwrap();
    let settings = HttpSettings {
        keep_body: true,
        body_bytes_max: 1 << 20,
        ..HttpSettings::default()
    };
    let mut reader = ResponseReader::new(&request(settings, "http://host.example/"));
    let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\n";
    assert_eq!(reader.received(head), Ok(Progress::Body));
    let fault = reader.received(&twice).unwrap_err();
    assert_eq!(fault.cause, Cause::Oversize);
    assert_eq!(reader.counts().decoded_bytes, 1 << 20);
    assert_eq!(reader.take_body().map(|body| body.len()), Some(1 << 20));
}
