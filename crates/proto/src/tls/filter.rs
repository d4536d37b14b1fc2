//! One TLS connection.

use std::mem;

use canvass_model::{Cause, TlsFacts};
use rustls::client::UnbufferedClientConnection;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use rustls::{Error, InvalidMessage, PeerIncompatible, PeerMisbehaved};

use super::TlsFault;
use super::certificate_fault::CertificateFault;
use super::facts::{certificate_facts, not_after_s};
use super::fault::{Seen, suite_name, version_name};
use super::flight::Flight;
use super::handshake_context::{PeerChain, with_context};
use super::offer::Offer;
use super::records::{encode, encrypt, encrypt_close_notify};

/// The content type of an alert, which TLS 1.2 does not encrypt (RFC 5246 §6.2.1).
const ALERT: u8 = 21;

/// The client's side of one TLS connection: pass what the peer sends to
/// [`received`](Self::received) and what is to be sent to [`send`](Self::send); after either,
/// [`take_outgoing`](Self::take_outgoing) may have octets for the wire.
///
/// A fault is final: every later call that can returns it again.
pub struct TlsFilter {
    connection: UnbufferedClientConnection,
    /// The beginning of a record that is not whole yet.
    incoming: Vec<u8>,
    /// For the wire.
    outgoing: Vec<u8>,
    /// What was sent before the end of the handshake.
    unsent: Vec<u8>,
    /// The server's certificate chain, until rustls stores it itself.
    chain: Option<Box<PeerChain>>,
    /// Why the server is not trusted.
    certificate_fault: Option<Box<CertificateFault>>,
    /// Whether the server sent an OCSP response with its certificate.
    ocsp_stapled: Option<bool>,
    /// What the server has shown, until the handshake is complete.
    flight: Option<Box<Flight>>,
    fault: Option<Box<TlsFault>>,
    /// The fault is returned once the certificate that follows has come.
    awaits_certificate: bool,
    /// The server asked for a renegotiation, which was refused.
    renegotiation_refused: bool,
    offer: Offer,
    unix_now_s: i64,
    insecure: bool,
    /// A whole record was received.
    has_record: bool,
    peer_closed: bool,
    /// Nothing more is sent.
    closing: bool,
    close_notify_sent: bool,
}

impl TlsFilter {
    pub(super) fn begin(
        connection: UnbufferedClientConnection,
        offer: Offer,
        unix_now_s: i64,
        insecure: bool,
    ) -> Result<Self, TlsFault> {
        let mut filter = Self {
            connection,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            unsent: Vec::new(),
            chain: None,
            certificate_fault: None,
            ocsp_stapled: None,
            flight: Some(Box::default()),
            fault: None,
            awaits_certificate: false,
            renegotiation_refused: false,
            offer,
            unix_now_s,
            insecure,
            has_record: false,
            peer_closed: false,
            closing: false,
            close_notify_sent: false,
        };
        filter.advance(&mut Vec::new())?;
        Ok(filter)
    }

    /// Takes all of `bytes`, which the peer sent, and appends their plaintext to `plain`. The
    /// result of certificate verification is returned here, at the end of the handshake: before the
    /// certificate is accepted, nothing is passed on in either direction.
    ///
    /// # Errors
    /// What is wrong with the peer's certificate or its TLS, or the alert it sent. There may be an
    /// alert to send even so.
    pub fn received(&mut self, bytes: &[u8], plain: &mut Vec<u8>) -> Result<(), TlsFault> {
        if let Some(flight) = &mut self.flight {
            flight.push(bytes);
        }
        if self.fault.is_some() {
            return self.after_fault();
        }
        if self.peer_closed {
            // "Any data received after a closure alert has been received MUST be ignored" (RFC
            // 8446 §6.1).
            return Ok(());
        }
        self.incoming.extend_from_slice(bytes);
        self.advance(plain)
    }

