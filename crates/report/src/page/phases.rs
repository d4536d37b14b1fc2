//! The mean time of each phase, over time and in total.

use std::fmt::{self, Write};
use std::time::Duration;

use canvass_model::Phase;

use super::chart::{Chart, LegendEntry, Place, Step, area, beside_px};
use super::over_time::{TimelineBin, time_axis, timeline_bins};
use super::scale::Scale;
use super::stack::{StackLayer, stack, write_stack_legend};
use super::table::{Column, Table, bar};
use super::text::{grouped, percent, since_start, span, span_tick};
use crate::{Bin, Timeline};

/// The height of the chart, in CSS pixels.
const HEIGHT_PX: f64 = 180.0;
/// If the highest bin is more than this many times the usual height, the axis ends below it:
/// otherwise the timeouts at the end of a run would hide everything else.
const CUT_FACTOR: f64 = 4.0;
/// The share of outcomes whose bins have at most the usual height.
const USUAL_SHARE: f64 = 0.9;

/// A phase that was reached and took time, with its index in [`Phase::TIMED`].
type Reached = (usize, Phase);

/// The phases that were reached and took time.
pub(super) fn reached(timeline: &Timeline) -> Vec<Reached> {
    let all = sum(timeline.bins());
    let phases = Phase::TIMED.into_iter().enumerate();
    phases
        // Most probes never wait, for example: such a phase has nothing to show.
        .filter(|&(place, _)| all[place].0 > 0)
        .collect()
}

/// Appends the means of the phases over the whole run and over time.
pub(super) fn write_chart(
    timeline: &Timeline,
    wall: Option<Duration>,
    out: &mut String,
) -> fmt::Result {
    let reached = reached(timeline);
    let timeline_bins = timeline_bins(timeline, wall);
    let end_ns = timeline_bins.last().map_or(0.0, |last| last.to_ns);
    let means: Vec<Vec<f64>> = timeline_bins
        .iter()
        .map(|one| means_ns(&one.bin, &reached))
        .collect();
    let heights: Vec<f64> = means.iter().map(|means| means.iter().sum()).collect();
    let highest_ns = heights.iter().copied().fold(0.0, f64::max);
    let ended = timeline_bins.iter().map(|one| one.bin.ended);
    let end_of_axis_ns = usual_ns(heights.iter().copied().zip(ended).collect());
    let x = time_axis(end_ns);
    let y = Scale::from_zero(end_of_axis_ns / 1e6).axis(|millis| match millis {
        0.0 => "0".to_owned(),
        _ => span_tick(millis * 1e6),
    });

    write_whole(timeline, &reached, out)?;
    out.push_str("<p class=\"panel\"><b>mean time per outcome, over time</b></p>\n");
    let legend: Vec<LegendEntry> = reached
        .iter()
        .map(|&(_, phase)| LegendEntry {
            class: class(phase),
            name: phase.as_str().to_owned(),
        })
        .collect();
    if legend.len() > 1 {
        write_stack_legend(&legend, out)?;
    }
    let is_beyond: Vec<bool> = heights
        .iter()
        .map(|height| *height > y.scale.high() * 1e6)
        .collect();
    let mut below_ns = vec![0.0; timeline_bins.len()];
    let layers = reached.iter().enumerate().map(|(layer, &(_, phase))| {
        let drawn = below_ns.iter_mut().zip(&means).zip(&is_beyond);
        for ((below_ns, means), _) in drawn.filter(|(_, is_beyond)| !**is_beyond) {
            *below_ns += means[layer];
        }
        StackLayer {
            class: class(phase),
            name: phase.as_str(),
            tops: timeline_bins
                .iter()
                .zip(&below_ns)
                .map(|(one, below_ns)| one.step(y.scale.at(*below_ns / 1e6), &x))
                .collect(),
        }
    });
    let (mut shapes, over) = stack(&layers.collect::<Vec<_>>(), HEIGHT_PX);
    let beyond: Vec<Step> = timeline_bins
        .iter()
        .zip(&is_beyond)
        .filter(|(_, is_beyond)| **is_beyond)
        .map(|(one, _)| one.step(1.0, &x))
        .collect();
    if !beyond.is_empty() {
        let floors = vec![0.0; beyond.len()];
        shapes.push_str(&area(&beyond, &floors, HEIGHT_PX, "beyond"));
    }
    let chart = Chart {
        about: "mean time per outcome by phase, stacked, over time",
        height_px: HEIGHT_PX,
        x: &x,
        y: &y,
        beside_px: beside_px(&[&y]),
        labels: Place::Above,
        is_filled: true,
        marks: &[],
        shapes: &shapes,
        over: &over,
    };
    out.push_str("<p class=\"unit end\">end of the outcomes, since the start of the run</p>\n");
    chart.write(out)?;
    if !beyond.is_empty() {
        writeln!(
            out,
            "<p class=\"note\">Pale: bins with few outcomes that are higher than this chart, up to \
             {}; see the data below.</p>",
            span(highest_ns as u64)
        )?;
    }
    table(&timeline_bins, &reached, &means)
        .write_folded("Data: mean time per outcome, over time", out)
}

