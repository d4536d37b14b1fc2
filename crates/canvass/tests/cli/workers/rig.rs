//! A Redis on a socket of its own, with workers and submitters that are processes.

use std::cell::Cell;
use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{CANVASS, LOCALE, LabChild, PATIENCE, Run, canvass, until};
use crate::journal_rig::lines_of;

/// How often it is looked whether a process has ended.
const LOOK: Duration = Duration::from_millis(20);

/// A Redis that keeps what it has over restarts.
pub(super) struct SocketRedis {
    child: Child,
    directory: TempDir,
    settings: Vec<String>,
}

impl SocketRedis {
    pub(super) fn start(settings: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let child = serve(&directory, &settings);
        let redis = Self {
            child,
            directory,
            settings,
        };
        redis.wait();
        redis
    }

    pub(super) fn url(&self) -> String {
        format!("unix://{}", self.socket())
    }

    fn socket(&self) -> String {
        let path = self.directory.path().join("redis.sock");
        path.display().to_string()
    }

    /// Ends it by SIGKILL.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again with what it had.
    pub(super) fn restart(&mut self) {
        self.child = serve(&self.directory, &self.settings);
        self.wait();
    }

    fn wait(&self) {
        until("redis-server", || self.ask(&["PING"]).trim() == "PONG");
    }

    /// The reply to a command, and nothing where there is none.
    pub(super) fn ask(&self, command: &[&str]) -> String {
        let reply = Command::new("redis-cli")
            .args(["-s", &self.socket()])
            .args(command)
            .output()
            .expect("redis-cli is missing: scripts/test-deps installs what the tests need");
        String::from_utf8(reply.stdout).unwrap()
    }
}

fn serve(directory: &TempDir, settings: &[String]) -> Child {
    Command::new("redis-server")
        .args(["--port", "0", "--unixsocket", "redis.sock"])
        .args(["--save", "", "--maxmemory-policy", "noeviction"])
        .args(["--appendonly", "yes", "--appendfsync", "everysec"])
        .args(settings)
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is missing: scripts/test-deps installs what the tests need")
}

