//! Files of resolvers, and the forms in which an address of one is written.

use std::fs;

use crate::common::{Run, canvass};
use crate::peers::Peer;

/// `canvass ptr` with this resolver, or this file of resolvers.
fn ptr(resolver: &str, more: &[&str]) -> Run {
    let mut args = vec!["ptr", "10.0.0.1", "-r", resolver];
    args.extend(more);
    canvass(&args)
}

#[test]
fn a_port_may_follow_a_hash() {
    let peer = Peer::honest();
    let (ip, port) = (peer.address.ip(), peer.address.port());
    let hashed = format!("{ip}#{port}");
    assert_eq!(
        ptr(&hashed, &[]).exits(0).out,
        "10.0.0.1\tNOERROR\ta.test.\n"
    );
    let mapped = format!("[::ffff:{ip}]:{port}");
    assert_eq!(
        ptr(&mapped, &[]).exits(0).out,
        "10.0.0.1\tNOERROR\ta.test.\n"
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("resolvers");
    let path = path.to_str().unwrap();
    for text in [
        format!("{hashed}\n"),
        format!("nameserver {hashed} # ours\n"),
        format!("\u{feff}# ours\r\n{hashed}\t# here\r\n"),
    ] {
        fs::write(path, &text).unwrap();
        let run = ptr(path, &["-q"]).exits(0);
        assert_eq!(run.out, "10.0.0.1\tNOERROR\ta.test.\n", "{text}");
        assert_eq!(run.err, "", "{text}");
    }
}

#[test]
fn a_resolv_conf_is_read_as_libc_does_and_skipped_lines_are_reported() {
    let peer = Peer::honest();
    let (ip, port) = (peer.address.ip(), peer.address.port());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("resolv.conf");
    let mut text = b"# r\xe9seau\nsearch example.net\noptions edns0 trust-ad\nfoo bar\n".to_vec();
    text.extend_from_slice(b"\0\nnameserver ns.example.net\nnameserver fe80::1%nosuch0\n");
    text.extend_from_slice(format!("nameserver {ip}#{port}\0\r\n").as_bytes());
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    let run = ptr(path, &[]).exits(0);
    assert_eq!(run.out, "10.0.0.1\tNOERROR\ta.test.\n");
    let said = format!(
        "canvass: {path}: skipping line 4 (and 2 more lines): \"foo\" is not the IP address of a \
         resolver\n"
    );
    assert_eq!(run.err.matches("skipping").count(), 1);
    run.says(&said);
    assert_eq!(ptr(path, &["-q"]).exits(0).err, "");
    // Nothing but what is skipped.
    fs::write(path, "nameserver ns.example.net\n").unwrap();
    ptr(path, &[])
        .exits(2)
        .says(&format!("{path} lists no resolver"));
}

#[test]
fn a_list_of_addresses_has_no_bad_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("resolvers");
    let path = path.to_str().unwrap();
    for (line, reason) in [
        ("127.0.0.1#0", "\"0\" is not a port from 1 to 65535"),
        ("127.0.0.1#99999", "\"99999\" is not a port from 1 to 65535"),
        ("127.0.0.1%lo", "127.0.0.1 has no scope"),
        (
            "fe80::1%nosuch0",
            "this machine has no network interface \"nosuch0\"",
        ),
        ("ns", "\"ns\" is not the IP address of a resolver"),
    ] {
        fs::write(path, format!("127.0.0.1\n{line}\n")).unwrap();
        ptr(path, &[])
            .exits(2)
            .says(&format!("{path}, line 2: {reason}"));
    }
}

#[test]
fn an_interface_that_does_not_exist_is_an_error() {
    ptr("[fe80::1%nosuch0]:53", &[]).exits(2).says(
        "the resolver \"[fe80::1%nosuch0]:53\": this machine has no network interface \"nosuch0\"",
    );
    // This one does, by its name and by its index, and has no such resolver: no answer.
    for given in ["fe80::1%lo#9", "[fe80::1%1]:9"] {
        let run = ptr(
            given,
            &["--retries", "0", "--timeout", "100ms", "-f", "ndjson"],
        )
        .exits(1);
        let resolver = run.whole(1)[0]["resolver"].to_string();
        assert!(
            ["\"[fe80::1%1]:9\"", "null"].contains(&&*resolver),
            "{resolver}"
        );
    }
}
