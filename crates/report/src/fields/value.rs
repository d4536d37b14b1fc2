//! How values are written, by type.

use std::net::SocketAddr;
use std::time::Duration;

use canvass_model::{Errno, RecordType, Remote, Status, Target, Time};

use super::Table;
use crate::epoch::{Calendar, push_second};
use crate::json::{push_inner, push_string, put};
use crate::write::{
    LastSpan, push_display, push_ms, push_number, push_remote, push_sha256, push_socket_address,
    push_status, target_text,
};

/// The state that values need to write a line of ndjson.
pub(crate) struct JsonContext<'a> {
    pub(crate) calendar: &'a mut Calendar,
    pub(crate) resolver: &'a mut LastResolver,
    pub(crate) spans: LastSpan,
}

/// The last resolver and its JSON text: consecutive lines mostly have the same one.
pub(crate) type LastResolver = Option<(SocketAddr, Vec<u8>)>;

/// The state that values need to write a row of CSV.
pub(crate) struct CsvContext<'a> {
    pub(crate) calendar: &'a mut Calendar,
    /// Holds a cell until it is known whether it needs quotes.
    pub(crate) scratch: &'a mut Vec<u8>,
}

impl CsvContext<'_> {
    /// Appends the text that `fill` writes, quoted where it must be.
    pub(super) fn quoted(&mut self, out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
        self.scratch.clear();
        fill(self.scratch);
        push_quoted(out, self.scratch);
    }
}

/// A value of a field.
pub(crate) trait Value: Sized {
    /// The JSON type, and whether null is possible too.
    const TYPE: &'static str;
    const NULLABLE: bool = false;
    /// What comes before the value in JSON, and what after it.
    const OPEN: &'static str = "";
    const CLOSE: &'static str = "";
    /// Whether some lines of JSON do not have the key.
    const CONDITIONAL: bool = false;
    /// How many columns CSV has for it.
    const CELLS: usize = 1;

    /// Whether this line of JSON has the key.
    fn is_present(&self) -> bool {
        true
    }

