//! The ratio of each pair as a dot, with the interval as whiskers.

use std::fmt::{self, Write};

use super::super::chart::{Chart, percent};
use super::super::scale::{Axis, Scale};
use super::super::text::{grouped, trimmed};
use super::LetteredSide;
use crate::{Comparison, Ratio};

/// The height of the chart of a pair, in CSS pixels.
const HEIGHT_PX: f64 = 30.0;
/// Space for half a dot at the start of the axis, in CSS pixels.
const BESIDE_PX: f64 = 12.0;

/// Appends a chart for each pair, on a common axis.
pub(super) fn write(
    comparison: &Comparison,
    sides: &[LetteredSide<'_>],
    out: &mut String,
) -> fmt::Result {
    let ratios: Vec<Ratio> = (0..sides.len() - 1)
        .map(|other| comparison.ratio(other))
        .collect();
    let x = axis(&ratios);
    let y = Axis {
        scale: Scale::Linear(0.0, 1.0),
        labels: Vec::new(),
    };
    for (place, (ratio, other)) in ratios.iter().zip(&sides[1..]).enumerate() {
        writeln!(
            out,
            "<p class=\"panel\">{} to {}: <b>{}</b></p>",
            sides[0].badge(),
            other.heading(),
            describe(ratio)
        )?;
        let chart = Chart {
            about: &format!(
                "ratio of side {} to side {}: {}",
                sides[0].letter,
                other.letter,
                describe(ratio)
            ),
            height_px: HEIGHT_PX,
            x: &x,
            y: &y,
            beside_px: BESIDE_PX,
            labelled: place + 1 == ratios.len(),
            marks: &[],
            shapes: "",
            over: &drawn(ratio, &x, other.style),
        };
        chart.write(out)?;
    }
    writeln!(
        out,
        "<p class=\"unit end\">targets per second of {} divided by those of the other side; whiskers: 95 % \
         interval, a bootstrap over blocks, wider where sides drift; at 1× both are equally fast</p>",
        sides[0].letter
    )
}

fn axis(ratios: &[Ratio]) -> Axis {
    let values = ratios
        .iter()
        .flat_map(|ratio| [ratio.value, ratio.low, ratio.high])
        .flatten()
        .chain([1.0]);
    let lowest = values.clone().fold(f64::INFINITY, f64::min);
    let highest = values.fold(0.0, f64::max);
    Scale::around(lowest, highest * 1.05).axis(|value| format!("{}×", grouped_or_small(value)))
}

fn grouped_or_small(value: f64) -> String {
    if value < 1000.0 {
        trimmed(value)
    } else {
        grouped(value.round() as u64)
    }
}

fn describe(ratio: &Ratio) -> String {
    let digits = |value: f64| match value {
        _ if value >= 1000.0 => grouped(value.round() as u64),
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    let Some(value) = ratio.value else {
        return "no ratio available".to_owned();
    };
    match ratio.low.zip(ratio.high) {
        Some((low, high)) => format!(
            "{}× (95 % interval {} to {})",
            digits(value),
            digits(low),
            digits(high)
        ),
        None => format!("{}× (no interval available)", digits(value)),
    }
}

fn drawn(ratio: &Ratio, x: &Axis, style: usize) -> String {
    let middle = HEIGHT_PX / 2.0;
    let place = |value: f64| percent(x.scale.at(value));
    let mut shapes = format!(
        "<line class=\"one\" x1=\"{0}\" x2=\"{0}\" y1=\"0\" y2=\"{HEIGHT_PX}\"/>\n",
        place(1.0)
    );
    if let Some((low, high)) = ratio.low.zip(ratio.high) {
        let (low, high) = (place(low), place(high));
        shapes.push_str(&format!(
            "<line class=\"whisker s{style}\" x1=\"{low}\" x2=\"{high}\" y1=\"{middle}\" \
             y2=\"{middle}\"/>\n"
        ));
        for end in [low, high] {
            shapes.push_str(&format!(
                "<line class=\"whisker s{style}\" x1=\"{end}\" x2=\"{end}\" y1=\"{}\" \
                 y2=\"{}\"/>\n",
                middle - 6.0,
                middle + 6.0
            ));
        }
    }
    if let Some(value) = ratio.value {
        shapes.push_str(&format!(
            "<circle class=\"solid s{style}\" cx=\"{}\" cy=\"{middle}\" r=\"4\"/>\n",
            place(value)
        ));
    }
    shapes
}
