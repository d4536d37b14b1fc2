//! The steps of a script.

use std::sync::Arc;
use std::time::Duration;

use regex::bytes::RegexBuilder;

use super::Top;
use super::keys::Keys;
use super::read::read;
use super::when::conditions;
use crate::talk::error::ParseError;
use crate::talk::pattern::Pattern;
use crate::talk::script::{
    Action, Expect, ExpectBytes, ExpectLine, Fail, Gather, LineEnd, Send, Step,
};
use crate::talk::template::{RESERVED, Scope, Template, Variables};
use crate::talk::yaml::{Node, Value};
use crate::talk::{DELAY_MS_MAX, LINE_BYTES_MAX};

const STEP_KEYS: &[&str] = &[
    "when",
    "expect",
    "expect_bytes",
    "expect_line",
    "read",
    "match",
    "as",
    "form",
    "partial",
    "fail",
    "gather",
    "gather_skip",
    "labels",
    "delay",
    "send",
    "crlf",
    "newline",
    "send_bytes",
    "half_close",
    "starttls",
];
const LABEL_KEYS: &[&str] = &["name", "value"];

/// Parses steps into actions, in the order in which they run.
pub(super) struct StepParser<'a> {
    pub(super) steps: Vec<Step>,
    top: &'a Top,
    half_closed: bool,
    secured: bool,
}

impl<'a> StepParser<'a> {
    /// Starts without steps.
    pub(super) fn new(top: &'a Top) -> Self {
        Self {
            steps: Vec::new(),
            top,
            half_closed: false,
            secured: top.tls,
        }
    }

    /// Parses one step of the text.
    pub(super) fn step(&mut self, item: &Node, number: usize) -> Result<(), ParseError> {
        let keys = Keys::of(item, "a step", STEP_KEYS)?;
        keys.one_of(&["expect", "expect_bytes", "expect_line", "read"])?;
        keys.one_of(&["send", "send_bytes"])?;
        keys.one_of(&["crlf", "newline"])?;
        keys.only_with(&["gather", "labels", "partial"], &["expect"])?;
        keys.only_with(&["fail"], &["expect", "expect_line"])?;
        keys.only_with(&["gather_skip"], &["gather"])?;
        keys.only_with(&["match", "as"], &["read"])?;
        keys.only_with(&["form"], &["as"])?;
        keys.only_with(&["crlf", "newline"], &["send"])?;
        let when = keys.read("when", conditions)?.unwrap_or_default();
        let before = self.steps.len();
        let actions = [
            Self::wait,
            Self::delay,
            Self::send,
            Self::half_close,
            Self::start_tls,
        ];
        for action in actions {
            if let Some(action) = action(self, keys)? {
                self.steps.push(Step {
                    number,
                    when: Arc::clone(&when),
                    action,
                });
            }
        }
        if self.steps.len() == before {
            return Err(ParseError::at(item.line, "the step does nothing"));
        }
        Ok(())
    }

    fn wait(&mut self, keys: Keys<'_>) -> Result<Option<Action>, ParseError> {
        Ok(if let Some(node) = keys.value("expect") {
            Some(Action::Expect(Box::new(self.expect(node, keys)?)))
        } else if let Some(line) = keys.value("expect_line") {
            Some(Action::ExpectLine(self.expect_line(line, keys)?))
        } else if let Some(octets) = keys.value("expect_bytes") {
            Some(Action::ExpectBytes(expect_bytes(octets)?))
        } else if let Some(count) = keys.value("read") {
            Some(Action::Read(read(count, keys)?))
        } else {
            None
        })
    }

