//! Decides how each DNS query is answered, and writes the replies.
//!
//! It does no IO and is given the time, by the UDP server, the TCP server and the simulator. Two
//! responders with the same seed answer the same queries in the same way.

mod forgery;
mod in_flight;
mod per_server;
mod plan;
mod rate_limiter;
mod worker;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use canvass_model::{Rcode, Time, Transport};
use ipnet::IpNet;
use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};
use smallvec::SmallVec;

use crate::impairment::{Impairments, OverCap, Percent, jittered};
use crate::name_fate::{NameFate, question_key};
use crate::query::Query;
use crate::zone::{ResponseMode, ResponseStatus, Zone};
use in_flight::{Admission, InFlight};
pub use plan::{DropReason, PlannedReply, ReplyKind, ReplyPlan};
use rate_limiter::RateLimiter;
use worker::Worker;

/// How long what exceeds the rate counts with [`OverCap::Slip`]: the default of BIND and NSD.
const SLIP_WINDOW: Duration = Duration::from_secs(15);

/// Answers DNS queries from the zone, with impairments.
#[derive(Debug)]
pub struct Responder {
    zone: Zone,
    impairments: Impairments,
    /// No impairment has an effect on plans.
    unimpaired: bool,
    /// Holds queries up before they are processed.
    worker: Option<Worker>,
    rate_limiter: Option<RateLimiter>,
    in_flight: Option<InFlight>,
    rng: SmallRng,
    first_query: Option<Time>,
    /// Queries over either cap.
    over_cap: u64,
}

impl Responder {
    /// A responder with these impairments.
    pub fn new(impairments: Impairments) -> Self {
        let rate_limiter = impairments.rate_cap.map(|rate| {
            let tenth = NonZeroU32::new(rate.get() / 10).unwrap_or(NonZeroU32::MIN);
            let debt = match impairments.over {
                OverCap::Slip => SLIP_WINDOW,
                OverCap::Silent | OverCap::Refused => Duration::ZERO,
            };
            RateLimiter::new(rate, impairments.burst.unwrap_or(tenth), debt)
        });
        Self {
            zone: Zone::new(!impairments.no_edns),
            unimpaired: is_unimpaired(&impairments),
            worker: Worker::new(&impairments),
            rate_limiter,
            in_flight: impairments.inflight_cap.map(InFlight::new),
            rng: SmallRng::seed_from_u64(impairments.seed),
            first_query: None,
            over_cap: 0,
            impairments,
        }
    }

    /// Its impairments.
    pub fn impairments(&self) -> &Impairments {
        &self.impairments
    }

    /// Whether every query is answered truly and at once, so that plans depend neither on the time
    /// nor on random numbers.
    pub fn is_unimpaired(&self) -> bool {
        self.unimpaired
    }

    /// Decides how a query to the address `server` is answered. Must be called once per query.
    pub fn plan(
        &mut self,
        now: Time,
        server: IpAddr,
        transport: Transport,
        query: &[u8],
    ) -> ReplyPlan {
        if self.unimpaired {
            return ReplyPlan::reply(Duration::ZERO, ReplyKind::Answer);
        }
        let first_query = *self.first_query.get_or_insert(now);
        if contains(&self.impairments.dead, server) {
            return ReplyPlan::dropped(DropReason::Dead);
        }
        if is_in_outage(&self.impairments, now.since(first_query)) {
            return ReplyPlan::dropped(DropReason::Outage);
        }
        let Some(worker) = &mut self.worker else {
            return self.plan_processed(now, server, transport, query);
        };
        let Some(processed) = worker.process(now, server, transport) else {
            return ReplyPlan::dropped(DropReason::QueueFull);
        };
        let mut plan = self.plan_processed(processed, server, transport, query);
        for reply in &mut plan.replies {
            reply.delay = self.departure(processed + reply.delay).since(now);
        }
        plan
    }

    /// Appends a planned reply to `query` to the buffer `reply`. Returns `None` if the message has
    /// no header or is no query, and so gets no reply.
    pub fn render(
        &self,
        query: &[u8],
        transport: Transport,
        kind: ReplyKind,
        reply: &mut Vec<u8>,
    ) -> Option<ResponseStatus> {
        let mode = match kind {
            ReplyKind::Answer => ResponseMode::Answer,
            ReplyKind::Duplicate(mode) => mode,
            ReplyKind::Truncated => ResponseMode::Truncate,
            ReplyKind::Rcode(rcode) => ResponseMode::Rcode(rcode),
            ReplyKind::NxDomain => ResponseMode::NxDomain,
            ReplyKind::Referral => ResponseMode::Referral,
            ReplyKind::WrongId(flipped) => return forgery::wrong_id(query, flipped, reply),
            ReplyKind::WrongQuestion => return forgery::wrong_question(query, reply),
            ReplyKind::Corrupt(entropy) => {
                let start = reply.len();
                let status = self
                    .zone
                    .respond(query, transport, ResponseMode::Answer, reply)?;
                forgery::corrupt(reply, start, entropy);
                return Some(status);
            }
        };
        self.zone.respond(query, transport, mode, reply)
    }

