//! The body of a webhook, as its user writes it.

use serde_json::Value;

use super::alert::{Alert, AlertEvent, Message};
use crate::state::State;

/// The names that a template can use.
const NAMES: [&str; 10] = [
    "event",
    "target",
    "group",
    "state",
    "from",
    "reason",
    "summary",
    "at",
    "since",
    "dedup_key",
];

/// JSON with `${name}` in its strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    /// The index in [`NAMES`].
    Name(usize),
}

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A placeholder without its end.
    #[error("line {line}: `${{` without `}}`; `$${{` stands for itself")]
    Unclosed {
        /// Its line.
        line: usize,
    },
    /// A name that no alert has.
    #[error("line {line}: ${{{name}}} is unknown; there are {}", NAMES.join(", "))]
    Unknown {
        /// Its line.
        line: usize,
        /// The name.
        name: String,
    },
    /// What comes out is not JSON.
    #[error("it makes no JSON: {0}; placeholders stand inside strings")]
    NotJson(String),
}

impl Template {
    /// Parses a template, and checks that it makes JSON.
    ///
    /// # Errors
    /// A placeholder is unknown or has no end, or what comes out is not JSON.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let line = 1 + text[..text.len() - rest.len() + at].matches('\n').count();
            if rest[..at].ends_with('$') {
                literal.push_str(&rest[..at - 1]);
                literal.push_str("${");
                rest = &rest[at + 2..];
                continue;
            }
            literal.push_str(&rest[..at]);
            let after = &rest[at + 2..];
            let end = after.find('}').ok_or(TemplateError::Unclosed { line })?;
            let name = &after[..end];
            let known = NAMES.iter().position(|known| *known == name);
            let index = known.ok_or_else(|| TemplateError::Unknown {
                line,
                name: name.into(),
            })?;
            pieces.push(Piece::Text(std::mem::take(&mut literal).into()));
            pieces.push(Piece::Name(index));
            rest = &after[end + 1..];
        }
        literal.push_str(rest);
        pieces.push(Piece::Text(literal.into()));
        let template = Self(pieces);
        let sample = template.body(&Message::One(sample()));
        serde_json::from_str::<Value>(&sample)
            .map_err(|error| TemplateError::NotJson(error.to_string()))?;
        Ok(template)
    }

    /// The body for a message. A value that it does not have is empty.
    pub(crate) fn body(&self, message: &Message) -> String {
        let body = message.body();
        let values: [&str; NAMES.len()] = [
            body.event,
            body.target.unwrap_or_default(),
            body.group.unwrap_or_default(),
            body.state.unwrap_or_default(),
            body.from.unwrap_or_default(),
            body.reason.unwrap_or_default(),
            &body.summary,
            &body.at,
            &body.since,
            body.dedup_key,
        ];
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Name(index) => {
                    let quoted = serde_json::to_string(values[*index]).expect("a string is JSON");
                    text.push_str(&quoted[1..quoted.len() - 1]);
                }
            }
        }
        text
    }
}

/// An alert whose values break what they are not escaped for.
fn sample() -> Alert {
    Alert {
        event: AlertEvent::Down,
        at_unix_ns: 0,
        since_unix_ns: 0,
        target: Some("tcp://a.example.net:25".into()),
        group: Some("mail".into()),
        from: Some(State::Up),
        state: Some(State::Down),
        reason: Some("a \"quoted\" reason".into()),
        dedup_key: "0".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped() {
        let template = r#"{"text": "${target}: ${reason} $${target} $5", "key": "${dedup_key}"}"#;
        let template = Template::parse(template).unwrap();
        let body: Value = serde_json::from_str(&template.body(&Message::One(sample()))).unwrap();
        assert_eq!(
            body["text"],
            "tcp://a.example.net:25: a \"quoted\" reason ${target} $5"
        );
        assert_eq!(body["key"], "0");
    }

    #[test]
    fn a_template_that_cannot_be_used_is_refused() {
        for (text, words) in [
            ("{\n\"a\": \"${targt}\"}", "line 2: ${targt} is unknown"),
            ("{\"a\": \"${target\"", "line 1: `${` without `}`"),
            ("{\"a\": ${target}}", "makes no JSON"),
            ("", "makes no JSON"),
        ] {
            let error = Template::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
