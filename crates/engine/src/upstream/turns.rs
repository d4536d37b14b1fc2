//! Which upstream is asked next: a queue per transport.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use canvass_model::{Time, Transport};
use canvass_proto::{SendRequest, UpstreamId};

use super::Upstreams;
use super::lane_choice::Lanes;
use super::resolver::LaneStanding;
use super::window::Permit;

/// Where an upstream is in the queue of those that may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// In the queue.
    Ready,
    /// Back in the queue at a time that is set.
    Later,
    /// Back in the queue when something in flight to it ends.
    Out,
    /// Never in the queue: it is only asked by queries that name it.
    ByName,
}

/// Which upstreams may be asked on one transport, and when.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) ready: VecDeque<u16>,
    later: BinaryHeap<Reverse<(Time, u16)>>,
    pub(super) benched: usize,
    proven: usize,
    lame: usize,
}

impl Line {
    /// A queue of the first `shared` upstreams.
    pub(super) fn new(shared: usize) -> Self {
        Self {
            ready: (0..shared).map(|id| id as u16).collect(),
            later: BinaryHeap::new(),
            benched: 0,
            proven: 0,
            lame: 0,
        }
    }
}

impl Upstreams {
    /// The upstream to ask: the one that the query names, or the next in turn whose window and
    /// pace allow it, but not the one whose last attempt failed while there is another. Where
    /// streams are the choice for the upstream, the request is turned to one if it `may_turn`.
    ///
    /// # Errors
    /// When to try again; [`Time::MAX`] when that is not known before something in flight ends.
    pub(crate) fn pick(
        &mut self,
        now: Time,
        request: &mut SendRequest,
        may_turn: bool,
    ) -> Result<UpstreamId, Time> {
        if let Some(only) = request.only {
            return match self.permit(now, only, request.transport) {
                Permit::Now => Ok(only),
                Permit::At(at) => Err(at),
                Permit::Full => Err(Time::MAX),
            };
        }
        // A query that is sent again goes by datagram: if a stream was why it failed, that is
        // another way, and if not, it says nothing of the lane.
        let is_open = may_turn && request.first && request.transport == Transport::Udp;
        self.next_in_turn(now, request, is_open)
            .ok_or_else(|| self.next_permit(request.transport))
    }

    /// When an upstream may be asked again, as far as a time is set for it.
    fn next_permit(&self, transport: Transport) -> Time {
        self.lines[line_of(transport)]
            .later
            .peek()
            .map_or(Time::MAX, |Reverse((at, _))| *at)
    }

    /// The next upstream with a permit for a query, which may go over either transport if it
    /// `is_open`.
    fn next_in_turn(
        &mut self,
        now: Time,
        request: &mut SendRequest,
        is_open: bool,
    ) -> Option<UpstreamId> {
        let line = line_of(request.transport);
        while let Some(Reverse((at, _))) = self.lines[line].later.peek() {
            if *at > now {
                break;
            }
            let Reverse((_, id)) = self.lines[line].later.pop().expect("it was just seen");
            if self.list[usize::from(id)].standing[line] == Standing::Later {
                self.list[usize::from(id)].standing[line] = Standing::Ready;
                self.lines[line].ready.push_back(id);
            }
        }
        if let Some(preferred) = request.prefer
            && self.permit_in_turn(now, preferred, request, is_open) == Permit::Now
        {
            return Some(preferred);
        }
        for _ in 0..self.lines[line].ready.len() {
            let id = self.lines[line].ready.pop_front()?;
            if self.is_passed_over(UpstreamId(id), request) {
                self.lines[line].ready.push_back(id);
                continue;
            }
            match self.permit_in_turn(now, UpstreamId(id), request, is_open) {
                Permit::Now => {
                    self.lines[line].ready.push_back(id);
                    return Some(UpstreamId(id));
                }
                Permit::At(at) => {
                    self.list[usize::from(id)].standing[line] = Standing::Later;
                    self.lines[line].later.push(Reverse((at, id)));
                }
                Permit::Full => self.list[usize::from(id)].standing[line] = Standing::Out,
            }
        }
        None
    }

    /// The permit of an upstream for a query. One that `is_open` is turned to a stream if that is
    /// the choice for the upstream.
    #[inline]
    fn permit_in_turn(
        &mut self,
        now: Time,
        id: UpstreamId,
        request: &mut SendRequest,
        is_open: bool,
    ) -> Permit {
        if !is_open {
            return self.permit(now, id, request.transport);
        }
        let (permit, transport) = self.permit_on_either(now, id);
        if permit == Permit::Now {
            request.transport = transport;
            self.on_open_query(now, id, transport);
        }
        permit
    }

    /// The permit of an upstream for a query that may go over either transport, and the transport.
    fn permit_on_either(&mut self, now: Time, id: UpstreamId) -> (Permit, Transport) {
        let upstream = &self.list[usize::from(id.0)];
        match upstream.choice.lanes(now, || upstream.streams_in_flight()) {
            Lanes::Datagrams => (self.permit(now, id, Transport::Udp), Transport::Udp),
            Lanes::Full => (Permit::Full, Transport::Tcp),
            Lanes::Streams(at) if now < at => (Permit::At(at), Transport::Tcp),
            Lanes::Streams(_) => (self.permit(now, id, Transport::Tcp), Transport::Tcp),
            Lanes::Both => {
                let by_stream = self.permit(now, id, Transport::Tcp);
                if by_stream == Permit::Now {
                    return (by_stream, Transport::Tcp);
                }
                if let Permit::At(at) = by_stream {
                    // Not asked before that, so that the queries of a write collect.
                    self.by_id(id).choice.hold_streams(at);
                }
                let permit = match (self.permit(now, id, Transport::Udp), by_stream) {
                    (Permit::At(one), Permit::At(other)) => Permit::At(one.min(other)),
                    (Permit::Full, by_stream) => by_stream,
                    (permit, _) => permit,
                };
                (permit, Transport::Udp)
            }
        }
    }

