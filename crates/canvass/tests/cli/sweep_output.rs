//! `canvass sweep --output-rotate`: the lines of probes, one file after the other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::common::{canvass, until};
use crate::peers::closed_port;
use crate::sweep_rig::{Files, summed};

/// The rotated files of an output, without the one that is written.
fn finished(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("probes-")
    });
    paths
}

/// The lines of a file, having checked that it is whole.
#[track_caller]
fn lines(path: &Path, program: Option<&str>) -> Vec<Value> {
    let text = match program {
        None => fs::read_to_string(path).unwrap(),
        Some(program) => {
            let output = Command::new(program).args(["-q", "-dc"]).arg(path).output();
            let output = output.unwrap();
            assert!(output.status.success(), "{path:?}: {output:?}");
            String::from_utf8(output.stdout).unwrap()
        }
    };
    assert!(text.is_empty() || text.ends_with('\n'), "{path:?}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A list of closed ports, whose probes are short.
fn closed() -> Files {
    let port = closed_port().port();
    let list: Vec<String> = (1..20)
        .map(|host| format!("tcp://127.0.0.{host}:{port}"))
        .collect();
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    Files::new(&list)
}

#[test]
fn every_line_is_in_one_of_the_files_and_each_file_is_whole() {
    for (name, program) in [
        ("probes.ndjson", None),
        ("probes.ndjson.gz", Some("gzip")),
        ("probes.ndjson.zst", Some("zstd")),
    ] {
        let files = closed();
        let path = files.path(name);
        // Of two, the last -o counts.
        let list = files.path("list");
        let args = [
            "sweep",
            "-i",
            &list,
            "-r",
            "127.0.0.1:1",
            "--interval",
            "100ms",
            "-f",
            "ndjson",
            "-o",
            &path,
            "--output-rotate",
            "2k",
        ];
        let mut running = crate::common::Running::start(&args);
        until("files", || finished(files.directory()).len() >= 4);
        running.signal(Signal::INT);
        let run = running.end().exits(130);
        let mut seqs = Vec::new();
        let mut paths = finished(files.directory());
        for path in &paths {
            assert!(fs::metadata(path).unwrap().len() >= 2_048, "{path:?}");
            assert!(
                path.to_str()
                    .unwrap()
                    .ends_with(name.strip_prefix("probes").unwrap())
            );
        }
        paths.push(path.into());
        for path in &paths {
            seqs.extend(
                lines(path, program)
                    .iter()
                    .map(|line| line["seq"].as_u64().unwrap()),
            );
        }
        let distinct: BTreeSet<u64> = seqs.iter().copied().collect();
        let begun = summed(&run.err, "begun");
        assert_eq!(
            (seqs.len() as u64, distinct.len() as u64),
            (begun, begun),
            "{name}"
        );
    }
}

#[test]
fn only_so_many_finished_files_are_kept_and_none_of_another_output() {
    let files = closed();
    let (list, path) = (files.path("list"), files.path("probes.gz"));
    let other = files.path("probes-2020.gz");
    fs::write(&other, "mine").unwrap();
    let old = files.path("probes-20200101T000000Z.gz");
    fs::write(&old, "old").unwrap();
    let args = [
        "sweep",
        "-i",
        &list,
        "-r",
        "127.0.0.1:1",
        "--interval",
        "100ms",
        "-o",
        &path,
        "--output-rotate",
        "100",
        "--output-keep",
        "3",
    ];
    let mut running = crate::common::Running::start(&args);
    // The newest of more than are kept.
    let mut seen = BTreeSet::new();
    until("more files than are kept", || {
        seen.extend(finished(files.directory()));
        seen.len() >= 8
    });
    running.signal(Signal::INT);
    running.end().exits(130);
    assert!(!fs::exists(&old).unwrap());
    assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
    assert_eq!(finished(files.directory()).len(), 4);
}

#[test]
fn the_file_of_an_earlier_run_is_kept() {
    let files = closed();
    let (list, path) = (files.path("list"), files.path("probes.csv"));
    // Seconds since 1970 of 2026-11-27T23:59:59Z.
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_795_823_999);
    fs::write(&path, "earlier\n").unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(at)
        .unwrap();
    let link = files.path("link.csv");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let args = [
        "sweep",
        "--once",
        "-q",
        "-i",
        &list,
        "-r",
        "127.0.0.1:1",
        "--fail-below",
        "0",
        "-f",
        "csv",
        "--output-rotate",
        "daily",
        "-o",
    ];
    // A second run, by a link, in the same way.
    for name in [&path, &link] {
        canvass(&[&args[..], &[name]].concat()).exits(0);
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("seq,") && text.lines().count() == 20,
            "{text}"
        );
    }
    let earlier = files.path("probes-20261127T235959Z.csv");
    assert_eq!(fs::read_to_string(earlier).unwrap(), "earlier\n");
    assert_eq!(finished(files.directory()).len(), 2);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn what_cannot_be_renamed_is_not_rotated() {
    let target = format!("tcp://{}", closed_port());
    let sweep = ["sweep", &target, "-r", "127.0.0.1:1"];
    for (args, said) in [
        (&["--output-rotate", "1M"][..], "--output"),
        (
            &["--output-rotate", "1M", "-o", "-"],
            "standard output cannot be renamed",
        ),
        (
            &["--output-rotate", "1M", "-o", "/dev/null"],
            "/dev/null is not a regular file",
        ),
        (
            &["--output-rotate", "hourly", "-o", "x"],
            "expected daily, or a size",
        ),
        (&["--output-keep", "3", "-o", "x"], "--output-rotate"),
        (
            &["--output-rotate", "1M", "--output-keep", "0", "-o", "x"],
            "--output-keep",
        ),
    ] {
        canvass(&[&sweep[..], args].concat()).exits(2).says(said);
    }
}

#[test]
fn a_full_disk_ends_a_sweep_and_its_lines_are_counted() {
    let files = closed();
    let (list, path) = (files.path("list"), files.path("probes"));
    // In blocks of 512 octets: no file has more than 4,096, and it would be rotated at more.
    let script = "ulimit -f 8; exec \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script, "sh", crate::common::CANVASS])
        .args([
            "sweep",
            "-i",
            &list,
            "-r",
            "127.0.0.1:1",
            "--interval",
            "100ms",
            "-o",
            &path,
            "--output-rotate",
            "5k",
        ])
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{err}");
    let written = fs::read_to_string(&path).unwrap();
    assert_eq!(written.len(), 4_096);
    let told = err
        .lines()
        .find(|line| line.contains("lines were not written"));
    let told = told.unwrap_or_else(|| panic!("{err}"));
    assert!(told.contains("no space is left to write"), "{told}");
    let [unwritten, all] = ["; ", " of "].map(|before| {
        let rest = told.rsplit_once(before).unwrap().1;
        rest.split(' ').next().unwrap().parse::<usize>().unwrap()
    });
    assert_eq!(all - unwritten, written.matches('\n').count(), "{told}");
}
