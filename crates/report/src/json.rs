//! Writes parts of JSON text.

use crate::write::{is_breaking, is_plain, push_display};

/// Appends text that needs no escape.
pub(crate) fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends `value` with `push`, or null.
pub(crate) fn push_or_null<T>(
    out: &mut Vec<u8>,
    value: Option<T>,
    push: impl FnOnce(&mut Vec<u8>, T),
) {
    match value {
        Some(value) => push(out, value),
        None => put(out, "null"),
    }
}

/// Appends `text` as a JSON string (RFC 8259 §7), quotes included.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    put(out, "\"");
    push_inner(out, text);
    put(out, "\"");
}

/// Appends the content of a JSON string, without quotes.
pub(crate) fn push_inner(out: &mut Vec<u8>, text: &str) {
    if is_plain(text) {
        put(out, text);
    } else {
        push_escaped(out, text);
    }
}

#[cold]
fn push_escaped(out: &mut Vec<u8>, text: &str) {
    for character in text.chars() {
        match character {
            '"' => put(out, "\\\""),
            '\\' => put(out, "\\\\"),
            '\n' => put(out, "\\n"),
            '\r' => put(out, "\\r"),
            '\t' => put(out, "\\t"),
            // All of these are below U+10000, so four digits are enough.
            breaking if is_breaking(breaking) => {
                push_display(out, format_args!("\\u{:04x}", u32::from(breaking)));
            }
            plain => put(out, plain.encode_utf8(&mut [0; 4])),
        }
    }
}
