//! One TLS connection.

use std::mem;

use canvass_model::{Cause, TlsFacts};
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError,
    UnbufferedStatus, WriteTraffic,
};
use rustls::{Error, ProtocolVersion, SupportedCipherSuite};

use super::TlsFault;
use super::facts::certificate_facts;
use super::handshake_context::{Shown, attended};
use super::refusal::Refusal;

/// What a record adds to its plaintext at most, and the plaintext it holds at most, in octets
/// (RFC 5246 §6.2, RFC 8446 §5.1).
const RECORD_OVERHEAD_MAX: usize = 64;
const RECORD_PLAIN_MAX: usize = 1 << 14;

/// One TLS connection, seen from the client: what comes from the peer goes through
/// [`received`](Self::received), what goes to it through [`send`](Self::send), and after either
/// there may be something in [`take_outgoing`](Self::take_outgoing) for the wire.
///
/// A fault is final: it is told again by every call that can.
pub struct TlsFilter {
    connection: UnbufferedClientConnection,
    /// The beginning of what is not yet whole; empty between records.
    incoming: Vec<u8>,
    /// For the wire.
    outgoing: Vec<u8>,
    /// What was given before the handshake was over.
    unsent: Vec<u8>,
    /// The server's certificate, until the library keeps it itself.
    shown: Option<Box<Shown>>,
    /// Why the server is not to be trusted.
    refusal: Option<Box<Refusal>>,
    fault: Option<Box<TlsFault>>,
    unix_now_s: i64,
    insecure: bool,
    /// A whole record came.
    speaks_tls: bool,
    peer_closed: bool,
    /// Nothing more is to be sent.
    closing: bool,
    close_notify_sent: bool,
}

impl TlsFilter {
    pub(super) fn begin(
        connection: UnbufferedClientConnection,
        unix_now_s: i64,
        insecure: bool,
    ) -> Result<Self, TlsFault> {
        let mut filter = Self {
            connection,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            unsent: Vec::new(),
            shown: None,
            refusal: None,
            fault: None,
            unix_now_s,
            insecure,
            speaks_tls: false,
            peer_closed: false,
            closing: false,
            close_notify_sent: false,
        };
        filter.advance(&mut Vec::new())?;
        Ok(filter)
    }

    /// Takes all of `bytes`, which came from the peer, and appends to `plain` what they hold. A
    /// server's verdict comes here, once the handshake is over: nothing that a server says is
    /// passed on, nor anything to it, before it was found good or the client is to go on anyway.
    ///
    /// # Errors
    /// What is wrong with the peer's certificate, with its TLS, or what it says is wrong with
    /// ours. There may be an alert to send all the same.
    pub fn received(&mut self, bytes: &[u8], plain: &mut Vec<u8>) -> Result<(), TlsFault> {
        if let Some(fault) = &self.fault {
            return Err(TlsFault::clone(fault));
        }
        if self.peer_closed {
            // "Any data received after a closure alert has been received MUST be ignored" (RFC
            // 8446 §6.1).
            return Ok(());
        }
        self.incoming.extend_from_slice(bytes);
        self.advance(plain)
    }

    /// The peer will send nothing more. Tells whether it had said so itself: where it had not,
    /// what it sent may be cut short (RFC 8446 §6.1).
    ///
    /// # Errors
    /// [`Cause::Closed`] where the handshake was not over, [`Cause::Handshake`] where what came
    /// was no TLS.
    pub fn ended(&mut self) -> Result<bool, TlsFault> {
        if self.fault.is_none() && self.is_handshaking() {
            let fault = if self.is_other_protocol(&self.incoming) {
                TlsFault::of_other_protocol(&self.incoming)
            } else {
                TlsFault::new(
                    Cause::Closed,
                    "the peer closed the connection in the TLS handshake",
                )
            };
            self.fault = Some(Box::new(fault));
        }
        match &self.fault {
            Some(fault) => Err(TlsFault::clone(fault)),
            None => Ok(self.peer_closed),
        }
    }

    /// Sends `plain`; where the handshake is not over, once it is.
    pub fn send(&mut self, plain: &[u8]) {
        if self.fault.is_some() || self.closing {
            return;
        }
        self.unsent.extend_from_slice(plain);
        self.flush();
    }

