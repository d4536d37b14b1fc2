//! Figures formatted for people.

use std::time::Duration;

use crate::write::nanos;

/// `1 shard`, `2 shards`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `part` as a percentage of `total`. Small shares have more digits.
pub(crate) fn percent(part: u64, total: u64) -> String {
    let share = 100.0 * part as f64 / total.max(1) as f64;
    let digits = match share {
        _ if share == share.trunc() => 0,
        _ if share >= 1.0 => 1,
        _ if share >= 0.001 => 3,
        _ => return "<0.001 %".to_owned(),
    };
    format!("{share:.digits$} %")
}

/// A rate with its unit, for tables: `2.5/s`.
pub(crate) fn rate(per_second: f64) -> String {
    format!("{}/s", figure(per_second))
}

/// A number without a fraction, or with one decimal below 10.
pub(crate) fn figure(number: f64) -> String {
    if number < 10.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.0}")
    }
}

/// A span with three significant digits and a unit.
pub(crate) fn span_ns(nanos: u64) -> String {
    const UNITS: [(&str, f64); 4] = [("ns", 1.0), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)];
    if nanos == 0 {
        return "0".to_owned();
    }
    let nanos = nanos as f64;
    let (unit, size) = UNITS
        .into_iter()
        // What would round to 1000 belongs to the next unit.
        .find(|&(_, size)| nanos / size < 999.5)
        .unwrap_or(UNITS[3]);
    let value = nanos / size;
    let digits = match value {
        _ if size == 1.0 || value >= 99.95 => 0,
        _ if value >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.digits$} {unit}")
}

/// [`span_ns`] of a [`Duration`].
pub(crate) fn seconds(span: Duration) -> String {
    span_ns(nanos(span))
}

/// Appends rows with aligned columns, with two blanks before each: the first column to the left,
/// the others to the right.
pub(crate) fn table(out: &mut String, rows: &[Vec<String>]) {
    aligned(out, rows, |column| column > 0);
}

/// Like [`table`]. `to_the_right` returns for each column whether it is aligned to the right.
pub(crate) fn aligned(
    out: &mut String,
    rows: &[Vec<String>],
    to_the_right: impl Fn(usize) -> bool,
) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in rows {
        let start = out.len();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(width - cell.chars().count());
            out.push_str("  ");
            if to_the_right(column) {
                out.push_str(&padding);
                out.push_str(cell);
            } else {
                out.push_str(cell);
                out.push_str(&padding);
            }
        }
        out.truncate(start + out[start..].trim_end().len());
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_three_digits_and_a_unit() {
        for (nanos, text) in [
            (0, "0"),
            (1, "1 ns"),
            (999, "999 ns"),
            (1000, "1.00 µs"),
            (412_345, "412 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (9_994_999, "9.99 ms"),
            (9_995_000, "10.0 ms"),
            (99_950_000, "100 ms"),
            (12_345_678_901, "12.3 s"),
            (3_600_000_000_000, "3600 s"),
        ] {
            assert_eq!(span_ns(nanos), text, "{nanos}");
        }
    }

    #[test]
    fn shares_keep_small_ones_visible() {
        for (part, total, text) in [
            (0, 0, "0 %"),
            (1, 1, "100 %"),
            (1, 3, "33.3 %"),
            (1, 1000, "0.100 %"),
            (1, 10_000_000, "<0.001 %"),
        ] {
            assert_eq!(percent(part, total), text);
        }
    }

    #[test]
    fn columns_line_up_by_characters() {
        let mut out = String::new();
        let rows = [["a", "1 µs"], ["long", "10 s"]].map(|row| row.map(str::to_owned).to_vec());
        table(&mut out, &rows);
        assert_eq!(out, "  a     1 µs\n  long  10 s\n");
    }
}
