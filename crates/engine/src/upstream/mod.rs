//! The resolvers, and who of them is asked next.

mod allowance;
mod attempts;
mod datagram;
mod epoch;
mod health;
mod rate_search;
mod resolver;
mod rtt;
mod stream;
#[cfg(test)]
mod tests;
mod window;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use canvass_model::{Health, Time, Transport, UpstreamReport};
use canvass_proto::{ReplyClass, SendRequest, UpstreamId};

use crate::config::Config;
use crate::net::{Net, SocketId};
use allowance::Allowances;
pub(crate) use attempts::{Attempt, AttemptKey, Attempts};
pub use datagram::RECEIVE_BUFFER_OCTETS;
use epoch::EpochId;
use resolver::{LaneLimits, LaneParts, LaneStanding, Upstream};
use window::{Allowance, Permit};

/// Where an upstream stands in the line of those that may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// In line.
    Ready,
    /// It will be, at a time that is set.
    Later,
    /// It will be when something in flight to it has come to an end.
    Out,
}

/// Who may be asked on one transport, and when.
#[derive(Debug)]
struct Line {
    ready: VecDeque<u16>,
    later: BinaryHeap<Reverse<(Time, u16)>>,
    benched: usize,
    proven: usize,
}

/// All resolvers.
#[derive(Debug)]
pub(crate) struct Upstreams {
    list: Vec<Upstream>,
    lines: [Line; 2],
    limits: LaneLimits,
    allowances: Allowances,
}

impl Upstreams {
    pub(crate) fn new(config: &Config) -> Self {
        let count = config.upstreams.len();
        let line = || Line {
            ready: (0..count as u16).collect(),
            later: BinaryHeap::new(),
            benched: 0,
            proven: 0,
        };
        let list = config
            .upstreams
            .iter()
            .map(|address| Upstream::new(*address, config.rate_per_resolver_max_per_second))
            .collect();
        Self {
            list,
            lines: [line(), line()],
            limits: LaneLimits::new(config),
            allowances: Allowances::default(),
        }
    }

    pub(crate) fn by_id(&mut self, id: UpstreamId) -> &mut Upstream {
        &mut self.list[usize::from(id.0)]
    }

    /// The open queries of a socket.
    #[inline]
    pub(crate) fn attempts(
        &mut self,
        place: (UpstreamId, Transport, SocketId),
    ) -> Option<&mut Attempts> {
        let (id, transport, socket) = place;
        self.by_id(id).attempts(transport, socket)
    }

    /// Whether every resolver is left alone on this transport.
    pub(crate) fn all_benched(&self, transport: Transport) -> bool {
        self.lines[line_of(transport)].benched == self.list.len()
    }

    /// Whether any resolver ever answered.
    pub(crate) fn any_answered(&self) -> bool {
        self.list.iter().any(|upstream| upstream.tally.answered > 0)
    }

    /// When somebody may be asked again, as far as a time is set for it.
    pub(crate) fn next_permit(&self, transport: Transport) -> Time {
        self.lines[line_of(transport)]
            .later
            .peek()
            .map_or(Time::MAX, |Reverse((at, _))| *at)
    }

