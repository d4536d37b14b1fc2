//! The one connection that is talked over.

use std::net::SocketAddr;

use canvass_model::{Cause, Phase, Remote, TalkReply, Time};

use super::failure::{Ended, Failure, SystemFault};
use super::module::ModuleKind;
use super::{Output, Probe, Stage};
use crate::http::ResponseReader;
use crate::output::ConnectionId;
use crate::talk::Talk;
use crate::tls::{TlsClient, TlsFault, TlsFilter};

/// Replies of several hosts that are kept.
const REPLIES_MAX: usize = 4_096;

/// The one connection that is talked over.
pub(super) struct Line {
    pub(super) connection: ConnectionId,
    pub(super) remote: Remote,
    pub(super) tls: Option<Box<TlsFilter>>,
    pub(super) dialog: Dialog,
    /// What is to be written, from `written` on.
    pub(super) out: Vec<u8>,
    pub(super) written: usize,
    /// The writing side is to be closed once all is written.
    pub(super) shut_after: bool,
    /// Something was said to us since the conversation began.
    pub(super) heard: bool,
    /// An earlier request was answered over it.
    pub(super) reused: bool,
    /// It carries datagrams.
    pub(super) datagrams: Option<Datagrams>,
}

/// What there is beside a conversation by datagrams.
#[derive(Debug)]
pub(super) struct Datagrams {
    /// Replies of any host count.
    pub(super) many: bool,
    /// One is to be sent, and may be empty.
    pub(super) waits: bool,
    sent: Option<Time>,
    pub(super) replies: Vec<TalkReply>,
}

/// What is said over a connection.
pub(super) enum Dialog {
    None,
    Http(Box<ResponseReader>),
    Talk(Box<Talk>),
}

impl Line {
    pub(super) fn stream(connection: ConnectionId, remote: Remote) -> Self {
        Self {
            connection,
            remote,
            tls: None,
            dialog: Dialog::None,
            out: Vec::new(),
            written: 0,
            shut_after: false,
            heard: false,
            reused: false,
            datagrams: None,
        }
    }

    pub(super) fn datagrams(connection: ConnectionId, remote: Remote, many: bool) -> Self {
        Self {
            datagrams: Some(Datagrams {
                many,
                waits: false,
                sent: None,
                replies: Vec::new(),
            }),
            ..Self::stream(connection, remote)
        }
    }

    /// The replies of several hosts, where several may answer.
    pub(super) fn take_replies(&mut self) -> Option<Vec<TalkReply>> {
        let datagrams = self.datagrams.as_mut().filter(|one| one.many)?;
        Some(std::mem::take(&mut datagrams.replies))
    }

    /// Whether it is one datagram that was sent, and nothing came back.
    fn is_silent(&self) -> bool {
        self.datagrams.as_ref().is_some_and(|one| !one.many) && !self.heard
    }

    pub(super) fn has_unsent(&self) -> bool {
        self.written < self.out.len() || self.datagrams.as_ref().is_some_and(|one| one.waits)
    }

    /// Puts what TLS wants to say behind what is still to be written.
    pub(super) fn gather_tls(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.take_outgoing(&mut self.out);
        }
    }
}

impl ModuleKind {
    fn tls(&self) -> Option<&TlsClient> {
        match self {
            Self::Http { tls, .. } | Self::Tcp { tls, .. } => Some(tls),
            Self::Udp { .. } => None,
        }
    }
}

impl Probe {
    /// What is to be written now, or the datagram to be sent, which may be empty.
    pub fn outgoing(&self, connection: ConnectionId) -> Option<&[u8]> {
        let line = self.line.as_ref()?;
        (line.connection == connection && line.has_unsent()).then(|| &line.out[line.written..])
    }

    /// Whether it sends datagrams.
    pub fn speaks_datagrams(&self) -> bool {
        matches!(self.module.kind, ModuleKind::Udp { .. })
    }

    /// Whether datagrams of any host count.
    pub fn hears_many(&self) -> bool {
        let datagrams = self.line.as_ref().and_then(|line| line.datagrams.as_ref());
        datagrams.is_some_and(|datagrams| datagrams.many)
    }

