//! Answers queries of either transport: from the zone, or by forwarding them to another server.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::Time;
use smallvec::SmallVec;

use crate::clock::Clock;
use crate::forwarder::{AbandonedReplies, AnswerRelay, Forwarder};
use crate::report::{DnsCounter, Metrics};
use crate::responder::Responder;
use crate::timer_queue::TimerQueue;

use super::return_path::ReturnPath;

/// Replies that may wait to be sent: 300,000 per second for three seconds.
const DELAYED_REPLIES_MAX: usize = 1 << 20;

/// What every transport needs to answer queries.
pub(crate) struct QueryHandler {
    pub(crate) responder: Responder,
    pub(crate) clock: Clock,
    pub(crate) delayed: ReplySchedule,
    pub(crate) metrics: Arc<Metrics<DnsCounter>>,
    /// Gets the queries if the zone is not to answer them.
    pub(crate) forwarder: Option<Forwarder>,
    /// Replies that TCP connections no longer have to wait for.
    pub(crate) abandoned: Vec<AbandonedReplies>,
    /// The replies to the last query that are to be sent at once.
    immediate: Vec<ImmediateReply>,
    /// Their octets.
    immediate_bytes: Vec<u8>,
}

struct ImmediateReply {
    counter: DnsCounter,
    bytes: Range<usize>,
}

/// A reply that waits for its time.
pub(crate) struct DelayedReply {
    /// When its query was read.
    pub(crate) received: Time,
    /// The planned delay, from then on.
    pub(crate) delay: Duration,
    pub(crate) return_path: ReturnPath,
    /// What it counts as once it has been sent.
    pub(crate) counter: DnsCounter,
    pub(crate) message: Box<[u8]>,
}

/// Delayed replies by due time, up to a limit. They are boxed to keep the moves of the heap short.
pub(crate) struct ReplySchedule {
    queue: TimerQueue<Box<DelayedReply>>,
    replies_max: usize,
}

impl ReplySchedule {
    pub(crate) const fn new(replies_max: usize) -> Self {
        Self {
            queue: TimerQueue::new(),
            replies_max,
        }
    }

    /// Adds a reply. Returns whether there was room for it.
    pub(crate) fn push(&mut self, reply: DelayedReply) -> bool {
        let has_room = self.queue.len() < self.replies_max;
        if has_room {
            self.queue
                .push(reply.received + reply.delay, Box::new(reply));
        }
        has_room
    }

    pub(crate) fn next_due(&self) -> Option<Time> {
        self.queue.next_due()
    }

    /// The next reply, if it is due.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<DelayedReply> {
        self.queue.pop_due(now).map(|reply| *reply)
    }
}

impl QueryHandler {
    pub(crate) fn new(
        responder: Responder,
        clock: Clock,
        metrics: Arc<Metrics<DnsCounter>>,
        forwarder: Option<Forwarder>,
    ) -> Self {
        Self {
            responder,
            clock,
            delayed: ReplySchedule::new(DELAYED_REPLIES_MAX),
            metrics,
            forwarder,
            abandoned: Vec::new(),
            immediate: Vec::new(),
            immediate_bytes: Vec::new(),
        }
    }

    /// The time at which a query was read. Does not read the clock if nothing depends on it.
    pub(crate) fn time_of_arrival(&self) -> Time {
        if self.responder.is_unimpaired() && self.forwarder.is_none() {
            Time::ZERO
        } else {
            self.clock.now()
        }
    }

    /// Answers one query to the address `server`. Replies that leave at once are
    /// [`immediate_replies`](Self::immediate_replies) until the next query; the others are delayed
    /// or have to come from the other server. Returns the number of the latter.
    pub(crate) fn answer(
        &mut self,
        received: Time,
        server: IpAddr,
        query: &[u8],
        return_path: ReturnPath,
    ) -> u32 {
        self.immediate.clear();
        self.immediate_bytes.clear();
        let transport = return_path.transport();
        let plan = self.responder.plan(received, server, transport, query);
        self.metrics.add_plan(&plan);
        let (mut later, mut malformed) = (0, false);
        let mut to_forward = SmallVec::new();
        for &planned in &plan.replies {
            if self.forwarder.is_some() && self.responder.is_answer(query, planned.kind) {
                to_forward.push(planned);
                continue;
            }
            let start = self.immediate_bytes.len();
            let status =
                self.responder
                    .render(query, transport, planned.kind, &mut self.immediate_bytes);
            let Some(status) = status else {
                malformed = true;
                continue;
            };
            let counter = DnsCounter::of_reply(planned.kind, status);
            if planned.delay.is_zero() {
                let bytes = start..self.immediate_bytes.len();
                self.immediate.push(ImmediateReply { counter, bytes });
                continue;
            }
            let reply = DelayedReply {
                received,
                delay: planned.delay,
                return_path,
                counter,
                message: self.immediate_bytes[start..].into(),
            };
            self.immediate_bytes.truncate(start);
            if self.delayed.push(reply) {
                later += 1;
            } else {
                self.metrics.add(DnsCounter::Overflow);
            }
        }
        if let Some(forwarder) = &mut self.forwarder
            && !to_forward.is_empty()
        {
            if Forwarder::accepts(query) {
                later += forwarder.forward(received, query, return_path, to_forward, &self.metrics);
            } else {
                malformed = true;
            }
        }
        if malformed {
            self.metrics.add(DnsCounter::Malformed);
        }
        later
    }

    /// Forwards queries and relays answers, up to a limit. Returns whether there may be more to do
    /// at once.
    pub(crate) fn turn_forwarder(&mut self) -> bool {
        let Some(forwarder) = &mut self.forwarder else {
            return false;
        };
        let mut relay = AnswerRelay {
            delayed: &mut self.delayed,
            metrics: &self.metrics,
            abandoned: &mut self.abandoned,
        };
        forwarder.turn(self.clock.now(), &mut relay)
    }

    /// The next time at which there is something to do without an event.
    pub(crate) fn next_due(&self) -> Option<Time> {
        let forwarder = self.forwarder.as_ref().and_then(Forwarder::next_due);
        self.delayed.next_due().into_iter().chain(forwarder).min()
    }

    /// The replies to the last query that are to be sent at once.
    pub(crate) fn immediate_replies(&self) -> impl Iterator<Item = (DnsCounter, &[u8])> {
        self.immediate
            .iter()
            .map(|reply| (reply.counter, &self.immediate_bytes[reply.bytes.clone()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection_table::ConnectionId;

    #[test]
    fn a_schedule_has_a_limit() {
        let mut schedule = ReplySchedule::new(1);
        let reply = |slot| DelayedReply {
            received: Time::from_nanos(5),
            delay: Duration::from_nanos(10),
            return_path: ReturnPath::Tcp(ConnectionId::new(slot, 0)),
            counter: DnsCounter::Answered,
            message: Box::new([]),
        };
        assert!(schedule.push(reply(1)));
        assert!(!schedule.push(reply(2)));
        assert_eq!(schedule.next_due(), Some(Time::from_nanos(15)));
        let due = schedule.pop_due(Time::from_nanos(15)).unwrap();
        assert!(matches!(due.return_path, ReturnPath::Tcp(id) if id.slot() == 1));
        assert!(schedule.push(reply(3)));
    }
}
