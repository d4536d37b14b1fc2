//! Pieces of JSON.

use std::net::IpAddr;

use canvass_model::Remote;

use crate::write::{is_breaking, is_plain, push_address, push_display, push_number, push_remote};

/// Appends what is not known to need an escape.
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

/// Appends `key`, which begins with a comma and ends with a colon, and a string or null.
pub(super) fn push_text_key(out: &mut Vec<u8>, key: &str, text: Option<&str>) {
    put(out, key);
    push_or_null(out, text, push_string);
}

/// Appends `key`, which begins with a comma and ends with a colon, and a number or null.
pub(super) fn push_number_key(out: &mut Vec<u8>, key: &str, number: Option<impl Into<u64>>) {
    put(out, key);
    push_or_null(out, number.map(Into::into), push_number);
}

/// Appends `items` with commas between them, without brackets.
pub(super) fn push_list<T>(out: &mut Vec<u8>, items: &[T], push: impl Fn(&mut Vec<u8>, &T)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            put(out, ",");
        }
        push(out, item);
    }
}

/// Appends true, false or null.
pub(super) fn push_truth(out: &mut Vec<u8>, truth: Option<bool>) {
    put(
        out,
        match truth {
            Some(true) => "true",
            Some(false) => "false",
            None => "null",
        },
    );
}

/// Appends what `Display` shows as a string; it must not need an escape.
pub(super) fn push_word(out: &mut Vec<u8>, word: impl std::fmt::Display) {
    put(out, "\"");
    push_display(out, word);
    put(out, "\"");
}

/// Appends an address as a string.
pub(super) fn push_quoted_address(out: &mut Vec<u8>, address: IpAddr) {
    put(out, "\"");
    push_address(out, address);
    put(out, "\"");
}

/// Appends a remote as a string.
pub(super) fn push_quoted_remote(out: &mut Vec<u8>, remote: &Remote) {
    put(out, "\"");
    push_remote(out, remote, push_inner);
    put(out, "\"");
}

/// Appends `text` as a JSON string (RFC 8259 §7), quotes included.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    put(out, "\"");
    push_inner(out, text);
    put(out, "\"");
}

/// Appends what stands between the quotes of a JSON string.
pub(super) fn push_inner(out: &mut Vec<u8>, text: &str) {
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
            // All of these lie below U+10000, so four digits hold them.
            breaking if is_breaking(breaking) => {
                push_display(out, format_args!("\\u{:04x}", u32::from(breaking)));
            }
            plain => put(out, plain.encode_utf8(&mut [0; 4])),
        }
    }
}
