//! Regular expressions over what was received.

use std::fmt;

use regex::bytes::{CaptureNames, Captures, Regex, RegexBuilder};
use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassPerl, ClassPerlKind, ClassSetItem, Flag, FlagsItemKind, Span,
    Visitor,
};

use super::{REGEX_BYTES_MAX, REGEX_CACHE_BYTES_MAX};

/// A regular expression that matches characters where the text is UTF-8, and octets where it is
/// not. As in Go, `\w`, `\d`, `\s` and `\b` are ASCII.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: Box<str>,
    /// For text that is ASCII or not UTF-8.
    octets: Regex,
    /// For other text. `None` if it is the same, or if all text is taken as octets.
    characters: Option<Regex>,
}

/// How much larger than [`REGEX_BYTES_MAX`] the compiled form for characters may be: one takes up to
/// four octets.
const CHARACTER_OCTETS_MAX: usize = 4;

impl Pattern {
    /// Parses a regular expression over lines.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(source: &str) -> Result<Self, String> {
        // A class such as `\p{Lu}` has no meaning for octets.
        let Ok(octets) = build(source, false, REGEX_BYTES_MAX) else {
            return Ok(Self {
                source: source.into(),
                octets: build(source, true, REGEX_BYTES_MAX)?,
                characters: None,
            });
        };
        let limit = CHARACTER_OCTETS_MAX * REGEX_BYTES_MAX;
        Ok(Self {
            source: source.into(),
            characters: Some(build(&with_ascii_classes(source), true, limit)?),
            octets,
        })
    }

    /// Parses a regular expression over octets, whatever they are.
    pub(super) fn over_octets(source: &str) -> Result<Self, String> {
        Ok(Self {
            source: source.into(),
            octets: build(source, false, REGEX_BYTES_MAX)?,
            characters: None,
        })
    }

    /// Whether it matches.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex(text).is_match(text)
    }

    /// The groups of its first match.
    pub(super) fn captures<'t>(&self, text: &'t [u8]) -> Option<Captures<'t>> {
        self.regex(text).captures(text)
    }

    /// The names of its groups; the first group is the whole match.
    pub(super) fn capture_names(&self) -> CaptureNames<'_> {
        self.octets.capture_names()
    }

    /// The number of its groups with the whole match.
    pub(super) fn captures_len(&self) -> usize {
        self.octets.captures_len()
    }

    fn regex(&self, text: &[u8]) -> &Regex {
        match &self.characters {
            Some(characters) if !text.is_ascii() && std::str::from_utf8(text).is_ok() => characters,
            _ => &self.octets,
        }
    }
}

impl fmt::Display for Pattern {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

fn build(source: &str, unicode: bool, bytes_max: usize) -> Result<Regex, String> {
    RegexBuilder::new(source)
        .unicode(unicode)
        .size_limit(bytes_max)
        .dfa_size_limit(REGEX_CACHE_BYTES_MAX)
        .nest_limit(64)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "it is too large once compiled".to_owned(),
            other => last_line(&other.to_string()),
        })
}

/// The last line of a message of the regex crate, which repeats the pattern before it.
fn last_line(message: &str) -> String {
    let line = message.lines().last().unwrap_or(message);
    line.trim_start_matches("error: ").to_owned()
}

/// Writes the classes and word boundaries of a pattern so that they are ASCII where characters are
/// matched. A pattern that sets the flag `u` says itself what it means.
fn with_ascii_classes(source: &str) -> String {
    let Ok(ast) = Parser::new().parse(source) else {
        return source.to_owned();
    };
    let Ok(Some(found)) = ast::visit(&ast, AsciiClasses::default()) else {
        return source.to_owned();
    };
    let mut written = String::with_capacity(source.len());
    let mut end = 0;
    for (span, ascii) in found {
        written.push_str(&source[end..span.start.offset]);
        written.push_str(ascii);
        end = span.end.offset;
    }
    written.push_str(&source[end..]);
    written
}

/// Collects the classes and word boundaries of a pattern, with their ASCII forms.
#[derive(Default)]
struct AsciiClasses {
    found: Vec<(Span, &'static str)>,
    sets_unicode: bool,
}

impl AsciiClasses {
    fn add(&mut self, class: &ClassPerl) {
        let ascii = match (&class.kind, class.negated) {
            (ClassPerlKind::Digit, false) => "[0-9]",
            (ClassPerlKind::Digit, true) => "[^0-9]",
            (ClassPerlKind::Space, false) => r"[\t\n\x0b\x0c\r\x20]",
            (ClassPerlKind::Space, true) => r"[^\t\n\x0b\x0c\r\x20]",
            (ClassPerlKind::Word, false) => "[0-9A-Za-z_]",
            (ClassPerlKind::Word, true) => "[^0-9A-Za-z_]",
        };
        self.found.push((class.span, ascii));
    }

