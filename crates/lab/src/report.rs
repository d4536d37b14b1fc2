//! What the lab did, counted by its threads and read by any other.

mod metrics;
mod service;

use std::fmt;
use std::time::Duration;

use canvass_model::Rcode;

use metrics::counters;

use crate::histogram::HistogramSummary;
use crate::responder::{DropReason, ReplyKind, ReplyPlan};
use crate::zone::ResponseStatus;

pub(crate) use metrics::{Counter, Metrics};
pub(crate) use service::ServiceCounter;
pub use service::{ServiceCounts, ServiceReport};

counters! {
    /// The counters of the DNS server.
    DnsCounter;
    /// Everything that the DNS server counts.
    Counts;

    /// Queries received over UDP.
    QueriesUdp, queries_udp, "queries over UDP", "query over UDP";
    /// Queries received over TCP.
    QueriesTcp, queries_tcp, "queries over TCP", "query over TCP";
    /// True answers sent, including NXDOMAIN and no data.
    Answered, answered, "answered";
    /// Replies sent with TC.
    Truncated, truncated, "truncated";
    /// SERVFAIL sent.
    Servfail, servfail, "SERVFAIL";
    /// REFUSED sent.
    Refused, refused, "REFUSED";
    /// Referrals sent.
    Referred, referred, "referrals", "referral";
    /// FORMERR, NOTIMP and BADVERS sent.
    Formerr, formerr, "FORMERR";
    /// Forged answers sent.
    Forged, forged, "forged";
    /// Second copies sent.
    Duplicated, duplicated, "duplicated";
    /// Corrupt replies sent.
    Corrupted, corrupted, "corrupted";
    /// Queries whose reply is late.
    Late, late, "late";
    /// Queries for a slow name.
    Slow, slow, "slow";
    /// Queries lost at random.
    Lost, lost, "lost";
    /// Queries for a name that is never answered.
    Never, never, "never answered";
    /// Queries over the rate cap that got no reply.
    OverCap, over_cap, "dropped by the rate cap";
    /// Queries over the in-flight cap that got no reply.
    OverInFlightCap, over_in_flight_cap, "dropped by the in-flight cap";
    /// Datagrams that a busy or stopped server had no room for (`queue`).
    QueueFull, queue_full, "dropped by the full queue";
    /// Queries to a dead server address.
    Dead, dead, "to a dead server";
    /// Queries during an outage.
    Outage, outage, "during an outage";
    /// Queries on TCP connections that are never answered (`tcp-silent`).
    TcpSilent, tcp_silent, "on silent connections", "on a silent connection";
    /// Messages that are no query, and datagrams too long for one.
    Malformed, malformed, "malformed";
    /// Queries to an address outside loopback, which are ignored.
    NotLoopback, not_loopback, "to an address outside loopback (ignored)";
    /// TCP connections accepted.
    Connections, connections, "connections accepted", "connection accepted";
    /// TCP connections closed after their last answer (`tcp-close-after`).
    ClosedByLab, closed_by_lab, "connections closed after the last answer", "connection closed after the last answer";
    /// Failed attempts to accept a connection.
    AcceptErrors, accept_errors, "connections not accepted", "connection not accepted";
    /// Replies that the system did not send, or whose connection had closed.
    SendErrors, send_errors, "replies not sent", "reply not sent";
    /// Replies dropped because too many were delayed.
    Overflow, overflow, "replies dropped (too many delayed)", "reply dropped (too many delayed)";
    /// Queries forwarded to the other server. Each ends as answered or as never answered.
    Forwarded, forwarded, "forwarded";
    /// Forwarded queries that the server answered.
    ForwardAnswered, forward_answered, "answered by the server";
    /// Forwarded queries that the server never answered: ten seconds passed, its connection was
    /// refused or closed, the system did not send the query, or the lab stopped first.
    ForwardUnanswered, forward_unanswered, "never answered by the server";
    /// Those of them that the system did not send.
    ForwardErrors, forward_errors, "not sent to the server";
    /// Queries that were not forwarded because too many were open.
    ForwardFull, forward_full, "not forwarded (too many open)";
    /// Messages from the server that answer no open query.
    ForwardUnknown, forward_unknown, "unexpected answers from the server (dropped)", "unexpected answer from the server (dropped)";
}

impl Metrics<DnsCounter> {
    /// Counts what a plan decides beyond its replies.
    pub(crate) fn add_plan(&self, plan: &ReplyPlan) {
        if let Some(reason) = plan.dropped {
            self.add(match reason {
                DropReason::Dead => DnsCounter::Dead,
                DropReason::Outage => DnsCounter::Outage,
                DropReason::QueueFull => DnsCounter::QueueFull,
                DropReason::OverCap => DnsCounter::OverCap,
                DropReason::OverInFlightCap => DnsCounter::OverInFlightCap,
                DropReason::Never => DnsCounter::Never,
                DropReason::Lost => DnsCounter::Lost,
            });
        }
        if plan.late {
            self.add(DnsCounter::Late);
        }
        if plan.slow {
            self.add(DnsCounter::Slow);
        }
    }
}

