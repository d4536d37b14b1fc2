//! How far an attempt is. Each stage owns what only it needs, so that leaving it drops that.

use std::net::IpAddr;

use canvass_model::{Remote, Time};
use smallvec::SmallVec;

use super::established::Established;
use super::failure::{Ended, Failure, SystemFault};
use crate::output::ConnectionId;

/// How far an attempt is.
pub(super) enum Stage {
    /// It departs at the next poll.
    Departing(Departure),
    /// Waits for a permit at the host.
    AwaitingHost(Departure),
    /// Waits until the pace allows another connection.
    AwaitingTurn(Route),
    /// Waits before another attempt.
    BackingOff(Route),
    /// Waits for addresses. Holds how connections to those known before failed.
    Resolving(Option<Failure>),
    /// Waits for a connection to open.
    Dialing(Dialing),
    /// Waits for a proxy to connect to the server.
    Tunnelling(Established),
    /// Waits for the end of a TLS handshake.
    Handshaking(Established),
    /// Exchanges octets with the peer.
    Talking(Established),
    /// Has its outcome, and waits for its turn to begin a further request, on this connection if
    /// it could be kept.
    Idle(Option<Established>),
    /// The job has ended. There is no outcome if it was stopped between two requests.
    Over(Option<Ended>),
}

/// How an attempt is to begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Departure {
    /// The pace allows it already.
    pub(super) paced: bool,
    pub(super) route: Route,
}

/// How an attempt gets its address.
#[derive(Clone, Copy, Debug)]
pub(super) enum Route {
    /// By looking the host up.
    LookUp,
    /// The next of the addresses that are still to be probed.
    NextAddress,
    /// The address of the attempt before.
    SameAddress(IpAddr),
}

/// Connections that are being opened: the first that opens is used (RFC 8305).
#[derive(Debug)]
pub(super) struct Dialing {
    pub(super) dials: SmallVec<[Dial; 2]>,
    /// When the next address is tried beside those under way.
    pub(super) stagger_at: Time,
    /// Why this side could not open a socket.
    pub(super) local_fault: Option<Box<SystemFault>>,
}

/// One connection that is being opened.
#[derive(Debug)]
pub(super) struct Dial {
    pub(super) connection: ConnectionId,
    pub(super) remote: Remote,
    /// The system was asked for it.
    pub(super) started: bool,
}

impl Departure {
    /// The pace allows it, and the host is to be looked up.
    pub(super) const PACED: Self = Self {
        paced: true,
        route: Route::LookUp,
    };

    /// As [`Self::PACED`], but it needs another turn.
    pub(super) const UNPACED: Self = Self {
        paced: false,
        route: Route::LookUp,
    };
}

impl Default for Dialing {
    fn default() -> Self {
        Self {
            dials: SmallVec::new(),
            stagger_at: Time::MAX,
            local_fault: None,
        }
    }
}

impl Dialing {
    pub(super) fn has_started(&self) -> bool {
        self.dials.iter().any(|dial| dial.started)
    }

    pub(super) fn position(&self, connection: ConnectionId) -> Option<usize> {
        let mut dials = self.dials.iter();
        dials.position(|dial| dial.connection == connection)
    }
}

impl Stage {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Departing(_) => "departing",
            Self::AwaitingHost(_) => "awaiting host",
            Self::AwaitingTurn(_) => "awaiting turn",
            Self::BackingOff(_) => "backing off",
            Self::Resolving(_) => "resolving",
            Self::Dialing(_) => "dialing",
            Self::Tunnelling(_) => "tunnelling",
            Self::Handshaking(_) => "handshaking",
            Self::Talking(_) => "talking",
            Self::Idle(_) => "idle",
            Self::Over(_) => "over",
        }
    }

    /// Whether the attempt has not begun yet.
    pub(super) fn is_before_start(&self) -> bool {
        matches!(
            self,
            Self::Departing(_)
                | Self::AwaitingHost(_)
                | Self::AwaitingTurn(_)
                | Self::BackingOff(_)
        )
    }

    pub(super) fn dialing(&self) -> Option<&Dialing> {
        match self {
            Self::Dialing(dialing) => Some(dialing),
            _ => None,
        }
    }

    pub(super) fn dialing_mut(&mut self) -> Option<&mut Dialing> {
        match self {
            Self::Dialing(dialing) => Some(dialing),
            _ => None,
        }
    }

    /// The connection that is open.
    pub(super) fn established(&self) -> Option<&Established> {
        match self {
            Self::Tunnelling(established)
            | Self::Handshaking(established)
            | Self::Talking(established)
            | Self::Idle(Some(established)) => Some(established),
            _ => None,
        }
    }

    pub(super) fn established_mut(&mut self) -> Option<&mut Established> {
        match self {
            Self::Tunnelling(established)
            | Self::Handshaking(established)
            | Self::Talking(established)
            | Self::Idle(Some(established)) => Some(established),
            _ => None,
        }
    }

    /// The connection that is open, if it is this one.
    pub(super) fn established_as(&mut self, connection: ConnectionId) -> Option<&mut Established> {
        self.established_mut()
            .filter(|established| established.id == connection)
    }

    /// Takes the connection that is open, for the stage that follows.
    pub(super) fn take_established(&mut self) -> Option<Established> {
        self.established()?;
        match std::mem::replace(self, Self::Idle(None)) {
            Self::Tunnelling(established)
            | Self::Handshaking(established)
            | Self::Talking(established) => Some(established),
            Self::Idle(established) => established,
            _ => None,
        }
    }
}
