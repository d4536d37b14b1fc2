//! The conditions of steps.

use std::sync::Arc;

use super::step::capture_name;
use crate::talk::error::ParseError;
use crate::talk::script::Condition;
use crate::talk::yaml::{Entry, Node, Value};

/// Parses the conditions of `when`: a word, a mapping from captures to what they must match, or a
/// list of these.
pub(super) fn conditions(node: &Node, key: &str) -> Result<Arc<[Condition]>, ParseError> {
    let mut conditions = Vec::new();
    match &node.value {
        Value::List(list) => list
            .iter()
            .try_for_each(|node| push(node, key, &mut conditions))?,
        _ => push(node, key, &mut conditions)?,
    }
    Ok(conditions.into())
}

fn push(node: &Node, key: &str, conditions: &mut Vec<Condition>) -> Result<(), ParseError> {
    match &node.value {
        Value::Map(entries) => {
            for entry in entries {
                conditions.push(captured(entry)?);
            }
        }
        _ => conditions.push(match node.text(key)? {
            "credentials" => Condition::Credentials,
            "plain" => Condition::Plain,
            _ => {
                return Err(ParseError::at(
                    node.line,
                    "`when` can only be `credentials`, `plain`, or a capture with what it must match",
                ));
            }
        }),
    }
    Ok(())
}

fn captured(entry: &Entry) -> Result<Condition, ParseError> {
    Ok(Condition::Captured {
        name: capture_name(&entry.key, entry.line, "when")?,
        pattern: entry.value.pattern(&entry.key)?,
    })
}
