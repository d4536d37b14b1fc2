//! Reads files that may be compressed. Their first octets tell whether they are.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use flate2::bufread::GzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The start of a gzip member (RFC 1952 §2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The start of a zstd frame (RFC 8878 §3.1.1), and of a skippable one, whose first octet ends in any
/// four bits (§3.1.2).
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const ZSTD_SKIPPABLE: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];
/// The largest window of a zstd frame: what `zstd -d` accepts without `--long`.
const ZSTD_WINDOW_BYTES_MAX: u64 = 128 << 20;
/// Bytes that are decoded at a time. If the data are corrupt, at most so many before that place are
/// not given.
const PIECE_BYTES: usize = 1024;
/// Bytes of the first read, and of compressed input that are buffered.
const INPUT_BYTES: usize = 32 * 1024;
/// A last block without content, and the checksum that may follow it (RFC 8878 §3.1.1.2).
const EMPTY_LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

/// Reads the content of a reader, decompressed if it begins like gzip (RFC 1952, one or more members)
/// or zstd (RFC 8878, one or more frames). Anything else is passed on as it is.
///
/// The memory is bounded by the window of the format: 32 KiB for gzip, at most 128 MiB for zstd.
///
/// # Errors
/// Everything that can be decompressed before an error is returned first. The error names the format
/// and how many octets of compressed data precede it. Its kind is
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the end of the data is missing, and
/// [`InvalidData`](io::ErrorKind::InvalidData) if they are corrupt. Errors of the reader are passed
/// on. After an error the content has ended.
pub struct Decompressed<R>(State<R>);

enum State<R> {
    /// Nothing was read yet.
    Start(R),
    Plain(WithHead<R>),
    Compressed(Box<Compressed<R>>),
    /// While a read is under way, and after an error.
    Ended,
}

#[derive(Clone, Copy)]
enum Format {
    Gzip,
    Zstd,
}

/// A reader whose first octets were read already, behind them.
type WithHead<R> = Chain<Cursor<Vec<u8>>, R>;
type Input<R> = BufReader<Counted<WithHead<R>>>;

struct Compressed<R> {
    format: Format,
    unit: Unit<R>,
    frame_decoder: Box<FrameDecoder>,
    /// An error that follows what was given.
    failed: Option<io::Error>,
}

/// Where in the compressed data the decoder is.
enum Unit<R> {
    /// Before a gzip member or a zstd frame, or at the end.
    Between(Input<R>),
    Member(Box<GzDecoder<Input<R>>>),
    Frame(Input<R>),
    /// A frame with this error. What was decoded before it is still in the decoder.
    BrokenFrame(io::Error),
    Ended,
}

impl<R: Read> Decompressed<R> {
    /// Reads nothing yet.
    pub fn new(reader: R) -> Self {
        Self(State::Start(reader))
    }

    /// The number of octets of compressed data that were decoded so far. `None` if the data are not
    /// compressed, or at their end.
    pub(crate) fn decoded_octets(&self) -> Option<u64> {
        match &self.0 {
            State::Compressed(compressed) => compressed.unit.input().map(position),
            State::Start(_) | State::Plain(_) | State::Ended => None,
        }
    }

