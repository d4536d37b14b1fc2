//! Peers that are silent, false, broken or gone.

use std::io::{Read, Write};
use std::net::{Shutdown, UdpSocket};

use serde_json::{Value, json};

use crate::common::{Run, canvass};
use crate::peers::{
    NAME, PTR, Peer, closed_port, has_edns, read_query, reply, truncated, write_framed,
};

/// Asks about one address, impatiently.
fn ask(resolver: &str, more: &[&str]) -> Run {
    let mut args = vec!["ptr", "10.0.0.1", "-v", "-f", "ndjson", "-r", resolver];
    for default in [["--timeout", "100ms"], ["--retries", "2"]] {
        if !more.contains(&default[0]) {
            args.extend(default);
        }
    }
    args.extend(more);
    canvass(&args)
}

/// The line of a run that failed.
#[track_caller]
fn failure(run: Run, status: &str) -> Value {
    let object = run.exits(1).whole(1).remove(0);
    assert_eq!(
        (&object["outcome"], &object["status"]),
        (&"failed".into(), &status.into())
    );
    assert_eq!(object["names"], json!([]));
    object
}

/// Checks that the peer's name was learned, after so many attempts.
#[track_caller]
fn assert_learned(run: Run, attempts: u64) -> Run {
    let run = run.exits(0);
    let object = run.whole(1).remove(0);
    assert_eq!(object["names"], json!(["a.test."]), "{object}");
    assert_eq!(object["attempts"], attempts, "{object}");
    run
}

#[test]
fn silence_is_a_timeout_after_every_attempt() {
    let peer = Peer::silent();
    // Seven retries by default.
    let run = canvass(&[
        "ptr",
        "10.0.0.1",
        "-f",
        "ndjson",
        "-r",
        &peer.resolver(),
        "--timeout",
        "100ms",
    ]);
    let object = failure(run, "TIMEOUT");
    assert_eq!(object["attempts"], 8);
    let message = format!("no answer from {} in 8 attempts", peer.address);
    assert_eq!(
        object["error"],
        json!({"phase": "dns", "cause": "timeout", "message": message, "errno": null})
    );
    assert_eq!(peer.queries(), 8);
}

#[test]
fn the_deadline_ends_what_the_retries_would_not() {
    let peer = Peer::silent();
    let object = failure(
        ask(
            &peer.resolver(),
            &["--retries", "1000", "--deadline", "500ms"],
        ),
        "TIMEOUT",
    );
    // A thousand retries would take longer than a test waits for a run.
    let response_ms = object["response_ms"].as_f64().unwrap();
    assert!(response_ms >= 500.0, "{object}");
}

#[test]
fn a_closed_port_is_refused() {
    let port = closed_port();
    for transport in ["udp", "tcp", "auto"] {
        let object = failure(
            ask(&port.to_string(), &["--transport", transport]),
            "CONNREFUSED",
        );
        assert_eq!(object["error"]["errno"], "ECONNREFUSED", "{transport}");
        assert_eq!(object["attempts"], 3, "{transport}");
    }
}

#[test]
fn replies_to_other_questions_are_not_believed() {
    // Each query gets two lies: a wrong id, a wrong question.
    let peer = Peer::udp(|query| {
        let mut wrong_id = reply(query, 0, &[(PTR, NAME)]);
        wrong_id[0] ^= 0xff;
        let mut wrong_question = reply(query, 0, &[(PTR, NAME)]);
        wrong_question[13] ^= 1;
        vec![wrong_id, wrong_question]
    });
    let run = ask(&peer.resolver(), &[]);
    assert!(run.err.contains("mismatched and dropped 6"), "{}", run.err);
    failure(run, "TIMEOUT");
}

#[test]
fn the_truth_is_found_among_lies() {
    let peer = Peer::udp(|query| {
        let mut wrong_id = reply(query, 3, &[]);
        wrong_id[1] ^= 0xff;
        let mut a_query = reply(query, 3, &[]);
        a_query[2] &= 0x7f;
        vec![
            wrong_id,
            a_query,
            b"\0".to_vec(),
            vec![0xff; 600],
            Vec::new(),
            reply(query, 0, &[(PTR, NAME)]),
        ]
    });
    assert_learned(ask(&peer.resolver(), &[]), 1);
}

#[test]
fn garbage_alone_is_a_timeout() {
    let peer = Peer::udp(|_| vec![vec![0x5a; 300]]);
    failure(ask(&peer.resolver(), &[]), "TIMEOUT");
}

#[test]
fn an_answer_that_breaks_off_is_malformed() {
    let peer = Peer::udp(|query| {
        let mut broken = reply(query, 0, &[(PTR, NAME)]);
        let length = broken.len();
        broken.truncate(length - 4);
        vec![broken]
    });
    let object = failure(ask(&peer.resolver(), &[]), "MALFORMED");
    assert_eq!(object["error"]["cause"], "malformed");
    assert_eq!(object["attempts"], 3);
}

#[test]
fn an_answer_from_another_source_is_not_believed() {
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let asker = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = asker.local_addr().unwrap();
    let served = std::thread::spawn(move || {
        let mut buffer = [0; 512];
        for _ in 0..3 {
            let (octets, from) = asker.recv_from(&mut buffer).unwrap();
            let reply = reply(&buffer[..octets], 0, &[(PTR, NAME)]);
            other.send_to(&reply, from).unwrap();
        }
    });
    failure(ask(&address.to_string(), &[]), "TIMEOUT");
    served.join().unwrap();
}

