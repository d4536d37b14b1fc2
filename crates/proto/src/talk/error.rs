//! What is wrong with a script.

use std::fmt;

/// Why a text is no script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ScriptError {
    name: Box<str>,
    line: Option<usize>,
    step: Option<usize>,
    reason: Box<str>,
}

impl ScriptError {
    /// The line it is about, from 1, where there is one.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The step it is about, from 1, where there is one.
    pub fn step(&self) -> Option<usize> {
        self.step
    }
}

impl fmt::Display for ScriptError {
    /// The script's name, the line, the step and what is wrong.
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

/// The same, before the script's name is put to it.
#[derive(Debug)]
pub(super) struct Trouble {
    line: Option<usize>,
    step: Option<usize>,
    reason: String,
}

impl Trouble {
    /// What is wrong with all of it.
    pub(super) fn whole(reason: impl Into<String>) -> Self {
        Self {
            line: None,
            step: None,
            reason: reason.into(),
        }
    }

    /// What is wrong at a line.
    pub(super) fn at(line: usize, reason: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            ..Self::whole(reason)
        }
    }

    /// The same, in a step.
    pub(super) fn in_step(self, step: usize) -> Self {
        Self {
            step: Some(step),
            ..self
        }
    }

    /// The same, in the script of this name.
    pub(super) fn in_script(self, name: &str) -> ScriptError {
        ScriptError {
            name: name.into(),
            line: self.line,
            step: self.step,
            reason: self.reason.into(),
        }
    }
}