    fn note_flags(&mut self, flags: &ast::Flags) {
        let mut kinds = flags.items.iter().map(|item| &item.kind);
        self.sets_unicode |= kinds.any(|kind| *kind == FlagsItemKind::Flag(Flag::Unicode));
    }
}

impl Visitor for AsciiClasses {
    /// What to replace, in order; `None` if nothing is to be replaced.
    type Output = Option<Vec<(Span, &'static str)>>;
    type Err = ();

    fn finish(self) -> Result<Self::Output, ()> {
        Ok((!self.sets_unicode).then_some(self.found))
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), ()> {
        match ast {
            Ast::ClassPerl(class) => self.add(class),
            Ast::Flags(set) => self.note_flags(&set.flags),
            Ast::Group(group) => {
                if let Some(flags) = group.flags() {
                    self.note_flags(flags);
                }
            }
            Ast::Assertion(assertion) => match assertion.kind {
                AssertionKind::WordBoundary => self.found.push((assertion.span, r"(?-u:\b)")),
                AssertionKind::NotWordBoundary => self.found.push((assertion.span, r"(?-u:\B)")),
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), ()> {
        if let ClassSetItem::Perl(class) = item {
            self.add(class);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(source: &str, text: &[u8]) -> bool {
        Pattern::parse(source).unwrap().is_match(text)
    }

    #[test]
    fn characters_are_matched_where_the_text_is_utf_8() {
        for (source, text, expected) in [
            ("^h.llo$", "höllo", true),
            ("^h..llo$", "höllo", false),
            ("^h[^a]llo$", "höllo", true),
            (r"^h\Wllo$", "höllo", true),
            (r"^h\wllo$", "höllo", false),
            (r"^[\w-]+ \S+$", "a-b ö", true),
            (r"^h[\Wx]llo$", "höllo", true),
            (r"^\d$", "٣", false),
            (r"^(?u:\d)$", "٣", true),
            ("^[äöü]$", "ö", true),
            ("(?i)^É$", "é", true),
            (r"^ö\b", "öa", true),
            (r"^a\bö", "aö", true),
            (r"^\p{Lu}$", "É", true),
            ("^.{3}$", "日本語", true),
            ("^日.語$", "日本語", true),
        ] {
            assert_eq!(
                matches(source, text.as_bytes()),
                expected,
                "{source} {text}"
            );
        }
    }

    #[test]
    fn octets_are_matched_where_it_is_not() {
        for (source, text, expected) in [
            ("^h.llo$", &b"h\xf6llo"[..], true),
            ("^h[^a]llo$", b"h\xf6llo", true),
            (r"^h\xf6llo$", b"h\xf6llo", true),
            ("^h..llo$", b"h\xc3\xb6llo\xff", false),
            ("^h..llo.$", b"h\xc3\xb6llo\xff", true),
            (r"^h\Dllo$", b"h\xf6llo", true),
        ] {
            assert_eq!(matches(source, text), expected, "{source} {text:?}");
        }
        let octets = Pattern::over_octets("(?s)^.{4}$").unwrap();
        assert!(octets.is_match("öü".as_bytes()) && octets.is_match(b"\0\n\xff\x80"));
    }

    #[test]
    fn ascii_is_the_same_in_both_ways() {
        for source in [r"^\w+ \d\s\S\b.$", "^[^a-c]{3,9}$", r"(?x) ^ \s \w $ # all"] {
            let pattern = Pattern::parse(source).unwrap();
            let characters = pattern.characters.as_ref().unwrap();
            for text in ["abc 1 x", "xyz", " a", "_ 7\tq", ""] {
                assert_eq!(
                    pattern.octets.is_match(text.as_bytes()),
                    characters.is_match(text.as_bytes()),
                    "{source} {text:?}"
                );
            }
        }
    }

    #[test]
    fn groups_are_found_by_name_in_both_ways() {
        let pattern = Pattern::parse(r"^(?P<first>.)(\w*)$").unwrap();
        assert_eq!(pattern.captures_len(), 3);
        for (text, first) in [("öab".as_bytes(), "ö".as_bytes()), (b"\xf6ab", b"\xf6")] {
            assert_eq!(&pattern.captures(text).unwrap()["first"], first);
        }
        assert_eq!(pattern.to_string(), r"^(?P<first>.)(\w*)$");
    }
}
