//! What happened, as one number and, if asked for, as lines.

use std::fmt::{self, Write};

use canvass_model::{Outcome, Time};

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
    hash: u64,
    telling: Telling,
}

impl Trace {
    pub fn new(telling: Telling) -> Self {
        Self {
            // FNV-1a: no strength is needed, only that it is the same everywhere.
            hash: 0xcbf2_9ce4_8422_2325,
            telling,
        }
    }

    /// Takes down how a job ended.
    pub fn outcome(&mut self, outcome: &Outcome) {
        self.event(outcome.finished, "outcome", outcome.job.seq, &[]);
        let mut text = Text {
            trace: self,
            shown: String::new(),
        };
        // A text takes everything.
        let _ = write!(text, "{outcome:?}");
        if text.trace.telling == Telling::Everything {
            eprintln!("{:14} {}", "", text.shown);
        }
    }

    /// Takes down that `what` happened at `now`, to `whom`, with these octets.
    pub fn event(&mut self, now: Time, what: &'static str, whom: u64, octets: &[u8]) {
        self.take(&now.as_nanos().to_le_bytes());
        self.take(what.as_bytes());
        self.take(&whom.to_le_bytes());
        self.take(octets);
        if self.telling == Telling::Everything {
            let seconds = now.as_nanos() as f64 / 1e9;
            eprintln!(
                "{seconds:14.9} {what:<16} {whom:>6} {}",
                hexadecimal(octets)
            );
        }
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }

    fn take(&mut self, octets: &[u8]) {
        self.hash = octets.iter().fold(self.hash, |hash, octet| {
            (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    }
}

/// What is written goes into the hash, and is kept only where it is told.
struct Text<'a> {
    trace: &'a mut Trace,
    shown: String,
}

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.trace.take(text.as_bytes());
        if self.trace.telling == Telling::Everything {
            self.shown.push_str(text);
        }
        Ok(())
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
