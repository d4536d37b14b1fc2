//! One brain for every peer of the lab: what becomes of each exchange.
//!
//! No IO and no clock: the UDP server, the TCP server and the simulator hand it the time, and
//! two scripts with one seed that see the same queries do the same.

mod harm;
mod pace;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use canvass_model::{Rcode, Time, Transport};
use ipnet::IpNet;
use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};
use smallvec::{SmallVec, smallvec};

use crate::impairment::{Impairments, OverCap, Percent};
use crate::query::Query;
use crate::zone::{Responded, Treatment, Zone};
use pace::Pace;

/// Decides on exchanges, and writes their replies.
#[derive(Debug)]
pub struct Script {
    zone: Zone,
    impairments: Impairments,
    /// Nothing is impaired for a query over UDP, and over TCP.
    plain: bool,
    pace: Option<Pace>,
    rng: SmallRng,
    first_query: Option<Time>,
}

/// What becomes of one exchange: replies in the order they leave, or silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The replies; none when the peer stays silent.
    pub deliveries: SmallVec<[Delivery; 4]>,
    /// Why it stays silent, if it does.
    pub silence: Option<Silence>,
    /// The true reply is late.
    pub late: bool,
    /// The name is one of the slow ones.
    pub slow: bool,
}

/// One reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How long after the query it leaves.
    pub delay: Duration,
    /// What it is.
    pub kind: ReplyKind,
}

/// What a reply is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// What the zone holds.
    Answer,
    /// TC and no records.
    Truncated,
    /// A code and no records.
    Rcode(Rcode),
    /// A false answer with another id: these bits of it are flipped.
    WrongId(u16),
    /// A false answer with the right id to another question.
    WrongQuestion,
    /// What the zone holds, made unreadable; the number says how.
    Corrupt(u64),
    /// The reply before it once more.
    Duplicate(Treatment),
}

/// Why nothing comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The server address is dead.
    Dead,
    /// There is an outage.
    Outage,
    /// The rate cap is exceeded.
    OverCap,
    /// The name is never answered.
    Never,
    /// The exchange was lost.
    Lost,
}

impl Script {
    /// The script for these impairments.
    pub fn new(impairments: Impairments) -> Self {
        let pace = impairments.rate_cap.map(|rate| {
            let tenth = NonZeroU32::new(rate.get() / 10).unwrap_or(NonZeroU32::MIN);
            Pace::new(rate, impairments.burst.unwrap_or(tenth))
        });
        Self {
            zone: Zone::new(!impairments.no_edns),
            plain: is_plain(&impairments),
            pace,
            rng: SmallRng::seed_from_u64(impairments.seed),
            first_query: None,
            impairments,
        }
    }

    /// What it was made from.
    pub fn impairments(&self) -> &Impairments {
        &self.impairments
    }

    /// Whether every exchange is answered at once and truly, so that plans depend neither on
    /// time nor on chance.
    pub fn is_plain(&self) -> bool {
        self.plain
    }

    /// Decides on one exchange: the whole of it, once. `server` is the address that was asked.
    pub fn plan(&mut self, now: Time, server: IpAddr, transport: Transport, query: &[u8]) -> Plan {
        if self.plain {
            return Plan::reply(Duration::ZERO, ReplyKind::Answer);
        }
        let first_query = *self.first_query.get_or_insert(now);
        if contains(&self.impairments.dead, server) {
            return Plan::silent(Silence::Dead);
        }
        if is_out(&self.impairments, now.since(first_query)) {
            return Plan::silent(Silence::Outage);
        }
        if self
            .pace
            .as_mut()
            .is_some_and(|pace| !pace.admit(now, server))
        {
            return match self.impairments.over {
                OverCap::Silent => Plan::silent(Silence::OverCap),
                OverCap::Refused => Plan::reply(self.delay(), ReplyKind::Rcode(Rcode::REFUSED)),
            };
        }
        if contains(&self.impairments.lying, server) {
            return Plan::reply(self.delay(), ReplyKind::Rcode(Rcode::SERVFAIL));
        }
        if harm::name_is_within(query, self.impairments.never, harm::NEVER) {
            return Plan::silent(Silence::Never);
        }
        let udp = transport == Transport::Udp;
        if udp && self.draw(self.impairments.loss) {
            return Plan::silent(Silence::Lost);
        }
        self.plan_reply(udp, query)
    }

    /// Appends one planned reply to `query` to `reply`. `None` when such a query gets none:
    /// it has no header, or is no query.
    pub fn render(
        &self,
        query: &[u8],
        transport: Transport,
        kind: ReplyKind,
        reply: &mut Vec<u8>,
    ) -> Option<Responded> {
        let treatment = match kind {
            ReplyKind::Answer => Treatment::Answer,
            ReplyKind::Duplicate(treatment) => treatment,
            ReplyKind::Truncated => Treatment::Truncate,
            ReplyKind::Rcode(rcode) => Treatment::Rcode(rcode),
            ReplyKind::WrongId(flipped) => return harm::wrong_id(query, flipped, reply),
            ReplyKind::WrongQuestion => return harm::wrong_question(query, reply),
            ReplyKind::Corrupt(entropy) => {
                let start = reply.len();
                let responded = self
                    .zone
                    .respond(query, transport, Treatment::Answer, reply)?;
                harm::corrupt(reply, start, entropy);
                return Some(responded);
            }
        };
        self.zone.respond(query, transport, treatment, reply)
    }

