//! A comparison as text for a terminal.

use std::fmt::{self, Write};

use super::{Answers, Comparison, OtherSide, Side};
use crate::Layout;
use crate::human::{count, percent, percentiles_table, seconds, span_cell, span_ns};
use crate::table::{Column, Table, clipped};
use crate::theme::{Theme, visible};

/// The maximum number of differences shown for each pair.
const EXAMPLES_SHOWN_MAX: usize = 10;
/// The maximum number of characters shown of an answer.
const ANSWER_CHARS_MAX: usize = 60;

/// Renders a comparison as lines: each side, the percentiles, the result and the answers of each
/// pair, and the warnings.
pub fn comparison_text(comparison: &Comparison, layout: Layout) -> String {
    let mut out = String::new();
    write_all(comparison, layout, &mut out).expect("a String takes every character");
    layout.wrapped(out)
}

fn write_all(comparison: &Comparison, layout: Layout, out: &mut String) -> fmt::Result {
    let theme = Theme(layout.colour);
    writeln!(
        out,
        "{} listed",
        count(comparison.listed, "target", "targets")
    )?;
    for side in sides(comparison) {
        write_side(side, theme, out)?;
    }
    write_latency(comparison, layout, out);
    for (index, against) in comparison.others.iter().enumerate() {
        writeln!(out, "{}", comparison.themed_verdict(index, theme))?;
        write_answers(comparison, against, layout, out)?;
    }
    for warning in comparison.all_warnings() {
        writeln!(out, "{} {}", theme.warning("warning:"), visible(&warning))?;
    }
    Ok(())
}

fn sides(comparison: &Comparison) -> impl Iterator<Item = &Side> {
    let others = comparison.others.iter().map(|against| &against.side);
    std::iter::once(&comparison.a).chain(others)
}

fn write_side(side: &Side, theme: Theme, out: &mut String) -> fmt::Result {
    writeln!(out, "{}", theme.name(&visible(&side.name)))?;
    let blocks = count(side.blocks.len() as u64, "block", "blocks");
    let targets = side.targets();
    let Some((throughput, cpu_ns)) = side.throughput().zip(side.cpu_per_target_ns()) else {
        return writeln!(
            out,
            "  no figures: {} in {blocks}",
            count(targets, "target", "targets")
        );
    };
    let digits = digits(throughput.mean);
    let mut mean = format!("{:.digits$}", throughput.mean);
    if let Some(stdev) = throughput.stdev {
        write!(mean, " ± {stdev:.digits$}")?;
    }
    let range = format!("{:.digits$} … {:.digits$}", throughput.min, throughput.max);
    let width = mean.chars().count().max(range.chars().count());
    writeln!(
        out,
        "  targets/s (mean ± σ):  {mean:width$}  [{} in {}, CPU {} per target]",
        count(targets, "target", "targets"),
        seconds(side.wall()),
        span_ns(cpu_ns as u64),
    )?;
    writeln!(out, "  range (min … max):     {range:width$}  {blocks}")
}

fn write_latency(comparison: &Comparison, layout: Layout, out: &mut String) {
    let mut table = percentiles_table("latency");
    for side in sides(comparison) {
        if let Some(percentiles) = side.percentiles() {
            let cells = percentiles.values_ns().map(span_cell);
            table.row([visible(&side.name)].into_iter().chain(cells));
        }
    }
    if !table.is_empty() {
        table.write(out, layout);
    }
}

fn write_answers(
    comparison: &Comparison,
    against: &OtherSide,
    layout: Layout,
    out: &mut String,
) -> fmt::Result {
    let answers = &against.answers;
    let [a, b] = [&comparison.a, &against.side].map(|side| visible(&side.name));
    let compared = answers.compared();
    if compared == 0 {
        return writeln!(out, "  no answers were compared");
    }
    writeln!(out, "  {}", count(compared, "answer", "answers"))?;
    let rows = [
        ("same".to_owned(), answers.same),
        ("different".to_owned(), answers.different),
        (format!("only {a}"), answers.only_a),
        (format!("only {b}"), answers.only_b),
    ];
    let mut table = Table::new([Column::LEFT, Column::LEFT, Column::RIGHT, Column::RIGHT]);
    for (what, number) in rows {
        let share = percent(number, compared);
        table.row([String::new(), what, number.to_string(), share]);
    }
    table.write(out, layout);
    for (reason, number) in &answers.explained {
        writeln!(
            out,
            "    {}: {}",
            count(
                *number,
                "difference explained by",
                "differences explained by"
            ),
            visible(reason)
        )?;
    }
    write_examples(answers, [a, b], layout, out)
}

