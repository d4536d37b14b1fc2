//! Errors of a configuration, with their places.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use canvass_model::suggestion;

/// What is wrong with a configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// The line of the value, from 1. `None` if it is about the whole file.
    pub line: Option<u64>,
    /// The column of the value in characters, from 1. `None` if it is about the whole line.
    pub column: Option<u64>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = Place {
            path: &self.path,
            line: self.line,
            column: self.column,
        };
        write!(f, "{place}: {}", self.message)
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// An error of the whole file at `path`.
    pub(super) fn of_file(path: &Path, message: impl fmt::Display) -> Self {
        Self {
            path: path.into(),
            line: None,
            column: None,
            message: message.to_string(),
        }
    }
}

/// A place in a file, as compilers write it.
pub(super) struct Place<'a> {
    pub(super) path: &'a Path,
    pub(super) line: Option<u64>,
    pub(super) column: Option<u64>,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        Ok(())
    }
}

/// The text of a configuration, for the places in it.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

impl Document {
    /// Where the octets of `span` are.
    pub(super) fn place(&self, span: &Range<usize>) -> Place<'_> {
        let before = self.text.get(..span.start).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Place {
            path: &self.path,
            line: Some(before.matches('\n').count() as u64 + 1),
            column: Some(before[line_start..].chars().count() as u64 + 1),
        }
    }

    /// An error of what is at `span`.
    pub(super) fn error(&self, span: Range<usize>, message: impl fmt::Display) -> ConfigError {
        let Place { line, column, .. } = self.place(&span);
        ConfigError {
            path: self.path.clone(),
            line,
            column,
            message: message.to_string(),
        }
    }

    /// The error of the parser. A key that is not known is compared with those that are.
    pub(super) fn parse_error(&self, error: &toml::de::Error) -> ConfigError {
        let message = error.message().trim();
        let message = match message.strip_prefix("unknown field ") {
            Some(rest) => unknown_key(rest).unwrap_or_else(|| message.to_owned()),
            None => message.replace('\n', "; "),
        };
        match error.span() {
            Some(span) => self.error(span, message),
            None => ConfigError::of_file(&self.path, message),
        }
    }
}

/// The message for an unknown key, out of that of serde: `` `key`, expected one of `a`, `b` ``.
fn unknown_key(rest: &str) -> Option<String> {
    let mut names = rest.split('`').skip(1).step_by(2);
    let key = names.next()?;
    let known: Vec<&str> = names.collect();
    let hint = suggestion(key, known.iter().copied());
    let known = known.join(", ");
    let end = if hint.is_empty() { ";" } else { "" };
    Some(format!(
        "unknown key {key:?}{hint}{end} the keys are {known}"
    ))
}

impl Document {
    /// The path of a file that is named relative to this one.
    pub(super) fn beside(&self, path: &Path) -> PathBuf {
        match self.path.parent() {
            Some(directory) => directory.join(path),
            None => path.into(),
        }
    }
}
