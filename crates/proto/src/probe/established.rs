//! A connection that is open, and what happens on it.

use std::net::SocketAddr;

use canvass_model::{Cause, Phase, Remote, TalkReply, Time};

use super::failure::{Ended, Failure, SystemFault};
use super::module::ModuleKind;
use super::protocol::Protocol;
use super::stage::{Departure, Stage};
use super::{Output, Probe};
use crate::connection::{Connection, StreamEnd};
use crate::http::Request;
use crate::output::ConnectionId;
use crate::tls::{TlsFault, TlsFilter};

/// Replies of several hosts that are kept.
const REPLIES_MAX: usize = 4_096;

/// A connection that is open.
pub(super) struct Established {
    pub(super) id: ConnectionId,
    pub(super) remote: Remote,
    pub(super) connection: Connection,
    pub(super) protocol: Protocol,
    /// Something was received since the protocol started.
    pub(super) has_received: bool,
    /// An earlier request was answered over it.
    pub(super) reused: bool,
    /// What it needs besides if it carries datagrams.
    pub(super) datagrams: Option<Box<Datagrams>>,
}

/// The state of a conversation by datagrams.
#[derive(Debug)]
pub(super) struct Datagrams {
    /// Replies of any host count.
    pub(super) many: bool,
    /// One is to be sent, and may be empty.
    pub(super) pending: bool,
    /// When the first was sent.
    sent: Option<Time>,
    pub(super) replies: Vec<TalkReply>,
}

impl Datagrams {
    /// What was received, if none of it matches.
    pub(super) fn seen(&self) -> Box<str> {
        match self.replies.len() {
            1 => "1 reply that does not match".into(),
            replies => format!("{replies} replies that do not match").into(),
        }
    }
}

impl Established {
    pub(super) fn stream(id: ConnectionId, remote: Remote) -> Self {
        Self {
            id,
            remote,
            connection: Connection::default(),
            protocol: Protocol::None,
            has_received: false,
            reused: false,
            datagrams: None,
        }
    }

    pub(super) fn datagrams(id: ConnectionId, remote: Remote, many: bool) -> Self {
        Self {
            datagrams: Some(Box::new(Datagrams {
                many,
                pending: false,
                sent: None,
                replies: Vec::new(),
            })),
            ..Self::stream(id, remote)
        }
    }

    /// Prepares it for a further request.
    pub(super) fn reuse(mut self) -> Self {
        self.reused = true;
        self.protocol = Protocol::None;
        self
    }

    /// The replies of several hosts, if several may reply.
    pub(super) fn take_replies(&mut self) -> Option<Vec<TalkReply>> {
        let datagrams = self.datagrams.as_mut().filter(|one| one.many)?;
        Some(std::mem::take(&mut datagrams.replies))
    }

    pub(super) fn has_unsent(&self) -> bool {
        self.connection.has_outgoing() || self.has_pending_datagram()
    }

    pub(super) fn has_pending_datagram(&self) -> bool {
        self.datagrams.as_ref().is_some_and(|one| one.pending)
    }
}

impl Probe {
    /// What is to be written, or the datagram to be sent, which may be empty.
    pub fn outgoing(&self, connection: ConnectionId) -> Option<&[u8]> {
        let established = self.journey.stage.established()?;
        let has_some = established.id == connection && established.has_unsent();
        has_some.then(|| established.connection.outgoing())
    }

    /// Whether it sends datagrams.
    pub fn uses_datagrams(&self) -> bool {
        matches!(self.job.module.kind, ModuleKind::Udp { .. })
    }

    /// Whether datagrams of any host count.
    pub fn receives_from_any(&self) -> bool {
        let established = self.journey.stage.established();
        let datagrams = established.and_then(|one| one.datagrams.as_ref());
        datagrams.is_some_and(|datagrams| datagrams.many)
    }

    /// So many octets were written; of a datagram, all.
    pub fn wrote(&mut self, now: Time, connection: ConnectionId, octets: usize) {
        self.note(now, "write", Some(octets), String::new);
        let Some(established) = self.journey.stage.established_as(connection) else {
            return;
        };
        established.connection.wrote(octets);
        if let Some(datagrams) = &mut established.datagrams {
            datagrams.sent.get_or_insert(now);
            datagrams.pending = false;
        }
        let is_sent = !established.has_unsent() && matches!(established.protocol, Protocol::None);
        if established.connection.take_shutdown() {
            self.output(Output::ShutWrite(connection));
        } else if is_sent && matches!(self.journey.stage, Stage::Talking(_)) {
            self.opened(now);
        }
    }

