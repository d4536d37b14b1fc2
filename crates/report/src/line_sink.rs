//! The sink that writes lines.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use canvass_model::Outcome;

use crate::{Columns, Durable, Epoch, Format, LineFilter, LineFormat, Part, Sink, SinkError};

/// A sink that writes one line per outcome that its filter passes, and many lines per system call.
pub struct LineSink<W: Write> {
    writer: W,
    path: Box<str>,
    format: Box<dyn LineFormat + Send>,
    filter: Option<Arc<LineFilter>>,
    buffer: Vec<u8>,
    /// Where each line in the buffer ends.
    line_ends: Vec<usize>,
    written_bytes: u64,
    written_lines: LineCount,
}

/// A number of lines that have been written. It can be read while the sink is part of a run, and
/// after the sink has failed.
#[derive(Clone, Debug, Default)]
pub struct LineCount(Arc<AtomicU64>);

impl LineCount {
    /// Returns the number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Replaces the number.
    pub fn set(&self, lines: u64) {
        self.0.store(lines, Ordering::Relaxed);
    }
}

/// The number of bytes that are buffered before they are written.
const BUFFER_BYTES: usize = 128 * 1024;
/// Room beyond [`BUFFER_BYTES`] for the last line, so that the buffer rarely grows.
const BUFFER_SLACK_BYTES: usize = 8 * 1024;

impl<W: Write> LineSink<W> {
    /// Creates a sink for a new output, which begins with the header of the format. `path` names the
    /// output in errors.
    pub fn new(
        writer: W,
        path: impl Into<Box<str>>,
        format: Format,
        columns: Columns,
        epoch: Epoch,
    ) -> Self {
        let mut sink = Self::continued(writer, path, format, columns, epoch);
        sink.format.header(&mut sink.buffer);
        sink
    }

    /// Creates a sink that continues the output of an earlier run, without a header.
    pub fn continued(
        writer: W,
        path: impl Into<Box<str>>,
        format: Format,
        columns: Columns,
        epoch: Epoch,
    ) -> Self {
        Self {
            writer,
            path: path.into(),
            format: format.lines(columns, epoch),
            filter: None,
            buffer: Vec::with_capacity(BUFFER_BYTES + BUFFER_SLACK_BYTES),
            line_ends: Vec::new(),
            written_bytes: 0,
            written_lines: LineCount::default(),
        }
    }

    /// Writes only the lines of outcomes that `filter` passes.
    #[must_use]
    pub fn filtered(mut self, filter: Option<Arc<LineFilter>>) -> Self {
        self.filter = filter;
        self
    }

    /// Colours the words for statuses, if the format has colours.
    #[must_use]
    pub fn coloured(mut self) -> Self {
        self.format.colour();
        self
    }

    /// The number of bytes written so far.
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// The number of lines that were written completely. The count goes on.
    pub fn written_lines(&self) -> LineCount {
        self.written_lines.clone()
    }

    /// The writer.
    pub fn writer_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    /// Writes the buffer. After an error the buffer holds exactly what was not written.
    fn drain(&mut self) -> Result<(), SinkError> {
        let mut taken = 0;
        let result = loop {
            if taken == self.buffer.len() {
                break Ok(());
            }
            match self.writer.write(&self.buffer[taken..]) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => taken += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.buffer.drain(..taken);
        self.written_bytes += taken as u64;
        let lines = self.line_ends.partition_point(|end| *end <= taken);
        self.line_ends.drain(..lines);
        self.line_ends.iter_mut().for_each(|end| *end -= taken);
        self.written_lines
            .set(self.written_lines.get() + lines as u64);
        result.map_err(|error| SinkError::new(&self.path, error))
    }
}

impl<W: Write + Send> Sink for LineSink<W> {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        for outcome in outcomes {
            let filter = self.filter.as_deref();
            if filter.is_some_and(|filter| !filter.passes(outcome)) {
                continue;
            }
            self.format.line(outcome, &mut self.buffer);
            self.line_ends.push(self.buffer.len());
            if self.buffer.len() >= BUFFER_BYTES {
                self.drain()?;
            }
        }
        Ok(())
    }

