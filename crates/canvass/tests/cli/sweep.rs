//! `canvass sweep`: what it watches, and what it says.

use std::net::Ipv4Addr;
use std::os::unix::net::UnixListener;

use rustix::process::Signal;

use crate::common::{canvass, until};
use crate::peers::{Peer, closed_port, reply};
use crate::probe_peers::TcpPeer;
use crate::sweep_rig::{Files, INTERVAL_MS, Service, change, due_us, next_change, summed};

/// The type A.
const A: u16 = 1;

#[test]
fn a_list_is_checked_whole_before_anything_is_sent() {
    let service = Service::start();
    let url = service.url();
    for (lines, more, said) in [
        (
            &[&*url, "htps://127.0.0.1/"][..],
            &[][..],
            "line 2: \"htps://127.0.0.1/\"",
        ),
        (&[&*url, "127.0.0.1:80"], &[], "line 2"),
        (&[&*url, "tcp://127.0.0.1:80", &*url], &[], "line 3: "),
        (&[&*url, &*url], &[], "is in the list already, in line 1"),
        (&["# nothing"], &[], "the list is empty"),
        (&[&*url], &["-f", "csv"], "--format csv"),
        (&[&*url], &["--interval", "0s"], "--interval"),
        (&[&*url], &["--interval", "soon"], "--interval"),
        (&[&*url], &["--down-after", "0"], "--down-after"),
        (&[&*url], &["--up-after", "0"], "--up-after"),
    ] {
        let files = Files::new(lines);
        let args = files.args(more);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let run = canvass(&args).exits(2).says(said);
        assert_eq!(run.out, "");
    }
    assert_eq!(service.connections(), 0);
}

#[test]
fn one_round_is_a_gate_as_a_check_is() {
    let service = Service::start();
    let (url, closed) = (service.url(), format!("tcp://{}", closed_port()));
    let once = |list: &[&str], more: &[&str]| {
        let args = ["sweep", "--once", "-r", "127.0.0.1:1", "-q", "-f", "ndjson"];
        canvass(&[&args[..], more, list].concat())
    };
    for (more, code) in [
        (&[][..], 1),
        (&["--fail-below", "50"], 0),
        (&["--fail-below", "51"], 1),
    ] {
        let run = once(&[&url, &closed], more).exits(code);
        let lines = run.whole(2);
        assert_eq!(lines[0]["status"], "200");
        assert_eq!(lines[1]["status"], "CONNREFUSED");
    }
    once(&[&url], &[]).exits(0);
    once(&[&url, &url], &[]).exits(2);
}

#[test]
fn a_target_that_goes_down_and_comes_back_has_a_line_for_each() {
    let service = Service::start();
    let url = service.url();
    let files = Files::new(&[&url]);
    let mut running = files.sweep(&[]);
    let up = next_change(&mut running);
    assert_eq!(change(&up), ("unknown", "up", false));
    assert_eq!(
        (&up["target"], &up["group"]),
        (&url.as_str().into(), &"endpoints".into())
    );
    assert!(up["lasted_s"].is_null() && up["reason"].is_null(), "{up}");
    service.go_down();
    let down = next_change(&mut running);
    assert_eq!(change(&down), ("up", "down", true));
    assert!(
        down["reason"].as_str().unwrap().contains("closed"),
        "{down}"
    );
    assert!(down["lasted_s"].as_f64().unwrap() > 0.0, "{down}");
    service.come_back();
    let up = next_change(&mut running);
    assert_eq!(change(&up), ("down", "up", true));
    assert!(up["reason"].is_null(), "{up}");
    running.signal(Signal::INT);
    let run = running.end().exits(130);
    assert_eq!(run.out, "", "a line too many");
    // Standard output has the changes, and the file every probe.
    let [probed, answered, _, failed] = run.balance();
    assert_eq!(summed(&run.err, "begun"), probed);
    assert_eq!(files.probes().len() as u64, probed);
    assert!(failed >= 3 && answered >= 3, "{}", run.err);
    assert_eq!(summed(&run.err, "up"), 1);
}

#[test]
fn a_person_reads_the_same() {
    let service = Service::start();
    let url = service.url();
    let files = Files::new(&[&url]);
    let mut running = files.sweep(&["-f", "text"]);
    // The time before the state, and what is a number of seconds, differ from run to run.
    let mut line = || {
        let line = running.read_line();
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.len() == 24 && time.ends_with('Z'), "{line}");
        rest.replace(|c: char| c.is_ascii_digit(), "0")
    };
    let shown = url.replace(|c: char| c.is_ascii_digit(), "0");
    assert_eq!(line(), format!("up       {shown}"));
    service.go_down();
    let down = line();
    assert!(
        down.starts_with(&format!("down     {shown} after 0s up: ")),
        "{down}"
    );
    service.come_back();
    assert_eq!(line(), format!("up       {shown} after 0s down"));
    running.signal(Signal::TERM);
    assert_eq!(running.end().exits(143).out, "");
}

