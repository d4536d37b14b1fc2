//! What happened, as one number and, if asked for, as lines.

use canvass_model::Time;

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

    /// Takes down that `what` happened at `now`, to `whom`, with these octets.
    pub fn event(&mut self, now: Time, what: &'static str, whom: u64, octets: &[u8]) {
        let hash = [
            &now.as_nanos().to_le_bytes(),
            what.as_bytes(),
            &whom.to_le_bytes(),
            octets,
        ]
        .into_iter()
        .flatten()
        .fold(self.hash, |hash, octet| {
            (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        self.hash = hash;
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
}

/// The first octets, as many as fit a line.
fn hexadecimal(octets: &[u8]) -> String {
    octets
        .iter()
        .take(40)
        .map(|octet| format!("{octet:02x}"))
        .collect()
}
