//! The result of a pair, in one sentence.

use super::ratio::BLOCKS_MIN;
use super::{Comparison, Ratio};
use crate::theme::{Theme, visible};

/// The result for a pair of sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Finding {
    /// Most targets of a side had no usable answer: 0 is the first side, 1 the other.
    Unusable {
        /// The side.
        side: usize,
    },
    /// A side completed no target.
    Unmeasured,
    /// There is no measurable difference.
    Level(Lead),
    /// A side is faster.
    Ahead(Lead),
}

/// The ratio of the faster side to the slower one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lead {
    /// Whether the other side is the faster one.
    other_is_faster: bool,
    /// The ratio, at least 1.
    ratio: Ratio,
}

impl Lead {
    fn of(ratio: Ratio) -> Self {
        let other_is_faster = ratio.value.is_some_and(|value| value < 1.0);
        Self {
            other_is_faster,
            ratio: if other_is_faster {
                ratio.turned()
            } else {
                ratio
            },
        }
    }

    /// The ratio of the first side to the other one, which may be under 1.
    pub(crate) fn of_first(&self) -> Ratio {
        if self.other_is_faster {
            self.ratio.turned()
        } else {
            self.ratio
        }
    }

    /// The names of the faster and the slower side, from those of the first and the other one.
    fn ordered(&self, [first, other]: [String; 2]) -> [String; 2] {
        if self.other_is_faster {
            [other, first]
        } else {
            [first, other]
        }
    }
}

impl Comparison {
    /// The result for the first side and `others[other]`, in a sentence without a full stop. The
    /// faster side comes first; "no measurable difference" is a possible result. Control characters
    /// in names are escaped.
    ///
    /// # Panics
    /// `other` is out of bounds.
    pub fn verdict(&self, other: usize) -> String {
        self.themed_verdict(other, Theme(false))
    }

    pub(super) fn themed_verdict(&self, other: usize, theme: Theme) -> String {
        let names = [&self.a, &self.others[other].side];
        let names = names.map(|side| theme.name(&visible(&side.name)));
        self.sentence(other, names, |figure| theme.figure(figure))
    }

    /// The result for the first side and `others[other]`.
    pub(crate) fn finding(&self, other: usize) -> Finding {
        let sides = [&self.a, &self.others[other].side];
        let ratio = self.ratio(other);
        if ratio.value.is_none() {
            return Finding::Unmeasured;
        }
        // Failures may be fast.
        if let Some(side) = sides.iter().position(|side| side.is_mostly_failed()) {
            return Finding::Unusable { side };
        }
        let lead = Lead::of(ratio);
        match ratio.is_measurable() || ratio.low.is_none() {
            true => Finding::Ahead(lead),
            false => Finding::Level(lead),
        }
    }

    /// [`finding`](Self::finding) in words, with the names of the two sides. `figure` emphasises what is
    /// most important.
    pub(crate) fn sentence(
        &self,
        other: usize,
        names: [String; 2],
        figure: impl Fn(&str) -> String,
    ) -> String {
        let sides = [&self.a, &self.others[other].side];
        match self.finding(other) {
            Finding::Unusable { side } => {
                let [a, b] = &names;
                format!(
                    "no conclusion for {a} and {b}: {} had no usable answer for {} of {} targets",
                    names[side],
                    sides[side].failed,
                    sides[side].targets()
                )
            }
            Finding::Unmeasured => {
                let [a, b] = &names;
                let why = match sides.map(|side| side.per_second().is_some()) {
                    [true, _] => format!("{b} completed no target"),
                    [_, true] => format!("{a} completed no target"),
                    _ => "neither completed a target".to_owned(),
                };
                format!("no ratio of {a} to {b}: {why}")
            }
            Finding::Ahead(lead) => {
                let few = sides.iter().any(|side| side.blocks.len() < BLOCKS_MIN);
                ahead(lead.ordered(names), &lead.ratio, few, figure)
            }
            Finding::Level(lead) => {
                let [fast, slow] = lead.ordered(names);
                let value = lead.ratio.value.unwrap_or_default();
                let digits = digits(value);
                let between = interval(&lead.ratio, digits).unwrap_or_default();
                format!(
                    "{} between {fast} and {slow} (ratio {value:.digits$}, {between})",
                    figure("no measurable difference"),
                )
            }
        }
    }
}

/// The sentence for a ratio that has a value. `few` is whether there are too few blocks.
fn ahead(
    [fast, slow]: [String; 2],
    ratio: &Ratio,
    few: bool,
    figure: impl Fn(&str) -> String,
) -> String {
    let value = ratio.value.unwrap_or_default();
    let digits = digits_from_one(value);
    match (ratio.stdev, interval(ratio, digits)) {
        (Some(stdev), Some(between)) => {
            let times = figure(&format!("{value:.digits$} ± {stdev:.digits$}"));
            format!("{fast} ran {times} times faster than {slow} ({between})")
        }
        _ => {
            let times = figure(&format!("{value:.digits$}"));
            let blocks = if few {
                "too few blocks"
            } else {
                "blocks too uneven"
            };
            format!(
                "{fast} completed {times} times as many targets per second as {slow}, in {blocks} for \
                 a confidence interval"
            )
        }
    }
}

