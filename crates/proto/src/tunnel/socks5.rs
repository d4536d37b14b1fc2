//! SOCKS version 5 (RFC 1928), with a user and a password (RFC 1929).

use canvass_model::{Cause, Host};

use super::proxy::ProxyCredentials;
use super::{Endpoint, Refusal, TunnelProgress};

const VERSION: u8 = 5;
/// The version of the negotiation of RFC 1929.
const PASSWORD_VERSION: u8 = 1;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NO_ACCEPTABLE_METHOD: u8 = 0xff;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// A handshake with a SOCKS server.
#[derive(Debug)]
pub(super) struct Socks5 {
    credentials: Option<ProxyCredentials>,
    state: State,
    /// The beginning of a message that is not complete yet.
    pending: Vec<u8>,
    has_received: bool,
}

/// What is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Method,
    PasswordVerdict,
    Reply,
}

impl Socks5 {
    pub(super) fn begin(credentials: Option<&ProxyCredentials>, out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(match credentials {
            Some(_) => &[VERSION, 2, NO_AUTHENTICATION, USER_AND_PASSWORD],
            None => &[VERSION, 1, NO_AUTHENTICATION],
        });
        Self {
            credentials: credentials.cloned(),
            state: State::Method,
            pending: Vec::new(),
            has_received: false,
        }
    }

    pub(super) fn has_received(&self) -> bool {
        self.has_received
    }

    pub(super) fn received(
        &mut self,
        octets: &[u8],
        endpoint: &Endpoint,
        out: &mut Vec<u8>,
    ) -> Result<TunnelProgress, Refusal> {
        for (index, octet) in octets.iter().enumerate() {
            self.has_received = true;
            self.pending.push(*octet);
            self.check_start()?;
            if self.pending.len() < self.length() {
                continue;
            }
            match self.state {
                State::Method => self.on_method(endpoint, out)?,
                State::PasswordVerdict => self.on_password_verdict(endpoint, out)?,
                State::Reply => return Ok(TunnelProgress::Open(index + 1)),
            }
            self.pending.clear();
        }
        Ok(TunnelProgress::Pending)
    }

    /// The length of the message that is awaited, as far as its beginning shows.
    fn length(&self) -> usize {
        match (self.state, &self.pending[..]) {
            (State::Method | State::PasswordVerdict, _) => 2,
            (State::Reply, [_, _, _, IPV4, ..]) => 4 + 4 + 2,
            (State::Reply, [_, _, _, IPV6, ..]) => 4 + 16 + 2,
            (State::Reply, [_, _, _, NAME, length, ..]) => 5 + usize::from(*length) + 2,
            (State::Reply, _) => 5,
        }
    }

    /// Refuses what cannot be the message that is awaited, as soon as that is known.
    fn check_start(&self) -> Result<(), Refusal> {
        let malformed = |what: String| Err((Cause::Malformed, what));
        match (self.state, &self.pending[..]) {
            (State::PasswordVerdict, [version, ..]) if *version != PASSWORD_VERSION => malformed(
                format!("answered the password with version {version} of RFC 1929 instead of 1"),
            ),
            (State::Method | State::Reply, [version, ..]) if *version != VERSION => malformed(
                format!("does not speak SOCKS 5: its answer begins with 0x{version:02x}"),
            ),
            (State::Reply, [_, reply, ..]) if *reply != 0 => Err(refusal(*reply)),
            (State::Reply, [_, _, _, kind, ..]) if ![IPV4, NAME, IPV6].contains(kind) => {
                malformed(format!("answered with an address of unknown type {kind}"))
            }
            _ => Ok(()),
        }
    }

    fn on_method(&mut self, endpoint: &Endpoint, out: &mut Vec<u8>) -> Result<(), Refusal> {
        match (self.pending[1], &self.credentials) {
            (NO_AUTHENTICATION, _) => self.request(endpoint, out),
            (USER_AND_PASSWORD, Some(ProxyCredentials { user, password })) => {
                out.push(PASSWORD_VERSION);
                for text in [user, password] {
                    // `Proxy::parse` checks that they fit.
                    out.push(text.len() as u8);
                    out.extend_from_slice(text);
                }
                self.state = State::PasswordVerdict;
                Ok(())
            }
            (NO_ACCEPTABLE_METHOD, Some(_)) => Err((
                Cause::Proxy,
                "accepts neither a user with a password nor a client without".to_owned(),
            )),
            (NO_ACCEPTABLE_METHOD, None) => Err((
                Cause::Proxy,
                "does not accept a client without a user and a password: --proxy \
                 socks5://USER:PASSWORD@HOST:PORT"
                    .to_owned(),
            )),
            (method, _) => Err((
                Cause::Malformed,
                format!("chose authentication method {method}, which was not offered"),
            )),
        }
    }

    fn on_password_verdict(
        &mut self,
        endpoint: &Endpoint,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        match self.pending[1] {
            0 => self.request(endpoint, out),
            _ => Err((
                Cause::Proxy,
                "does not accept the user and the password".to_owned(),
            )),
        }
    }

    /// RFC 1928 §4.
    fn request(&mut self, endpoint: &Endpoint, out: &mut Vec<u8>) -> Result<(), Refusal> {
        out.extend_from_slice(&[VERSION, CONNECT, 0]);
        match &endpoint.host {
            Host::Address(std::net::IpAddr::V4(address)) => {
                out.push(IPV4);
                out.extend_from_slice(&address.octets());
            }
            Host::Address(std::net::IpAddr::V6(address)) => {
                out.push(IPV6);
                out.extend_from_slice(&address.octets());
            }
            Host::Scoped(_) => {
                let what = "cannot be given an address on a link of this machine".to_owned();
                return Err((Cause::Invalid, what));
            }
            Host::Name(name) => {
                let Ok(length) = u8::try_from(name.len()) else {
                    let what = "cannot be given a name of more than 255 octets".to_owned();
                    return Err((Cause::Invalid, what));
                };
                out.extend_from_slice(&[NAME, length]);
                out.extend_from_slice(name.as_bytes());
            }
        }
        out.extend_from_slice(&endpoint.port.to_be_bytes());
        self.state = State::Reply;
        Ok(())
    }
}

/// A reply other than success (RFC 1928 §6).
fn refusal(reply: u8) -> Refusal {
    let (cause, meaning) = match reply {
        1 => (Cause::Proxy, "general SOCKS server failure"),
        2 => (Cause::Proxy, "connection not allowed by ruleset"),
        3 => (Cause::Unreachable, "network unreachable"),
        4 => (Cause::Unreachable, "host unreachable"),
        5 => (Cause::Refused, "connection refused"),
        6 => (Cause::Unreachable, "TTL expired"),
        7 => (Cause::Proxy, "command not supported"),
        8 => (Cause::Proxy, "address type not supported"),
        _ => (Cause::Proxy, "unassigned"),
    };
    (cause, format!("answered with reply {reply}, {meaning}"))
}