impl Drop for SocketRedis {
    fn drop(&mut self) {
        // It may be killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process of the command whose messages can be read while it runs. It is killed when this goes out of
/// scope.
pub(super) struct Process {
    child: Child,
    name: String,
    messages: String,
}

impl Process {
    pub(super) fn said(&self) -> String {
        fs::read_to_string(&self.messages).unwrap()
    }

    /// Waits until it has said this.
    #[track_caller]
    pub(super) fn until_it_says(&mut self, words: &str) {
        until(&format!("{words:?} of {}", self.name), || {
            let has_ended = self.has_ended();
            let said = self.said();
            let has_said = said.contains(words);
            assert!(has_said || !has_ended, "{} ended:\n{said}", self.name);
            has_said
        });
    }

    pub(super) fn signal(&self, signal: Signal) {
        // One that has ended already needs no signal.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Ends it by SIGKILL.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(super) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub(super) fn end(&mut self) -> Run {
        self.end_within(PATIENCE)
    }

    #[track_caller]
    pub(super) fn end_within(&mut self, patience: Duration) -> Run {
        let begun = Instant::now();
        while !self.has_ended() {
            let waited = begun.elapsed();
            assert!(
                waited < patience,
                "{} runs on after {waited:?}:\n{}",
                self.name,
                self.said()
            );
            thread::sleep(LOOK);
        }
        Run {
            code: self.child.wait().unwrap().code(),
            out: String::new(),
            err: self.said(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory with the files of one campaign, its Redis, and a lab.
pub(super) struct Rig {
    directory: TempDir,
    pub(super) redis: SocketRedis,
    _lab: LabChild,
    /// The command line without what says where it runs.
    command: Vec<String>,
    output: String,
    /// The number of processes that were started.
    started: Cell<u32>,
}

/// The name of each campaign here.
pub(super) const CAMPAIGN: &str = "names";

impl Rig {
    /// For this command line, which has no `-o` or `--workers` yet. The resolver is the lab of this rig,
    /// unless the command has one of its own (`--lab`, `-r`).
    pub(super) fn new(command: &[&str]) -> Self {
        Self::with(command, "out.ndjson", &[])
    }

    /// With another output, and more settings of Redis.
    pub(super) fn with(command: &[&str], output: &str, redis: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let lab = LabChild::start(&[]);
        let mut command: Vec<String> = command.iter().map(ToString::to_string).collect();
        if !command
            .iter()
            .any(|word| ["--lab", "-r"].contains(&&**word))
        {
            command.extend(["-r".to_owned(), lab.resolver()]);
        }
        Self {
            output: directory.path().join(output).display().to_string(),
            redis: SocketRedis::start(redis),
            _lab: lab,
            command,
            started: Cell::new(0),
            directory,
        }
    }

    /// A path in its directory.
    pub(super) fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// Starts a worker.
    pub(super) fn worker(&self, args: &[&str]) -> Process {
        let url = self.redis.url();
        let args = [&["worker", &url][..], args].concat();
        self.start("a worker", &args)
    }

    /// Starts some of them.
    pub(super) fn workers(&self, count: usize) -> Vec<Process> {
        (0..count).map(|_| self.worker(&[])).collect()
    }

    /// Starts the command on the workers.
    pub(super) fn submit(&self, args: &[&str]) -> Process {
        let command = self.on_workers(args);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        self.start("the submitter", &command)
    }

    fn on_workers(&self, args: &[&str]) -> Vec<String> {
        let url = self.redis.url();
        let place = ["--workers", &url, "--campaign", CAMPAIGN];
        let all = self.here(&[&["-o", &self.output], &place[..], args].concat());
        all.into_iter().map(str::to_owned).collect()
    }

    /// Goes on with the campaign by `campaign attach`.
    pub(super) fn attach(&self) -> Process {
        let url = self.redis.url();
        self.start("the submitter", &["campaign", "attach", CAMPAIGN, &url])
    }

    /// Goes on with the run by `--resume`.
    pub(super) fn resume(&self, args: &[&str]) -> Process {
        let journal = format!("{}.journal", self.output);
        self.submit(&[args, &["--resume", &journal]].concat())
    }

    /// The only campaign as `campaign list` has it, if there is one.
    pub(super) fn listed(&self) -> Option<Value> {
        let run = self.campaign("list", &["-f", "ndjson"]).exits(0);
        let line = run.out.lines().next();
        line.map(|line| serde_json::from_str(line).unwrap())
    }

    /// Runs a command about campaigns.
    pub(super) fn campaign(&self, command: &str, args: &[&str]) -> Run {
        let url = self.redis.url();
        canvass(&[&["campaign", command], args, &[&url]].concat())
    }

    fn here<'a>(&'a self, args: &[&'a str]) -> Vec<&'a str> {
        let mut all: Vec<&str> = self.command.iter().map(String::as_str).collect();
        all.extend(args);
        all
    }

    /// The lines of its output, decompressed.
    pub(super) fn lines(&self) -> Vec<String> {
        lines_of(self.output.as_ref())
    }

    /// Runs the same command without workers, and returns its lines.
    pub(super) fn lines_alone(&self) -> Vec<String> {
        let name = self.output.rsplit('/').next().unwrap();
        let output = self.path(&format!("alone-{name}"));
        let run = canvass(&self.here(&["-q", "-o", &output]));
        assert!(run.code < Some(2), "{}", run.err);
        lines_of(output.as_ref())
    }

    fn start(&self, name: &str, args: &[&str]) -> Process {
        self.started.set(self.started.get() + 1);
        let messages = self.path(&format!("{}.messages", self.started.get()));
        let child = Command::new(CANVASS)
            .args(args)
            .env(LOCALE.0, LOCALE.1)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&messages).unwrap())
            .spawn()
            .expect("the command can be started");
        Process {
            child,
            name: name.to_owned(),
            messages,
        }
    }
}
