//! The summary at the end of a run.
//!
//! Numbers have no thousands separators, so that the lines can be searched and cut.

mod brief;
mod histogram;
mod hosts;
mod limits;
mod resolvers;
mod warnings;

use std::fmt::Write;
use std::time::Duration;

use canvass_model::{Rcode, ShardReport, Status, Verdict};

use crate::human::{count, figure, percent, percentiles_table, seconds, span_cell, span_ns};
use crate::losses::LOSSES;
use crate::table::{Cell, Column, Table};
use crate::theme::{StatusClass, Theme};
use crate::{LatencyRecorder, Layout, Measure, Percentiles, Tally};

pub use warnings::warnings;
pub(crate) use warnings::{LATE_WAKE_P99_MAX, TURN_P99_MAX};

/// What the summary is made from.
pub struct SummaryInput<'a> {
    /// The counts of outcomes.
    pub tally: &'a Tally,
    /// Their latencies.
    pub latency: &'a LatencyRecorder,
    /// The report of each shard.
    pub shards: &'a [ShardReport],
    /// How long the run took by the wall clock.
    pub wall: Duration,
    /// CPU time of this process, user and system.
    pub cpu: Option<Duration>,
    /// Targets that were not admitted, if known.
    pub remaining: Option<u64>,
    /// The run was stopped by a signal.
    pub interrupted: bool,
    /// The last pass, if there was one.
    pub recheck: Option<RecheckCounts>,
}

/// A run of fewer targets ends in a summary of a few lines.
const BRIEF_BELOW: u64 = 20;

impl SummaryInput<'_> {
    /// Whether the run was complete and of so few targets that its summary is short.
    pub fn is_brief(&self) -> bool {
        let is_complete = !self.interrupted && self.remaining.unwrap_or(0) == 0;
        let gave_up = self.shards.iter().any(|shard| shard.gave_up);
        self.tally.total() < BRIEF_BELOW && is_complete && !gave_up
    }
}

/// How failed targets were asked again at the end of a run. [`Tally::rechecked`] of them answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecheckCounts {
    /// The outcomes that had failed and might be asked again.
    pub failed: u64,
    /// Those of them that were.
    pub asked: u64,
}

/// Renders the summary: lines with line ends. That of a complete run of fewer than 20 targets is short,
/// unless the layout is [`whole`](Layout::whole).
pub fn summary(input: &SummaryInput<'_>, layout: Layout) -> String {
    let mut out = String::new();
    let write = if input.is_brief() && !layout.whole {
        brief::write
    } else {
        write_all
    };
    write(input, layout, &mut out).expect("a String takes every character");
    layout.wrapped(out)
}

fn write_all(input: &SummaryInput<'_>, layout: Layout, out: &mut String) -> std::fmt::Result {
    let tally = input.tally;
    write_balance(input, layout, out)?;
    write_recheck(input, out)?;
    write_statuses(tally, layout, out)?;
    hosts::write_unmet(tally, layout, out)?;
    if tally.of_hosts() > 0 {
        hosts::write_faults(tally, layout, out)?;
    } else {
        write_causes(tally, layout, out)?;
    }
    write_confirmations(tally, out)?;
    write_latency(tally, input.latency, layout, out);
    histogram::write(input.latency, layout, out)?;
    write_pace(input, out)?;
    write_schedule(input, out)?;
    hosts::write_connections(input.shards, out)?;
    let resolvers_asked = input
        .shards
        .iter()
        .flat_map(|shard| &shard.upstreams)
        .any(|upstream| upstream.sent > 0);
    if resolvers_asked {
        resolvers::write(input.shards, layout, out)?;
    }
    write_losses(input.shards, out)?;
    write_warnings(input, layout, out)
}

fn write_warnings(input: &SummaryInput<'_>, layout: Layout, out: &mut String) -> std::fmt::Result {
    let label = Theme(layout.colour).warning("warning:");
    warnings(input)
        .iter()
        .try_for_each(|warning| writeln!(out, "{label} {warning}"))
}

