//! Tables of figures and of text that wraps. On a phone, wide tables become cards.

use std::fmt::{self, Write};

use super::scale::width_px;
use super::text::escaped;

/// A table with more columns becomes cards on a phone.
const COLUMNS_NARROW_MAX: usize = 5;
/// A table with more columns of long text becomes cards on a phone.
const PROSE_NARROW_MAX: usize = 2;

/// The width of a bar of segments on a phone, in CSS pixels.
const SEGMENTS_NARROW_PX: f64 = 290.0;
/// The space beside the name of a segment, in CSS pixels.
const SEGMENT_MARGIN_PX: f64 = 12.0;

/// The content of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// Short text, aligned to the left.
    Text,
    /// Text that may be long. On a card it has the full width.
    Prose,
    /// Numbers, aligned to the right.
    Number,
    /// A bar from [`bar()`].
    Bar,
}

/// A table. Cells are HTML, headings are plain text.
pub(super) struct Table {
    columns: Vec<(String, Column)>,
    rows: Vec<Vec<String>>,
    /// Its class in `page.css`, for the widths of its columns.
    class: &'static str,
}

impl Table {
    /// A table without rows.
    pub(super) fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Column)>) -> Self {
        let columns = columns.into_iter();
        Self {
            columns: columns
                .map(|(name, kind)| (name.to_owned(), kind))
                .collect(),
            rows: Vec::new(),
            class: "",
        }
    }

    /// The table with this class in `page.css`. Tables with the same class have aligned columns, and are
    /// cards on a phone.
    #[must_use]
    pub(super) fn aligned_as(self, class: &'static str) -> Self {
        Self { class, ..self }
    }

    /// Adds a row, with a cell for each column.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether there are no rows.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Appends the table.
    pub(super) fn write(&self, out: &mut String) -> fmt::Result {
        let columns = self.columns.iter();
        let prose = columns.filter(|(_, kind)| *kind == Column::Prose).count();
        let cards = self.columns.len() > COLUMNS_NARROW_MAX
            || prose > PROSE_NARROW_MAX
            || !self.class.is_empty();
        let classes = [if cards { "cards" } else { "" }, self.class].join(" ");
        match classes.trim() {
            "" => out.push_str("<table>\n<thead><tr>"),
            classes => write!(out, "<table class=\"{classes}\">\n<thead><tr>")?,
        }
        for (name, kind) in &self.columns {
            write!(
                out,
                "<th scope=\"col\"{}>{}</th>",
                class(*kind),
                escaped(name)
            )?;
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            out.push_str("<tr>");
            for ((name, kind), cell) in self.columns.iter().zip(row) {
                write!(out, "<td{}", class(*kind))?;
                if cards && !name.is_empty() {
                    write!(out, " data-label=\"{}\"", escaped(name))?;
                }
                write!(out, ">{cell}</td>")?;
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody></table>\n");
        Ok(())
    }

    /// Appends the table, collapsed under `summary`.
    pub(super) fn write_folded(&self, summary: &str, out: &mut String) -> fmt::Result {
        writeln!(out, "<details><summary>{}</summary>", escaped(summary))?;
        self.write(out)?;
        out.push_str("</details>\n");
        Ok(())
    }
}

/// A segment of a bar with its name in it, if it is wide enough on a phone.
pub(super) fn segment(share: f64, class: &str, name: &str) -> String {
    let room_px = share * SEGMENTS_NARROW_PX;
    if width_px(name) + SEGMENT_MARGIN_PX > room_px {
        return bar(share, class);
    }
    format!(
        "<span class=\"bar {class}\" style=\"width:{:.2}%\"><b>{}</b></span>",
        share * 100.0,
        escaped(name)
    )
}

/// A bar for a share (0 to 1); empty for 0. `class` sets the colour.
pub(super) fn bar(share: f64, class: &str) -> String {
    if share <= 0.0 {
        return String::new();
    }
    format!(
        "<span class=\"bar {class}\" style=\"width:{:.2}%\"></span>",
        share.min(1.0) * 100.0
    )
}

fn class(kind: Column) -> &'static str {
    match kind {
        Column::Text => "",
        Column::Prose => " class=\"prose\"",
        Column::Number => " class=\"n\"",
        Column::Bar => " class=\"b\"",
    }
}
