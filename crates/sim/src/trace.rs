//! What happened, as one number and, if asked for, as lines.

use canvass_model::{Outcome, Time};

use crate::digest::{self, Fnv};

/// Whether a run tells what happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Telling {
    /// It only counts.
    #[default]
    Nothing,
    /// Each packet, connection and outcome is a line on standard error.
    Everything,
}

/// All that a run did, in order.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: Fnv,
    telling: Telling,
}

impl Trace {
    pub fn new(telling: Telling) -> Self {
        Self {
            hash: Fnv::default(),
            telling,
        }
    }

    /// Takes down how a job ended.
    pub fn outcome(&mut self, outcome: &Outcome) {
        self.event(outcome.finished, "outcome", outcome.job.seq, &[]);
        digest::with_times(&mut self.hash, outcome);
        if self.telling == Telling::Everything {
            eprintln!("{:14} {outcome:?}", "");
        }
    }

    /// Takes down that `what` happened at `now`, to `whom`, with these octets.
    pub fn event(&mut self, now: Time, what: &'static str, whom: u64, octets: &[u8]) {
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

    pub fn hash(&self) -> u64 {
        self.hash.value()
    }
}

/// The first octets, as many as fit a line.
fn hexadecimal(octets: &[u8]) -> String {
    octets
        .iter()
        .take(40)
        .map(|octet| format!("{octet:02x}"))
        .collect()
}