    fn expect(&self, node: &Node, keys: Keys<'_>) -> Result<Expect, ParseError> {
        let pattern = node.pattern("expect")?;
        check_group_names(&pattern, node, "expect")?;
        let scope = Scope {
            expect: Some((self.steps.len(), &pattern)),
            bare: true,
            variables: Variables::None,
            has_text: false,
        };
        let labels = keys.value("labels").map(|node| labels(node, scope));
        let labels = labels.transpose()?.unwrap_or_default();
        let gather = match keys.value("gather") {
            Some(node) => {
                let pattern = node.pattern("gather")?;
                check_group_names(&pattern, node, "gather")?;
                if pattern.capture_names().flatten().next().is_none() {
                    return Err(ParseError::at(
                        node.line,
                        "`gather` needs a named group, as in (?P<name>...)",
                    ));
                }
                let skip = keys.read("gather_skip", |node, key| node.number(key, 1000))?;
                Some(Gather {
                    pattern,
                    skip: skip.unwrap_or(0),
                })
            }
            None => None,
        };
        Ok(Expect {
            fail: self.fail(keys)?,
            partial: keys.read("partial", Node::flag)?.unwrap_or(false),
            pattern,
            gather,
            labels,
        })
    }

    fn expect_line(&self, node: &Node, keys: Keys<'_>) -> Result<ExpectLine, ParseError> {
        let source = node.text("expect_line")?;
        if source.contains(['\r', '\n']) {
            return Err(ParseError::at(
                node.line,
                "`expect_line` is one line, without its end",
            ));
        }
        let scope = self.scope(false, Variables::Nonce);
        Ok(ExpectLine {
            template: template(node, source.as_bytes(), scope)?,
            source: source.into(),
            fail: self.fail(keys)?,
        })
    }

    fn fail(&self, keys: Keys<'_>) -> Result<Fail, ParseError> {
        let own = keys.read("fail", Node::pattern)?;
        Ok(Fail(self.top.fail.iter().cloned().chain(own).collect()))
    }

    fn delay(&mut self, keys: Keys<'_>) -> Result<Option<Action>, ParseError> {
        let Some(node) = keys.value("delay") else {
            return Ok(None);
        };
        let delay = node.duration("delay")?;
        if delay > Duration::from_millis(DELAY_MS_MAX) {
            return Err(ParseError::at(
                node.line,
                format!("`delay` is at most {} s", DELAY_MS_MAX / 1000),
            ));
        }
        Ok(Some(Action::Delay(delay)))
    }

    fn send(&mut self, keys: Keys<'_>) -> Result<Option<Action>, ParseError> {
        let send = if let Some(node) = keys.value("send") {
            let source = node.octets("send")?;
            if source.is_empty() {
                return Err(ParseError::at(
                    node.line,
                    "`send` is empty, and would send nothing; an empty line is `send_bytes: 0a`",
                ));
            }
            let scope = self.scope(keys.value("expect").is_some(), Variables::Credentials);
            Send {
                template: template(node, source, scope)?,
                end: self.line_end(keys)?,
                even_empty: false,
            }
        } else if let Some(node) = keys.value("send_bytes") {
            Send {
                template: Template::literal(node.hex("send_bytes")?),
                end: LineEnd::None,
                even_empty: true,
            }
        } else {
            return Ok(None);
        };
        if self.half_closed {
            let node = keys.value("send").or(keys.value("send_bytes"));
            return Err(ParseError::at(
                node.map_or(0, |node| node.line),
                "nothing can be sent after `half_close`",
            ));
        }
        Ok(Some(Action::Send(send)))
    }

    fn line_end(&self, keys: Keys<'_>) -> Result<LineEnd, ParseError> {
        if let Some(node) = keys.value("newline") {
            return match node.text("newline")? {
                "none" => Ok(LineEnd::None),
                "lf" => Ok(LineEnd::Lf),
                "crlf" => Ok(LineEnd::CrLf),
                _ => Err(ParseError::at(
                    node.line,
                    "`newline` can only be `none`, `lf` or `crlf`",
                )),
            };
        }
        let crlf = keys.read("crlf", Node::flag)?.unwrap_or(self.top.crlf);
        Ok(if crlf { LineEnd::CrLf } else { LineEnd::Lf })
    }

    fn half_close(&mut self, keys: Keys<'_>) -> Result<Option<Action>, ParseError> {
        let Some(node) = enabled(keys, "half_close")? else {
            return Ok(None);
        };
        if self.half_closed {
            return Err(ParseError::at(node.line, "`half_close` can be done once"));
        }
        self.half_closed = true;
        Ok(Some(Action::HalfClose))
    }