#[test]
fn lost_probes_short_of_the_threshold_change_nothing() {
    let service = Service::start();
    let url = service.url();
    let files = Files::new(&[&url]);
    let mut running = files.sweep(&[]);
    assert_eq!(change(&next_change(&mut running)), ("unknown", "up", false));
    for lost in [1, 2, 1, 2] {
        let answered = service.answered();
        service.lose(lost);
        until("the lost probes and one more", || {
            service.has_lost_all() && service.answered() > answered + 1
        });
    }
    running.signal(Signal::INT);
    let run = running.end().exits(130);
    assert_eq!(run.out, "");
    assert_eq!(run.balance()[3], 6);
    assert_eq!(summed(&run.err, "up"), 1);
}

#[test]
fn the_second_opinion_decides() {
    let service = Service::start();
    let url = service.url();
    let files = Files::new(&[&url]);
    let mut running = files.sweep(&[]);
    assert_eq!(change(&next_change(&mut running)), ("unknown", "up", false));
    // Three rounds and the first attempt of the opinion; its next attempt is answered.
    let answered = service.answered();
    service.lose(4);
    until("an answer", || service.answered() > answered + 2);
    running.signal(Signal::INT);
    let run = running.end().exits(130);
    assert_eq!(run.out, "");
}

#[test]
fn what_was_up_or_down_before_a_kill_is_so_after_it() {
    let (good, bad) = (Service::start(), Service::start());
    bad.go_down();
    let (good_url, bad_url) = (good.url(), bad.url());
    let files = Files::new(&[&good_url, &bad_url]);
    let state = files.path("state.json");
    let mut running = files.sweep(&["--state", &state]);
    let mut first = [next_change(&mut running), next_change(&mut running)];
    first.sort_by_key(|object| object["to"].to_string());
    assert_eq!(change(&first[0]), ("unknown", "down", true));
    assert_eq!(first[0]["target"], bad_url);
    assert_eq!(change(&first[1]), ("unknown", "up", false));
    running.signal(Signal::KILL);
    assert_eq!(running.end().code, None);

    let mut running = files.sweep(&["--state", &state]);
    // More rounds than either threshold.
    until("some rounds", || files.probes().len() >= 12);
    bad.come_back();
    let up = next_change(&mut running);
    assert_eq!(change(&up), ("down", "up", true));
    assert_eq!(up["target"], bad_url);
    running.signal(Signal::KILL);
    assert_eq!(running.end().out, "");

    let mut running = files.sweep(&["--state", &state]);
    until("some rounds", || files.probes().len() >= 12);
    running.signal(Signal::INT);
    let run = running.end().exits(130);
    assert_eq!(run.out, "");
    assert_eq!(summed(&run.err, "up"), 2);
}

