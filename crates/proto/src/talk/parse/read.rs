//! Steps that read octets.

use super::keys::Keys;
use super::step::{capture_name, check_group_names};
use crate::talk::error::ParseError;
use crate::talk::script::{Extent, Form, Header, Keep, Read};
use crate::talk::yaml::{Node, Value};
use crate::talk::{READ_BYTES_MAX, RECEIVED_BYTES_MAX};

const HEADER_KEYS: &[&str] = &["before", "length", "after", "order", "counts"];
/// The most octets of a header on each side of the length.
const HEADER_BYTES_MAX: usize = 64;
/// The most octets of a length.
const LENGTH_BYTES_MAX: usize = 4;

/// Parses `read` with what belongs to it.
pub(super) fn read(node: &Node, keys: Keys<'_>) -> Result<Read, ParseError> {
    let keep = match keys.value("as") {
        Some(name) => Some(Keep {
            name: capture_name(name.text("as")?, name.line, "as")?,
            form: keys.read("form", form)?.unwrap_or(Form::Auto),
        }),
        None => None,
    };
    let pattern = keys.read("match", |node, key| {
        let pattern = node.octet_pattern(key)?;
        check_group_names(&pattern, node, key)?;
        Ok(pattern)
    })?;
    let max = if keep.is_some() || pattern.is_some() {
        READ_BYTES_MAX
    } else {
        usize::try_from(RECEIVED_BYTES_MAX).unwrap_or(usize::MAX)
    };
    let extent = extent(node, max)?;
    if let Some(keep) = &keep
        && let Some(needed) = keep.form.octets()
        && extent != Extent::Octets(needed)
    {
        let form = if keep.form == Form::Ntp {
            "ntp"
        } else {
            "time"
        };
        return Err(ParseError::at(
            node.line,
            format!("`form: {form}` is made of `read: {needed}`"),
        ));
    }
    Ok(Read {
        extent,
        keep,
        pattern,
    })
}

fn extent(node: &Node, max: usize) -> Result<Extent, ParseError> {
    if matches!(node.value, Value::Map(_)) {
        return header(node).map(Extent::Message);
    }
    if node.text("read")? == "to_end" {
        return Ok(Extent::ToEnd);
    }
    match node.number("read", max)? {
        0 => Err(ParseError::at(node.line, "`read: 0` would read nothing")),
        octets => Ok(Extent::Octets(octets)),
    }
}

fn header(node: &Node) -> Result<Header, ParseError> {
    let keys = Keys::of(node, "`read`", HEADER_KEYS)?;
    let number = |key, max| keys.read(key, |node, key| node.number(key, max));
    let length = number("length", LENGTH_BYTES_MAX)?.filter(|length| *length > 0);
    let word = |key, words: [&str; 2]| match keys.value(key) {
        None => Ok(false),
        Some(node) if node.text(key)? == words[0] => Ok(false),
        Some(node) if node.text(key)? == words[1] => Ok(true),
        Some(node) => Err(ParseError::at(
            node.line,
            format!("`{key}` can only be `{}` or `{}`", words[0], words[1]),
        )),
    };
    Ok(Header {
        before: number("before", HEADER_BYTES_MAX)?.unwrap_or(0),
        length: length.ok_or_else(|| {
            ParseError::at(
                node.line,
                format!("`read` needs the `length` of the length, from 1 to {LENGTH_BYTES_MAX}"),
            )
        })?,
        after: number("after", HEADER_BYTES_MAX)?.unwrap_or(0),
        little_endian: word("order", ["big", "little"])?,
        counts_itself: word("counts", ["rest", "itself"])?,
    })
}

fn form(node: &Node, key: &str) -> Result<Form, ParseError> {
    match node.text(key)? {
        "text" => Ok(Form::Text),
        "hex" => Ok(Form::Hex),
        "time" => Ok(Form::Time),
        "ntp" => Ok(Form::Ntp),
        _ => Err(ParseError::at(
            node.line,
            "`form` can only be `text`, `hex`, `time` or `ntp`",
        )),
    }
}
