//! A chart: axes, grid, shapes and labels, as SVG that fits any width.
//!
//! Places across are shares of the width, and heights are CSS pixels. So text keeps its size on a
//! phone and on paper, where a drawing that is scaled as a whole would not. Only the shapes are
//! stretched, in a drawing within the drawing, and their lines keep their width.

use std::fmt::{self, Write};

use super::scale::{Anchor, Axis, Label, NARROW_PX, TEXT_PX, WIDE_PX, shown_across, shown_along};
use super::words::escaped;

/// The width of the stretched drawing, in its own units.
const UNITS: f64 = 1000.0;
/// Room above the topmost grid line: half a label.
const TOP_PX: f64 = 8.0;
/// Room for a row of labels.
const ROW_PX: f64 = 20.0;
/// Room between a vertical axis and its labels.
const BESIDE_PX: f64 = 8.0;

/// Colours and dashes that series have before they repeat (`page.css`: `s0`, `s1`, ...).
pub(super) const STYLES: usize = 8;

/// A chart under way.
pub(super) struct Chart<'a> {
    /// What it shows, for those who cannot see it.
    pub(super) about: &'a str,
    /// The height of what the axes enclose, in CSS pixels.
    pub(super) height_px: f64,
    /// The horizontal axis.
    pub(super) x: &'a Axis,
    /// The vertical axis.
    pub(super) y: &'a Axis,
    /// The room beside the vertical axis, in CSS pixels; charts with the same room stand in line.
    pub(super) beside_px: f64,
    /// Whether the horizontal axis has its labels here.
    pub(super) labelled: bool,
    /// Places that are marked, with words above them.
    pub(super) marks: &'a [Label],
    /// Paths, as [`line()`] and [`area()`] make them.
    pub(super) shapes: &'a str,
    /// What is not stretched: elements whose places across are percentages, and whose heights are
    /// CSS pixels from the top.
    pub(super) over: &'a str,
}

/// The room beside vertical axes, in CSS pixels, so that the labels of all of them fit.
pub(super) fn beside_px(axes: &[&Axis]) -> f64 {
    let widths = axes.iter().map(|axis| axis.labels_px());
    (widths.fold(0.0, f64::max) + BESIDE_PX).ceil()
}

impl Chart<'_> {
    /// Appends it.
    pub(super) fn write(&self, out: &mut String) -> fmt::Result {
        let top_px = TOP_PX + if self.marks.is_empty() { 0.0 } else { ROW_PX };
        let bottom_px = top_px + self.height_px;
        let whole_px = bottom_px + if self.labelled { ROW_PX } else { TOP_PX };
        writeln!(
            out,
            "<div class=\"plot\" style=\"padding-left:{}px\"><svg class=\"chart\" width=\"100%\" \
             height=\"{whole_px}\" role=\"img\" aria-label=\"{}\">",
            self.beside_px,
            escaped(self.about)
        )?;
        self.write_grid(top_px, bottom_px, out)?;
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
        if !self.over.is_empty() {
            writeln!(
                out,
                "<svg class=\"over\" y=\"{top_px}\" width=\"100%\" height=\"{}\">\n{}</svg>",
                self.height_px, self.over
            )?;
        }
        writeln!(
            out,
            "<line class=\"axis\" x1=\"0\" x2=\"100%\" y1=\"{bottom_px}\" y2=\"{bottom_px}\"/>"
        )?;
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
        if self.labelled {
            write_row(&self.x.labels, bottom_px + ROW_PX - 4.0, out)?;
        }
        out.push_str("</svg></div>\n");
        Ok(())
    }

    fn write_grid(&self, top_px: f64, bottom_px: f64, out: &mut String) -> fmt::Result {
        out.push_str("<g class=\"grid\">");
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

/// A stretch of a step line; all of it as shares, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    /// Where it begins.
    pub(super) from: f64,
    /// Where it ends.
    pub(super) to: f64,
    /// How high it is.
    pub(super) height: f64,
}

/// The outline of steps; where there is a hole between two, the line has one too.
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

/// What lies between steps and, for each, another height below it.
pub(super) fn area(steps: &[Step], floors: &[f64], height_px: f64, class: &str) -> String {
    let mut path = String::new();
    // Steps that touch are one shape, or a seam would show between them.
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

/// What a series looks like in its chart, for a legend.
pub(super) struct LegendEntry {
    /// Its classes in `page.css`.
    pub(super) class: String,
    /// What it is: markup.
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

/// Appends labels in a row.
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

/// Appends a closed path: along the tops, and back along the floors.
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

/// The labels that there is room for, with a class that says where: on wide pages, on narrow ones, or
/// on both.
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
