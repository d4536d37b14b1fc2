//! From YAML to a script.

mod keys;
mod module;
mod read;
mod step;
mod value;
mod when;

use std::time::Duration;

use super::error::ParseError;
use super::pattern::Pattern;
use super::script::{GivenText, Script, Step};
use super::yaml::{Node, Value, read};
use super::{ModuleSettings, QUIET_AFTER, SCRIPT_BYTES_MAX, STEPS_MAX};
use keys::Keys;
use step::StepParser;

const TOP_KEYS: &[&str] = &[
    "query_response",
    "crlf",
    "fail",
    "tls",
    "timeout",
    "quiet_after",
    "text",
    "telnet",
    "prober",
    "tcp",
];

/// Parses a script, or the `module` of a file with several.
pub(super) fn script(text: &str, name: &str, module: Option<&str>) -> Result<Script, ParseError> {
    if text.len() > SCRIPT_BYTES_MAX {
        return Err(ParseError::whole(format!(
            "a script has at most {SCRIPT_BYTES_MAX} octets, and this one {}",
            text.len()
        )));
    }
    let root = read(text)?;
    let root = module::choose(&root, module)?;
    let (list, top) = match &root.value {
        Value::List(_) => (Some(root), Top::default()),
        Value::Map(_) if module::is_module(root) => module::read(root)?,
        Value::Map(_) => Top::read(root)?,
        Value::Scalar(_) => return Err(ParseError::at(root.line, "a script is a list of steps")),
    };
    let mut parser = StepParser::new(&top);
    if let Some(list) = list {
        for (number, item) in (1..).zip(items(list)?) {
            let parsed = parser.step(item, number);
            parsed.map_err(|error| error.in_step(number))?;
        }
    }
    if top.text.is_some() && !parser.steps.iter().any(Step::uses_text) {
        return Err(ParseError::whole(
            "no step uses `${text}`, so `text` does nothing",
        ));
    }
    Ok(Script {
        name: name.into(),
        steps: parser.steps.into(),
        text: top.text,
        tls_from_start: top.tls,
        telnet: top.telnet,
        timeout: top.timeout,
        quiet_after: top.quiet_after.unwrap_or(QUIET_AFTER),
        settings: top.settings,
    })
}

/// The steps of a script.
fn items(list: &Node) -> Result<&[Node], ParseError> {
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
    Ok(items)
}

fn given_text(node: &Node, key: &str) -> Result<GivenText, ParseError> {
    let text = GivenText::new(node.text(key)?);
    text.map_err(|error| ParseError::at(node.line, format!("`{key}`: {error}")))
}

/// The settings at the top, for all steps.
#[derive(Default)]
struct Top {
    crlf: bool,
    fail: Option<Pattern>,
    tls: bool,
    telnet: bool,
    timeout: Option<Duration>,
    quiet_after: Option<Duration>,
    text: Option<GivenText>,
    settings: ModuleSettings,
}

impl Top {
    /// Parses the settings of a script that is no module, and returns them with the list of steps.
    fn read(root: &Node) -> Result<(Option<&Node>, Self), ParseError> {
        let keys = Keys::of(root, "a script", TOP_KEYS)?;
        let top = Self {
            timeout: keys.read("timeout", Node::duration)?,
            quiet_after: keys.read("quiet_after", Node::duration)?,
            telnet: keys.read("telnet", Node::flag)?.unwrap_or(false),
            text: keys.read("text", given_text)?,
            ..Self::of_steps(keys)?
        };
        let steps = keys
            .value("query_response")
            .ok_or_else(|| ParseError::at(root.line, "there is no `query_response`"))?;
        Ok((Some(steps), top))
    }

    /// The settings that scripts and modules have.
    fn of_steps(keys: Keys<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            crlf: keys.read("crlf", Node::flag)?.unwrap_or(false),
            fail: keys.read("fail", Node::pattern)?,
            tls: keys.read("tls", Node::flag)?.unwrap_or(false),
            ..Self::default()
        })
    }
}
