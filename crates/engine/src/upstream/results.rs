//! What became of queries, told to the parts of their lane: the window, the round trips, the health.

use std::time::Duration;

use canvass_model::{Health, StreamFlaw, Time, Transport};
use canvass_proto::{LostCause, ReplyClass, UpstreamId};

use super::epoch::EpochId;
use super::lane_choice::Step;
use super::resolver::{LaneParts, LaneStanding};
use super::{Attempt, AttemptKey, Upstreams};

impl Upstreams {
    /// A query was sent.
    pub(crate) fn on_sent(
        &mut self,
        now: Time,
        id: UpstreamId,
        transport: Transport,
        first: bool,
    ) -> (EpochId, u32) {
        let upstream = self.by_id(id);
        upstream.tally.sent += 1;
        let LaneParts {
            window,
            trips,
            health,
            local,
            ..
        } = self.lane(id, transport);
        trips.on_sent(now);
        health.on_sent();
        // What is sent by stream is only collected here.
        if transport == Transport::Udp {
            local.on_sent();
        }
        let is_first = window.in_flight_peak() == 0;
        let sent = window.on_sent(now, first);
        if is_first {
            self.allowances.on_first_sent(id, transport);
        }
        sent
    }

    /// A reply was received that matches `attempt`. Returns whether it is the first answer of the
    /// upstream on this transport.
    pub(crate) fn on_reply(
        &mut self,
        now: Time,
        id: UpstreamId,
        transport: Transport,
        attempt: &Attempt,
        class: ReplyClass,
    ) -> bool {
        let round_trip_ns = now.nanos_since(attempt.sent);
        let before = self.standing(id, transport);
        let upstream = self.by_id(id);
        let tally = &mut upstream.tally;
        tally.late += u64::from(attempt.expired);
        match class {
            ReplyClass::Answer => {
                tally.answered += 1;
                let round_trip = Duration::from_nanos(round_trip_ns);
                if upstream.choice.on_answer(transport, round_trip) == Step::Proven {
                    self.compare_lanes(now, id);
                }
            }
            ReplyClass::Refused => tally.refused += 1,
            ReplyClass::ServFail => tally.servfail += 1,
            ReplyClass::Lame => tally.lame += 1,
            ReplyClass::Truncated => tally.truncated += 1,
            ReplyClass::NoEdns | ReplyClass::Unusable => {}
        }
        let upstream = self.by_id(id);
        if class == ReplyClass::NoEdns {
            upstream.edns = false;
        }
        let is_truncated = class == ReplyClass::Truncated;
        if transport == Transport::Udp && upstream.slips.on_reply(now, is_truncated) {
            self.turn_to_streams(now, id);
        }
        let LaneParts {
            window,
            trips,
            early_retries,
            health,
            ..
        } = self.lane(id, transport);
        if !attempt.expired {
            window.on_landed(now, attempt);
        }
        // How long another reply takes says nothing of how long answers do.
        let is_first =
            class == ReplyClass::Answer && transport == Transport::Udp && !trips.any_answered();
        if class == ReplyClass::Answer {
            trips.on_answered(now, round_trip_ns);
        }
        match class {
            ReplyClass::Answer | ReplyClass::Truncated | ReplyClass::NoEdns => {
                if !attempt.expired {
                    early_retries.on_answered(attempt.first, window.in_flight());
                }
                if attempt.first {
                    window.on_answered(now, attempt, round_trip_ns);
                }
                if health.on_answered(now, attempt.sent) {
                    window.restart(now);
                    self.come_back(id, transport);
                }
                self.recount(id, transport, before);
            }
            ReplyClass::Refused
            | ReplyClass::ServFail
            | ReplyClass::Lame
            | ReplyClass::Unusable => {
                match class {
                    ReplyClass::Lame => {
                        health.on_lame();
                        window.on_useless(attempt);
                    }
                    ReplyClass::Refused | ReplyClass::ServFail => window.on_failed(now, attempt),
                    _ => window.on_useless(attempt),
                }
                let is_useless = health.on_error(now, attempt.sent, window.has_ceiling());
                self.recount(id, transport, before);
                if is_useless {
                    self.bench_liar(now, id, transport);
                }
            }
        }
        self.line_up(id, transport);
        is_first
    }

    /// An upstream truncates what it answers over datagrams. When it is asked so again, it is asked
    /// slowly at first: the rate that was found is that of truncated answers.
    fn turn_to_streams(&mut self, now: Time, id: UpstreamId) {
        if self.may_turn_to_streams {
            self.slips_until = self.slips_until.max(self.by_id(id).slips.until());
            self.lane(id, Transport::Udp).window.start_over(now);
        }
    }

    /// The attempt at `at` has expired. It can still be answered.
    ///
    /// `drops` is how many datagrams the kernel has dropped on its socket. If one of them is not
    /// accounted for, it may have been the answer, and the upstream is not blamed.
    pub(super) fn expire(
        &mut self,
        now: Time,
        transport: Transport,
        at: AttemptKey,
        attempt: &Attempt,
        drops: u64,
    ) {
        let lane = &mut self.by_id(at.upstream).udp;
        let dropped_here = transport == Transport::Udp
            && lane
                .as_mut()
                .and_then(|lane| lane.sockets.by_socket(at.socket))
                .is_some_and(|socket| socket.accounts_for_drop(drops));
        if dropped_here {
            self.on_dropped(at.upstream, transport, attempt);
        }
        if let Some(attempts) = self.attempts((at.upstream, transport, at.socket)) {
            attempts.expire(at.id);
        }
        if dropped_here {
            return;
        }
        let benched = self.on_expired(now, at.upstream, transport, attempt);
        if transport == Transport::Tcp {
            self.watch_stream(now, at, benched);
        }
    }

