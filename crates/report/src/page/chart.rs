//! A chart: axes, grid, shapes and labels, as SVG that fits any width.
//!
//! Horizontal positions are percentages of the width, and heights are CSS pixels, so text keeps its
//! size on a phone and on paper. Only the shapes are stretched, in a nested drawing, and their lines
//! keep their width.

use std::fmt::{self, Write};

use super::scale::{Anchor, Axis, Label, NARROW_PX, TEXT_PX, WIDE_PX, shown_across, shown_along};
use super::text::escaped;

/// The width of the nested drawing, in its own units.
const UNITS: f64 = 1000.0;
/// The space above the topmost grid line: half a label.
const TOP_PX: f64 = 8.0;
/// The height of a row of labels.
const ROW_PX: f64 = 20.0;
/// The space between a vertical axis and its labels.
const BESIDE_PX: f64 = 8.0;

/// The number of different colours and dashes for series (`page.css`: `s0`, `s1`, ...).
pub(super) const STYLES: usize = 8;

/// Where the labels of a horizontal axis are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: those of another chart with the same axis serve.
    None,
    /// Below the plot.
    Below,
    /// Above the plot.
    Above,
}

impl Place {
    /// For charts with a common axis, which only the last of them has below it.
    pub(super) fn below_last(is_last: bool) -> Self {
        if is_last { Self::Below } else { Self::None }
    }
}

/// A chart.
pub(super) struct Chart<'a> {
    /// A description for screen readers.
    pub(super) about: &'a str,
    /// The height of the plot, in CSS pixels.
    pub(super) height_px: f64,
    /// The horizontal axis.
    pub(super) x: &'a Axis,
    /// The vertical axis.
    pub(super) y: &'a Axis,
    /// The space beside the vertical axis, in CSS pixels. Charts with the same space are aligned.
    pub(super) beside_px: f64,
    /// Where the labels of the horizontal axis are.
    pub(super) labels: Place,
    /// Marked positions, with labels above them. Not together with labels of the axis above.
    pub(super) marks: &'a [Label],
    /// Whether the shapes fill the plot, so that the grid is drawn over them too.
    pub(super) is_filled: bool,
    /// Paths from [`line()`] and [`area()`].
    pub(super) shapes: &'a str,
    /// Elements that are not stretched. Their horizontal positions are percentages, and their vertical
    /// ones are CSS pixels from the top.
    pub(super) over: &'a str,
}

/// The space beside vertical axes, in CSS pixels, that fits the labels of all of them.
pub(super) fn beside_px(axes: &[&Axis]) -> f64 {
    let widths = axes.iter().map(|axis| axis.labels_px());
    (widths.fold(0.0, f64::max) + BESIDE_PX).ceil()
}

impl Chart<'_> {
    /// Appends the chart.
    pub(super) fn write(&self, out: &mut String) -> fmt::Result {
        let is_above = self.labels == Place::Above;
        let top_px = match self.marks.is_empty() && !is_above {
            true => TOP_PX,
            false => TOP_PX + ROW_PX,
        };
        let bottom_px = top_px + self.height_px;
        let whole_px = match self.labels {
            Place::Below => bottom_px + ROW_PX,
            Place::None | Place::Above => bottom_px + TOP_PX,
        };
        writeln!(
            out,
            "<div class=\"plot\" style=\"padding-left:{}px\"><svg class=\"chart\" width=\"100%\" \
             height=\"{whole_px}\" role=\"img\" aria-label=\"{}\">",
            self.beside_px,
            escaped(self.about)
        )?;
        self.write_grid("grid", top_px, bottom_px, out)?;
        for (mark, width) in with_room(self.marks) {
            writeln!(
                out,
                "<line class=\"mark{width}\" x1=\"{0}\" x2=\"{0}\" y1=\"{top_px}\" y2=\"{bottom_px}\"/>",
                percent(mark.at)
            )?;
        }
        writeln!(
            out,
            "<svg y=\"{top_px}\" width=\"100%\" height=\"{0}\" viewBox=\"0 0 {UNITS} {0}\" \
             preserveAspectRatio=\"none\">\n{1}</svg>",
            self.height_px, self.shapes
        )?;
        if self.is_filled {
            self.write_grid("grid over", top_px, bottom_px, out)?;
        }
        if !self.over.is_empty() {
            writeln!(
                out,
                "<svg class=\"over\" y=\"{top_px}\" width=\"100%\" height=\"{}\">\n{}</svg>",
                self.height_px, self.over
            )?;
        }
        let axes_px = [Some(bottom_px), is_above.then_some(top_px)];
        for y in axes_px.into_iter().flatten() {
            writeln!(
                out,
                "<line class=\"axis\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>"
            )?;
        }
        let shown = shown_along(&self.y.labels, self.height_px);
        for (label, _) in self.y.labels.iter().zip(shown).filter(|(_, shown)| *shown) {
            writeln!(
                out,
                "<text class=\"e\" x=\"{}\" y=\"{}\">{}</text>",
                2.0 - BESIDE_PX,
                tenth(bottom_px - label.at * self.height_px + TEXT_PX / 3.0),
                escaped(&label.text)
            )?;
        }
        write_row(self.marks, TEXT_PX, out)?;
        match self.labels {
            Place::None => {}
            Place::Below => write_row(&self.x.labels, bottom_px + ROW_PX - 4.0, out)?,
            Place::Above => write_row(&self.x.labels, top_px - TEXT_PX, out)?,
        }
        out.push_str("</svg></div>\n");
        Ok(())
    }

    fn write_grid(
        &self,
        class: &str,
        top_px: f64,
        bottom_px: f64,
        out: &mut String,
    ) -> fmt::Result {
        write!(out, "<g class=\"{class}\">")?;
        for label in &self.y.labels {
            let y = tenth(bottom_px - label.at * self.height_px);
            write!(out, "<line x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>")?;
        }
        for label in &self.x.labels {
            let x = percent(label.at);
            write!(
                out,
                "<line x1=\"{x}\" x2=\"{x}\" y1=\"{top_px}\" y2=\"{bottom_px}\"/>"
            )?;
        }
        out.push_str("</g>\n");
        Ok(())
    }
}

