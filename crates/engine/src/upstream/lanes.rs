//! Carries out which transport is chosen at each upstream.

use std::time::Duration;

use canvass_model::{StreamFlaw, Time, Transport};
use canvass_proto::UpstreamId;

use super::Upstreams;
use super::lane_choice::Step;
use super::resolver::LaneStanding;
use super::stream::CONNECTIONS_MAX;

impl Upstreams {
    /// A first query that might go over either transport goes over this one.
    pub(super) fn on_open_query(&mut self, now: Time, id: UpstreamId, transport: Transport) {
        let choice = &mut self.by_id(id).choice;
        choice.on_question(now, transport);
        if choice.is_due(now) {
            self.try_streams(now, id);
        } else if transport == Transport::Tcp {
            self.look_by(id);
        }
    }

    /// Datagrams were read, the first of which had waited for so long.
    pub(crate) fn on_datagrams_read(&mut self, id: UpstreamId, waited: Duration) {
        self.by_id(id).choice.on_read(waited);
    }

    /// Tries streams at an upstream, or tests the last choice.
    fn try_streams(&mut self, now: Time, id: UpstreamId) {
        if self.standing(id, Transport::Tcp) == LaneStanding::Benched {
            return;
        }
        let datagrams = self.lane(id, Transport::Udp);
        let (usual, _) = datagrams.trips.quantiles();
        let rate_per_second = datagrams.window.delivered_per_second() / 2.0;
        if self.by_id(id).choice.begin(now, usual) {
            // One connection, and a rate that datagrams have shown to be a low one. A few queries
            // in flight are the limit.
            self.lane(id, Transport::Tcp)
                .window
                .start_at(now, rate_per_second);
            self.limit_connections(id, 1);
        }
        self.tried.push(id);
        self.look_by(id);
        self.readmit(id);
    }

    /// The server answers many queries of a stream at once: fills both lanes.
    pub(super) fn compare_lanes(&mut self, now: Time, id: UpstreamId) {
        let datagrams = self.lane(id, Transport::Udp);
        let rate_per_second = datagrams.window.delivered_per_second();
        let streams = self.lane(id, Transport::Tcp);
        if streams.window.rate_per_second() < rate_per_second {
            streams.window.start_at(now, rate_per_second);
        }
        self.by_id(id).choice.compare(now);
        self.limit_connections(id, CONNECTIONS_MAX);
        self.look_by(id);
        self.readmit(id);
    }

    fn limit_connections(&mut self, id: UpstreamId, connections_max: usize) {
        if let Some(lane) = &mut self.by_id(id).tcp {
            lane.sockets.connections_max = connections_max;
        }
    }

    fn look_by(&mut self, id: UpstreamId) {
        let look_at = self.by_id(id).choice.look_at();
        self.look_at = self.look_at.min(look_at.unwrap_or(Time::MAX));
    }

    /// When to look at the lanes that are being tried.
    pub(crate) fn look_at(&self) -> Time {
        self.look_at
    }

    /// Looks at the lanes that are being tried, if it is time.
    pub(crate) fn look_at_lanes(&mut self, now: Time) {
        if now < self.look_at {
            return;
        }
        self.look_at = Time::MAX;
        let mut tried = std::mem::take(&mut self.tried);
        for id in &tried {
            let upstream = self.by_id(*id);
            if upstream.choice.look_at().is_some_and(|at| now >= at) {
                let window = upstream.tcp.as_ref().map(|lane| &lane.window);
                let is_limited = window.is_some_and(|window| window.plateau_seen());
                let step = upstream.choice.look(now, is_limited);
                self.follow(now, *id, step);
            }
            self.look_by(*id);
        }
        tried.retain(|id| self.by_id(*id).choice.look_at().is_some());
        tried.append(&mut self.tried);
        self.tried = tried;
    }

    fn follow(&mut self, now: Time, id: UpstreamId, step: Step) {
        match step {
            Step::Stay => return,
            Step::Proven => self.compare_lanes(now, id),
            Step::Alone { restart } => {
                if restart {
                    self.lane(id, Transport::Tcp).window.restart(now);
                }
            }
            Step::Settled => {}
            Step::GivenUp => {
                self.limit_connections(id, CONNECTIONS_MAX);
                self.streaming.on_given_up(id);
            }
        }
        self.readmit(id);
    }

    /// Streams of an upstream have failed. Gives them up if they are in use by choice, and returns
    /// whether that is so: then the resolver is not blamed, since datagrams reach it.
    pub(super) fn give_up_streams(
        &mut self,
        now: Time,
        id: UpstreamId,
        transport: Transport,
        flaw: StreamFlaw,
    ) -> bool {
        if transport == Transport::Udp {
            return false;
        }
        let step = self.by_id(id).choice.on_flaw(now, flaw);
        self.follow(now, id, step);
        step == Step::GivenUp
    }

    /// A connection has ended with queries open, after this number of answers.
    pub(crate) fn on_stream_cut(
        &mut self,
        now: Time,
        id: UpstreamId,
        answers: u32,
        is_misframed: bool,
    ) {
        let choice = &mut self.by_id(id).choice;
        let step = if is_misframed {
            choice.on_flaw(now, StreamFlaw::Misframed)
        } else {
            choice.on_closed(now, answers)
        };
        self.follow(now, id, step);
    }
}
