//! The keys of a mapping.

use crate::talk::error::ParseError;
use crate::talk::yaml::{Entry, Node, Value};

/// The keys of a mapping, none of them unknown.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a> {
    entries: &'a [Entry],
}

impl<'a> Keys<'a> {
    /// The keys of `node`, which errors call `what`.
    pub(super) fn of(node: &'a Node, what: &str, known: &[&str]) -> Result<Self, ParseError> {
        let Value::Map(entries) = &node.value else {
            return Err(ParseError::at(
                node.line,
                format!("{what} must be a mapping"),
            ));
        };
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                return Err(ParseError::at(
                    entry.line,
                    format!(
                        "`{}` is no key of {what}; there are `{}`",
                        entry.key,
                        known.join("`, `")
                    ),
                ));
            }
        }
        Ok(Self { entries })
    }

    /// The value of a key.
    pub(super) fn value(&self, key: &str) -> Option<&'a Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of a key, parsed.
    pub(super) fn read<T>(
        &self,
        key: &str,
        read: impl FnOnce(&'a Node, &str) -> Result<T, ParseError>,
    ) -> Result<Option<T>, ParseError> {
        self.value(key).map(|node| read(node, key)).transpose()
    }

    /// Refuses keys that need one of the others.
    pub(super) fn only_with(&self, keys: &[&str], others: &[&str]) -> Result<(), ParseError> {
        if others.iter().any(|other| self.entry(other).is_some()) {
            return Ok(());
        }
        match keys.iter().find_map(|key| self.entry(key)) {
            Some(entry) => Err(ParseError::at(
                entry.line,
                format!(
                    "`{}` stands only with `{}`",
                    entry.key,
                    others.join("` or `")
                ),
            )),
            None => Ok(()),
        }
    }

    /// Refuses keys that exclude each other.
    pub(super) fn one_of(&self, keys: &[&str]) -> Result<(), ParseError> {
        let mut present = keys.iter().filter_map(|key| self.entry(key));
        match (present.next(), present.next()) {
            (Some(first), Some(second)) => Err(ParseError::at(
                second.line,
                format!("`{}` and `{}` exclude each other", first.key, second.key),
            )),
            _ => Ok(()),
        }
    }

    fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}
