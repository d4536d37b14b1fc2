//! TLS around a service: octets in, octets out (RFC 8446, RFC 5246).

use std::io::{Read, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::Time;
use rustls::ServerConnection;
use rustls::server::{Accepted, Acceptor};

use crate::service::Output;
use crate::tls::{TlsSetup, Treatment};

/// How long the server's first flight takes where it is slow, and in how many pieces it comes.
const SLOW_FLIGHT: Duration = Duration::from_millis(500);
const SLOW_PIECES: u32 = 20;
/// A fatal handshake_failure (RFC 8446 §6.2) in a record of its own.
const HANDSHAKE_FAILURE: &[u8] = &[21, 3, 3, 0, 2, 2, 40];
/// What somebody says who does not speak TLS.
const PLAIN_TEXT: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\
    Connection: close\r\n\r\n";

/// The server's side of one TLS connection.
pub(super) struct TlsLayer {
    setup: Arc<TlsSetup>,
    server: IpAddr,
    web: bool,
    state: State,
    /// What is to be sent before anything the service says.
    unsent: Vec<u8>,
    slow: Option<SlowFlight>,
    ended: bool,
}

enum State {
    /// The client has not said yet whom it wants.
    Hello(Box<Acceptor>),
    Live(Box<ServerConnection>),
    /// Nothing more comes but this.
    Over(Output),
}

struct SlowFlight {
    began: Option<Time>,
    pieces_sent: u32,
    octets_sent: usize,
}

/// What came out of octets besides what they say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// The handshake has just been completed.
    pub established: bool,
    /// The client will say no more.
    pub ended: bool,
}

impl TlsLayer {
    pub fn new(setup: Arc<TlsSetup>, server: IpAddr, web: bool) -> Self {
        Self {
            setup,
            server,
            web,
            state: State::Hello(Box::default()),
            unsent: Vec::new(),
            slow: None,
            ended: false,
        }
    }

    /// Takes octets in, and appends what they say to `plain`.
    pub fn received(&mut self, mut bytes: &[u8], plain: &mut Vec<u8>) -> News {
        let mut news = News::default();
        while !bytes.is_empty() {
            let taken = match &mut self.state {
                State::Hello(acceptor) => acceptor.read_tls(&mut bytes),
                State::Live(connection) => connection.read_tls(&mut bytes),
                State::Over(_) => return news,
            };
            if taken.is_err() {
                self.state = State::Over(Output::Close);
                return news;
            }
            self.hear_hello();
            self.process(plain, &mut news);
        }
        news
    }

    /// The client's side of the TCP connection has ended.
    pub fn ended(&mut self) {
        self.ended = true;
    }

    /// What there is to do before the service may speak.
    pub fn poll(&mut self, now: Time, out: &mut Vec<u8>) -> Option<Output> {
        if let Some(slow) = &mut self.slow {
            if let Some(output) = slow.poll(now, &self.unsent, out) {
                return Some(output);
            }
            self.slow = None;
            self.unsent.clear();
        }
        if !self.unsent.is_empty() {
            out.append(&mut self.unsent);
            return Some(Output::Send);
        }
        let waiting = match &self.state {
            State::Over(Output::Idle) => true,
            State::Over(output) => return Some(*output),
            State::Hello(_) => true,
            State::Live(connection) => connection.is_handshaking(),
        };
        waiting.then_some(if self.ended {
            Output::Close
        } else {
            Output::Idle
        })
    }

    /// Says something to the client.
    pub fn write(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        if let State::Live(connection) = &mut self.state {
            // A vector takes everything, and the connection's buffer has no limit.
            let _ = connection.writer().write_all(plain);
            flush(connection, out);
        }
    }

    /// Says that nothing more comes (RFC 8446 §6.1).
    pub fn close(&mut self, out: &mut Vec<u8>) {
        if let State::Live(connection) = &mut self.state {
            connection.send_close_notify();
            flush(connection, out);
        }
    }

    fn hear_hello(&mut self) {
        let State::Hello(acceptor) = &mut self.state else {
            return;
        };
        match acceptor.accept() {
            Ok(None) => {}
            Ok(Some(accepted)) => self.treat(accepted),
            Err((_, mut alert)) => {
                // A vector takes everything.
                let _ = alert.write_all(&mut self.unsent);
                self.state = State::Over(Output::Close);
            }
        }
    }

    fn treat(&mut self, accepted: Accepted) {
        let hello = accepted.client_hello();
        let treatment = self
            .setup
            .treatment(hello.server_name(), self.server, self.web);
        let over = match treatment {
            Treatment::Serve(config) => return self.serve(accepted, config),
            Treatment::Slow(config) => {
                self.slow = Some(SlowFlight {
                    began: None,
                    pieces_sent: 0,
                    octets_sent: 0,
                });
                return self.serve(accepted, config);
            }
            Treatment::Reset => Output::Reset,
            Treatment::Close => Output::Close,
            Treatment::Hang => Output::Idle,
            Treatment::Alert => {
                self.unsent.extend_from_slice(HANDSHAKE_FAILURE);
                Output::Close
            }
            Treatment::PlainText => {
                self.unsent.extend_from_slice(PLAIN_TEXT);
                Output::Close
            }
        };
        self.state = State::Over(over);
    }

    fn serve(&mut self, accepted: Accepted, config: Arc<rustls::ServerConfig>) {
        self.state = match accepted.into_connection(config) {
            Ok(mut connection) => {
                // What is written is taken out at once.
                connection.set_buffer_limit(None);
                State::Live(Box::new(connection))
            }
            Err((_, mut alert)) => {
                let _ = alert.write_all(&mut self.unsent);
                State::Over(Output::Close)
            }
        };
    }

    fn process(&mut self, plain: &mut Vec<u8>, news: &mut News) {
        let State::Live(connection) = &mut self.state else {
            return;
        };
        let handshaking = connection.is_handshaking();
        let processed = connection.process_new_packets();
        // An error leaves its alert behind.
        flush(connection, &mut self.unsent);
        match processed {
            Ok(state) => {
                news.established |= handshaking && !connection.is_handshaking();
                // What has come is all there; the end of it, or that there is none yet, is no news.
                let _ = connection.reader().read_to_end(plain);
                if state.peer_has_closed() && !self.ended {
                    self.ended = true;
                    news.ended = true;
                }
            }
            Err(_) => self.state = State::Over(Output::Close),
        }
    }
}

impl SlowFlight {
    /// Sends the next piece of the flight when it is due; `None` when all of it has been sent.
    fn poll(&mut self, now: Time, flight: &[u8], out: &mut Vec<u8>) -> Option<Output> {
        let began = *self.began.get_or_insert(now);
        if flight.is_empty() {
            return None;
        }
        let every = SLOW_FLIGHT / SLOW_PIECES;
        let due = (now.nanos_since(began) / every.as_nanos() as u64).min(SLOW_PIECES.into()) as u32;
        if due > self.pieces_sent {
            let end = flight.len() * due as usize / SLOW_PIECES as usize;
            out.extend_from_slice(&flight[self.octets_sent..end]);
            (self.pieces_sent, self.octets_sent) = (due, end);
            return Some(Output::Send);
        }
        (self.pieces_sent < SLOW_PIECES)
            .then(|| Output::Wait(began + every * (self.pieces_sent + 1)))
    }
}

fn flush(connection: &mut ServerConnection, out: &mut Vec<u8>) {
    // A vector takes everything.
    while connection.wants_write() && connection.write_tls(out).is_ok() {}
}
