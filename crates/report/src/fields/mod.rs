//! The fields of a line: a table for each kind of probe, and for each object inside a line.
//!
//! An entry of a table has the key, the type of the value, the value, whether CSV has it, how it
//! is read back, and its documentation. The writers of ndjson and CSV, the reader of ndjson and
//! the tables of `docs/FORMATS.md` are all generated from these entries, so adding a field means
//! adding an entry. The writers are generated as straight-line code in which a key, with the
//! punctuation around it, is one constant.

#[macro_use]
mod macros;
mod common;
mod details;
mod document;
mod endpoints;
mod host;
mod http;
mod lookup;
mod read;
mod talk;
mod value;

use canvass_model::Outcome;
use serde::de::MapAccess;

pub(crate) use details::shows_flags;
pub use document::formats_markdown;
pub(crate) use read::{LineReader, Read};
pub(crate) use value::{CsvContext, JsonContext, LastResolver};

/// An entry of a table, for the documentation and the reader.
pub(crate) struct Field {
    key: &'static str,
    /// The JSON type, and whether null is possible too.
    type_name: &'static str,
    is_nullable: bool,
    /// The names of its CSV columns.
    columns: fn(&str) -> Vec<String>,
    /// Whether only some lines of ndjson have the key.
    is_conditional: bool,
    presence: Presence,
    documentation: &'static str,
}

/// Whether a field is read back, and whether it must be present.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// It is not read.
    Ignored,
    Optional,
    Required,
}

/// A table of fields, as `fields!` defines it.
pub(crate) trait Table {
    /// What the values are taken from.
    type Subject;
    /// What the fields are read back into.
    type Draft;
    const FIELDS: &'static [Field];
    const KEYS: &'static [&'static str];
    /// The pattern for the CSV columns of an object, with `*` for the key.
    const COLUMNS: &'static str;
    /// How many columns CSV has for it.
    const CELLS: usize;

    fn write_json(subject: &Self::Subject, out: &mut Vec<u8>, context: &mut JsonContext<'_>);

    /// Writes the CSV cells, with a comma after each.
    fn write_csv(subject: &Self::Subject, out: &mut Vec<u8>, context: &mut CsvContext<'_>);

    /// Reads the value of `key`. Returns false where this table has no such field to read. The bit
    /// of the field's index is set in `seen`.
    fn read<'de, A: MapAccess<'de>>(
        key: &str,
        map: &mut A,
        draft: &mut Self::Draft,
        seen: &mut u32,
    ) -> Result<bool, A::Error>;

    /// The names of the CSV columns.
    fn columns() -> Vec<String> {
        let fields = Self::FIELDS.iter();
        fields
            .flat_map(|field| (field.columns)(field.key))
            .collect()
    }
}

/// A table that is a part of a line.
trait LinePart: Table {
    /// Calls `write` with what the values are taken from.
    fn with_subject(outcome: &Outcome, write: impl FnOnce(&Self::Subject));
}

/// Calls `write` for a probe that ended without an answer of its kind.
#[cold]
fn with_default<Subject: Default>(write: impl FnOnce(&Subject)) {
    write(&Subject::default());
}

line! {
    /// A line of `ptr` and `dns`.
    LookupLine: common::Start, lookup::Question, common::Ending, lookup::Answer, common::Times,
    lookup::Time, common::End, details::Details, common::Expectation, common::Recheck
}

line! {
    /// A line of `http`.
    HttpLine: common::Start, common::Ending, http::Answer, common::Times, host::Time, common::End,
    http::Body, common::Expectation, http::Extras, common::Recheck
}

line! {
    /// A line of `tcp` and `udp`.
    TalkLine: common::Start, common::Ending, talk::Answer, common::Times, host::Time, common::End,
    talk::Path, common::Expectation, common::Recheck
}

row! {
    /// A row of `check`, of any probe. In ndjson its lines are those of their probes.
    EndpointRow: common::Start, common::Ending, endpoints::Answer, common::Times, endpoints::Time,
    common::End, common::Expectation, common::Recheck
}