/// Appends a bar for the whole run, and a table that serves as its legend.
fn write_whole(timeline: &Timeline, reached: &[Reached], out: &mut String) -> fmt::Result {
    let all = sum(timeline.bins());
    let spent_ns: u64 = reached
        .iter()
        .fold(0, |sum, &(place, _)| sum.saturating_add(all[place].0));
    out.push_str("<div class=\"balance\" aria-hidden=\"true\">");
    for &(place, phase) in reached {
        let share = all[place].0 as f64 / spent_ns.max(1) as f64;
        out.push_str(&bar(share, &class(phase)));
    }
    out.push_str("</div>\n");
    let mut table = Table::new([
        ("phase", Column::Text),
        ("mean", Column::Number),
        ("reached by", Column::Number),
        ("share of total time", Column::Number),
    ]);
    for &(place, phase) in reached {
        let (sum_ns, count) = all[place];
        table.row([
            format!("<span class=\"dot {}\"></span>{phase}", class(phase)),
            span(sum_ns / count.max(1)),
            grouped(count),
            percent(sum_ns, spent_ns),
        ]);
    }
    table.write(out)
}

/// The end of the axis, from the height and the outcomes of each bin.
fn usual_ns(mut bins: Vec<(f64, u64)>) -> f64 {
    bins.retain(|&(_, ended)| ended > 0);
    bins.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some(&(highest, _)) = bins.last() else {
        return 0.0;
    };
    let all: u64 = bins.iter().map(|bin| bin.1).sum();
    let mut seen = 0;
    let usual = bins.iter().find(|bin| {
        seen += bin.1;
        seen as f64 >= all as f64 * USUAL_SHARE
    });
    let usual = usual.map_or(highest, |bin| bin.0);
    if highest > usual * CUT_FACTOR {
        usual * CUT_FACTOR / 2.0
    } else {
        highest
    }
}

/// The time of each phase, divided by all outcomes for which anything was sent. The sum is the mean
/// service time.
fn means_ns(bin: &Bin, reached: &[Reached]) -> Vec<f64> {
    let outcomes = bin.phases_ns.iter().map(|&(_, count)| count).max();
    let outcomes = outcomes.unwrap_or(0).max(1) as f64;
    reached
        .iter()
        .map(|&(place, _)| bin.phases_ns[place].0 as f64 / outcomes)
        .collect()
}

fn sum(bins: &[Bin]) -> [(u64, u64); Phase::TIMED.len()] {
    let mut all = [(0_u64, 0_u64); Phase::TIMED.len()];
    for bin in bins {
        for (sum, added) in all.iter_mut().zip(bin.phases_ns) {
            sum.0 = sum.0.saturating_add(added.0);
            sum.1 += added.1;
        }
    }
    all
}

/// The class of a phase in `page.css`.
pub(super) fn class(phase: Phase) -> String {
    format!("phase-{phase}")
}

fn table(timeline_bins: &[TimelineBin], reached: &[Reached], means: &[Vec<f64>]) -> Table {
    let phases = reached
        .iter()
        .map(|&(_, phase)| (phase.as_str(), Column::Number));
    let columns = [("from", Column::Number), ("all", Column::Number)];
    let mut table = Table::new(columns.into_iter().chain(phases));
    for (one, means) in timeline_bins.iter().zip(means) {
        if one.bin.ended > 0 {
            let from = since_start(one.from_ns as u64);
            let all = std::iter::once(means.iter().sum()).chain(means.iter().copied());
            let all = all.map(|nanos: f64| span(nanos as u64));
            table.row(std::iter::once(from).chain(all));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_slow_bins_do_not_hide_the_others() {
        let mut bins = vec![(1e6, 1000); 50];
        assert_eq!(usual_ns(bins.clone()), 1e6);
        bins.push((3e6, 1));
        assert_eq!(usual_ns(bins.clone()), 3e6);
        // Timeouts take longer to end than all others together took.
        bins.extend([(1e10, 1); 100]);
        assert_eq!(usual_ns(bins), 2e6);
        assert_eq!(usual_ns(Vec::new()), 0.0);
    }

    #[test]
    fn means_add_up_to_the_service_time_and_leave_out_what_was_not_reached() {
        let mut bin = Bin {
            ended: 3,
            ..Bin::default()
        };
        let (connect, tls) = (Phase::Connect.index().unwrap(), Phase::Tls.index().unwrap());
        bin.phases_ns[connect] = (300, 3);
        bin.phases_ns[tls] = (600, 1);
        let reached = [(connect, Phase::Connect), (tls, Phase::Tls)];
        assert_eq!(means_ns(&bin, &reached), [100.0, 200.0]);
    }
}
