//! What a task asks of the event loop that drives it.

use canvass_model::{Outcome, Time};

/// One of the questions of a [`Session`](crate::Session): 0 is that of the job, the others are
/// about targets of aliases, or forward lookups. A [`NameLookup`](crate::NameLookup) has only question 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuestionId(pub u16);

/// One of the connections of a [`Probe`](crate::Probe), in the order they were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub u16);

/// What a [`Session`](crate::Session), a [`NameLookup`](crate::NameLookup) or a
/// [`Probe`](crate::Probe) asks of the event loop. Each is returned once.
#[derive(Debug)]
pub enum Output {
    /// Send a query once a window permits it: see [`Session::request`](crate::Session::request).
    Send(QuestionId),
    /// The attempt for this question was waited for as long as was to be. Call
    /// [`Session::wait_until`](crate::Session::wait_until) to wait longer, or
    /// [`Session::expire`](crate::Session::expire); until then it is returned again.
    Overdue(QuestionId),
    /// Look up [`Probe::name`](crate::Probe::name), and report both address families with
    /// [`Probe::resolved`](crate::Probe::resolved).
    Resolve,
    /// Acquire a permit at [`Probe::host`](crate::Probe::host) in exchange for the present one,
    /// then call [`Probe::host_acquired`](crate::Probe::host_acquired).
    AcquireHost,
    /// The next request or journey waits to begin: call
    /// [`Probe::turn_acquired`](crate::Probe::turn_acquired) when the pace allows it.
    AcquireTurn,
    /// Open [`Probe::socket_request`](crate::Probe::socket_request) when the budget of sockets
    /// permits it. That is `None` if the connection is no longer needed by then.
    Connect(ConnectionId),
    /// Write [`Probe::outgoing`](crate::Probe::outgoing), and report it with
    /// [`Probe::wrote`](crate::Probe::wrote).
    Write(ConnectionId),
    /// Close the writing side.
    ShutWrite(ConnectionId),
    /// Close the socket, if it is open.
    Close(ConnectionId),
    /// One of several outcomes.
    Report(Box<Outcome>),
    /// Nothing to do until something is received, or until this time.
    Wait(Time),
    /// The task has ended: call `finish`.
    Finish,
}
