//! Lines that are written compressed, and are read back.

use std::fs;
use std::process::Command;

use rustix::process::Signal;

use crate::common::{Running, SHORT_COMPARISON, canvass, canvass_reading, until};

/// The programs that test and decompress a file of each format.
const FORMATS: [(&str, &str); 2] = [("gz", "gzip"), ("zst", "zstd")];

/// Decompresses a file, having checked that it is whole.
#[track_caller]
fn decompress(program: &str, path: &str) -> String {
    let tested = Command::new(program).args(["-q", "-t", path]).output();
    let tested = tested.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(tested.status.success(), "{program}: {tested:?}");
    let output = Command::new(program).args(["-dc", path]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn lines_are_compressed_as_the_name_says() {
    let directory = tempfile::tempdir().unwrap();
    for (end, program) in FORMATS {
        for format in ["text", "ndjson", "csv"] {
            let path = directory.path().join(format!("lines.{format}.{end}"));
            let path = path.to_str().unwrap();
            let ptr = ["ptr", "--lab", "10.0.0.0/20", "-q"];
            canvass(&[&ptr[..], &["-f", format, "-o", path]].concat()).exits(0);
            let lines = decompress(program, path);
            let header = usize::from(format == "csv");
            assert_eq!(lines.lines().count(), 4096 + header, "{path}");
            let compressed = fs::metadata(path).unwrap().len() as usize;
            assert!(
                compressed * 3 < lines.len(),
                "{compressed} of {}",
                lines.len()
            );
        }
        let path = directory.path().join(format!("nothing.{end}"));
        let path = path.to_str().unwrap();
        canvass(&["ptr", "--lab", "-q", "-i", "/dev/null", "-o", path]).exits(0);
        assert_eq!(decompress(program, path), "");
    }
}

#[test]
fn a_run_that_is_interrupted_leaves_a_whole_file() {
    let directory = tempfile::tempdir().unwrap();
    for (end, program) in FORMATS {
        let path = directory.path().join(format!("lines.{end}"));
        let path = path.to_str().unwrap();
        let ptr = ["ptr", "10.0.0.0/16", "--lab=delay=50ms", "--rate", "500"];
        let mut running = Running::start(&[&ptr[..], &["-o", path]].concat());
        until("lines", || {
            fs::metadata(path).is_ok_and(|file| file.len() >= 2000)
        });
        running.signal(Signal::INT);
        let run = running.end().exits(130);
        let lines = decompress(program, path);
        assert_eq!(lines.lines().count() as u64, run.balance()[0]);
    }
}

#[test]
fn what_was_flushed_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    for (end, program) in FORMATS {
        let path = directory.path().join(format!("lines.{end}"));
        let mut running = Running::start(&["ptr", "--lab", "-o", path.to_str().unwrap()]);
        running.write("10.0.0.1\n");
        // The list goes on, so what is in the file was flushed.
        until("lines", || {
            fs::metadata(&path).is_ok_and(|file| file.len() >= 30)
        });
        running.signal(Signal::KILL);
        running.end();
        let output = Command::new(program)
            .arg("-dc")
            .arg(&path)
            .output()
            .unwrap();
        let line = "10.0.0.1\tNOERROR\thost-10-0-0-1.example.net.\n";
        assert_eq!(String::from_utf8_lossy(&output.stdout), line);
    }
}

#[test]
fn a_full_disk_counts_the_lines_that_cannot_be_read_back() {
    let directory = tempfile::tempdir().unwrap();
    for (end, _) in FORMATS {
        let path = directory.path().join(format!("lines.{end}"));
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let run = canvass(&["ptr", "--lab", "10.0.0.0/26", "-o", path.to_str().unwrap()])
            .exits(3)
            .says("64 of 64 lines were not written");
        assert_eq!(run.balance()[0], 64);
    }
}

#[test]
fn a_comparison_is_compressed_too_and_a_page_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (lines, page) = (at("pairs.zst"), at("page.gz"));
    let files = ["-f", "csv", "-o", &lines, "--html", &page];
    canvass(&[&SHORT_COMPARISON[..], &files].concat()).exits(0);
    assert!(decompress("zstd", &lines).starts_with("a,a_targets,"));
    assert!(fs::read_to_string(&page).unwrap().contains("</html>"));
}

#[test]
fn a_page_is_made_from_compressed_lines() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let plain = at("lines");
    let ptr = [
        "ptr",
        "--lab",
        "10.0.0.0/23",
        "-q",
        "-f",
        "ndjson",
        "-o",
        &plain,
    ];
    canvass(&ptr).exits(0);
    for (end, program) in FORMATS {
        // Known by its first octets and not by its name.
        let path = at(&format!("compressed-{end}"));
        let output = Command::new(program).args(["-c", &plain]).output().unwrap();
        fs::write(&path, &output.stdout).unwrap();
        let page = canvass(&["report", &path]).exits(0);
        assert!(page.out.contains(">512<"), "{end}");
        let read = canvass_reading(&["report", "-"], output.stdout.clone()).exits(0);
        assert!(read.out.contains(">512<"), "{end}");
        // A file that is cut off is read up to there.
        fs::write(&path, &output.stdout[..output.stdout.len() - 1]).unwrap();
        canvass(&["report", &path]).exits(0).says("is cut off");
    }
}
