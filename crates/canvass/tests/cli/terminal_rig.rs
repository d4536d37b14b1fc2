//! The command on a terminal of its own, and what a person sees there.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::common::{CANVASS, LOCALE, PATIENCE};

const ROWS: u16 = 24;
/// Rows that have left the screen at its top, and are kept.
const SCROLLBACK_ROWS: usize = 10_000;
pub(crate) const CTRL_C: &[u8] = b"\x03";
pub(crate) const CTRL_Z: &[u8] = b"\x1a";

/// The command on a terminal. It is killed when this goes out of scope.
pub(crate) struct Terminal {
    /// The other side of the terminal.
    master: File,
    child: Child,
    emulator: vt100::Parser,
    raw: Vec<u8>,
}

/// What a terminal shows in the end.
#[derive(Debug)]
pub(crate) struct Shown {
    pub code: Option<i32>,
    /// All rows, with those that have left the screen, without blanks at their ends.
    pub rows: Vec<String>,
    /// The rows that were too short for their line.
    pub wrapped: Vec<String>,
    /// What was written to the terminal.
    pub raw: String,
}

impl Terminal {
    pub(crate) fn start(columns: u16, args: &[&str]) -> Self {
        Self::start_in(columns, &[], args)
    }

    /// As [`start`](Self::start), with these variables in the environment.
    pub(crate) fn start_in(columns: u16, environment: &[(&str, &str)], args: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("a terminal");
        unlockpt(&master).expect("a terminal");
        let path = ptsname(&master, Vec::new()).expect("a terminal has a name");
        let open = || {
            OpenOptions::new()
                .read(true)
                .write(true)
                .custom_flags(OFlags::NOCTTY.bits() as i32)
                .open(std::ffi::OsStr::from_bytes(path.to_bytes()))
                .map(Stdio::from)
                .expect("a terminal can be opened")
        };
        let master = File::from(master);
        set_columns(&master, columns);
        // It gets a session of its own, so that Ctrl-C is a signal to it alone.
        let child = Command::new("setsid")
            .args(["--ctty", CANVASS])
            .args(args)
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .env(LOCALE.0, LOCALE.1)
            .envs(environment.iter().copied())
            .stdin(open())
            .stdout(open())
            .stderr(open())
            .spawn()
            .expect("the command can be started");
        Self {
            master,
            child,
            emulator: vt100::Parser::new(ROWS, columns, SCROLLBACK_ROWS),
            raw: Vec::new(),
        }
    }

    /// Waits until the terminal shows something.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) {
        while !self.emulator.screen().contents().contains(text) {
            let shown = self.emulator.screen().contents();
            assert!(self.read(), "{text:?} did not appear in:\n{shown}");
        }
    }

    /// Types keys.
    pub(crate) fn press(&mut self, keys: &[u8]) {
        self.master.write_all(keys).expect("a terminal takes keys");
    }

    pub(crate) fn resize(&mut self, columns: u16) {
        self.emulator.screen_mut().set_size(ROWS, columns);
        set_columns(&self.master, columns);
    }

    /// Whether the command is stopped (proc_pid_stat(5)).
    pub(crate) fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        stat.is_ok_and(|stat| stat.contains(") T "))
    }

    /// Writes text as another process on the same terminal.
    pub(crate) fn write_beside(&self, text: &str) {
        let path = ptsname(&self.master, Vec::new()).expect("a terminal has a name");
        let path = std::ffi::OsStr::from_bytes(path.to_bytes());
        let mut terminal = OpenOptions::new()
            .write(true)
            .custom_flags(OFlags::NOCTTY.bits() as i32)
            .open(path)
            .expect("a terminal can be opened");
        terminal
            .write_all(text.as_bytes())
            .expect("a terminal can be written to");
    }

    /// Lets the command go on after it was stopped.
    pub(crate) fn go_on(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::CONT).expect("it is there");
    }

    /// Waits for the end of the command.
    #[track_caller]
    pub(crate) fn end(mut self) -> Shown {
        while self.read() {}
        let status = self.child.wait().expect("it can be waited for");
        let screen = self.emulator.screen_mut();
        let columns = screen.size().1;
        screen.set_scrollback(usize::MAX);
        let (mut rows, mut wrapped) = (Vec::new(), Vec::new());
        // The upper row of each view, and all rows of the last one.
        for hidden in (0..=screen.scrollback()).rev() {
            screen.set_scrollback(hidden);
            let shown = if hidden > 0 { 1 } else { ROWS };
            for (number, row) in (0..shown).zip(screen.rows(0, columns)) {
                rows.push(row.trim_end().to_owned());
                wrapped.extend(screen.row_wrapped(number).then_some(row));
            }
        }
        Shown {
            code: status.code(),
            rows,
            wrapped,
            raw: String::from_utf8(std::mem::take(&mut self.raw)).expect("text"),
        }
    }

    /// Reads what the command has written. Returns whether it may write more.
    #[track_caller]
    fn read(&mut self) -> bool {
        let mut ready = [PollFd::new(&self.master, PollFlags::IN)];
        let patience = Timespec::try_from(PATIENCE).expect("a minute");
        let number = poll(&mut ready, Some(&patience)).expect("a terminal can be polled");
        assert!(number > 0, "nothing is written in {PATIENCE:?}");
        let mut buffer = [0; 4096];
        match self.master.read(&mut buffer) {
            Ok(octets) => {
                self.emulator.process(&buffer[..octets]);
                self.raw.extend_from_slice(&buffer[..octets]);
                octets > 0
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            // EIO: nobody has the terminal open any more.
            Err(_) => false,
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn set_columns(terminal: &File, columns: u16) {
    let size = Winsize {
        ws_row: ROWS,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).expect("a terminal has a size");
}

impl Shown {
    /// Checks the exit status, and that neither progress nor echoed keys have left a trace.
    #[track_caller]
    pub(crate) fn exits_clean(self, code: i32) -> Self {
        let text = self.rows.join("\n");
        assert_eq!(self.code, Some(code), "{text}");
        for trace in [" done", "^C", "^Z"] {
            assert!(!text.contains(trace), "{trace:?} is left in:\n{text}");
        }
        self
    }

    /// How many rows begin with something.
    pub(crate) fn rows_with(&self, begin: &str) -> usize {
        self.rows
            .iter()
            .filter(|row| row.starts_with(begin))
            .count()
    }
}
