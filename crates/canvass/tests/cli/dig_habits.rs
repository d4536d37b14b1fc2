//! Arguments as dig takes them.

use serde_json::json;

use crate::common::{Run, canvass, canvass_reading, values};
use crate::peers::Peer;

fn dns(args: &[&str]) -> Run {
    let mut all = vec!["dns", "--lab", "-f", "ndjson"];
    all.extend(args);
    canvass(&all)
}

#[test]
fn an_address_with_the_type_ptr_is_asked_for_its_reverse_name() {
    for (args, code, targets) in [
        (&["192.0.2.1", "-t", "PTR"][..], 0, &["192.0.2.1"][..]),
        (&["192.0.2.1", "PTR"], 0, &["192.0.2.1"]),
        (
            &["::ffff:192.0.2.1", "2001:db8::1", "-t", "ptr"],
            0,
            &["::ffff:192.0.2.1", "2001:db8::1"],
        ),
        (
            &["192.0.2.4/31", "192.0.2.8-192.0.2.9", "-t", "PTR"],
            0,
            &["192.0.2.4", "192.0.2.5", "192.0.2.8", "192.0.2.9"],
        ),
        (
            &["1.2.0.192.in-addr.arpa", "-t", "PTR"],
            0,
            &["1.2.0.192.in-addr.arpa"],
        ),
    ] {
        let objects = dns(args).exits(code).whole(targets.len() as u64);
        assert_eq!(values(&objects, "target"), targets);
        for object in &objects {
            assert_eq!(
                (&object["probe"], &object["type"]),
                (&json!("dns"), &json!("PTR"))
            );
            let data = object["answers"][0]["data"].as_str().unwrap();
            assert!(data.starts_with("host-"), "{data}");
        }
    }
    let name = "1.2.0.192.in-addr.arpa.";
    let object = &dns(&["192.0.2.1", "-t", "PTR"]).exits(0).whole(1)[0];
    assert_eq!(object["answers"][0]["name"], name);
    let run = canvass_reading(
        &["dns", "--lab", "-f", "ndjson"],
        "192.0.2.4/31 PTR\n192.0.2.1/31 PTR\n",
    )
    .exits(1);
    let objects = run.whole(3);
    assert_eq!(
        values(&objects, "target"),
        ["192.0.2.4", "192.0.2.5", "192.0.2.1/31 PTR"]
    );
    assert_eq!(
        objects[2]["error"]["message"],
        "host bits are set; the network is 192.0.2.0/31"
    );
}

#[test]
fn an_address_with_another_type_is_asked_as_a_name_with_a_hint() {
    let args = ["192.0.2.1", "--retries", "0"];
    let run = dns(&args).exits(1);
    assert_eq!(run.whole(1)[0]["status"], "REFUSED");
    run.says("192.0.2.1 is asked as if it were a name; for its reverse name use -t PTR");
    assert_eq!(dns(&[&args[..], &["-q"]].concat()).exits(1).err, "");
}

#[test]
fn a_type_beside_the_names_is_a_type() {
    for (args, types) in [
        (&["example.net", "MX"][..], &["MX"][..]),
        (&["example.net", "mx"], &["MX"]),
        (&["MX", "example.net"], &["MX"]),
        (&["example.net", "A", "TYPE15"], &["A", "MX"]),
        (&["example.net", "A,MX"], &["A", "MX"]),
    ] {
        let run = dns(args).exits(0);
        let objects = run.whole(types.len() as u64);
        assert_eq!(values(&objects, "type"), types, "{args:?}");
        assert!(
            values(&objects, "target")
                .iter()
                .all(|name| *name == "example.net")
        );
        run.says(&format!(
            "canvass: asking for {}, as with -t {};",
            types.join(" and "),
            types.join(",")
        ));
        let quiet = dns(&[args, &["-q"]].concat()).exits(0);
        assert_eq!(quiet.err, "");
    }
    let run = canvass_reading(
        &["dns", "MX", "-i", "-", "--lab", "-f", "ndjson"],
        "example.net",
    );
    assert_eq!(values(&run.exits(0).whole(1), "type"), ["MX"]);
}

#[test]
fn a_name_that_looks_like_a_type_can_be_asked() {
    for (args, names) in [
        (
            &["example.net", "mx", "-t", "A"][..],
            &["example.net", "mx"][..],
        ),
        (&["example.net", "mx."], &["example.net", "mx."]),
        (&["mx"], &["mx"]),
    ] {
        let run = dns(&[args, &["--retries", "0"]].concat());
        assert_eq!(values(&run.whole(names.len() as u64), "target"), names);
        assert!(!run.err.contains("as with -t"), "{}", run.err);
    }
}

#[test]
fn a_resolver_may_be_an_argument() {
    let peer = Peer::honest();
    let (ip, port) = (peer.address.ip(), peer.address.port());
    for given in [format!("@{ip}:{port}"), format!("@{ip}#{port}")] {
        let run = canvass(&["ptr", &given, "10.0.0.1"]).exits(0);
        assert_eq!(run.out, "10.0.0.1\tNOERROR\ta.test.\n");
        let run = canvass(&["dns", "10.0.0.1", &given, "PTR"]).exits(0);
        assert_eq!(run.out, "10.0.0.1\tPTR\tNOERROR\ta.test.\n");
    }
    canvass(&["dns", "example.net", "@ns.example.net"])
        .exits(2)
        .says("the resolver \"ns.example.net\" is neither an IP address");
    canvass(&["dns", "example.net", "@127.0.0.1", "--lab"])
        .exits(2)
        .says("@ADDR cannot be used with --lab");
}
