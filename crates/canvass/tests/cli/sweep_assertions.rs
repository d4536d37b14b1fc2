//! What sweeps expect of whole outcomes, and modules that change while they run.

use std::fs;

use rustix::process::Signal;

use crate::common::{Running, canvass, until};
use crate::name_servers::NameServer;
use crate::sweep_rig::{Files, Service, change, next_change};

/// A zone with this serial.
fn zone(serial: u32) -> String {
    format!("$TTL 300\n@ SOA ns host {serial} 3600 600 86400 300\n@ NS ns\nns A 192.0.2.53\n")
}

/// A sweep of a configuration with its messages in a file.
fn start(files: &Files, more: &[&str]) -> Running {
    let redirected = format!("exec \"$@\" 2>{}", files.path("messages"));
    let config = files.path("sweep.toml");
    let first = ["sweep", "-f", "ndjson", "-r", "127.0.0.1:9", &config];
    Running::start_by(&["sh", "-c", &redirected, "sh"], &[&first, more].concat())
}

fn group(name: &str, module: &str, targets: &[&str]) -> String {
    format!(
        "[[groups]]\nname = \"{name}\"\nmodule = \"{module}\"\ninterval = \"100ms\"\n\
         down_after = 1\nup_after = 1\ntargets = {targets:?}\n"
    )
}

#[test]
fn a_secondary_that_lacks_a_version_for_too_long_is_down() {
    let primary = NameServer::bind(&[("sweep.test", &zone(8))]);
    let secondary = NameServer::bind(&[("sweep.test", &zone(7))]);
    let [first, second] = [&primary, &secondary]
        .map(|named| format!("dns://{}/sweep.test?type=SOA", named.resolver()));
    let files = Files::new(&[]);
    let text = |lag: &str| {
        let module = format!("[modules.zone]\nserial_not_behind = \"{first}\"\n{lag}");
        module + &group("zone", "zone", &[&first, &second])
    };
    // As its SOA allows, it may be behind for an hour.
    fs::write(files.path("sweep.toml"), text("")).unwrap();
    let lines = files.path("lines");
    let mut sweep = start(&files, &["-o", &lines]);
    for _ in 0..2 {
        assert_eq!(next_change(&mut sweep)["to"], "up");
    }
    fs::write(
        files.path("sweep.toml"),
        text("serial_lag_max = \"10ms\"\n"),
    )
    .unwrap();
    sweep.signal(Signal::HUP);
    let down = next_change(&mut sweep);
    assert_eq!(change(&down), ("up", "down", true));
    assert_eq!(down["target"], second.as_str());
    let reason = down["reason"].as_str().unwrap();
    let expected = format!("expected serial 8 of {first} within 10ms, seen 7 after ");
    assert!(reason.starts_with(&expected), "{reason}");
    sweep.signal(Signal::INT);
    sweep.end().exits(130);
    // The lines of its probes say the same.
    let is_negative = |line: &serde_json::Value| {
        line["outcome"] == "negative" && line["expected"].as_str().unwrap().contains(" within 10ms")
    };
    assert!(files.probes().iter().any(is_negative));
    // One round has nothing to compare with.
    let config = files.path("sweep.toml");
    canvass(&["sweep", "--once", "-r", "127.0.0.1:9", &config])
        .exits(2)
        .says("serial_not_behind");
}

#[test]
fn one_round_judges_assertions_of_modules_and_flags() {
    let named = NameServer::bind(&[("sweep.test", &zone(7))]);
    let soa = format!("dns://{}/sweep.test?type=SOA", named.resolver());
    let service = Service::start();
    let files = Files::new(&[]);
    let config = files.path("sweep.toml");
    let once = |text: &str, more: &[&str], code| {
        fs::write(&config, text).unwrap();
        let args = [
            "sweep",
            "--once",
            "-f",
            "ndjson",
            "-r",
            "127.0.0.1:9",
            &config,
        ];
        canvass(&[&args, more].concat()).exits(code)
    };
    let module = "[modules.zone]\nserial_min = 7\nmax_latency = { total = \"1h\" }\n";
    let good = format!("{module}{}", group("zone", "zone", &[&soa]));
    once(&good, &[], 0);
    let behind = good.replace("serial_min = 7", "serial_min = 8");
    let run = once(&behind, &[], 1).says("expectations not met");
    assert_eq!(run.whole(1)[0]["expected"], "serial 8 or later");
    // A target without a module is judged by the flags.
    let plain = format!(
        "[[groups]]\nname = \"web\"\ntargets = [\"{}\"]\n",
        service.url()
    );
    once(&plain, &["--max-latency", "1h"], 0);
    once(&plain, &["--answers-min", "1"], 0);
    let list = ["sweep", "--once", "-r", "127.0.0.1:9"];
    canvass(&[&list[..], &["--answers-min", "2", &soa]].concat()).exits(1);
    canvass(&[&list[..], &["--answers-min", "1", &soa, &service.url()]].concat()).exits(0);
}

#[test]
fn a_changed_module_applies_without_a_restart() {
    let [one, two] = [Service::start(), Service::start()];
    let files = Files::new(&[]);
    let write = |text: String| fs::write(files.path("sweep.toml"), text).unwrap();
    let said = |words: &str| {
        until(words, || {
            let messages = fs::read_to_string(files.path("messages"));
            messages.is_ok_and(|text| text.contains(words))
        });
    };
    let text = |body: &str| {
        let module = format!("[modules.page]\nexpect_body = \"{body}\"\ntimeout = \"5s\"\n");
        module + &group("web", "page", &[&one.url()])
    };
    write(text("ok"));
    let mut sweep = start(&files, &[]);
    let up = next_change(&mut sweep);
    assert_eq!(change(&up), ("unknown", "up", false));

    write(text("good"));
    sweep.signal(Signal::HUP);
    let down = next_change(&mut sweep);
    // Its state is kept, and only what is expected now has changed.
    assert_eq!(change(&down), ("up", "down", true));
    assert_eq!(down["reason"], "expected body matching /good/, seen \"ok\"");

    // A broken file changes nothing.
    write(text("goo("));
    sweep.signal(Signal::HUP);
    said("the sweep goes on with the targets as before");

    // The module is as at first, and there is another one for another target.
    let other = "[modules.other]\nexpect_status = 404\n";
    write(text("ok") + other + &group("other", "other", &[&two.url()]));
    sweep.signal(Signal::HUP);
    let mut changes = [next_change(&mut sweep), next_change(&mut sweep)];
    changes.sort_by_key(|line| line["group"].to_string());
    assert_eq!(change(&changes[0]), ("unknown", "down", true));
    assert_eq!(changes[0]["reason"], "expected status 404, seen 200");
    assert_eq!(change(&changes[1]), ("down", "up", true));
    sweep.signal(Signal::INT);
    sweep.end().exits(130);
    said("targets  unknown 0  up 1  down 1  flapping 0  maintenance 0");
}