    /// Appends to `out` what is to be written to the peer now.
    pub fn take_outgoing(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.outgoing);
        self.outgoing = Vec::new();
    }

    /// Tells the peer, after all that was sent, that nothing more will come (close_notify, RFC
    /// 8446 §6.1). What it still sends is read. In the handshake it has no effect before that is
    /// over.
    pub fn close(&mut self) {
        if self.fault.is_none() && !self.closing {
            self.closing = true;
            self.flush();
        }
    }

    /// Whether the handshake is not over yet.
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Whether the peer has said that nothing more will come.
    pub fn is_ended(&self) -> bool {
        self.peer_closed
    }

    /// What the handshake has shown so far. With a fault, too, all that was seen before it.
    pub fn facts(&self) -> TlsFacts {
        let (leaf, chain_length) = match (self.connection.peer_certificates(), &self.shown) {
            (Some([leaf, rest @ ..]), _) => (Some(leaf), 1 + rest.len()),
            (_, Some(shown)) => (Some(&shown.leaf), shown.chain_length),
            (_, None) => (None, 0),
        };
        let refusal = self.refusal.as_deref();
        let alpn = self.connection.alpn_protocol();
        TlsFacts {
            version: self.connection.protocol_version().and_then(version_name),
            cipher: self
                .connection
                .negotiated_cipher_suite()
                .map(|suite| cipher_name(suite).into()),
            alpn: alpn.map(|name| String::from_utf8_lossy(name).into()),
            verified: leaf.map(|_| refusal.is_none()),
            verify_error: refusal.map(|refusal| refusal.message.clone()),
            certificate: leaf.and_then(|leaf| certificate_facts(leaf, self.unix_now_s)),
            chain_length,
        }
    }

    /// Does what can be done now that there is something to send.
    fn flush(&mut self) {
        if !self.is_handshaking() {
            // What came is all read, so there is no plaintext, and a fault is kept for the next
            // that asks.
            let _ = self.advance(&mut Vec::new());
        }
    }

    /// Goes on with all that came and all that is to be sent, as far as that leads.
    fn advance(&mut self, plain: &mut Vec<u8>) -> Result<(), TlsFault> {
        let mut incoming = mem::take(&mut self.incoming);
        let mut used = 0;
        let done = loop {
            match self.step(&mut incoming, &mut used, plain) {
                Ok(Step::Again) => {}
                Ok(Step::Wait) => break Ok(()),
                Err(fault) => break Err(fault),
            }
        };
        match done {
            Ok(()) => {
                if used == 0 {
                    self.incoming = incoming;
                } else {
                    self.incoming = incoming[used..].to_vec();
                }
                Ok(())
            }
            Err(fault) => {
                self.fault = Some(Box::new(fault.clone()));
                self.unsent = Vec::new();
                self.take_alerts();
                Err(fault)
            }
        }
    }

    /// Does the next thing that the connection wants done, with what of `incoming` is not `used`.
    fn step(
        &mut self,
        incoming: &mut [u8],
        used: &mut usize,
        plain: &mut Vec<u8>,
    ) -> Result<Step, TlsFault> {
        let connection = &mut self.connection;
        let unread = &mut incoming[*used..];
        let (UnbufferedStatus { discard, state, .. }, seen) =
            attended(self.unix_now_s, || connection.process_tls_records(unread));
        if let Some(seen) = seen {
            self.refusal = seen.refusal;
            self.shown = Some(seen.shown);
        }
        let refusal = self.refusal.as_deref().filter(|_| !self.insecure);
        let done = match state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                while let Some(Ok(record)) = traffic.next_record() {
                    *used += record.discard;
                    if refusal.is_none() {
                        plain.extend_from_slice(record.payload);
                    }
                }
                Ok(Step::Again)
            }
            Ok(ConnectionState::EncodeTlsData(data)) => {
                encode(&mut self.outgoing, data);
                Ok(Step::Again)
            }
            Ok(ConnectionState::TransmitTlsData(data)) => {
                data.done();
                Ok(Step::Again)
            }
            Ok(ConnectionState::PeerClosed) => {
                self.peer_closed = true;
                Ok(Step::Again)
            }
            Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                let unsent = mem::take(&mut self.unsent);
                if refusal.is_none() && !unsent.is_empty() {
                    encrypt(&mut self.outgoing, &mut traffic, &unsent);
                }
                if (refusal.is_some() || self.closing) && !self.close_notify_sent {
                    self.close_notify_sent = true;
                    append(&mut self.outgoing, RECORD_OVERHEAD_MAX, |room| {
                        traffic.queue_close_notify(room).map_err(missing_room)
                    });
                }
                match refusal {
                    Some(refusal) => return Err(refusal.clone().into()),
                    None => Ok(Step::Wait),
                }
            }
            Ok(_) => Ok(Step::Wait),
            Err(error) => Err(error),
        };
        if self.shown.is_some() && self.connection.peer_certificates().is_some() {
            self.shown = None;
        }
        let unread_start = *used;
        *used += discard;
        let step = done.map_err(|error| self.fault_of(&error, &incoming[unread_start..]))?;
        self.speaks_tls |= discard > 0;
        Ok(step)
    }

    fn fault_of(&self, error: &Error, unread: &[u8]) -> TlsFault {
        match (error, self.refusal.as_deref()) {
            (Error::InvalidCertificate(_), Some(refusal)) if !self.insecure => {
                refusal.clone().into()
            }
            (Error::InvalidMessage(_), _) if self.is_other_protocol(unread) => {
                TlsFault::of_other_protocol(unread)
            }
            _ => TlsFault::of_connection(error, self.is_handshaking()),
        }
    }

    /// Whether the peer's first octets cannot be those of a TLS record: a content type, and the
    /// first half of a version (RFC 8446 §5.1).
    fn is_other_protocol(&self, unread: &[u8]) -> bool {
        !self.speaks_tls && !matches!(unread, [] | [20..=24] | [20..=24, 3, ..])
    }

    /// After a fault of the peer's there may be an alert for it. The library gives that out before
    /// it looks at what came, and must not be let look there again: it would panic.
    fn take_alerts(&mut self) {
        while self.connection.wants_write() {
            match self.connection.process_tls_records(&mut []).state {
                Ok(ConnectionState::EncodeTlsData(data)) => encode(&mut self.outgoing, data),
                _ => return,
            }
        }
    }
}

