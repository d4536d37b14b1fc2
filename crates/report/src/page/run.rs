//! The page about a run: its sections and their order.

use std::fmt::{self, Write};

use super::density::{NamedHistogram, write_below_each_other, write_overlaid};
use super::document::{document, figure, section, write_warnings};
use super::table::{Column, Table};
use super::text::{grouped, span};
use super::{counts, heading, left_out, over_time, percentiles, phases, provenance, resolvers};
use crate::{LatencyRecorder, Measure, Percentiles, RunReport};

/// Every measure, in the order of the table of percentiles.
const MEASURES: [Measure; 9] = [
    Measure::Service,
    Measure::Response,
    Measure::Wait,
    Measure::Dns,
    Measure::Resolve,
    Measure::Connect,
    Measure::Tls,
    Measure::FirstByte,
    Measure::Transfer,
];

/// Renders the page about a run as one HTML file. Its last section lists what is not shown, and
/// why.
pub fn run_page(report: &RunReport<'_>) -> String {
    let title = format!("canvass {}", report.probes);
    document(&title, |out| write_all(report, out))
}

fn write_all(report: &RunReport<'_>, out: &mut String) -> fmt::Result {
    heading::write(report, out)?;
    write_warnings(report.warnings, out)?;
    if !report.latency.distribution(Measure::Response).is_empty() {
        write_latency(report.latency, out)?;
    }
    if !report.timeline.bins().is_empty() {
        let shards = report.shards.unwrap_or_default();
        let windows = over_time::WindowSteps::of(shards, report.timeline.origin());
        let heading = if windows.has_windows() {
            "Throughput and window over time"
        } else {
            "Throughput over time"
        };
        section("over-time", heading, out, |out| {
            figure(out, |out| {
                over_time::write_chart(report.timeline, report.wall, &windows, out)
            })
        })?;
    }
    if !phases::reached(report.timeline).is_empty() {
        write_phases(report, out)?;
    }
    if let Some(tally) = report.tally.filter(|tally| tally.total() > 0) {
        section("statuses", "Statuses", out, |out| {
            counts::write_statuses(tally, out)
        })?;
        if !tally.unmet().is_empty() {
            section("unmet", "Expectations not met", out, |out| {
                counts::write_unmet(tally, out)
            })?;
        }
        if !tally.causes().is_empty() {
            section("faults", "Faults by phase and cause", out, |out| {
                counts::write_faults(tally, out)
            })?;
        }
    }
    write_resolvers(report, out)?;
    section("origin", "Origin", out, |out| {
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
    section("left-out", heading, out, |out| left_out::write(report, out))
}

fn write_latency(latency: &LatencyRecorder, out: &mut String) -> fmt::Result {
    let both = named(latency, &[Measure::Service, Measure::Response]);
    section("latency", "Latency distribution", out, |out| {
        figure(out, |out| {
            write_overlaid("distribution of service time and response time", &both, out)
        })?;
        out.push_str(
            "<p class=\"note\">Service time is measured from the first send, response time from when a \
             target was due. Failed targets are included.</p>\n",
        );
        // A DNS query has only one phase, which is its service time.
        if named(latency, &Measure::HOST_PHASES).len() > 1 {
            let phases = named(latency, &Measure::PHASES);
            out.push_str("<h3>By phase</h3>\n");
            figure(out, |out| write_below_each_other(&phases, out))?;
        }
        Ok(())
    })?;
    section("percentiles", "Latency by percentile", out, |out| {
        figure(out, |out| {
            percentiles::write_chart("latency by percentile", &both, out)
        })?;
        write_percentiles(latency, out)
    })
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
        .filter(|named| !named.histogram.is_empty())
        // Most probes never wait; a chart or a row of zeros is left out.
        .filter(|named| named.name != Measure::Wait.as_str() || named.histogram.max() > 0)
        .collect()
}

fn write_percentiles(latency: &LatencyRecorder, out: &mut String) -> fmt::Result {
    let columns = Percentiles::NAMES.map(|name| (name, Column::Number));
    let mut table = Table::new(
        [("", Column::Prose)]
            .into_iter()
            .chain(columns)
            .chain([("outcomes", Column::Number)]),
    );
    for named in named(latency, &MEASURES) {
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

fn write_phases(report: &RunReport<'_>, out: &mut String) -> fmt::Result {
    section("phases", "Phases", out, |out| {
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

fn write_resolvers(report: &RunReport<'_>, out: &mut String) -> fmt::Result {
    let shards = report.shards.unwrap_or_default();
    let asked = shards
        .iter()
        .flat_map(|shard| &shard.upstreams)
        .any(|upstream| upstream.sent > 0);
    let last_replies = report
        .resolvers
        .filter(|counts| report.shards.is_none() && counts.kept().len() > 0);
    if asked {
        section("resolvers", "Resolvers", out, |out| {
            resolvers::write_upstreams(shards, out)?;
            out.push_str("<h3>Where losses happened</h3>\n");
            counts::write_losses(shards, out)
        })?;
    } else if let Some(counts) = last_replies {
        section("resolvers", "Resolvers, by the last reply", out, |out| {
            resolvers::write_last_replies(counts, out)
        })?;
    }
    Ok(())
}