fn write_balance(input: &SummaryInput<'_>, layout: Layout, out: &mut String) -> std::fmt::Result {
    let admitted: u64 = input.shards.iter().map(|shard| shard.admitted).sum();
    let [answered, negative, failed] = Verdict::ALL.map(|verdict| {
        let number = input.tally.verdict(verdict);
        let text = format!("{} {number}", verdict.as_str());
        match number {
            0 => text,
            _ => Theme(layout.colour).status(StatusClass::of_verdict(verdict), &text),
        }
    });
    writeln!(out, "in {admitted} = {answered} + {negative} + {failed}")?;
    if let Err(error) = crate::balance(input.tally, input.shards) {
        writeln!(
            out,
            "BUG: {error}; this is a bug in canvass, please report it"
        )?;
    }
    let leaked: u64 = input.shards.iter().map(|shard| shard.leaked).sum();
    if leaked > 0 {
        writeln!(
            out,
            "BUG: {leaked} jobs, timers, ids or sockets were not released at the end; this is a bug \
             in canvass, please report it"
        )?;
    }
    match (input.interrupted, input.remaining) {
        (true, Some(remaining)) => writeln!(out, "interrupted; remaining {remaining}"),
        (true, None) => writeln!(out, "interrupted"),
        (false, Some(remaining)) if remaining > 0 => writeln!(out, "remaining {remaining}"),
        (false, _) => Ok(()),
    }
}

fn write_recheck(input: &SummaryInput<'_>, out: &mut String) -> std::fmt::Result {
    match input.recheck {
        Some(RecheckCounts { failed, asked }) => writeln!(
            out,
            "failed only under load: {} of {asked} asked again, of {failed} that had failed",
            input.tally.rechecked()
        ),
        None => Ok(()),
    }
}

fn write_statuses(tally: &Tally, layout: Layout, out: &mut String) -> std::fmt::Result {
    let (total, statuses) = (tally.total(), tally.statuses());
    if statuses.is_empty() {
        return Ok(());
    }
    writeln!(out, "status")?;
    let mut table = counts_table();
    for (status, number) in statuses {
        let word = Cell::of_class(class_of(tally, status), status.to_string());
        let figures = [number.to_string(), percent(number, total)].map(Cell::from);
        table.row_with_note([word].into_iter().chain(figures), no_data(tally, status));
    }
    table.write(out, layout);
    Ok(())
}

/// The class of a status. A response code is that of a lookup; a probe of a host only has one if its name
/// could not be looked up.
fn class_of(tally: &Tally, status: Status) -> StatusClass {
    match status {
        Status::Rcode(_) if tally.of_hosts() == tally.total() => StatusClass::Failed,
        _ => StatusClass::of_status(status),
    }
}

/// A table of words with count and share.
fn counts_table() -> Table {
    Table::new([Column::LEFT, Column::RIGHT, Column::RIGHT])
}

/// How many outcomes with this status had no data, if any.
fn no_data(tally: &Tally, status: Status) -> String {
    match tally.no_data() {
        number if status == Status::Rcode(Rcode::NOERROR) && number > 0 => {
            format!("{number} with no data")
        }
        _ => String::new(),
    }
}

fn write_causes(tally: &Tally, layout: Layout, out: &mut String) -> std::fmt::Result {
    let (total, causes) = (tally.total(), tally.causes());
    if causes.is_empty() {
        return Ok(());
    }
    writeln!(out, "cause of failure")?;
    let mut table = counts_table();
    for (cause, number) in causes {
        table.row([
            cause.to_string(),
            number.to_string(),
            percent(number, total),
        ]);
    }
    table.write(out, layout);
    Ok(())
}

