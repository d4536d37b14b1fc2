//! How the journal of a run ends.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use canvass_journal::{DiskError, FileDisk, Writer};
use canvass_report::SinkError;

use crate::exit::{Exit, Failure};
use crate::message::message;
use crate::parked::ParkedFile;

/// The journal of a run that has ended.
pub(crate) struct JournalEnd {
    pub path: PathBuf,
    /// How a run that is not complete goes on.
    pub go_on: String,
    /// Whether it is removed once the run is complete.
    pub is_temporary: bool,
    pub writer: Arc<Writer>,
    /// The CPU time of earlier parts of the run.
    pub cpu_before: Duration,
    pub parked: Option<ParkedFile>,
}

impl JournalEnd {
    /// Records how a run has ended, if it is complete. Otherwise says how to go on.
    pub(crate) fn conclude(
        self,
        ended: Result<Exit, Failure>,
        is_complete: bool,
        quiet: bool,
    ) -> Result<Exit, Failure> {
        if let (Ok(exit), true) = (&ended, is_complete) {
            self.writer
                .finish(exit.code())
                .map_err(|error| Failure::stopped(sink_error(&error)))?;
            if self.is_temporary {
                self.remove();
            }
        } else if !quiet {
            message(format_args!(
                "canvass: the run is not finished; go on with {}",
                self.go_on
            ));
        }
        if let Some(parked) = &self.parked
            && self.writer.durable().is_ok()
        {
            parked.remove_unless_needed();
        }
        ended
    }

    /// Removes the journal. One that cannot be removed says that its run is finished.
    fn remove(&self) {
        let beside = FileDisk::files_beside(&self.path);
        for path in [&self.path].into_iter().chain(&beside) {
            let _ = fs::remove_file(path);
        }
    }
}

/// The error of a journal as that of an output.
pub(crate) fn sink_error(error: &DiskError) -> SinkError {
    let DiskError {
        operation,
        name,
        source,
    } = error;
    let text = format!("{operation} failed: {source}");
    SinkError::new(name, io::Error::new(source.kind(), text))
}
