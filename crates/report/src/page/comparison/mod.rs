//! The page about a comparison: its sections and their order.

mod answers;
mod blocks;
mod ratios;

use std::borrow::Cow;
use std::fmt::{self, Write};

use super::chart::STYLES;
use super::density::{NamedHistogram, write_overlaid};
use super::document::{Sections, document, figure, write_warnings};
use super::table::{Column, Table};
use super::text::{TEXT_CHARS_MAX, counted, foreign, grouped, per_second, shortened, span};
use super::{percentiles, provenance};
use crate::{Comparison, Origin, Side};

/// The maximum number of sides shown: as many as there are colours and dashes.
const SIDES_MAX: usize = STYLES;
/// The maximum number of characters of a name in a legend.
const NAME_CHARS_MAX: usize = 60;

/// Renders the page about a comparison as one HTML file.
pub fn comparison_page(comparison: &Comparison, origin: &Origin) -> String {
    let sides = lettered(comparison);
    let results = |out: &mut String| write_results(comparison, &sides, out);
    document("compare", origin, results, |sections| {
        write_sections(comparison, origin, &sides, sections)
    })
}

/// A side and its letter on the page.
struct LetteredSide<'a> {
    letter: char,
    style: usize,
    side: &'a Side,
}

impl LetteredSide<'_> {
    /// Its letter in its colour.
    fn badge(&self) -> String {
        format!("<b class=\"letter s{}\">{}</b>", self.style, self.letter)
    }

    /// Its letter and its name, as markup.
    fn heading(&self) -> String {
        format!(
            "{} {}",
            self.badge(),
            foreign(&self.side.name, TEXT_CHARS_MAX)
        )
    }
}

fn lettered(comparison: &Comparison) -> Vec<LetteredSide<'_>> {
    let others = comparison.others.iter().map(|against| &against.side);
    std::iter::once(&comparison.a)
        .chain(others)
        .take(SIDES_MAX)
        .zip('A'..)
        .enumerate()
        .map(|(style, (side, letter))| LetteredSide {
            letter,
            style,
            side,
        })
        .collect()
}

fn write_results(
    comparison: &Comparison,
    sides: &[LetteredSide<'_>],
    out: &mut String,
) -> fmt::Result {
    for other in 0..sides.len() - 1 {
        let verdict = foreign(&comparison.verdict(other), 2 * TEXT_CHARS_MAX);
        writeln!(out, "<p class=\"result\">{verdict}.</p>")?;
    }
    if sides.len() == 1 {
        out.push_str("<p class=\"result\">There is no other side to compare with.</p>\n");
    }
    write_warnings(&comparison.all_warnings(), out)
}

fn write_sections(
    comparison: &Comparison,
    origin: &Origin,
    sides: &[LetteredSide<'_>],
    sections: &mut Sections,
) -> fmt::Result {
    sections.add("sides", "Sides", |out| write_sides(sides, out))?;
    if sides.len() > 1 {
        sections.add("ratio", "Speed ratio", |out| {
            figure(out, |out| ratios::write(comparison, sides, out))
        })?;
    }
    write_latency(sides, sections)?;
    if sides.iter().any(|side| !side.side.blocks.is_empty()) {
        sections.add("blocks", "Blocks over time", |out| {
            figure(out, |out| blocks::write(sides, out))
        })?;
    }
    if sides.len() > 1 {
        sections.add("answers", "Answers", |out| {
            answers::write(comparison, sides, out)
        })?;
    }
    sections.add("origin", "Origin", |out| {
        let blocks: usize = sides.iter().map(|side| side.side.blocks.len()).sum();
        let mut further = vec![
            ("targets", counted(comparison.listed, "target", "targets")),
            (
                "schedule",
                format!(
                    "{}, after a warm-up that does not count",
                    counted(blocks as u64, "block", "blocks")
                ),
            ),
            ("seed", comparison.seed.to_string()),
        ];
        if let Some(processors) = comparison.processors {
            further.push(("processors", processors.to_string()));
        }
        if let Some(hidden) = (comparison.others.len() + 1).checked_sub(SIDES_MAX + 1) {
            further.push((
                "not shown",
                counted(hidden as u64 + 1, "further side", "further sides"),
            ));
        }
        provenance::write_origin(origin, &further, out)
    })
}

fn write_sides(sides: &[LetteredSide<'_>], out: &mut String) -> fmt::Result {
    let mut table = Table::new([
        ("", Column::Prose),
        ("targets", Column::Number),
        ("targets per second", Column::Number),
        ("between blocks", Column::Number),
        ("CPU per target", Column::Number),
        ("p50", Column::Number),
        ("p90", Column::Number),
        ("p99", Column::Number),
        ("max", Column::Number),
    ]);
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    for lettered in sides {
        let side = lettered.side;
        let throughput = side.throughput();
        let spread = throughput.and_then(|throughput| throughput.stdev);
        let percentiles = side.percentiles();
        table.row([
            lettered.heading(),
            grouped(side.targets()),
            or_dash(throughput.map(|throughput| per_second(throughput.mean))),
            or_dash(spread.map(|stdev| format!("± {}", per_second(stdev)))),
            or_dash(side.cpu_per_target_ns().map(|nanos| span(nanos as u64))),
            or_dash(percentiles.map(|kept| span(kept.p50_ns))),
            or_dash(percentiles.map(|kept| span(kept.p90_ns))),
            or_dash(percentiles.map(|kept| span(kept.p99_ns))),
            or_dash(percentiles.map(|kept| span(kept.max_ns))),
        ]);
    }
    table.write(out)?;
    write_asked_second(sides, out)
}

/// Appends the latency for targets that another side had asked before, which shows a cache between
/// them.
fn write_asked_second(sides: &[LetteredSide<'_>], out: &mut String) -> fmt::Result {
    let mut table = Table::new([
        ("targets that another side had asked before", Column::Prose),
        ("targets", Column::Number),
        ("p50 of these", Column::Number),
        ("p50 of all", Column::Number),
    ]);
    for lettered in sides {
        let second = &lettered.side.latency_asked_second;
        if !second.is_empty() {
            table.row([
                lettered.heading(),
                grouped(second.len()),
                span(second.value_at_quantile(0.5)),
                span(lettered.side.latency.value_at_quantile(0.5)),
            ]);
        }
    }
    if table.is_empty() {
        return Ok(());
    }
    table.write(out)
}

fn write_latency(sides: &[LetteredSide<'_>], sections: &mut Sections) -> fmt::Result {
    let all: Vec<NamedHistogram<'_>> = sides
        .iter()
        .filter(|lettered| !lettered.side.latency.is_empty())
        .map(|lettered| NamedHistogram {
            name: format!(
                "{} {}",
                lettered.letter,
                shortened(&lettered.side.name, NAME_CHARS_MAX)
            ),
            short: lettered.letter.to_string(),
            class: format!("s{}", lettered.style),
            histogram: Cow::Borrowed(&lettered.side.latency),
        })
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    sections.add("latency", "Latency distribution", |out| {
        figure(out, |out| {
            write_overlaid("distribution of the latency of each side", &all, out)
        })
    })?;
    sections.add("percentiles", "Latency by percentile", |out| {
        figure(out, |out| {
            percentiles::write_chart("latency of each side by percentile", &all, out)
        })
    })
}
