//! What holds of any octets.

use std::io::Write as _;

use canvass_model::Cause;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::super::corpus::{cases, settings};
use super::*;

/// `octets` in pieces of the lengths given, over and over.
fn pieces<'a>(octets: &'a [u8], lengths: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = octets;
    let mut lengths = lengths.iter().cycle();
    std::iter::from_fn(move || {
        let length = *lengths.next()?;
        let (piece, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1usize..40, 1..10)
}

fn roomy() -> HttpSettings {
    HttpSettings {
        body_bytes_max: 1 << 20,
        head_bytes_max: 64 << 10,
        ..settings("GET")
    }
}

fn coded_response(coding: &str, coded: &[u8]) -> Vec<u8> {
    let mut response = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n",
        coded.len()
    )
    .into_bytes();
    response.extend_from_slice(coded);
    response
}

fn body_of(response: &[u8], lengths: &[usize]) -> Vec<u8> {
    let seen = read(roomy(), pieces(response, lengths));
    assert_eq!(seen.fault, None);
    seen.body.unwrap().1
}

fn deflated(body: &[u8], coding: &str) -> Vec<u8> {
    let level = Compression::default();
    let finished = match coding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), level);
            encoder.write_all(body).and_then(|()| encoder.finish())
        }
        "zlib" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(body).and_then(|()| encoder.finish())
        }
        _ => {
            let mut encoder = DeflateEncoder::new(Vec::new(), level);
            encoder.write_all(body).and_then(|()| encoder.finish())
        }
    };
    finished.unwrap()
}

/// Octets that repeat themselves now and then.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let run = (prop::collection::vec(any::<u8>(), 0..50), 1usize..200);
    prop::collection::vec(run, 0..20).prop_map(|runs| {
        let runs = runs.into_iter().map(|(octets, times)| octets.repeat(times));
        runs.collect::<Vec<_>>().concat()
    })
}

/// What is bad about a coded body, whichever of several things was found first: the brotli decoder
/// keeps back what it has when it fails.
fn named_as_one(mut seen: Seen) -> Seen {
    let coded = |(name, _): &(String, Vec<u8>)| name.eq_ignore_ascii_case("Content-Encoding");
    if seen.headers.iter().any(coded)
        && let Some(fault) = &mut seen.fault
        && matches!(fault.cause, Cause::Coding | Cause::Oversize)
    {
        *fault = HttpFault::new(Cause::Coding, "bad content");
    }
    seen
}