#[test]
fn a_state_file_that_is_none_is_refused_and_kept() {
    let service = Service::start();
    let url = service.url();
    let files = Files::new(&[&url]);
    let state = files.path("state.json");
    std::fs::write(&state, "{\"no\": 1").unwrap();
    let args = files.args(&["--state", &state]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    canvass(&args).exits(2).says(&state);
    assert_eq!(std::fs::read_to_string(&state).unwrap(), "{\"no\": 1");
    assert_eq!(service.connections(), 0);
}

#[test]
fn a_process_that_stood_still_neither_catches_up_nor_drifts_nor_blames_its_targets() {
    let services: Vec<Service> = (0..8).map(|_| Service::start()).collect();
    let urls: Vec<String> = services.iter().map(Service::url).collect();
    let list: Vec<&str> = urls.iter().map(String::as_str).collect();
    let files = Files::new(&list);
    let mut running = files.sweep(&[]);
    for _ in &list {
        assert_eq!(change(&next_change(&mut running)), ("unknown", "up", false));
    }
    until("a few rounds", || files.probes().len() >= 3 * list.len());
    running.signal(Signal::STOP);
    let stopped = std::time::Instant::now();
    until("intervals to pass", || {
        stopped.elapsed().as_millis() as u64 > 6 * INTERVAL_MS
    });
    let before = files.probes().len();
    running.signal(Signal::CONT);
    until("a few rounds", || {
        files.probes().len() >= before + 4 * list.len()
    });
    running.signal(Signal::INT);
    let run = running.end().exits(130);
    assert_eq!(run.out, "", "nothing has changed");
    let missed = summed(&run.err, "missed");
    assert!(missed >= 5 * list.len() as u64, "missed {missed}");
    let probes = files.probes();
    let interval_us = INTERVAL_MS as i64 * 1_000;
    for (target, mut due) in due_us(&probes) {
        due.sort_unstable();
        for pair in due.windows(2) {
            // A multiple of the interval, and not 0. Times are printed to a microsecond.
            let step = (pair[1] - pair[0]).rem_euclid(24 * 3_600_000_000);
            let off = (step + interval_us / 2).rem_euclid(interval_us) - interval_us / 2;
            assert!(
                step > interval_us / 2 && off.abs() <= 10,
                "{target}: {due:?}"
            );
        }
    }
}

/// A resolver that has one name for 127.0.0.1, which is not kept, until it is told to fail.
fn resolver(is_broken: &std::sync::Arc<std::sync::atomic::AtomicBool>) -> Peer {
    let is_broken = std::sync::Arc::clone(is_broken);
    Peer::udp(move |query| {
        if is_broken.load(std::sync::atomic::Ordering::SeqCst) {
            return vec![reply(query, 2, &[])];
        }
        // The type stands before the class and the OPT record.
        let end = 12 + query[12..].iter().position(|octet| *octet == 0).unwrap();
        if query[end + 2] != A as u8 {
            return vec![reply(query, 0, &[])];
        }
        let mut answer = reply(query, 0, &[(A, &[127, 0, 0, 1])]);
        let ttl = answer.len() - 10;
        answer[ttl..ttl + 4].fill(0);
        vec![answer]
    })
}

#[test]
fn a_resolver_that_fails_makes_nothing_down() {
    let service = Service::start();
    let is_broken = std::sync::Arc::default();
    let resolver = resolver(&is_broken);
    let url = format!("http://web.test:{}/", service.port());
    let files = Files::new(&[&url]);
    let address = resolver.resolver();
    let mut running = files.sweep(&["-r", &address, "--retries", "0", "--timeout", "100ms"]);
    assert_eq!(change(&next_change(&mut running)), ("unknown", "up", false));
    is_broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let unknown = next_change(&mut running);
    assert_eq!(change(&unknown), ("up", "unknown", false));
    assert!(
        unknown["reason"].as_str().unwrap().contains("web.test"),
        "{unknown}"
    );
    is_broken.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(change(&next_change(&mut running)), ("unknown", "up", false));
    running.signal(Signal::INT);
    assert_eq!(running.end().exits(130).out, "");
}

#[test]
fn endpoints_of_every_kind_are_in_one_sweep() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let peer = Peer::udp(|query| vec![reply(query, 0, &[(A, &[127, 0, 0, 1])])]);
    let unix = format!("unix:{}", socket.display());
    let question = format!("dns://{}/a.test", peer.resolver());
    let closed = format!("tcp://{}", closed_port());
    let list = [
        &*unix,
        &question,
        &closed,
        "https://www.lab.test/",
        "smtp://www.lab.test",
        "dns:///b.lab.test",
    ];
    let files = Files::new(&list);
    let mut running = files.sweep(&["--lab"]);
    let mut seen = std::collections::BTreeMap::new();
    for _ in &list {
        let object = next_change(&mut running);
        let target = object["target"].as_str().unwrap().to_owned();
        seen.insert(target, object["to"].as_str().unwrap().to_owned());
    }
    for target in list {
        let expected = if target == closed { "down" } else { "up" };
        assert_eq!(seen[target], expected, "{target}");
    }
    running.signal(Signal::INT);
    assert_eq!(running.end().exits(130).out, "");
}

#[test]
fn a_reader_that_has_gone_ends_a_sweep_without_a_word() {
    let service = Service::start();
    let url = service.url();
    let files = Files::new(&[&url]);
    let mut running = files.sweep(&[]);
    next_change(&mut running);
    running.hang_up();
    service.go_down();
    let run = running.end().exits(0);
    assert_eq!(run.err, "");
}

#[test]
fn a_second_signal_ends_a_sweep_whose_output_nobody_reads() {
    let peer = TcpPeer::serve_on(Ipv4Addr::UNSPECIFIED, drop);
    let port = peer.address.port();
    // Their lines do not fit in a pipe.
    let list: Vec<String> = (0..800)
        .map(|number| format!("tcp://127.1.{}.{}:{port}", number >> 8, number & 255))
        .collect();
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    let files = Files::new(&list);
    let mut running = files.sweep(&["--interval", "1s"]);
    until("all to be probed", || files.probes().len() >= list.len());
    until("an end that must wait, or a second signal", || {
        // Two different ones that are pending together would be seen in any order.
        running.signal(Signal::INT);
        running.has_ended()
    });
    let run = running.end().exits(130);
    assert!(run.err.contains("the output is blocked"), "{}", run.err);
}
