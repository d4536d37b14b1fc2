//! YAML as a tree with line numbers.
//!
//! Built from the parser's events rather than by serde, so that every error has its line, and a
//! number without quotes stays the text it was written as.

use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Tag};

use super::error::ParseError;

/// A value and the line it starts at, from 1.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

/// The kinds of values.
#[derive(Debug)]
pub(super) enum Value {
    /// Text, a number, a boolean; `!!binary` octets.
    Scalar(Scalar),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the text.
    Map(Vec<Entry>),
}

/// A scalar.
#[derive(Debug)]
pub(super) struct Scalar {
    /// UTF-8, unless it was `!!binary`.
    pub(super) octets: Vec<u8>,
    /// It was written without quotes.
    pub(super) plain: bool,
}

/// One key of a mapping.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: Node,
}

/// The deepest nesting of values.
const DEPTH_MAX: usize = 8;
/// The most keys of a mapping.
const KEYS_MAX: usize = 64;

/// Parses the only document of `text`.
pub(super) fn read(text: &str) -> Result<Node, ParseError> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
    };
    let root = match reader.next()? {
        Some((event, line)) => reader.node(event, line, 0)?,
        None => return Err(ParseError::whole("the script is empty")),
    };
    match reader.next()? {
        Some((_, line)) => Err(ParseError::at(line, "a second document begins here")),
        None => Ok(root),
    }
}

struct Reader<'a> {
    parser: Parser<'a, serde_saphyr::granit_parser::StrInput<'a>>,
}

impl<'a> Reader<'a> {
    /// The next event that is part of a value; `None` at the end.
    fn next(&mut self) -> Result<Option<(Event<'a>, usize)>, ParseError> {
        for next in self.parser.by_ref() {
            let (event, span) = next
                .map_err(|error| ParseError::at(error.marker().line(), message(&error.info())))?;
            match event {
                Event::Scalar(..)
                | Event::SequenceStart(..)
                | Event::SequenceEnd
                | Event::MappingStart(..)
                | Event::MappingEnd
                | Event::Alias(_) => return Ok(Some((event, span.start.line()))),
                _ => {}
            }
        }
        Ok(None)
    }

    fn next_inside(&mut self) -> Result<(Event<'a>, usize), ParseError> {
        self.next()?
            .ok_or_else(|| ParseError::whole("the script breaks off"))
    }

    fn node(&mut self, event: Event<'a>, line: usize, depth: usize) -> Result<Node, ParseError> {
        if depth > DEPTH_MAX {
            return Err(ParseError::at(line, "values lie too deep in each other"));
        }
        let value = match event {
            Event::Scalar(text, style, _, tag) => {
                Value::Scalar(scalar(&text, style, tag.as_deref(), line)?)
            }
            Event::SequenceStart(..) => {
                let mut list = Vec::new();
                loop {
                    match self.next_inside()? {
                        (Event::SequenceEnd, _) => break,
                        (event, line) => list.push(self.node(event, line, depth + 1)?),
                    }
                }
                Value::List(list)
            }
            Event::MappingStart(..) => Value::Map(self.entries(depth)?),
            _ => {
                return Err(ParseError::at(
                    line,
                    "a script cannot refer to its own parts",
                ));
            }
        };
        Ok(Node { line, value })
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<Entry>, ParseError> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (key, line) = match self.next_inside()? {
                (Event::MappingEnd, _) => return Ok(entries),
                (Event::Scalar(key, ..), line) => (key.into_owned(), line),
                (_, line) => return Err(ParseError::at(line, "a key must be a word")),
            };
            if entries.iter().any(|entry| entry.key == key) {
                return Err(ParseError::at(line, format!("`{key}` stands here twice")));
            }
            if entries.len() == KEYS_MAX {
                return Err(ParseError::at(
                    line,
                    format!("there are more than {KEYS_MAX} keys"),
                ));
            }
            let (event, value_line) = self.next_inside()?;
            let value = self.node(event, value_line, depth + 1)?;
            entries.push(Entry { key, line, value });
        }
    }
}

fn scalar(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    line: usize,
) -> Result<Scalar, ParseError> {
    let plain = style == ScalarStyle::Plain && tag.is_none();
    let octets = match tag.map(|tag| (tag.handle(), tag.suffix())) {
        None | Some(("tag:yaml.org,2002:", "str") | ("!", "") | ("", "!")) => {
            text.as_bytes().to_vec()
        }
        Some(("tag:yaml.org,2002:", "binary")) => base64(text)
            .ok_or_else(|| ParseError::at(line, "what is tagged `!!binary` is not base64"))?,
        Some(_) => return Err(ParseError::at(line, "the tag here is unknown")),
    };
    Ok(Scalar { octets, plain })
}

/// Accepts bits behind the last octet that are not zero, which RFC 4648 §3.5 leaves to the decoder.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Decodes base64 (RFC 4648 §4), without regard to white space (YAML `!!binary`).
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.split_ascii_whitespace().collect();
    BASE64.decode(digits).ok()
}

/// The parser's message, in the style of the others.
fn message(message: &str) -> String {
    let mut message = message.trim_end_matches('.').to_owned();
    if let Some(first) = message.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_lines() {
        let root = read("# words\n- a: 1\n  b: |\n    two\n- \"x\\ny\"\n").unwrap();
        let Value::List(list) = &root.value else {
            panic!("{root:?}")
        };
        let Value::Map(entries) = &list[0].value else {
            panic!("{root:?}")
        };
        let lines: Vec<_> = entries
            .iter()
            .map(|entry| (entry.key.as_str(), entry.line))
            .collect();
        assert_eq!(lines, [("a", 2), ("b", 3)]);
        let Value::Scalar(text) = &list[1].value else {
            panic!("{root:?}")
        };
        assert_eq!(
            (list[1].line, text.octets.as_slice()),
            (5, b"x\ny".as_slice())
        );
    }

    #[test]
    fn what_is_no_plain_tree_is_refused() {
        for (text, reason) in [
            ("", "the script is empty"),
            ("a: 1\na: 2\n", "`a` stands here twice"),
            ("a: &x 1\nb: *x\n", "a script cannot refer to its own parts"),
            ("--- 1\n--- 2\n", "a second document begins here"),
            ("? [a]\n: b\n", "a key must be a word"),
            ("!!binary '?'", "what is tagged `!!binary` is not base64"),
            ("!mine x", "the tag here is unknown"),
            ("[[[[[[[[[[1]]]]]]]]]]", "values lie too deep in each other"),
        ] {
            let error = read(text).unwrap_err().in_script("s").to_string();
            assert!(error.ends_with(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_mapping_has_a_limit() {
        let keys =
            |count: usize| -> String { (0..count).map(|key| format!("k{key}: 1\n")).collect() };
        assert!(read(&keys(KEYS_MAX)).is_ok());
        let error = read(&keys(KEYS_MAX + 1)).unwrap_err().in_script("s");
        assert_eq!(error.to_string(), "s: line 65: there are more than 64 keys");
    }

    #[test]
    fn base64_is_decoded() {
        for (text, octets) in [
            ("", b"".as_slice()),
            ("Zg==", b"f"),
            ("Zm8=", b"fo"),
            ("Zm9=", b"fo"),
            ("Zm\n9v", b"foo"),
            ("AAAACATSFi8=", &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]),
        ] {
            assert_eq!(base64(text).as_deref(), Some(octets), "{text}");
        }
        for bad in ["Z", "Zg=", "Z===", "Zg==Zg==", "Z*=="] {
            assert_eq!(base64(bad), None, "{bad}");
        }
    }
}
