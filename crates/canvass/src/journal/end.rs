//! How the journal of a run ends.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use canvass_journal::{DiskError, Writer};
use canvass_report::SinkError;

use crate::exit::{Exit, Failure};
use crate::message::message;
use crate::parked::ParkedFile;

/// The journal of a run that has ended.
pub(crate) struct JournalEnd {
    pub path: PathBuf,
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
        } else if !quiet {
            let path = self.path.display();
            message(format_args!(
                "canvass: the run is not finished; go on with --resume {path}"
            ));
        }
        if let Some(parked) = &self.parked
            && self.writer.durable().is_ok()
        {
            parked.remove_unless_needed();
        }
        ended
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
