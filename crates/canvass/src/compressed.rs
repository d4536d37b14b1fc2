//! Lines that are written compressed: `-o NAME.gz` and `-o NAME.zst`.

use std::io::{self, Write};
use std::path::Path;

use canvass_model::Outcome;
use canvass_report::{Durable, LineCount, LineSink, Sink, SinkError};
use flate2::write::GzEncoder;

use crate::lines::Checkpoint;

/// The level of zstd(1) by default.
const ZSTD_LEVEL: i32 = 3;

/// A compressed format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// The format of a file by the end of its name.
    pub(crate) fn of_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "gz" => Some(Self::Gzip),
            "zst" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Compresses a whole file.
    pub(crate) fn compress(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        let mut compressor = Compressor::new(self, &mut out)?;
        compressor.write_all(bytes)?;
        compressor.end_frame()?;
        drop(compressor);
        Ok(out)
    }
}

/// Compresses what is written to it, into gzip members or zstd frames with a checksum: one, unless
/// [`end_frame`](Self::end_frame) is called in between.
///
/// After a flush, everything written before can be decompressed from the output. Without
/// [`end_frame`](Self::end_frame) its end is missing, which gzip(1) and zstd(1) report.
pub(crate) struct Compressor<W: Write> {
    compression: Compression,
    state: State<W>,
    /// Whether anything was written since the last flush, each of which costs some octets.
    is_unflushed: bool,
}

enum State<W: Write> {
    Frame(Box<Encoder<W>>),
    /// The last frame has ended, and the next one begins with what is written next.
    Between(W),
    /// A frame could not be ended.
    Failed,
}

