//! Latency distributions on a logarithmic axis.

mod bins;

use std::borrow::Cow;
use std::fmt::{self, Write};

use hdrhistogram::Histogram;

use bins::{Bins, Density};

use super::chart::{Chart, LegendEntry, Place, Step, area, beside_px, line, write_legend};
use super::scale::{Axis, Label, Scale};
use super::table::{Column, Table};
use super::text::{counted, escaped, grouped, percent, span, trimmed};

/// The height of a single chart, in CSS pixels.
const HEIGHT_PX: f64 = 220.0;
/// The height of one of several charts below each other, in CSS pixels.
const HEIGHT_SMALL_PX: f64 = 56.0;

/// A distribution and its name.
pub(super) struct NamedHistogram<'a> {
    /// The name for a legend, in plain text.
    pub(super) name: String,
    /// The name for a column of a table, in plain text.
    pub(super) short: String,
    /// Its class in `page.css`, which sets colour and dashes.
    pub(super) class: String,
    /// The values, in nanoseconds.
    pub(super) histogram: Cow<'a, Histogram<u64>>,
}

impl NamedHistogram<'_> {
    fn legend_entry(&self) -> LegendEntry {
        LegendEntry {
            class: self.class.clone(),
            name: escaped(&self.name),
        }
    }
}

