//! Whether a received line matches a step of the script.

use regex::bytes::Captures;

use super::CAPTURED_BYTES_MAX;
use super::script::{Expect, Fail, Gather};

/// What a group of a match found.
pub(super) type Group = Option<Box<[u8]>>;
/// What all of them found, by number; the first is the whole match.
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

/// What `gather` has found so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered {
    seen: usize,
    bytes: usize,
    /// By the number of the group.
    pub(super) found: Vec<(usize, Vec<u8>)>,
}

/// Between what two lines gave.
const BETWEEN: &[u8] = b", ";

impl Expect {
    /// Looks at a line.
    pub(super) fn look(&self, line: &[u8]) -> LineMatch {
        if self.fail.is_in(line) {
            return LineMatch::Fail;
        }
        match self.regex.captures(line) {
            Some(captures) => groups(&captures).map_or(LineMatch::Oversize, LineMatch::Match),
            None => LineMatch::Other,
        }
    }
}

impl Fail {
    /// Whether the line ends the conversation.
    pub(super) fn is_in(&self, line: &[u8]) -> bool {
        self.0.iter().any(|regex| regex.is_match(line))
    }
}

impl Gathered {
    /// Keeps what is to be kept of a line; `None` where that is more than may be.
    pub(super) fn add(&mut self, gather: &Gather, line: &[u8]) -> Option<()> {
        let Some(captures) = gather.regex.captures(line) else {
            return Some(());
        };
        self.seen += 1;
        if self.seen <= gather.skip {
            return Some(());
        }
        for (group, name) in gather.regex.capture_names().enumerate() {
            let (Some(_), Some(found)) = (name, captures.get(group)) else {
                continue;
            };
            self.bytes += BETWEEN.len() + found.len();
            if self.bytes > CAPTURED_BYTES_MAX {
                return None;
            }
            match self.found.iter_mut().find(|(number, _)| *number == group) {
                Some((_, all)) => {
                    all.extend_from_slice(BETWEEN);
                    all.extend_from_slice(found.as_bytes());
                }
                None => self.found.push((group, found.as_bytes().to_vec())),
            }
        }
        Some(())
    }
}

fn groups(captures: &Captures<'_>) -> Option<Groups> {
    let found_bytes: usize = captures.iter().flatten().map(|found| found.len()).sum();
    (found_bytes <= CAPTURED_BYTES_MAX).then(|| {
        let groups = captures.iter();
        groups
            .map(|group| group.map(|found| found.as_bytes().into()))
            .collect()
    })
}