    /// Appends a reply as it is sent on a stream: behind its length, or a wrong one
    /// (`tcp-misframe`).
    pub fn frame(&self, reply: &[u8], out: &mut Vec<u8>) {
        let length = forgery::stream_length(reply, self.impairments.tcp_misframe);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(reply);
    }

    /// Whether a reply of this kind has the content of the zone, which another server's answer can
    /// replace.
    pub(crate) fn is_answer(&self, query: &[u8], kind: ReplyKind) -> bool {
        let has_opt = || Query::parse(query).is_ok_and(|query| query.edns.is_some());
        let is_answer = matches!(
            kind,
            ReplyKind::Answer | ReplyKind::Corrupt(_) | ReplyKind::Duplicate(ResponseMode::Answer)
        );
        is_answer && !(self.impairments.no_edns && has_opt())
    }

    /// Turns another server's answer, which has a header, into a reply of a kind that
    /// [`is_answer`](Self::is_answer). The status has only the lower four bits of the code.
    pub(crate) fn relay(kind: ReplyKind, answer: &mut Vec<u8>) -> ResponseStatus {
        let status = ResponseStatus {
            rcode: Rcode(u16::from(answer[3] & 0x0f)),
            truncated: answer[2] & 0x02 != 0,
        };
        if let ReplyKind::Corrupt(entropy) = kind {
            forgery::corrupt(answer, 0, entropy);
        }
        status
    }

    /// Plans as if the query arrived when it is processed, and no server stopped after that.
    fn plan_processed(
        &mut self,
        now: Time,
        server: IpAddr,
        transport: Transport,
        query: &[u8],
    ) -> ReplyPlan {
        let udp = transport == Transport::Udp;
        let is_limited = udp || self.impairments.over != OverCap::Slip;
        let limiter = self.rate_limiter.as_mut().filter(|_| is_limited);
        if limiter.is_some_and(|limiter| !limiter.admit(now, server)) {
            return self.plan_over_cap(DropReason::OverCap);
        }
        if contains(&self.impairments.lying, server) {
            return ReplyPlan::reply(self.delay(), ReplyKind::Rcode(Rcode::SERVFAIL));
        }
        let fate = self.impairments.fate_of(query);
        if fate != NameFate::Never && udp && self.draw(self.impairments.loss) {
            return ReplyPlan::dropped(DropReason::Lost);
        }
        if self.in_flight.is_some() && is_limited {
            return self.plan_held(now, server, udp, query, fate);
        }
        self.plan_fate(udp, query, fate)
    }

