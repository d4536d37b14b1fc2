//! The section about what a page does not show, and why.

use std::fmt::{self, Write};

use canvass_model::Verdict;

use super::over_time::WindowSteps;
use super::{heading, phases};
use crate::{Measure, RunReport};

/// Appends each part that is missing, with the reason.
pub(super) fn write(report: &RunReport<'_>, out: &mut String) -> fmt::Result {
    out.push_str("<dl class=\"left\">\n");
    for (part, reason) in parts(report) {
        writeln!(out, "<dt>{part}</dt><dd>{reason}</dd>")?;
    }
    out.push_str("</dl>\n");
    Ok(())
}

/// Whether every outcome was there to be named. Those of the earlier parts of a run that was resumed
/// were not.
fn are_all_named(report: &RunReport<'_>) -> bool {
    let (Some(tally), Some(notable)) = (report.tally, report.notable) else {
        return true;
    };
    let groups = [
        (Verdict::Failed, notable.failed()),
        (Verdict::Negative, notable.negative()),
    ];
    groups
        .iter()
        .all(|(verdict, groups)| tally.verdict(*verdict) <= groups.outcomes())
}

/// The parts that are missing, each with the reason.
pub(super) fn parts(report: &RunReport<'_>) -> Vec<(&'static str, &'static str)> {
    const LATENCY_ONLY: &str = "an interval log has latencies, but not the outcome of each target";
    const RUN_ONLY: &str = "known only during the run; its output does not have it";
    let mut parts = Vec::new();
    let mut unless = |known: bool, part, reason| {
        if !known {
            parts.push((part, reason));
        }
    };
    let outcomes = heading::outcomes(report);
    unless(
        report.tally.is_some(),
        "the balance, statuses, faults and attempts",
        LATENCY_ONLY,
    );
    unless(
        report.notable.is_some(),
        "the names of targets that failed, were negative or slow, and of certificates that end soon",
        LATENCY_ONLY,
    );
    unless(
        are_all_named(report),
        "the names of some targets that failed or were negative",
        "they are of an earlier part of this run; its output has them",
    );
    unless(
        report.timeline.has_verdicts(),
        "throughput by verdict",
        LATENCY_ONLY,
    );
    unless(
        outcomes > 0,
        "latency, percentiles, throughput and phases",
        "no target has an outcome",
    );
    unless(
        outcomes == 0 || report.latency.percentiles(Measure::Service).is_some(),
        "service time",
        "nothing was sent, or it was not measured",
    );
    unless(
        outcomes == 0 || !phases::reached(report.timeline).is_empty(),
        "phases",
        "no outcome has a phase that took time",
    );
    unless(report.wall.is_some(), "how long the run took", RUN_ONLY);
    unless(report.cpu.is_some(), "CPU per target", RUN_ONLY);
    match report.shards {
        None => {
            unless(
                false,
                "what the windows measured and allowed, where queries were lost, and how late the \
                 event loop was",
                RUN_ONLY,
            );
            unless(report.resolvers.is_some(), "resolvers", LATENCY_ONLY);
        }
        Some(shards) => {
            let windows = WindowSteps::of(shards, report.timeline.origin());
            unless(
                !windows.is_empty(),
                "what was in flight over time",
                "the event loops took no samples",
            );
            unless(
                windows.is_empty() || windows.has_windows(),
                "the window over time",
                "no resolver was used",
            );
        }
    }
    unless(
        report.origin.command.is_some(),
        "the command",
        "the file does not have it",
    );
    unless(
        report.origin.version.is_some(),
        "the version that made the figures",
        "the file does not have it",
    );
    parts
}
