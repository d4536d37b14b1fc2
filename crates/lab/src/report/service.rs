//! What each service besides DNS did.

use std::fmt;
use std::net::SocketAddr;

use super::metrics::{Metrics, counters};
use super::{Percentiles, write_counts};
use crate::histogram::HistogramSummary;
use crate::service::ServiceKind;

counters! {
    /// The counters of a service.
    ServiceCounter;
    /// Everything that is counted per service.
    ServiceCounts;

    /// Connections accepted.
    Connections, connections, "connections", "connection";
    /// Requests and lines read, and times sent.
    Requests, requests, "requests", "request";
    /// Datagrams received.
    Datagrams, datagrams, "datagrams", "datagram";
    /// Datagrams sent, including second copies.
    Replies, replies, "datagrams sent", "datagram sent";
    /// Connections that the service has reset.
    Resets, resets, "reset by the lab";
    /// Connections that the service has closed.
    Closed, closed, "closed by the lab";
    /// Connections and datagrams to an address outside loopback, which are ignored.
    NotLoopback, not_loopback, "to an address outside loopback (ignored)";
    /// Failed attempts to accept a connection.
    AcceptErrors, accept_errors, "connections not accepted", "connection not accepted";
    /// Datagrams that the system did not send, or that were dropped because too many were delayed.
    SendErrors, send_errors, "datagrams not sent", "datagram not sent";
}

/// What one service did so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceReport {
    /// The protocol.
    pub kind: ServiceKind,
    /// The address it listens on.
    pub address: SocketAddr,
    /// Its counters.
    pub counts: ServiceCounts,
    /// The delays that were applied, due to an impairment or to a request.
    pub delay: HistogramSummary,
    /// By how much the applied delays differ from the planned ones.
    pub delay_error: HistogramSummary,
}

impl ServiceReport {
    pub(crate) fn new(
        kind: ServiceKind,
        address: SocketAddr,
        metrics: &Metrics<ServiceCounter>,
    ) -> Self {
        let [delay, delay_error] = metrics.delays();
        Self {
            kind,
            address,
            counts: ServiceCounts::read(metrics),
            delay,
            delay_error,
        }
    }

    /// Whether all counters are zero.
    pub fn is_idle(&self) -> bool {
        self.counts.labelled().next().is_none()
    }
}

impl fmt::Display for ServiceReport {
    /// One line for a person. Counters that are zero are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}:", self.kind, self.address)?;
        write_counts(f, self.counts.labelled())?;
        if self.delay.count > 0 {
            let delays = self.delay.count;
            let label = if delays == 1 { "delay" } else { "delays" };
            write!(
                f,
                ", {delays} {label}: {}, error: {}",
                Percentiles(self.delay),
                Percentiles(self.delay_error)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_report_prints_what_happened_and_no_zeros() {
        let metrics = Metrics::new();
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        let report = || ServiceReport::new(ServiceKind::Http, address, &metrics).to_string();
        assert_eq!(report(), "http on 127.0.0.1:80: no traffic");
        metrics.add(ServiceCounter::Connections);
        metrics.add_many(ServiceCounter::Requests, 3);
        let planned = Duration::from_millis(20);
        metrics.add_delay(planned + Duration::from_micros(64), planned);
        assert_eq!(
            report(),
            "http on 127.0.0.1:80: 1 connection, 3 requests, 1 delay: \
             p50 20064 us p99 20064 us max 20064 us, error: p50 64 us p99 64 us max 64 us"
        );
    }
}
