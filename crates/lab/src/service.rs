//! The protocols of the services besides DNS, without IO.

mod banner;
mod checker;
mod clock;
mod echo;
mod fortune;
mod http;
mod imap;
mod kind;
mod line_protocol;
mod pop3;
mod reverser;
mod smtp;

use std::sync::Arc;
use std::time::Duration;

use canvass_model::Time;
use smallvec::SmallVec;

use line_protocol::LineService;

pub use fortune::FORTUNE;
pub use http::{CODED_TEXT, HTTP_PATHS, MALFORMED, PAGE};
pub(crate) use http::{Http, Site};
pub use kind::{ServiceKind, ServiceKindError};
pub use pop3::{MAILBOX_MESSAGES, MAILBOX_OCTETS};

/// The user of every service with a login.
pub const USER: &str = "canvass";
/// The password of that user.
pub const PASSWORD: &str = "secret";

/// The host name that services use in their replies.
pub(crate) const HOST_NAME: &str = "good.lab.test";

/// What a session wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Octets were appended to the buffer. Poll again once they have been accepted.
    Send,
    /// Nothing before this time, unless input arrives.
    Wait(Time),
    /// Nothing before input or the end of the stream arrives.
    Idle,
    /// The connection is to be closed.
    Close,
    /// The connection is to be reset.
    Reset,
}

/// What a service wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServiceOutput {
    /// What its session wants.
    Output(Output),
    /// A TLS handshake, after the output so far was sent in the clear.
    StartTls,
}

/// Events on a connection, for its counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Requests and lines read.
    pub requests: u64,
    /// The delays that have ended: each with its start and its planned length. A delay lasts until
    /// the output of the same poll has been sent.
    pub delays: SmallVec<[(Time, Duration); 2]>,
}

/// A service's side of one connection.
pub(crate) trait Service: Send {
    /// Processes octets from the client.
    fn received(&mut self, bytes: &[u8]);

    /// The client has closed its end.
    fn ended(&mut self);

    /// The TLS handshake is complete.
    fn secured(&mut self) {}

    /// Appends output to `out`, or returns what to wait for. Unless it returns [`Output::Send`],
    /// all previous output has been sent.
    fn poll(&mut self, now: Time, out: &mut Vec<u8>, activity: &mut Activity) -> ServiceOutput;

    /// Whether the client has announced that it will send nothing more.
    fn is_last(&self) -> bool {
        false
    }

    /// Whether there is room for input.
    fn wants_input(&self) -> bool {
        true
    }
}

/// What the services of one lab share.
#[derive(Clone, Debug)]
pub(crate) struct ServiceContext {
    /// The content of the HTTP services.
    pub site: Arc<Site>,
    /// The wall clock time at [`Time::ZERO`], with the time skew added.
    pub unix_at_zero: UnixTime,
    /// Whether TLS is available.
    pub tls: bool,
}

/// A wall clock time, which may be before 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnixTime {
    /// Nanoseconds since 1970 (UTC).
    pub unix_ns: i128,
}

impl UnixTime {
    /// The wall clock time at `now`, if `self` is that at [`Time::ZERO`].
    pub(crate) fn at(self, now: Time) -> Self {
        Self {
            unix_ns: self.unix_ns + i128::from(now.as_nanos()),
        }
    }

    /// Whole seconds since 1970 (UTC).
    pub(crate) fn unix_s(self) -> i64 {
        self.unix_ns.div_euclid(1_000_000_000) as i64
    }
}

/// Opens a service's side of a new connection.
pub(crate) fn open(kind: ServiceKind, context: &ServiceContext) -> Box<dyn Service> {
    let starttls = context.tls && !kind.is_tls();
    match kind {
        ServiceKind::Http | ServiceKind::Https => Box::new(Http::new(Arc::clone(&context.site))),
        ServiceKind::Line => Box::new(LineService::new(reverser::Reverser)),
        ServiceKind::Fortune => Box::new(LineService::new(fortune::Fortune)),
        ServiceKind::Checker => Box::new(LineService::new(checker::Checker)),
        ServiceKind::Pop3 | ServiceKind::Pop3s => {
            Box::new(LineService::new(pop3::Pop3::new(starttls)))
        }
        ServiceKind::Imap | ServiceKind::Imaps => {
            Box::new(LineService::new(imap::Imap::new(starttls)))
        }
        ServiceKind::Smtp | ServiceKind::Smtps => {
            Box::new(LineService::new(smtp::Smtp::new(starttls)))
        }
        ServiceKind::Ssh => Box::new(LineService::new(banner::Ssh)),
        ServiceKind::Ftp => Box::new(LineService::new(banner::Ftp::default())),
        ServiceKind::Time => Box::new(clock::Clock::time(context.unix_at_zero)),
        ServiceKind::Daytime => Box::new(clock::Clock::daytime(context.unix_at_zero)),
        ServiceKind::Echo => Box::new(echo::Echo::default()),
    }
}

/// Appends the answer to a datagram to `out`. `None` if the service does not answer datagrams.
pub(crate) fn answer_datagram(
    kind: ServiceKind,
    context: &ServiceContext,
    now: Time,
    datagram: &[u8],
    out: &mut Vec<u8>,
) -> Option<()> {
    let unix_time = context.unix_at_zero.at(now);
    match kind {
        ServiceKind::Time => clock::push_time(unix_time, out),
        ServiceKind::Daytime => clock::push_daytime(unix_time, out),
        ServiceKind::Echo => out.extend_from_slice(datagram),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
pub(crate) mod testing;
