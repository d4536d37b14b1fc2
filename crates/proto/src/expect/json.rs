//! What is expected of a body in JSON.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use canvass_model::Unmet;
use serde_json::{Number, Value};
use serde_json_path::JsonPath;

use crate::excerpt::{excerpt, visible};

/// The most nodes that are shown.
const NODES_SHOWN_MAX: usize = 3;
/// The most characters that are shown of a value that is no string.
const VALUE_CHARS_MAX: usize = 200;

/// What is expected of the nodes that a path (RFC 9535) selects in a body: that there is one, and that
/// each compares with a value as it should. It is written as `PATH` or `PATH OP VALUE`.
#[derive(Clone, Debug)]
pub struct JsonExpectation {
    path: JsonPath,
    /// The path as it was given, without control characters.
    path_text: Box<str>,
    comparison: Option<(Operator, Value)>,
}

/// How a node is to compare with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Why a text is no expectation of a body in JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonExpectationError {
    /// The path is invalid.
    #[error("{path:?} is not a path of RFC 9535, such as $.status: {reason}")]
    Path {
        /// The path.
        path: Box<str>,
        /// What is wrong with it.
        reason: Box<str>,
    },
    /// What follows the path is no operator.
    #[error("{0:?} is no comparison: ==, !=, <, <=, > or >= and a value")]
    Operator(Box<str>),
    /// There is no value after the operator.
    #[error("there is no value after {0}")]
    NoValue(&'static str),
    /// Only numbers and strings have an order.
    #[error("{0} compares numbers and strings only")]
    NoOrder(&'static str),
}

impl Operator {
    /// Longer ones first, so that the first with which a text begins is the one.
    const ALL: [(&'static str, Self); 7] = [
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("<", Self::Less),
        (">", Self::Greater),
        ("=", Self::Equal),
    ];

    fn name(self) -> &'static str {
        let named = Self::ALL.into_iter().find(|(_, one)| *one == self);
        named.map_or("", |(name, _)| name)
    }

    fn needs_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    /// Compares as RFC 9535 §2.3.5.2.2: values of different types are not equal and have no order.
    fn holds(self, node: &Value, value: &Value) -> bool {
        match self {
            Self::Equal => are_equal(node, value),
            Self::NotEqual => !are_equal(node, value),
            Self::Less => order(node, value).is_some_and(Ordering::is_lt),
            Self::LessOrEqual => order(node, value).is_some_and(Ordering::is_le),
            Self::Greater => order(node, value).is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual => order(node, value).is_some_and(Ordering::is_ge),
        }
    }
}

impl JsonExpectation {
    /// The first of `all` that a body does not meet.
    pub(super) fn first_unmet(all: &[Self], body: &[u8]) -> Option<Unmet> {
        let first = all.first()?;
        if body.is_empty() {
            return Some(first.unmet("an empty body".into()));
        }
        match serde_json::from_slice::<Value>(body) {
            Ok(body) => all.iter().find_map(|one| one.unmet_by(&body)),
            Err(error) => {
                let seen = format!("a body that is not JSON ({error}): {}", excerpt(body));
                Some(first.unmet(seen))
            }
        }
    }

    fn unmet_by(&self, body: &Value) -> Option<Unmet> {
        let nodes = self.path.query(body).all();
        let is_met = |node: &Value| {
            let comparison = self.comparison.as_ref();
            comparison.is_none_or(|(operator, value)| operator.holds(node, value))
        };
        if nodes.is_empty() {
            return Some(self.unmet("no such node".into()));
        }
        let mut others = nodes.into_iter().filter(|node| !is_met(node));
        let mut shown: Vec<String> = others.by_ref().take(NODES_SHOWN_MAX).map(text).collect();
        if shown.is_empty() {
            return None;
        }
        if others.next().is_some() {
            shown.push("...".to_owned());
        }
        Some(self.unmet(shown.join(", ")))
    }

    fn unmet(&self, seen: String) -> Unmet {
        Unmet {
            expected: self.to_string().into(),
            seen: seen.into(),
        }
    }
}

impl FromStr for JsonExpectation {
    type Err = JsonExpectationError;

    fn from_str(text: &str) -> Result<Self, JsonExpectationError> {
        let (path, rest) = split(text);
        let parsed = JsonPath::parse(path).map_err(|error| JsonExpectationError::Path {
            path: path.into(),
            reason: error.message().into(),
        })?;
        Ok(Self {
            path: parsed,
            path_text: visible(path).into(),
            comparison: comparison(rest)?,
        })
    }
}

impl fmt::Display for JsonExpectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "json {}", self.path_text)?;
        match &self.comparison {
            Some((operator, value)) => write!(f, " {} {}", operator.name(), text(value)),
            None => Ok(()),
        }
    }
}

