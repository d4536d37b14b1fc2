//! The summary at the end of a run.
//!
//! Numbers have no thousands separators, so that the lines can be searched and cut.

mod histogram;
mod hosts;
mod limits;
mod resolvers;
mod warnings;

use std::fmt::Write;
use std::time::Duration;

use canvass_model::{Rcode, ShardReport, Status, Verdict};

use crate::human::{aligned, count, figure, percent, seconds, span_ns, table};
use crate::losses::LOSSES;
use crate::{LatencyRecorder, Measure, Percentiles, Tally};

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
    /// Whether to colour the bars of the histogram.
    pub colour: bool,
}

/// How failed targets were asked again at the end of a run. [`Tally::rechecked`] of them answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecheckCounts {
    /// The outcomes that had failed and might be asked again.
    pub failed: u64,
    /// Those of them that were.
    pub asked: u64,
}

/// Renders the summary: lines with line ends.
pub fn summary(input: &SummaryInput<'_>) -> String {
    let mut out = String::new();
    write_all(input, &mut out).expect("a String takes every character");
    out
}

fn write_all(input: &SummaryInput<'_>, out: &mut String) -> std::fmt::Result {
    write_balance(input, out)?;
    write_recheck(input, out)?;
    write_counts(input.tally, out)?;
    write_latency(input.tally, input.latency, out)?;
    histogram::write(input.latency, input.colour, out)?;
    write_pace(input, out)?;
    write_schedule(input, out)?;
    hosts::write_connections(input.shards, out)?;
    let resolvers_asked = input
        .shards
        .iter()
        .flat_map(|shard| &shard.upstreams)
        .any(|upstream| upstream.sent > 0);
    if resolvers_asked {
        resolvers::write(input.shards, out)?;
    }
    if resolvers_asked || input.tally.total() > input.tally.of_hosts() {
        write_losses(input.shards, out)?;
    }
    for warning in warnings(input) {
        writeln!(out, "warning: {warning}")?;
    }
    Ok(())
}

fn write_balance(input: &SummaryInput<'_>, out: &mut String) -> std::fmt::Result {
    let admitted: u64 = input.shards.iter().map(|shard| shard.admitted).sum();
    writeln!(
        out,
        "in {admitted} = answered {} + negative {} + failed {}",
        input.tally.verdict(Verdict::Answered),
        input.tally.verdict(Verdict::Negative),
        input.tally.verdict(Verdict::Failed),
    )?;
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

fn write_counts(tally: &Tally, out: &mut String) -> std::fmt::Result {
    let total = tally.total();
    let statuses = tally.statuses();
    if !statuses.is_empty() {
        writeln!(out, "status")?;
        let rows = statuses.into_iter().map(|(status, number)| {
            let no_data = tally.no_data();
            let note = if status == Status::Rcode(Rcode::NOERROR) && no_data > 0 {
                format!("{no_data} with no data")
            } else {
                String::new()
            };
            vec![
                status.to_string(),
                number.to_string(),
                percent(number, total),
                note,
            ]
        });
        table(out, &rows.collect::<Vec<_>>());
    }
    let causes = tally.causes();
    hosts::write_unmet(tally, out)?;
    if tally.of_hosts() > 0 {
        hosts::write_faults(tally, out)?;
    } else if !causes.is_empty() {
        writeln!(out, "cause of failure")?;
        let rows = causes.into_iter().map(|(cause, number)| {
            vec![
                cause.to_string(),
                number.to_string(),
                percent(number, total),
            ]
        });
        table(out, &rows.collect::<Vec<_>>());
    }
    let confirmations = tally.confirmations();
    if confirmations.total() > 0 {
        writeln!(
            out,
            "forward: confirmed {}, unconfirmed {}, unknown {}",
            confirmations.confirmed, confirmations.unconfirmed, confirmations.unknown
        )?;
    }
    Ok(())
}

fn write_latency(tally: &Tally, latency: &LatencyRecorder, out: &mut String) -> std::fmt::Result {
    let heading = ["latency"].into_iter().chain(Percentiles::NAMES);
    let mut rows = vec![heading.map(str::to_owned).collect::<Vec<_>>()];
    let times = [Measure::Service, Measure::Response];
    // A DNS query has only one phase, which is its service time.
    let phases: &[Measure] = match tally.of_hosts() {
        0 => &[],
        _ => &Measure::PHASES,
    };
    for measure in times.iter().chain(phases) {
        // Most probes never wait; a row of zeros is left out.
        let has_values = |kept: &Percentiles| *measure != Measure::Wait || kept.max_ns > 0;
        if let Some(percentiles) = latency.percentiles(*measure).filter(has_values) {
            let mut row = vec![measure.as_str().to_owned()];
            row.extend(percentiles.values_ns().map(span_ns));
            rows.push(row);
        }
    }
    if rows.len() > 1 {
        table(out, &rows);
    }
    Ok(())
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

/// Appends the count of every kind of loss, and for each that occurred what it means and what to look
/// at.
fn write_losses(shards: &[ShardReport], out: &mut String) -> std::fmt::Result {
    let counts = LOSSES.map(|loss| (loss.sum(shards), loss));
    let all = counts
        .iter()
        .map(|(sum, loss)| format!("{} {sum}", loss.name));
    writeln!(out, "losses: {}", all.collect::<Vec<_>>().join(", "))?;
    let occurred = counts.iter().filter(|(sum, _)| *sum > 0);
    let rows = occurred.map(|(sum, loss)| {
        let note = format!("{}; look at {}", loss.meaning, loss.look_at);
        vec![loss.name.to_owned(), sum.to_string(), note]
    });
    aligned(out, &rows.collect::<Vec<_>>(), |column| column == 1);
    Ok(())
}

#[cfg(test)]
mod tests;