enum Encoder<W: Write> {
    Gzip(GzEncoder<W>),
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write> Compressor<W> {
    /// Compresses into `writer`.
    pub(crate) fn new(compression: Compression, writer: W) -> io::Result<Self> {
        Ok(Self {
            compression,
            state: State::Frame(Box::new(Encoder::new(compression, writer)?)),
            is_unflushed: true,
        })
    }

    /// Compresses into `writer`, which has whole frames already.
    pub(crate) fn continued(compression: Compression, writer: W) -> Self {
        Self {
            compression,
            state: State::Between(writer),
            is_unflushed: false,
        }
    }

    /// Writes the end of the frame, so that the output can be decompressed. What is written afterwards
    /// is another frame.
    pub(crate) fn end_frame(&mut self) -> io::Result<()> {
        self.is_unflushed = false;
        self.state = match std::mem::replace(&mut self.state, State::Failed) {
            State::Frame(encoder) => State::Between(match *encoder {
                Encoder::Gzip(encoder) => encoder.finish()?,
                Encoder::Zstd(encoder) => encoder.finish()?,
            }),
            other => other,
        };
        Ok(())
    }

    /// The encoder of the frame, which is begun if there is none.
    fn encoder(&mut self) -> io::Result<&mut Encoder<W>> {
        if let State::Between(_) = self.state
            && let State::Between(writer) = std::mem::replace(&mut self.state, State::Failed)
        {
            let encoder = Encoder::new(self.compression, writer)?;
            self.state = State::Frame(Box::new(encoder));
        }
        match &mut self.state {
            State::Frame(encoder) => Ok(encoder),
            State::Between(_) | State::Failed => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl<W: Write> Encoder<W> {
    fn new(compression: Compression, writer: W) -> io::Result<Self> {
        Ok(match compression {
            // The fastest level: lines are much alike, so the others gain little, and one thread
            // compresses the lines of all event loops.
            Compression::Gzip => Self::Gzip(GzEncoder::new(writer, flate2::Compression::fast())),
            Compression::Zstd => {
                let mut encoder = zstd::Encoder::new(writer, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                Self::Zstd(encoder)
            }
        })
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.is_unflushed = true;
        match self.encoder()? {
            Encoder::Gzip(encoder) => encoder.write(bytes),
            Encoder::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_unflushed {
            match self.encoder()? {
                Encoder::Gzip(encoder) => encoder.flush()?,
                Encoder::Zstd(encoder) => encoder.flush()?,
            }
            self.is_unflushed = false;
        }
        Ok(())
    }
}

/// A sink of compressed lines.
pub(crate) struct CompressedLines<W: Write> {
    lines: LineSink<Compressor<W>>,
    path: Box<str>,
    /// The lines that the compressor was given, and those that are in the file too.
    compressed: LineCount,
    written: LineCount,
}

impl<W: Write> CompressedLines<W> {
    /// Completes what `lines` writes. `path` names the output in errors.
    pub(crate) fn new(lines: LineSink<Compressor<W>>, path: impl Into<Box<str>>) -> Self {
        let (compressed, written) = (lines.written_lines(), LineCount::default());
        written.set(compressed.get());
        Self {
            compressed,
            written,
            path: path.into(),
            lines,
        }
    }

    /// The number of lines that can be decompressed from the file. The count goes on.
    pub(crate) fn written_lines(&self) -> LineCount {
        self.written.clone()
    }
}

impl<W: Write + Send> Sink for CompressedLines<W> {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        self.lines.record(outcomes)
    }

    fn flush(&mut self) -> Result<Durable, SinkError> {
        let durable = self.lines.flush()?;
        self.written.set(self.compressed.get());
        Ok(durable)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.checkpoint()
    }
}

impl<W: Write + Send> Checkpoint for CompressedLines<W> {
    fn checkpoint(&mut self) -> Result<(), SinkError> {
        self.flush()?;
        let ended = self.lines.writer_mut().end_frame();
        ended.map_err(|error| SinkError::new(&self.path, error))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::decompressed;

    const BOTH: [Compression; 2] = [Compression::Gzip, Compression::Zstd];

    fn decompress(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        decompressed::reader(bytes).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn the_format_is_chosen_by_the_end_of_the_name() {
        for (name, compression) in [
            ("a/lines.ndjson.gz", Some(Compression::Gzip)),
            ("lines.zst", Some(Compression::Zstd)),
            ("lines.ndjson", None),
            (".gz", None),
            ("a.gz/lines", None),
        ] {
            assert_eq!(Compression::of_name(Path::new(name)), compression, "{name}");
        }
    }

    #[test]
    fn what_is_compressed_is_read_back() {
        let text = "{\"seq\":0}\n".repeat(10_000);
        for compression in BOTH {
            let bytes = compression.compress(text.as_bytes()).unwrap();
            assert!(bytes.len() * 20 < text.len(), "{}", bytes.len());
            assert_eq!(decompress(&bytes).unwrap(), text.as_bytes());
            // As `cat` joins two files.
            let twice = decompress(&[&bytes[..], &bytes].concat()).unwrap();
            assert_eq!(twice.len(), 2 * text.len());
        }
    }

    #[test]
    fn an_output_that_is_cut_after_a_frame_can_be_continued() {
        for compression in BOTH {
            let mut out = Vec::new();
            let mut compressor = Compressor::new(compression, &mut out).unwrap();
            compressor.write_all(b"first\n").unwrap();
            compressor.end_frame().unwrap();
            compressor.end_frame().unwrap();
            compressor.write_all(b"lost\n").unwrap();
            compressor.flush().unwrap();
            std::mem::forget(compressor);
            // Nothing is written where nothing came after the last frame.
            let whole = compression.compress(b"first\n").unwrap();
            out.truncate(whole.len());
            assert_eq!(decompress(&out).unwrap(), b"first\n");
            let mut compressor = Compressor::continued(compression, &mut out);
            compressor.flush().unwrap();
            compressor.write_all(b"second\n").unwrap();
            compressor.end_frame().unwrap();
            drop(compressor);
            assert_eq!(decompress(&out).unwrap(), b"first\nsecond\n");
        }
    }

    #[test]
    fn what_was_flushed_can_be_read_though_the_end_is_missing() {
        for compression in BOTH {
            let mut out = Vec::new();
            let mut compressor = Compressor::new(compression, &mut out).unwrap();
            compressor.write_all(b"first\nsecond\n").unwrap();
            compressor.flush().unwrap();
            compressor.flush().unwrap();
            std::mem::forget(compressor);
            assert_eq!(decompress(&out).unwrap(), b"first\nsecond\n");
        }
    }
}
