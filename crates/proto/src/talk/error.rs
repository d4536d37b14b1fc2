//! Errors in scripts.

use std::fmt;

/// Why a text is not a script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ScriptError {
    name: Box<str>,
    line: Option<usize>,
    step: Option<usize>,
    reason: Box<str>,
}

impl ScriptError {
    /// The line, from 1, if it is known.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The step, from 1, if it is known.
    pub fn step(&self) -> Option<usize> {
        self.step
    }
}

impl fmt::Display for ScriptError {
    /// The script's name, the line, the step and the reason.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match (self.line, self.step) {
            (Some(line), Some(step)) => write!(f, ": line {line}, step {step}")?,
            (Some(line), None) => write!(f, ": line {line}")?,
            (None, Some(step)) => write!(f, ": step {step}")?,
            (None, None) => {}
        }
        write!(f, ": {}", self.reason)
    }
}

/// A [`ScriptError`] without the name of the script.
#[derive(Debug)]
pub(super) struct ParseError {
    line: Option<usize>,
    step: Option<usize>,
    reason: String,
}

impl ParseError {
    /// An error of the whole script.
    pub(super) fn whole(reason: impl Into<String>) -> Self {
        Self {
            line: None,
            step: None,
            reason: reason.into(),
        }
    }

    /// An error at a line.
    pub(super) fn at(line: usize, reason: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            ..Self::whole(reason)
        }
    }

    /// Adds the step.
    pub(super) fn in_step(self, step: usize) -> Self {
        Self {
            step: Some(step),
            ..self
        }
    }

    /// Adds the name of the script.
    pub(super) fn in_script(self, name: &str) -> ScriptError {
        ScriptError {
            name: name.into(),
            line: self.line,
            step: self.step,
            reason: self.reason.into(),
        }
    }
}
