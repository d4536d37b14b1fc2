//! What the lab did, counted by its thread and read by any other.

mod counts;
mod service;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use canvass_model::Rcode;

use counts::counts;

use crate::histogram::{Histogram, Spread};
use crate::script::{Plan, ReplyKind, Silence};
use crate::zone::Responded;

pub(crate) use service::{ServiceCount, ServiceMeter};
pub use service::{ServiceCounts, ServiceReport};

counts! {
    /// One counter's place.
    Count;
    /// Everything the lab counts.
    Counts;

    /// Queries that came over UDP.
    QueriesUdp, queries_udp, "queries over UDP";
    /// Queries that came over TCP.
    QueriesTcp, queries_tcp, "queries over TCP";
    /// True answers sent, NXDOMAIN and no data among them.
    Answered, answered, "answered";
    /// Replies sent with TC.
    Truncated, truncated, "truncated";
    /// SERVFAIL sent.
    Servfail, servfail, "SERVFAIL";
    /// REFUSED sent.
    Refused, refused, "REFUSED";
    /// FORMERR, NOTIMP and BADVERS sent.
    Formerr, formerr, "FORMERR";
    /// False answers sent.
    Forged, forged, "forged";
    /// Second copies sent.
    Duplicated, duplicated, "duplicated";
    /// Unreadable replies sent.
    Corrupted, corrupted, "corrupted";
    /// Exchanges whose true reply was decided to be late.
    Late, late, "late";
    /// Exchanges about a slow name.
    Slow, slow, "slow";
    /// Exchanges lost by chance.
    Lost, lost, "lost";
    /// Exchanges about a name that is never answered.
    Never, never, "never answered";
    /// Queries over the rate cap that got no answer.
    OverCap, over_cap, "over the rate cap, silent";
    /// Queries to a dead server address.
    Dead, dead, "to a dead server";
    /// Queries during an outage.
    Outage, outage, "during an outage";
    /// Queries on connections that are not answered at all.
    Unheard, unheard, "on silent connections";
    /// Messages that are no query, and datagrams longer than any.
    Unreadable, unreadable, "unreadable";
    /// Queries to an address outside loopback, not answered.
    Foreign, foreign, "from outside, ignored";
    /// TCP connections accepted.
    Connections, connections, "connections accepted";
    /// TCP connections closed after their number of answers.
    ClosedByLab, closed_by_lab, "connections closed after their answers";
    /// Attempts to accept a connection that failed.
    AcceptErrors, accept_errors, "connections not accepted";
    /// Replies the system would not send, or whose connection was gone.
    SendErrors, send_errors, "replies not sent";
    /// Replies dropped since too many were waiting for their time.
    Overflow, overflow, "replies dropped, too many waiting";
    /// Queries passed on to the server that is forwarded to. All that are not open any more were
    /// answered or never answered by it.
    Forwarded, forwarded, "forwarded";
    /// Forwarded queries that the server answered.
    ForwardAnswered, forward_answered, "answered by the server";
    /// Forwarded queries that the server never answered: ten seconds passed, its connection was
    /// refused or closed, the system would not send the query, or the lab ended first.
    ForwardUnanswered, forward_unanswered, "never answered by the server";
    /// Those of them that the system would not send.
    ForwardErrors, forward_errors, "not sent to the server";
    /// Queries that were not forwarded since too many were open.
    ForwardFull, forward_full, "not forwarded, too many open";
    /// Messages from the server that answer no open query.
    ForwardUnknown, forward_unknown, "unknown answers from the server, dropped";
}

/// The counters and histograms of a running lab. One thread writes.
#[derive(Debug)]
pub(crate) struct Meter {
    counts: [AtomicU64; COUNTS],
    given: Histogram,
    error: Histogram,
}

impl Meter {
    pub fn new() -> Self {
        Self {
            counts: [const { AtomicU64::new(0) }; COUNTS],
            given: Histogram::new(),
            error: Histogram::new(),
        }
    }

    pub fn add(&self, count: Count) {
        self.add_many(count, 1);
    }

    pub fn add_many(&self, count: Count, many: u64) {
        // One writer, so that a plain load and store do.
        let counter = &self.counts[count as usize];
        counter.store(counter.load(Ordering::Relaxed) + many, Ordering::Relaxed);
    }

