//! What each service did, counted by the services' thread and read by any other.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::counts::counts;
use crate::histogram::{Histogram, Spread};
use crate::service::ServiceKind;

counts! {
    /// One counter's place.
    ServiceCount;
    /// Everything that is counted of one service.
    ServiceCounts;

    /// Connections accepted.
    Connections, connections, "connections";
    /// Requests and lines read, and times told.
    Requests, requests, "requests";
    /// Datagrams read.
    Datagrams, datagrams, "datagrams";
    /// Datagrams answered, each copy counted.
    Replies, replies, "datagrams sent";
    /// Connections the service has reset.
    Resets, resets, "reset by the lab";
    /// Connections the service has closed.
    Closed, closed, "closed by the lab";
    /// Connections and datagrams to an address outside loopback, not served.
    Foreign, foreign, "from outside, ignored";
    /// Attempts to accept a connection that failed.
    AcceptErrors, accept_errors, "connections not accepted";
    /// Datagrams the system would not send, or that were dropped since too many waited.
    SendErrors, send_errors, "datagrams not sent";
}

/// The counters and histograms of one running service. One thread writes.
#[derive(Debug)]
pub(crate) struct ServiceMeter {
    counts: [AtomicU64; COUNTS],
    given: Histogram,
    error: Histogram,
}

impl ServiceMeter {
    pub fn new() -> Self {
        Self {
            counts: [const { AtomicU64::new(0) }; COUNTS],
            given: Histogram::new(),
            error: Histogram::new(),
        }
    }

    pub fn add(&self, count: ServiceCount) {
        self.add_many(count, 1);
    }

    pub fn add_many(&self, count: ServiceCount, many: u64) {
        // One writer, so that a plain load and store do.
        let counter = &self.counts[count as usize];
        counter.store(counter.load(Ordering::Relaxed) + many, Ordering::Relaxed);
    }

    /// Takes down the delay something was given, and the one it was to have.
    pub fn add_delay(&self, given: Duration, asked: Duration) {
        self.given.record(given);
        self.error.record(given.abs_diff(asked));
    }

    pub fn report(&self, kind: ServiceKind, address: SocketAddr) -> ServiceReport {
        ServiceReport {
            kind,
            address,
            counts: ServiceCounts::read(|count| {
                self.counts[count as usize].load(Ordering::Relaxed)
            }),
            delay: self.given.spread(),
            delay_error: self.error.spread(),
        }
    }
}

/// What one service did so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceReport {
    /// What it speaks.
    pub kind: ServiceKind,
    /// Where it listens.
    pub address: SocketAddr,
    /// Everything that was counted.
    pub counts: ServiceCounts,
    /// The delays that were given, by impairment or since a client asked for them.
    pub delay: Spread,
    /// By how much the delays given differ from those asked for.
    pub delay_error: Spread,
}

impl ServiceReport {
    /// Whether nothing happened to it.
    pub fn is_idle(&self) -> bool {
        self.counts.named().into_iter().all(|(_, count)| count == 0)
    }
}

impl fmt::Display for ServiceReport {
    /// One line for a person; what never happened is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}:", self.kind, self.address)?;
        let mut separator = " ";
        for (words, count) in self.counts.named() {
            if count > 0 {
                write!(f, "{separator}{count} {words}")?;
                separator = ", ";
            }
        }
        if separator == " " {
            write!(f, " nothing happened")?;
        }
        if self.delay.count > 0 {
            let (given, error) = (self.delay, self.delay_error);
            write!(
                f,
                ", {} delays: p50 {} us p99 {} us, their error: p50 {} us p99 {} us",
                given.count,
                given.p50.as_micros(),
                given.p99.as_micros(),
                error.p50.as_micros(),
                error.p99.as_micros()
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_what_happened_and_no_more() {
        let meter = ServiceMeter::new();
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        let report = || meter.report(ServiceKind::Http, address).to_string();
        assert_eq!(report(), "http on 127.0.0.1:80: nothing happened");
        meter.add(ServiceCount::Connections);
        meter.add_many(ServiceCount::Requests, 3);
        let asked = Duration::from_millis(20);
        meter.add_delay(asked + Duration::from_micros(64), asked);
        assert_eq!(
            report(),
            "http on 127.0.0.1:80: 1 connections, 3 requests, \
             1 delays: p50 20064 us p99 20064 us, their error: p50 64 us p99 64 us"
        );
    }
}
