//! Many requests to one target.

use rustix::process::Signal;
use serde_json::Value;

use crate::common::{Run, Running};
use crate::http_peers::{Caller, Server, ok};
use crate::http_rig::{WebLab, check, fault, http, reached};

/// The lines of one target, in the order of its requests.
#[track_caller]
fn repeats(run: &Run, count: u64) -> Vec<Value> {
    let objects = run.objects();
    for (index, object) in objects.iter().enumerate() {
        check(object);
        assert_eq!(
            (object["seq"].as_u64(), object["repeat"].as_u64()),
            (Some(0), Some(index as u64 + 1))
        );
    }
    assert_eq!(objects.len() as u64, count, "{}", run.err);
    assert_eq!(run.balance()[0], count);
    objects
}

/// Answers `count` requests on one connection.
fn answer(caller: &mut Caller, count: usize) {
    for _ in 0..count {
        if caller.request().is_none() {
            return;
        }
        caller.say(&ok("hello"));
    }
}

#[test]
fn many_requests_take_one_connection_and_give_a_line_each() {
    let server = Server::start(|mut caller| answer(&mut caller, usize::MAX));
    let run = http(&["--repeat", "50"], &[server.url("/")]).exits(0);
    let objects = repeats(&run, 50);
    assert_eq!(
        reached(&objects[0]),
        ["wait", "connect", "first_byte", "transfer"]
    );
    for object in &objects[1..] {
        assert_eq!(
            reached(object),
            ["wait", "first_byte", "transfer"],
            "{object}"
        );
        assert_eq!(object["attempts"], 1);
        assert!(
            object["response_ms"].as_f64() >= object["latency_ms"].as_f64(),
            "{object}"
        );
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 50));
    // Nothing asks for a close.
    assert!(!server.requests()[0].contains("Connection: close"));
}

#[test]
fn a_lone_request_has_no_number() {
    let server = Server::saying(ok("hello"));
    let run = http(&["--repeat", "1"], &[server.url("/")]).exits(0);
    assert!(run.whole(1)[0].get("repeat").is_none(), "{}", run.out);
}

#[test]
fn tls_is_shaken_hands_on_once_and_told_on_every_line() {
    let lab = WebLab::local();
    let (ca, url) = (lab.ca(), lab.secure_url("127.0.0.1", "/bytes/100"));
    let run = http(&["--repeat", "20", "--cacert", &ca], &[url]).exits(0);
    let objects = repeats(&run, 20);
    assert!(objects[0]["phases_ms"]["tls"].is_f64());
    for object in &objects[1..] {
        assert!(object["phases_ms"]["tls"].is_null(), "{object}");
        assert_eq!(object["tls"], objects[0]["tls"]);
    }
    let report = lab.report();
    assert!(report.contains(": 1 connection, 20 requests"), "{report}");
}

#[test]
fn a_server_that_closes_between_requests_is_met_again() {
    // It says so.
    let lab = WebLab::local();
    let run = http(&["--repeat", "7"], &[lab.url("127.0.0.1", "/keep/3")]).exits(0);
    let objects = repeats(&run, 7);
    let connected: Vec<bool> = objects
        .iter()
        .map(|object| object["phases_ms"]["connect"].is_f64())
        .collect();
    assert_eq!(connected, [true, false, false, true, false, false, true]);
    drop(lab);

    // It does not: by a close and by a reset, when the next request may be under way already.
    for reset in [false, true] {
        let server = Server::start(move |mut caller| {
            answer(&mut caller, 2);
            if reset {
                caller.reset();
            }
        });
        let run = http(&["--repeat", "10"], &[server.url("/")]).exits(0);
        repeats(&run, 10);
        assert!(server.connections() >= 5, "{}", server.connections());
    }

    // It takes the next request, and closes without a word.
    let server = Server::start(|mut caller| {
        answer(&mut caller, 1);
        let _ = caller.request();
    });
    let run = http(&["--repeat", "4"], &[server.url("/")]).exits(0);
    repeats(&run, 4);
    assert_eq!(server.connections(), 4);
}

#[test]
fn a_request_that_fails_leaves_the_others() {
    let server = Server::start(|mut caller| {
        let (first, broken) = (
            caller.number == 1,
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhe",
        );
        answer(&mut caller, if first { 2 } else { usize::MAX });
        if first && caller.request().is_some() {
            caller.say(broken);
        }
    });
    let run = http(&["--repeat", "5"], &[server.url("/")]).exits(1);
    let objects = repeats(&run, 5);
    for (index, object) in objects.iter().enumerate() {
        let expected = match index {
            2 => ("TRUNCATED", "transfer", "truncated"),
            _ => ("200", "", ""),
        };
        assert_eq!(fault(object), expected, "{object}");
    }
    assert_eq!(run.balance(), [5, 4, 0, 1]);
    // What never answers does so each time.
    let run = http(
        &["--repeat", "3"],
        &[crate::peers::closed_port().to_string()],
    )
    .exits(1);
    assert_eq!(run.balance(), [3, 0, 0, 3]);
    for object in repeats(&run, 3) {
        assert_eq!(fault(&object), ("CONNREFUSED", "connect", "refused"));
    }
}

#[test]
fn answers_that_nobody_asked_for_end_the_connection() {
    let server = Server::start(|mut caller| {
        while caller.request().is_some() {
            let twice = [ok("hello"), ok("again")].concat();
            caller.say(&twice);
        }
    });
    let run = http(&["--repeat", "3"], &[server.url("/")]).exits(0);
    for object in repeats(&run, 3) {
        let surplus_bytes = ok("again").len();
        assert_eq!(object["status"], "200", "{object}");
        assert_eq!(object["body_bytes"], 5, "{object}");
        assert_eq!(object["surplus_bytes"], surplus_bytes, "{object}");
    }
    assert_eq!(server.connections(), 3);
}

#[test]
fn redirects_are_gone_through_each_time() {
    let lab = WebLab::local();
    let args = ["--repeat", "3", "--follow", "2"];
    let run = http(&args, &[lab.url("127.0.0.1", "/redirect/2")]).exits(0);
    for object in repeats(&run, 3) {
        assert_eq!(object["redirects"].as_array().unwrap().len(), 2, "{object}");
        assert_eq!(object["url"], lab.url("127.0.0.1", "/"));
    }
}

#[test]
fn bodies_of_each_request_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let lab = WebLab::local();
    let args = [
        "--repeat",
        "3",
        "--save",
        directory.path().to_str().unwrap(),
    ];
    let run = http(&args, &[lab.url("127.0.0.1", "/keep/100")]).exits(0);
    repeats(&run, 3);
    for number in 1..=3 {
        let path = directory.path().join(format!("0-{number}.body"));
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text, format!("request {number} of 100\n"));
    }
}

#[test]
fn an_interrupt_in_the_middle_leaves_a_line_for_every_request_that_was_made() {
    let server = Server::start(|mut caller| {
        let first = caller.number == 1;
        for number in 1.. {
            if caller.request().is_none() {
                return;
            }
            if first && number == 20 {
                // It is under way when the signal comes.
                caller.wait_for_others(usize::MAX, std::time::Duration::from_millis(300));
            }
            caller.say(&ok("hello"));
        }
    });
    let url = server.url("/");
    let args = ["http", &url, "--repeat", "1000000", "-f", "ndjson"];
    let mut running = Running::start(&args);
    server.wait_for_requests(20);
    running.signal(Signal::INT);
    let run = running.end().exits(130);
    let objects = repeats(&run, 20);
    assert!(objects.iter().all(|object| object["outcome"] == "answered"));
    assert_eq!(run.remaining(), 1_000_000 - 20);
}
