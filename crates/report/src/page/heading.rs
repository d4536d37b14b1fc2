//! The top of the page about a run: the result in one sentence, the balance, the key figures.

use std::fmt::{self, Write};

use canvass_model::Verdict;

use super::class::Class;
use super::table::segment;
use super::text::{counted, escaped, grouped, per_second, percent, rate_figure, span, wall};
use crate::write::nanos;
use crate::{Measure, RunReport, Tally};

/// Appends the results.
pub(super) fn write(report: &RunReport<'_>, out: &mut String) -> fmt::Result {
    writeln!(out, "<p class=\"result\">{}</p>", result(report))?;
    if let Some(tally) = report.tally {
        write_balance(report, tally, out)?;
    }
    write_key_figures(report, out)
}

/// The number of outcomes, as far as it is known.
pub(super) fn outcomes(report: &RunReport<'_>) -> u64 {
    let ended = || report.timeline.bins().iter().map(|bin| bin.ended).sum();
    report.tally.map_or_else(ended, Tally::total)
}

fn result(report: &RunReport<'_>) -> String {
    let total = outcomes(report);
    let mut text = match report.tally {
        _ if total == 0 => "No target has an outcome".to_owned(),
        Some(tally) => {
            let answered = tally.verdict(Verdict::Answered);
            format!(
                "{} of {} answered ({})",
                grouped(answered),
                counted(total, "target", "targets"),
                percent(answered, total)
            )
        }
        None => format!("{} measured", counted(total, "outcome", "outcomes")),
    };
    if let Some(span) = report.wall.filter(|_| total > 0) {
        text.push_str(&format!(" in {}", wall(span)));
        if !span.is_zero() {
            let rate = total as f64 / span.as_secs_f64();
            text.push_str(&format!(", {} per second", rate_figure(rate)));
        }
    }
    text.push('.');
    let how = if report.interrupted {
        "was interrupted"
    } else {
        "ended early"
    };
    match report.remaining.filter(|remaining| *remaining > 0) {
        Some(remaining) => {
            let targets = counted(remaining, "target was", "targets were");
            text.push_str(&format!(" The run {how}: {targets} not admitted."));
        }
        // The length of a list that was still being read is unknown.
        None if report.interrupted => text.push_str(" The run was interrupted."),
        None => {}
    }
    text
}

fn write_balance(report: &RunReport<'_>, tally: &Tally, out: &mut String) -> fmt::Result {
    let counted: u64 = tally.total();
    let admitted = report.shards.map_or(counted, |shards| {
        shards.iter().map(|shard| shard.admitted).sum()
    });
    let classes = Class::ALL.map(|class| (class, class.of_tally(tally)));
    write!(out, "<p class=\"sum\">in {} =", grouped(admitted))?;
    for class in [Class::Answered, Class::Negative, Class::Failed] {
        let verdict = class.verdict();
        let plus = if class == Class::Answered { " " } else { " + " };
        // Outcomes with HTTP status codes have the colours of their classes.
        let dot = match has_codes(&classes, verdict) {
            true => String::new(),
            false => dot(class),
        };
        write!(
            out,
            "{plus}<span class=\"term\">{dot}{} {}</span>",
            class.name(),
            grouped(tally.verdict(verdict))
        )?;
    }
    out.push_str("</p>\n");
    if let Some(Err(error)) = report.shards.map(|shards| crate::balance(tally, shards)) {
        writeln!(
            out,
            "<aside class=\"warnings\">{}: this is a bug in canvass, please report it</aside>",
            escaped(&error.to_string())
        )?;
    }
    out.push_str("<div class=\"balance\" aria-hidden=\"true\">");
    for (class, count) in classes.into_iter().filter(|&(_, count)| count > 0) {
        let share = count as f64 / counted as f64;
        out.push_str(&segment(share, class.css(), class.name()));
    }
    out.push_str("</div>\n");
    for verdict in [Verdict::Answered, Verdict::Negative] {
        if has_codes(&classes, verdict) {
            write_codes(&classes, verdict, tally.verdict(verdict), out)?;
        }
    }
    Ok(())
}

fn has_codes(classes: &[(Class, u64)], verdict: Verdict) -> bool {
    classes
        .iter()
        .any(|&(class, count)| class.is_http() && class.verdict() == verdict && count > 0)
}

/// Appends the classes of the outcomes with this verdict, which are the legend of the bar.
fn write_codes(
    classes: &[(Class, u64)],
    verdict: Verdict,
    all: u64,
    out: &mut String,
) -> fmt::Result {
    write!(out, "<p class=\"classes\">{}:", verdict.as_str())?;
    for &(class, count) in classes {
        if class.verdict() == verdict && count > 0 {
            write!(
                out,
                " <span class=\"term\">{}{} {} <small>({})</small></span>",
                dot(class),
                class.short_name(),
                grouped(count),
                percent(count, all)
            )?;
        }
    }
    out.push_str("</p>\n");
    Ok(())
}

fn dot(class: Class) -> String {
    format!("<span class=\"dot {}\"></span>", class.css())
}

fn write_key_figures(report: &RunReport<'_>, out: &mut String) -> fmt::Result {
    let total = outcomes(report);
    let mut figures = vec![("outcomes", grouped(total))];
    if let Some(span) = report.wall {
        figures.push(("took", wall(span)));
        if total > 0 && !span.is_zero() {
            figures.push(("rate", per_second(total as f64 / span.as_secs_f64())));
        }
    }
    if let Some(cpu) = report.cpu.filter(|_| total > 0) {
        figures.push(("CPU per target", span(nanos(cpu) / total)));
    }
    if let Some(tally) = report.tally.filter(|_| total > 0) {
        let attempts = tally.attempts() as f64 / total as f64;
        figures.push((
            "attempts per target",
            format!(
                "{attempts:.2}, max {}",
                grouped(tally.attempts_max().into())
            ),
        ));
    }
    for &measure in report.latency.whole_measures() {
        let names = match measure {
            Measure::Response => ["response p50", "response p99", "response max"],
            _ => ["service p50", "service p99", "service max"],
        };
        if let Some(kept) = report.latency.percentiles(measure) {
            let points = [kept.p50_ns, kept.p99_ns, kept.max_ns];
            figures.extend(names.into_iter().zip(points.map(span)));
        }
    }
    out.push_str("<dl class=\"key\">\n");
    for (name, figure) in figures {
        writeln!(out, "<div><dt>{name}</dt><dd>{figure}</dd></div>")?;
    }
    out.push_str("</dl>\n");
    Ok(())
}
