//! What is answered to datagrams, by whom and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::common::{canvass, distinct};
use crate::peers::{Peer, closed_port};
use crate::probe_peers::UdpHost;
use crate::probing::{assert_line, probe, reached, script, verdict};

#[test]
fn the_labs_services_answer_datagrams() {
    let object = probe(&["udp", "127.0.0.1", "--lab=time-skew=120", "--talk", "time"]);
    assert_eq!(
        (&object["probe"], &object["status"]),
        (&json!("udp"), &json!("MATCHED"))
    );
    let drift_s: f64 = object["captures"]["drift_s"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((118.0..=120.5).contains(&drift_s), "{object}");
    assert_eq!(
        (&object["sent_bytes"], &object["received_bytes"]),
        (&0.into(), &4.into())
    );
    assert_eq!(reached(&object), ["first_byte", "transfer"]);
    assert!(object.get("replies").is_none(), "{object}");
    let object = probe(&["udp", "127.0.0.1", "--lab", "--talk", "daytime"]);
    assert!(
        object["captures"]["daytime"]
            .as_str()
            .unwrap()
            .ends_with(" UTC"),
        "{object}"
    );
    let object = probe(&["udp", "localhost:echo", "--lab", "--talk", "echo"]);
    assert_eq!(object["status"], "MATCHED");
    assert_eq!(object["sent_bytes"], object["received_bytes"]);
}

#[test]
fn an_empty_datagram_is_sent_where_nothing_is_said_and_any_answer_counts() {
    let peer = Peer::udp(|query| {
        vec![if query.is_empty() {
            vec![0xff; 3]
        } else {
            vec![]
        }]
    });
    let object = probe(&["udp", &peer.resolver()]);
    assert_eq!(object["status"], "MATCHED", "{object}");
    assert_eq!(object["remote"], peer.resolver());
    assert_eq!(
        (&object["sent_bytes"], &object["received_bytes"]),
        (&0.into(), &3.into())
    );
    // An empty answer is an answer.
    let peer = Peer::udp(|_| vec![vec![]]);
    let object = probe(&["udp", &peer.resolver()]);
    assert_eq!(object["status"], "MATCHED", "{object}");
    assert_eq!(object["received_bytes"], 0);
}

#[test]
fn a_closed_port_refuses_by_icmp() {
    let port = closed_port().to_string();
    let object = probe(&["udp", &port]);
    assert_eq!(
        verdict(&object),
        ["CONNREFUSED", "first_byte", "refused", "ECONNREFUSED"]
    );
    assert_eq!(reached(&object), ["first_byte"]);
}

#[test]
fn silence_times_out() {
    let peer = Peer::silent();
    let args = [
        "udp",
        &peer.resolver(),
        "--talk",
        "echo",
        "--timeout",
        "80ms",
    ];
    let object = probe(&args);
    assert_eq!(verdict(&object), ["TIMEOUT", "first_byte", "timeout", ""]);
    assert!(object["latency_ms"].as_f64().unwrap() >= 80.0, "{object}");
    assert_eq!(object["attempts"], 1);
    let object = probe(&[&args[..], &["--retries", "2"]].concat());
    assert_eq!(object["attempts"], 3);
    assert_eq!(peer.queries(), 4);
}

#[test]
fn an_answer_that_is_not_expected_is_no_match() {
    let peer = Peer::udp(|_| vec![b"something else\n".to_vec()]);
    let object = probe(&[
        "udp",
        &peer.resolver(),
        "--talk",
        "echo",
        "--timeout",
        "100ms",
    ]);
    assert_eq!(
        (&object["outcome"], &object["status"]),
        (&json!("negative"), &json!("UNMATCHED"))
    );
    let mismatch = object["mismatch"].as_str().unwrap();
    assert!(mismatch.contains("something else"), "{mismatch}");
}

#[test]
fn lost_datagrams_are_sent_again() {
    let run = canvass(&[
        "udp",
        "127.0.0.0/26",
        "--lab=loss=30%,seed=3",
        "--talk",
        "echo",
        "--timeout",
        "150ms",
        "--retries",
        "10",
        "--deadline",
        "30s",
        "-f",
        "ndjson",
    ])
    .exits(0);
    let objects = run.whole(64);
    assert_eq!(
        distinct(&objects, "status").into_iter().collect::<Vec<_>>(),
        ["MATCHED"]
    );
    objects.iter().for_each(assert_line);
    let attempts: u64 = objects
        .iter()
        .map(|object| object["attempts"].as_u64().unwrap())
        .sum();
    assert!(attempts > 64, "{attempts}");
}

#[test]
fn a_broadcast_is_answered_by_several_hosts_and_each_reply_is_kept() {
    let first = UdpHost::start(11, 0, |_, _| b"eleven\n".to_vec());
    let port = first.address.port();
    let _second = UdpHost::start(12, port, |_, _| b"twelve\n".to_vec());
    let _third = UdpHost::start(13, port, |_, _| b"13\n".to_vec());
    let directory = tempfile::tempdir().unwrap();
    let path = script(
        directory.path(),
        "who.yml",
        "- send: who\n- expect: '^(?P<name>[a-z]+)$'\n",
    );
    let target = format!("127.255.255.255:{port}");
    let args = ["udp", &target, "--talk", &path, "--window", "400ms"];
    let object = probe(&args);
    assert_eq!(object["status"], "MATCHED", "{object}");
    let mut replies = object["replies"].as_array().unwrap().clone();
    replies.sort_by_key(|reply| reply["remote"].to_string());
    let received: Vec<_> = replies
        .iter()
        .map(|reply| (&reply["remote"], &reply["matched"], &reply["captures"]))
        .collect();
    let remote = |number: u8| json!(format!("127.0.0.{number}:{port}"));
    assert_eq!(
        received,
        [
            (&remote(11), &json!(true), &json!({"name": "eleven"})),
            (&remote(12), &json!(true), &json!({"name": "twelve"})),
            (&remote(13), &json!(false), &json!({})),
        ]
    );
    let latency_ms = object["latency_ms"].as_f64().unwrap();
    for reply in &replies {
        let after_ms = reply["after_ms"].as_f64().unwrap();
        assert!((0.0..=latency_ms).contains(&after_ms), "{object}");
    }
    assert!(latency_ms >= 400.0, "{object}");
    let text = canvass(&args).exits(0).out;
    for words in ["127.0.0.11", "name=eleven", "127.0.0.13", "unmatched"] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_window_in_which_nobody_answers_times_out() {
    let peer = Peer::silent();
    let object = probe(&[
        "udp",
        &peer.resolver(),
        "--talk",
        "time",
        "--window",
        "80ms",
    ]);
    assert_eq!(verdict(&object), ["TIMEOUT", "first_byte", "timeout", ""]);
    assert_eq!(object["replies"], json!([]));
}

#[test]
fn a_reply_from_elsewhere_is_not_the_hosts() {
    // It is asked at 127.0.0.1 and answers as 127.0.0.14.
    let impostor = UdpHost::start(14, 0, |_, _| b"me\n".to_vec());
    let target = format!("127.0.0.1:{}", impostor.address.port());
    let object = probe(&["udp", &target, "--timeout", "100ms"]);
    assert_eq!(verdict(&object), ["TIMEOUT", "first_byte", "timeout", ""]);
    // Where it is asked itself, it counts.
    let object = probe(&["udp", &impostor.address.to_string()]);
    assert_eq!(object["status"], "MATCHED");
}

#[test]
fn several_turns_of_a_conversation_are_several_datagrams() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let peer = Peer::udp(move |query| {
        counted.fetch_add(1, Ordering::SeqCst);
        vec![[b"<", query, b">"].concat()]
    });
    let directory = tempfile::tempdir().unwrap();
    let text = "- send: one\n  newline: none\n- expect: '^<one>$'\n- send_bytes: '0102'\n\
        - read: 4\n  as: bytes\n  form: hex\n";
    let path = script(directory.path(), "turns.yml", text);
    let object = probe(&["udp", &peer.resolver(), "--talk", &path]);
    assert_eq!(object["status"], "MATCHED", "{object}");
    assert_eq!(object["captures"], json!({"bytes": "3c01023e"}));
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[test]
fn scripts_that_need_a_stream_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let listening = script(directory.path(), "listening.yml", "- expect: x\n");
    let closing = script(
        directory.path(),
        "closing.yml",
        "- send: x\n- half_close: true\n",
    );
    for talk in ["smtp", "banner", listening.as_str(), closing.as_str()] {
        canvass(&["udp", "127.0.0.1:1", "--talk", talk])
            .exits(2)
            .says(&format!("{talk} does not work over UDP"));
    }
}
