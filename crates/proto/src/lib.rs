//! Protocol machines without IO.
//!
//! [`Session`] is the life of one question to resolvers, from the first query to its one outcome;
//! [`Probe`] is the life of one job at a host, from the lookup of its name to the last octet of
//! its answer. Below them stand the protocols: [`dns`], [`http`], [`tls`] and [`talk`].
//!
//! Nothing here opens a socket, reads a clock or starts a thread: the caller hands in the time
//! and what came, drains `poll`, and does what it says.

pub mod dns;
pub mod http;
mod output;
mod probe;
mod session;
pub mod talk;
pub mod tls;

pub use output::{ConnectionId, Output, QuestionId};
pub use probe::{
    AddressFamily, FamilyPreference, Module, ModuleKind, Pin, PinHost, Probe, Reach, ResolveFault,
    SocketRequest, SystemFault, Timeouts,
};
pub use session::{
    Limits, LostCause, Reply, ReplyClass, SendRequest, Sent, Session, TransportPolicy, UpstreamId,
};
