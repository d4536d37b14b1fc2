//! Takes targets from part of each line.

use crate::fields::{FieldReader, FieldSelection, Record};
use crate::lines::Line;
use crate::output::{OutputReader, OutputSelection};

/// Which part of the lines of a list are its targets.
#[derive(Clone, Debug)]
pub enum Selection {
    /// A field of each line.
    Field(FieldSelection),
    /// Part of the output of an earlier run.
    Output(OutputSelection),
}

/// Takes part of each line.
pub(crate) enum Selector {
    Field(FieldReader),
    Output(OutputReader),
}

impl Selector {
    pub(crate) fn new(selection: &Selection) -> Self {
        match selection {
            Selection::Field(selection) => Self::Field(FieldReader::new(*selection)),
            Selection::Output(selection) => Self::Output(OutputReader::new(selection.clone())),
        }
    }

    /// Takes the target of a line, the first one if there are several.
    pub(crate) fn take(&mut self, line: &Line<'_>) -> Record<'_> {
        match self {
            Self::Field(reader) => reader.take(line),
            Self::Output(reader) => reader.take(line),
        }
    }

    /// Whether lines that were taken have more.
    pub(crate) fn has_pending(&self) -> bool {
        match self {
            Self::Field(reader) => reader.has_again(),
            Self::Output(reader) => reader.has_pending(),
        }
    }

    /// Takes the next of what lines that were taken have.
    pub(crate) fn take_pending(&mut self) -> Option<Record<'_>> {
        match self {
            Self::Field(reader) => reader.take_again(),
            Self::Output(reader) => reader.take_pending(),
        }
    }

    /// Ends the list.
    pub(crate) fn end(&mut self) -> Option<Record<'_>> {
        match self {
            Self::Field(reader) => reader.end(),
            Self::Output(_) => None,
        }
    }
}