    /// Appends the value without [`Self::OPEN`] and [`Self::CLOSE`].
    fn write_json(self, out: &mut Vec<u8>, context: &mut JsonContext<'_>);

    /// Appends the content of a cell.
    fn write_cell(self, out: &mut Vec<u8>, context: &mut CsvContext<'_>);

    /// The names of the CSV columns.
    fn columns(key: &str) -> Vec<String> {
        vec![key.to_owned()]
    }

    /// Appends all cells, each with a comma after it. They are empty if there is no value.
    #[inline(always)]
    fn write_cells(value: Option<Self>, out: &mut Vec<u8>, context: &mut CsvContext<'_>) {
        if let Some(value) = value {
            value.write_cell(out, context);
        }
        out.push(b',');
    }
}

/// Implements [`Value`] from the JSON type, the text before and after the value in JSON, and how the
/// value is written in JSON and in CSV.
macro_rules! value {
    (
        $(#[$meta:meta])*
        $Type:ty: $name:literal $open:literal $close:literal,
        |$value:ident, $out:ident, $context:ident| $json:expr, $cell:expr
    ) => {
        $(#[$meta])*
        impl Value for $Type {
            const TYPE: &'static str = $name;
            const OPEN: &'static str = $open;
            const CLOSE: &'static str = $close;

            #[inline(always)]
            fn write_json(self, $out: &mut Vec<u8>, $context: &mut JsonContext<'_>) {
                let ($value, _) = (self, &$context);
                $json;
            }

            #[inline(always)]
            fn write_cell(self, $out: &mut Vec<u8>, $context: &mut CsvContext<'_>) {
                let ($value, _) = (self, &$context);
                $cell;
            }
        }
    };
    ($Type:ty: $name:literal $quote:literal, |$value:ident, $out:ident| $both:expr) => {
        value!($Type: $name $quote $quote, |$value, $out, context| $both, $both);
    };
}

mod lookup;
mod warnings;

pub(super) use lookup::{AddressesByName, ClassName};
pub(super) use warnings::Warnings;

/// A word that needs no escape.
pub(super) struct Word(pub(super) &'static str);

/// A type of DNS record.
pub(super) struct TypeName(pub(super) RecordType);

/// A second since 1970.
pub(super) struct Second(pub(super) i64);

/// A SHA-256, in hexadecimal.
pub(super) struct Sha256<'a>(pub(super) &'a [u8; 32]);

value!(u16: "number" "", |number, out| push_number(out, number));
value!(u32: "number" "", |number, out| push_number(out, number));
value!(u64: "number" "", |number, out| push_number(out, number));
value!(i64: "number" "", |number, out| push_number(out, number));
value!(usize: "number" "", |number, out| push_number(out, number));
value!(bool: "true or false" "", |truth, out| put(out, if truth { "true" } else { "false" }));
value!(Word: "string" "\"", |word, out| put(out, word.0));
value!(TypeName: "string" "\"", |name, out| push_display(out, name.0));
value!(Errno: "string" "\"", |errno, out| push_display(out, errno));
value!(Status: "string" "\"", |status, out| push_status(out, status));
value!(Second: "string" "\"", |second, out| push_second(out, second.0));
value!(Sha256<'_>: "string" "\"", |hash, out| push_sha256(out, hash.0));
value!(
    &str: "string" "\"" "\"",
    |text, out, context| push_inner(out, text),
    push_quoted(out, text.as_bytes())
);
value!(
    &Target: "string" "\"" "\"",
    |target, out, context| target_text(target).push(out, push_inner),
    context.quoted(out, |out| target_text(target).push(out, put))
);
value!(
    &Remote: "string" "\"" "\"",
    |remote, out, context| push_remote(out, remote, push_inner),
    context.quoted(out, |out| push_remote(out, remote, put))
);
value!(
    /// A moment of the run, as a time of the calendar.
    Time: "string" "\"" "\"",
    |time, out, context| context.calendar.push(out, time),
    context.calendar.push(out, time)
);
value!(
    /// A span, in milliseconds.
    Duration: "number" "" "",
    |span, out, context| context.spans.push(out, span),
    push_ms(out, span)
);
value!(
    &SocketAddr: "string" "" "",
    |address, out, context| push_resolver(out, *address, context.resolver),
    push_socket_address(out, *address)
);

#[inline(always)]
fn push_resolver(out: &mut Vec<u8>, address: SocketAddr, last: &mut LastResolver) {
    match last {
        Some((last, text)) if *last == address => out.extend_from_slice(text),
        _ => {
            let mut text = vec![b'"'];
            push_socket_address(&mut text, address);
            text.push(b'"');
            out.extend_from_slice(&text);
            *last = Some((address, text));
        }
    }
}

/// `None` is null in JSON and empty in CSV.
impl<T: Value> Value for Option<T> {
    const TYPE: &'static str = T::TYPE;
    const NULLABLE: bool = true;
    const CELLS: usize = T::CELLS;

    #[inline(always)]
    fn write_json(self, out: &mut Vec<u8>, context: &mut JsonContext<'_>) {
        match self {
            Some(value) => write_enclosed(value, out, context),
            None => put(out, "null"),
        }
    }

    #[inline(always)]
    fn write_cell(self, out: &mut Vec<u8>, context: &mut CsvContext<'_>) {
        if let Some(value) = self {
            value.write_cell(out, context);
        }
    }

    fn columns(key: &str) -> Vec<String> {
        T::columns(key)
    }

    #[inline(always)]
    fn write_cells(value: Option<Self>, out: &mut Vec<u8>, context: &mut CsvContext<'_>) {
        T::write_cells(value.flatten(), out, context);
    }
}

#[inline(always)]
fn write_enclosed<T: Value>(value: T, out: &mut Vec<u8>, context: &mut JsonContext<'_>) {
    put(out, T::OPEN);
    value.write_json(out, context);
    put(out, T::CLOSE);
}

/// A value whose key is in JSON only if the condition holds.
pub(super) struct KeyIf<T>(pub(super) bool, pub(super) T);

impl<T: Value> Value for KeyIf<T> {
    const TYPE: &'static str = T::TYPE;
    const NULLABLE: bool = T::NULLABLE;
    const CONDITIONAL: bool = true;
    const CELLS: usize = T::CELLS;

    #[inline(always)]
    fn is_present(&self) -> bool {
        self.0
    }

    #[inline(always)]
    fn write_json(self, out: &mut Vec<u8>, context: &mut JsonContext<'_>) {
        write_enclosed(self.1, out, context);
    }

    #[inline(always)]
    fn write_cell(self, out: &mut Vec<u8>, context: &mut CsvContext<'_>) {
        self.1.write_cell(out, context);
    }

    fn columns(key: &str) -> Vec<String> {
        T::columns(key)
    }

    #[inline(always)]
    fn write_cells(value: Option<Self>, out: &mut Vec<u8>, context: &mut CsvContext<'_>) {
        T::write_cells(value.map(|value| value.1), out, context);
    }
}

/// A value whose key is in JSON only if there is one.
pub(super) struct KeyIfSome<T>(pub(super) Option<T>);

impl<T: Value> Value for KeyIfSome<T> {
    const TYPE: &'static str = T::TYPE;
    const CONDITIONAL: bool = true;

    #[inline(always)]
    fn is_present(&self) -> bool {
        self.0.is_some()
    }

    #[inline(always)]
    fn write_json(self, out: &mut Vec<u8>, context: &mut JsonContext<'_>) {
        self.0.write_json(out, context);
    }

    #[inline(always)]
    fn write_cell(self, out: &mut Vec<u8>, context: &mut CsvContext<'_>) {
        self.0.write_cell(out, context);
    }
}

/// An object with a table of its own. In CSV each of its fields has a column.
pub(super) struct Object<'a, T: Table>(pub(super) &'a T::Subject);

/// More columns than CSV has for any object.
const CELLS_MAX: usize = 16;

impl<T: Table> Value for Object<'_, T> {
    const TYPE: &'static str = "object";
    const CELLS: usize = T::CELLS;

    #[inline(always)]
    fn write_json(self, out: &mut Vec<u8>, context: &mut JsonContext<'_>) {
        T::write_json(self.0, out, context);
    }

    fn write_cell(self, out: &mut Vec<u8>, context: &mut CsvContext<'_>) {
        T::write_csv(self.0, out, context);
    }

    fn columns(_: &str) -> Vec<String> {
        let columns = T::columns();
        let names = columns.iter().map(|key| T::COLUMNS.replace('*', key));
        names.collect()
    }

    #[inline(always)]
    fn write_cells(value: Option<Self>, out: &mut Vec<u8>, context: &mut CsvContext<'_>) {
        match value {
            Some(object) => object.write_cell(out, context),
            None => out.extend_from_slice(&[b','; CELLS_MAX][..T::CELLS]),
        }
    }
}

/// An array of objects with a table of their own.
pub(super) struct Objects<'a, T: Listed>(pub(super) &'a [T::Subject]);

/// A table of objects in an array.
pub(super) trait Listed: Table {
    /// Appends the one cell that CSV has for all of them. By default it is their number.
    fn write_cell(items: &[Self::Subject], out: &mut Vec<u8>, _: &mut CsvContext<'_>) {
        push_number(out, items.len());
    }
}

impl<T: Listed> Value for Objects<'_, T> {
    const TYPE: &'static str = "array of objects";
    const OPEN: &'static str = "[";
    const CLOSE: &'static str = "]";

    #[inline(always)]
    fn write_json(self, out: &mut Vec<u8>, context: &mut JsonContext<'_>) {
        push_joined(out, self.0, ",", |out, item| {
            T::write_json(item, out, context);
        });
    }

    fn write_cell(self, out: &mut Vec<u8>, context: &mut CsvContext<'_>) {
        T::write_cell(self.0, out, context);
    }
}

/// An array of strings.
pub(super) struct Texts<'a>(pub(super) &'a [Box<str>]);