    fn merge(&mut self, part: &Part) -> Result<(), SinkError> {
        self.buffer.extend_from_slice(&part.lines);
        // All lines of a part count as written with the last of them.
        for _ in 0..part.written {
            self.line_ends.push(self.buffer.len());
        }
        if self.buffer.len() >= BUFFER_BYTES {
            self.drain()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<Durable, SinkError> {
        self.drain()?;
        self.writer
            .flush()
            .map_err(|error| SinkError::new(&self.path, error))?;
        Ok(Durable::All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    /// Accepts at most 1,000 bytes per write, and `room` bytes in all.
    struct LimitedWriter {
        taken: Vec<u8>,
        room: usize,
        writes: usize,
        then: io::ErrorKind,
    }

    impl LimitedWriter {
        fn new(room: usize, then: io::ErrorKind) -> Self {
            Self {
                taken: Vec::new(),
                room,
                writes: 0,
                then,
            }
        }
    }

    impl Write for LimitedWriter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.writes += 1;
            if self.writes.is_multiple_of(3) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let count = bytes.len().min(1000).min(self.room - self.taken.len());
            if count == 0 {
                return Err(self.then.into());
            }
            self.taken.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn sink(writer: &mut LimitedWriter, format: Format) -> LineSink<&mut LimitedWriter> {
        LineSink::new(writer, "out.txt", format, Columns::Dns, fixture::epoch())
    }

    #[test]
    fn nothing_is_written_before_a_buffer_is_full_and_all_after_a_flush() {
        let mut writer = LimitedWriter::new(usize::MAX, io::ErrorKind::Other);
        let mut lines = sink(&mut writer, Format::Text);
        let batch = vec![fixture::ptr_answered(); 1000];
        lines.record(&batch).unwrap();
        assert_eq!(lines.written_bytes(), 0);
        for _ in 0..3 {
            lines.record(&batch).unwrap();
        }
        assert!(lines.written_bytes() >= BUFFER_BYTES as u64);
        lines.finish().unwrap();
        let written = lines.written_bytes();
        drop(lines);
        assert_eq!(written, writer.taken.len() as u64);
        let line = "10.1.2.3\tNOERROR\thost-10-1-2-3.example.net.\n";
        assert_eq!(String::from_utf8(writer.taken).unwrap(), line.repeat(4000));
    }

    #[test]
    fn the_header_is_written_even_without_outcomes_and_not_when_continued() {
        let mut writer = LimitedWriter::new(usize::MAX, io::ErrorKind::Other);
        sink(&mut writer, Format::Csv).finish().unwrap();
        assert!(writer.taken.starts_with(b"seq,line,target,"));
        let before = writer.taken.len();
        let mut continued = LineSink::continued(
            &mut writer,
            "out.csv",
            Format::Csv,
            Columns::Dns,
            fixture::epoch(),
        );
        continued.record(&[fixture::ptr_answered()]).unwrap();
        continued.finish().unwrap();
        assert!(writer.taken[before..].starts_with(b"0,1,10.1.2.3,"));
    }

    #[test]
    fn only_lines_that_pass_the_filter_are_written_and_counted() {
        let mut writer = LimitedWriter::new(usize::MAX, io::ErrorKind::Other);
        let filter = LineFilter {
            verdicts: vec![canvass_model::Verdict::Failed],
            ..LineFilter::default()
        };
        let mut lines = sink(&mut writer, Format::Csv).filtered(Some(Arc::new(filter)));
        for _ in 0..3 {
            let outcomes = [fixture::ptr_answered(), fixture::ptr_timeout()];
            lines.record(&outcomes).unwrap();
        }
        lines.finish().unwrap();
        assert_eq!(lines.written_lines().get(), 3);
        drop(lines);
        let text = String::from_utf8(writer.taken).unwrap();
        let (header, rows) = text.split_once('\n').unwrap();
        assert!(header.starts_with("seq,line,target,"));
        assert!(rows.lines().all(|row| row.contains("TIMEOUT")), "{rows}");
    }

    #[test]
    fn an_error_tells_a_closed_pipe_from_a_full_disk_and_names_the_path() {
        for (kind, closed, text) in [
            (
                io::ErrorKind::BrokenPipe,
                true,
                "the reader of out.txt has closed it",
            ),
            (
                io::ErrorKind::StorageFull,
                false,
                "no space is left to write out.txt",
            ),
            (
                io::ErrorKind::QuotaExceeded,
                false,
                "no space is left to write out.txt",
            ),
            (
                io::ErrorKind::PermissionDenied,
                false,
                "cannot write out.txt",
            ),
        ] {
            let mut writer = LimitedWriter::new(10, kind);
            let mut lines = sink(&mut writer, Format::Text);
            lines.record(&[fixture::ptr_answered()]).unwrap();
            let error = lines.flush().unwrap_err();
            assert_eq!(error.is_closed(), closed, "{error}");
            assert!(error.to_string().starts_with(text), "{error}");
        }
    }

    #[test]
    fn what_was_taken_before_an_error_is_not_written_again() {
        let line = "10.1.2.3\tNOERROR\thost-10-1-2-3.example.net.\n";
        let mut writer = LimitedWriter::new(2 * line.len() + 10, io::ErrorKind::StorageFull);
        let mut lines = sink(&mut writer, Format::Text);
        let written = lines.written_lines();
        lines.record(&vec![fixture::ptr_answered(); 4]).unwrap();
        assert!(lines.flush().is_err());
        assert_eq!(lines.written_bytes(), 2 * line.len() as u64 + 10);
        assert_eq!(written.get(), 2);
        lines.writer.room = usize::MAX;
        lines.flush().unwrap();
        assert_eq!(written.get(), 4);
        drop(lines);
        assert_eq!(String::from_utf8(writer.taken).unwrap(), line.repeat(4));
    }
}
