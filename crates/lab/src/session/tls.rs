//! The server's side of TLS, without IO (RFC 8446, RFC 5246).

use std::io::{Read, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::Time;
use rustls::ServerConnection;
use rustls::server::{Accepted, Acceptor};

use crate::service::Output;
use crate::tls::{HandshakeAction, TlsSetup};

/// The duration of a slow first flight of the server, and the number of pieces it is sent in.
const SLOW_FLIGHT: Duration = Duration::from_millis(500);
const SLOW_PIECES: u32 = 20;
/// A fatal handshake_failure (RFC 8446 §6.2) in a record of its own.
const HANDSHAKE_FAILURE: &[u8] = &[21, 3, 3, 0, 2, 2, 40];
/// Sent instead of a TLS handshake.
const PLAIN_TEXT: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\
    Connection: close\r\n\r\n";

/// The server's side of one TLS connection.
pub(super) struct TlsLayer {
    setup: Arc<TlsSetup>,
    server: IpAddr,
    web: bool,
    state: State,
    /// Handshake records, to be sent before any output of the service.
    unsent: Vec<u8>,
    slow: Option<SlowFlight>,
    ended: bool,
}

enum State {
    /// The ClientHello has not been received.
    Hello(Box<Acceptor>),
    Live(Box<ServerConnection>),
    /// The connection ends in this way.
    Over(Output),
}

struct SlowFlight {
    began: Option<Time>,
    pieces_sent: u32,
    octets_sent: usize,
}

/// What was received besides application data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TlsEvents {
    /// The handshake has just been completed.
    pub established: bool,
    /// The client has sent close_notify.
    pub ended: bool,
}

impl TlsLayer {
    pub(super) fn new(setup: Arc<TlsSetup>, server: IpAddr, web: bool) -> Self {
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

    /// Processes input, and appends the decrypted data to `plain`.
    pub(super) fn received(&mut self, mut bytes: &[u8], plain: &mut Vec<u8>) -> TlsEvents {
        let mut events = TlsEvents::default();
        while !bytes.is_empty() {
            let taken = match &mut self.state {
                State::Hello(acceptor) => acceptor.read_tls(&mut bytes),
                State::Live(connection) => connection.read_tls(&mut bytes),
                State::Over(_) => return events,
            };
            if taken.is_err() {
                self.state = State::Over(Output::Close);
                return events;
            }
            self.read_hello();
            self.process(plain, &mut events);
        }
        events
    }

    /// The client's side of the TCP connection has ended.
    pub(super) fn ended(&mut self) {
        self.ended = true;
    }

    /// What to do before the service may send. `None` if it may.
    pub(super) fn poll(&mut self, now: Time, out: &mut Vec<u8>) -> Option<Output> {
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

    /// Encrypts data for the client.
    pub(super) fn write(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        if let State::Live(connection) = &mut self.state {
            // Cannot fail: the buffer of the connection has no limit.
            let _ = connection.writer().write_all(plain);
            flush(connection, out);
        }
    }

    /// Sends close_notify (RFC 8446 §6.1).
    pub(super) fn close(&mut self, out: &mut Vec<u8>) {
        if let State::Live(connection) = &mut self.state {
            connection.send_close_notify();
            flush(connection, out);
        }
    }

    fn read_hello(&mut self) {
        let State::Hello(acceptor) = &mut self.state else {
            return;
        };
        match acceptor.accept() {
            Ok(None) => {}
            Ok(Some(accepted)) => self.answer_hello(accepted),
            Err((_, mut alert)) => {
                // Writing to a vector cannot fail.
                let _ = alert.write_all(&mut self.unsent);
                self.state = State::Over(Output::Close);
            }
        }
    }

    fn answer_hello(&mut self, accepted: Accepted) {
        let hello = accepted.client_hello();
        let action = self
            .setup
            .handshake_action(hello.server_name(), self.server, self.web);
        let over = match action {
            HandshakeAction::Serve(config) => return self.serve(accepted, config),
            HandshakeAction::Slow(config) => {
                self.slow = Some(SlowFlight {
                    began: None,
                    pieces_sent: 0,
                    octets_sent: 0,
                });
                return self.serve(accepted, config);
            }
            HandshakeAction::Reset => Output::Reset,
            HandshakeAction::Close => Output::Close,
            HandshakeAction::Hang => Output::Idle,
            HandshakeAction::Alert => {
                self.unsent.extend_from_slice(HANDSHAKE_FAILURE);
                Output::Close
            }
            HandshakeAction::PlainText => {
                self.unsent.extend_from_slice(PLAIN_TEXT);
                Output::Close
            }
        };
        self.state = State::Over(over);
    }

    fn serve(&mut self, accepted: Accepted, config: Arc<rustls::ServerConfig>) {
        self.state = match accepted.into_connection(config) {
            Ok(mut connection) => {
                // What is written is sent at once.
                connection.set_buffer_limit(None);
                State::Live(Box::new(connection))
            }
            Err((_, mut alert)) => {
                let _ = alert.write_all(&mut self.unsent);
                State::Over(Output::Close)
            }
        };
    }

    fn process(&mut self, plain: &mut Vec<u8>, events: &mut TlsEvents) {
        let State::Live(connection) = &mut self.state else {
            return;
        };
        let handshaking = connection.is_handshaking();
        let processed = connection.process_new_packets();
        // An error leaves an alert to be sent.
        flush(connection, &mut self.unsent);
        match processed {
            Ok(state) => {
                events.established |= handshaking && !connection.is_handshaking();
                // The data was appended; the error is WouldBlock or the end of the stream.
                let _ = connection.reader().read_to_end(plain);
                if state.peer_has_closed() && !self.ended {
                    self.ended = true;
                    events.ended = true;
                }
            }
            Err(_) => self.state = State::Over(Output::Close),
        }
    }
}

impl SlowFlight {
    /// Sends the next piece of the flight when it is due. `None` if all of it has been sent.
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
    // Writing to a vector cannot fail.
    while connection.wants_write() && connection.write_tls(out).is_ok() {}
}
