//! What lasts for one request of a job, and for one attempt at it.

use std::net::SocketAddr;

use canvass_model::{AddressVerdict, Hop, Phases, Remote, Time, TlsFacts, TraceEvent};

use super::candidates::Candidates;
use super::clock::Clock;
use super::destination::Course;
use super::failure::Failure;
use super::finish::Findings;
use super::icon::IconDetour;
use super::module::Module;
use super::stage::Stage;
use super::tunnelling::TunnelAddresses;

/// One request of the job, from its due time to its outcome: all attempts, at one address or, if
/// all addresses are probed, at each.
pub(super) struct Tour {
    pub(super) due: Time,
    pub(super) deadline: Time,
    pub(super) clock: Clock,
    /// Attempts begun.
    pub(super) attempts: u32,
    /// Those after the first, at the present address.
    pub(super) retries: u32,
    pub(super) peer: Peer,
    /// If all addresses are probed: those that are still to be.
    pub(super) addresses: Candidates,
    /// If all addresses are probed: the result of each.
    pub(super) verdicts: Option<Vec<AddressVerdict>>,
    /// When the page was complete, if something was requested after it.
    pub(super) ended: Option<Time>,
    pub(super) trace: Option<Vec<TraceEvent>>,
}

/// The peer of the last connection. It outlives the attempt, so that an outcome between two
/// attempts still names it.
#[derive(Default)]
pub(super) struct Peer {
    pub(super) remote: Option<Remote>,
    pub(super) tls: Option<Box<TlsFacts>>,
    /// This end of the connection, if it is needed.
    pub(super) local: Option<SocketAddr>,
}

/// One attempt, with all redirects it follows.
pub(super) struct Journey {
    /// The course after a redirect or the fallback to http; `None` at the start of the job.
    pub(super) detour: Option<Box<Course>>,
    pub(super) hops: Vec<Hop>,
    /// If hops are shown in detail: the phases when the present one began, or `None` if those are
    /// empty.
    pub(super) phases_before: Option<Box<Phases>>,
    /// The request for the site's icon, while it is under way.
    pub(super) icon: Option<Box<IconDetour>>,
    /// The addresses of the host that are still to be tried.
    pub(super) candidates: Candidates,
    /// The addresses of the server that a proxy is asked to connect to, if they were looked up here.
    pub(super) tunnel_addresses: Option<Box<TunnelAddresses>>,
    pub(super) findings: Findings,
    /// How the attempt before failed.
    pub(super) previous: Option<Failure>,
    pub(super) stage: Stage,
    /// When the stage times out.
    pub(super) stage_end: Time,
}

impl Tour {
    pub(super) fn new(due: Time, now: Time, module: &Module) -> Self {
        Self {
            due,
            deadline: now + module.timeouts.deadline,
            clock: Clock::default(),
            attempts: 0,
            retries: 0,
            peer: Peer::default(),
            addresses: Candidates::default(),
            verdicts: None,
            ended: None,
            trace: module.trace.then(Vec::new),
        }
    }
}

impl Journey {
    pub(super) fn new(stage: Stage) -> Self {
        Self {
            detour: None,
            hops: Vec::new(),
            phases_before: None,
            icon: None,
            candidates: Candidates::default(),
            tunnel_addresses: None,
            findings: Findings::default(),
            previous: None,
            stage,
            stage_end: Time::MAX,
        }
    }
}
