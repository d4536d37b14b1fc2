//! `redis-server` in a directory of its own.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use redis::{Connection, FromRedisValue};
use tempfile::TempDir;

use crate::redis::RedisOptions;

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(5);
const SOCKET: &str = "redis.sock";

/// A server that listens on a socket in its directory.
pub(crate) struct RedisPeer {
    directory: TempDir,
    child: Child,
    arguments: Vec<String>,
}

impl RedisPeer {
    /// One that writes no file.
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::start_with(tempfile::tempdir().unwrap(), &["--appendonly", "no"])
    }

    #[track_caller]
    pub(crate) fn start_with(directory: TempDir, arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect();
        let child = spawn(directory.path(), &arguments);
        let mut peer = Self {
            directory,
            child,
            arguments,
        };
        peer.wait_until_it_answers();
        peer
    }

    /// Ends it as a crash does, and starts it again with the same files.
    #[track_caller]
    pub(crate) fn crash_and_restart(&mut self) {
        self.crash();
        self.child = spawn(self.directory.path(), &self.arguments);
        self.wait_until_it_answers();
    }

    pub(crate) fn crash(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn socket(&self) -> std::path::PathBuf {
        self.directory.path().join(SOCKET)
    }

    pub(crate) fn options(&self) -> RedisOptions {
        RedisOptions {
            url: format!("unix://{}", self.socket().display()),
            ..RedisOptions::default()
        }
    }

    /// Sends a command, its words separated by spaces.
    #[track_caller]
    pub(crate) fn command<T: FromRedisValue>(&self, command: &str) -> T {
        let words: Vec<&str> = command.split(' ').collect();
        redis::cmd(words[0])
            .arg(&words[1..])
            .query(&mut self.connection().unwrap())
            .unwrap()
    }

    fn connection(&self) -> redis::RedisResult<Connection> {
        redis::Client::open(self.options().url)?.get_connection()
    }

    #[track_caller]
    fn wait_until_it_answers(&mut self) {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE, "redis-server does not answer");
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "redis-server has ended: {ended:?}");
            let connection = self.connection();
            if connection
                .is_ok_and(|mut connection| redis::cmd("PING").exec(&mut connection).is_ok())
            {
                return;
            }
            thread::sleep(LOOK);
        }
    }
}

impl Drop for RedisPeer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(directory: &Path, arguments: &[String]) -> Child {
    let _ = fs::remove_file(directory.join(SOCKET));
    Command::new("redis-server")
        .args(["--port", "0", "--unixsocket", SOCKET, "--save", ""])
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is missing: scripts/test-deps installs what the tests need")
}