    /// The peer closed its side of the stream. Returns whether it sent close_notify before; if not,
    /// its data may be truncated (RFC 8446 §6.1).
    ///
    /// # Errors
    /// [`Cause::Closed`] if the handshake was not complete, [`Cause::Handshake`] if the peer sent
    /// something other than TLS.
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

    /// Sends `plain`, after the handshake if that is not complete.
    pub fn send(&mut self, plain: &[u8]) {
        if self.fault.is_some() || self.closing {
            return;
        }
        self.unsent.extend_from_slice(plain);
        self.flush();
    }

    /// Moves the octets for the wire to the end of `out`.
    pub fn take_outgoing(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.outgoing);
        self.outgoing = Vec::new();
    }

    /// Sends close_notify after all that was sent (RFC 8446 §6.1). What the peer still sends is
    /// read. During the handshake it has no effect until that is complete.
    pub fn close(&mut self) {
        if self.fault.is_none() && !self.closing {
            self.closing = true;
            self.flush();
        }
    }

    /// Whether the handshake is not complete yet.
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Whether the peer has sent close_notify.
    pub fn is_ended(&self) -> bool {
        self.peer_closed
    }

    /// What is known from the handshake so far, also after a fault.
    pub fn facts(&self) -> TlsFacts {
        // Without a fault rustls knows, or will know, what the server has shown.
        let flight = self.flight.as_deref().filter(|_| self.fault.is_some());
        let choice = flight.and_then(Flight::choice);
        let sent = flight.and_then(Flight::chain);
        let (leaf, chain_length) = match (self.connection.peer_certificates(), &self.chain) {
            (Some([leaf, rest @ ..]), _) => (Some(leaf), 1 + rest.len()),
            (_, Some(chain)) => (Some(&chain.leaf), chain.chain_length),
            (_, None) => match &sent {
                Some(sent) => (Some(&sent.leaf), sent.chain_length),
                None => (None, 0),
            },
        };
        let rest = self.connection.peer_certificates().unwrap_or_default();
        let rest = rest.iter().skip(1).filter_map(|der| not_after_s(der));
        let certificate = leaf.and_then(|leaf| certificate_facts(leaf, self.unix_now_s));
        let ends_s = certificate.iter().map(|leaf| leaf.not_after_s).chain(rest);
        let chain_not_after_s = ends_s.min();
        let is_checked = leaf.is_some() && self.ocsp_stapled.is_some();
        let certificate_fault = self.certificate_fault.as_deref();
        let alpn = self.connection.alpn_protocol();
        TlsFacts {
            version: self
                .connection
                .protocol_version()
                .or(choice.map(|choice| choice.version))
                .and_then(version_name),
            cipher: self
                .connection
                .negotiated_cipher_suite()
                .map(|suite| suite.suite())
                .or(choice.map(|choice| choice.cipher))
                .map(|suite| suite_name(suite).into()),
            alpn: alpn.map(|name| String::from_utf8_lossy(name).into()),
            verified: is_checked.then_some(certificate_fault.is_none()),
            verify_error: certificate_fault
                .map(|certificate_fault| certificate_fault.message.clone()),
            certificate,
            chain_length,
            chain_not_after_s,
            ocsp_stapled: self.ocsp_stapled,
        }
    }

    /// Processes what can be sent.
    fn flush(&mut self) {
        if !self.is_handshaking() {
            // All received data is processed, so there is no plaintext; a fault is stored for the
            // next call.
            let _ = self.advance(&mut Vec::new());
        }
    }

    /// Processes what was received and what is to be sent, as far as possible.
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
                self.fault = Some(Box::new(fault));
                self.unsent = Vec::new();
                self.after_fault()
            }
        }
    }

    /// Returns the fault, unless the certificate that follows has to be awaited for its facts.
    fn after_fault(&mut self) -> Result<(), TlsFault> {
        let Some(fault) = &self.fault else {
            return Ok(());
        };
        let flight = self.flight.as_deref();
        if self.awaits_certificate && flight.is_some_and(Flight::awaits_certificate) {
            return Ok(());
        }
        let fault = TlsFault::clone(fault);
        self.awaits_certificate = false;
        self.take_alerts();
        Err(fault)
    }

    /// Takes the next step of the connection, with the octets of `incoming` that are not `used`.
    fn step(
        &mut self,
        incoming: &mut [u8],
        used: &mut usize,
        plain: &mut Vec<u8>,
    ) -> Result<Step, TlsFault> {
        let connection = &mut self.connection;
        let unread = &mut incoming[*used..];
        let (UnbufferedStatus { discard, state, .. }, verification) =
            with_context(self.unix_now_s, || connection.process_tls_records(unread));
        if let Some(verification) = verification {
            self.certificate_fault = verification.fault;
            self.ocsp_stapled = Some(verification.ocsp_stapled);
            self.chain = Some(verification.chain);
        }
        let certificate_fault = self.certificate_fault.as_deref().filter(|_| !self.insecure);
        let done = match state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                while let Some(Ok(record)) = traffic.next_record() {
                    *used += record.discard;
                    if certificate_fault.is_none() {
                        plain.extend_from_slice(record.payload);
                    }
                }
                Ok(Step::Again)
            }
            Ok(ConnectionState::EncodeTlsData(data)) => {
                let start = self.outgoing.len();
                encode(&mut self.outgoing, data);
                // Without an error there is one alert that rustls sends: no_renegotiation.
                self.renegotiation_refused |= self.outgoing.get(start) == Some(&ALERT);
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
                if certificate_fault.is_none() && !unsent.is_empty() {
                    encrypt(&mut self.outgoing, &mut traffic, &unsent);
                }
                if (certificate_fault.is_some() || self.closing) && !self.close_notify_sent {
                    self.close_notify_sent = true;
                    encrypt_close_notify(&mut self.outgoing, &mut traffic);
                }
                match certificate_fault {
                    Some(certificate_fault) => return Err(certificate_fault.clone().into()),
                    None => Ok(Step::Wait),
                }
            }
            Ok(_) => Ok(Step::Wait),
            Err(error) => Err(error),
        };
        if self.chain.is_some() && self.connection.peer_certificates().is_some() {
            self.chain = None;
        }
        let unread_start = *used;
        *used += discard;
        let step = done.map_err(|error| self.fault_of(&error, &incoming[unread_start..]))?;
        self.has_record |= discard > 0;
        if self.flight.is_some() && !self.is_handshaking() {
            self.flight = None;
        }
        Ok(step)
    }

    fn fault_of(&mut self, error: &Error, unread: &[u8]) -> TlsFault {
        match error {
            Error::InvalidCertificate(error) if !self.insecure => self
                .certificate_fault
                .get_or_insert_with(|| Box::new(CertificateFault::of_handshake(error)))
                .as_ref()
                .clone()
                .into(),
            Error::InvalidMessage(_) if self.is_other_protocol(unread) => {
                TlsFault::of_other_protocol(unread)
            }
            _ => {
                self.awaits_certificate = is_refusal(error);
                let handshaking = self.is_handshaking();
                let seen = Seen {
                    offer: self.offer,
                    flight: self.flight.as_deref().filter(|_| handshaking),
                    renegotiation_refused: self.renegotiation_refused,
                };
                TlsFault::of_connection(error, &seen)
            }
        }
    }

    /// Whether the first octets cannot be those of a TLS record: a content type and the major
    /// version (RFC 8446 §5.1).
    fn is_other_protocol(&self, unread: &[u8]) -> bool {
        !self.has_record && !matches!(unread, [] | [20..=24] | [20..=24, 3, ..])
    }

    /// After a fault there may be an alert to send. rustls returns it before it looks at the input,
    /// and must not get any more of that: it would panic.
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
    /// There may be another step.
    Again,
    /// No step is possible before more is received, or sent.
    Wait,
}

/// Whether this side refuses what it can read, and the server's certificate may still follow.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        ) | Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedCipherSuite)
            | Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge)
    )
}
