//! The result of each pair, and its ratio as a dot with the interval as whiskers.

use std::fmt::{self, Write};

use super::super::chart::{Chart, Place, percent};
use super::super::scale::{Axis, Scale};
use super::super::text::{grouped, trimmed};
use super::LetteredSide;
use crate::compare::Finding;
use crate::{Comparison, Ratio};

/// The height of the chart of a pair, in CSS pixels.
const HEIGHT_PX: f64 = 30.0;
/// Space for half a dot at the start of the axis, in CSS pixels.
const BESIDE_PX: f64 = 12.0;

/// Appends a chart for each pair, on a common axis. The first side is to the right where it is the
/// faster one. No figure is under 1: where the other side is faster, its ratio is shown.
pub(super) fn write(
    comparison: &Comparison,
    sides: &[LetteredSide<'_>],
    out: &mut String,
) -> fmt::Result {
    let ratios: Vec<Option<Ratio>> = (0..sides.len() - 1)
        .map(|other| of_first(comparison.finding(other)))
        .collect();
    let x = axis(&ratios);
    let y = Axis {
        scale: Scale::Linear(0.0, 1.0),
        labels: Vec::new(),
    };
    let drawn_last = ratios.iter().rposition(Option::is_some);
    for (place, (ratio, other)) in ratios.iter().zip(&sides[1..]).enumerate() {
        // The same sentence as above, with letters for the names that are in the table of sides.
        let names = [sides[0].badge(), other.heading()];
        let sentence = comparison.sentence(place, names, |figure| format!("<b>{figure}</b>"));
        writeln!(out, "<p class=\"panel\">{sentence}</p>")?;
        let Some(ratio) = ratio else {
            continue;
        };
        let letters = [&sides[0], other].map(|side| side.letter.to_string());
        let chart = Chart {
            about: &comparison.sentence(place, letters, str::to_owned),
            height_px: HEIGHT_PX,
            x: &x,
            y: &y,
            beside_px: BESIDE_PX,
            labels: Place::below_last(Some(place) == drawn_last),
            is_filled: false,
            marks: &[],
            shapes: "",
            over: &drawn(ratio, &x, other.style),
        };
        chart.write(out)?;
    }
    if drawn_last.is_none() {
        return Ok(());
    }
    writeln!(
        out,
        "<p class=\"unit ends\"><span>◂ the other side is faster</span> <span>{} is faster ▸</span></p>\n\
         <p class=\"note\">How many times as many targets per second the faster side completes; whiskers: \
         95 % interval, a bootstrap over blocks, wider where sides drift; at 1× both are equally \
         fast.</p>",
        sides[0].letter
    )
}

/// The ratio of the first side to the other one, if the pair has a result.
fn of_first(finding: Finding) -> Option<Ratio> {
    match finding {
        Finding::Unusable { .. } | Finding::Unmeasured => None,
        Finding::Level(lead) | Finding::Ahead(lead) => Some(lead.of_first()),
    }
}

fn axis(ratios: &[Option<Ratio>]) -> Axis {
    let values = ratios
        .iter()
        .flatten()
        .flat_map(|ratio| [ratio.value, ratio.low, ratio.high])
        .flatten()
        .chain([1.0]);
    let lowest = values.clone().fold(f64::INFINITY, f64::min);
    let highest = values.fold(0.0, f64::max);
    let lowest = if lowest < 1.0 { lowest / 1.05 } else { lowest };
    let scale = Scale::around(lowest, highest * 1.05);
    scale.axis(|value| format!("{}×", grouped_or_small(value.max(value.recip()))))
}

fn grouped_or_small(value: f64) -> String {
    if value < 1000.0 {
        trimmed(value)
    } else {
        grouped(value.round() as u64)
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