    /// Whether another upstream is asked instead: a query that failed goes to one that is known to
    /// answer, if there is one, or else to one that may recurse, and not back to where it failed
    /// if there is another of the same kind.
    fn is_passed_over(&self, id: UpstreamId, request: &SendRequest) -> bool {
        let Some(avoid) = request.avoid else {
            return false;
        };
        let line = &self.lines[line_of(request.transport)];
        let avoided = self.standing(avoid, request.transport);
        let proven_others = line.proven - usize::from(avoided == LaneStanding::Proven);
        if proven_others > 0 {
            return id == avoid || self.standing(id, request.transport) != LaneStanding::Proven;
        }
        let is_able = |standing| matches!(standing, LaneStanding::Unproven | LaneStanding::Proven);
        let able = self.shared - line.benched - line.lame;
        if able == 0 {
            let others = self.others_in_use(avoid, request.transport);
            return id == avoid && others > 0
                || request.lame.contains(id) && self.any_lame_unasked(request);
        }
        let able_others = able - usize::from(is_able(avoided));
        id == avoid && able_others > 0 || self.standing(id, request.transport) == LaneStanding::Lame
    }

    /// Whether there is one that does not recurse and was not asked this question in vain.
    fn any_lame_unasked(&self, request: &SendRequest) -> bool {
        let mut ids = (0..self.shared).map(|id| UpstreamId(id as u16));
        ids.any(|id| {
            !request.lame.contains(id) && self.standing(id, request.transport) == LaneStanding::Lame
        })
    }

    /// Whether it shares the run's queries, and is not only asked by queries that name it.
    pub(crate) fn is_shared(&self, id: UpstreamId) -> bool {
        usize::from(id.0) < self.shared
    }

    /// How many others share the run's queries and are not benched.
    pub(super) fn others_in_use(&self, id: UpstreamId, transport: Transport) -> usize {
        if !self.is_shared(id) {
            return 0;
        }
        let in_use = self.shared - self.lines[line_of(transport)].benched;
        in_use - usize::from(self.standing(id, transport) != LaneStanding::Benched)
    }

    /// Counts an upstream where it stands now, and no longer where it stood before.
    pub(super) fn recount(&mut self, id: UpstreamId, transport: Transport, before: LaneStanding) {
        if !self.is_shared(id) {
            return;
        }
        let now = self.standing(id, transport);
        let line = &mut self.lines[line_of(transport)];
        for (standing, count) in [
            (LaneStanding::Proven, &mut line.proven),
            (LaneStanding::Lame, &mut line.lame),
            (LaneStanding::Benched, &mut line.benched),
        ] {
            *count = *count + usize::from(now == standing) - usize::from(before == standing);
        }
    }

    /// An upstream that was just picked has no room after all. It is not asked before `again`.
    pub(crate) fn put_off(&mut self, again: Time, id: UpstreamId, transport: Transport) {
        if transport == Transport::Tcp {
            self.by_id(id).choice.hold_streams(again);
        }
        let line = line_of(transport);
        if self.lines[line].ready.back() == Some(&id.0) {
            self.lines[line].ready.pop_back();
            self.list[usize::from(id.0)].standing[line] = Standing::Later;
            self.lines[line].later.push(Reverse((again, id.0)));
        }
    }

    /// A benched upstream has answered before its time on the bench was over. It is back in the
    /// queue at once; when the time comes, it is found there.
    pub(super) fn come_back(&mut self, id: UpstreamId, transport: Transport) {
        let line = line_of(transport);
        let standing = &mut self.list[usize::from(id.0)].standing[line];
        if *standing == Standing::Later {
            *standing = Standing::Ready;
            self.lines[line].ready.push_back(id.0);
        }
    }

    /// Something in flight has ended: there may be room again.
    pub(super) fn line_up(&mut self, id: UpstreamId, transport: Transport) {
        if transport == Transport::Tcp && self.by_id(id).choice.uses_streams() {
            self.readmit(id);
        }
        let line = line_of(transport);
        let standing = &mut self.list[usize::from(id.0)].standing[line];
        if *standing == Standing::Out {
            *standing = Standing::Ready;
            self.lines[line].ready.push_back(id.0);
        }
    }

    /// Queries that may go over either transport may have a permit of an upstream again.
    pub(super) fn readmit(&mut self, id: UpstreamId) {
        self.come_back(id, Transport::Udp);
        self.line_up(id, Transport::Udp);
    }

    /// Has an upstream that is not in the queue back in it at this time. One that is in the queue is
    /// asked for its permit when its turn comes.
    pub(super) fn come_back_at(&mut self, at: Time, id: UpstreamId, transport: Transport) {
        let line = line_of(transport);
        let standing = &mut self.list[usize::from(id.0)].standing[line];
        if *standing == Standing::Out {
            *standing = Standing::Later;
            self.lines[line].later.push(Reverse((at, id.0)));
        }
    }
}

pub(super) fn line_of(transport: Transport) -> usize {
    match transport {
        Transport::Udp => 0,
        Transport::Tcp => 1,
    }
}
