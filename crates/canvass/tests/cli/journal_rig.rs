//! Runs with a journal that are interrupted and resumed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Run, Running, canvass_reading, until};

/// A directory with the files of one run.
pub(crate) struct Rig {
    directory: TempDir,
    /// The command line without outputs.
    args: Vec<String>,
    pub output: PathBuf,
    pub journal: PathBuf,
}

impl Rig {
    /// `args` without `-o`, whose file is called `output`.
    pub(crate) fn new(args: &[&str], output: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            args: args.iter().map(ToString::to_string).collect(),
            output: directory.path().join(output),
            journal: directory.path().join("run.journal"),
            directory,
        }
    }

    /// A path in its directory.
    pub(crate) fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// Adds arguments.
    pub(crate) fn add(&mut self, args: &[&str]) {
        self.args.extend(args.iter().map(ToString::to_string));
    }

    /// The command line that begins the journal, or goes on from it.
    pub(crate) fn command(&self) -> Vec<String> {
        let flag = if self.journal.exists() {
            "--resume"
        } else {
            "--journal"
        };
        self.command_with(flag)
    }

    pub(crate) fn command_with(&self, flag: &str) -> Vec<String> {
        let files = ["-o", path(&self.output), flag, path(&self.journal)];
        let files = files.iter().map(ToString::to_string);
        self.args.iter().cloned().chain(files).collect()
    }

    /// Runs it to its end, or to the next one that it has by itself.
    pub(crate) fn run(&self) -> Run {
        self.run_reading("")
    }

    pub(crate) fn run_reading(&self, input: &str) -> Run {
        run(&self.command(), input)
    }

    /// Runs it with other flags.
    pub(crate) fn run_with(&self, flag: &str, more: &[&str]) -> Run {
        let mut command = self.command_with(flag);
        command.extend(more.iter().map(ToString::to_string));
        run(&command, "")
    }

    /// Runs it until its journal has `records` more, and sends it a signal.
    pub(crate) fn interrupt(&self, records: u64, signal: Signal, input: Option<&str>) -> Run {
        let command = self.command();
        let args: Vec<&str> = command.iter().map(String::as_str).collect();
        let before = self.record();
        let mut running = Running::start(&args);
        if let Some(input) = input {
            running.write(input);
        }
        let mut has_ended = false;
        until("records", || {
            has_ended = running.has_ended();
            has_ended || self.record() >= before + records
        });
        assert!(!has_ended, "it ended too early: {}", running.end().err);
        running.signal(signal);
        running.end()
    }

    /// The number of the latest record; 0 if there is none.
    pub(crate) fn record(&self) -> u64 {
        self.shown("generation")
            .and_then(|value| value.as_u64())
            .unwrap_or(0)
    }

    /// A value of the journal.
    pub(crate) fn shown(&self, key: &str) -> Option<Value> {
        let text = fs::read_to_string(&self.journal).ok()?;
        let record: Value = serde_json::from_str(text.split_once('\n')?.1).ok()?;
        Some(record[key].clone())
    }

    /// The lines of its output, decompressed.
    pub(crate) fn lines(&self) -> Vec<String> {
        lines_of(&self.output)
    }

    /// The lines of the same run without a journal.
    pub(crate) fn undisturbed(&self, input: &str) -> Vec<String> {
        let name = self.output.file_name().unwrap().to_str().unwrap();
        let output = self.directory.path().join(format!("whole-{name}"));
        let mut command = self.args.clone();
        command.extend(["-q", "-o", path(&output)].map(String::from));
        let run = run(&command, input);
        assert!(run.code < Some(2), "{}", run.err);
        lines_of(&output)
    }
}

fn run(command: &[String], input: &str) -> Run {
    let args: Vec<&str> = command.iter().map(String::as_str).collect();
    canvass_reading(&args, input)
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The lines of a file, decompressed.
pub(crate) fn lines_of(path: &Path) -> Vec<String> {
    let program = match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => "gzip",
        Some("zst") => "zstd",
        _ => {
            let text = fs::read_to_string(path).unwrap();
            return text.lines().map(String::from).collect();
        }
    };
    let output = Command::new(program).arg("-dc").arg(path).output();
    let output = output.expect("gzip and zstd are installed: scripts/test-deps");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(String::from).collect()
}

/// What must be the same in two runs, with how often it is there: place, target, outcome, status and
/// answer.
pub(crate) fn results(lines: &[String]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in lines {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let keys = [
            "seq", "repeat", "line", "target", "type", "outcome", "status", "names",
        ];
        let values = keys.map(|key| line[key].to_string());
        *counts.entry(values.join(" ")).or_default() += 1;
    }
    counts
}