fn write_examples(
    answers: &Answers,
    [a, b]: [String; 2],
    layout: Layout,
    out: &mut String,
) -> fmt::Result {
    let shown = &answers.examples[..answers.examples.len().min(EXAMPLES_SHOWN_MAX)];
    if shown.is_empty() {
        return Ok(());
    }
    let mut table = Table::new([Column::LEFT; 3]);
    table.heading(["  examples".to_owned(), a, b]);
    for example in shown {
        let answers = [&example.a, &example.b].map(|answer| shortened(answer));
        let target = format!("  {}", shortened(&example.target));
        let cells = [target].into_iter().chain(answers);
        let reason = example.reason.as_deref();
        table.row_with_note(
            cells,
            reason.map_or_else(String::new, |reason| format!("({})", visible(reason))),
        );
    }
    table.write(out, layout);
    let more = answers.compared() - answers.same;
    match more.saturating_sub(shown.len() as u64) {
        0 => Ok(()),
        more => writeln!(out, "    and {more} more"),
    }
}

/// As much of an answer as is shown.
fn shortened(answer: &str) -> String {
    clipped(&visible(answer), ANSWER_CHARS_MAX)
}

/// The number of decimals of a rate.
fn digits(per_second: f64) -> usize {
    match per_second {
        _ if per_second >= 100.0 => 0,
        _ if per_second >= 10.0 => 1,
        _ => 2,
    }
}

impl Answers {
    /// How many targets both sides were asked about.
    pub fn compared(&self) -> u64 {
        self.same + self.different + self.only_a + self.only_b
    }
}

#[cfg(test)]
mod tests {
    use super::super::Difference;
    use super::super::fixture::{blocks, comparison, side};
    use super::*;

    fn full() -> Comparison {
        let mut full = comparison(&[2138, 2151, 2120, 2163], &[25, 25, 26, 25]);
        full.others[0].answers = Answers {
            same: 98,
            different: 1,
            only_a: 1,
            only_b: 1,
            explained: vec![("/etc/hosts".to_owned(), 2)],
            examples: vec![
                Difference {
                    target: "10.0.0.1".to_owned(),
                    a: "host-10-0-0-1.example.net.".to_owned(),
                    b: "printer".to_owned(),
                    reason: Some("/etc/hosts".to_owned()),
                },
                Difference {
                    target: "10.0.0.22".to_owned(),
                    a: "NXDOMAIN".to_owned(),
                    b: "scanner".to_owned(),
                    reason: None,
                },
            ],
        };
        full
    }

    #[test]
    fn a_comparison_is_shown_completely() {
        let mut full = full();
        full.warnings.push("stopped after 8 blocks".to_owned());
        let verdict = full.verdict(0);
        let expected = format!(
            "\
100000 targets listed
canvass (udp, window 412)
  targets/s (mean ± σ):  2143 ± 18    [8572 targets in 4.00 s, CPU 100 µs per target]
  range (min … max):     2120 … 2163  4 blocks
getnameinfo, one at a time
  targets/s (mean ± σ):  25.2 ± 0.5   [101 targets in 4.00 s, CPU 100 µs per target]
  range (min … max):     25.0 … 26.0  4 blocks
  latency                         p50      p90      p95      p99    p99.9      max
  canvass (udp, window 412)   1.00 ms  1.00 ms  1.00 ms  1.00 ms  1.00 ms  1.00 ms
  getnameinfo, one at a time  1.00 ms  1.00 ms  1.00 ms  1.00 ms  1.00 ms  1.00 ms
{verdict}
  101 answers
    same                             98   97.0 %
    different                         1  0.990 %
    only canvass (udp, window 412)    1  0.990 %
    only getnameinfo, one at a time   1  0.990 %
    2 differences explained by: /etc/hosts
    examples   canvass (udp, window 412)   getnameinfo, one at a time
    10.0.0.1   host-10-0-0-1.example.net.  printer                     (/etc/hosts)
    10.0.0.22  NXDOMAIN                    scanner
    and 1 more
warning: stopped after 8 blocks
"
        );
        let text = comparison_text(&full, Layout::WIDE);
        assert_eq!(text, expected, "{text}");
    }

