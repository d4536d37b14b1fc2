//! The lab by itself, and the flags that say what goes wrong in it.

use rustix::process::Signal;

use crate::common::{LabChild, canvass, distinct};
use crate::peers::closed_port;

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
        "lab: 1 query over UDP, 1 query over TCP, 2 answered, 1 connection accepted\n"
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
        let run = canvass(&[&args[..], &["-f", "ndjson", "-v"]].concat()).exits(0);
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
fn a_lab_answers_as_a_recursive_resolver_does() {
    // No name is two of them.
    for (lab, code, status) in [
        ("--lab=nxdomain=100%", 0, "NXDOMAIN"),
        ("--lab=lame=100%,lame-by=10ms", 1, "SERVFAIL"),
        ("--lab=nxdomain=100%,lame=100%,lame-by=10ms", 1, "SERVFAIL"),
    ] {
        let args = ["ptr", "10.0.0.0/28", lab, "--retries", "0", "-f", "ndjson"];
        let objects = canvass(&args).exits(code).whole(16);
        assert!(
            distinct(&objects, "status").into_iter().eq([status]),
            "{lab}"
        );
    }
}

#[test]
fn a_lab_that_is_slow_or_stopped_loses_nothing_that_its_queue_holds() {
    for lab in [
        "--lab=service-time=1ms",
        "--lab=freeze=30ms,freeze-every=50ms",
        "--lab=delay=5ms,inflight-cap=3,over=refused",
    ] {
        let args = ["ptr", "10.0.0.0/26", lab, "-f", "ndjson"];
        canvass(&args).exits(0).whole(64);
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
    let run = canvass(&["ptr", "10.0.0.1", "--lab=delay=60ms", "-f", "ndjson", "-v"]).exits(0);
    let latency_ms = run.whole(1)[0]["latency_ms"].as_f64().unwrap();
    assert!(latency_ms >= 60.0, "{latency_ms}");
    run.says("delay applied");
}

#[test]
fn impairments_that_are_none_are_named() {
    for (given, words) in [
        ("--lab=speed=9", "unknown impairment \"speed\""),
        ("--lab=loss=200%", "invalid value \"200%\" for loss"),
        ("--lab=delay=5", "invalid value \"5\" for delay"),
    ] {
        canvass(&["ptr", "10.0.0.1", given]).exits(2).says(words);
    }
    canvass(&["lab", "--loss", "x"])
        .exits(2)
        .says("invalid value \"x\" for loss");
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

#[test]
fn a_lab_in_front_of_a_server_keeps_its_delay_over_both_transports() {
    let mut server = LabChild::start(&[]);
    let forward = server.resolver();
    let mut front = LabChild::start(&["--forward", &forward, "--delay", "20ms"]);
    let resolver = front.resolver();
    for transport in ["udp", "tcp"] {
        let run = canvass(&[
            "ptr",
            "10.1.2.0/26",
            "-r",
            &resolver,
            "--transport",
            transport,
            "-f",
            "ndjson",
            "--timeout",
            "10s",
        ])
        .exits(0);
        for (number, object) in run.whole(64).iter().enumerate() {
            // The one behind answers as it does when it is asked itself.
            if object["outcome"] == "answered" && object["names"] != serde_json::json!([]) {
                let name = format!("host-10-1-2-{number}.example.net.");
                assert_eq!(object["names"][0], name, "{object}");
            }
            let latency_ms = object["latency_ms"].as_f64().unwrap();
            assert!(latency_ms >= 20.0, "{object}");
        }
        // Every seventh has no name.
        assert!(run.balance()[1] > 50);
    }
    front.running.signal(Signal::INT);
    let report = front.running.end().exits(0).err;
    server.running.signal(Signal::INT);
    let behind = server.running.end().exits(0).err;
    let count = |report: &str, words: &str| -> u64 {
        let part = report.split([',', '\n']).find_map(|part| {
            let part = part.trim_start_matches("lab:").trim();
            part.strip_suffix(words)?.trim().parse().ok()
        });
        part.unwrap_or_else(|| panic!("{words:?} is not in {report}"))
    };
    let udp = count(&report, "queries over UDP");
    let tcp = count(&report, "queries over TCP");
    assert!(udp >= 64 && tcp >= 64, "{report}");
    // What came by a transport went on by it.
    assert_eq!(count(&behind, "queries over UDP"), udp, "{behind}");
    assert_eq!(count(&behind, "queries over TCP"), tcp, "{behind}");
    assert_eq!(count(&report, "forwarded"), udp + tcp);
    assert_eq!(count(&report, "answered by the server"), udp + tcp);
    assert!(report.contains("\n  delay applied: p50 2"), "{report}");
}

#[test]
fn a_lab_in_front_of_nobody_says_that_nothing_was_answered() {
    let nobody = closed_port().to_string();
    let mut front = LabChild::start(&["--forward", &nobody]);
    let run = canvass(&[
        "ptr",
        "10.0.0.1",
        "-r",
        &front.resolver(),
        "--transport",
        "udp",
        "--retries",
        "1",
        "--timeout",
        "100ms",
        "-f",
        "ndjson",
    ])
    .exits(1);
    assert_eq!(run.whole(1)[0]["status"], "TIMEOUT");
    front.running.signal(Signal::INT);
    front
        .running
        .end()
        .exits(0)
        .says("2 forwarded, 2 never answered by the server");
}

#[test]
fn a_server_to_forward_to_is_an_address_and_a_port_and_not_the_lab_itself() {
    for (server, words) in [
        ("127.0.0.1", "expected an address and a port"),
        ("localhost:53", "expected an address and a port"),
        ("127.0.0.1:0", "port 0 cannot be sent to"),
    ] {
        let run = canvass(&["lab", "--forward", server]).exits(2);
        run.says("--forward").says(server).says(words);
    }
    let itself = closed_port().to_string();
    for listen in [itself.clone(), itself.replace("127.0.0.1", "0.0.0.0")] {
        canvass(&["lab", "--listen", &listen, "--forward", &itself])
            .exits(2)
            .says(&format!(
                "--forward {itself} is the lab itself (--listen {listen})"
            ));
    }
}