enum Step {
    /// There may be more to do.
    Again,
    /// Nothing more can be done before more comes, or is to be sent.
    Wait,
}

fn encode(outgoing: &mut Vec<u8>, mut data: EncodeTlsData<'_, ClientConnectionData>) {
    append(outgoing, 0, |room| {
        data.encode(room).map_err(|error| match error {
            EncodeError::InsufficientSize(short) => Some(short),
            EncodeError::AlreadyEncoded => None,
        })
    });
}

fn encrypt(
    outgoing: &mut Vec<u8>,
    traffic: &mut WriteTraffic<'_, ClientConnectionData>,
    plain: &[u8],
) {
    let records = plain.len() / RECORD_PLAIN_MAX + 1;
    let room = plain.len() + records * RECORD_OVERHEAD_MAX;
    append(outgoing, room, |room| {
        traffic.encrypt(plain, room).map_err(missing_room)
    });
}

fn missing_room(error: EncryptError) -> Option<InsufficientSizeError> {
    match error {
        EncryptError::InsufficientSize(short) => Some(short),
        // After 2^64 records.
        EncryptError::EncryptExhausted => None,
    }
}

/// Appends what `write` writes, in a room of that many octets or of as many as it turns out to
/// need.
fn append(
    out: &mut Vec<u8>,
    room_bytes: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<InsufficientSizeError>>,
) {
    let start = out.len();
    let mut room_bytes = room_bytes;
    loop {
        out.resize(start + room_bytes, 0);
        match write(&mut out[start..]) {
            Ok(written) => return out.truncate(start + written),
            Err(Some(short)) if short.required_size > room_bytes => {
                room_bytes = short.required_size;
            }
            Err(_) => return out.truncate(start),
        }
    }
}

fn version_name(version: ProtocolVersion) -> Option<&'static str> {
    match version {
        ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
        ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
        _ => None,
    }
}

/// The library marks the suites of TLS 1.3, and IANA does not.
fn cipher_name(suite: SupportedCipherSuite) -> String {
    let name = format!("{:?}", suite.suite());
    match name.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => name,
    }
}