/// A step of a step line, in shares of the plot (0 to 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    /// The start.
    pub(super) from: f64,
    /// The end.
    pub(super) to: f64,
    /// The height.
    pub(super) height: f64,
}

/// The line of steps, with gaps where there are gaps between steps.
pub(super) fn line(steps: &[Step], height_px: f64, class: &str) -> String {
    let mut path = String::new();
    let mut end = None;
    for step in steps {
        let y = down(step.height, height_px);
        if end == Some(across(step.from)) {
            path.push_str(&format!("V{y}"));
        } else {
            path.push_str(&format!("M{} {y}", across(step.from)));
        }
        path.push_str(&format!("H{}", across(step.to)));
        end = Some(across(step.to));
    }
    format!("<path class=\"line {class}\" d=\"{path}\"/>\n")
}

/// The area between steps and a lower height for each.
pub(super) fn area(steps: &[Step], floors: &[f64], height_px: f64, class: &str) -> String {
    let mut path = String::new();
    // Adjacent steps are one shape, to avoid seams between them.
    let mut rest: Vec<(Step, f64)> = steps.iter().copied().zip(floors.iter().copied()).collect();
    while !rest.is_empty() {
        let touching = rest
            .windows(2)
            .take_while(|pair| across(pair[0].0.to) == across(pair[1].0.from))
            .count();
        let shape: Vec<_> = rest.drain(..=touching).collect();
        push_shape(&mut path, &shape, height_px);
    }
    format!("<path class=\"area {class}\" d=\"{path}\"/>\n")
}

/// An entry of a legend.
pub(super) struct LegendEntry {
    /// Its classes in `page.css`.
    pub(super) class: String,
    /// The name, as HTML.
    pub(super) name: String,
}

/// Appends a legend.
pub(super) fn write_legend(entries: &[LegendEntry], out: &mut String) -> fmt::Result {
    out.push_str("<ul class=\"legend\">");
    for entry in entries {
        write!(
            out,
            "<li><svg class=\"key\" width=\"28\" height=\"12\" aria-hidden=\"true\"><rect \
             class=\"area {0}\" y=\"3\" width=\"28\" height=\"9\"/><path class=\"line {0}\" \
             d=\"M0 3H28\"/></svg> {1}</li>",
            entry.class, entry.name
        )?;
    }
    out.push_str("</ul>\n");
    Ok(())
}

/// A share as a percentage of the width.
pub(super) fn percent(share: f64) -> String {
    format!("{}%", (share * 10_000.0).round() / 100.0)
}

/// Appends a row of labels.
fn write_row(labels: &[Label], y: f64, out: &mut String) -> fmt::Result {
    for (label, width) in with_room(labels) {
        let anchor = match label.anchor() {
            Anchor::Start => "b",
            Anchor::Middle => "m",
            Anchor::End => "e",
        };
        writeln!(
            out,
            "<text class=\"{anchor}{width}\" x=\"{}\" y=\"{y}\">{}</text>",
            percent(label.at),
            escaped(&label.text)
        )?;
    }
    Ok(())
}

/// Appends a closed path along the tops and back along the floors.
fn push_shape(path: &mut String, shape: &[(Step, f64)], height_px: f64) {
    for (place, (step, floor)) in shape.iter().enumerate() {
        if place == 0 {
            path.push_str(&format!(
                "M{} {}",
                across(step.from),
                down(*floor, height_px)
            ));
        }
        path.push_str(&format!(
            "V{}H{}",
            down(step.height, height_px),
            across(step.to)
        ));
    }
    for (step, floor) in shape.iter().rev() {
        path.push_str(&format!(
            "V{}H{}",
            down(*floor, height_px),
            across(step.from)
        ));
    }
    path.push('Z');
}

/// The labels that fit, with a class for those that fit only on wide or only on narrow pages.
fn with_room(labels: &[Label]) -> impl Iterator<Item = (&Label, &'static str)> {
    let wide = shown_across(labels, WIDE_PX);
    let narrow = shown_across(labels, NARROW_PX);
    let widths = wide.into_iter().zip(narrow).map(|shown| match shown {
        (true, true) => Some(""),
        (true, false) => Some(" wide"),
        (false, true) => Some(" narrow"),
        (false, false) => None,
    });
    let all = labels.iter().zip(widths);
    all.filter_map(|(label, width)| Some((label, width?)))
}

fn across(share: f64) -> f64 {
    tenth(share * UNITS)
}

fn down(share: f64, height_px: f64) -> f64 {
    tenth((1.0 - share) * height_px)
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
