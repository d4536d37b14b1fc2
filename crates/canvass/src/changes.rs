//! Writes the changes of a sweep to standard output.

use std::io::{self, IsTerminal};
use std::thread::{self, JoinHandle};

use canvass_report::Format;
use canvass_run::StopHandle;
use canvass_sweep::Notice;
use crossbeam_channel::Receiver;

use crate::exit::Failure;
use crate::files::{self, Written};
use crate::message::print;

/// A line for each change.
pub(crate) struct ChangeLines {
    pub notices: Receiver<Notice>,
    pub format: Format,
    /// Ends the sweep once its changes cannot be written.
    pub stop: StopHandle,
}

impl ChangeLines {
    /// Writes on a thread of its own until the sweep has ended: a reader that does not read holds up
    /// neither signals nor the end.
    pub(crate) fn start(self) -> io::Result<JoinHandle<Result<Written, Failure>>> {
        let thread = thread::Builder::new().name("changes".into());
        thread.spawn(move || self.run())
    }

    fn run(self) -> Result<Written, Failure> {
        let mut written = Ok(Written::All);
        while let Ok(first) = self.notices.recv() {
            let more = self.notices.try_iter();
            if !matches!(written, Ok(Written::All)) {
                // Nobody gets them, but the sweep must not wait for room.
                more.for_each(drop);
                continue;
            }
            let mut lines = String::new();
            for notice in [first].into_iter().chain(more) {
                lines.push_str(&match self.format {
                    Format::Text => notice.text(),
                    Format::Ndjson | Format::Csv => notice.ndjson(),
                });
                lines.push('\n');
            }
            let is_text = self.format == Format::Text && io::stdout().is_terminal();
            written = match is_text {
                true => print(&lines),
                false => files::write_stdout(lines.as_bytes()),
            };
            if !matches!(written, Ok(Written::All)) {
                self.stop.drain();
            }
        }
        written
    }
}
