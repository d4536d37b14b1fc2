//! How the answers of the sides compare.

use std::fmt::{self, Write};

use super::super::table::{Column, Table, bar};
use super::super::text::{TEXT_CHARS_MAX, counted, foreign, grouped, percent};
use super::LetteredSide;
use crate::{Answers, Comparison};

/// The maximum number of examples shown for each pair.
const EXAMPLES_MAX: usize = 20;
/// The maximum number of reasons shown for each pair.
const REASONS_MAX: usize = 20;

/// Appends how the answers of each pair compare.
pub(super) fn write(
    comparison: &Comparison,
    sides: &[LetteredSide<'_>],
    out: &mut String,
) -> fmt::Result {
    for (against, other) in comparison.others.iter().zip(&sides[1..]) {
        writeln!(out, "<h3>{} and {}</h3>", sides[0].badge(), other.heading())?;
        write_pair(&against.answers, &sides[0], other, out)?;
    }
    Ok(())
}

fn write_pair(
    answers: &Answers,
    a: &LetteredSide<'_>,
    b: &LetteredSide<'_>,
    out: &mut String,
) -> fmt::Result {
    let compared = answers.compared();
    if compared == 0 {
        out.push_str("<p class=\"note\">No target was asked by both sides.</p>\n");
        return Ok(());
    }
    let rows = [
        ("same".to_owned(), answers.same, "answered".to_owned()),
        (
            "different".to_owned(),
            answers.different,
            "failed".to_owned(),
        ),
        (
            format!("only {}", a.letter),
            answers.only_a,
            format!("s{}", a.style),
        ),
        (
            format!("only {}", b.letter),
            answers.only_b,
            format!("s{}", b.style),
        ),
    ];
    let mut table = Table::new([
        ("answers", Column::Text),
        ("targets", Column::Number),
        ("share", Column::Number),
        ("", Column::Bar),
    ]);
    for (name, count, class) in &rows {
        table.row([
            name.clone(),
            grouped(*count),
            percent(*count, compared),
            bar(*count as f64 / compared as f64, class),
        ]);
    }
    table.write(out)?;
    for (reason, count) in answers.explained.iter().take(REASONS_MAX) {
        writeln!(
            out,
            "<p class=\"note\">{} not the same for a known reason: {}</p>",
            counted(*count, "target is", "targets are"),
            foreign(reason, TEXT_CHARS_MAX)
        )?;
    }
    write_examples(answers, a, b, out)
}

fn write_examples(
    answers: &Answers,
    a: &LetteredSide<'_>,
    b: &LetteredSide<'_>,
    out: &mut String,
) -> fmt::Result {
    if answers.examples.is_empty() {
        return Ok(());
    }
    let (of_a, of_b) = (format!("{} has", a.letter), format!("{} has", b.letter));
    let mut table = Table::new([
        ("target", Column::Prose),
        (of_a.as_str(), Column::Prose),
        (of_b.as_str(), Column::Prose),
        ("reason", Column::Prose),
    ]);
    for example in answers.examples.iter().take(EXAMPLES_MAX) {
        let shown = |text: &str| foreign(text, TEXT_CHARS_MAX);
        table.row([
            shown(&example.target),
            shown(&example.a),
            shown(&example.b),
            example.reason.as_deref().map_or_else(String::new, shown),
        ]);
    }
    table.write(out)
}
