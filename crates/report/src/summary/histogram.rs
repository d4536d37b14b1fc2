//! The histogram of latency in the summary.

use std::fmt::Write;

use hdrhistogram::Histogram;

use crate::human::span_ns;
use crate::theme::{GREEN, RED, Theme, YELLOW};
use crate::{LatencyRecorder, Layout, Measure};

/// The maximum number of rows.
const ROWS_MAX: usize = 11;
/// The minimum ratio of consecutive edges, so that they differ in three digits.
const STEP_MIN: f64 = 1.02;
/// The length of the longest bar, in columns, where there is room for it.
const BAR_COLUMNS: u64 = 40;
/// The blanks in a row, besides those that align it.
const GAPS: usize = 6;
/// Block characters from one eighth of a column to a full one.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// Appends rows with an upper edge, a count and a bar. With a schedule, they are of the response
/// time, because service time does not include late starts.
pub(super) fn write(
    latency: &LatencyRecorder,
    layout: Layout,
    out: &mut String,
) -> std::fmt::Result {
    let (measure, heading) = if latency.is_scheduled() {
        (Measure::Response, "response time up to")
    } else {
        (Measure::Service, "service time up to")
    };
    let rows = rows(&latency.distribution(measure));
    let Some(count_max) = rows.iter().map(|row| row.count).max() else {
        return Ok(());
    };
    writeln!(out, "{heading}")?;
    let total: u64 = rows.iter().map(|row| row.count).sum();
    let edges: Vec<String> = rows.iter().map(|row| span_ns(row.edge_ns)).collect();
    let edge_width = widest(edges.iter().map(|edge| edge.chars().count()));
    let count_width = widest(rows.iter().map(|row| row.count.to_string().len()));
    let room = layout
        .columns
        .saturating_sub(GAPS + edge_width + count_width);
    let bar_columns = BAR_COLUMNS.min(room as u64).max(1);
    let theme = Theme(layout.colour);
    let mut below = 0;
    for (row, edge) in rows.iter().zip(edges) {
        let count = row.count;
        write!(out, "  {edge:>edge_width$}  {count:>count_width$}")?;
        if count > 0 {
            let bar = bar(count, count_max, bar_columns);
            write!(out, "  {}", theme.with(colour_of(below, total), &bar))?;
        }
        out.push('\n');
        below += count;
    }
    Ok(())
}

/// The colour of a row by the percentile at which it starts: `below` of `total` outcomes are in the
/// rows before it.
fn colour_of(below: u64, total: u64) -> &'static str {
    match below as f64 / total as f64 {
        ..0.5 => GREEN,
        ..0.9 => YELLOW,
        _ => RED,
    }
}

/// The outcomes above the edge before and up to this one.
#[derive(Debug, PartialEq)]
struct Row {
    edge_ns: u64,
    count: u64,
}

/// Rows with edges at equal ratios from the shortest time to the longest. The first and the last row
/// are not empty. There are no rows if there are no values.
fn rows(distribution: &Histogram<u64>) -> Vec<Row> {
    if distribution.is_empty() {
        return Vec::new();
    }
    let mut rows: Vec<Row> = edges_ns(distribution)
        .into_iter()
        .map(|edge_ns| Row { edge_ns, count: 0 })
        .collect();
    let mut at = 0;
    for step in distribution.iter_recorded() {
        while at + 1 < rows.len() && step.value_iterated_to() > rows[at].edge_ns {
            at += 1;
        }
        rows[at].count += step.count_at_value();
    }
    let first = rows.iter().position(|row| row.count > 0).unwrap_or(0);
    rows.split_off(first)
}

fn edges_ns(distribution: &Histogram<u64>) -> Vec<u64> {
    // The maximum is the upper end of its bucket, so use that of the minimum too.
    let shortest_ns = distribution.highest_equivalent(distribution.min()).max(1);
    let longest_ns = distribution.max().max(1);
    let ratio = longest_ns as f64 / shortest_ns as f64;
    let steps_max = distribution.len().min(ROWS_MAX as u64);
    let steps = ((ratio.ln() / STEP_MIN.ln()) as u64).clamp(1, steps_max);
    let edge_ns = |step: u64| {
        let share = step as f64 / steps as f64;
        (shortest_ns as f64 * ratio.powf(share)).round() as u64
    };
    let mut edges: Vec<u64> = (1..steps).map(edge_ns).collect();
    edges.push(longest_ns);
    edges.dedup();
    edges
}

/// A bar whose length is proportional to `count`, at least an eighth of a column. That of the greatest
/// count is full.
fn bar(count: u64, count_max: u64, columns: u64) -> String {
    let eighths_max = u128::from(columns * EIGHTHS.len() as u64);
    let eighths = u128::from(count) * eighths_max / u128::from(count_max.max(1));
    let eighths = (eighths as usize).max(1);
    let whole = EIGHTHS[EIGHTHS.len() - 1];
    let mut bar = String::from_iter(std::iter::repeat_n(whole, eighths / EIGHTHS.len()));
    if let Some(rest) = (eighths % EIGHTHS.len()).checked_sub(1) {
        bar.push(EIGHTHS[rest]);
    }
    bar
}

