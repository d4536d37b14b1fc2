//! What both sides are asked, and what they found.

use std::net::IpAddr;
use std::time::Duration;

use canvass_model::{DnsName, Job, Target};

/// One target of the list, as both sides understand it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// The names of an address.
    Names(IpAddr),
    /// The addresses of a name, of both kinds.
    Addresses {
        /// The whole name.
        name: DnsName,
        /// As it was typed.
        given: Box<str>,
    },
}

/// What one side found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Names, in lower case and without the last dot.
    Names(Vec<Box<str>>),
    /// Addresses, in order and each once.
    Addresses(Vec<IpAddr>),
    /// The answer that there is nothing, in the side's own word.
    Nothing(Box<str>),
    /// No usable answer, and why.
    Failed(Box<str>),
}

/// What came of one block's questions.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The targets that are done.
    pub done: Vec<Done>,
    /// How long they took: to the last answer, and not to when somebody looked.
    pub wall: Duration,
    /// How much of it passed after all but one in a hundred were there.
    pub tail: Duration,
    /// Outcomes of canvass: a name has two.
    pub outcomes: u64,
    /// Of these, how many are no failure.
    pub good: u64,
}

/// A target of one block that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Done {
    /// Its place in the chunk.
    pub place: u32,
    /// How long it took.
    pub latency_ns: u64,
    /// What was found.
    pub found: Found,
}

impl Question {
    /// What a job of the list asks; why nothing can be asked of it otherwise.
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

    /// How a person reads it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Names(address) => address.to_string(),
            Self::Addresses { given, .. } => given.to_string(),
        }
    }
}

impl Found {
    /// Names as they are compared: the case and the last dot of a name mean nothing (RFC 1034
    /// §3.1).
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
            return Self::Nothing("no name".into());
        }
        Self::Names(names)
    }

    /// Addresses as they are compared.
    pub(super) fn addresses(mut addresses: Vec<IpAddr>) -> Self {
        if addresses.is_empty() {
            return Self::Nothing("no address".into());
        }
        addresses.sort_unstable();
        addresses.dedup();
        Self::Addresses(addresses)
    }

    /// Whether there was an answer, be it that there is nothing.
    pub(super) fn is_answer(&self) -> bool {
        !matches!(self, Self::Failed(_))
    }

    /// Whether anything was found.
    pub(super) fn is_something(&self) -> bool {
        matches!(self, Self::Names(_) | Self::Addresses(_))
    }

    /// Whether the other side's find, which may be one of many, is among this one's.
    pub(super) fn holds(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Names(ours), Self::Names(theirs)) => {
                theirs.iter().all(|name| ours.contains(name))
            }
            (Self::Addresses(ours), Self::Addresses(theirs)) => {
                theirs.iter().all(|address| ours.contains(address))
            }
            (Self::Nothing(_), Self::Nothing(_)) | (Self::Failed(_), Self::Failed(_)) => true,
            _ => false,
        }
    }

    /// How a person reads it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Names(names) => names.join(" "),
            Self::Addresses(addresses) => {
                let shown: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
                shown.join(" ")
            }
            Self::Nothing(why) | Self::Failed(why) => format!("({why})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_our_names_is_the_same_answer() {
        let ours = Found::names(["A.example.", "b.example."]);
        assert!(ours.holds(&Found::names(["B.Example"])));
        assert!(!ours.holds(&Found::names(["c.example"])));
        assert!(!ours.holds(&Found::Nothing("no name".into())));
        assert!(!Found::names(["b.example"]).holds(&ours));
        assert_eq!(Found::names([]).shown(), "(no name)");
    }

    #[test]
    fn the_order_of_addresses_does_not_matter() {
        let [one, two]: [IpAddr; 2] = [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
        let ours = Found::addresses(vec![two, one]);
        assert_eq!(ours, Found::addresses(vec![one, two, one]));
        assert!(ours.holds(&Found::addresses(vec![two])));
        assert_eq!(ours.shown(), "192.0.2.1 192.0.2.2");
    }
}
