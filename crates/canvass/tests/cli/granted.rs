//! Warnings about requested values that this system does not grant.

use std::process::Command;

use crate::common::{CANVASS, canvass};

#[test]
fn a_buffer_size_that_is_not_granted_is_reported() {
    for (command, target) in [("http", "http://www.lab.test/"), ("udp", "127.0.0.1:37")] {
        for (flag, setting) in [("--rcvbuf", "rmem_max"), ("--sndbuf", "wmem_max")] {
            let path = format!("/proc/sys/net/core/{setting}");
            let most = std::fs::read_to_string(path).unwrap();
            let args = [command, "--lab", target, flag, "99999999999"];
            let expected = format!(
                "warning: {flag} 99999999999: sockets get {} octets, the limit of this system \
                 (net.core.{setting})",
                most.trim()
            );
            canvass(&args).exits(0).says(&expected);
            let quiet = canvass(&[&args[..], &["-q"]].concat()).exits(0);
            assert_eq!(quiet.err, "");
            canvass(&[command, "--lab", target, flag, "1"])
                .exits(0)
                .says("the minimum of this system");
            let run = canvass(&[command, "--lab", target, flag, "64k"]).exits(0);
            assert!(!run.err.contains("warning: --"), "{}", run.err);
        }
    }
}

#[test]
fn a_concurrency_that_is_not_granted_is_reported_with_its_reason() {
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 256; exec \"$@\"", "sh", CANVASS])
        .args(["http", "http://127.0.0.1:9/", "--concurrency", "1000"])
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("warning: --concurrency 1000: "), "{err}");
    assert!(err.contains("(ulimit -n)"), "{err}");
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 256; exec \"$@\"", "sh", CANVASS])
        .args(["ptr", "10.0.0.1", "--lab", "--threads", "200"])
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        err.contains("--threads 200 needs 648 descriptors, and the limit is 256"),
        "{err}"
    );
    for (args, text) in [
        (
            &["--concurrency", "100000"][..],
            "--concurrency 100000: 32768 targets at once; canvass supports no more",
        ),
        (
            &["--concurrency", "5", "--threads", "2"],
            "--concurrency 5: 4 targets at once; 2 event loops share them evenly",
        ),
        (
            &["--concurrency", "2", "--threads", "4"],
            "--threads 4: 2 event loops, one per target at once",
        ),
    ] {
        let all = [&["ptr", "10.0.0.1", "--lab"][..], args].concat();
        canvass(&all).exits(0).says(text);
        assert_eq!(canvass(&[&all[..], &["-q"]].concat()).err, "");
    }
}
