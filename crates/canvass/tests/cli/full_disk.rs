//! Outputs that cannot be written to their end: the missing lines are reported, and the other outputs
//! are complete.

use std::fs;
use std::process::Command;

use crate::common::{CANVASS, Run, SHORT_COMPARISON, canvass};

/// Runs a command of the shell, with the arguments of canvass in `"$@"`.
fn shell(script: &str, args: &[&str]) -> Run {
    let output = Command::new("sh")
        .args(["-c", script, "sh", CANVASS])
        .args(args)
        .output()
        .unwrap();
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Checks that a run ended on this side, without being taken for a bug, and that its balance holds.
#[track_caller]
fn assert_ended(run: Run) -> [u64; 4] {
    let run = run.exits(3);
    assert!(!run.err.contains("report"), "{}", run.err);
    run.balance()
}

#[test]
fn lines_that_do_not_fit_on_the_disk_are_counted() {
    for (args, count) in [
        (&["ptr", "--lab", "10.0.0.0/26"][..], 64),
        (&["dns", "--lab", "a.lab.test", "b.lab.test"], 2),
        (&["http", "--lab", "http://www.lab.test/"], 1),
        (&["tcp", "--lab", "www.lab.test:80"], 1),
        (&["udp", "--lab", "www.lab.test", "--talk", "time"], 1),
    ] {
        let text = format!(
            "no space is left to write /dev/full: No space left on device (os error 28); {count} of \
             {count} lines were not written"
        );
        for format in ["text", "ndjson", "csv"] {
            let run = canvass(&[args, &["-f", format, "-o", "/dev/full"]].concat());
            assert_eq!(assert_ended(run.says(&text))[0], count);
        }
        let run = shell("exec \"$@\" >/dev/full", args);
        let text = text.replace("/dev/full", "standard output");
        assert_eq!(assert_ended(run.says(&text))[0], count);
    }
}

#[test]
fn an_endless_list_ends_when_the_disk_is_full() {
    let run = canvass(&["ptr", "--lab", "::/0", "-o", "/dev/full"]);
    let run = run.says("no space is left to write /dev/full");
    let told = run.err.split("; ").nth(1).unwrap().to_owned();
    let [admitted, ..] = assert_ended(run);
    let expected = format!("{admitted} of {admitted} lines were not written");
    assert!(told.starts_with(&expected), "{told}");
}

#[test]
fn an_output_that_fails_loses_nothing_of_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    for flag in ["--hlog", "--hgrm", "--html"] {
        let lines = at("lines");
        let args = [
            "ptr",
            "--lab",
            "10.0.0.0/18",
            "-o",
            &lines,
            flag,
            "/dev/full",
        ];
        let run = canvass(&args).says("no space is left to write /dev/full");
        // The lines are complete: latencies and pages do not end a run.
        assert_eq!(assert_ended(run)[0], 16_384, "{flag}");
        let lines = fs::read_to_string(&lines).unwrap();
        assert_eq!(lines.lines().count(), 16_384, "{flag}");
    }
    let (hlog, hgrm, html) = (at("a.hlog"), at("a.hgrm"), at("a.html"));
    let run = canvass(&[
        "ptr",
        "--lab",
        "10.0.0.0/26",
        "-o",
        "/dev/full",
        "--hlog",
        &hlog,
        "--hgrm",
        &hgrm,
        "--html",
        &html,
    ]);
    assert_ended(run);
    let read = |path: &str| fs::read_to_string(path).unwrap();
    assert!(read(&hlog).contains("Tag=ptr.service"));
    assert!(read(&hgrm).contains("Total count    =           64]"));
    assert!(read(&html).contains("</html>"));
}