    /// So many octets of it were written; of a datagram, all.
    pub fn wrote(&mut self, now: Time, connection: ConnectionId, octets: usize) {
        self.note(now, "write", Some(octets), String::new);
        let Some(line) = self
            .line
            .as_mut()
            .filter(|line| line.connection == connection)
        else {
            return;
        };
        line.written += octets;
        if let Some(datagrams) = &mut line.datagrams {
            datagrams.sent.get_or_insert(now);
            datagrams.waits = false;
        }
        if line.has_unsent() {
            return;
        }
        line.out.clear();
        line.written = 0;
        if line.shut_after {
            line.shut_after = false;
            self.output(Output::ShutWrite(connection));
        }
    }

    /// Octets came over a stream, or a datagram of the host that was asked.
    pub fn received(&mut self, now: Time, connection: ConnectionId, bytes: &[u8]) {
        self.note(now, "read", Some(bytes.len()), String::new);
        let Some(line) = self
            .line
            .as_mut()
            .filter(|line| line.connection == connection)
        else {
            return;
        };
        if self.stage == Stage::Waiting {
            // Nothing was asked for yet: whoever speaks now is not to be asked again.
            return self.close_line(now);
        }
        let Some(tls) = &mut line.tls else {
            return self.hear(now, bytes);
        };
        let mut plain = Vec::new();
        let taken = tls.received(bytes, &mut plain);
        line.gather_tls();
        if line.has_unsent() {
            self.output(Output::Write(connection));
        }
        if taken.is_ok() && self.stage == Stage::Securing && !self.is_handshaking() {
            self.secured(now);
        }
        // What came before a fault counts, wherever the reads were cut.
        if !plain.is_empty() && self.stage == Stage::Talking {
            self.hear(now, &plain);
        }
        let on = self
            .line
            .as_ref()
            .filter(|line| line.connection == connection);
        let Some(tls) = on.and_then(|line| line.tls.as_ref()) else {
            return;
        };
        match taken {
            Err(fault) => self.tls_failed(now, fault),
            // The end of what the peer says, though it keeps the connection open.
            Ok(()) if tls.is_ended() && self.stage == Stage::Talking => self.ended(now, connection),
            Ok(()) => {}
        }
    }

    /// A datagram came, from this host.
    pub fn received_from(
        &mut self,
        now: Time,
        connection: ConnectionId,
        from: SocketAddr,
        bytes: &[u8],
    ) {
        self.note(now, "read", Some(bytes.len()), || from.to_string());
        let Some(line) = self
            .line
            .as_mut()
            .filter(|line| line.connection == connection)
        else {
            return;
        };
        let (Some(datagrams), Dialog::Talk(talk)) = (&mut line.datagrams, &line.dialog) else {
            return;
        };
        let Some(sent) = datagrams.sent else { return };
        if datagrams.replies.len() >= REPLIES_MAX {
            return;
        }
        // Each host is heard as if it alone had been asked.
        let judgement = talk.judge_datagram(now, bytes);
        datagrams.replies.push(TalkReply {
            remote: Remote::Inet(from),
            after: now.since(sent),
            received_bytes: bytes.len() as u64,
            captures: judgement.captures,
            matched: judgement.matched,
        });
        if !line.heard {
            line.heard = true;
            self.clock.turn(now, Phase::Transfer);
        }
    }

    /// The peer closed its side.
    pub fn ended(&mut self, now: Time, connection: ConnectionId) {
        self.note(now, "end", None, String::new);
        if self.race.iter().any(|racer| racer.connection == connection) {
            let closed = SystemFault {
                cause: Cause::Closed,
                errno: None,
                message: "closed at once".into(),
            };
            return self.failed(now, connection, closed);
        }
        let may_ask_again = self.may_ask_again();
        let Some(line) = self
            .line
            .as_mut()
            .filter(|line| line.connection == connection)
        else {
            return;
        };
        if self.stage == Stage::Waiting {
            return self.close_line(now);
        }
        let mut in_order = true;
        if let Some(tls) = &mut line.tls {
            match tls.ended() {
                Ok(notified) => in_order = notified,
                Err(fault) => return self.tls_failed(now, fault),
            }
        }
        match &mut line.dialog {
            Dialog::None => {}
            Dialog::Talk(talk) => talk.ended(),
            Dialog::Http(answer) => {
                if line.reused && !line.heard && may_ask_again {
                    return self.reconnect(now);
                }
                match answer.ended() {
                    // A body that ends with the connection is whole only if TLS says so.
                    Ok(_) if !in_order => {
                        let cut = "the body broke off: TLS did not end before the connection did";
                        let failure = self.failure(Cause::Truncated, cut);
                        self.conclude(now, Ended::Failed(failure));
                    }
                    Ok(_) => self.answered(now),
                    Err(fault) => self.answer_failed(now, fault.cause, fault.message),
                }
            }
        }
    }

