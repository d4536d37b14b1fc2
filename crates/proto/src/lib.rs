//! DNS protocol machines without IO.
//!
//! [`Session`] is one job's life, from the first query to its one outcome; [`dns`] reads and
//! writes messages. Neither opens a socket, reads a clock nor starts a thread: the caller hands
//! in the time and the messages that came, drains [`Session::poll`], and does what it says.

pub mod dns;
mod session;

pub use session::{
    ExchangeId, Limits, LostCause, Output, Reply, ReplyClass, SendRequest, Sent, Session,
    TransportPolicy, UpstreamId,
};