    /// Reads the first octets, until they show the format.
    fn start(&mut self, mut reader: R) -> io::Result<()> {
        let mut head = vec![0; INPUT_BYTES];
        let mut count = 0;
        let format = loop {
            let more = read_on(&mut reader, &mut head[count..])?;
            count += more;
            match detect(&head[..count]) {
                Detected::Format(format) => break Some(format),
                Detected::Undecided if more > 0 => {}
                Detected::Undecided | Detected::Plain => break None,
            }
        };
        head.truncate(count);
        let reader = Cursor::new(head).chain(reader);
        let Some(format) = format else {
            self.0 = State::Plain(reader);
            return Ok(());
        };
        let input = BufReader::with_capacity(
            INPUT_BYTES,
            Counted {
                reader,
                octets: 0,
                at_end: false,
                failed: None,
            },
        );
        let mut frame_decoder = Box::new(FrameDecoder::new());
        frame_decoder.set_max_window_size(ZSTD_WINDOW_BYTES_MAX);
        self.0 = State::Compressed(Box::new(Compressed {
            format,
            unit: Unit::Between(input),
            frame_decoder,
            failed: None,
        }));
        Ok(())
    }
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            State::Plain(reader) => reader.read(buffer),
            State::Compressed(compressed) => compressed.read(buffer),
            State::Start(_) => match std::mem::replace(&mut self.0, State::Ended) {
                State::Start(reader) => {
                    self.start(reader)?;
                    self.read(buffer)
                }
                _ => Ok(0),
            },
            State::Ended => Ok(0),
        }
    }
}

enum Detected {
    Format(Format),
    Plain,
    /// The octets are the beginning of a magic number.
    Undecided,
}

fn detect(head: &[u8]) -> Detected {
    let begins = |magic: &[u8]| {
        let common = head.len().min(magic.len());
        (head[..common] == magic[..common]).then_some(common == magic.len())
    };
    let mut skippable = ZSTD_SKIPPABLE;
    if let Some(first) = head.first() {
        skippable[0] |= first & 15;
    }
    let forms = [
        (begins(&GZIP_MAGIC), Format::Gzip),
        (begins(&ZSTD_MAGIC), Format::Zstd),
        (begins(&skippable), Format::Zstd),
    ];
    for (whole, format) in forms {
        match whole {
            Some(true) => return Detected::Format(format),
            Some(false) => return Detected::Undecided,
            None => {}
        }
    }
    Detected::Plain
}