    /// The system has an error for the connection.
    pub(super) fn break_line(&mut self, now: Time, fault: SystemFault) {
        let Some(line) = &self.line else { return };
        if self.stage == Stage::Waiting {
            return self.close_line(now);
        }
        if line.reused && !line.heard && self.may_ask_again() {
            return self.reconnect(now);
        }
        if self.next_datagram_address(now) {
            return;
        }
        let Some(line) = &self.line else { return };
        let failure = Failure::system(self.phase(), Some(&line.remote), fault);
        self.conclude(now, Ended::Failed(failure));
    }

    /// A host that did not answer a datagram may at its next address: datagrams do not race.
    /// Returns whether there is one.
    pub(super) fn next_datagram_address(&mut self, now: Time) -> bool {
        let silent = self.line.as_ref().is_some_and(|line| line.is_silent());
        if !silent || self.takes_all_addresses() || self.candidates.is_empty() {
            return false;
        }
        self.close_line(now);
        self.clock.turn(now, Phase::Wait);
        self.arrive_at_addresses(now);
        true
    }

    /// Begins the TLS handshake.
    pub(super) fn secure(&mut self, now: Time) {
        let unix_s = self.unix_s(now);
        let filter = self
            .module
            .kind
            .tls()
            .map(|tls| tls.connect(&self.destination.host, unix_s));
        let Some(line) = &mut self.line else { return };
        match filter {
            Some(Ok(filter)) => {
                line.tls = Some(Box::new(filter));
                line.gather_tls();
                let connection = line.connection;
                self.output(Output::Write(connection));
                self.clock.turn(now, Phase::Tls);
                let end = self.half_of_rest(now, now + self.module.timeouts.tls);
                self.enter_stage(Stage::Securing, end);
                self.note(now, "handshake", None, String::new);
            }
            Some(Err(fault)) => {
                self.clock.turn(now, Phase::Tls);
                self.tls_failed(now, fault);
            }
            None => {}
        }
    }

    /// The handshake is over, and what it showed is good, or to be overlooked.
    fn secured(&mut self, now: Time) {
        let Some(tls) = self.line.as_ref().and_then(|line| line.tls.as_ref()) else {
            return;
        };
        if self.trace.is_some() {
            let facts = tls.facts();
            self.note(now, "secured", None, || {
                let version = facts.version.unwrap_or_default();
                format!("{version} {}", facts.cipher.as_deref().unwrap_or_default())
            });
        }
        self.begin_talk(now);
        // What a script says first leaves with the end of the handshake, in one write.
        while self.stage == Stage::Talking && self.converse(now).is_none() {}
    }

    fn tls_failed(&mut self, now: Time, fault: TlsFault) {
        let phase = match self.stage {
            Stage::Talking => self.phase(),
            _ => Phase::Tls,
        };
        self.conclude(
            now,
            Ended::Failed(Failure::new(phase, fault.cause, fault.message)),
        );
    }

    fn is_handshaking(&self) -> bool {
        let tls = self.line.as_ref().and_then(|line| line.tls.as_ref());
        tls.is_some_and(|tls| tls.is_handshaking())
    }

    /// Whether a request may go out twice (RFC 9110 §9.2.2).
    fn may_ask_again(&self) -> bool {
        let request = self.request.as_ref();
        request.is_some_and(|request| !matches!(request.method(), "POST" | "PATCH" | "CONNECT"))
    }

    /// A kept connection broke before the next request was answered: it goes out again on a new
    /// one (RFC 9112 §9.3.1).
    fn reconnect(&mut self, now: Time) {
        self.close_line(now);
        self.paced = true;
        self.clock.turn(now, Phase::Wait);
        self.enter_stage(Stage::Setting, Time::MAX);
    }
}