/// Splits a text where the comparison begins. Outside brackets no path has such characters
/// (RFC 9535 §2.5.1.1).
fn split(text: &str) -> (&str, &str) {
    let (mut depth, mut quote, mut is_escaped) = (0_u32, None, false);
    for (at, char) in text.char_indices() {
        match (quote, char) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(open), _) if open == char => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') if depth > 0 => quote = Some(char),
            (None, '[') => depth += 1,
            (None, ']') => depth = depth.saturating_sub(1),
            (None, '=' | '!' | '<' | '>') if depth == 0 => {
                return (text[..at].trim(), &text[at..]);
            }
            _ => {}
        }
    }
    (text.trim(), "")
}

fn comparison(text: &str) -> Result<Option<(Operator, Value)>, JsonExpectationError> {
    if text.is_empty() {
        return Ok(None);
    }
    let found = Operator::ALL
        .into_iter()
        .find_map(|(name, operator)| Some((name, operator, text.strip_prefix(name)?.trim())));
    let Some((name, operator, value)) = found else {
        return Err(JsonExpectationError::Operator(text.into()));
    };
    if value.is_empty() {
        return Err(JsonExpectationError::NoValue(name));
    }
    // What is no JSON is a string, so that a word needs no quotes of its own.
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    if operator.needs_order() && !(value.is_number() || value.is_string()) {
        return Err(JsonExpectationError::NoOrder(name));
    }
    Ok(Some((operator, value)))
}

fn are_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            number_order(one, other) == Some(Ordering::Equal)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| are_equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let has_equal = |(key, value): (&String, &Value)| {
                other.get(key).is_some_and(|other| are_equal(value, other))
            };
            one.len() == other.len() && one.iter().all(has_equal)
        }
        _ => one == other,
    }
}

fn order(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => number_order(one, other),
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

/// Compares integers exactly.
fn number_order(one: &Number, other: &Number) -> Option<Ordering> {
    let integer = |number: &Number| {
        let signed = number.as_i64().map(i128::from);
        signed.or_else(|| number.as_u64().map(i128::from))
    };
    match (integer(one), integer(other)) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

/// A value as JSON, cut if it is long.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => excerpt(text.as_bytes()),
        other => {
            let text = other.to_string();
            let mut chars = text.chars();
            let mut shown = visible(&chars.by_ref().take(VALUE_CHARS_MAX).collect::<String>());
            if chars.next().is_some() {
                shown.push_str("...");
            }
            shown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"status": "ok", "load": 0.5, "queue": {"depth": 12, "max": 100},
        "checks": [{"name": "db", "up": true}, {"name": "a=b", "up": true, "ms": 9007199254740993}],
        "none": null}"#;

    fn judge(text: &str, body: &str) -> Option<String> {
        let expectation: JsonExpectation = text.parse().unwrap();
        let unmet = JsonExpectation::first_unmet(&[expectation], body.as_bytes())?;
        Some(format!("{} | {}", unmet.expected, unmet.seen))
    }

    #[test]
    fn nodes_are_compared_with_values() {
        for text in [
            "$.status",
            "$.none",
            "$.status == \"ok\"",
            "$.status=ok",
            "$['status'] != failed",
            "$.load < 1",
            "$.load >= 0.5",
            "$.queue.depth == 12.0",
            "$.queue.depth <= 12",
            "$.queue == {\"max\": 100, \"depth\": 12}",
            "$.checks[*].up == true",
            "$.checks[?@.name == 'a=b'].ms == 9007199254740993",
            "$.status > a",
        ] {
            assert_eq!(judge(text, BODY), None, "{text}");
        }
        for (text, expected) in [
            ("$.state", "json $.state | no such node"),
            ("$.status == failed", "json $.status == \"failed\" | \"ok\""),
            ("$.queue.depth < 12", "json $.queue.depth < 12 | 12"),
            (
                "$.queue.depth < zwölf",
                "json $.queue.depth < \"zwölf\" | 12",
            ),
            (
                "$.checks[*].name == db",
                "json $.checks[*].name == \"db\" | \"a=b\"",
            ),
            ("$.none == 0", "json $.none == 0 | null"),
            (
                "$.checks[0] == 1",
                "json $.checks[0] == 1 | {\"name\":\"db\",\"up\":true}",
            ),
            (
                "$.checks[1].ms == 9007199254740992",
                "json $.checks[1].ms == 9007199254740992 | 9007199254740993",
            ),
        ] {
            assert_eq!(judge(text, BODY).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_body_that_is_no_json_names_that() {
        let unmet = judge("$.a", "<html>").unwrap();
        assert!(
            unmet.contains("not JSON (expected value at line 1 column 1): \"<html>\""),
            "{unmet}"
        );
        assert!(judge("$.a", "").unwrap().ends_with("| an empty body"));
    }

    #[test]
    fn what_is_no_expectation_is_refused() {
        use JsonExpectationError as Error;
        let error = |text: &str| text.parse::<JsonExpectation>().unwrap_err();
        assert!(matches!(error("status == 1"), Error::Path { .. }));
        assert!(matches!(error("$.a b"), Error::Path { .. }));
        assert!(matches!(error("$.a ! b"), Error::Operator(_)));
        assert_eq!(error("$.a >="), Error::NoValue(">="));
        assert_eq!(error("$.a < true"), Error::NoOrder("<"));
    }
}
