//! Keeping the bodies of answers (`--save`).

use std::io;
use std::path::PathBuf;

use canvass_model::{Answer, Outcome};

/// A directory with a file for each body, named by the number of its target.
#[derive(Debug)]
pub struct Bodies {
    directory: PathBuf,
}

impl Bodies {
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Keeps the body of an outcome, if it has one: `SEQ.body`, or `SEQ-REPEAT.body`.
    ///
    /// # Errors
    /// The system's own, with the name of the file.
    pub fn keep(&self, outcome: &Outcome) -> io::Result<()> {
        let Answer::Http(answer) = &outcome.answer else {
            return Ok(());
        };
        let Some(body) = &answer.body else {
            return Ok(());
        };
        let name = match answer.repeat {
            Some(repeat) => format!("{}-{repeat}.body", outcome.job.seq),
            None => format!("{}.body", outcome.job.seq),
        };
        let path = self.directory.join(name);
        std::fs::write(&path, body).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot write {}: {error}", path.display()),
            )
        })
    }
}
