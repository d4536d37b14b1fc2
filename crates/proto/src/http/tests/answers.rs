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
        if seen.fault.is_none() {
            let warnings = case.warnings.iter().copied();
            assert!(seen.warnings.iter().eq(warnings), "{}: {seen:?}", case.name);
        }
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
fn what_is_read_leniently_is_malformed_where_rules_must_be_kept() {
    for case in cases() {
        let strict = HttpSettings {
            strict: true,
            ..settings(case.method)
        };
        let response = case.response();
        let seen = read(strict.clone(), [&response[..]]);
        assert_eq!(read(strict, response.chunks(1)), seen, "{}", case.name);
        let message = seen.fault.as_ref().map(|fault| &*fault.message);
        if let Some(expected) = case.strict_message {
            assert_eq!(message, Some(expected), "{}", case.name);
        } else {
            let lenient = read_case(case, [&response[..]]);
            assert_eq!(
                seen.fault.is_none(),
                lenient.fault.is_none(),
                "{}",
                case.name
            );
        }
    }
}

#[test]
fn what_follows_an_answer_changes_nothing_but_the_count() {
    const SURPLUS: &[u8] = b"0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    for case in cases() {
        let Expected::Answer { code, body, .. } = case.expected else {
            continue;
        };
        let alone = read_case(case, [&case.response()[..]]);
        let response = [&case.response()[..], SURPLUS].concat();
        let whole = read_case(case, [&response[..]]);
        for cut in 0..=response.len() {
            let (first, second) = response.split_at(cut);
            let cut_up = read_case(case, [first, second]);
            assert_eq!(cut_up, whole, "{}, cut at {cut}", case.name);
        }
        assert!(!whole.reusable, "{}", case.name);
        // A body until the end of the connection has no surplus.
        if let Some(surplus_bytes) = whole.surplus_bytes {
            let before = alone.surplus_bytes.unwrap_or_default();
            assert_eq!(surplus_bytes, before + SURPLUS.len() as u64);
            assert_eq!((&whole.fault, whole.code), (&None, Some(code)));
            assert_eq!(whole.body.as_ref().map(|(_, body)| &body[..]), Some(body));
            assert_eq!(whole.warnings, alone.warnings);
        }
    }
}

#[test]
fn the_status_line_of_a_head_that_is_refused_is_shown() {
    let long = format!("HTTP/1.1 503 Busy\r\nX: {}\r\n\r\n", "a".repeat(70_000));
    let many = format!("HTTP/1.1 503 Busy\r\n{}\r\n", "X: y\r\n".repeat(1_001));
    for (response, code) in [
        ("HTTP/1.1 503 Busy\r\nX-A\r\n\r\n", Some(503)),
        ("HTTP/1.1 503 Busy\nX-A: b\rc\n\n", Some(503)),
        (&long, Some(503)),
        (&many, Some(503)),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", Some(101)),
        ("HTTP/1.1 503 Busy\r\nContent-Length: x\r\n\r\n", Some(503)),
        ("HTTP/1.1 5o3 Busy\r\n\r\n", None),
        ("HTTP/1.1 503 Bu\rsy\r\n\r\n", None),
        // It is not refused, only not complete.
        ("HTTP/1.1 503 Busy\r\nX-A: b\r\n", None),
    ] {
        let seen = read(HttpSettings::default(), [response.as_bytes()]);
        assert!(seen.fault.is_some(), "{response:?}");
        assert_eq!(seen.code, code, "{response:?}");
        let octets = read(HttpSettings::default(), response.as_bytes().chunks(1));
        assert_eq!(octets, seen, "{response:?}");
    }
}

#[test]
fn interim_responses_and_codings_have_limits() {
    let settings = || HttpSettings {
        interim_max: 2,
        codings_max: 1,
        ..HttpSettings::default()
    };
    let interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
    let answer = "HTTP/1.1 204 No Content\r\n\r\n";
    let message = |response: String| {
        let fault = read(settings(), [response.as_bytes()]).fault;
        fault.map(|fault| (fault.cause, fault.message.into_string()))
    };
    assert_eq!(message(interim.repeat(2) + answer), None);
    assert_eq!(
        message(interim.repeat(3) + answer),
        Some((Cause::Oversize, "more than 2 interim responses".into()))
    );
    let coded = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\na";
    assert_eq!(
        message(coded.into()),
        Some((Cause::Oversize, "more than 1 content codings".into()))
    );
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
    assert_eq!(head.location().as_deref(), Some("/%C3%A4%FF"));
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
    for (lines, fits) in [(64, true), (65, true), (1_000, true), (1_001, false)] {
        assert_eq!(read(lines).fault.is_none(), fits, "{lines}");
    }
    let fault = read(1_001).fault.unwrap();
    assert_eq!(fault.cause, Cause::Oversize);
    assert_eq!(&*fault.message, "the head has more than 1000 header lines");
    let few = |lines| {
        let settings = HttpSettings {
            head_lines_max: 3,
            ..HttpSettings::default()
        };
        super::read(settings, [head(lines).as_bytes()]).fault
    };
    assert_eq!(few(3), None);
    assert!(few(4).is_some());
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

#[test]
fn members_of_nothing_come_to_nothing() {
    let empty = GzEncoder::new(Vec::new(), Compression::best())
        .finish()
        .unwrap();
    let response = [
        &b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"[..],
        &empty.repeat(10_000),
    ]
    .concat();
    let seen = read(HttpSettings::default(), response.chunks(4_096));
    let body_bytes = 10_000 * empty.len() as u64;
    let decoded_bytes = 0;
    let counts = Counts {
        body_bytes,
        decoded_bytes,
    };
    assert_eq!((seen.fault, seen.body), (None, Some((counts, Vec::new()))));
}
