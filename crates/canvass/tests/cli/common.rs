//! Running the command, to its end or by its side.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// No run here takes longer, however busy the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The locale of the command under test.
pub(crate) const LOCALE: (&str, &str) = ("LC_ALL", "C.UTF-8");

/// The command under test.
pub(crate) const CANVASS: &str = env!("CARGO_BIN_EXE_canvass");

/// A comparison of 64 targets, without the outputs.
pub(crate) const SHORT_COMPARISON: [&str; 7] = [
    "compare",
    "10.0.0.0/26",
    "--lab",
    "--against",
    "tcp",
    "--budget",
    "2s",
];

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs the command to its end with nothing on its standard input.
pub(crate) fn canvass(args: &[&str]) -> Run {
    canvass_reading(args, "")
}

/// Runs the command to its end with `input` on its standard input.
pub(crate) fn canvass_reading(args: &[&str], input: impl Into<Vec<u8>>) -> Run {
    let output = assert_cmd::Command::new(CANVASS)
        .args(args)
        .env(LOCALE.0, LOCALE.1)
        .write_stdin(input)
        .timeout(PATIENCE)
        .output()
        .expect("the command can be run");
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("output is UTF-8"),
        err: String::from_utf8(output.stderr).expect("messages are UTF-8"),
    }
}

impl Run {
    /// Checks the exit status.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "standard error:\n{}\nstandard output begins:\n{}",
            self.err,
            self.out.chars().take(2000).collect::<String>()
        );
        self
    }

    /// Checks that standard error has this in it.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(
            self.err.contains(words),
            "{words:?} is missing in:\n{}",
            self.err
        );
        self
    }

    /// The lines of standard output as JSON objects, by their `seq`.
    #[track_caller]
    pub(crate) fn objects(&self) -> Vec<Value> {
        let mut objects: Vec<Value> = self
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect();
        objects.sort_by_key(|object| object["seq"].as_u64());
        objects
    }

    /// As [`Self::objects`], having checked that each of `count` targets has one line.
    #[track_caller]
    pub(crate) fn whole(&self, count: u64) -> Vec<Value> {
        let objects = self.objects();
        let seqs: Vec<u64> = objects
            .iter()
            .map(|object| object["seq"].as_u64().expect("a line has its seq"))
            .collect();
        assert!(
            seqs.iter().copied().eq(0..count),
            "{} lines for {count} targets: {seqs:?}\n{}",
            seqs.len(),
            self.err
        );
        objects
    }

    /// `in`, `answered`, `negative`, `failed` as the summary has them, having checked that
    /// they add up and that nothing is wrong with them.
    #[track_caller]
    pub(crate) fn balance(&self) -> [u64; 4] {
        let line = self
            .err
            .lines()
            .find(|line| line.starts_with("in "))
            .unwrap_or_else(|| panic!("no balance in:\n{}", self.err));
        let numbers: Vec<u64> = line
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        let [admitted, answered, negative, failed] = numbers[..] else {
            panic!("{line:?} is no balance");
        };
        assert_eq!(admitted, answered + negative + failed, "{line}");
        assert!(!self.err.contains("BUG"), "{}", self.err);
        [admitted, answered, negative, failed]
    }

    /// What remained after an interrupt.
    #[track_caller]
    pub(crate) fn remaining(&self) -> u64 {
        self.err
            .lines()
            .find_map(|line| line.strip_prefix("interrupted; remaining "))
            .and_then(|number| number.parse().ok())
            .unwrap_or_else(|| panic!("nothing says what remains in:\n{}", self.err))
    }
}

/// Every value of one key.
pub(crate) fn values<'a>(objects: &'a [Value], key: &str) -> Vec<&'a str> {
    objects
        .iter()
        .map(|object| object[key].as_str().unwrap_or_default())
        .collect()
}

/// The distinct values of one key.
pub(crate) fn distinct<'a>(objects: &'a [Value], key: &str) -> BTreeSet<&'a str> {
    values(objects, key).into_iter().collect()
}

