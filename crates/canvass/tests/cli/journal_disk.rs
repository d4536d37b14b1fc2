//! Disks that fail or are full: the run ends with 3, and is resumed without loss.

use std::process::Command;

use crate::common::CANVASS;
use crate::journal_rig::{Rig, results};

const ARGS: [&str; 8] = [
    "ptr",
    "10.0.0.0/20",
    "--lab",
    "--rate",
    "3000",
    "-f",
    "ndjson",
    "-q",
];

/// The first calls of fsync are those of the output's directory, the output, the journal and its
/// directory; later ones are those of checkpoints.
#[test]
fn a_failed_fsync_ends_the_run_and_is_not_retried() {
    for call in [1, 2, 3, 4, 5, 6, 7, 12] {
        let rig = Rig::new(&ARGS, "lines.ndjson");
        let trace = rig.path("trace");
        let inject = format!("inject=fsync:error=EIO:when={call}");
        let output = Command::new("strace")
            .args([
                "-f",
                "-qq",
                "-o",
                &trace,
                "-e",
                "trace=fsync",
                "-e",
                &inject,
            ])
            .arg(CANVASS)
            .args(rig.command())
            .output()
            .expect("strace is missing: scripts/test-deps installs what the tests need");
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{call}: {err}");
        assert!(err.contains("Input/output error"), "{call}: {err}");
        // strace counts the calls of each thread; the one that failed is the last of its thread.
        let trace = std::fs::read_to_string(trace).unwrap();
        let failed = trace.lines().position(|line| line.contains("EIO")).unwrap();
        let thread = trace
            .lines()
            .nth(failed)
            .unwrap()
            .split(' ')
            .next()
            .unwrap();
        let later = trace.lines().skip(failed + 1);
        assert_eq!(
            later.filter(|line| line.starts_with(thread)).count(),
            0,
            "{call}: {trace}"
        );
        rig.run().exits(0);
        let lines = rig.lines();
        assert_eq!(lines.len(), 4096, "{call}");
        assert_eq!(results(&lines).len(), 4096, "{call}");
    }
}

/// Runs a script as root in a namespace of its own, in which it can mount. `$1` is the directory to mount
/// on, and the rest the command.
fn mounted(script: &str, rig: &Rig) -> Option<String> {
    let namespace = ["--mount", "--propagation", "private"];
    let can_mount = Command::new("unshare")
        .args(namespace)
        .args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .output();
    if !can_mount.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: only root can mount a small disk");
        return None;
    }
    let directory = rig.path("disk");
    std::fs::create_dir(&directory).unwrap();
    let output = Command::new("unshare")
        .args(namespace)
        .args(["sh", "-c", script, "sh", &directory, CANVASS])
        .args(ARGS)
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// What is on the disk is gone with the namespace, so the script does all of it. There is no space for
/// the lines before the ballast is removed; the journal is on the same disk.
const FULL: &str = r#"
cd "$1"; shift
head -c 1000000 /dev/zero >ballast
"$@" -o lines --journal j 2>../err
echo "first $?"
grep -c 'no space is left to write' ../err
rm ballast
"$@" -o lines --resume j
echo "second $?"
wc -l <lines
sort -u lines | wc -l
"#;

#[test]
fn a_run_that_filled_the_disk_goes_on_when_there_is_space() {
    let rig = Rig::new(&ARGS, "lines");
    for mount in [
        "mount -t tmpfs -o size=2200k tmpfs \"$1\"",
        // The loop device is released with its last mount.
        "truncate -s 2200k \"$1.ext4\" && mkfs.ext4 -q -b 1024 -m 0 -O ^has_journal \"$1.ext4\" && \
         { mount -o loop \"$1.ext4\" \"$1\" || { echo 'no loop device'; exit 0; }; }",
    ] {
        let script = format!("set -e\n{mount}\nset +e\n{FULL}");
        let _ = std::fs::remove_dir(rig.path("disk"));
        let Some(out) = mounted(&script, &rig) else {
            return;
        };
        if out.contains("no loop device") {
            eprintln!("SKIPPED: this machine has no loop device");
            continue;
        }
        assert_eq!(out, "first 3\n1\nsecond 0\n4096\n4096\n", "{mount}");
    }
}

#[test]
fn a_limit_on_the_size_of_files_ends_the_run_and_loses_nothing() {
    let rig = Rig::new(&ARGS, "lines.ndjson");
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 400; exec \"$@\"", "sh", CANVASS])
        .args(rig.command())
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert!(err.contains("no space is left to write"), "{err}");
    rig.run().exits(0);
    assert_eq!(rig.lines().len(), 4096);
    assert_eq!(results(&rig.lines()).len(), 4096);
}