    /// Who is to be asked: in turn, among those whose window and pace allow it; not the one
    /// that just did not help, while there is another.
    pub(crate) fn pick(&mut self, now: Time, request: &SendRequest) -> Option<UpstreamId> {
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
            && self.permit(now, preferred, request.transport) == Permit::Now
        {
            return Some(preferred);
        }
        for _ in 0..self.lines[line].ready.len() {
            let id = self.lines[line].ready.pop_front()?;
            if self.is_passed_over(UpstreamId(id), request) {
                self.lines[line].ready.push_back(id);
                continue;
            }
            match self.permit(now, UpstreamId(id), request.transport) {
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

    /// Whether another is to be asked instead: what failed once goes to one that is known to
    /// answer, where there is one, and not back to where it failed.
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
        let others = self.list.len() - line.benched - usize::from(avoided != LaneStanding::Benched);
        id == avoid && others > 0
    }

    fn permit(&mut self, now: Time, id: UpstreamId, transport: Transport) -> Permit {
        let upstream = &mut self.list[usize::from(id.0)];
        upstream.permit(now, transport, &self.limits)
    }

    fn lane(&mut self, id: UpstreamId, transport: Transport) -> LaneParts<'_> {
        self.list[usize::from(id.0)].lane(transport, &self.limits)
    }

    fn standing(&self, id: UpstreamId, transport: Transport) -> LaneStanding {
        self.list[usize::from(id.0)].standing(transport)
    }

    /// Counts an upstream where it stands now, and no longer where it stood before.
    fn recount(&mut self, id: UpstreamId, transport: Transport, before: LaneStanding) {
        let now = self.standing(id, transport);
        let line = &mut self.lines[line_of(transport)];
        for (standing, count) in [
            (LaneStanding::Proven, &mut line.proven),
            (LaneStanding::Benched, &mut line.benched),
        ] {
            *count = *count + usize::from(now == standing) - usize::from(before == standing);
        }
    }

    /// How long to wait for an answer on this lane.
    pub(crate) fn patience(&mut self, id: UpstreamId, transport: Transport) -> Duration {
        self.lane(id, transport).trips.patience()
    }

    /// A query left.
    pub(crate) fn on_sent(
        &mut self,
        now: Time,
        id: UpstreamId,
        transport: Transport,
        first: bool,
    ) -> EpochId {
        let upstream = self.by_id(id);
        upstream.tally.sent += 1;
        upstream.pacer.pass();
        let LaneParts {
            window,
            trips,
            health,
        } = self.lane(id, transport);
        trips.on_sent(now);
        health.on_sent();
        let is_first = window.in_flight_peak() == 0;
        let epoch = window.on_sent(now, first);
        if is_first {
            self.allowances.on_first_sent(id, transport);
        }
        epoch
    }

    /// A reply came that matches `attempt`.
    pub(crate) fn on_reply(
        &mut self,
        now: Time,
        id: UpstreamId,
        transport: Transport,
        attempt: &Attempt,
        class: ReplyClass,
    ) {
        let round_trip_ns = now.nanos_since(attempt.sent);
        let before = self.standing(id, transport);
        let upstream = self.by_id(id);
        let tally = &mut upstream.tally;
        tally.late += u64::from(attempt.expired);
        match class {
            ReplyClass::Answer => tally.answered += 1,
            ReplyClass::Refused => tally.refused += 1,
            ReplyClass::ServFail => tally.servfail += 1,
            ReplyClass::Truncated => tally.truncated += 1,
            ReplyClass::NoEdns | ReplyClass::Unusable => {}
        }
        if class == ReplyClass::NoEdns {
            upstream.edns = false;
        }
        let LaneParts {
            window,
            trips,
            health,
        } = self.lane(id, transport);
        trips.on_answered(now, round_trip_ns);
        if !attempt.expired {
            window.on_landed();
        }
        match class {
            ReplyClass::Answer | ReplyClass::Truncated | ReplyClass::NoEdns => {
                if attempt.first {
                    window.on_answered(now, attempt.epoch, round_trip_ns);
                }
                if health.on_answered(attempt.sent) {
                    window.restart(now);
                    self.come_back(id, transport);
                }
                self.recount(id, transport, before);
            }
            ReplyClass::Refused | ReplyClass::ServFail | ReplyClass::Unusable => {
                if health.on_error(attempt.sent) {
                    self.bench_liar(now, id, transport);
                }
            }
        }
        self.line_up(id, transport);
    }

    /// An attempt ran out of time. Returns whether the upstream was benched for it.
    pub(crate) fn on_expired(
        &mut self,
        now: Time,
        id: UpstreamId,
        transport: Transport,
        attempt: &Attempt,
    ) -> bool {
        self.by_id(id).tally.timeouts += 1;
        let LaneParts { window, health, .. } = self.lane(id, transport);
        window.on_landed();
        let silent = health.on_silence(attempt.sent, attempt.first);
        if silent {
            self.bench(now, id, transport, Health::Dead);
        }
        self.line_up(id, transport);
        silent
    }

    /// An upstream that was just picked has no room after all: not before `again`.
    pub(crate) fn put_off(&mut self, again: Time, id: UpstreamId, transport: Transport) {
        let line = line_of(transport);
        if self.lines[line].ready.back() == Some(&id.0) {
            self.lines[line].ready.pop_back();
            self.list[usize::from(id.0)].standing[line] = Standing::Later;
            self.lines[line].later.push(Reverse((again, id.0)));
        }
    }

    /// An attempt is over and nobody knows how it would have ended.
    pub(crate) fn on_dropped(&mut self, id: UpstreamId, transport: Transport, attempt: &Attempt) {
        if !attempt.expired {
            let LaneParts { window, health, .. } = self.lane(id, transport);
            window.on_landed();
            if attempt.first {
                window.on_returned(attempt.epoch);
            }
            health.on_dropped();
            self.line_up(id, transport);
        }
    }

    /// The system said that the peer is not there.
    pub(crate) fn on_error(&mut self, now: Time, id: UpstreamId, transport: Transport) {
        self.by_id(id).tally.errors += 1;
        self.bench(now, id, transport, Health::Dead);
    }

    fn bench_liar(&mut self, now: Time, id: UpstreamId, transport: Transport) {
        // Where there is no other, an error is the best answer there is.
        let line = &self.lines[line_of(transport)];
        let before = self.standing(id, transport);
        let others = self.list.len() - line.benched - usize::from(before != LaneStanding::Benched);
        if others > 0 {
            self.bench(now, id, transport, Health::Lying);
        } else if before == LaneStanding::Benched {
            let LaneParts { window, health, .. } = self.lane(id, transport);
            health.on_answered(now);
            window.restart(now);
            self.come_back(id, transport);
            self.recount(id, transport, before);
        }
    }

    /// It was left alone until a set time, and has been heard of before that: it need not wait
    /// for it any longer. Whatever comes of the set time then finds it in line.
    fn come_back(&mut self, id: UpstreamId, transport: Transport) {
        let line = line_of(transport);
        let standing = &mut self.list[usize::from(id.0)].standing[line];
        if *standing == Standing::Later {
            *standing = Standing::Ready;
            self.lines[line].ready.push_back(id.0);
        }
    }

    fn bench(&mut self, now: Time, id: UpstreamId, transport: Transport, why: Health) {
        let line = line_of(transport);
        let before = self.standing(id, transport);
        let was_benched = before == LaneStanding::Benched;
        self.by_id(id).tally.benched += u64::from(!was_benched);
        let alone = self.lines[line].benched + usize::from(!was_benched) == self.list.len();
        let until = self.lane(id, transport).health.bench(now, why, alone);
        self.recount(id, transport, before);
        // Wherever it stands in the line, it is asked for its permit when its turn comes; but
        // one that stands nowhere must come back by itself.
        if self.list[usize::from(id.0)].standing[line] == Standing::Out {
            self.list[usize::from(id.0)].standing[line] = Standing::Later;
            self.lines[line].later.push(Reverse((until, id.0)));
        }
    }

    /// Something in flight has come to an end: it may have room again.
    fn line_up(&mut self, id: UpstreamId, transport: Transport) {
        let line = line_of(transport);
        let standing = &mut self.list[usize::from(id.0)].standing[line];
        if *standing == Standing::Out {
            *standing = Standing::Ready;
            self.lines[line].ready.push_back(id.0);
        }
    }

    /// What the windows of all lanes that were ever asked allow together.
    pub(crate) fn allowance(&mut self, now: Time) -> Allowance {
        self.allowances.look(now, &self.list)
    }

    /// What is in flight, by the windows' own counts.
    pub(crate) fn in_flight(&self) -> usize {
        self.list.iter().map(Upstream::in_flight).sum()
    }

    /// Queries that may still be answered.
    pub(crate) fn attempts_open(&self) -> usize {
        self.list.iter().map(Upstream::attempts_open).sum()
    }

    /// What each resolver did and what was learned about it, and what the kernel dropped.
    pub(crate) fn reports<N: Net>(&mut self, net: &N) -> (Vec<UpstreamReport>, u64) {
        let mut kernel_drops = 0;
        let reports = self.list.iter_mut().map(|upstream| {
            if let Some(lane) = &upstream.udp {
                kernel_drops += lane
                    .sockets
                    .sockets()
                    .map(|one| net.kernel_drops(one))
                    .sum::<u64>();
            }
            upstream.report()
        });
        (reports.collect(), kernel_drops)
    }
}

fn line_of(transport: Transport) -> usize {
    match transport {
        Transport::Udp => 0,
        Transport::Tcp => 1,
    }
}