#[test]
fn a_comparison_writes_what_can_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let page = directory.path().join("page.html");
    let shown = page.to_str().unwrap();
    canvass(&[&SHORT_COMPARISON[..], &["-o", "/dev/full", "--html", shown]].concat())
        .exits(3)
        .says("no space is left to write /dev/full");
    assert!(fs::read_to_string(&page).unwrap().contains("</html>"));
    for flag in ["--html", "--hgrm", "--hlog"] {
        let run = canvass(&[&SHORT_COMPARISON[..], &[flag, "/dev/full"]].concat())
            .exits(3)
            .says("no space is left to write /dev/full");
        assert!(run.out.contains("64 targets listed"), "{}", run.out);
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_a_full_disk() {
    let directory = tempfile::tempdir().unwrap();
    let lines = directory.path().join("lines");
    let path = lines.to_str().unwrap();
    // In blocks of 512 octets.
    let script = "ulimit -f 8; exec \"$@\"";
    let run = shell(script, &["ptr", "--lab", "10.0.0.0/18", "-o", path])
        .says("no space is left to write")
        .says("File too large");
    let told = run.err.split("; ").nth(1).unwrap().to_owned();
    let [admitted, ..] = assert_ended(run);
    let written = fs::read_to_string(&lines).unwrap();
    let whole = written.matches('\n').count() as u64;
    assert!(whole > 0 && written.len() == 4096, "{}", written.len());
    let expected = format!("{} of {admitted} lines were not written", admitted - whole);
    assert!(told.starts_with(&expected), "{told}; {whole} were");
}

/// 51 pages of 20,000 octets, of which a disk of 64 KiB keeps a few.
#[test]
fn a_body_that_does_not_fit_on_the_disk_loses_no_line() {
    let namespace = ["--mount", "--propagation", "private"];
    let can_mount = Command::new("unshare")
        .args(namespace)
        .args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .output();
    if !can_mount.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: only root can mount a small disk");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let pages = vec!["http://www.lab.test/bytes/20000"; 51];
    let flags = ["http", "--lab", "-f", "ndjson", "--save", path];
    // What is on the disk is gone with it, so its files are listed before.
    let script = format!(
        "mount -t tmpfs -o size=64k tmpfs {path} && {{ \"$@\"; status=$?; }}; \
         stat -c 'kept %s' {path}/* >&2; exit $status"
    );
    let output = Command::new("unshare")
        .args(namespace)
        .args(["sh", "-c", &script, "sh", CANVASS])
        .args([&flags[..], &pages].concat())
        .output()
        .unwrap();
    let run = Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    let run = run.exits(3);
    assert_eq!(run.balance(), [51, 51, 0, 0]);
    let lines = run.whole(51);
    let unsaved = lines.iter().filter(|line| line.get("body_error").is_some());
    let unsaved = unsaved.inspect(|line| {
        assert_eq!(line["body_error"], "No space left on device (os error 28)");
        assert_eq!(line["decoded_bytes"], 20_000);
    });
    let unsaved = unsaved.count();
    let kept = run.err.matches("kept 20000").count();
    assert!(kept > 0 && kept + unsaved == 51, "{kept} {unsaved}");
    assert_eq!(run.err.matches("kept ").count(), kept, "a part was kept");
    run.says(&format!(
        "{unsaved} bodies could not be kept, the first {path}/"
    ));
}

#[test]
fn a_line_of_each_format_says_that_its_body_was_not_saved() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let http = [
        "http",
        "--lab",
        "http://www.lab.test/bytes/20000",
        "--save",
        path,
    ];
    let script = "ulimit -f 8; exec \"$@\"";
    for (format, part) in [
        ("text", "\tbody not kept: File too large (os error 27)\n"),
        ("ndjson", "\"body_error\":\"File too large (os error 27)\""),
        ("csv", ",File too large (os error 27),"),
    ] {
        let run = shell(script, &[&http[..], &["-f", format]].concat()).exits(3);
        assert!(run.out.contains(part), "{}", run.out);
        assert_eq!(run.balance(), [1, 1, 0, 0]);
        assert_eq!(fs::read_dir(path).unwrap().count(), 0);
    }
}
