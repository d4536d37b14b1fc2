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