fn interval(ratio: &Ratio, digits: usize) -> Option<String> {
    let (low, high) = ratio.low.zip(ratio.high)?;
    Some(format!("95 % interval {low:.digits$} to {high:.digits$}"))
}

/// The number of decimals of a ratio.
fn digits(value: f64) -> usize {
    match value {
        _ if value >= 1000.0 => 0,
        _ if value >= 10.0 => 1,
        _ => 2,
    }
}

/// Enough decimals to show how far a ratio is from 1.
fn digits_from_one(value: f64) -> usize {
    match value - 1.0 {
        beyond if beyond >= 0.1 => digits(value),
        beyond if beyond >= 0.01 => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::comparison;
    use super::*;

    #[test]
    fn the_faster_side_comes_first() {
        let fast = [2138, 2151, 2120, 2163];
        let slow = [10, 10, 10, 10];
        let pair = comparison(&fast, &slow);
        let ratio = pair.ratio(0);
        let [stdev, low, high] = [ratio.stdev, ratio.low, ratio.high].map(Option::unwrap);
        assert_eq!(
            pair.verdict(0),
            format!(
                "canvass (udp, window 412) ran 214.3 ± {stdev:.1} times faster than getnameinfo, \
                 one at a time (95 % interval {low:.1} to {high:.1})"
            )
        );
        let turned = comparison(&slow, &fast).verdict(0);
        let begin = "getnameinfo, one at a time ran 214.3 ± ";
        let middle = " times faster than canvass (udp, window 412) (95 % interval 21";
        assert!(turned.starts_with(begin), "{turned}");
        assert!(turned.contains(middle), "{turned}");
    }

    #[test]
    fn a_difference_within_the_noise_is_none() {
        let pair = comparison(&[1000, 1100, 900, 1080], &[1000, 1050, 950, 1000]);
        let verdict = pair.verdict(0);
        assert!(
            verdict.starts_with(
                "no measurable difference between canvass (udp, window 412) and getnameinfo, one at \
                 a time (ratio 1.02, 95 % interval 0."
            ),
            "{verdict}"
        );
        assert_eq!(
            comparison(&[7; 4], &[7; 4])
                .verdict(0)
                .matches("1.00")
                .count(),
            3
        );
    }

    #[test]
    fn a_ratio_under_one_is_shown_the_other_way_round() {
        let (less, more) = ([1000, 1050, 950, 1000], [1000, 1100, 900, 1080]);
        let verdict = comparison(&less, &more).verdict(0);
        let begin = "no measurable difference between getnameinfo, one at a time and canvass (udp, \
                     window 412) (ratio 1.02, ";
        assert!(verdict.starts_with(begin), "{verdict}");
        let Finding::Ahead(lead) = comparison(&[10; 4], &[40; 4]).finding(0) else {
            panic!("one side is four times as fast");
        };
        assert!((lead.ratio.value.unwrap() - 4.0).abs() < 1e-9);
        assert!((lead.of_first().value.unwrap() - 0.25).abs() < 1e-9);
    }

    #[test]
    fn a_small_difference_keeps_the_digits_that_show_it() {
        for (a, figures) in [
            (1_002_000, "1.0020 ± 0.0000"),
            (1_020_000, "1.020 ± 0.000"),
            (1_200_000, "1.20 ± 0.00"),
            (12_000_000, "12.0 ± 0.0"),
            (1_200_000_000, "1200 ± 0"),
        ] {
            let verdict = comparison(&[a; 4], &[1_000_000; 4]).verdict(0);
            assert!(
                verdict.contains(&format!(" ran {figures} times")),
                "{verdict}"
            );
        }
    }

    #[test]
    fn too_few_blocks_give_a_ratio_without_an_interval() {
        let names = ["canvass (udp, window 412)", "getnameinfo, one at a time"];
        for (a, b, [fast, slow], blocks) in [
            (&[50][..], &[10][..], names, "too few blocks"),
            (&[50, 40, 60], &[10; 4], names, "too few blocks"),
            (&[10; 4], &[50; 3], [names[1], names[0]], "too few blocks"),
            (&[50; 4], &[20, 0, 0, 20], names, "blocks too uneven"),
        ] {
            assert_eq!(
                comparison(a, b).verdict(0),
                format!(
                    "{fast} completed 5.00 times as many targets per second as {slow}, in {blocks} \
                     for a confidence interval"
                )
            );
        }
    }

    #[test]
    fn without_targets_the_idle_side_is_named() {
        for (a, b, why) in [
            (5, 0, ": getnameinfo, one at a time completed no target"),
            (0, 5, ": canvass (udp, window 412) completed no target"),
            (0, 0, ": neither completed a target"),
        ] {
            let verdict = comparison(&[a; 4], &[b; 4]).verdict(0);
            assert!(verdict.starts_with("no ratio of canvass"), "{verdict}");
            assert!(verdict.ends_with(why), "{verdict}");
        }
    }

    #[test]
    fn names_cannot_control_a_terminal() {
        let mut pair = comparison(&[5; 4], &[2; 4]);
        pair.a.name = "a\x1b[2J\n".to_owned();
        assert!(pair.verdict(0).starts_with("a\\u{1b}[2J\\n ran "));
        assert!(
            pair.themed_verdict(0, Theme(true))
                .contains("\x1b[1;32m2.50 ± 0.00\x1b[0m times")
        );
    }
}
