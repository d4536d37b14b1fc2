//! A run over time: outcomes per second, and what the windows allowed.

mod windows;

use std::fmt::{self, Write};
use std::time::Duration;

use super::chart::{Chart, LegendEntry, Place, Step, beside_px, line, write_legend};
use super::class::Class;
use super::scale::{Axis, Scale};
use super::stack::{StackLayer, stack, write_stack_legend};
use super::table::{Column, Table};
use super::text::{count_tick, grouped, per_second, since_start, trimmed};
use crate::{Bin, Timeline};

pub(super) use windows::WindowSteps;

/// The height of the chart of outcomes, in CSS pixels.
const HEIGHT_PX: f64 = 180.0;
/// The height of each chart of the windows, in CSS pixels.
const HEIGHT_SMALL_PX: f64 = 96.0;
/// The least share of its width that the last bin is drawn with: the rate over a very short time
/// is meaningless.
const LAST_BIN_SHARE_MIN: f64 = 0.25;

/// A bin of a timeline with its place on the axis.
pub(super) struct TimelineBin {
    /// Its start, in nanoseconds since the start of the run.
    pub(super) from_ns: f64,
    /// Its end.
    pub(super) to_ns: f64,
    /// The outcomes in it.
    pub(super) bin: Bin,
}

impl TimelineBin {
    /// A step of this height on an axis of time.
    pub(super) fn step(&self, height: f64, x: &Axis) -> Step {
        Step {
            from: x.scale.at(self.from_ns),
            to: x.scale.at(self.to_ns),
            height,
        }
    }

    fn rate(&self, count: u64) -> f64 {
        count as f64 / ((self.to_ns - self.from_ns) / 1e9)
    }
}

/// The bins of a timeline. The last one ends with the run.
pub(super) fn timeline_bins(timeline: &Timeline, wall: Option<Duration>) -> Vec<TimelineBin> {
    let width_ns = timeline.width().as_nanos() as f64;
    let mut all: Vec<TimelineBin> = (0..)
        .zip(timeline.bins())
        .map(|(place, bin)| TimelineBin {
            from_ns: f64::from(place) * width_ns,
            to_ns: f64::from(place + 1) * width_ns,
            bin: *bin,
        })
        .collect();
    if let (Some(wall), Some(last)) = (wall, all.last_mut()) {
        let wall_ns = wall.as_nanos() as f64;
        let least_ns = last.from_ns + LAST_BIN_SHARE_MIN * width_ns;
        last.to_ns = wall_ns.max(least_ns).min(last.to_ns);
    }
    all
}

/// The axis of time up to `end_ns`.
pub(super) fn time_axis(end_ns: f64) -> Axis {
    let (unit, size_ns) = [("h", 3.6e12, 3.0), ("min", 6e10, 3.0), ("s", 1e9, 1.0)]
        .into_iter()
        .find(|&(_, size_ns, least)| end_ns >= size_ns * least)
        .map_or(("ms", 1e6), |(unit, size_ns, _)| (unit, size_ns));
    let end = (end_ns / size_ns).max(1e-6);
    let axis = Scale::Linear(0.0, end).axis(|value| format!("{} {unit}", trimmed(value)));
    Axis {
        scale: Scale::Linear(0.0, end * size_ns),
        labels: axis.labels,
    }
}