#[test]
fn a_server_that_knows_no_edns_is_asked_without_it() {
    let peer = Peer::udp(|query| {
        vec![if has_edns(query) {
            reply(query, 1, &[])
        } else {
            reply(query, 0, &[(PTR, NAME)])
        }]
    });
    assert_learned(ask(&peer.resolver(), &[]), 2);
    assert_eq!(peer.queries(), 2);
}

#[test]
fn a_server_that_answers_edns_with_a_bare_header_is_asked_without_it() {
    let peer = Peer::udp(|query| {
        if !has_edns(query) {
            return vec![reply(query, 0, &[(PTR, NAME)])];
        }
        let mut header = vec![0; 12];
        header[..2].copy_from_slice(&query[..2]);
        header[2..4].copy_from_slice(&[0x80, 0x01]);
        vec![header]
    });
    assert_learned(ask(&peer.resolver(), &[]), 2);
}

#[test]
fn a_server_that_fails_at_first_is_asked_again() {
    let mut asked = 0;
    let peer = Peer::udp(move |query| {
        asked += 1;
        vec![match asked {
            1 => reply(query, 2, &[]),
            2 => reply(query, 5, &[]),
            _ => reply(query, 0, &[(PTR, NAME)]),
        }]
    });
    assert_learned(ask(&peer.resolver(), &[]), 3);
}

#[test]
fn the_code_that_remains_is_the_status() {
    for (code, status) in [(2, "SERVFAIL"), (5, "REFUSED"), (9, "NOTAUTH")] {
        let peer = Peer::udp(move |query| vec![reply(query, code, &[])]);
        let object = failure(ask(&peer.resolver(), &[]), status);
        assert_eq!(
            object["error"]["message"],
            format!("{} answered {status} in 3 attempts", peer.address)
        );
    }
}

#[test]
fn truncation_without_tcp_to_turn_to_stays_truncation() {
    let peer = Peer::udp(|query| vec![truncated(query)]);
    let object = failure(ask(&peer.resolver(), &[]), "TRUNCATED");
    assert_eq!(
        object["error"]["message"],
        format!(
            "the answer did not fit a datagram, and {} gave none over tcp",
            peer.address
        )
    );
}

#[test]
fn a_truncated_answer_is_fetched_over_tcp() {
    let peer = Peer::both(
        |query| vec![truncated(query)],
        |mut stream| {
            while let Some(query) = read_query(&mut stream) {
                if write_framed(&mut stream, &reply(&query, 0, &[(PTR, NAME)])).is_err() {
                    return;
                }
            }
        },
    );
    assert_learned(ask(&peer.resolver(), &["--timeout", "2s"]), 2);
}

#[test]
fn a_message_that_comes_octet_by_octet_is_one_message() {
    let peer = Peer::both(
        |_| Vec::new(),
        |mut stream| {
            stream.set_nodelay(true).unwrap();
            while let Some(query) = read_query(&mut stream) {
                let message = reply(&query, 0, &[(PTR, NAME)]);
                let mut framed = (message.len() as u16).to_be_bytes().to_vec();
                framed.extend(message);
                for octet in framed {
                    if stream.write_all(&[octet]).is_err() {
                        return;
                    }
                }
            }
        },
    );
    let run = ask(&peer.resolver(), &["--transport", "tcp", "--timeout", "5s"]);
    assert_learned(run, 1);
}

#[test]
fn a_connection_that_breaks_in_the_middle_of_a_message_is_a_reset() {
    let peer = Peer::both(
        |_| Vec::new(),
        |mut stream| {
            // What is left unread makes the system break the connection off when it is closed.
            let mut length = [0; 2];
            if stream.read_exact(&mut length).is_ok() && stream.peek(&mut [0]).is_ok() {
                let _ = stream.write_all(&[0, 40, 1, 2, 3]);
            }
        },
    );
    let object = failure(
        ask(&peer.resolver(), &["--transport", "tcp", "--timeout", "5s"]),
        "RESET",
    );
    assert_eq!(
        (&object["error"]["cause"], &object["attempts"]),
        (&"reset".into(), &3.into())
    );
}

#[test]
fn a_connection_that_closes_unanswered_is_a_reset() {
    let peer = Peer::both(
        |_| Vec::new(),
        |mut stream| {
            read_query(&mut stream);
            let _ = stream.shutdown(Shutdown::Both);
        },
    );
    let object = failure(
        ask(&peer.resolver(), &["--transport", "tcp", "--timeout", "5s"]),
        "RESET",
    );
    assert_eq!(object["error"]["errno"], Value::Null);
}

#[test]
fn an_answer_after_its_time_still_counts() {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let resolver = peer.local_addr().unwrap().to_string();
    let served = std::thread::spawn(move || {
        // The first query is answered when the second has come.
        let (mut first, mut second) = ([0; 512], [0; 512]);
        let (octets, from) = peer.recv_from(&mut first).unwrap();
        peer.recv_from(&mut second).unwrap();
        let reply = reply(&first[..octets], 0, &[(PTR, NAME)]);
        peer.send_to(&reply, from).unwrap();
    });
    let run = assert_learned(ask(&resolver, &["--timeout", "1s"]), 2);
    served.join().unwrap();
    run.says("late reply 1");
}

#[test]
fn a_resolver_that_never_answers_does_not_burn_the_whole_list() {
    let peer = Peer::silent();
    let run = canvass(&[
        "ptr",
        "10.0.0.0/8",
        "-r",
        &peer.resolver(),
        "--timeout",
        "100ms",
        "--retries",
        "1",
        "-f",
        "ndjson",
    ])
    .exits(3)
    .says("no resolver answers any more");
    let [admitted, ..] = run.balance();
    assert!(admitted < 10_000, "{admitted} targets were burnt");
    run.whole(admitted);
}