impl DnsCounter {
    /// The counter of a reply that has been sent.
    pub(crate) fn of_reply(kind: ReplyKind, status: ResponseStatus) -> Self {
        match kind {
            ReplyKind::WrongId(_) | ReplyKind::WrongQuestion => Self::Forged,
            ReplyKind::Corrupt(_) => Self::Corrupted,
            ReplyKind::Duplicate(_) => Self::Duplicated,
            ReplyKind::Referral => Self::Referred,
            ReplyKind::Answer
            | ReplyKind::Truncated
            | ReplyKind::Rcode(_)
            | ReplyKind::NxDomain => match status.rcode {
                _ if status.truncated => Self::Truncated,
                Rcode::NOERROR | Rcode::NXDOMAIN => Self::Answered,
                Rcode::SERVFAIL => Self::Servfail,
                Rcode::REFUSED => Self::Refused,
                _ => Self::Formerr,
            },
        }
    }
}

/// What the lab did so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabReport {
    /// The counters of the DNS server.
    pub counts: Counts,
    /// Datagrams that the kernel dropped because the lab did not read them in time. If there are
    /// any, the lab was the bottleneck.
    pub kernel_drops: u64,
    /// The delay that was applied to delayed replies, from reading the query to sending the
    /// reply. Includes the time that a server takes to which queries are forwarded, all of whose
    /// answers count as delayed.
    pub delay: HistogramSummary,
    /// By how much the applied delay differs from the planned one, which is zero if none was set.
    pub delay_error: HistogramSummary,
    /// What each service besides DNS did, in the order of the configuration.
    pub services: Vec<ServiceReport>,
}

impl LabReport {
    pub(crate) fn new(
        metrics: &Metrics<DnsCounter>,
        kernel_drops: u64,
        services: Vec<ServiceReport>,
    ) -> Self {
        let [delay, delay_error] = metrics.delays();
        Self {
            counts: Counts::read(metrics),
            kernel_drops,
            delay,
            delay_error,
            services,
        }
    }
}

impl fmt::Display for LabReport {
    /// A few lines for a person. Counters that are zero are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lab:")?;
        let drops = (self.kernel_drops > 0).then_some((self.kernel_drops, "dropped by the kernel"));
        write_counts(f, self.counts.labelled().chain(drops))?;
        if self.delay.count > 0 {
            let replies = self.delay.count;
            let label = if replies == 1 { "reply" } else { "replies" };
            write!(
                f,
                "\n  delay applied: {}\n  delay error: {} ({replies} {label})",
                Percentiles(self.delay),
                Percentiles(self.delay_error)
            )?;
        }
        for service in self.services.iter().filter(|service| !service.is_idle()) {
            write!(f, "\n  {service}")?;
        }
        Ok(())
    }
}

/// Writes counts with their labels, separated by commas.
fn write_counts(
    f: &mut fmt::Formatter<'_>,
    counts: impl Iterator<Item = (u64, &'static str)>,
) -> fmt::Result {
    let mut separator = " ";
    for (count, label) in counts {
        write!(f, "{separator}{count} {label}")?;
        separator = ", ";
    }
    if separator == " " {
        write!(f, " no traffic")?;
    }
    Ok(())
}

/// Percentiles in whole microseconds.
struct Percentiles(HistogramSummary);

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = |span: Duration| span.as_micros();
        let HistogramSummary { p50, p99, max, .. } = self.0;
        let [p50, p99, max] = [p50, p99, max].map(micros);
        write!(f, "p50 {p50} us p99 {p99} us max {max} us")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_prints_what_happened_and_no_zeros() {
        let metrics = Metrics::new();
        let report = |drops| LabReport::new(&metrics, drops, Vec::new()).to_string();
        assert_eq!(report(0), "lab: no traffic");
        metrics.add_many(DnsCounter::QueriesUdp, 2);
        metrics.add(DnsCounter::QueriesTcp);
        metrics.add(DnsCounter::Answered);
        metrics.add(DnsCounter::Lost);
        let counts = "lab: 2 queries over UDP, 1 query over TCP, 1 answered, 1 lost";
        assert_eq!(report(0), counts);
        assert_eq!(report(3), format!("{counts}, 3 dropped by the kernel"));
        let planned = Duration::from_millis(20);
        metrics.add_delay(planned + Duration::from_micros(64), planned);
        assert_eq!(
            report(0),
            format!(
                "{counts}\n  delay applied: p50 20064 us p99 20064 us max 20064 us\n  \
                 delay error: p50 64 us p99 64 us max 64 us (1 reply)"
            )
        );
    }
}
