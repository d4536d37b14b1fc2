//! Expectations that did not hold.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use canvass_model::Unmet;
use serde::{Deserialize, Serialize};

use super::saved::pairs;
use crate::write::push_visible;

/// The most expectations that are counted apart. The flags of a run make few, but a script can make
/// one for each target.
const EXPECTATIONS_MAX: usize = 32;
/// The most things seen that are counted apart for one expectation.
const SEEN_MAX: usize = 16;
/// The most characters of either text.
const TEXT_CHARS_MAX: usize = 100;

/// Counts of expectations that did not hold. The size is bounded: what comes after the limits is
/// counted together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnmetCounts(#[serde(with = "pairs")] BTreeMap<Option<Box<str>>, Seen>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    count: u64,
    by_text: BTreeMap<Box<str>, u64>,
}

/// An expectation and how often it did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmetCount {
    /// What was expected; `None` for all expectations beyond those that are counted apart.
    pub expected: Option<Box<str>>,
    /// The number of outcomes.
    pub count: u64,
    /// What was seen instead, the most common first. There may be more that is not counted apart.
    pub seen: Vec<SeenCount>,
}

/// What was seen instead of what was expected, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenCount {
    /// The text.
    pub seen: Box<str>,
    /// The number of outcomes.
    pub count: u64,
}

impl UnmetCounts {
    pub(super) fn record(&mut self, unmet: &Unmet) {
        let mut expected = Some(shortened(&unmet.expected));
        if self.0.len() >= EXPECTATIONS_MAX && !self.0.contains_key(&expected) {
            expected = None;
        }
        let seen = self.0.entry(expected).or_default();
        seen.count += 1;
        let text = shortened(&unmet.seen);
        if seen.by_text.len() < SEEN_MAX || seen.by_text.contains_key(&text) {
            *seen.by_text.entry(text).or_default() += 1;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (expected, added) in &other.0 {
            let is_full = self.0.len() >= EXPECTATIONS_MAX && !self.0.contains_key(expected);
            let expected = expected.clone().filter(|_| !is_full);
            let seen = self.0.entry(expected).or_default();
            seen.count += added.count;
            for (text, count) in &added.by_text {
                if seen.by_text.len() < SEEN_MAX || seen.by_text.contains_key(text) {
                    *seen.by_text.entry(text.clone()).or_default() += count;
                }
            }
        }
    }

    pub(super) fn by_expectation(&self) -> Vec<UnmetCount> {
        let mut counts: Vec<_> = self.0.iter().map(UnmetCount::of).collect();
        counts.sort_by_key(|one| Reverse(one.count));
        counts
    }
}

impl UnmetCount {
    fn of((expected, seen): (&Option<Box<str>>, &Seen)) -> Self {
        let mut by_text: Vec<_> = seen
            .by_text
            .iter()
            .map(|(text, &count)| SeenCount {
                seen: text.clone(),
                count,
            })
            .collect();
        by_text.sort_by_key(|one| Reverse(one.count));
        Self {
            expected: expected.clone(),
            count: seen.count,
            seen: by_text,
        }
    }

    /// What was expected, for people.
    pub(crate) fn name(&self) -> &str {
        self.expected.as_deref().unwrap_or("other expectations")
    }

    /// The `most` most common things seen, such as `503 ×12, 404 ×3`.
    pub(crate) fn seen_text(&self, most: usize) -> String {
        let shown = self.seen.iter().take(most);
        let mut texts: Vec<_> = shown
            .map(|one| format!("{} ×{}", one.seen, one.count))
            .collect();
        let told: u64 = self.seen.iter().take(most).map(|one| one.count).sum();
        if told < self.count {
            texts.push(format!("other ×{}", self.count - told));
        }
        texts.join(", ")
    }
}

/// A text without control characters, and not too long. Lines that are read back may hold any.
fn shortened(text: &str) -> Box<str> {
    let start: String = text.chars().take(TEXT_CHARS_MAX).collect();
    let mut visible = Vec::new();
    push_visible(&mut visible, &start);
    let mut visible = String::from_utf8_lossy(&visible).into_owned();
    if start.len() < text.len() {
        visible.push_str("...");
    }
    visible.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unmet(expected: impl ToString, seen: impl ToString) -> Unmet {
        Unmet {
            expected: expected.to_string().into(),
            seen: seen.to_string().into(),
        }
    }

    #[test]
    fn the_most_common_come_first() {
        let mut counts = UnmetCounts::default();
        for (expected, seen) in [("b", "y"), ("a", "x"), ("b", "z"), ("b", "z")] {
            counts.record(&unmet(expected, seen));
        }
        let counts = counts.by_expectation();
        assert_eq!((counts[0].name(), counts[0].count), ("b", 3));
        assert_eq!(counts[0].seen_text(2), "z ×2, y ×1");
        assert_eq!(counts[0].seen_text(1), "z ×2, other ×1");
        assert_eq!(counts[1].seen_text(2), "x ×1");
    }

    #[test]
    fn their_size_does_not_grow_with_what_is_seen_or_expected() {
        let mut counts = UnmetCounts::default();
        for number in 0..1_000 {
            counts.record(&unmet("body", number));
            counts.record(&unmet(number, "x"));
            counts.record(&unmet("long", "é\u{7}".repeat(1_000)));
        }
        let counts = counts.by_expectation();
        assert_eq!(counts.len(), EXPECTATIONS_MAX + 1);
        assert_eq!(counts.iter().map(|one| one.count).sum::<u64>(), 3_000);
        let find = |name| counts.iter().find(|one| one.name() == name).unwrap();
        assert_eq!(find("body").count, 1_000);
        assert_eq!(find("body").seen.len(), SEEN_MAX);
        assert!(find("body").seen_text(3).ends_with(", other ×997"));
        assert!(find("other expectations").count > 900);
        assert_eq!(
            find("long").seen_text(3).matches("\\u{7}").count(),
            TEXT_CHARS_MAX / 2
        );
    }
}
