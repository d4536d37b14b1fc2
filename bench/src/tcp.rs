//! The TCP floor: pipelined queries, whose answers are counted by their length fields.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::Value;

use crate::question::{self, QUESTION_BYTES_MAX};
use crate::usage::Stopwatch;

/// Outstanding batches per connection, so that the server is busy while a batch is in transit.
const BATCHES_OUTSTANDING_MAX: u32 = 4;
/// Octets per read.
const READ_BYTES: usize = 64 << 10;
/// The server is considered gone if it sends nothing for this time.
const SILENCE_MAX: Timespec = Timespec {
    tv_sec: 5,
    tv_nsec: 0,
};
/// The length field before each message (RFC 1035 §4.2.2).
const PREFIX_BYTES: usize = 2;

/// Sends queries until `queries` answers have been received.
///
/// # Errors
/// The server cannot be reached, closes a connection, or sends nothing for five seconds.
pub(crate) fn run(
    server: SocketAddr,
    queries: u32,
    connections: usize,
    batch_queries: u32,
) -> io::Result<Value> {
    let stopwatch = Stopwatch::start();
    let mut connections = (0..connections)
        .map(|_| Connection::open(server))
        .collect::<io::Result<Vec<_>>>()?;
    let mut questions = Questions {
        next: 0,
        end: queries,
        batch_queries,
    };
    let mut buffer = vec![0; READ_BYTES];
    let mut answered = 0;
    while answered < queries {
        for connection in &mut connections {
            connection.fill(&mut questions)?;
        }
        wait(&connections)?;
        for connection in &mut connections {
            answered += connection.drain(&mut buffer)?;
        }
    }
    Ok(stopwatch.stop().to_json(queries.into(), 0))
}

/// The queries that remain.
struct Questions {
    next: u32,
    end: u32,
    batch_queries: u32,
}

impl Questions {
    /// Appends the next batch of queries. Returns their number.
    fn take_batch(&mut self, out: &mut Vec<u8>) -> u32 {
        let mut query = [0; QUESTION_BYTES_MAX];
        let taken = self.batch_queries.min(self.end - self.next);
        for _ in 0..taken {
            let query_bytes = question::write(self.next, &mut query);
            out.extend_from_slice(&(query_bytes as u16).to_be_bytes());
            out.extend_from_slice(&query[..query_bytes]);
            self.next += 1;
        }
        taken
    }
}

struct Connection {
    stream: TcpStream,
    outgoing: Vec<u8>,
    sent_bytes: usize,
    outstanding: u32,
    frames: FrameCounter,
}

impl Connection {
    fn open(server: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            outgoing: Vec::new(),
            sent_bytes: 0,
            outstanding: 0,
            frames: FrameCounter::default(),
        })
    }

    /// Writes batches until enough are outstanding or the socket is full.
    fn fill(&mut self, questions: &mut Questions) -> io::Result<()> {
        loop {
            if !self.is_blocked() {
                let outstanding_max = (BATCHES_OUTSTANDING_MAX - 1) * questions.batch_queries;
                if self.outstanding > outstanding_max {
                    return Ok(());
                }
                self.outgoing.clear();
                self.sent_bytes = 0;
                let taken = questions.take_batch(&mut self.outgoing);
                if taken == 0 {
                    return Ok(());
                }
                self.outstanding += taken;
            }
            match self.stream.write(&self.outgoing[self.sent_bytes..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written_bytes) => self.sent_bytes += written_bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn is_blocked(&self) -> bool {
        self.sent_bytes < self.outgoing.len()
    }

    /// Reads what has arrived. Returns the number of answers that it completes.
    fn drain(&mut self, buffer: &mut [u8]) -> io::Result<u32> {
        let mut answers = 0;
        loop {
            match self.stream.read(buffer) {
                Ok(0) if self.outstanding > 0 => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read_bytes) => {
                    let ended = self.frames.take(&buffer[..read_bytes]);
                    answers += ended;
                    self.outstanding = self.outstanding.saturating_sub(ended);
                    if read_bytes < buffer.len() {
                        return Ok(answers);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(answers),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Waits until a connection can be read, or a blocked one can be written.
fn wait(connections: &[Connection]) -> io::Result<()> {
    let mut watched: Vec<PollFd<'_>> = connections
        .iter()
        .map(|connection| {
            let write = if connection.is_blocked() {
                PollFlags::OUT
            } else {
                PollFlags::empty()
            };
            PollFd::new(&connection.stream, PollFlags::IN | write)
        })
        .collect();
    match poll(&mut watched, Some(&SILENCE_MAX))? {
        0 => Err(ErrorKind::TimedOut.into()),
        _ => Ok(()),
    }
}

/// Counts messages in a stream that is read in pieces.
#[derive(Default)]
struct FrameCounter {
    /// The first octet of a length field whose second one has not arrived.
    half_prefix: Option<u8>,
    /// Octets of the current message that have not arrived.
    left_bytes: usize,
}

impl FrameCounter {
    /// Returns the number of messages that `bytes` completes.
    fn take(&mut self, bytes: &[u8]) -> u32 {
        let mut ended = 0;
        let mut at = 0;
        while at < bytes.len() {
            if self.left_bytes > 0 {
                let skipped = self.left_bytes.min(bytes.len() - at);
                at += skipped;
                self.left_bytes -= skipped;
            } else if let Some(upper) = self.half_prefix.take() {
                self.left_bytes = usize::from(u16::from_be_bytes([upper, bytes[at]]));
                at += 1;
            } else if bytes.len() - at < PREFIX_BYTES {
                self.half_prefix = Some(bytes[at]);
                at += 1;
                continue;
            } else {
                self.left_bytes = usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
                at += PREFIX_BYTES;
            }
            if self.left_bytes == 0 {
                ended += 1;
            }
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_lab::{Lab, LabConfig};

    #[test]
    fn every_query_is_answered_over_every_connection() {
        let lab = Lab::start(LabConfig::default()).unwrap();
        let report = run(lab.address(), 5000, 3, 64).unwrap();
        assert_eq!(report["queries"], 5000);
        let counts = lab.report().counts;
        assert_eq!((counts.queries_tcp, counts.connections), (5000, 3));
    }

    #[test]
    fn a_closed_connection_is_an_error() {
        let lab = Lab::start(LabConfig {
            impairments: "tcp-close-after=10".parse().unwrap(),
            ..LabConfig::default()
        })
        .unwrap();
        assert!(run(lab.address(), 1000, 1, 64).is_err());
    }

    #[test]
    fn messages_are_counted_wherever_the_stream_is_cut() {
        let stream: Vec<u8> = [0_usize, 1, 5, 300, 2]
            .into_iter()
            .flat_map(|length| {
                let mut message = (length as u16).to_be_bytes().to_vec();
                message.resize(PREFIX_BYTES + length, 0xff);
                message
            })
            .collect();
        for cut in 1..=stream.len() {
            let mut frames = FrameCounter::default();
            let ended: u32 = stream.chunks(cut).map(|chunk| frames.take(chunk)).sum();
            assert_eq!(ended, 5, "cut every {cut}");
        }
    }
}