fn write_confirmations(tally: &Tally, out: &mut String) -> std::fmt::Result {
    let confirmations = tally.confirmations();
    if confirmations.total() == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "forward: confirmed {}, unconfirmed {}, unknown {}",
        confirmations.confirmed, confirmations.unconfirmed, confirmations.unknown
    )
}

fn write_latency(tally: &Tally, latency: &LatencyRecorder, layout: Layout, out: &mut String) {
    let times = [Measure::Service, Measure::Response];
    // A DNS query has only one phase, which is its service time.
    let phases: &[Measure] = match tally.of_hosts() {
        0 => &[],
        _ => &Measure::PHASES,
    };
    let mut table = percentiles_table("latency");
    for measure in times.iter().chain(phases) {
        // Most probes never wait, and many bodies come with their head: rows of zeros are left out.
        let has_values = |kept: &Percentiles| kept.max_ns > 0;
        if let Some(percentiles) = latency.percentiles(*measure).filter(has_values) {
            let name = measure.as_str().to_owned();
            let cells = percentiles.values_ns().map(span_cell);
            table.row([name].into_iter().chain(cells));
        }
    }
    if !table.is_empty() {
        table.write(out, layout);
    }
}

fn write_pace(input: &SummaryInput<'_>, out: &mut String) -> std::fmt::Result {
    let tally = input.tally;
    let total = tally.total();
    if total == 0 {
        return Ok(());
    }
    let total_f = total as f64;
    write!(
        out,
        "rate: {} in {}",
        count(total, "outcome", "outcomes"),
        seconds(input.wall)
    )?;
    if !input.wall.is_zero() {
        let rate = figure(total_f / input.wall.as_secs_f64());
        write!(out, ", {rate} per second")?;
    }
    if let Some(cpu) = input.cpu {
        let each_ns = cpu.as_nanos() as f64 / total_f;
        write!(
            out,
            "; CPU {}, {} per target",
            seconds(cpu),
            span_ns(each_ns as u64)
        )?;
    }
    writeln!(out)?;
    write!(
        out,
        "attempts: {:.2} per target, max {}",
        tally.attempts() as f64 / total_f,
        tally.attempts_max()
    )?;
    if tally.answered_after_retry() > 0 {
        write!(
            out,
            "; {} answered after a retry",
            tally.answered_after_retry()
        )?;
    }
    let in_flight_max: u64 = input.shards.iter().map(|shard| shard.in_flight_max).sum();
    writeln!(
        out,
        "; max {in_flight_max} in flight over {}",
        count(input.shards.len() as u64, "shard", "shards")
    )
}

/// With a rate: how much later than planned the schedule began, the latest of all shards.
fn write_schedule(input: &SummaryInput<'_>, out: &mut String) -> std::fmt::Result {
    let shift = input.shards.iter().filter_map(|shard| shard.schedule_shift);
    match shift.max() {
        Some(shift) => writeln!(out, "schedule: shifted by {} at the start", seconds(shift)),
        None if input.shards.iter().any(|shard| shard.schedule_is_awaited) => writeln!(
            out,
            "schedule: not begun, all targets were sent before the rate was allowed"
        ),
        None => Ok(()),
    }
}

/// Appends the count of each kind of loss that occurred, what it means and what to look at.
fn write_losses(shards: &[ShardReport], out: &mut String) -> std::fmt::Result {
    let counts = LOSSES.map(|loss| (loss.sum(shards), loss));
    let occurred = || counts.iter().filter(|(sum, _)| *sum > 0);
    let all: Vec<String> = occurred()
        .map(|(sum, loss)| format!("{} {sum}", loss.name))
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    writeln!(out, "losses: {}", all.join(", "))?;
    occurred().try_for_each(|(_, loss)| {
        let (name, meaning, look_at) = (loss.name, loss.meaning, loss.look_at);
        writeln!(out, "  {name}: {meaning}; look at {look_at}")
    })
}

#[cfg(test)]
mod tests;
