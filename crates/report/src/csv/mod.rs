//! Comma-separated values with a header row, and the same columns for every probe of a family
//! ([`Columns`]).
//!
//! Quoting is as in RFC 4180 §2: a field with a comma, a quote or a line end is quoted, and a quote
//! inside is doubled. Rows end with a line feed alone, which every reader of the format accepts
//! and line tools need. Unknown values are empty. The columns are in the tables of
//! [`crate::fields`].

#[cfg(test)]
mod tests;

use canvass_model::{Outcome, ProbeSpec};

use crate::epoch::Calendar;
use crate::fields::{CsvContext, EndpointRow, HttpLine, LookupLine, TalkLine};
use crate::{Epoch, LineFormat};

/// Which columns there are: those of a family of probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// For `ptr` and `dns`.
    Dns,
    /// For `http`.
    Http,
    /// For `tcp` and `udp`.
    Talk,
    /// For `check`, whose outcomes are those of several families.
    Endpoints,
}

impl Columns {
    /// The columns of the family of `spec`.
    pub const fn of(spec: &ProbeSpec) -> Self {
        match spec {
            ProbeSpec::Ptr { .. } | ProbeSpec::Dns { .. } => Self::Dns,
            ProbeSpec::Http { .. } => Self::Http,
            ProbeSpec::Tcp { .. } | ProbeSpec::Udp { .. } => Self::Talk,
        }
    }

    /// Their names.
    pub(crate) fn names(self) -> Vec<String> {
        match self {
            Self::Dns => LookupLine::columns(),
            Self::Http => HttpLine::columns(),
            Self::Talk => TalkLine::columns(),
            Self::Endpoints => EndpointRow::columns(),
        }
    }
}

/// The `csv` format.
pub struct Csv {
    calendar: Calendar,
    columns: Columns,
    scratch: Vec<u8>,
}

impl Csv {
    /// For a run that began at `epoch`. Values that have no column in `columns` are left out.
    pub fn new(columns: Columns, epoch: Epoch) -> Self {
        Self {
            calendar: Calendar::new(epoch),
            columns,
            scratch: Vec::new(),
        }
    }
}

impl LineFormat for Csv {
    fn header(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.columns.names().join(",").as_bytes());
        out.push(b'\n');
    }

    fn line(&mut self, outcome: &Outcome, out: &mut Vec<u8>) {
        let mut context = CsvContext {
            calendar: &mut self.calendar,
            scratch: &mut self.scratch,
        };
        match self.columns {
            Columns::Dns => LookupLine::write_csv(outcome, out, &mut context),
            Columns::Http => HttpLine::write_csv(outcome, out, &mut context),
            Columns::Talk => TalkLine::write_csv(outcome, out, &mut context),
            Columns::Endpoints => EndpointRow::write_csv(outcome, out, &mut context),
        }
        // Each cell ends with a comma; the last one ends the row.
        if let Some(last) = out.last_mut() {
            *last = b'\n';
        }
    }
}
