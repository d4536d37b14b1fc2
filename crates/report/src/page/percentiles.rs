//! Latency by percentile on HdrHistogram's axis: each step to the right leaves a tenth of the
//! outcomes that the step before left.

use std::fmt;

use hdrhistogram::Histogram;

use super::chart::{Chart, LegendEntry, Place, Step, beside_px, line, write_legend};
use super::density::NamedHistogram;
use super::scale::{Axis, Label, Scale};
use super::table::{Column, Table};
use super::text::{counted, escaped, span, span_tick};

/// Points of a line.
const POINTS: usize = 240;
/// The height of the chart, in CSS pixels.
const HEIGHT_PX: f64 = 260.0;
/// The axis ends at the percentile that leaves one outcome, but not before 90 %.
const LEFT_ONE_IN_MIN: u64 = 10;

/// Appends latency by percentile for the histograms that have values.
pub(super) fn write_chart(
    about: &str,
    all: &[NamedHistogram<'_>],
    out: &mut String,
) -> fmt::Result {
    let held: Vec<&NamedHistogram<'_>> =
        all.iter().filter(|one| !one.histogram.is_empty()).collect();
    let Some(most) = held.iter().map(|one| one.histogram.len()).max() else {
        return Ok(());
    };
    let lines: Vec<Vec<Step>> = held.iter().map(|one| steps(&one.histogram, most)).collect();
    // Values of 0 are drawn at the lower end.
    let spans = || lines.iter().flatten().map(|step| step.height.max(1.0));
    let y = Scale::around(
        spans().fold(f64::INFINITY, f64::min),
        spans().fold(1.0, f64::max),
    )
    .axis(span_tick);
    let mut shapes = String::new();
    for (one, steps) in held.iter().zip(&lines) {
        let on_axis = steps.iter().map(|step| Step {
            height: y.scale.at(step.height),
            ..*step
        });
        let class = format!("only {}", one.class);
        shapes.push_str(&line(&on_axis.collect::<Vec<_>>(), HEIGHT_PX, &class));
    }
    let legend: Vec<LegendEntry> = held
        .iter()
        .map(|one| LegendEntry {
            class: format!("only {}", one.class),
            name: format!(
                "{}, {}",
                escaped(&one.name),
                counted(one.histogram.len(), "outcome", "outcomes")
            ),
        })
        .collect();
    write_legend(&legend, out)?;
    out.push_str("<p class=\"unit\">latency not exceeded by this share of outcomes</p>\n");
    let x = percentile_axis(most);
    let chart = Chart {
        about,
        height_px: HEIGHT_PX,
        x: &x,
        y: &y,
        beside_px: beside_px(&[&y]),
        labels: Place::Below,
        is_filled: false,
        marks: &[],
        shapes: &shapes,
        over: "",
    };
    chart.write(out)?;
    out.push_str("<p class=\"unit end\">percentile of outcomes</p>\n");
    table(&held, most).write_folded("Data: latency by percentile", out)
}

/// The line of one histogram: its heights are nanoseconds.
fn steps(histogram: &Histogram<u64>, most: u64) -> Vec<Step> {
    let ends = (1..=POINTS).map(|point| point as f64 / POINTS as f64);
    let quantiles: Vec<f64> = ends
        .clone()
        .map(|end| 1.0 - 1.0 / (axis_end(most) as f64).powf(end))
        .collect();
    // The line of the lesser count ends where its last outcome is.
    let last = 1.0 - 1.0 / axis_end(histogram.len()) as f64;
    let values = values_at(histogram, &quantiles);
    ends.zip(quantiles)
        .zip(values)
        .filter(|((_, quantile), _)| *quantile <= last + 1e-12)
        .map(|((end, _), nanos)| Step {
            from: end - 1.0 / POINTS as f64,
            to: end,
            height: nanos as f64,
        })
        .collect()
}

/// The values at ascending quantiles, in one pass.
fn values_at(histogram: &Histogram<u64>, quantiles: &[f64]) -> Vec<u64> {
    let total = histogram.len();
    let mut recorded = histogram.iter_recorded();
    let (mut seen, mut value) = (0, 0);
    quantiles
        .iter()
        .map(|quantile| {
            let rank = ((quantile * total as f64 - 1e-6).ceil() as u64).clamp(1, total);
            while seen < rank {
                let Some(next) = recorded.next() else { break };
                seen += next.count_at_value();
                value = next.value_iterated_to();
            }
            value
        })
        .collect()
}

fn axis_end(outcomes: u64) -> u64 {
    outcomes.max(LEFT_ONE_IN_MIN)
}

/// 0 %, 90 %, 99 % and so on, as far as `most` outcomes support.
fn percentile_axis(most: u64) -> Axis {
    let scale = Scale::Log(1.0, axis_end(most) as f64);
    let labels = percentiles_of(most)
        .into_iter()
        .map(|(left_one_in, text)| Label {
            at: scale.at(left_one_in),
            rank: u8::from(left_one_in == 2.0),
            text,
        })
        .collect();
    Axis { scale, labels }
}

/// The percentiles on the axis, each as one in how many it leaves, and its text.
fn percentiles_of(most: u64) -> Vec<(f64, String)> {
    let mut all = vec![(1.0, "0 %".to_owned()), (2.0, "50 %".to_owned())];
    let mut left_one_in = 10;
    while left_one_in <= axis_end(most) {
        let decimals = left_one_in.ilog10().saturating_sub(2) as usize;
        let percent = 100.0 - 100.0 / left_one_in as f64;
        all.push((left_one_in as f64, format!("{percent:.decimals$} %")));
        left_one_in *= 10;
    }
    all
}

fn table(held: &[&NamedHistogram<'_>], most: u64) -> Table {
    let names = held.iter().map(|one| (one.short.as_str(), Column::Number));
    let mut table = Table::new([("percentile", Column::Number)].into_iter().chain(names));
    for (left_one_in, text) in percentiles_of(most) {
        let cells = held.iter().map(|one| {
            if left_one_in > axis_end(one.histogram.len()) as f64 {
                return "–".to_owned();
            }
            span(values_at(&one.histogram, &[1.0 - 1.0 / left_one_in])[0])
        });
        table.row([text].into_iter().chain(cells));
    }
    let most = held.iter().map(|one| span(one.histogram.max()));
    table.row(["100 %".to_owned()].into_iter().chain(most));
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::histogram;
    use proptest::prelude::*;

    #[test]
    fn the_axis_goes_as_far_as_the_count_supports() {
        let texts = |most| -> Vec<String> {
            let axis = percentile_axis(most);
            axis.labels.into_iter().map(|label| label.text).collect()
        };
        assert_eq!(texts(1), ["0 %", "50 %", "90 %"]);
        assert_eq!(texts(1000), ["0 %", "50 %", "90 %", "99 %", "99.9 %"]);
        assert_eq!(texts(1_000_000_000).last().unwrap(), "99.9999999 %");
    }

    proptest! {
        #[test]
        fn the_line_is_the_histograms(values_ns in prop::collection::vec(0..10_000_000_000_u64, 1..400)) {
            let mut latency = histogram::<u64>();
            for &nanos in &values_ns {
                latency.saturating_record(nanos);
            }
            let quantiles = [0.1, 0.5, 0.9, 0.99, 0.999, 1.0];
            let values = values_at(&latency, &quantiles);
            for (quantile, value) in quantiles.into_iter().zip(values) {
                prop_assert_eq!(value, latency.value_at_quantile(quantile));
            }
            let least = values_at(&latency, &[0.0])[0];
            prop_assert!(latency.equivalent(least, latency.min()));
            let line = steps(&latency, latency.len());
            prop_assert!(line.windows(2).all(|pair| pair[0].height <= pair[1].height));
        }
    }
}
