//! The line formats.

use std::str::FromStr;

use canvass_model::Outcome;

use crate::{Columns, Csv, Epoch, Ndjson, Text};

/// A format for the lines of outcomes.
pub trait LineFormat {
    /// Colours the words for statuses from now on, for a terminal. Most formats have no colours.
    fn colour(&mut self) {}

    /// Appends the header with its line end. Most formats have none.
    fn header(&mut self, out: &mut Vec<u8>);

    /// Appends the line of `outcome` with its line end.
    fn line(&mut self, outcome: &Outcome, out: &mut Vec<u8>);
}

/// The line formats by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people and `cut`: see [`Text`].
    #[default]
    Text,
    /// One JSON object per line: see [`Ndjson`].
    Ndjson,
    /// For spreadsheets: see [`Csv`].
    Csv,
}

/// A text that is not the name of a line format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no output format is called {0:?}; write text, ndjson or csv")]
pub struct FormatError(pub String);

impl Format {
    /// Returns the writer of the format for a run that started at `epoch`. `columns` are the columns
    /// of [`Csv`].
    pub fn lines(self, columns: Columns, epoch: Epoch) -> Box<dyn LineFormat + Send> {
        match self {
            Self::Text => Box::new(Text::default()),
            Self::Ndjson => Box::new(Ndjson::new(epoch)),
            Self::Csv => Box::new(Csv::new(columns, epoch)),
        }
    }

    /// Its name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        [Self::Text, Self::Ndjson, Self::Csv]
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| FormatError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_named_as_the_command_names_them() {
        for format in [Format::Text, Format::Ndjson, Format::Csv] {
            assert_eq!(format.as_str().parse(), Ok(format));
        }
        let error = "json".parse::<Format>().unwrap_err();
        assert!(error.to_string().contains("\"json\""), "{error}");
    }
}
