//! The slowest targets, and where their time went.

use std::fmt;

use canvass_model::Phase;

use super::class::Class;
use super::counts::status_cell;
use super::phases;
use super::table::{Column, Table, bar};
use super::targets::name;
use super::text::{grouped, span};
use crate::notable::SlowTarget;
use crate::write::nanos;

/// Appends the targets. `has_schedule` is whether response times are shown too.
pub(super) fn write(slowest: &[SlowTarget], has_schedule: bool, out: &mut String) -> fmt::Result {
    let most_ns = slowest.iter().map(|slow| nanos(slow.took)).max();
    let most_ns = most_ns.unwrap_or_default().max(1);
    let response = has_schedule.then_some(("response time", Column::Number));
    let columns = [
        ("target", Column::Prose),
        ("status", Column::Text),
        ("took", Column::Number),
    ];
    let rest = [("mostly", Column::Text), ("phases", Column::Bar)];
    let columns = columns.into_iter().chain(response).chain(rest);
    let mut table = Table::new(columns).aligned_as("slowest");
    for slow in slowest {
        let cells = [
            name(&slow.named) + &attempts(slow.named.attempts),
            status_cell(
                slow.named.status,
                Class::of_status(slow.named.status, false),
            ),
            span(nanos(slow.took)),
        ];
        let response = has_schedule.then(|| span(nanos(slow.response)));
        let rest = [longest(slow), bars(slow, most_ns)];
        table.row(cells.into_iter().chain(response).chain(rest));
    }
    table.write(out)?;
    out.push_str(
        "<p class=\"note\">Of the targets that did not fail, by service time. The colours of the phases \
         are those of the chart of phases.</p>\n",
    );
    Ok(())
}

fn attempts(attempts: u32) -> String {
    match attempts {
        0 | 1 => String::new(),
        many => format!(" <small>{} attempts</small>", grouped(many.into())),
    }
}

/// The spans of the phases that took time.
fn spans(slow: &SlowTarget) -> impl Iterator<Item = (Phase, u64)> {
    let spans = Phase::TIMED
        .into_iter()
        .filter_map(|phase| Some((phase, nanos(slow.phases.span(phase)?))));
    spans.filter(|&(_, span_ns)| span_ns > 0)
}

/// The phase that took longest.
fn longest(slow: &SlowTarget) -> String {
    let longest = spans(slow).max_by_key(|&(_, span_ns)| span_ns);
    longest.map_or_else(String::new, |(phase, span_ns)| {
        format!("{phase} {}", span(span_ns))
    })
}

fn bars(slow: &SlowTarget, most_ns: u64) -> String {
    spans(slow)
        .map(|(phase, span_ns)| bar(span_ns as f64 / most_ns as f64, &phases::class(phase)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NotableTargets, fixture};

    #[test]
    fn the_slowest_come_first_with_where_their_time_went() {
        let mut notable = NotableTargets::default();
        notable.record(&fixture::http_answered());
        notable.record(&fixture::http_redirected(90));
        let mut out = String::new();
        write(notable.slowest(), false, &mut out).unwrap();
        let rows: Vec<&str> = out.split("<tr><td").skip(1).collect();
        assert!(rows[0].contains("15.0 ms") && rows[0].contains("transfer 5.00 ms"));
        assert!(rows[0].contains("<small>2 attempts</small>"), "{out}");
        assert!(rows[0].contains("<span class=\"bar phase-tls\" style=\"width:20.00%\">"));
        assert!(rows[1].contains("first_byte 200 µs"), "{out}");
        assert!(!out.contains("response time"));
        write(notable.slowest(), true, &mut out).unwrap();
        assert!(out.contains("response time"));
    }
}