proptest! {
    #[test]
    fn chunks_of_any_size_make_up_the_body(
        chunks in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 1..80), "(;[a-z]{1,5}(=\"[ -!#-\\[]{0,5}\")?)?"),
            0..20,
        ),
        trailers in prop::collection::vec("[A-Za-z-]{1,9}:[ -~]{0,9}\r\n", 0..3),
        lengths in lengths(),
    ) {
        let mut response = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        let mut body = Vec::new();
        for (chunk, extension) in &chunks {
            write!(response, "{:x}{extension}\r\n", chunk.len()).unwrap();
            response.extend_from_slice(chunk);
            response.extend_from_slice(b"\r\n");
            body.extend_from_slice(chunk);
        }
        write!(response, "0\r\n{}\r\n", trailers.concat()).unwrap();
        let seen = read(settings("GET"), pieces(&response, &lengths));
        prop_assert_eq!(seen.fault, None);
        let (counts, seen_body) = seen.body.unwrap();
        prop_assert_eq!(counts.body_bytes, body.len() as u64);
        prop_assert_eq!(seen_body, body);
        prop_assert!(seen.reusable);
    }

    #[test]
    fn headers_are_read_as_they_were_written(
        headers in prop::collection::vec(
            ("X-[!#$%&'*+.^_`|~0-9A-Za-z-]{0,20}", "([!-~]([ -~]{0,30}[!-~])?)?"),
            0..40,
        ),
        bare in any::<bool>(),
        lengths in lengths(),
    ) {
        let end = if bare { "\n" } else { "\r\n" };
        let mut response = format!("HTTP/1.1 204 None{end}");
        for (name, value) in &headers {
            response += &format!("{name}: {value}{end}");
        }
        response += end;
        let seen = read(roomy(), pieces(response.as_bytes(), &lengths));
        prop_assert_eq!(&seen, &read(roomy(), [response.as_bytes()]));
        let expected: Vec<_> = headers
            .into_iter()
            .map(|(name, value)| (name, value.into_bytes()))
            .collect();
        prop_assert_eq!(seen.headers, expected);
    }

    #[test]
    fn a_fold_is_one_space(
        words in prop::collection::vec("[!-~]{1,9}", 1..6),
        folds in prop::collection::vec("[ \t]{0,3}\r?\n[ \t]{1,3}", 6),
    ) {
        let mut value = String::new();
        for (word, fold) in words.iter().zip(&folds) {
            value += fold;
            value += word;
        }
        let response = format!("HTTP/1.1 204 None\r\nX-A:{value}\r\nX-B: c\r\n\r\n");
        let seen = read(roomy(), [response.as_bytes()]);
        prop_assert_eq!(seen.fault, None);
        let expected = vec![
            ("X-A".into(), words.join(" ").into_bytes()),
            ("X-B".into(), b"c".to_vec()),
        ];
        prop_assert_eq!(seen.headers, expected);
    }

    #[test]
    fn what_was_deflated_comes_back(body in content(), lengths in lengths()) {
        for (coding, name) in [("gzip", "gzip"), ("zlib", "deflate"), ("bare", "deflate")] {
            let response = coded_response(name, &deflated(&body, coding));
            prop_assert_eq!(&body_of(&response, &lengths), &body, "{}", coding);
        }
    }

    #[test]
    fn what_was_put_under_zstd_and_gzip_comes_back(body in content(), lengths in lengths()) {
        let zstd = compress_to_vec(&body[..], CompressionLevel::Fastest);
        let response = coded_response("zstd", &zstd);
        prop_assert_eq!(&body_of(&response, &lengths), &body);
        let response = coded_response("zstd, gzip", &deflated(&zstd, "gzip"));
        prop_assert_eq!(&body_of(&response, &lengths), &body);
    }

    #[test]
    fn any_octets_are_read_the_same_however_cut(
        octets in prop::collection::vec(any::<u8>(), 0..200),
        lengths in lengths(),
        start in prop::sample::select(vec![
            &b""[..],
            b"HTTP/1.1 ",
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\n\x28\xb5\x2f\xfd\x00\x38",
        ]),
    ) {
        let response = [start, &octets].concat();
        let whole = read(settings("GET"), [&response[..]]);
        let cut_up = read(settings("GET"), pieces(&response, &lengths));
        prop_assert_eq!(named_as_one(cut_up), named_as_one(whole));
    }

    #[test]
    fn spoilt_answers_are_read_the_same_however_cut(
        case in prop::sample::select(cases().collect::<Vec<_>>()),
        spoilt in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6),
        lengths in lengths(),
    ) {
        let mut response = case.response();
        for (at, octet, how) in spoilt {
            if response.is_empty() {
                break;
            }
            let at = at.index(response.len());
            match how {
                0 => response[at] = octet,
                1 => response.insert(at, octet),
                _ => drop(response.remove(at)),
            }
        }
        let whole = read(settings(case.method), [&response[..]]);
        let cut_up = read(settings(case.method), pieces(&response, &lengths));
        prop_assert_eq!(named_as_one(cut_up), named_as_one(whole));
        // Lenience accepts more, and reads what is valid in no other way.
        let strict = HttpSettings { strict: true, ..settings(case.method) };
        let whole_strictly = read(strict, [&response[..]]);
        if whole_strictly.fault.is_none() {
            prop_assert_eq!(&whole_strictly, &read(settings(case.method), [&response[..]]));
        }
    }
}
