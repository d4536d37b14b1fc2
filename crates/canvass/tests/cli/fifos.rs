//! FIFOs as inputs and outputs: the wait for their other end can be interrupted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::common::{Running, until};

/// A directory with a FIFO.
fn fifo() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fifo");
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    (directory, path)
}

/// Checks that each signal ends a command that waits for the other end of a FIFO.
#[track_caller]
fn ends_by_signal(args: &[&str]) {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut running = Running::start_by(&["env", "--default-signal=HUP"], args);
        until("the signal to be caught", || running.catches(signal));
        running.signal(signal);
        let run = running.end().exits(code);
        assert_eq!((&*run.out, &*run.err), ("", ""), "{args:?}");
    }
}

#[test]
fn an_output_without_a_reader_is_not_waited_for_after_a_signal() {
    let (directory, fifo) = fifo();
    let fifo = fifo.to_str().unwrap();
    let lines = directory.path().join("lines");
    fs::write(&lines, "of an earlier run").unwrap();
    let page = lines.to_str().unwrap();
    let ptr = ["ptr", "10.0.0.0/28", "--lab", "-q"];
    ends_by_signal(&[&ptr[..], &["-o", fifo]].concat());
    for flag in ["--html", "--hlog", "--hgrm"] {
        ends_by_signal(&[&ptr[..], &[flag, fifo, "-o", page]].concat());
        let kept = fs::read_to_string(&lines).unwrap();
        assert_eq!(kept, "of an earlier run", "{flag}");
    }
    let compare = ["compare", "10.0.0.0/28", "--lab", "--against", "tcp", "-q"];
    ends_by_signal(&[&compare[..], &["-o", fifo]].concat());
}

#[test]
fn an_input_without_a_writer_is_not_waited_for_after_a_signal() {
    let (_directory, fifo) = fifo();
    let fifo = fifo.to_str().unwrap();
    ends_by_signal(&["ptr", "--lab", "-q", "-i", fifo]);
    ends_by_signal(&["ptr", "10.0.0.1", "--lab", "-q", "--exclude", fifo]);
    ends_by_signal(&["compare", "--lab", "--against", "tcp", "-i", fifo]);
    ends_by_signal(&["report", fifo]);
}

#[test]
fn a_reader_gets_every_line_and_every_page() {
    let (directory, fifo) = fifo();
    let shown = fifo.to_str().unwrap();
    let run = |args: &[&str]| {
        let ptr = ["ptr", "10.0.0.0/20", "--lab", "-q"];
        let mut running = Running::start(&[&ptr[..], args].concat());
        let read = read(&fifo);
        running.end().exits(0);
        read
    };
    assert_eq!(run(&["-o", shown]).lines().count(), 4096);
    let lines = directory.path().join("lines");
    let page = run(&["--html", shown, "-o", lines.to_str().unwrap()]);
    assert!(page.ends_with("</html>\n"), "{page}");
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}
