//! How outcomes become the lines of a file.

use std::io::{self, Write};

use canvass_report::{Columns, Epoch, Format, LineCount, LineSink, Sink};

use crate::compressed::{CompressedLines, Compression, Compressor};

/// Makes the sinks of lines of one format.
#[derive(Clone, Copy)]
pub(crate) struct LineSinks {
    pub format: Format,
    pub columns: Columns,
    pub epoch: Epoch,
    pub compression: Option<Compression>,
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
    ) -> io::Result<(Box<dyn Sink>, LineCount)> {
        let Some(compression) = self.compression else {
            let lines = self.line_sink(writer, name);
            let written = lines.written_lines();
            return Ok((Box::new(lines), written));
        };
        let compressor = Compressor::new(compression, writer)?;
        let lines = CompressedLines::new(self.line_sink(compressor, name), name);
        let written = lines.written_lines();
        Ok((Box::new(lines), written))
    }

    fn line_sink<W: Write>(&self, writer: W, name: &str) -> LineSink<W> {
        LineSink::new(writer, name, self.format, self.columns, self.epoch)
    }
}
