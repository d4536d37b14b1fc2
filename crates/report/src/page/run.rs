//! The page about a run: its sections and their order.

use std::fmt::{self, Write};

use canvass_model::Verdict;

use super::density::{NamedHistogram, write_below_each_other, write_overlaid};
use super::document::{Sections, document, figure, write_warnings};
use super::table::{Column, Table};
use super::text::{grouped, span};
use super::{
    certificates, counts, heading, left_out, over_time, percentiles, phases, provenance, resolvers,
    slowest, targets,
};
use crate::notable::CERTIFICATE_DAYS_MAX;
use crate::{LatencyRecorder, Measure, NotableTargets, Percentiles, RunReport, Tally};

/// Renders the page about a run as one HTML file. Its last section lists what is not shown, and
/// why.
pub fn run_page(report: &RunReport<'_>) -> String {
    let results = |out: &mut String| {
        heading::write(report, out)?;
        write_warnings(report.warnings, out)
    };
    document(&report.probes, &report.origin, results, |sections| {
        write_sections(report, sections)
    })
}

fn write_sections(report: &RunReport<'_>, sections: &mut Sections) -> fmt::Result {
    if let Some(tally) = report.tally.filter(|tally| tally.total() > 0) {
        write_counts(report, tally, sections)?;
    }
    if let Some(notable) = report.notable {
        write_notable(notable, report.latency.is_scheduled(), sections)?;
    }
    let has_latency = !report.latency.distribution(Measure::Response).is_empty();
    if has_latency {
        write_latency(report.latency, sections)?;
    }
    if !report.timeline.bins().is_empty() {
        let shards = report.shards.unwrap_or_default();
        let windows = over_time::WindowSteps::of(shards, report.timeline.origin());
        let heading = if windows.has_windows() {
            "Throughput and window over time"
        } else {
            "Throughput over time"
        };
        sections.add("over-time", heading, |out| {
            figure(out, |out| {
                over_time::write_chart(report.timeline, report.wall, &windows, out)
            })
        })?;
    }
    if has_latency && !phases::reached(report.timeline).is_empty() {
        write_phases(report, sections)?;
    }
    write_resolvers(report, sections)?;
    sections.add("origin", "Origin", |out| {
        let shards = report.shards.unwrap_or_default();
        let further = match shards {
            [] => Vec::new(),
            shards => provenance::of_shards(shards),
        };
        provenance::write_origin(&report.origin, &further, out)?;
        provenance::write_lag(shards, out)
    })?;
    if left_out::parts(report).is_empty() {
        return Ok(());
    }
    let heading = match report.origin.file {
        Some(_) => "Not in this file",
        None => "Not shown",
    };
    sections.add("left-out", heading, |out| left_out::write(report, out))
}

/// Appends how the targets ended, and which of them were not good.
fn write_counts(report: &RunReport<'_>, tally: &Tally, sections: &mut Sections) -> fmt::Result {
    sections.add("statuses", "Statuses", |out| {
        counts::write_statuses(tally, out)
    })?;
    if !tally.causes().is_empty() {
        sections.add("failed", "Failed targets", |out| {
            counts::write_faults(tally, out)?;
            match report.notable {
                Some(notable) => targets::write(notable.failed(), "failed", out),
                None => Ok(()),
            }
        })?;
    }
    if tally.verdict(Verdict::Negative) > 0 {
        sections.add("negative", "Negative targets", |out| {
            if !tally.unmet().is_empty() {
                out.push_str("<h3>Expectations not met</h3>\n");
                counts::write_unmet(tally, out)?;
            }
            match report.notable {
                Some(notable) => targets::write(notable.negative(), "negative", out),
                None => Ok(()),
            }
        })?;
    }
    Ok(())
}

fn write_notable(
    notable: &NotableTargets,
    has_schedule: bool,
    sections: &mut Sections,
) -> fmt::Result {
    if notable.certificates().targets() > 0 {
        let heading = format!("Certificates with fewer than {CERTIFICATE_DAYS_MAX} days left");
        sections.add("certificates", &heading, |out| {
            certificates::write(notable.certificates(), out)
        })?;
    }
    if notable.slowest().len() > 1 {
        sections.add("slowest", "Slowest targets", |out| {
            slowest::write(notable.slowest(), has_schedule, out)
        })?;
    }
    Ok(())
}

