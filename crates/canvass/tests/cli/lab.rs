//! The lab by itself, and the flags that say what goes wrong in it.

use rustix::process::Signal;

use crate::common::{LabChild, canvass};

#[test]
fn a_lab_says_where_it_listens_serves_both_transports_and_tells_what_it_did() {
    let mut lab = LabChild::start(&[]);
    let resolver = lab.resolver();
    for transport in ["udp", "tcp"] {
        let run = canvass(&["ptr", "10.1.2.3", "-r", &resolver, "--transport", transport]).exits(0);
        assert_eq!(run.out, "10.1.2.3\tNOERROR\thost-10-1-2-3.example.net.\n");
    }
    lab.running.signal(Signal::INT);
    let run = lab.running.end().exits(0);
    assert_eq!(
        run.err,
        "lab: 1 queries over UDP, 1 queries over TCP, 2 answered, 1 connections accepted\n"
    );
}

#[test]
fn a_lab_serves_ipv6_on_the_same_port_when_asked() {
    let lab = LabChild::start(&["--ipv6"]);
    let resolver = format!("[::1]:{}", lab.address.port());
    for transport in ["udp", "tcp"] {
        let args = [
            "ptr",
            "2001:db8::1",
            "-r",
            &resolver,
            "--transport",
            transport,
        ];
        let run = canvass(&[&args[..], &["-f", "ndjson"]].concat()).exits(0);
        let object = &run.whole(1)[0];
        assert_eq!(object["resolver"], resolver);
        assert_eq!(
            object["names"],
            serde_json::json!(["host-2001-db8-0-0-0-0-0-1.example.net."])
        );
        run.says(&resolver);
    }
}

#[test]
fn what_goes_wrong_is_a_flag_of_the_lab_alone() {
    let lab = LabChild::start(&["--servfail", "100%", "--delay", "5ms"]);
    let run = canvass(&["ptr", "10.0.0.1", "-r", &lab.resolver(), "--retries", "1"]).exits(1);
    assert_eq!(
        run.out,
        format!(
            "10.0.0.1\tSERVFAIL\t{} answered SERVFAIL in 2 attempts\n",
            lab.resolver()
        )
    );
}

#[test]
fn a_delay_is_waited_for() {
    let run = canvass(&["ptr", "10.0.0.1", "--lab=delay=60ms", "-f", "ndjson"]).exits(0);
    let latency_ms = run.whole(1)[0]["latency_ms"].as_f64().unwrap();
    assert!(latency_ms >= 60.0, "{latency_ms}");
    run.says("delay given");
}

#[test]
fn impairments_that_are_none_are_named() {
    for (given, words) in [
        ("--lab=speed=9", "no impairment is called \"speed\""),
        ("--lab=loss=200%", "loss cannot be \"200%\""),
        ("--lab=delay=5", "delay cannot be \"5\""),
    ] {
        canvass(&["ptr", "10.0.0.1", given]).exits(2).says(words);
    }
    canvass(&["lab", "--loss", "x"])
        .exits(2)
        .says("loss cannot be \"x\"");
    canvass(&["lab", "--listen", "nowhere"])
        .exits(2)
        .says("nowhere");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let lab = LabChild::start(&[]);
    let address = lab.resolver();
    canvass(&["lab", "--listen", &address])
        .exits(3)
        .says(&format!("cannot listen on {address}"));
}
