//! curl beside canvass: both fetch every response of the corpus, and where their results differ,
//! the reason stands here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use canvass_proto::http::corpus::{Case, cases};
use tempfile::TempDir;

use crate::http_peers::Server;
use crate::http_rig::{http, lines};

/// What a client makes of a response: its status code and its decoded body, or nothing usable.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Result {
    Answer(u64, Vec<u8>),
    Fault,
}

/// The cases in which the results differ, by the reason why canvass does not do as curl does.
const DIFFERENCES: &[(&str, &[&str])] = &[
    (
        "a bare CR may end a line or not (RFC 9112 §2.2)",
        &[
            "a bare cr in a folded value",
            "a bare cr in a value",
            "a bare cr in the reason",
            "a carriage return more at the end of a line",
        ],
    ),
    (
        "chunked framing has no lenient line ends, as in Go (RFC 9112 §7.1)",
        &[
            "a chunk that ends in lf alone",
            "a trailer that ends in lf alone",
            "a fold before the first trailer",
        ],
    ),
    (
        "two framings, or none that is certain (RFC 9112 §6.3)",
        &[
            "a length and chunks",
            "chunks in 1.0",
            "chunked and not last",
            "a transfer coding that was not asked for",
            "differing lengths in one list",
            "a length beyond all measure",
            "a length in hexadecimal",
            "a length with a hole",
            "a length with a sign",
        ],
    ),
    (
        "a head without its end is incomplete (RFC 9112 §8)",
        &[
            "a head that breaks off",
            "a head that breaks off before its last octet",
        ],
    ),
    (
        "curl 7.88 does not tell that coded content broke off",
        &[
            "br that breaks off",
            "gzip that breaks off",
            "gzip without its trailer",
            "zstd that breaks off",
            "zstd that breaks off in a frame to skip",
            "two codings of which the inner breaks off",
            "deflate of one octet",
        ],
    ),
    (
        "limits of canvass, with flags",
        &["five codings", "zstd with a window above 8 MiB"],
    ),
    (
        "curl passes on what it cannot decode",
        &["gzip by an unknown method"],
    ),
    (
        "curl refuses what has one reading only, and Go accepts it",
        &[
            "a code below 100",
            "a folded line is one",
            "a folded line with a name that is no token, after a folded one",
            "a later minor version is read as 1.1",
            "an unknown content coding",
            "gzip of two members",
            "nul in the reason",
        ],
    ),
];

#[test]
fn curl_agrees_on_every_response_or_it_is_known_why_not() {
    let cases: Vec<&Case> = cases()
        .filter(|case| matches!(case.method, "GET" | "HEAD"))
        .collect();
    let responses: Vec<Vec<u8>> = cases.iter().map(|case| case.response()).collect();
    let server = Server::start(move |mut caller| {
        if let Some(request) = caller.request() {
            let path = request.split(' ').nth(1).expect("a request has a path");
            let number: usize = path[1..].parse().expect("the path is a number");
            caller.say(&responses[number]);
        }
    });
    let by_curl = with_curl(&server, &cases);
    let by_canvass = with_canvass(&server, &cases);
    let differences: BTreeMap<&str, (&Result, &Result)> = cases
        .iter()
        .zip(by_curl.iter().zip(&by_canvass))
        .filter(|(_, (curl, canvass))| curl != canvass)
        .map(|(case, results)| (case.name, results))
        .collect();
    let known: BTreeSet<&str> = DIFFERENCES
        .iter()
        .flat_map(|(_, names)| names.iter().copied())
        .collect();
    let unknown: Vec<_> = differences
        .iter()
        .filter(|(name, _)| !known.contains(*name))
        .map(|(name, (curl, canvass))| {
            format!("{name}: curl {}, canvass {}", shown(curl), shown(canvass))
        })
        .collect();
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
    let gone: Vec<_> = known
        .iter()
        .filter(|name| !differences.contains_key(*name))
        .collect();
    assert!(gone.is_empty(), "no difference any more: {gone:?}");
}

fn shown(result: &Result) -> String {
    match result {
        Result::Answer(code, body) => format!("{code} with {} octets", body.len()),
        Result::Fault => "a fault".into(),
    }
}

/// Fetches each case with curl, which decodes bodies.
fn with_curl(server: &Server, cases: &[&Case]) -> Vec<Result> {
    let directory = TempDir::new().unwrap();
    let body = directory.path().join("body");
    let fetch = |(number, case): (usize, &&Case)| {
        let _ = std::fs::remove_file(&body);
        let mut curl = Command::new("curl");
        curl.args([
            "-q",
            "-s",
            "--compressed",
            "--noproxy",
            "*",
            "--max-time",
            "20",
        ])
        .args(["-w", "%{http_code}", "-o"])
        .arg(&body)
        .arg(server.url(&format!("/{number}")));
        if case.method == "HEAD" {
            curl.arg("--head");
        }
        let output = curl
            .output()
            .expect("curl is installed (scripts/test-deps)");
        if !output.status.success() {
            return Result::Fault;
        }
        // curl writes the head of a response to HEAD.
        let body = match case.method {
            "HEAD" => Vec::new(),
            _ => read(&body),
        };
        let code = String::from_utf8(output.stdout).unwrap();
        Result::Answer(code.parse().unwrap(), body)
    };
    cases.iter().enumerate().map(fetch).collect()
}

fn with_canvass(server: &Server, cases: &[&Case]) -> Vec<Result> {
    let mut results = vec![Result::Fault; cases.len()];
    for method in ["GET", "HEAD"] {
        let numbers: Vec<usize> = (0..cases.len())
            .filter(|number| cases[*number].method == method)
            .collect();
        let urls: Vec<String> = numbers
            .iter()
            .map(|number| server.url(&format!("/{number}")))
            .collect();
        let bodies = TempDir::new().unwrap();
        let save = bodies.path().to_str().unwrap();
        let run = http(&["-X", method, "--save", save, "--fail-below", "0"], &urls);
        for (object, number) in lines(&run, numbers.len() as u64).iter().zip(numbers) {
            if let Some(code) = object["status_code"].as_u64()
                && object["outcome"] == "answered"
            {
                let body = bodies.path().join(format!("{}.body", object["seq"]));
                results[number] = Result::Answer(code, read(&body));
            }
        }
    }
    results
}

/// A body; a file that was not written is an empty one.
fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_default()
}
