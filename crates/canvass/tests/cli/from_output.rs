//! `--from`: the output of one command is the list of the next.

use crate::common::{Run, canvass, canvass_reading, values};

/// The lines of a command, and what another one makes of them.
fn piped(first: &[&str], second: &[&str]) -> Run {
    let lines = canvass(&[first, &["--lab", "-q"]].concat()).out;
    canvass_reading(
        &[second, &["--lab", "-i", "-", "-f", "ndjson"]].concat(),
        lines,
    )
}

fn sorted(mut words: Vec<&str>) -> Vec<&str> {
    words.sort_unstable();
    words
}

#[test]
fn names_that_ptr_finds_are_asked_in_either_format() {
    // 10.0.0.7 has no name.
    for format in ["text", "ndjson"] {
        let ptr = ["ptr", "10.0.0.6-10.0.0.8", "nonsense", "-f", format];
        let run = piped(&ptr, &["dns", "--from", "names"]).exits(0);
        run.balance();
        let objects = run.objects();
        let names = ["host-10-0-0-6.example.net", "host-10-0-0-8.example.net"];
        assert_eq!(sorted(values(&objects, "target")), names, "{format}");
        run.says("lines without a name: 2");
    }
}

#[test]
fn addresses_and_targets_are_taken_too() {
    for format in ["text", "ndjson"] {
        let dns = ["dns", "good.lab.test", "-t", "A", "-f", format];
        let objects = piped(&dns, &["ptr", "--from", "addresses"]).objects();
        assert!(!objects.is_empty());
        let is_address = |text: &&str| text.parse::<std::net::Ipv4Addr>().is_ok();
        assert!(
            values(&objects, "target").iter().all(is_address),
            "{objects:?}"
        );
        let http = ["http", "http://www.lab.test/status/503", "-f", format];
        let run = piped(&http, &["http", "--from", "targets"]).exits(0);
        let objects = run.objects();
        assert_eq!(
            values(&objects, "target"),
            ["http://www.lab.test/status/503"]
        );
        assert_eq!(objects[0]["status"], "503");
        run.says("lines without a target: 0");
    }
}

#[test]
fn pages_are_asked_of_the_names_that_have_an_address() {
    let dns = ["dns", "www.lab.test", "-t", "A", "-f", "ndjson"];
    let run = piped(&dns, &["http", "--from", "names", "--dedup"]).exits(0);
    assert_eq!(values(&run.objects(), "target"), ["www.lab.test"]);
}

/// The owner of a reverse zone chooses names, and must not choose addresses, paths or schemes by them.
#[test]
fn a_name_that_is_something_else_is_not_asked() {
    let lines = "10.0.0.1\tNOERROR\t127.0.0.1. unix:/run/x.sock. good.lab.test.\nnothing\n";
    let args = [
        "http", "--from", "names", "--lab", "-i", "-", "-f", "ndjson",
    ];
    let run = canvass_reading(&args, lines).exits(1);
    let objects = run.whole(4);
    let statuses = values(&objects, "status");
    assert_eq!([statuses[0], statuses[1], statuses[3]], ["INVALID"; 3]);
    assert_eq!(objects[2]["target"], "good.lab.test");
    assert_eq!(objects[2]["line"], 1);
}

#[test]
fn an_unknown_part_is_answered_with_the_list() {
    canvass(&["ptr", "--from", "name", "--lab"])
        .exits(2)
        .says("[possible values: names, addresses, targets]")
        .says("similar value exists: 'names'");
}
