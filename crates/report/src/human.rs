//! Figures formatted for people.

use std::time::Duration;

use crate::Percentiles;
use crate::table::{Column, NOTHING, Table};
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

/// [`span_ns`] for a table, where a span that was not measurable is a dash.
pub(crate) fn span_cell(nanos: u64) -> String {
    match nanos {
        0 => NOTHING.to_owned(),
        nanos => span_ns(nanos),
    }
}

/// A table of percentiles with its heading. `what` is the name of the first column.
pub(crate) fn percentiles_table(what: &str) -> Table {
    let ranks = [0, 2, 4, 1, 3, 0];
    let figures = ranks.map(|rank| Column::RIGHT.dispensable(rank));
    let mut table = Table::new([&[Column::LEFT], &figures[..]].concat());
    table.heading([what].into_iter().chain(Percentiles::NAMES));
    table
}

/// [`span_ns`] of a [`Duration`].
pub(crate) fn seconds(span: Duration) -> String {
    span_ns(nanos(span))
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
}
