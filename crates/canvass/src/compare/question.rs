//! The questions to both sides, and their results.

use std::net::IpAddr;
use std::time::Duration;

use canvass_model::{DnsName, Job, Target};

/// The lookup of one target, as both sides do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// The names of an address.
    Names(IpAddr),
    /// The addresses of a name, of both families.
    Addresses {
        /// The fully qualified name.
        name: DnsName,
        /// The name as given.
        given: Box<str>,
    },
}

/// The result of a lookup by one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LookupResult {
    /// Names, in lower case and without the last dot.
    Names(Vec<Box<str>>),
    /// Addresses, in order and each once.
    Addresses(Vec<IpAddr>),
    /// The name does not exist or has no such records, in the side's own term.
    Empty(Box<str>),
    /// No usable answer, and why.
    Failed(Box<str>),
}

/// The results of one block.
#[derive(Debug, Default)]
pub(super) struct BlockResult {
    /// The completed targets.
    pub targets: Vec<TargetResult>,
    /// The time from the start of the block to the last answer.
    pub wall: Duration,
    /// The part of it after 99 % of the answers had arrived.
    pub tail: Duration,
    /// The number of outcomes of canvass: a name has two.
    pub outcomes: u64,
    /// How many of them did not fail.
    pub good: u64,
}

/// A completed target of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TargetResult {
    /// Its index in the chunk.
    pub index: u32,
    /// The latency of the lookup.
    pub latency_ns: u64,
    /// The result of the lookup.
    pub result: LookupResult,
}

impl Question {
    /// The question for a job of the list, or the reason why there is none.
    pub(super) fn of(job: Job) -> Result<Self, String> {
        if let Some(address) = job.target.reverse_address() {
            return Ok(Self::Names(address));
        }
        let (given, reason) = match job.target {
            Target::Name { name, given } => return Ok(Self::Addresses { name, given }),
            Target::Invalid { given, reason } => (given, reason),
            other => return Err(format!("{other:?} is neither an address nor a name")),
        };
        let line = job
            .line
            .map_or_else(String::new, |line| format!("line {line}, "));
        Err(format!("{line}{given:?}: {reason}"))
    }

    /// The text in output.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Names(address) => address.to_string(),
            Self::Addresses { given, .. } => given.to_string(),
        }
    }
}

impl LookupResult {
    /// Normalises names for comparison: without case and without the last dot (RFC 1034 §3.1).
    pub(super) fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<Box<str>> = names
            .into_iter()
            .map(|name| {
                name.strip_suffix('.')
                    .unwrap_or(name)
                    .to_ascii_lowercase()
                    .into()
            })
            .collect();
        if names.is_empty() {
            return Self::Empty("no name".into());
        }
        Self::Names(names)
    }

    /// Normalises addresses for comparison.
    pub(super) fn addresses(mut addresses: Vec<IpAddr>) -> Self {
        if addresses.is_empty() {
            return Self::Empty("no address".into());
        }
        addresses.sort_unstable();
        addresses.dedup();
        Self::Addresses(addresses)
    }

    /// Whether there was an answer, also a negative one.
    pub(super) fn is_answer(&self) -> bool {
        !matches!(self, Self::Failed(_))
    }

    /// Whether there are names or addresses.
    pub(super) fn has_records(&self) -> bool {
        matches!(self, Self::Names(_) | Self::Addresses(_))
    }

    /// Whether all names or addresses of the other side are among these.
    pub(super) fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Names(ours), Self::Names(theirs)) => {
                theirs.iter().all(|name| ours.contains(name))
            }
            (Self::Addresses(ours), Self::Addresses(theirs)) => {
                theirs.iter().all(|address| ours.contains(address))
            }
            (Self::Empty(_), Self::Empty(_)) | (Self::Failed(_), Self::Failed(_)) => true,
            _ => false,
        }
    }

    /// The text in output.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Names(names) => names.join(" "),
            Self::Addresses(addresses) => {
                let shown: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
                shown.join(" ")
            }
            Self::Empty(why) | Self::Failed(why) => format!("({why})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_our_names_is_the_same_answer() {
        let ours = LookupResult::names(["A.example.", "b.example."]);
        assert!(ours.contains(&LookupResult::names(["B.Example"])));
        assert!(!ours.contains(&LookupResult::names(["c.example"])));
        assert!(!ours.contains(&LookupResult::Empty("no name".into())));
        assert!(!LookupResult::names(["b.example"]).contains(&ours));
        assert_eq!(LookupResult::names([]).shown(), "(no name)");
    }

    #[test]
    fn the_order_of_addresses_does_not_matter() {
        let [one, two]: [IpAddr; 2] = [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
        let ours = LookupResult::addresses(vec![two, one]);
        assert_eq!(ours, LookupResult::addresses(vec![one, two, one]));
        assert!(ours.contains(&LookupResult::addresses(vec![two])));
        assert_eq!(ours.shown(), "192.0.2.1 192.0.2.2");
    }
}