/// The command while it runs. It is killed when this goes out of scope.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Running {
    /// Starts the command with a pipe on each of its three streams.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_by(&[], args)
    }

    /// As [`Self::start`], by another command that is given `wrapper` and executes this one.
    pub(crate) fn start_by(wrapper: &[&str], args: &[&str]) -> Self {
        let all = [wrapper, &[CANVASS], args].concat();
        let mut child = Command::new(all[0])
            .args(&all[1..])
            .env(LOCALE.0, LOCALE.1)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command can be started");
        Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take().map(BufReader::new),
            child,
        }
    }

    /// Writes to its standard input, which stays open.
    #[track_caller]
    pub(crate) fn write(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("its input is open");
        stdin.write_all(text.as_bytes()).expect("it reads");
        stdin.flush().expect("it reads");
    }

    /// The end of its standard input.
    pub(crate) fn close_input(&mut self) {
        self.stdin = None;
    }

    /// The next line of its standard output, without its end.
    #[track_caller]
    pub(crate) fn read_line(&mut self) -> String {
        let mut stdout = self.stdout.take().expect("its output is open");
        let (line, stdout) = in_time("a line", move || {
            let mut line = String::new();
            stdout.read_line(&mut line).expect("output is UTF-8");
            (line, stdout)
        });
        self.stdout = Some(stdout);
        let Some(line) = line.strip_suffix('\n') else {
            let run = self.end();
            panic!("its output ended; it said:\n{}", run.err);
        };
        line.to_owned()
    }

    /// Reads no more of its standard output.
    pub(crate) fn hang_up(&mut self) {
        self.stdout = None;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // One that has ended already needs no signal.
        let _ = kill_process(self.pid(), signal);
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Whether it has a handler for this signal (`SigCgt` of proc_pid_status(5)).
    pub(crate) fn catches(&self, signal: Signal) -> bool {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("it has not been waited for");
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.expect("a mask").trim(), 16).expect("a mask");
        caught & (1 << (signal.as_raw() - 1)) != 0
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("it can be waited for")
            .is_some()
    }

    /// Waits for its end. `out` is what was not read yet.
    #[track_caller]
    pub(crate) fn end(&mut self) -> Run {
        let stdout = self.stdout.take();
        let mut stderr = self.child.stderr.take().expect("it ends once");
        let pid = Pid::from_child(&self.child);
        let (out, err) = in_time_or(
            "its end",
            move || {
                let reader = thread::spawn(move || {
                    let mut err = String::new();
                    stderr.read_to_string(&mut err).expect("messages are UTF-8");
                    err
                });
                let mut out = String::new();
                if let Some(mut stdout) = stdout {
                    stdout.read_to_string(&mut out).expect("output is UTF-8");
                }
                (out, reader.join().expect("the reader does not panic"))
            },
            || {
                // One that has ended already needs no signal.
                let _ = kill_process(pid, Signal::KILL);
            },
        );
        let status = self.child.wait().expect("it can be waited for");
        Run {
            code: status.code(),
            out,
            err,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `canvass lab` on a free port.
pub(crate) struct LabChild {
    pub running: Running,
    pub address: SocketAddr,
}

impl LabChild {
    #[track_caller]
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut all = vec!["lab", "--listen", "127.0.0.1:0"];
        all.extend(args);
        let mut running = Running::start(&all);
        let line = running.read_line();
        let address = line
            .strip_prefix("listening on ")
            .and_then(|rest| rest.strip_suffix(" (udp and tcp)"))
            .and_then(|address| address.parse().ok())
            .unwrap_or_else(|| panic!("{line:?} does not say where it listens"));
        Self { running, address }
    }

    /// The lab's address as `--resolver` takes it.
    pub(crate) fn resolver(&self) -> String {
        self.address.to_string()
    }
}

/// How long [`until`] waits before it looks again.
const LOOK: Duration = Duration::from_millis(20);

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        thread::sleep(LOOK);
    }
}

/// Runs what may wait for ever on a thread of its own, and panics when it takes too long.
#[track_caller]
pub(crate) fn in_time<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    in_time_or(what, work, || {})
}

#[track_caller]
fn in_time_or<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
    give_up: impl FnOnce(),
) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || drop(sender.send(work())));
    receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        give_up();
        panic!("waited {PATIENCE:?} for {what}")
    })
}
