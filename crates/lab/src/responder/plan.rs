//! What a responder decides for a query.

use std::time::Duration;

use canvass_model::Rcode;
use smallvec::{SmallVec, smallvec};

use crate::zone::ResponseMode;

/// How one query is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyPlan {
    /// The replies in the order they are sent.
    pub replies: SmallVec<[PlannedReply; 4]>,
    /// Why there is no reply, if there is none.
    pub dropped: Option<DropReason>,
    /// Whether the reply is late (`late`).
    pub late: bool,
    /// Whether the name is a slow one (`slow`).
    pub slow: bool,
}

/// A reply of a [`ReplyPlan`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedReply {
    /// How long after the query it is sent.
    pub delay: Duration,
    /// Its content.
    pub kind: ReplyKind,
}

/// The content of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// The answer of the zone.
    Answer,
    /// TC set and no records.
    Truncated,
    /// A response code and no records.
    Rcode(Rcode),
    /// NXDOMAIN.
    NxDomain,
    /// A referral to the servers of the root.
    Referral,
    /// A forged answer with a wrong id, in which these bits are flipped.
    WrongId(u16),
    /// A forged answer with the right id and a wrong question.
    WrongQuestion,
    /// The answer of the zone, made unreadable in a way that the number selects.
    Corrupt(u64),
    /// A second copy of the reply before it.
    Duplicate(ResponseMode),
}

/// Why a query gets no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The server address is dead.
    Dead,
    /// There is an outage.
    Outage,
    /// The queue is full.
    QueueFull,
    /// The rate cap is exceeded.
    OverCap,
    /// The in-flight cap is exceeded.
    OverInFlightCap,
    /// The name is never answered.
    Never,
    /// The query was lost at random.
    Lost,
}

impl ReplyPlan {
    pub(super) fn reply(delay: Duration, kind: ReplyKind) -> Self {
        Self {
            replies: smallvec![PlannedReply { delay, kind }],
            dropped: None,
            late: false,
            slow: false,
        }
    }

    pub(super) fn dropped(reason: DropReason) -> Self {
        Self {
            replies: SmallVec::new(),
            dropped: Some(reason),
            late: false,
            slow: false,
        }
    }
}
