//! Tables of text, for a limited width.

use crate::layout::Layout;
use crate::theme::{StatusClass, Theme};

/// What a cell has in place of a figure that there is not.
pub(crate) const NOTHING: &str = "–";

/// The blanks before each column.
const GAP: usize = 2;
/// The blanks before a note that has a line of its own.
const NOTE_INDENT: usize = 4;
/// A cell is clipped to no fewer characters.
const CLIPPED_MIN: usize = 8;

/// A column: its alignment, and when it is left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    to_the_right: bool,
    dispensable: u8,
}

impl Column {
    /// A column of words.
    pub(crate) const LEFT: Self = Self {
        to_the_right: false,
        dispensable: 0,
    };
    /// A column of figures.
    pub(crate) const RIGHT: Self = Self {
        to_the_right: true,
        dispensable: 0,
    };

    /// The same column, which is left out of a table that is too wide: the one with the highest rank
    /// first. A rank of 0 is for columns that are always there.
    pub(crate) const fn dispensable(mut self, rank: u8) -> Self {
        self.dispensable = rank;
        self
    }
}

/// A text in a table, coloured by its class if it has one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    class: Option<StatusClass>,
}

impl Cell {
    /// A status word or code in its colour.
    pub(crate) fn of_class(class: StatusClass, text: String) -> Self {
        Self {
            text,
            class: Some(class),
        }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            class: None,
        }
    }
}

/// A row: a cell for each column, or fewer.
#[derive(Clone, Debug, Default)]
struct Row {
    cells: Vec<Cell>,
    note: Option<String>,
}

/// A table of aligned columns, with two blanks before each.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    /// Whether the first row is a heading.
    is_headed: bool,
    rows: Vec<Row>,
}

impl Table {
    pub(crate) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self {
            columns: columns.into(),
            is_headed: false,
            rows: Vec::new(),
        }
    }

    /// Adds a heading, before any row.
    pub(crate) fn heading<T: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.is_headed = true;
        self.row(cells);
    }

    /// Adds a row. It may have fewer cells than there are columns.
    pub(crate) fn row<T: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(Row {
            cells: cells.into_iter().map(Into::into).collect(),
            note: None,
        });
    }

    /// Adds a row with a note: a sentence in a last column or, if the table is too wide for that, on a
    /// line below the row.
    pub(crate) fn row_with_note<T: Into<Cell>>(
        &mut self,
        cells: impl IntoIterator<Item = T>,
        note: impl Into<String>,
    ) {
        self.row(cells);
        if let Some(row) = self.rows.last_mut() {
            row.note = Some(note.into()).filter(|note| !note.is_empty());
        }
    }

    /// Whether there is nothing below the heading.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.len() == usize::from(self.is_headed)
    }

    /// Appends the table, no wider than the layout, except for notes on lines of their own. Columns are
    /// left out as needed, or follow in a second table; if what remains is still too wide, the longest
    /// words are clipped.
    pub(crate) fn write(mut self, out: &mut String, layout: Layout) {
        let kept = self.fit(layout.columns);
        self.write_rows(out, &kept, layout);
        let others: Vec<usize> = (0..self.columns.len())
            .filter(|column| !kept.contains(column))
            .collect();
        if layout.whole && !others.is_empty() {
            self.only([0].into_iter().chain(others)).write(out, layout);
        }
    }

    /// A table of some of the columns, without notes. Rows whose first cell is empty belong to the row
    /// before.
    fn only(&self, columns: impl Iterator<Item = usize> + Clone) -> Self {
        let rows = self.rows.iter().map(|row| Row {
            cells: columns
                .clone()
                .map(|column| row.cells.get(column).cloned().unwrap_or_default())
                .collect(),
            note: None,
        });
        Self {
            columns: columns.clone().map(|column| self.columns[column]).collect(),
            is_headed: self.is_headed,
            rows: rows.collect(),
        }
    }

    fn write_rows(&self, out: &mut String, kept: &[usize], layout: Layout) {
        let theme = Theme(layout.colour);
        let widths = self.widths(kept);
        let width = total(&widths);
        let notes = self.rows.iter().filter_map(|row| row.note.as_ref());
        let note_width = notes.map(|note| GAP + note.chars().count()).max();
        let notes_fit = note_width.is_none_or(|note| width + note <= layout.columns);
        for row in &self.rows {
            let start = out.len();
            let mut blanks = 0;
            for (column, width) in kept.iter().zip(&widths) {
                let Some(cell) = row.cells.get(*column) else {
                    blanks += GAP + width;
                    continue;
                };
                let padding = width - cell.width();
                let (before, after) = match self.columns[*column].to_the_right {
                    true => (padding, 0),
                    false => (0, padding),
                };
                push_blanks(out, blanks + GAP + before);
                match cell.class {
                    Some(class) => out.push_str(&theme.status(class, &cell.text)),
                    None => out.push_str(&cell.text),
                }
                blanks = after;
            }
            match &row.note {
                Some(note) if notes_fit => {
                    push_blanks(out, blanks + GAP);
                    out.push_str(note);
                }
                Some(note) => {
                    end_line(out, start);
                    push_blanks(out, NOTE_INDENT);
                    out.push_str(note);
                }
                None => {}
            }
            end_line(out, start);
        }
    }

    /// Returns the columns that are kept, and clips what is still too wide.
    fn fit(&mut self, columns_max: usize) -> Vec<usize> {
        let mut kept: Vec<usize> = (0..self.columns.len()).collect();
        loop {
            let widths = self.widths(&kept);
            let surplus = total(&widths).saturating_sub(columns_max);
            if surplus == 0 {
                return kept;
            }
            let rank = |column: &usize| match self.columns[*column].dispensable {
                rank if rank > 0 && self.says_nothing(*column) => u8::MAX,
                rank => rank,
            };
            match kept.iter().copied().max_by_key(rank) {
                Some(column) if rank(&column) > 0 => kept.retain(|other| *other != column),
                _ => {
                    self.clip(&kept, widths, surplus);
                    return kept;
                }
            }
        }
    }

    /// Takes a surplus of characters from the widest columns of words.
    fn clip(&mut self, kept: &[usize], mut widths: Vec<usize>, mut surplus: usize) {
        let of_words = |place: &usize| !self.columns[kept[*place]].to_the_right;
        while surplus > 0 {
            let words = (0..kept.len()).filter(of_words);
            let Some(widest) = words.max_by_key(|place| widths[*place]) else {
                return;
            };
            if widths[widest] <= CLIPPED_MIN {
                break;
            }
            widths[widest] -= 1;
            surplus -= 1;
        }
        for row in &mut self.rows {
            for (column, width) in kept.iter().zip(&widths) {
                if let Some(cell) = row.cells.get_mut(*column) {
                    cell.text = clipped(&cell.text, *width);
                }
            }
        }
    }

    /// Whether all that a column has below its heading are zeros and dashes.
    fn says_nothing(&self, column: usize) -> bool {
        let below = self.rows.iter().skip(usize::from(self.is_headed));
        let mut cells = below.filter_map(|row| row.cells.get(column));
        cells.all(|cell| ["", "0", NOTHING].contains(&&*cell.text))
    }

    fn widths(&self, kept: &[usize]) -> Vec<usize> {
        let width = |column: &usize| {
            let cells = self.rows.iter().filter_map(|row| row.cells.get(*column));
            cells.map(Cell::width).max().unwrap_or(0)
        };
        kept.iter().map(width).collect()
    }
}

