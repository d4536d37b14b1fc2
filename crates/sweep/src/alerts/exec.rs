//! Alerts to a command.

use std::io::{self, Seek, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::alert::Message;
use super::queue::DeliveryError;
use super::receiver::Deliver;

/// How often it is looked whether the command has ended.
const LOOK: Duration = Duration::from_millis(10);

/// Runs a command for each message, which is on its standard input. Exit status 0 means that it has
/// been delivered.
pub(crate) struct Exec {
    pub(crate) program: String,
    pub(crate) args: Vec<String>,
    pub(crate) timeout: Duration,
}

impl Deliver for Exec {
    fn deliver(&self, messages: &[Message]) -> Result<(), DeliveryError> {
        messages.iter().try_for_each(|message| {
            let status = self.run(&message.json());
            let failure = match status {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => status.to_string(),
                Ok(None) => format!("no end within {:?}", self.timeout),
                Err(error) => error.to_string(),
            };
            Err(DeliveryError {
                message: failure,
                is_refused: false,
            })
        })
    }
}

impl Exec {
    /// Returns `None` if the command did not end in time, and has been killed.
    fn run(&self, body: &str) -> io::Result<Option<ExitStatus>> {
        // A file, so that a command that does not read its input holds nothing up.
        let mut input = tempfile::tempfile()?;
        writeln!(input, "{body}")?;
        input.rewind()?;
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .stdin(Stdio::from(input))
            .stdout(Stdio::null())
            // A group of its own: a signal to canvass is none to it, and what it starts ends with it.
            .process_group(0)
            .spawn()?;
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if begun.elapsed() >= self.timeout {
                kill(&mut child)?;
                return Ok(None);
            }
            thread::sleep(LOOK);
        }
    }
}

fn kill(child: &mut Child) -> io::Result<()> {
    // Fails only if it has ended meanwhile.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    child.wait().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, timeout: Duration) -> Exec {
        Exec {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            timeout,
        }
    }

    #[test]
    fn only_exit_status_0_has_delivered_it() {
        let long = Duration::from_secs(60);
        let success = |exec: Exec| exec.run("{}").unwrap().map(|status| status.success());
        assert_eq!(success(shell("test \"$(cat)\" = '{}'", long)), Some(true));
        // One that does not read its input is as good.
        let big = "x".repeat(1 << 20);
        let status = shell("exit 0", long).run(&big).unwrap();
        assert!(status.is_some_and(|status| status.success()));
        assert_eq!(success(shell("exit 3", long)), Some(false));
        let missing = Exec {
            program: "/nonexistent/program".into(),
            args: Vec::new(),
            timeout: long,
        };
        assert!(missing.run("{}").is_err());
    }

    #[test]
    fn one_that_hangs_is_killed_with_what_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        let script = format!("mkfifo '{0}'; cat '{0}' & wait", fifo.display());
        let hung = shell(&script, Duration::from_millis(50));
        assert_eq!(hung.run("{}").unwrap(), None);
    }
}