fn widest(widths: impl Iterator<Item = usize>) -> usize {
    widths.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::latency::histogram;
    use proptest::prelude::*;

    fn latency_of(spans_ns: impl IntoIterator<Item = u64>) -> LatencyRecorder {
        let mut latency = LatencyRecorder::new();
        for span_ns in spans_ns {
            let mut outcome = fixture::ptr_answered();
            let sent = outcome.first_send.unwrap();
            outcome.finished = sent.plus_nanos(span_ns);
            latency.record(&outcome);
        }
        latency
    }

    fn drawn(latency: &LatencyRecorder, colour: bool) -> String {
        let mut out = String::new();
        let layout = Layout {
            colour,
            ..Layout::FILE
        };
        write(latency, layout, &mut out).unwrap();
        out
    }

    #[test]
    fn bars_are_aligned_and_the_widest_is_full() {
        let spans_ns = [
            (1_000_000, 1),
            (2_000_000, 800),
            (30_000_000, 100),
            (1_000_000_000, 1),
        ]
        .into_iter()
        .flat_map(|(span_ns, number)| std::iter::repeat_n(span_ns, number));
        let text = drawn(&latency_of(spans_ns), false);
        let full = "█".repeat(40);
        let expected = format!(
            "service time up to
  1.87 ms    1  ▏
  3.51 ms  800  {full}
  6.58 ms    0
  12.3 ms    0
  23.1 ms    0
  43.3 ms  100  █████
  81.1 ms    0
   152 ms    0
   285 ms    0
   534 ms    0
   1.00 s    1  ▏
"
        );
        assert_eq!(text, expected, "{text}");
    }

    #[test]
    fn bars_take_no_more_than_the_room_there_is() {
        let layout = Layout {
            columns: 30,
            ..Layout::FILE
        };
        let mut out = String::new();
        write(&latency_of([412_000; 3]), layout, &mut out).unwrap();
        let full = "█".repeat(17);
        assert_eq!(out, format!("service time up to\n  412 µs  3  {full}\n"));
    }

    #[test]
    fn equal_values_are_one_row_and_none_are_no_row() {
        let full = "█".repeat(40);
        let text = drawn(&latency_of([412_000; 3]), false);
        assert_eq!(text, format!("service time up to\n  412 µs  3  {full}\n"));
        let text = drawn(&latency_of([0; 2]), false);
        assert_eq!(text, format!("service time up to\n  1 ns  2  {full}\n"));
        assert_eq!(drawn(&LatencyRecorder::new(), false), "");
    }

    #[test]
    fn a_schedule_is_judged_by_response_time() {
        let mut latency = latency_of([1_000_000]);
        let mut outcome = fixture::ptr_answered();
        outcome.job.due = Some(outcome.due);
        outcome.finished = outcome.due.plus_nanos(2_000_000_000);
        latency.record(&outcome);
        let text = drawn(&latency, false);
        assert!(text.starts_with("response time up to\n"), "{text}");
        assert!(text.contains("\n   2.00 s  1  "), "{text}");
    }

    #[test]
    fn colours_go_by_percentile_and_only_where_asked_for() {
        let counts = [(1_000_000, 50), (10_000_000, 40), (100_000_000, 10)];
        let spans_ns = counts
            .into_iter()
            .flat_map(|(span_ns, number)| std::iter::repeat_n(span_ns, number));
        let latency = latency_of(spans_ns);
        let text = drawn(&latency, true);
        let colours: Vec<&str> = text
            .split("\x1b[")
            .skip(1)
            .filter_map(|part| part.split_once('m'))
            .map(|(code, _)| code)
            .collect();
        assert_eq!(colours, ["32", "0", "33", "0", "31", "0"], "{text}");
        assert!(!drawn(&latency, false).contains('\x1b'));
    }

    proptest! {
        #[test]
        fn every_value_is_in_one_row(
            spans_ns in prop::collection::vec(
                prop_oneof![0..3_000_u64, 0..1_000_000_000_u64, 0..u64::MAX], 1..100),
        ) {
            let mut distribution = histogram::<u64>();
            spans_ns.iter().for_each(|span_ns| distribution.saturating_record(*span_ns));
            let rows = rows(&distribution);
            prop_assert!((1..=ROWS_MAX).contains(&rows.len()));
            prop_assert!(rows[0].count > 0 && rows[rows.len() - 1].count > 0, "{:?}", rows);
            let total: u64 = rows.iter().map(|row| row.count).sum();
            prop_assert_eq!(total, spans_ns.len() as u64);
            prop_assert!(rows.is_sorted_by(|a, b| a.edge_ns < b.edge_ns));
            let mut below = 0;
            for row in &rows {
                below += row.count;
                let counted = distribution
                    .iter_recorded()
                    .filter(|step| step.value_iterated_to() <= row.edge_ns)
                    .map(|step| step.count_at_value())
                    .sum::<u64>();
                prop_assert_eq!(below, counted);
            }
        }

        #[test]
        fn bars_grow_with_the_count(counts in prop::collection::vec(1..u64::MAX, 2)) {
            let (less, more) = (counts[0].min(counts[1]), counts[0].max(counts[1]));
            prop_assert_eq!(bar(more, more, 40), "█".repeat(40));
            let columns = bar(less, more, 40).chars().count();
            prop_assert!((1..=40).contains(&columns));
        }
    }
}
