//! How outcomes become the lines of a file.

use std::io::{self, Write};
use std::sync::Arc;

use canvass_model::Outcome;
use canvass_report::{
    Columns, Epoch, Format, IntervalLog, LineCount, LineFilter, LineSink, Part, Sink, SinkError,
};
use canvass_run::{SavedBodies, Spill};

use crate::compressed::{CompressedLines, Compression, Compressor};

/// Makes the sinks of lines of one format.
#[derive(Clone)]
pub(crate) struct LineSinks {
    pub format: Format,
    pub columns: Columns,
    pub epoch: Epoch,
    pub compression: Option<Compression>,
    /// Which outcomes have a line; all of them without it.
    pub filter: Option<Arc<LineFilter>>,
    /// Whether the words for statuses are coloured.
    pub colour: bool,
}

/// Counts the lines that are due, also those that cannot be written.
pub(crate) struct DueLines {
    pub filter: Arc<LineFilter>,
    pub due: LineCount,
}

impl Sink for DueLines {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        let passing = outcomes.iter().filter(|one| self.filter.passes(one));
        self.due.set(self.due.get() + passing.count() as u64);
        Ok(())
    }

    fn merge(&mut self, part: &Part) -> Result<(), SinkError> {
        self.due.set(self.due.get() + part.written);
        Ok(())
    }
}

/// A sink whose output can be cut and continued.
pub(crate) trait Checkpoint: Sink {
    /// Writes everything recorded so far. If the output is cut here, it is whole, and what an earlier run
    /// has written can be continued by another sink.
    fn checkpoint(&mut self) -> Result<(), SinkError>;
}

impl<W: Write + Send> Checkpoint for LineSink<W> {
    fn checkpoint(&mut self) -> Result<(), SinkError> {
        self.flush().map(drop)
    }
}

impl Checkpoint for IntervalLog {
    fn checkpoint(&mut self) -> Result<(), SinkError> {
        Self::checkpoint(self)
    }
}

impl<S: Checkpoint> Checkpoint for SavedBodies<S> {
    fn checkpoint(&mut self) -> Result<(), SinkError> {
        self.sink_mut().checkpoint()
    }
}

impl Checkpoint for Spill {
    fn checkpoint(&mut self) -> Result<(), SinkError> {
        self.flush().map(drop)
    }
}

impl Checkpoint for Box<dyn Checkpoint> {
    fn checkpoint(&mut self) -> Result<(), SinkError> {
        (**self).checkpoint()
    }
}

impl LineSinks {
    /// A sink that writes a new output, and the number of its lines that can be read back. `name` is
    /// the output's in errors.
    ///
    /// # Errors
    /// The compression cannot be set up.
    pub(crate) fn begin<W: Write + Send + 'static>(
        &self,
        writer: W,
        name: &str,
    ) -> io::Result<(Box<dyn Checkpoint>, LineCount)> {
        Ok(match self.compression {
            None => plain(self.new_lines(writer, name)),
            Some(compression) => {
                let compressor = Compressor::new(compression, writer)?;
                compressed(self.new_lines(compressor, name), name)
            }
        })
    }

    /// As [`begin`](Self::begin), for an output that was cut after a checkpoint, and that has this many
    /// lines.
    pub(crate) fn go_on<W: Write + Send + 'static>(
        &self,
        writer: W,
        name: &str,
        lines: u64,
    ) -> (Box<dyn Checkpoint>, LineCount) {
        match self.compression {
            None => plain(self.further_lines(writer, name, lines)),
            Some(compression) => {
                let compressor = Compressor::continued(compression, writer);
                compressed(self.further_lines(compressor, name, lines), name)
            }
        }
    }

    fn new_lines<W: Write>(&self, writer: W, name: &str) -> LineSink<W> {
        let sink = LineSink::new(writer, name, self.format, self.columns, self.epoch)
            .filtered(self.filter.clone());
        if self.colour { sink.coloured() } else { sink }
    }

    fn further_lines<W: Write>(&self, writer: W, name: &str, lines: u64) -> LineSink<W> {
        let sink = LineSink::continued(writer, name, self.format, self.columns, self.epoch)
            .filtered(self.filter.clone());
        sink.written_lines().set(lines);
        sink
    }
}

fn plain<W: Write + Send + 'static>(lines: LineSink<W>) -> (Box<dyn Checkpoint>, LineCount) {
    let written = lines.written_lines();
    (Box::new(lines), written)
}

fn compressed<W: Write + Send + 'static>(
    lines: LineSink<Compressor<W>>,
    name: &str,
) -> (Box<dyn Checkpoint>, LineCount) {
    let lines = CompressedLines::new(lines, name);
    let written = lines.written_lines();
    (Box::new(lines), written)
}
