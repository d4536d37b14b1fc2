//! Many changes in one alert.

use serde::{Deserialize, Serialize};

use super::alert::{Alert, dedup_key};

/// The number of changes that a digest lists.
const LISTED_MAX: usize = 50;
/// The number of targets that its summary names.
const NAMED_MAX: usize = 5;

/// Many changes: the first are listed, and the rest counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Digest {
    pub(crate) first: Vec<Alert>,
    /// The number of changes to the worse, and to the better.
    pub(crate) down: u64,
    pub(crate) up: u64,
    /// When the first and the last change happened, in nanoseconds since 1970 (UTC).
    pub(crate) first_unix_ns: u64,
    pub(crate) last_unix_ns: u64,
    /// Made of the keys of all changes, in order.
    pub(crate) dedup_key: Box<str>,
}

impl Digest {
    pub(crate) fn new(first_unix_ns: u64) -> Self {
        Self {
            first: Vec::new(),
            down: 0,
            up: 0,
            first_unix_ns,
            last_unix_ns: first_unix_ns,
            dedup_key: "".into(),
        }
    }

    pub(crate) fn add(&mut self, alert: Alert) {
        self.first_unix_ns = self.first_unix_ns.min(alert.at_unix_ns);
        let subject = format!(
            "{} {} {}",
            self.dedup_key,
            alert.dedup_key,
            alert.event.as_str()
        );
        self.dedup_key = dedup_key(&subject, alert.at_unix_ns);
        self.last_unix_ns = alert.at_unix_ns;
        if alert.event.is_firing() {
            self.down += 1;
        } else {
            self.up += 1;
        }
        if self.first.len() < LISTED_MAX {
            self.first.push(alert);
        }
    }

    /// The number of changes that are not listed.
    pub(crate) fn more(&self) -> u64 {
        self.down + self.up - self.first.len() as u64
    }

    /// The group, if all listed changes are of one and no others are left.
    pub(crate) fn common_group(&self) -> Option<&str> {
        let group = self.first.first()?.group.as_deref()?;
        let is_common = self
            .first
            .iter()
            .all(|one| one.group.as_deref() == Some(group));
        (is_common && self.more() == 0).then_some(group)
    }

    /// One sentence for a person.
    pub(crate) fn summary(&self) -> String {
        let targets = self.first.iter().filter_map(|one| one.target.as_deref());
        let targets: Vec<&str> = targets.take(NAMED_MAX).collect();
        let listed = targets.len() as u64;
        let mut text = match (self.down, self.up) {
            (down, 0) => format!("{down} targets are down"),
            (0, up) => format!("{up} targets are up"),
            (down, up) => format!("{} changes: {down} down, {up} up", down + up),
        };
        text.push_str(": ");
        text.push_str(&targets.join(", "));
        let more = self.down + self.up - listed;
        if more > 0 {
            text.push_str(&format!(" and {more} more"));
        }
        text
    }
}