/// The width of a table with these columns.
fn total(widths: &[usize]) -> usize {
    widths.iter().map(|width| GAP + width).sum()
}

/// As much of `text` as `chars_max` characters have room for, the last of them an ellipsis if that is
/// not all.
pub(crate) fn clipped(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut clipped: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    clipped.push('…');
    clipped
}

fn push_blanks(out: &mut String, number: usize) {
    out.extend(std::iter::repeat_n(' ', number));
}

/// Ends a line that begins at `start`, without blanks at its end.
fn end_line(out: &mut String, start: usize) {
    out.truncate(start + out[start..].trim_end().len());
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(table: &Table, columns_max: usize) -> String {
        let mut out = String::new();
        let layout = Layout {
            columns: columns_max,
            ..Layout::FILE
        };
        table.clone().write(&mut out, layout);
        out
    }

    #[test]
    fn columns_line_up_by_characters_and_not_by_escape_sequences() {
        let mut table = Table::new([Column::LEFT, Column::RIGHT]);
        table.row([Cell::of_class(StatusClass::Good, "a".into()), "1 µs".into()]);
        table.row(["long", "10 s"]);
        assert_eq!(written(&table, 80), "  a     1 µs\n  long  10 s\n");
        let mut out = String::new();
        let layout = Layout {
            colour: true,
            ..Layout::FILE
        };
        table.write(&mut out, layout);
        assert_eq!(out, "  \x1b[32ma\x1b[0m     1 µs\n  long  10 s\n");
    }

    #[test]
    fn the_least_important_columns_are_left_out_first() {
        let mut table = Table::new([
            Column::LEFT,
            Column::RIGHT.dispensable(1),
            Column::RIGHT.dispensable(2),
            Column::RIGHT,
        ]);
        table.heading(["name", "one", "two", "last"]);
        table.row(["a", "1", "2"]);
        for (columns_max, expected) in [
            (22, "  name  one  two  last\n  a       1    2\n"),
            (21, "  name  one  last\n  a       1\n"),
            (16, "  name  last\n  a\n"),
        ] {
            assert_eq!(written(&table, columns_max), expected);
        }
    }

    #[test]
    fn zeros_go_before_figures_and_nothing_is_lost_if_all_is_wanted() {
        let mut table = Table::new([
            Column::LEFT,
            Column::RIGHT.dispensable(1),
            Column::RIGHT.dispensable(2),
            Column::LEFT,
        ]);
        table.heading(["name", "one", "two", "last"]);
        table.row(["a", "0", "2", "x"]);
        table.row(["", "–", "3"]);
        assert_eq!(
            written(&table, 20),
            "  name  two  last\n  a       2  x\n          3\n"
        );
        let mut out = String::new();
        let layout = Layout {
            columns: 20,
            whole: true,
            ..Layout::FILE
        };
        table.write(&mut out, layout);
        assert_eq!(
            out,
            "  name  two  last\n  a       2  x\n          3\n  name  one\n  a       0\n          –\n"
        );
    }

    #[test]
    fn what_is_still_too_wide_is_clipped() {
        let mut table = Table::new([Column::LEFT, Column::RIGHT]);
        table.row(["a name that is long", "12"]);
        table.row(["short", "3"]);
        assert_eq!(
            written(&table, 20),
            "  a name that i…  12\n  short            3\n"
        );
        assert_eq!(clipped("abc", 3), "abc");
        assert_eq!(clipped("abcd", 3), "ab…");
    }

    #[test]
    fn notes_are_a_column_if_all_of_them_fit() {
        let mut table = Table::new([Column::LEFT, Column::RIGHT]);
        table.row_with_note(["a", "1"], "the first");
        table.row(["b", "2"]);
        table.row_with_note(["c", "3"], "third");
        assert_eq!(
            written(&table, 17),
            "  a  1  the first\n  b  2\n  c  3  third\n"
        );
        assert_eq!(
            written(&table, 16),
            "  a  1\n    the first\n  b  2\n  c  3\n    third\n"
        );
    }
}
