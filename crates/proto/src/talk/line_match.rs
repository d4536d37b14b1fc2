//! Matching of received lines.

use regex::bytes::Captures;

use super::CAPTURED_BYTES_MAX;
use super::script::{Expect, Fail, Gather};

/// The octets of a regex group.
pub(super) type Group = Option<Box<[u8]>>;
/// The groups of a match by number; the first is the whole match.
pub(super) type Groups = Vec<Group>;

/// The result of matching a received line against a step.
#[derive(Debug)]
pub(super) enum LineMatch {
    /// The line matches.
    Match(Groups),
    /// The line fails the conversation.
    Fail,
    /// The line is ignored.
    Other,
    /// The captures exceed their limit.
    Oversize,
}

/// What `gather` has collected.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered {
    seen: usize,
    bytes: usize,
    /// The values by the number of their group.
    pub(super) found: Vec<(usize, Vec<u8>)>,
}

/// The separator of values.
const SEPARATOR: &[u8] = b", ";

impl Expect {
    /// Matches a line.
    pub(super) fn match_line(&self, line: &[u8]) -> LineMatch {
        if self.fail.matches(line) {
            return LineMatch::Fail;
        }
        match self.pattern.captures(line) {
            Some(captures) => groups(&captures).map_or(LineMatch::Oversize, LineMatch::Match),
            None => LineMatch::Other,
        }
    }
}

impl Fail {
    /// Whether the line fails the conversation.
    pub(super) fn matches(&self, line: &[u8]) -> bool {
        self.0.iter().any(|pattern| pattern.is_match(line))
    }
}

impl Gathered {
    /// Collects the groups of a line, if it matches. `None` if the limit is exceeded.
    pub(super) fn add(&mut self, gather: &Gather, line: &[u8]) -> Option<()> {
        let Some(captures) = gather.pattern.captures(line) else {
            return Some(());
        };
        self.seen += 1;
        if self.seen <= gather.skip {
            return Some(());
        }
        for (group, name) in gather.pattern.capture_names().enumerate() {
            let (Some(_), Some(found)) = (name, captures.get(group)) else {
                continue;
            };
            self.bytes += SEPARATOR.len() + found.len();
            if self.bytes > CAPTURED_BYTES_MAX {
                return None;
            }
            match self.found.iter_mut().find(|(number, _)| *number == group) {
                Some((_, all)) => {
                    all.extend_from_slice(SEPARATOR);
                    all.extend_from_slice(found.as_bytes());
                }
                None => self.found.push((group, found.as_bytes().to_vec())),
            }
        }
        Some(())
    }
}

/// The groups of a match; `None` if they exceed the limit.
pub(super) fn groups(captures: &Captures<'_>) -> Option<Groups> {
    let found_bytes: usize = captures.iter().flatten().map(|found| found.len()).sum();
    (found_bytes <= CAPTURED_BYTES_MAX).then(|| {
        let groups = captures.iter();
        groups
            .map(|group| group.map(|found| found.as_bytes().into()))
            .collect()
    })
}