    /// Whether a reply of this kind would say what the zone holds, so that another server's
    /// answer can take its place.
    pub(crate) fn wants_answer(&self, query: &[u8], kind: ReplyKind) -> bool {
        let has_opt = || Query::parse(query).is_ok_and(|query| query.edns.is_some());
        let is_answer = matches!(
            kind,
            ReplyKind::Answer | ReplyKind::Corrupt(_) | ReplyKind::Duplicate(Treatment::Answer)
        );
        is_answer && !(self.impairments.no_edns && has_opt())
    }

    /// Makes another server's answer, which has a header, a reply of a kind that
    /// [`wants_answer`](Self::wants_answer). The code told is the header's alone.
    pub(crate) fn relay(kind: ReplyKind, answer: &mut Vec<u8>) -> Responded {
        let responded = Responded {
            rcode: Rcode(u16::from(answer[3] & 0x0f)),
            truncated: answer[2] & 0x02 != 0,
        };
        if let ReplyKind::Corrupt(entropy) = kind {
            harm::corrupt(answer, 0, entropy);
        }
        responded
    }

    fn plan_reply(&mut self, udp: bool, query: &[u8]) -> Plan {
        let treatment = if self.draw(self.impairments.servfail) {
            Treatment::Rcode(Rcode::SERVFAIL)
        } else if self.draw(self.impairments.refused) {
            Treatment::Rcode(Rcode::REFUSED)
        } else if udp && self.draw(self.impairments.truncate) {
            Treatment::Truncate
        } else {
            Treatment::Answer
        };
        let mut delay = self.delay();
        let slow = harm::name_is_within(query, self.impairments.slow, harm::SLOW);
        if slow {
            delay += self.impairments.slow_by;
        }
        let late = self.draw(self.impairments.late);
        if late {
            delay += self.impairments.late_by;
        }
        let mut deliveries = SmallVec::new();
        // Whoever forges answers sooner than whoever must look them up.
        if udp && self.draw(self.impairments.forge) {
            let wrong_id = ReplyKind::WrongId(self.rng.random_range(1..=u16::MAX));
            deliveries.extend([wrong_id, ReplyKind::WrongQuestion].map(|kind| Delivery {
                delay: delay / 2,
                kind,
            }));
        }
        let corrupt = udp && self.draw(self.impairments.corrupt);
        let kind = match treatment {
            _ if corrupt => ReplyKind::Corrupt(self.rng.next_u64()),
            Treatment::Answer => ReplyKind::Answer,
            Treatment::Truncate => ReplyKind::Truncated,
            Treatment::Rcode(rcode) => ReplyKind::Rcode(rcode),
        };
        deliveries.push(Delivery { delay, kind });
        if udp && self.draw(self.impairments.duplicate) {
            let kind = match kind {
                ReplyKind::Corrupt(_) => kind,
                _ => ReplyKind::Duplicate(treatment),
            };
            deliveries.push(Delivery { delay, kind });
        }
        Plan {
            deliveries,
            silence: None,
            late,
            slow,
        }
    }

    fn delay(&mut self) -> Duration {
        let Impairments { delay, jitter, .. } = self.impairments;
        if jitter.is_zero() {
            return delay;
        }
        let span_ns = 2 * jitter.as_nanos() as u64;
        let added = Duration::from_nanos(self.rng.random_range(0..=span_ns));
        (delay + added).saturating_sub(jitter)
    }

    fn draw(&mut self, share: Percent) -> bool {
        !share.is_zero() && share.takes(self.rng.next_u32())
    }
}

impl Plan {
    fn reply(delay: Duration, kind: ReplyKind) -> Self {
        Self {
            deliveries: smallvec![Delivery { delay, kind }],
            silence: None,
            late: false,
            slow: false,
        }
    }

    fn silent(silence: Silence) -> Self {
        Self {
            deliveries: SmallVec::new(),
            silence: Some(silence),
            late: false,
            slow: false,
        }
    }
}

/// Whether an outage is on, so long after the first query.
pub(crate) fn is_out(impairments: &Impairments, since_first: Duration) -> bool {
    let Impairments {
        outage_after,
        outage,
        ..
    } = *impairments;
    if outage_after.is_none() && outage.is_none() {
        return false;
    }
    let begin = outage_after.unwrap_or(Duration::ZERO);
    let length = outage.unwrap_or(Duration::MAX);
    since_first >= begin && since_first - begin < length
}

/// Whether an address is in one of the networks.
pub(crate) fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// Whether nothing is set that `plan` looks at.
fn is_plain(impairments: &Impairments) -> bool {
    let Impairments {
        no_edns,
        tcp_close_after,
        tcp_serial,
        tcp_silent,
        tcp_refuse,
        trickle,
        reset_at,
        close_at,
        time_skew_s,
        seed,
        late_by,
        slow_by,
        burst,
        over,
        ..
    } = *impairments;
    // These have their effect elsewhere, or none on their own.
    let only_these = Impairments {
        no_edns,
        tcp_close_after,
        tcp_serial,
        tcp_silent,
        tcp_refuse,
        trickle,
        reset_at,
        close_at,
        time_skew_s,
        seed,
        late_by,
        slow_by,
        burst,
        over,
        ..Impairments::default()
    };
    *impairments == only_these
}

#[cfg(test)]
mod tests;
