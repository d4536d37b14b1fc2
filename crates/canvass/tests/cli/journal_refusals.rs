//! What is refused of a journal, with its reason: nothing is touched then.

use std::fs;
use std::fs::OpenOptions;

use rustix::process::Signal;

use crate::common::{Running, until};
use crate::journal_rig::Rig;

/// A run that was interrupted.
fn interrupted() -> Rig {
    let mut rig = Rig::new(&["ptr", "--lab", "--rate", "1000", "-q"], "lines");
    let list = rig.path("list");
    let lines: String = (0..5000)
        .map(|n| format!("10.0.{}.{}\n", n / 256, n % 256))
        .collect();
    fs::write(&list, lines).unwrap();
    rig.add(&["-i", &list]);
    rig.interrupt(3, Signal::KILL, None);
    rig
}

/// What the run has written.
fn state(rig: &Rig) -> (Vec<u8>, Vec<u8>) {
    (
        fs::read(&rig.output).unwrap(),
        fs::read(&rig.journal).unwrap(),
    )
}

#[test]
fn another_question_is_refused_and_the_difference_named() {
    let rig = interrupted();
    let before = state(&rig);
    for (more, words) in [
        (
            &["-f", "csv"][..],
            "--format is text in the journal, and csv now",
        ),
        (
            &["--shard", "1/2"],
            "--shard is not in the journal, and 1/2 now",
        ),
        (
            &["--shuffle=4"],
            "--shuffle is not given in the journal, and =4 now",
        ),
        (
            &["--limit", "9"],
            "--limit is not in the journal, and 9 now",
        ),
        (&["--dedup"], "--dedup is not in the journal"),
        (
            &["--exclude", "10.0.0.1"],
            "--exclude is not in the journal, and 10.0.0.1 now",
        ),
        (&["--cd"], "--cd is not given in the journal, and given now"),
        (
            &["--skip-lines", "1"],
            "--skip-lines is 0 in the journal, and 1 now",
        ),
        (&["--hlog", &rig.path("h")], "--hlog is not in the journal"),
        (&["-o", &rig.path("other")], "--output is "),
    ] {
        rig.run_with("--resume", more).exits(2).says(words);
    }
    let mut command = rig.command();
    command[0] = "dns".into();
    let args: Vec<&str> = command.iter().map(String::as_str).collect();
    let run = crate::common::canvass(&args).exits(2);
    run.says("the command is ptr in the journal, and dns now\n");
    assert_eq!(state(&rig), before);
    assert!(!fs::exists(rig.path("other")).unwrap() && !fs::exists(rig.path("h")).unwrap());
    // What changes only who is asked, and how.
    let free = [
        "--retries",
        "3",
        "--deadline",
        "9s",
        "--concurrency",
        "50",
        "--threads",
        "2",
    ];
    rig.run_with("--resume", &[&free[..], &["--rate", "50000"]].concat())
        .exits(0);
    assert_eq!(rig.lines().len(), 5000);
}

#[test]
fn another_list_is_refused() {
    let rig = interrupted();
    let before = state(&rig);
    let list = rig.path("list");
    let text = fs::read_to_string(&list).unwrap();
    for other in [
        text.clone() + "10.9.9.9\n",
        text.replace("10.0.19.1\n", "10.0.19.2\n"),
    ] {
        fs::write(&list, other).unwrap();
        let run = rig.run().exits(2).says("it is the journal of another list");
        run.says("the list is ").says("sha256");
    }
    fs::remove_file(&list).unwrap();
    rig.run().exits(2).says("cannot read");
    // A new file with the same lines is the same list.
    fs::write(&list, text).unwrap();
    assert_eq!(state(&rig), before);
    rig.run().exits(0);
}