value!(
    Texts<'_>: "array of strings" "[" "]",
    |texts, out, context| push_joined(out, texts.0, ",", |out, text| push_string(out, text)),
    context.quoted(out, |out| push_joined(out, texts.0, " ", |out, text| put(out, text)))
);

/// Strings by name.
pub(super) struct Captures<'a>(pub(super) &'a [(Box<str>, Box<str>)]);

value!(
    Captures<'_>: "object" "{" "}",
    |captures, out, context| push_joined(out, captures.0, ",", |out, (name, value)| {
        push_string(out, name);
        put(out, ":");
        push_string(out, value);
    }),
    context.quoted(out, |out| push_joined(out, captures.0, "; ", |out, (name, value)| {
        put(out, name);
        put(out, "=");
        put(out, value);
    }))
);

/// Appends `items` with `separator` between them.
#[inline(always)]
pub(super) fn push_joined<T>(
    out: &mut Vec<u8>,
    items: &[T],
    separator: &str,
    mut push: impl FnMut(&mut Vec<u8>, &T),
) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            put(out, separator);
        }
        push(out, item);
    }
}

/// Appends a CSV cell, quoted where it must be (RFC 4180 §2, rules 5 to 7).
fn push_quoted(out: &mut Vec<u8>, cell: &[u8]) {
    if !cell
        .iter()
        .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
    {
        out.extend_from_slice(cell);
        return;
    }
    out.push(b'"');
    for &byte in cell {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}
