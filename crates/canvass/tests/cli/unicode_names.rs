//! Names in Unicode are asked as A-labels, and shown as they were given.

use std::sync::{Arc, Mutex};

use crate::common::{canvass, canvass_reading, values};
use crate::peers::{Peer, reply};

/// The name of a query in presentation form, without escapes.
fn asked(query: &[u8]) -> String {
    let (mut name, mut at) = (String::new(), 12);
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        name.extend(query[at + 1..end].iter().map(|octet| char::from(*octet)));
        name.push('.');
        at = end;
    }
    name
}

#[test]
fn names_are_converted_as_in_urls_and_others_are_left() {
    let names = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&names);
    let peer = Peer::udp(move |query| {
        seen.lock().unwrap().push(asked(query));
        vec![reply(query, 3, &[])]
    });
    let list = "m\u{fc}ller.example\n\u{4f8b}\u{3048}.\u{30c6}\u{30b9}\u{30c8} AAAA\n\
                _dmarc.M\u{dc}LLER.example\n_dmarc.Example\na\\032b.example\nfa\u{df}.example.\n\
                a.xn--\u{fc}.example\n";
    let run = canvass_reading(&["dns", "-r", &peer.resolver(), "-f", "ndjson"], list).exits(1);
    let objects = run.whole(7);
    let given: Vec<&str> = list
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(values(&objects, "target"), given);
    assert_eq!(objects[6]["status"], "INVALID");
    assert_eq!(
        objects[6]["error"]["message"],
        "label 2 of the name is not valid in internationalized names (UTS 46)"
    );
    let mut names = names.lock().unwrap().clone();
    names.sort();
    assert_eq!(
        names,
        [
            "_dmarc.Example.",
            "_dmarc.xn--mller-kva.example.",
            "a b.example.",
            "xn--fa-hia.example.",
            "xn--mller-kva.example.",
            "xn--r8jz45g.xn--zckzah.",
        ]
    );
}

#[test]
fn hosts_are_converted_too() {
    let peer = Peer::udp(|query| vec![reply(query, 3, &[])]);
    let target = "m\u{fc}ller.example:7";
    let run = canvass(&["tcp", target, "-r", &peer.resolver(), "-f", "ndjson"]).exits(1);
    let object = &run.whole(1)[0];
    assert_eq!(object["target"], target);
    let message = object["error"]["message"].as_str().unwrap();
    assert!(message.contains("xn--mller-kva.example"), "{message}");
}