    #[test]
    fn every_pair_has_its_verdict_and_its_answers() {
        let mut three = full();
        three.others.push(OtherSide {
            side: side("getnameinfo, 32 threads", &blocks(&[800; 4])),
            answers: Answers::default(),
        });
        let text = comparison_text(&three, Layout::WIDE);
        let verdicts = [three.verdict(0), three.verdict(1)];
        let places = verdicts.map(|verdict| text.find(&verdict).unwrap());
        assert!(places[0] < places[1]);
        assert!(text.ends_with("\n  no answers were compared\n"), "{text}");
        assert_eq!(text.matches("getnameinfo, 32 threads").count(), 3, "{text}");
    }

    #[test]
    fn a_side_without_targets_is_said_to_have_no_figures() {
        let text = comparison_text(&comparison(&[2000; 4], &[0, 0]), Layout::WIDE);
        for part in [
            "getnameinfo, one at a time\n  no figures: 0 targets in 2 blocks\n",
            "\nno ratio of canvass",
            "a small sample (0 targets in 2 blocks)",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let nothing = comparison_text(&comparison(&[], &[]), Layout::WIDE);
        assert!(!nothing.contains("latency"), "{nothing}");
    }

    #[test]
    fn one_block_has_no_deviation() {
        let text = comparison_text(&comparison(&[2000], &[5; 4]), Layout::WIDE);
        assert!(
            text.contains(
                "  targets/s (mean ± σ):  2000         [2000 targets in 1.00 s, CPU 100 µs per target]\n  \
                 range (min … max):     2000 … 2000  1 block\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn only_colour_brings_escape_sequences_however_hostile_the_answers() {
        let mut hostile = full();
        let nasty = "\x1b[2J\n\u{202e}é".repeat(100);
        hostile.a.name = nasty.clone();
        hostile.others[0].answers.examples = vec![
            Difference {
                target: nasty.clone(),
                a: nasty.clone(),
                b: nasty.clone(),
                reason: Some(nasty.clone()),
            };
            EXAMPLES_SHOWN_MAX + 5
        ];
        hostile.others[0].answers.only_b = 20;
        hostile.others[0].answers.explained = vec![(nasty.clone(), 2)];
        hostile.warnings.push(nasty);
        let plain = comparison_text(&hostile, Layout::WIDE);
        assert!(!plain.contains(|c: char| c.is_control() && c != '\n'));
        assert!(plain.contains("\n    and 12 more\n"), "{plain}");
        let layout = Layout {
            colour: true,
            ..Layout::WIDE
        };
        let coloured = comparison_text(&hostile, layout);
        assert_eq!(plain.lines().count(), coloured.lines().count());
        let mut stripped = coloured.clone();
        for sequence in ["\x1b[1m", "\x1b[1;32m", "\x1b[33m", "\x1b[0m"] {
            assert!(coloured.contains(sequence), "{sequence:?}");
            stripped = stripped.replace(sequence, "");
        }
        assert_eq!(stripped, plain);
    }

    #[test]
    fn long_answers_are_cut_between_characters() {
        let just = "é".repeat(ANSWER_CHARS_MAX);
        assert_eq!(shortened(&just), just);
        let cut = "é".repeat(ANSWER_CHARS_MAX - 1);
        assert_eq!(shortened(&format!("{just}ü")), format!("{cut}…"));
    }
}
