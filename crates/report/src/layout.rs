//! How text for a person is laid out.

use textwrap::{Options, WordSplitter};

/// The blanks before the further lines of a line that is wrapped, if it has none itself.
const HANGING_INDENT: &str = "  ";

/// How text for a person is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The number of columns that there are. No table is wider.
    pub columns: usize,
    /// Whether other lines that are longer are wrapped too, between words: for a terminal, which would
    /// cut words. Lines of a file are not, so that they can be searched.
    pub wraps: bool,
    /// Whether there are colours (ECMA-48).
    pub colour: bool,
    /// Whether nothing is left out: the summary of a few targets is as long as that of many, and
    /// columns of a table that have no room follow in a table of their own.
    pub whole: bool,
}

impl Layout {
    /// The number of columns of text that is not for a terminal, and the most that are used there.
    pub const COLUMNS_MAX: usize = 80;

    /// The layout of a file or pipe in which rows may be as long as they are.
    pub const WIDE: Self = Self {
        columns: usize::MAX,
        ..Self::FILE
    };

    /// The layout of a file or pipe.
    pub const FILE: Self = Self {
        columns: Self::COLUMNS_MAX,
        wraps: false,
        colour: false,
        whole: false,
    };

    /// Wraps lines that are too long, if this layout does that.
    pub(crate) fn wrapped(&self, text: String) -> String {
        if !self.wraps {
            return text;
        }
        let mut out = String::with_capacity(text.len());
        for line in text.lines() {
            let words = line.trim_start();
            let indent = &line[..line.len() - words.len()];
            let further = if indent.is_empty() {
                HANGING_INDENT
            } else {
                indent
            };
            let options = Options::new(self.columns)
                .initial_indent(indent)
                .subsequent_indent(further)
                .word_splitter(WordSplitter::NoHyphenation)
                .break_words(false);
            if width(line) <= self.columns {
                out.push_str(line);
            } else {
                out.push_str(&textwrap::fill(words, options));
            }
            out.push('\n');
        }
        out
    }
}

/// The number of columns of a line: its characters without those of escape sequences.
fn width(line: &str) -> usize {
    let mut parts = line.split("\x1b[");
    let before = parts.next().unwrap_or_default().chars().count();
    let behind = parts.map(|part| part.split_once('m').map_or(part, |(_, text)| text));
    before + behind.map(|text| text.chars().count()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_wrapped_between_words_for_a_terminal_only() {
        let text = "a line with --long-words\n    a note of words\n  a   table\n\x1b[31ma short\x1b[0m line\n";
        let wrapped = |wraps| {
            let layout = Layout {
                columns: 16,
                wraps,
                ..Layout::FILE
            };
            layout.wrapped(text.to_owned())
        };
        assert_eq!(wrapped(false), text);
        assert_eq!(
            wrapped(true),
            "a line with\n  --long-words\n    a note of\n    words\n  a   table\n\x1b[31ma short\x1b[0m line\n"
        );
    }
}
