//! The summary of a run of few targets: a few lines.

use std::fmt::Write;

use super::{SummaryInput, hosts, no_data, write_balance, write_confirmations, write_recheck};
use super::{class_of, write_schedule, write_warnings};
use crate::human::{count, seconds, span_ns};
use crate::resolvers::busiest_first;
use crate::theme::Theme;
use crate::{Layout, Measure, Tally};

/// How many kinds of faults, and how many bad resolvers, have a line of their own.
const SHOWN_MAX: usize = 3;

/// Appends the balance, the statuses, what failed and where to look, the median and the maximum of the
/// latency, and the warnings.
pub(super) fn write(
    input: &SummaryInput<'_>,
    layout: Layout,
    out: &mut String,
) -> std::fmt::Result {
    let tally = input.tally;
    write_balance(input, layout, out)?;
    write_recheck(input, out)?;
    write_statuses(tally, layout, out)?;
    hosts::write_unmet(tally, layout, out)?;
    if tally.of_hosts() > 0 {
        hosts::write_faults_briefly(tally, SHOWN_MAX, out)?;
    } else {
        write_causes(tally, out)?;
    }
    write_confirmations(tally, out)?;
    write_bad_resolvers(input, out)?;
    write_latency(input, out)?;
    write_schedule(input, out)?;
    write_warnings(input, layout, out)
}

fn write_statuses(tally: &Tally, layout: Layout, out: &mut String) -> std::fmt::Result {
    let theme = Theme(layout.colour);
    let statuses = tally.statuses().into_iter().map(|(status, number)| {
        let word = theme.status(class_of(tally, status), &status.to_string());
        match no_data(tally, status) {
            note if note.is_empty() => format!("{word} ×{number}"),
            note => format!("{word} ×{number} ({note})"),
        }
    });
    let statuses: Vec<String> = statuses.collect();
    if statuses.is_empty() {
        return Ok(());
    }
    writeln!(out, "status: {}", statuses.join(", "))
}

fn write_causes(tally: &Tally, out: &mut String) -> std::fmt::Result {
    let causes = tally.causes().into_iter();
    let causes: Vec<String> = causes
        .map(|(cause, number)| format!("{cause} ×{number}"))
        .collect();
    if causes.is_empty() {
        return Ok(());
    }
    writeln!(out, "cause of failure: {}", causes.join(", "))
}

/// Appends the resolvers that were not good, if any.
fn write_bad_resolvers(input: &SummaryInput<'_>, out: &mut String) -> std::fmt::Result {
    let resolvers = busiest_first(input.shards);
    let bad = resolvers.iter().filter(|one| one.is_bad());
    bad.take(SHOWN_MAX)
        .try_for_each(|one| writeln!(out, "resolver {}: {}", one.address, one.state_text()))
}

fn write_latency(input: &SummaryInput<'_>, out: &mut String) -> std::fmt::Result {
    let (measure, name) = match input.latency.is_scheduled() {
        true => (Measure::Response, "response time"),
        false => (Measure::Service, "service time"),
    };
    let total = input.tally.total();
    if total == 0 {
        return Ok(());
    }
    if let Some(times) = input.latency.percentiles(measure) {
        let [median, max] = [times.p50_ns, times.max_ns].map(span_ns);
        write!(out, "{name}: p50 {median}, max {max}; ")?;
    }
    let outcomes = count(total, "outcome", "outcomes");
    writeln!(out, "{outcomes} in {}", seconds(input.wall))
}