    /// Octets were received on a stream, or a datagram from the host it was sent to.
    pub fn received(&mut self, now: Time, connection: ConnectionId, octets: &[u8]) {
        self.note(now, "read", Some(octets.len()), String::new);
        self.deliver(now, connection, octets);
    }

    /// Takes octets that were received on a stream, or a datagram.
    pub(super) fn deliver(&mut self, now: Time, connection: ConnectionId, octets: &[u8]) {
        let stage = &mut self.journey.stage;
        let is_idle = matches!(stage, Stage::Idle(_));
        let is_tunnelling = matches!(stage, Stage::Tunnelling(_));
        let Some(established) = stage.established_as(connection) else {
            return;
        };
        if is_idle {
            // A server that sends before it was asked is not asked again on this connection.
            return self.close_stage(now);
        }
        if is_tunnelling {
            return self.tunnel_received(now, connection, octets);
        }
        if established.connection.tls().is_none() {
            return self.take(now, octets);
        }
        let received = established.connection.received(octets);
        let tls = established.connection.tls();
        let is_handshaking = tls.is_some_and(TlsFilter::is_handshaking);
        if established.connection.has_outgoing() {
            self.output(Output::Write(connection));
        }
        if received.fault.is_none()
            && !is_handshaking
            && matches!(self.journey.stage, Stage::Handshaking(_))
        {
            self.secured(now);
        }
        // What was received before a fault counts, however reads were divided.
        if !received.frames.is_empty() && matches!(self.journey.stage, Stage::Talking(_)) {
            self.take(now, &received.frames);
        }
        let Some(established) = self.journey.stage.established_as(connection) else {
            return;
        };
        let is_ended = established.connection.is_ended_by_tls();
        match received.fault {
            Some(fault) => self.tls_failed(now, fault),
            // It is the end of what the peer sends, even if it keeps the stream open.
            None if is_ended && matches!(self.journey.stage, Stage::Talking(_)) => {
                self.ended(now, connection);
            }
            None => {}
        }
    }

    /// A datagram was received from `from`.
    pub fn received_from(
        &mut self,
        now: Time,
        connection: ConnectionId,
        from: SocketAddr,
        octets: &[u8],
    ) {
        self.note(now, "read", Some(octets.len()), || from.to_string());
        let Some(established) = self.journey.stage.established_as(connection) else {
            return;
        };
        let (Some(datagrams), Protocol::Talk(talk)) =
            (&mut established.datagrams, &established.protocol)
        else {
            return;
        };
        let Some(sent) = datagrams.sent else { return };
        if datagrams.replies.len() >= REPLIES_MAX {
            return;
        }
        // Each host's reply is judged as if the query had been sent to it alone.
        let judgement = talk.judge_datagram(now, octets);
        datagrams.replies.push(TalkReply {
            remote: Remote::Inet(from),
            after: now.since(sent),
            received_bytes: octets.len() as u64,
            captures: judgement.captures,
            captures_hex: judgement.captures_hex,
            matched: judgement.matched,
        });
        if !std::mem::replace(&mut established.has_received, true) {
            self.tour.clock.turn(now, Phase::Transfer);
        }
    }

    /// The peer closed its side.
    pub fn ended(&mut self, now: Time, connection: ConnectionId) {
        self.note(now, "end", None, String::new);
        if self.is_opening(connection) {
            let closed = SystemFault {
                cause: Cause::Closed,
                errno: None,
                message: "closed at once".into(),
            };
            return self.failed(now, connection, closed);
        }
        let resends = self.resends_request();
        let stage = &mut self.journey.stage;
        let is_idle = matches!(stage, Stage::Idle(_));
        let Some(established) = stage.established_as(connection) else {
            return;
        };
        if is_idle {
            return self.close_stage(now);
        }
        let end = match established.connection.ended() {
            Ok(end) => end,
            Err(fault) => return self.tls_failed(now, fault),
        };
        match &mut established.protocol {
            Protocol::None => {}
            Protocol::Tunnel(tunnel) => {
                let fault = tunnel.ended();
                self.tunnel_failed(now, fault);
            }
            Protocol::Talk(talk) => talk.ended(),
            Protocol::Http(_) if resends => self.reconnect(now),
            Protocol::Http(response) => match response.ended() {
                // A body that ends with the connection is whole only if TLS says so.
                Ok(_) if end == StreamEnd::Truncated => {
                    let cut = "the body broke off: TLS did not end before the connection did";
                    let failure = self.failure(Cause::Truncated, cut);
                    self.conclude(now, Ended::Failed(failure));
                }
                Ok(_) => self.answered(now),
                Err(fault) => self.response_failed(now, fault.cause, &fault.message),
            },
        }
    }