    /// Plans with the in-flight cap.
    fn plan_held(
        &mut self,
        now: Time,
        server: IpAddr,
        udp: bool,
        query: &[u8],
        fate: NameFate,
    ) -> ReplyPlan {
        let (Some(question), Some(in_flight)) = (question_key(query), &mut self.in_flight) else {
            return self.plan_fate(udp, query, fate);
        };
        let admission = in_flight.admit(now, server, question);
        if admission == Admission::Full {
            return self.plan_over_cap(DropReason::OverInFlightCap);
        }
        let mut plan = self.plan_fate(udp, query, fate);
        if let Admission::Joins(end) = admission {
            for reply in &mut plan.replies {
                reply.delay = end.since(now);
            }
            return plan;
        }
        let delay = plan.replies.iter().map(|reply| reply.delay).max();
        let end = self.departure(now + delay.unwrap_or(self.impairments.inflight_hold));
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.hold(now, server, question, end);
        }
        plan
    }

    fn plan_fate(&mut self, udp: bool, query: &[u8], fate: NameFate) -> ReplyPlan {
        match fate {
            NameFate::Never => ReplyPlan::dropped(DropReason::Never),
            NameFate::Answered | NameFate::NxDomain | NameFate::Lame => {
                self.plan_reply(udp, query, fate)
            }
        }
    }

    fn plan_over_cap(&mut self, cap: DropReason) -> ReplyPlan {
        self.over_cap += 1;
        let kind = match self.impairments.over {
            OverCap::Slip if self.over_cap.is_multiple_of(2) => ReplyKind::Truncated,
            OverCap::Slip | OverCap::Silent => return ReplyPlan::dropped(cap),
            OverCap::Refused => ReplyKind::Rcode(Rcode::REFUSED),
        };
        // The delay of a server that holds too many is that of the one behind it.
        let delay = match cap {
            DropReason::OverInFlightCap => Duration::ZERO,
            _ => self.delay(),
        };
        ReplyPlan::reply(delay, kind)
    }

    /// When a reply leaves that is due at a time: servers may be stopped.
    fn departure(&self, due: Time) -> Time {
        self.worker
            .as_ref()
            .map_or(due, |worker| worker.running_at(due))
    }

    /// How a query is answered that is neither lost nor never answered.
    fn plan_reply(&mut self, udp: bool, query: &[u8], fate: NameFate) -> ReplyPlan {
        let mode = if fate == NameFate::Lame {
            ResponseMode::Rcode(Rcode::SERVFAIL)
        } else if fate == NameFate::NxDomain {
            ResponseMode::NxDomain
        } else if self.draw(self.impairments.servfail) {
            ResponseMode::Rcode(Rcode::SERVFAIL)
        } else if self.draw(self.impairments.refused) {
            ResponseMode::Rcode(Rcode::REFUSED)
        } else if self.draw(self.impairments.referral) {
            ResponseMode::Referral
        } else if udp && self.draw(self.impairments.truncate) {
            ResponseMode::Truncate
        } else {
            ResponseMode::Answer
        };
        let mut delay = self.delay();
        if fate == NameFate::Lame {
            delay += self.impairments.lame_delay(query);
        }
        let slow = self.impairments.is_slow(query);
        if slow {
            delay += self.impairments.slow_by;
        }
        let late = self.draw(self.impairments.late);
        if late {
            delay += self.impairments.late_by;
        }
        let mut replies = SmallVec::new();
        // An attacker answers sooner than a server that has to look the name up.
        if udp && self.draw(self.impairments.forge) {
            let wrong_id = ReplyKind::WrongId(self.rng.random_range(1..=u16::MAX));
            replies.extend(
                [wrong_id, ReplyKind::WrongQuestion].map(|kind| PlannedReply {
                    delay: delay / 2,
                    kind,
                }),
            );
        }
        let corrupt = udp && self.draw(self.impairments.corrupt);
        let kind = match mode {
            _ if corrupt => ReplyKind::Corrupt(self.rng.next_u64()),
            ResponseMode::Answer => ReplyKind::Answer,
            ResponseMode::Truncate => ReplyKind::Truncated,
            ResponseMode::Rcode(rcode) => ReplyKind::Rcode(rcode),
            ResponseMode::NxDomain => ReplyKind::NxDomain,
            ResponseMode::Referral => ReplyKind::Referral,
        };
        replies.push(PlannedReply { delay, kind });
        if udp && self.draw(self.impairments.duplicate) {
            let kind = match kind {
                ReplyKind::Corrupt(_) => kind,
                _ => ReplyKind::Duplicate(mode),
            };
            replies.push(PlannedReply { delay, kind });
        }
        ReplyPlan {
            replies,
            dropped: None,
            late,
            slow,
        }
    }

    fn delay(&mut self) -> Duration {
        let Impairments { delay, jitter, .. } = self.impairments;
        jittered(delay, jitter, &mut self.rng)
    }

    fn draw(&mut self, share: Percent) -> bool {
        !share.is_zero() && share.includes(self.rng.next_u32())
    }
}

/// Whether there is an outage at a time after the first query.
pub(crate) fn is_in_outage(impairments: &Impairments, since_first: Duration) -> bool {
    let Impairments {
        outage_after,
        outage,
        outage_every,
        ..
    } = *impairments;
    if outage_after.is_none() && outage.is_none() {
        return false;
    }
    let begin = outage_after.unwrap_or(Duration::ZERO);
    let length = outage.unwrap_or(Duration::MAX);
    let Some(since_begin) = since_first.checked_sub(begin) else {
        return false;
    };
    let into_ns = match outage_every {
        Some(every) if !every.is_zero() => since_begin.as_nanos() % every.as_nanos(),
        _ => since_begin.as_nanos(),
    };
    into_ns < length.as_nanos()
}

/// Whether one of the networks contains an address.
pub(crate) fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// Whether no impairment is set that affects [`Responder::plan`].
fn is_unimpaired(set: &Impairments) -> bool {
    let without_effect = Impairments {
        no_edns: set.no_edns,
        tcp_close_after: set.tcp_close_after,
        tcp_serial: set.tcp_serial,
        tcp_silent: set.tcp_silent,
        tcp_misframe: set.tcp_misframe,
        tcp_refuse: set.tcp_refuse,
        trickle: set.trickle,
        reset_at: set.reset_at,
        close_at: set.close_at,
        time_skew_s: set.time_skew_s,
        seed: set.seed,
        late_by: set.late_by,
        slow_by: set.slow_by,
        lame_by: set.lame_by,
        inflight_hold: set.inflight_hold,
        freeze_every: set.freeze_every,
        queue: set.queue,
        burst: set.burst,
        over: set.over,
        ..Impairments::default()
    };
    *set == without_effect
}

#[cfg(test)]
mod tests;
