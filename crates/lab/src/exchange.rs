//! One exchange of any transport: what the script decides, and where its replies come from.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use canvass_model::Time;
use smallvec::SmallVec;

use crate::clock::Clock;
use crate::destination::Destination;
use crate::forward::{Forwarder, GivenUp, Returns};
use crate::report::{Count, Meter};
use crate::schedule::{Held, Schedule, WAITING_MAX};
use crate::script::Script;

/// What every transport needs to answer.
pub(crate) struct Core {
    pub script: Script,
    pub clock: Clock,
    pub schedule: Schedule<Destination>,
    pub meter: Arc<Meter>,
    /// Where queries are passed on to, if the zone is not to answer them.
    pub forward: Option<Forwarder>,
    /// Replies that their connections need not wait for any longer.
    pub given_up: Vec<GivenUp>,
    /// Replies of the last exchange that leave at once.
    ready: Vec<Ready>,
    /// Their octets.
    ready_bytes: Vec<u8>,
}

/// A reply that leaves at once.
struct Ready {
    count: Count,
    bytes: Range<usize>,
}

impl Core {
    pub fn new(
        script: Script,
        clock: Clock,
        meter: Arc<Meter>,
        forward: Option<Forwarder>,
    ) -> Self {
        Self {
            script,
            clock,
            schedule: Schedule::new(WAITING_MAX),
            meter,
            forward,
            given_up: Vec::new(),
            ready: Vec::new(),
            ready_bytes: Vec::new(),
        }
    }

    /// The time at which a query was read, if anything depends on it.
    pub fn arrival(&self) -> Time {
        if self.script.is_plain() && self.forward.is_none() {
            Time::ZERO
        } else {
            self.clock.now()
        }
    }

    /// Decides on one query to `server`. What leaves at once is [`ready`](Self::ready) until the
    /// next one; the rest is held back or asked for. Returns how many replies may come later.
    pub fn exchange(
        &mut self,
        received: Time,
        server: IpAddr,
        query: &[u8],
        back: Destination,
    ) -> u32 {
        self.ready.clear();
        self.ready_bytes.clear();
        let transport = back.transport();
        let plan = self.script.plan(received, server, transport, query);
        self.meter.add_plan(&plan);
        let (mut later, mut unreadable) = (0, false);
        let mut from_server = SmallVec::new();
        for &delivery in &plan.deliveries {
            if self.forward.is_some() && self.script.wants_answer(query, delivery.kind) {
                from_server.push(delivery);
                continue;
            }
            let start = self.ready_bytes.len();
            let rendered =
                self.script
                    .render(query, transport, delivery.kind, &mut self.ready_bytes);
            let Some(responded) = rendered else {
                unreadable = true;
                continue;
            };
            let count = Count::of_reply(delivery.kind, responded);
            if delivery.delay.is_zero() {
                let bytes = start..self.ready_bytes.len();
                self.ready.push(Ready { count, bytes });
                continue;
            }
            let held = Held {
                received,
                asked: delivery.delay,
                destination: back,
                count,
                message: self.ready_bytes[start..].into(),
            };
            self.ready_bytes.truncate(start);
            match self.schedule.hold(held) {
                Ok(()) => later += 1,
                Err(_) => self.meter.add(Count::Overflow),
            }
        }
        if let Some(forward) = &mut self.forward
            && !from_server.is_empty()
        {
            if Forwarder::takes(query) {
                later += forward.pass_on(received, query, back, from_server, &self.meter);
            } else {
                unreadable = true;
            }
        }
        if unreadable {
            self.meter.add(Count::Unreadable);
        }
        later
    }

    /// Passes queries on and takes answers, up to a bound. Returns whether there may be more to
    /// do at once.
    pub fn turn_forward(&mut self) -> bool {
        let Some(forward) = &mut self.forward else {
            return false;
        };
        let mut returns = Returns {
            schedule: &mut self.schedule,
            meter: &self.meter,
            given_up: &mut self.given_up,
        };
        forward.turn(self.clock.now(), &mut returns)
    }

    /// When something has to be done whatever happens until then.
    pub fn next_wake(&self) -> Option<Time> {
        let forward = self.forward.as_ref().and_then(Forwarder::next_wake);
        [self.schedule.next_due(), forward]
            .into_iter()
            .flatten()
            .min()
    }

    /// The replies of the last exchange that leave at once.
    pub fn ready(&self) -> impl Iterator<Item = (Count, &[u8])> {
        self.ready
            .iter()
            .map(|ready| (ready.count, &self.ready_bytes[ready.bytes.clone()]))
    }
}
