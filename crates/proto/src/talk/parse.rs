//! From YAML to a script.

mod keys;
mod step;
mod value;

use std::time::Duration;

use regex::bytes::Regex;

use super::error::ParseError;
use super::script::Script;
use super::yaml::{Node, Value, read};
use super::{SCRIPT_BYTES_MAX, STEPS_MAX};
use keys::Keys;
use step::StepParser;

const TOP_KEYS: &[&str] = &[
    "query_response",
    "crlf",
    "fail",
    "tls",
    "timeout",
    "prober",
    "tcp",
];
const MODULE_KEYS: &[&str] = &["prober", "timeout", "tcp"];
const TCP_KEYS: &[&str] = &["query_response", "crlf", "fail", "tls"];

/// Parses a script.
pub(super) fn script(text: &str, name: &str) -> Result<Script, ParseError> {
    if text.len() > SCRIPT_BYTES_MAX {
        return Err(ParseError::whole(format!(
            "a script has at most {SCRIPT_BYTES_MAX} octets, and this one {}",
            text.len()
        )));
    }
    let root = read(text)?;
    let (list, top) = match &root.value {
        Value::List(_) => (&root, Top::default()),
        Value::Map(_) => Top::read(&root)?,
        Value::Scalar(_) => return Err(ParseError::at(root.line, "a script is a list of steps")),
    };
    let Value::List(items) = &list.value else {
        return Err(ParseError::at(
            list.line,
            "`query_response` must be a list of steps",
        ));
    };
    if items.is_empty() {
        return Err(ParseError::at(list.line, "there are no steps"));
    }
    if items.len() > STEPS_MAX {
        return Err(ParseError::at(
            list.line,
            format!(
                "a script has at most {STEPS_MAX} steps, and this one {}",
                items.len()
            ),
        ));
    }
    let mut parser = StepParser::new(&top);
    for (number, item) in (1..).zip(items) {
        let parsed = parser.step(item, number);
        parsed.map_err(|error| error.in_step(number))?;
    }
    Ok(Script {
        name: name.into(),
        steps: parser.steps,
        tls_from_start: top.tls,
        timeout: top.timeout,
    })
}

/// The settings at the top, for all steps.
#[derive(Default)]
struct Top {
    crlf: bool,
    fail: Option<Regex>,
    tls: bool,
    timeout: Option<Duration>,
}

impl Top {
    /// Parses the settings, and returns them with the list of steps.
    fn read(root: &Node) -> Result<(&Node, Self), ParseError> {
        let mut keys = Keys::of(root, "a script", TOP_KEYS)?;
        if let Some(prober) = keys.value("prober") {
            let named = prober.text("prober")?;
            if named != "tcp" {
                return Err(ParseError::at(
                    prober.line,
                    format!("only `prober: tcp` holds conversations, not `{named}`"),
                ));
            }
        }
        let timeout = keys.read("timeout", Node::duration)?;
        if let Some(tcp) = keys.value("tcp") {
            Keys::of(root, "a module", MODULE_KEYS)?;
            keys = Keys::of(tcp, "`tcp`", TCP_KEYS)?;
        }
        let top = Self {
            crlf: keys.read("crlf", Node::flag)?.unwrap_or(false),
            fail: keys.read("fail", Node::regex)?,
            tls: keys.read("tls", Node::flag)?.unwrap_or(false),
            timeout,
        };
        let steps = keys
            .value("query_response")
            .ok_or_else(|| ParseError::at(root.line, "there is no `query_response`"))?;
        Ok((steps, top))
    }
}