impl<R: Read> Compressed<R> {
    /// Decodes in pieces as long as input is buffered, so that the reader is waited for only while
    /// nothing was decoded.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut count = 0;
        while count < buffer.len() {
            let end = buffer.len().min(count + PIECE_BYTES);
            match self.read_piece(&mut buffer[count..end]) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if count > 0 => {
                    self.failed = Some(error);
                    break;
                }
                Err(error) => return Err(error),
            }
            if self.unit.buffered_octets() == 0 {
                break;
            }
        }
        Ok(count)
    }

    fn read_piece(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        loop {
            let decoded = match std::mem::replace(&mut self.unit, Unit::Ended) {
                Unit::Ended => return Ok(0),
                Unit::Between(input) => {
                    if !self.begin(input)? {
                        return Ok(0);
                    }
                    continue;
                }
                Unit::Member(member) => self.read_member(member, piece)?,
                Unit::Frame(input) => self.read_frame(input, piece)?,
                Unit::BrokenFrame(error) => match self.frame_decoder.read(piece)? {
                    0 => return Err(error),
                    decoded => {
                        self.unit = Unit::BrokenFrame(error);
                        decoded
                    }
                },
            };
            if decoded > 0 {
                return Ok(decoded);
            }
        }
    }

    /// Begins the next member or frame. Returns `false` at the end.
    fn begin(&mut self, mut input: Input<R>) -> io::Result<bool> {
        match self.format {
            // Archives may be padded with zeros, which gzip ignores too.
            Format::Gzip => {
                while self.format.peek(&mut input)? == Some(0) {
                    input.consume(1);
                }
            }
            Format::Zstd => {}
        }
        if self.format.peek(&mut input)?.is_none() {
            return Ok(false);
        }
        self.unit = match self.format {
            Format::Gzip => Unit::Member(Box::new(GzDecoder::new(input))),
            Format::Zstd => match self.frame_decoder.reset(&mut input) {
                Ok(()) => Unit::Frame(input),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = input.by_ref().take(length.into());
                    if io::copy(&mut skipped, &mut io::sink())? < length.into() {
                        return Err(self.format.fault(&mut input, "a frame is not whole"));
                    }
                    Unit::Between(input)
                }
                Err(error) => return Err(self.format.fault(&mut input, error)),
            },
        };
        Ok(true)
    }

    fn read_member(
        &mut self,
        mut member: Box<GzDecoder<Input<R>>>,
        piece: &mut [u8],
    ) -> io::Result<usize> {
        let decoded = match member.read(piece) {
            Ok(decoded) => decoded,
            Err(error) => return Err(self.format.fault(member.get_mut(), error)),
        };
        self.unit = match decoded {
            0 => Unit::Between(member.into_inner()),
            _ => Unit::Member(member),
        };
        Ok(decoded)
    }

    fn read_frame(&mut self, mut input: Input<R>, piece: &mut [u8]) -> io::Result<usize> {
        let decoder = &mut self.frame_decoder;
        let decoded = decoder.read(piece)?;
        self.unit = if decoded > 0 {
            Unit::Frame(input)
        } else if decoder.is_finished() {
            let stated = decoder.get_checksum_from_data();
            if stated.is_some() && stated != decoder.get_calculated_checksum() {
                return Err(self.format.fault(&mut input, "a checksum is wrong"));
            }
            Unit::Between(input)
        } else {
            let one_block = BlockDecodingStrategy::UptoBlocks(1);
            match decoder.decode_blocks(&mut input, one_block) {
                Ok(_) => Unit::Frame(input),
                Err(error) => {
                    let error = self.format.fault(&mut input, error);
                    // The decoder gives the last window only when the frame ends. This ends it.
                    let one_block = BlockDecodingStrategy::UptoBlocks(1);
                    match decoder.decode_blocks(&EMPTY_LAST_BLOCK[..], one_block) {
                        Ok(_) => Unit::BrokenFrame(error),
                        Err(_) => return Err(error),
                    }
                }
            }
        };
        Ok(decoded)
    }
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// The next octet of the compressed data.
    fn peek<R: Read>(self, input: &mut Input<R>) -> io::Result<Option<u8>> {
        match input.fill_buf() {
            Ok(octets) => Ok(octets.first().copied()),
            Err(error) => Err(self.fault(input, error)),
        }
    }

    /// The error that a decoder met at the current place of `input`.
    fn fault<R: Read>(self, input: &mut Input<R>, error: impl fmt::Display) -> io::Error {
        if let Some(failed) = input.get_mut().failed.take() {
            return failed;
        }
        let name = self.name();
        let octets = position(input);
        if input.get_ref().at_end {
            let message = format!("the {name} data end early, after {octets} octets");
            return io::Error::new(io::ErrorKind::UnexpectedEof, message);
        }
        let message = format!("corrupt {name} data near octet {octets}: {error}");
        io::Error::new(io::ErrorKind::InvalidData, message)
    }
}

impl<R: Read> Unit<R> {
    fn input(&self) -> Option<&Input<R>> {
        match self {
            Self::Between(input) | Self::Frame(input) => Some(input),
            Self::Member(member) => Some(member.get_ref()),
            Self::BrokenFrame(_) | Self::Ended => None,
        }
    }

    /// The compressed octets that can be decoded without reading.
    fn buffered_octets(&self) -> usize {
        match (self, self.input()) {
            (Self::BrokenFrame(_), _) => usize::MAX,
            (_, Some(input)) => input.buffer().len(),
            (_, None) => 0,
        }
    }
}

/// The number of compressed octets before the current place of `input`.
fn position<R: Read>(input: &Input<R>) -> u64 {
    input.get_ref().octets - input.buffer().len() as u64
}

/// Counts what is read, and keeps an error that decoders would wrap. Reads on after a signal.
struct Counted<R> {
    reader: R,
    octets: u64,
    /// A read found the end.
    at_end: bool,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match read_on(&mut self.reader, buffer) {
            Ok(count) => {
                self.octets += count as u64;
                self.at_end |= count == 0 && !buffer.is_empty();
                Ok(count)
            }
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }
}

/// Reads once, and again if a signal interrupts it.
fn read_on(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
