//! Lines that name the resolver they are asked of.

use serde_json::json;

use crate::common::{LabChild, canvass, canvass_reading, values};
use crate::peers::{Peer, closed_port, reply};

#[test]
fn a_line_is_asked_of_the_resolver_it_names() {
    let (first, second) = (Peer::honest(), Peer::honest());
    let [first_at, second_at] = [first.resolver(), second.resolver()];
    let hashed = second_at.replace(':', "#");
    let list = format!(
        "10.0.0.1\n10.0.0.2 @{second_at}\n10.0.0.4/30 @{hashed}\n\
         2.0.0.10.in-addr.arpa\t @{second_at}\n10.0.0.3 # @{second_at}\n"
    );
    let run = canvass_reading(&["ptr", "-r", &first_at, "-f", "ndjson"], list).exits(0);
    let objects = run.whole(8);
    assert_eq!(values(&objects, "target")[1], "10.0.0.2");
    let resolvers = values(&objects, "resolver");
    let mut expected = vec![second_at.as_str(); 8];
    expected[0] = &first_at;
    expected[7] = &first_at;
    assert_eq!(resolvers, expected);
    assert_eq!((first.queries(), second.queries()), (2, 6));
}

#[test]
fn a_line_may_name_types_and_a_resolver() {
    let (here, there) = (LabChild::start(&[]), LabChild::start(&[]));
    let [here_at, there_at] = [here.resolver(), there.resolver()];
    let list = format!(
        "example.net A,MX @{there_at}\nexample.net @{there_at}\nexample.net MX\n\
         192.0.2.4/31 PTR @{there_at}\n"
    );
    let run = canvass_reading(&["dns", "-r", &here_at, "-t", "TXT", "-f", "ndjson"], list).exits(0);
    let objects = run.whole(6);
    assert_eq!(
        values(&objects, "type"),
        ["A", "MX", "TXT", "MX", "PTR", "PTR"]
    );
    let [there_at, here_at] = [&*there_at, &here_at];
    assert_eq!(
        values(&objects, "resolver"),
        [there_at, there_at, there_at, here_at, there_at, there_at]
    );
}

#[test]
fn only_the_named_resolver_is_asked_even_if_it_refuses() {
    let good = Peer::honest();
    let refusing = Peer::udp(|query| vec![reply(query, 5, &[])]);
    let line = format!("10.0.0.1 @{}", refusing.resolver());
    let run = canvass(&[
        "ptr",
        &line,
        "-r",
        &good.resolver(),
        "--retries",
        "1",
        "-f",
        "ndjson",
    ])
    .exits(1);
    let object = &run.whole(1)[0];
    assert_eq!(
        (&object["target"], &object["status"], &object["resolver"]),
        (
            &json!("10.0.0.1"),
            &json!("REFUSED"),
            &json!(refusing.resolver())
        )
    );
    assert_eq!((good.queries(), refusing.queries()), (0, 2));
}

#[test]
fn a_line_with_a_bad_resolver_is_invalid() {
    let peer = Peer::honest();
    let list = "10.0.0.1 @ns.example.net\n10.0.0.2 @192.0.2.1#0\n10.0.0.3 @fe80::1%nosuch0\n\
                10.0.0.4 @\n10.0.0.5\n";
    let run = canvass_reading(&["ptr", "-r", &peer.resolver(), "-f", "ndjson"], list).exits(1);
    let objects = run.whole(5);
    let reasons = [
        "\"ns.example.net\" is not the IP address of a resolver",
        "\"0\" is not a port from 1 to 65535",
        "this machine has no network interface \"nosuch0\"",
        "\"\" is not the IP address of a resolver",
    ];
    for (object, reason) in objects.iter().zip(reasons) {
        assert_eq!(object["status"], "INVALID");
        assert_eq!(object["error"]["message"], reason);
    }
    assert_eq!(objects[0]["target"], "10.0.0.1 @ns.example.net");
    assert_eq!(objects[4]["outcome"], "answered");
}

#[test]
fn a_dead_resolver_of_one_line_is_not_that_of_another() {
    let peer = Peer::honest();
    let dead = closed_port();
    let list = format!(
        "10.0.0.1 @{dead}\n10.0.0.2 @{}\n10.0.0.3\n",
        peer.resolver()
    );
    let args = [
        "ptr",
        "-r",
        &peer.resolver(),
        "--retries",
        "0",
        "-f",
        "ndjson",
    ];
    let objects = canvass_reading(&args, list).exits(1).whole(3);
    assert_eq!(
        values(&objects, "status"),
        ["CONNREFUSED", "NOERROR", "NOERROR"]
    );
}