/// Appends outcomes per second over time and, below on the same axis, the windows if they are
/// known.
pub(super) fn write_chart(
    timeline: &Timeline,
    wall: Option<Duration>,
    windows: &WindowSteps,
    out: &mut String,
) -> fmt::Result {
    let timeline_bins = timeline_bins(timeline, wall);
    let end_ns = timeline_bins
        .last()
        .map_or_else(|| windows.end_ns(), |last| last.to_ns);
    let x = time_axis(end_ns);
    let layers = layers(timeline);
    let highest = timeline_bins.iter().map(|one| one.rate(one.bin.ended));
    let y = Scale::from_zero(highest.fold(0.0, f64::max)).axis(count_tick);
    let panels = windows.panels();
    let axes = panels.iter().map(|panel| &panel.y).chain([&y]);
    let beside_px = beside_px(&axes.collect::<Vec<_>>());

    out.push_str("<p class=\"panel\"><b>outcomes per second</b></p>\n");
    let legend: Vec<LegendEntry> = layers
        .iter()
        .map(|layer| LegendEntry {
            class: layer.css.to_owned(),
            name: layer.name.to_owned(),
        })
        .collect();
    if legend.len() > 1 {
        write_stack_legend(&legend, out)?;
    }
    let (shapes, over) = stacked(&timeline_bins, &layers, &x, &y);
    let chart = Chart {
        about: "outcomes per second over time",
        height_px: HEIGHT_PX,
        x: &x,
        y: &y,
        beside_px,
        labels: Place::below_last(panels.is_empty()),
        is_filled: true,
        marks: &[],
        shapes: &shapes,
        over: &over,
    };
    chart.write(out)?;
    for (place, panel) in panels.iter().enumerate() {
        writeln!(out, "<p class=\"panel\"><b>{}</b></p>", panel.name)?;
        if panel.lines.len() > 1 {
            write_legend(&panel.legend(), out)?;
        }
        let shapes: String = panel
            .lines
            .iter()
            .map(|one| {
                let plain = if panel.lines.len() == 1 { "plain " } else { "" };
                let steps = one.steps(&x, &panel.y, end_ns);
                line(&steps, HEIGHT_SMALL_PX, &format!("{plain}{}", one.class))
            })
            .collect();
        let chart = Chart {
            about: panel.name,
            height_px: HEIGHT_SMALL_PX,
            x: &x,
            y: &panel.y,
            beside_px,
            labels: Place::below_last(place + 1 == panels.len()),
            is_filled: false,
            marks: &[],
            shapes: &shapes,
            over: "",
        };
        chart.write(out)?;
    }
    out.push_str("<p class=\"unit end\">time since the start of the run</p>\n");
    table(&timeline_bins, &layers).write_folded("Data: outcomes over time", out)?;
    windows.write_table(out)
}

/// A layer of the stack.
struct Layer {
    name: &'static str,
    css: &'static str,
    /// `None` for all outcomes.
    class: Option<Class>,
}

impl Layer {
    fn count(&self, bin: &Bin) -> u64 {
        self.class.map_or(bin.ended, |class| class.of_bin(bin))
    }
}

/// A layer for each class that has outcomes, or one for all if classes are unknown.
fn layers(timeline: &Timeline) -> Vec<Layer> {
    if !timeline.has_verdicts() {
        return vec![Layer {
            name: "outcomes",
            css: "s0",
            class: None,
        }];
    }
    let has_outcomes = |class: &Class| timeline.bins().iter().any(|bin| class.of_bin(bin) > 0);
    Class::ALL
        .into_iter()
        .filter(has_outcomes)
        .map(|class| Layer {
            name: class.name(),
            css: class.css(),
            class: Some(class),
        })
        .collect()
}

fn stacked(
    timeline_bins: &[TimelineBin],
    layers: &[Layer],
    x: &Axis,
    y: &Axis,
) -> (String, String) {
    let mut below = vec![0; timeline_bins.len()];
    let tops = layers.iter().map(|layer| StackLayer {
        class: layer.css.to_owned(),
        name: layer.name,
        tops: timeline_bins
            .iter()
            .zip(&mut below)
            .map(|(one, below)| {
                *below += layer.count(&one.bin);
                one.step(y.scale.at(one.rate(*below)), x)
            })
            .collect(),
    });
    stack(&tops.collect::<Vec<_>>(), HEIGHT_PX)
}

fn table(timeline_bins: &[TimelineBin], layers: &[Layer]) -> Table {
    let columns = [("from", Column::Number), ("rate", Column::Number)];
    let counts = layers.iter().map(|layer| (layer.name, Column::Number));
    let mut table = Table::new(columns.into_iter().chain(counts));
    for one in timeline_bins {
        let from = since_start(one.from_ns as u64);
        let counts = layers.iter().map(|layer| grouped(layer.count(&one.bin)));
        let rate = per_second(one.rate(one.bin.ended));
        table.row([from, rate].into_iter().chain(counts));
    }
    table
}