/// Appends one chart of all distributions, with percentiles of the first marked.
pub(super) fn write_overlaid(
    about: &str,
    all: &[NamedHistogram<'_>],
    out: &mut String,
) -> fmt::Result {
    let (bins, densities) = binned(all);
    if bins.is_empty() {
        return write_zeros(all, &densities, out);
    }
    let mut legend: Vec<LegendEntry> = all.iter().map(NamedHistogram::legend_entry).collect();
    legend
        .iter_mut()
        .skip(1)
        .for_each(|entry| entry.class.insert_str(0, "only "));
    write_legend(&legend, out)?;
    out.push_str("<p class=\"unit\">share of outcomes in each bin</p>\n");
    let x = bins.axis();
    let highest = densities.iter().map(Density::share_max).fold(0.0, f64::max);
    let y = Scale::from_zero(highest * 100.0).axis(|share| format!("{} %", trimmed(share)));
    let mut shapes = String::new();
    for (place, (one, density)) in all.iter().zip(&densities).enumerate() {
        let steps = density.steps(&bins, &x, &y);
        // Several filled areas would only mix their colours.
        if place == 0 {
            shapes.push_str(&filled(&steps, HEIGHT_PX, &one.class));
        }
        shapes.push_str(&line(&steps, HEIGHT_PX, &one.class));
    }
    let chart = Chart {
        about,
        height_px: HEIGHT_PX,
        x: &x,
        y: &y,
        beside_px: beside_px(&[&y]),
        labels: Place::Below,
        is_filled: false,
        marks: &marks(&all[0].histogram, &x),
        shapes: &shapes,
        over: "",
    };
    chart.write(out)?;
    writeln!(
        out,
        "<p class=\"unit end\">latency, {} bins per power of ten; marked above: percentiles of \
         {}</p>",
        bins.per_decade(),
        escaped(&all[0].name)
    )?;
    write_zeros(all, &densities, out)?;
    table(all, &densities, &bins).write_folded("Data: outcomes in each bin", out)
}

/// Appends a chart for each distribution, all on one axis.
pub(super) fn write_below_each_other(all: &[NamedHistogram<'_>], out: &mut String) -> fmt::Result {
    let (bins, densities) = binned(all);
    if bins.is_empty() {
        return write_zeros(all, &densities, out);
    }
    let x = bins.axis();
    let axes: Vec<Axis> = densities
        .iter()
        .map(|density| {
            let scale = Scale::from_zero(density.share_max() * 100.0);
            let mut axis = scale.axis(|share| format!("{} %", trimmed(share)));
            axis.labels
                .retain(|label| label.at == 0.0 || label.at == 1.0);
            axis
        })
        .collect();
    let beside_px = beside_px(&axes.iter().collect::<Vec<_>>());
    writeln!(
        out,
        "<p class=\"unit\">share of outcomes in each bin by latency, {} bins per power of ten</p>",
        bins.per_decade()
    )?;
    for (place, (one, density)) in all.iter().zip(&densities).enumerate() {
        let histogram = &one.histogram;
        writeln!(
            out,
            "<p class=\"panel\"><b>{}</b> p50 {}, p99 {}, max {}; {}</p>",
            escaped(&one.name),
            span(histogram.value_at_quantile(0.5)),
            span(histogram.value_at_quantile(0.99)),
            span(histogram.max()),
            counted(histogram.len(), "outcome", "outcomes"),
        )?;
        let steps = density.steps(&bins, &x, &axes[place]);
        let shapes = filled(&steps, HEIGHT_SMALL_PX, &one.class)
            + &line(&steps, HEIGHT_SMALL_PX, &format!("plain {}", one.class));
        let chart = Chart {
            about: &format!("distribution of the time of {}", one.name),
            height_px: HEIGHT_SMALL_PX,
            x: &x,
            y: &axes[place],
            beside_px,
            // There may be many, and the first ones are seen first.
            labels: if place == 0 {
                Place::Above
            } else {
                Place::None
            },
            is_filled: false,
            marks: &[],
            shapes: &shapes,
            over: "",
        };
        chart.write(out)?;
    }
    write_zeros(all, &densities, out)?;
    table(all, &densities, &bins).write_folded("Data: outcomes in each bin", out)
}

/// The bins that all distributions share, and the counts of each in them.
fn binned(all: &[NamedHistogram<'_>]) -> (Bins, Vec<Density>) {
    let histograms: Vec<&Histogram<u64>> = all.iter().map(|one| &*one.histogram).collect();
    let bins = Bins::over(&histograms);
    let densities: Vec<Density> = histograms
        .iter()
        .map(|histogram| Density::of(histogram, &bins))
        .collect();
    (bins, densities)
}

/// Labels for percentiles, the most important first.
fn marks(histogram: &Histogram<u64>, x: &Axis) -> Vec<Label> {
    if histogram.is_empty() {
        return Vec::new();
    }
    [
        ("p50", 0.5, 0),
        ("p99", 0.99, 1),
        ("p99.9", 0.999, 2),
        ("p90", 0.9, 3),
    ]
    .into_iter()
    .map(|(name, quantile, rank)| Label {
        at: x.scale.at(histogram.value_at_quantile(quantile) as f64),
        text: name.to_owned(),
        rank,
    })
    .collect()
}

fn filled(steps: &[Step], height_px: f64, class: &str) -> String {
    area(steps, &vec![0.0; steps.len()], height_px, class)
}

/// Appends a note on outcomes that took no measurable time, if there are any.
fn write_zeros(all: &[NamedHistogram<'_>], densities: &[Density], out: &mut String) -> fmt::Result {
    for (one, density) in all.iter().zip(densities) {
        if density.zeros() > 0 {
            writeln!(
                out,
                "<p class=\"note\">{} of {} ({}) took no measurable time: {}. They are not on this \
                 axis.</p>",
                grouped(density.zeros()),
                grouped(density.total()),
                percent(density.zeros(), density.total()),
                escaped(&one.name),
            )?;
        }
    }
    Ok(())
}

fn table(all: &[NamedHistogram<'_>], densities: &[Density], bins: &Bins) -> Table {
    let names = all.iter().map(|one| (one.short.as_str(), Column::Number));
    let mut table = Table::new(
        [("from", Column::Number), ("to", Column::Number)]
            .into_iter()
            .chain(names),
    );
    for bin in 0..bins.len() {
        let counts = densities.iter().map(|density| density.count(bin));
        if counts.clone().any(|count| count > 0) {
            let ends = [bin, bin + 1].map(|bin| span(bins.start_ns(bin).round() as u64));
            table.row(ends.into_iter().chain(counts.map(grouped)));
        }
    }
    table
}