#[test]
fn an_output_that_is_not_whole_is_refused() {
    let rig = interrupted();
    let octets = rig.shown("progress").unwrap()["outputs"][0]["octets"]
        .as_u64()
        .unwrap();
    let output = OpenOptions::new().write(true).open(&rig.output).unwrap();
    output.set_len(octets - 1).unwrap();
    let words = format!(
        "has {} octets, but {} counts on {octets}",
        octets - 1,
        rig.journal.display()
    );
    rig.run().exits(2).says(&words);
    fs::remove_file(&rig.output).unwrap();
    rig.run().exits(2).says("cannot be read");
    assert!(!rig.output.exists());
}

#[test]
fn a_journal_is_neither_overwritten_nor_made_up() {
    let rig = interrupted();
    let before = state(&rig);
    rig.run_with("--journal", &[])
        .exits(2)
        .says("its run is not finished; go on with --resume");
    rig.run_with("--journal", &["--resume", "x"]).exits(2);
    assert_eq!(state(&rig), before);
    fs::remove_file(&rig.journal).unwrap();
    // The record before the latest one is still there.
    rig.run_with("--journal", &[]).exits(2).says("not finished");
    fs::remove_file(rig.path("run.journal.previous")).unwrap();
    rig.run_with("--resume", &[])
        .exits(2)
        .says("there is no such journal");
    fs::write(&rig.journal, "192.0.2.1\n").unwrap();
    for flag in ["--journal", "--resume"] {
        rig.run_with(flag, &[])
            .exits(2)
            .says("it is not a journal of canvass");
    }
    // A file that mktemp(1) has made is none yet.
    fs::write(&rig.journal, "").unwrap();
    rig.run_with("--resume", &[])
        .exits(2)
        .says("there is no such journal");
    rig.run_with("--journal", &["--rate", "50000"]).exits(0);
    assert_eq!(rig.lines().len(), 5000);
}

#[test]
fn a_damaged_journal_gives_way_to_the_record_before_it() {
    let rig = interrupted();
    let journal = fs::read(&rig.journal).unwrap();
    fs::write(&rig.journal, &journal[..journal.len() - 5]).unwrap();
    rig.run_with("--resume", &["--rate", "50000"])
        .exits(0)
        .says("is damaged: its end is missing; the record before it is taken");
    let mut lines = rig.lines();
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), 5000);
    assert_eq!(rig.lines().len(), 5000);
}

#[test]
fn one_run_at_a_time_uses_a_journal() {
    let rig = interrupted();
    let command = rig.command();
    let args: Vec<&str> = command.iter().map(String::as_str).collect();
    let before = rig.record();
    let mut running = Running::start(&args);
    until("a record", || rig.record() > before);
    rig.run().exits(2).says("another canvass uses it");
    let journal = rig.journal.to_str().unwrap();
    let shown = crate::common::canvass(&["journal", journal]).exits(0).out;
    assert!(shown.starts_with("state        running\n"), "{shown}");
    running.signal(Signal::KILL);
    running.end();
    rig.run_with("--resume", &["--rate", "50000"]).exits(0);
    assert!(!fs::exists(rig.path("run.journal.lock")).unwrap());
}

#[test]
fn outputs_must_be_files_that_can_be_cut() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("j").display().to_string();
    let run = |more: &[&str]| {
        let args = ["ptr", "10.0.0.1", "--lab", "--journal", &journal];
        let run = crate::common::canvass(&[&args[..], more].concat()).exits(2);
        assert!(!fs::exists(&journal).unwrap());
        run
    };
    run(&[]).says("--journal needs -o FILE");
    run(&["-o", "-"]).says("--journal needs -o FILE");
    run(&["-o", "/dev/null"]).says("/dev/null is not a regular file");
    let lines = directory.path().join("lines").display().to_string();
    run(&["-o", &lines, "--hlog", "/dev/null"]).says("/dev/null is not a regular file");
    run(&["-o", &journal]).says("are the same file");
    run(&["-o", &format!("{journal}.next")]).says("are the same file");
}