    /// The system has an error for the connection.
    pub(super) fn connection_failed(&mut self, now: Time, fault: SystemFault) {
        if matches!(self.journey.stage, Stage::Idle(_)) {
            return self.close_stage(now);
        }
        if self.resends_request() {
            return self.reconnect(now);
        }
        if self.next_datagram_address(now) {
            return;
        }
        let who = match self.journey.stage.established() {
            Some(established) => self.peer_name(&established.remote),
            None => "the host".to_owned(),
        };
        let failure = Failure::system(self.phase(), &who, fault);
        self.conclude(now, Ended::Failed(failure));
    }

    /// Tries the next address of a host that did not reply to a datagram: datagrams are not sent to
    /// several addresses at once. Returns whether there is one.
    pub(super) fn next_datagram_address(&mut self, now: Time) -> bool {
        let is_silent = self.journey.stage.established().is_some_and(|established| {
            let datagrams = established.datagrams.as_ref();
            datagrams.is_some_and(|one| !one.many) && !established.has_received
        });
        if !is_silent || self.probes_all_addresses() || self.candidates().is_empty() {
            return false;
        }
        self.close_stage(now);
        self.tour.clock.turn(now, Phase::Wait);
        self.dial_first(now);
        true
    }

    /// Whether a kept connection that broke before anything was received is replaced, and its
    /// request sent again (RFC 9112 §9.3.1).
    fn resends_request(&self) -> bool {
        let established = self.journey.stage.established();
        established.is_some_and(|one| !one.has_received) && self.may_resend_request()
    }

    /// Whether a request may be sent again over a new connection: it went over a kept one, and its
    /// method permits it (RFC 9110 §9.2.2).
    pub(super) fn may_resend_request(&self) -> bool {
        let established = self.journey.stage.established();
        let request = self.course().request.as_ref();
        established.is_some_and(|one| one.reused)
            && request.is_some_and(|one| !matches!(one.method(), "POST" | "PATCH" | "CONNECT"))
    }

    pub(super) fn reconnect(&mut self, now: Time) {
        self.close_stage(now);
        self.tour.clock.turn(now, Phase::Wait);
        self.enter_stage(Stage::Departing(Departure::PACED), Time::MAX);
    }

    /// Starts the TLS handshake.
    pub(super) fn start_tls(&mut self, now: Time, mut established: Established) {
        let (ModuleKind::Http { tls, .. } | ModuleKind::Tcp { tls, .. }) = &self.job.module.kind
        else {
            unreachable!("no datagram script starts TLS: Script::udp_ok");
        };
        let unix_s = self.unix_s(now);
        let request = self.course().request.as_ref();
        let tls = if request.is_none_or(Request::is_at_first_host) {
            tls.connect(self.host(), unix_s)
        } else {
            tls.for_other_hosts().connect(self.host(), unix_s)
        };
        self.tour.clock.turn(now, Phase::Tls);
        let end = self.half_of_rest(now, now + self.job.module.timeouts.tls);
        let id = established.id;
        let fault = match tls {
            Ok(tls) => {
                established.connection.start_tls(tls);
                None
            }
            Err(fault) => Some(fault),
        };
        self.enter_stage(Stage::Handshaking(established), end);
        match fault {
            Some(fault) => self.tls_failed(now, fault),
            None => {
                self.output(Output::Write(id));
                self.note(now, "handshake", None, String::new);
            }
        }
    }

    /// The handshake is over, and the certificate was accepted or is not to be checked.
    fn secured(&mut self, now: Time) {
        let Some(established) = self.journey.stage.take_established() else {
            return;
        };
        if let (Some(_), Some(tls)) = (&self.tour.trace, established.connection.tls()) {
            let facts = tls.facts();
            self.note(now, "secured", None, || {
                let version = facts.version.unwrap_or_default();
                format!("{version} {}", facts.cipher.as_deref().unwrap_or_default())
            });
        }
        self.start_protocol(now, established);
        // What a script sends first leaves with the end of the handshake, in one write.
        while matches!(self.journey.stage, Stage::Talking(_)) && self.run_script(now).is_none() {}
    }

    fn tls_failed(&mut self, now: Time, fault: TlsFault) {
        let phase = match self.journey.stage {
            Stage::Talking(_) => self.phase(),
            _ => Phase::Tls,
        };
        let failure = Failure::new(phase, fault.cause, fault.message);
        self.conclude(now, Ended::Failed(failure));
    }
}
