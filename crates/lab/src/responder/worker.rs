//! A server that answers one query after the other, and that stops now and then: queries wait for
//! it in a bounded queue.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use canvass_model::{Time, Transport};

use super::per_server::PerServer;
use crate::impairment::Impairments;

/// Takes queries up, for each server address.
#[derive(Debug)]
pub(super) struct Worker {
    service_time: Duration,
    tcp_service_time: Duration,
    freezes: Option<Freezes>,
    queue_max: usize,
    queues: PerServer<Queues>,
}

/// The queries to one server address.
#[derive(Debug, Default)]
struct Queues {
    /// When the server is done with the datagrams it has.
    done: Time,
    /// When each datagram that waits is taken up, in order.
    waiting: VecDeque<Time>,
    /// When it is done with the queries that it has over TCP, which wait at the client if it is
    /// slow.
    tcp_done: Time,
}

/// The times at which servers are stopped.
#[derive(Clone, Copy, Debug)]
struct Freezes {
    /// The start of the first period.
    start: Option<Time>,
    every_ns: u64,
    /// From the start of a period to the stop, in which it ends.
    running_ns: u64,
}

impl Worker {
    /// `None` if these impairments need none, because servers take every query up when it arrives.
    pub(super) fn new(impairments: &Impairments) -> Option<Self> {
        let freezes = impairments.freeze.map(|freeze| {
            let every = impairments.freeze_every;
            Freezes {
                start: None,
                every_ns: every.as_nanos() as u64,
                running_ns: every.saturating_sub(freeze).as_nanos() as u64,
            }
        });
        let Impairments {
            service_time,
            tcp_service_time,
            ..
        } = *impairments;
        if freezes.is_none() && service_time.is_none() && tcp_service_time.is_none() {
            return None;
        }
        Some(Self {
            service_time: service_time.unwrap_or_default(),
            tcp_service_time: tcp_service_time.unwrap_or_default(),
            freezes,
            queue_max: impairments.queue.get() as usize,
            queues: PerServer::new(),
        })
    }

    /// When `server` has processed a query that arrives now; its answer may take longer. `None` if
    /// the queue is full.
    pub(super) fn process(
        &mut self,
        now: Time,
        server: IpAddr,
        transport: Transport,
    ) -> Option<Time> {
        if let Some(freezes) = &mut self.freezes {
            freezes.start.get_or_insert(now);
        }
        let freezes = self.freezes;
        let is_busy = |queues: &Queues| queues.done.max(queues.tcp_done) > now;
        let queue = self.queues.get(server, is_busy)?;
        if transport == Transport::Tcp {
            let taken_up = running_at(freezes, now.max(queue.tcp_done));
            queue.tcp_done = running_at(freezes, taken_up + self.tcp_service_time);
            return Some(queue.tcp_done);
        }
        while queue.waiting.front().is_some_and(|at| *at <= now) {
            queue.waiting.pop_front();
        }
        if queue.waiting.len() >= self.queue_max {
            return None;
        }
        let taken_up = running_at(freezes, now.max(queue.done));
        if taken_up > now {
            queue.waiting.push_back(taken_up);
        }
        queue.done = running_at(freezes, taken_up + self.service_time);
        Some(queue.done)
    }

    /// The first time from `at` on when servers are not stopped.
    pub(super) fn running_at(&self, at: Time) -> Time {
        running_at(self.freezes, at)
    }
}

fn running_at(freezes: Option<Freezes>, at: Time) -> Time {
    freezes.map_or(at, |freezes| freezes.running_at(at))
}

impl Freezes {
    fn running_at(&self, at: Time) -> Time {
        let since_start_ns = at.nanos_since(self.start.unwrap_or(at));
        match since_start_ns.checked_rem(self.every_ns) {
            Some(within_ns) if within_ns > 0 && within_ns >= self.running_ns => {
                at.plus_nanos(self.every_ns - within_ns)
            }
            _ => at,
        }
    }
}