fn write_latency(latency: &LatencyRecorder, sections: &mut Sections) -> fmt::Result {
    let whole = named(latency, latency.whole_measures());
    sections.add("latency", "Latency distribution", |out| {
        let about = match &whole[..] {
            [one] => format!("distribution of {}", one.name),
            _ => "distribution of service time and response time".to_owned(),
        };
        figure(out, |out| write_overlaid(&about, &whole, out))?;
        writeln!(
            out,
            "<p class=\"note\">{} Failed targets are included.</p>",
            measured_from(latency.whole_measures())
        )?;
        // A DNS query has only one phase, which is its service time.
        if named(latency, &Measure::HOST_PHASES).len() > 1 {
            let phases = named(latency, &Measure::PHASES);
            out.push_str("<h3>By phase</h3>\n");
            figure(out, |out| write_below_each_other(&phases, out))?;
        }
        Ok(())
    })?;
    sections.add("percentiles", "Latency by percentile", |out| {
        figure(out, |out| {
            percentiles::write_chart("latency by percentile", &whole, out)
        })?;
        write_percentiles(latency, out)
    })
}

fn measured_from(measures: &[Measure]) -> &'static str {
    match measures {
        [Measure::Service, Measure::Response] => {
            "Service time is measured from the first send, response time from when a target was due."
        }
        [Measure::Response] => "Response time is measured from when a target was due.",
        _ => "Service time is measured from the first send.",
    }
}

/// The distributions of the measures that have values. A phase has the same colour as in the stack.
fn named<'a>(latency: &'a LatencyRecorder, measures: &[Measure]) -> Vec<NamedHistogram<'a>> {
    measures
        .iter()
        .map(|&measure| NamedHistogram {
            name: match measure {
                Measure::Service => "service time".to_owned(),
                Measure::Response => "response time".to_owned(),
                phase => phase.as_str().to_owned(),
            },
            short: measure.as_str().to_owned(),
            class: match measure {
                Measure::Service => "s0".to_owned(),
                Measure::Response => "s1".to_owned(),
                phase => format!("phase-{}", phase.as_str()),
            },
            histogram: latency.distribution(measure),
        })
        // A phase in which no time was measured, such as the wait of most probes, has no chart and no row.
        .filter(|named| named.histogram.max() > 0 || is_whole(named))
        .filter(|named| !named.histogram.is_empty())
        .collect()
}

fn is_whole(named: &NamedHistogram<'_>) -> bool {
    [Measure::Service, Measure::Response]
        .iter()
        .any(|measure| named.short == measure.as_str())
}

fn write_percentiles(latency: &LatencyRecorder, out: &mut String) -> fmt::Result {
    let columns = Percentiles::NAMES.map(|name| (name, Column::Number));
    let mut table = Table::new(
        [("", Column::Prose)]
            .into_iter()
            .chain(columns)
            .chain([("outcomes", Column::Number)]),
    );
    let measures = [latency.whole_measures(), &Measure::PHASES[..]].concat();
    for named in named(latency, &measures) {
        let Some(percentiles) = Percentiles::of(&named.histogram) else {
            continue;
        };
        let name = format!("<b>{}</b>", named.name);
        table.row(
            [name]
                .into_iter()
                .chain(percentiles.values_ns().map(span))
                .chain([grouped(named.histogram.len())]),
        );
    }
    table.write(out)
}

fn write_phases(report: &RunReport<'_>, sections: &mut Sections) -> fmt::Result {
    sections.add("phases", "Phases", |out| {
        figure(out, |out| {
            phases::write_chart(report.timeline, report.wall, out)
        })?;
        writeln!(
            out,
            "<p class=\"note\">A mean hides slow outcomes: see the <a href=\"#percentiles\">table of \
             percentiles by phase</a>. The chart divides the time of each phase by all outcomes for \
             which anything was sent, so that the stack is the mean service time.</p>"
        )
    })
}

fn write_resolvers(report: &RunReport<'_>, sections: &mut Sections) -> fmt::Result {
    let shards = report.shards.unwrap_or_default();
    let asked = shards
        .iter()
        .flat_map(|shard| &shard.upstreams)
        .any(|upstream| upstream.sent > 0);
    let last_replies = report
        .resolvers
        .filter(|counts| report.shards.is_none() && counts.kept().len() > 0);
    if asked {
        sections.add("resolvers", "Resolvers", |out| {
            resolvers::write_upstreams(shards, out)?;
            out.push_str("<h3>Where losses happened</h3>\n");
            counts::write_losses(shards, out)
        })?;
    } else if let Some(counts) = last_replies {
        sections.add("resolvers", "Resolvers, by the last reply", |out| {
            resolvers::write_last_replies(counts, out)
        })?;
    }
    Ok(())
}