    /// A query has expired on the connection at `at`: closes what it shows to be useless.
    fn watch_stream(&mut self, now: Time, at: AttemptKey, benched: bool) {
        let lane = &mut self.list[usize::from(at.upstream.0)].tcp;
        let stream = lane
            .as_mut()
            .and_then(|lane| lane.sockets.by_socket(at.socket));
        if benched {
            self.streaming.on_silent(at.upstream);
        } else if stream.is_some_and(|stream| stream.is_stuck(now)) {
            self.streaming.on_stuck(at.upstream, at.socket);
        }
    }

    /// An attempt has expired. Returns whether the upstream was benched for it.
    pub(super) fn on_expired(
        &mut self,
        now: Time,
        id: UpstreamId,
        transport: Transport,
        attempt: &Attempt,
    ) -> bool {
        self.by_id(id).tally.timeouts += 1;
        let LaneParts { window, health, .. } = self.lane(id, transport);
        window.on_expired(now, attempt, health.any_answered_since(attempt.sent));
        let silent = health.on_silence(attempt.sent, attempt.first)
            && !self.give_up_streams(now, id, transport, StreamFlaw::Silent);
        if silent {
            self.bench(now, id, transport, Health::Dead);
        }
        self.line_up(id, transport);
        silent
    }

    /// An attempt has ended without a result.
    pub(crate) fn on_dropped(&mut self, id: UpstreamId, transport: Transport, attempt: &Attempt) {
        if !attempt.expired {
            let LaneParts { window, health, .. } = self.lane(id, transport);
            window.on_dropped(attempt);
            health.on_dropped();
            self.line_up(id, transport);
        }
    }

    /// Queries were written to a stream connection.
    pub(crate) fn on_written(&mut self, id: UpstreamId) {
        if let Some(lane) = &mut self.by_id(id).tcp {
            lane.local.on_sent();
        }
    }

    /// The system of this machine refused to send a query, or to open a socket for it. That says
    /// nothing of the upstream, which is asked again a little later. If streams are in use by choice
    /// and it lasts, datagrams are used instead.
    pub(crate) fn on_local_fault(
        &mut self,
        now: Time,
        id: UpstreamId,
        transport: Transport,
        fault: LostCause,
    ) -> Time {
        let local = self.lane(id, transport).local;
        let again = local.on_fault(now, fault);
        if local.lasting_fault().is_some() {
            self.give_up_streams(now, id, transport, StreamFlaw::Local);
        }
        again
    }

    /// The system reported that the peer cannot be reached.
    pub(crate) fn on_error(&mut self, now: Time, id: UpstreamId, transport: Transport) {
        self.by_id(id).tally.errors += 1;
        if self.give_up_streams(now, id, transport, StreamFlaw::Refused) {
            return;
        }
        self.lane(id, transport).health.on_unreachable();
        self.bench(now, id, transport, Health::Dead);
    }

    /// A stream connection of it cannot be divided into messages. That is an error like any other
    /// reply that cannot be read.
    pub(crate) fn on_misframed(&mut self, now: Time, id: UpstreamId) {
        self.by_id(id).tally.errors += 1;
        if self.give_up_streams(now, id, Transport::Tcp, StreamFlaw::Misframed) {
            return;
        }
        if self
            .lane(id, Transport::Tcp)
            .health
            .on_error(now, now, false)
        {
            self.bench_liar(now, id, Transport::Tcp);
        }
        self.line_up(id, Transport::Tcp);
    }

    fn bench_liar(&mut self, now: Time, id: UpstreamId, transport: Transport) {
        if self.give_up_streams(now, id, transport, StreamFlaw::Errors) {
            return;
        }
        // If there is no other, an error is the best answer there is.
        let before = self.standing(id, transport);
        if self.others_in_use(id, transport) > 0 {
            let health = &self.lane(id, transport).health;
            let is_lame = health.is_lame();
            let why = if is_lame { Health::Lame } else { Health::Lying };
            self.bench(now, id, transport, why);
        } else if before == LaneStanding::Benched {
            let LaneParts { window, health, .. } = self.lane(id, transport);
            health.on_answered(now, now);
            window.restart(now);
            self.come_back(id, transport);
            self.recount(id, transport, before);
        }
    }

    fn bench(&mut self, now: Time, id: UpstreamId, transport: Transport, why: Health) {
        let before = self.standing(id, transport);
        let was_benched = before == LaneStanding::Benched;
        self.by_id(id).tally.benched += u64::from(!was_benched);
        let alone = self.others_in_use(id, transport) == 0;
        let until = self.lane(id, transport).health.bench(now, why, alone);
        self.recount(id, transport, before);
        self.come_back_at(until, id, transport);
    }
}
