//! Protocol state machines without IO.
//!
//! [`Session`] handles one question to resolvers, from the first query to its outcome; [`Probe`]
//! handles one job at a host, from the name lookup to the last octet of the response; and
//! [`NameLookup`] looks up the addresses of one family for a host name. Below them are the
//! protocols ([`dns`], [`http`], [`tls`] and [`talk`]), [`connection`], which carries them over a
//! stream (octets, optional TLS, framing), and [`tunnel`], which leads to a server by a proxy.
//!
//! Nothing here opens a socket, reads a clock or starts a thread: the caller passes in the time
//! and what was received, drains `poll`, and does what that returns.

pub mod connection;
pub mod dns;
mod excerpt;
pub mod expect;
pub mod http;
mod output;
mod probe;
mod session;
pub mod talk;
pub mod tls;
pub mod tunnel;

pub use output::{ConnectionId, Output, QuestionId};
pub use probe::{
    AddressFamily, FamilyPreference, Module, ModuleKind, Pin, PinHost, Probe, Reach, ResolveFault,
    SocketRequest, SystemFault, Timeouts,
};
pub use session::{
    LameSet, Limits, LostCause, NameLookup, Reply, ReplyClass, SendRequest, Sent, Session,
    TransportPolicy, UpstreamId,
};

/// The example of the README is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