    fn start_tls(&mut self, keys: Keys<'_>) -> Result<Option<Action>, ParseError> {
        let Some(node) = enabled(keys, "starttls")? else {
            return Ok(None);
        };
        if self.secured {
            return Err(ParseError::at(node.line, "TLS is there already"));
        }
        if self.half_closed {
            return Err(ParseError::at(
                node.line,
                "TLS cannot begin after `half_close`",
            ));
        }
        self.secured = true;
        Ok(Some(Action::StartTls))
    }

    /// The variables that a template can use after the steps so far.
    fn scope(&self, bare: bool, variables: Variables) -> Scope<'_> {
        let mut steps = self.steps.iter().enumerate().rev();
        let expect = steps.find_map(|(index, step)| Some((index, step.action.pattern()?)));
        Scope {
            expect,
            bare,
            variables,
            has_text: self.top.text.is_some(),
        }
    }
}

fn expect_bytes(node: &Node) -> Result<ExpectBytes, ParseError> {
    let octets = node.octets("expect_bytes")?;
    if octets.is_empty() {
        return Err(ParseError::at(node.line, "`expect_bytes` is empty"));
    }
    if octets.len() > LINE_BYTES_MAX {
        return Err(ParseError::at(
            node.line,
            format!("`expect_bytes` has at most {LINE_BYTES_MAX} octets"),
        ));
    }
    let pattern: String = octets
        .iter()
        .map(|octet| format!(r"\x{octet:02x}"))
        .collect();
    let finder = RegexBuilder::new(&pattern)
        .unicode(false)
        .size_limit(64 * (octets.len() + 1024))
        .build()
        .map_err(|error| ParseError::at(node.line, format!("`expect_bytes`: {error}")))?;
    Ok(ExpectBytes {
        octets: octets.into(),
        finder,
    })
}

fn labels(node: &Node, scope: Scope<'_>) -> Result<Vec<(Box<str>, Template)>, ParseError> {
    let Value::List(list) = &node.value else {
        return Err(ParseError::at(
            node.line,
            "`labels` must be a list of `name` and `value`",
        ));
    };
    let label = |node: &Node| {
        let keys = Keys::of(node, "a label", LABEL_KEYS)?;
        let missing = |key| ParseError::at(node.line, format!("a label needs a `{key}`"));
        let name = keys.value("name").ok_or_else(|| missing("name"))?;
        let value = keys.value("value").ok_or_else(|| missing("value"))?;
        let source = value.octets("value")?;
        let name = capture_name(name.text("name")?, name.line, "name")?;
        Ok((name, template(value, source, scope)?))
    };
    list.iter().map(label).collect()
}

/// The name of a capture, at this line.
pub(super) fn capture_name(name: &str, line: usize, key: &str) -> Result<Box<str>, ParseError> {
    let is_name = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.');
    if name.is_empty() || name.len() > 64 || !name.bytes().all(is_name) {
        return Err(ParseError::at(
            line,
            format!("`{key}` must be a name of letters, digits, `_`, `-` and `.`"),
        ));
    }
    Ok(name.into())
}

/// The node of a key, if its value is true.
fn enabled<'a>(keys: Keys<'a>, key: &str) -> Result<Option<&'a Node>, ParseError> {
    let is_enabled = keys.read(key, Node::flag)?.unwrap_or(false);
    Ok(keys.value(key).filter(|_| is_enabled))
}

fn template(node: &Node, source: &[u8], scope: Scope<'_>) -> Result<Template, ParseError> {
    Template::parse(source, scope).map_err(|reason| ParseError::at(node.line, reason))
}

/// Refuses groups with reserved names.
pub(super) fn check_group_names(
    pattern: &Pattern,
    node: &Node,
    key: &str,
) -> Result<(), ParseError> {
    let mut names = pattern.capture_names().flatten();
    match names.find(|name| RESERVED.contains(name)) {
        Some(name) => Err(ParseError::at(
            node.line,
            format!("`{key}` has a group `{name}`, and that word means something else in `send`"),
        )),
        None => Ok(()),
    }
}
