//! What can go wrong, and how often.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

/// How probable each fault is at an operation, 0 to 1. At most one of them happens at a time, so their sum
/// is at most 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FaultRates {
    /// The request does not reach the broker.
    pub request_lost: f64,
    /// The operation takes effect, and the answer is lost.
    pub reply_lost: f64,
    /// The operation takes effect twice; the client gets the second answer.
    pub repeated: f64,
    /// This and all later operations of the client fail for [`away_for`](Self::away_for).
    pub away: f64,
    /// The broker cannot write. Operations that only read, or that free memory, are done.
    pub unwilling: f64,
    /// Another process with the same contents takes over. The connection breaks before the operation.
    pub restart: f64,
    /// Another process takes over that lacks up to [`failover_max`](Self::failover_max) operations.
    pub failover: f64,
    /// All contents are removed.
    pub flush: f64,
    /// How long a client is away.
    pub away_for: Duration,
    /// The most operations that are lost when another process takes over.
    pub failover_max: usize,
}

/// What happens to one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    RequestLost,
    ReplyLost,
    Repeated,
    Away,
    Unwilling,
    Restart,
    Failover,
    Flush,
}

impl FaultRates {
    /// Draws the fault of an operation, if it has one.
    pub(super) fn draw(&self, rng: &mut StdRng) -> Option<Fault> {
        let mut rest: f64 = rng.random();
        let faults = [
            (Fault::RequestLost, self.request_lost),
            (Fault::ReplyLost, self.reply_lost),
            (Fault::Repeated, self.repeated),
            (Fault::Away, self.away),
            (Fault::Unwilling, self.unwilling),
            (Fault::Restart, self.restart),
            (Fault::Failover, self.failover),
            (Fault::Flush, self.flush),
        ];
        for (fault, rate) in faults {
            if rest < rate {
                return Some(fault);
            }
            rest -= rate;
        }
        None
    }
}
