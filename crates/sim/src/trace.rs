//! A hash and, on request, a printed trace of the events of a run.

use canvass_model::{Outcome, Time};

use crate::digest::{self, Fnv};

/// Whether a run prints its trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Telling {
    /// Only the hash is computed.
    #[default]
    Nothing,
    /// Each packet, connection and outcome is printed to standard error.
    Everything,
}

/// The events of a run, in order.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: Fnv,
    telling: Telling,
}

impl Trace {
    pub(crate) fn new(telling: Telling) -> Self {
        Self {
            hash: Fnv::default(),
            telling,
        }
    }

    /// Adds an outcome.
    pub(crate) fn outcome(&mut self, outcome: &Outcome) {
        self.event(outcome.finished, "outcome", outcome.job.seq, &[]);
        digest::with_times(&mut self.hash, outcome);
        if self.telling == Telling::Everything {
            eprintln!("{:14} {outcome:?}", "");
        }
    }

    /// Adds the event `what` at the time `now` on the socket `whom`, with its octets.
    pub(crate) fn event(&mut self, now: Time, what: &'static str, whom: u64, octets: &[u8]) {
        self.hash.number(now.as_nanos());
        self.hash.octets(what.as_bytes());
        self.hash.number(whom);
        self.hash.octets(octets);
        if self.telling == Telling::Everything {
            let seconds = now.as_nanos() as f64 / 1e9;
            eprintln!(
                "{seconds:14.9} {what:<16} {whom:>6} {}",
                hexadecimal(octets)
            );
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash.value()
    }
}

/// The first octets, as many as fit into a line.
fn hexadecimal(octets: &[u8]) -> String {
    octets
        .iter()
        .take(40)
        .map(|octet| format!("{octet:02x}"))
        .collect()
}
