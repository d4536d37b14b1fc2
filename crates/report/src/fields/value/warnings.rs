//! How the warnings about a response are written.

use canvass_model::{HttpWarning, HttpWarnings};

use super::{CsvContext, JsonContext, Value};
use crate::json::put;

/// The keywords of warnings.
pub(in crate::fields) struct Warnings(pub(in crate::fields) HttpWarnings);

value!(
    Warnings: "array of strings" "[" "]",
    |warnings, out, context| push_words(out, warnings.0, ",", "\""),
    push_words(out, warnings.0, " ", "")
);

fn push_words(out: &mut Vec<u8>, warnings: HttpWarnings, separator: &str, quote: &str) {
    for (index, word) in warnings.iter().map(HttpWarning::as_str).enumerate() {
        if index > 0 {
            put(out, separator);
        }
        for part in [quote, word, quote] {
            put(out, part);
        }
    }
}