    /// Counts what a plan says beyond its replies.
    pub fn add_plan(&self, plan: &Plan) {
        if let Some(silence) = plan.silence {
            self.add(match silence {
                Silence::Dead => Count::Dead,
                Silence::Outage => Count::Outage,
                Silence::OverCap => Count::OverCap,
                Silence::Never => Count::Never,
                Silence::Lost => Count::Lost,
            });
        }
        if plan.late {
            self.add(Count::Late);
        }
        if plan.slow {
            self.add(Count::Slow);
        }
    }

    /// Takes down the delay a reply was given, and the one it was to have.
    pub fn add_delay(&self, given: Duration, asked: Duration) {
        self.given.record(given);
        self.error.record(given.abs_diff(asked));
    }

    pub fn report(&self, kernel_drops: u64) -> LabReport {
        LabReport {
            counts: Counts::read(|count| self.counts[count as usize].load(Ordering::Relaxed)),
            kernel_drops,
            delay: self.given.spread(),
            delay_error: self.error.spread(),
            services: Vec::new(),
        }
    }
}

impl Count {
    /// What a reply counts as once it has been sent.
    pub fn of_reply(kind: ReplyKind, responded: Responded) -> Self {
        match kind {
            ReplyKind::WrongId(_) | ReplyKind::WrongQuestion => Self::Forged,
            ReplyKind::Corrupt(_) => Self::Corrupted,
            ReplyKind::Duplicate(_) => Self::Duplicated,
            ReplyKind::Answer | ReplyKind::Truncated | ReplyKind::Rcode(_) => {
                match responded.rcode {
                    _ if responded.truncated => Self::Truncated,
                    Rcode::NOERROR | Rcode::NXDOMAIN => Self::Answered,
                    Rcode::SERVFAIL => Self::Servfail,
                    Rcode::REFUSED => Self::Refused,
                    _ => Self::Formerr,
                }
            }
        }
    }
}

/// What the lab did so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabReport {
    /// Everything that was counted.
    pub counts: Counts,
    /// Datagrams the kernel dropped since the lab did not read them soon enough: above zero,
    /// the lab was the limit.
    pub kernel_drops: u64,
    /// The delay that replies with one were given, from reading the query to sending the reply.
    /// What a server that is forwarded to takes is part of it, and its answers are all counted.
    pub delay: Spread,
    /// By how much the delay given differs from the one asked for, which is zero where none was
    /// set.
    pub delay_error: Spread,
    /// What each service besides DNS did, in the order they were asked for.
    pub services: Vec<ServiceReport>,
}

impl fmt::Display for LabReport {
    /// A few lines for a person; what never happened is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lab:")?;
        let mut separator = " ";
        let drops = ("dropped by the kernel unread", self.kernel_drops);
        for (words, count) in self.counts.named().into_iter().chain([drops]) {
            if count > 0 {
                write!(f, "{separator}{count} {words}")?;
                separator = ", ";
            }
        }
        if separator == " " {
            write!(f, " nothing happened")?;
        }
        if self.delay.count > 0 {
            for (words, spread) in [("delay given", self.delay), ("its error", self.delay_error)] {
                write!(
                    f,
                    "\n  {words}: p50 {} p99 {} max {}",
                    Micros(spread.p50),
                    Micros(spread.p99),
                    Micros(spread.max)
                )?;
            }
            write!(f, " ({} replies)", self.delay.count)?;
        }
        for service in self.services.iter().filter(|service| !service.is_idle()) {
            write!(f, "\n  {service}")?;
        }
        Ok(())
    }
}

/// A span in whole microseconds.
struct Micros(Duration);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} us", self.0.as_micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_what_happened_and_no_more() {
        let meter = Meter::new();
        assert_eq!(meter.report(0).to_string(), "lab: nothing happened");
        meter.add_many(Count::QueriesUdp, 2);
        meter.add(Count::Answered);
        meter.add(Count::Lost);
        assert_eq!(
            meter.report(0).to_string(),
            "lab: 2 queries over UDP, 1 answered, 1 lost"
        );
        let asked = Duration::from_millis(20);
        meter.add_delay(asked + Duration::from_micros(64), asked);
        assert_eq!(
            meter.report(0).to_string(),
            "lab: 2 queries over UDP, 1 answered, 1 lost\n  \
             delay given: p50 20064 us p99 20064 us max 20064 us\n  \
             its error: p50 64 us p99 64 us max 64 us (1 replies)"
        );
    }
}
