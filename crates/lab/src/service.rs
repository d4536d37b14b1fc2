//! What one connection's peer says, without a socket and without a clock.

mod banner;
mod checker;
mod clock;
mod dialogue;
mod echo;
mod fortune;
mod http;
mod imap;
mod kind;
mod line;
mod pop3;
mod smtp;

use std::sync::Arc;
use std::time::Duration;

use canvass_model::Time;
use smallvec::SmallVec;

use dialogue::Talking;

pub use fortune::FORTUNE;
pub use http::{CODED_TEXT, HTTP_PATHS, MALFORMED, PAGE};
pub(crate) use http::{Http, Site};
pub use kind::{ServiceKind, ServiceKindError};
pub use pop3::{MAILBOX_MESSAGES, MAILBOX_OCTETS};

/// The user that every service with a log-in knows.
pub const USER: &str = "canvass";
/// That user's password. It protects nothing.
pub const PASSWORD: &str = "secret";

/// The host name services call themselves by.
pub(crate) const HOST_NAME: &str = "good.lab.test";

/// What a connection's peer wants done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Octets were appended to the buffer; ask again once they have been taken.
    Send,
    /// Nothing before this time, unless octets arrive.
    Wait(Time),
    /// Nothing until octets arrive or the peer ends.
    Idle,
    /// All has been said: the connection closes in good order.
    Close,
    /// The connection is to be reset.
    Reset,
}

/// What a service on a stream wants done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Something for the other end.
    Output(Output),
    /// From here on the connection is to be TLS; all that was said before is in the clear.
    StartTls,
}

/// What happened on a connection since it was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests, lines or datagrams understood.
    pub requests: u64,
    /// When each delay that has just ended began, and how long it was to be. It has lasted until
    /// what was appended to the buffer has been sent.
    pub delays: SmallVec<[(Time, Duration); 2]>,
}

/// One service's side of one connection.
pub(crate) trait Service: Send {
    /// The other end has sent something.
    fn received(&mut self, bytes: &[u8]);

    /// The other end will send no more.
    fn ended(&mut self);

    /// The connection is TLS now: either from its first octet, or after [`Said::StartTls`].
    fn secured(&mut self) {}

    /// Appends what is to be said now to `out`, or says what is waited for. Before it says
    /// anything else than that octets are to be sent, all that it had to say has been sent.
    fn poll(&mut self, now: Time, out: &mut Vec<u8>, tally: &mut Tally) -> Said;

    /// Whether the other end has said that it will send no more, without closing.
    fn is_last(&self) -> bool {
        false
    }

    /// Whether it has room for what the other end sends.
    fn wants_input(&self) -> bool {
        true
    }
}

/// What the services of one lab share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// What the HTTP services serve.
    pub site: Arc<Site>,
    /// The time of day at [`Time::ZERO`], since 1970 (UTC), with the skew the lab was given.
    pub day_at_zero: DayTime,
    /// Whether TLS can be had.
    pub tls: bool,
}

/// A time of day that may lie before 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DayTime {
    /// Nanoseconds since 1970 (UTC).
    pub unix_ns: i128,
}

impl DayTime {
    /// So much of a run later.
    pub fn at(self, now: Time) -> Self {
        Self {
            unix_ns: self.unix_ns + i128::from(now.as_nanos()),
        }
    }

    /// Whole seconds since 1970 (UTC).
    pub fn unix_s(self) -> i64 {
        self.unix_ns.div_euclid(1_000_000_000) as i64
    }
}

/// A service's side of a new connection.
pub(crate) fn open(kind: ServiceKind, shared: &Shared) -> Box<dyn Service> {
    let starttls = shared.tls && !kind.is_tls();
    match kind {
        ServiceKind::Http | ServiceKind::Https => Box::new(Http::new(Arc::clone(&shared.site))),
        ServiceKind::Line => Box::new(Talking::new(line::Line)),
        ServiceKind::Fortune => Box::new(Talking::new(fortune::Fortune)),
        ServiceKind::Checker => Box::new(Talking::new(checker::Checker)),
        ServiceKind::Pop3 | ServiceKind::Pop3s => Box::new(Talking::new(pop3::Pop3::new(starttls))),
        ServiceKind::Imap | ServiceKind::Imaps => Box::new(Talking::new(imap::Imap::new(starttls))),
        ServiceKind::Smtp | ServiceKind::Smtps => Box::new(Talking::new(smtp::Smtp::new(starttls))),
        ServiceKind::Ssh => Box::new(Talking::new(banner::Ssh)),
        ServiceKind::Ftp => Box::new(Talking::new(banner::Ftp::default())),
        ServiceKind::Time => Box::new(clock::Clock::time(shared.day_at_zero)),
        ServiceKind::Daytime => Box::new(clock::Clock::daytime(shared.day_at_zero)),
        ServiceKind::Echo => Box::new(echo::Echo::default()),
    }
}

/// Appends the answer to a datagram to `out`. `None` when such a service answers none.
pub(crate) fn answer_datagram(
    kind: ServiceKind,
    shared: &Shared,
    now: Time,
    datagram: &[u8],
    out: &mut Vec<u8>,
) -> Option<()> {
    let day_time = shared.day_at_zero.at(now);
    match kind {
        ServiceKind::Time => clock::push_time(day_time, out),
        ServiceKind::Daytime => clock::push_daytime(day_time, out),
        ServiceKind::Echo => out.extend_from_slice(datagram),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
pub(crate) mod testing;
