//! Scales and axes: positions of values, and labels.

use std::f64::consts::LOG10_2;

/// The width of a chart on a phone, in CSS pixels.
pub(super) const NARROW_PX: f64 = 220.0;
/// The width of a chart on the narrowest wide page (`page.css` has the same limit).
pub(super) const WIDE_PX: f64 = 560.0;
/// The text size of charts, in CSS pixels.
pub(super) const TEXT_PX: f64 = 12.0;
/// The width of a character, in units of the text size.
const CHARACTER_EM: f64 = 0.62;
/// The minimum distance between two labels, in CSS pixels.
const GAP_PX: f64 = 8.0;
/// The height of a label of a vertical axis, in CSS pixels.
const LINE_PX: f64 = 16.0;
/// The target number of ticks of a linear axis.
const STEPS: f64 = 5.0;
/// The lower limit of a logarithmic axis. Smaller values are at its start.
const LEAST: f64 = 1e-9;

/// Maps values to positions on an axis: 0 at its start, 1 at its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// Linear, from the first value to the second.
    Linear(f64, f64),
    /// Logarithmic, from the first value to the second, both above zero.
    Log(f64, f64),
}

impl Scale {
    /// A linear scale from zero to `max`, rounded up.
    pub(super) fn from_zero(max: f64) -> Self {
        let max = if max > LEAST && max.is_finite() {
            max
        } else {
            1.0
        };
        let step = round_step(max / STEPS);
        Self::Linear(0.0, (max / step - 1e-9).ceil() * step)
    }

    /// A logarithmic scale from `min` to `max`, extended to 1, 2 or 5 times a power of ten.
    pub(super) fn around(min: f64, max: f64) -> Self {
        let min = min.max(LEAST);
        let (low, high) = (round_log(min, false), round_log(max.max(min), true));
        if low < high {
            Self::Log(low, high)
        } else {
            Self::Log(round_log(low * 0.9, false), round_log(high * 1.1, true))
        }
    }

    /// The position of `value`, clamped to the axis.
    pub(super) fn at(self, value: f64) -> f64 {
        let at = match self {
            Self::Linear(low, high) => (value - low) / (high - low),
            Self::Log(low, high) => (value.max(LEAST) / low).ln() / (high / low).ln(),
        };
        if at.is_nan() { 0.0 } else { at.clamp(0.0, 1.0) }
    }

    /// The highest value of the axis.
    pub(super) fn high(self) -> f64 {
        match self {
            Self::Linear(_, high) | Self::Log(_, high) => high,
        }
    }

    /// Round values with a rank. Labels of lower ranks are preferred.
    pub(super) fn ticks(self) -> Vec<(f64, u8)> {
        match self {
            Self::Linear(low, high) => {
                let step = round_step((high - low) / STEPS);
                let first = (low / step - 1e-9).ceil() as i64;
                let last = (high / step + 1e-9).floor() as i64;
                (first..=last)
                    .map(|place| (place as f64 * step, 0))
                    .collect()
            }
            Self::Log(low, high) => {
                let first = low.log10().floor() as i32;
                let last = high.log10().ceil() as i32;
                (first..=last)
                    .flat_map(|decade| {
                        [(1.0, 0), (5.0, 2), (2.0, 1)]
                            .map(|(factor, rank)| (factor * power_of_ten(decade), rank))
                    })
                    .filter(|&(value, _)| {
                        value >= low * (1.0 - 1e-9) && value <= high * (1.0 + 1e-9)
                    })
                    .collect()
            }
        }
    }

    /// The axis with labels for its ticks, formatted by `text`.
    pub(super) fn axis(self, text: impl Fn(f64) -> String) -> Axis {
        let labels = self
            .ticks()
            .into_iter()
            .map(|(value, rank)| Label {
                at: self.at(value),
                text: text(value),
                rank,
            })
            .collect();
        Axis {
            scale: self,
            labels,
        }
    }
}

/// A scale and its labels.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// The scale.
    pub(super) scale: Scale,
    /// The labels.
    pub(super) labels: Vec<Label>,
}

impl Axis {
    /// The width of the labels beside a vertical axis, in CSS pixels.
    pub(super) fn labels_px(&self) -> f64 {
        let widths = self.labels.iter().map(|label| width_px(&label.text));
        widths.fold(0.0, f64::max)
    }
}

/// A label at a position.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Label {
    /// The position, 0 to 1.
    pub(super) at: f64,
    /// The text.
    pub(super) text: String,
    /// Labels of lower ranks are preferred.
    pub(super) rank: u8,
}

/// The alignment of a label at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The label starts there.
    Start,
    /// The label is centred there.
    Middle,
    /// The label ends there.
    End,
}

impl Label {
    /// The alignment on a horizontal axis: labels at the ends stay inside.
    pub(super) fn anchor(&self) -> Anchor {
        match self.at {
            at if at < 0.04 => Anchor::Start,
            at if at > 0.96 => Anchor::End,
            _ => Anchor::Middle,
        }
    }

    /// The extent on a horizontal axis of this length, in CSS pixels.
    pub(super) fn extent_px(&self, length_px: f64) -> (f64, f64) {
        let (at, width) = (self.at * length_px, width_px(&self.text));
        match self.anchor() {
            Anchor::Start => (at, at + width),
            Anchor::Middle => (at - width / 2.0, at + width / 2.0),
            Anchor::End => (at - width, at),
        }
    }
}

/// Which labels fit on a horizontal axis of this length.
pub(super) fn shown_across(labels: &[Label], length_px: f64) -> Vec<bool> {
    let extents = labels.iter().map(|label| label.extent_px(length_px));
    shown(labels, &extents.collect::<Vec<_>>())
}

/// Which labels fit on a vertical axis of this length.
pub(super) fn shown_along(labels: &[Label], length_px: f64) -> Vec<bool> {
    let extents = labels.iter().map(|label| {
        let at = label.at * length_px;
        (at - (LINE_PX - GAP_PX) / 2.0, at + (LINE_PX - GAP_PX) / 2.0)
    });
    shown(labels, &extents.collect::<Vec<_>>())
}

/// The estimated width of a text, in CSS pixels.
pub(super) fn width_px(text: &str) -> f64 {
    text.chars().count() as f64 * CHARACTER_EM * TEXT_PX
}

/// Selects labels evenly: of the lowest rank all, every second, every third and so on, as they fit;
/// of each further rank all or none.
fn shown(labels: &[Label], extents: &[(f64, f64)]) -> Vec<bool> {
    let mut shown = vec![false; labels.len()];
    let mut ranks: Vec<u8> = labels.iter().map(|label| label.rank).collect();
    ranks.sort_unstable();
    ranks.dedup();
    for (turn, rank) in ranks.into_iter().enumerate() {
        let places: Vec<usize> = (0..labels.len())
            .filter(|&place| labels[place].rank == rank)
            .collect();
        let strides = if turn == 0 { 1..=places.len() } else { 1..=1 };
        let fitting = strides
            .map(|stride| places.iter().copied().step_by(stride))
            .find_map(|chosen| with_all(chosen, &shown, extents));
        shown = fitting.unwrap_or(shown);
    }
    shown
}

/// The labels shown with all of `chosen`; `None` if they do not all fit.
fn with_all(
    chosen: impl Iterator<Item = usize>,
    shown: &[bool],
    extents: &[(f64, f64)],
) -> Option<Vec<bool>> {
    let mut shown = shown.to_vec();
    for place in chosen {
        if !is_free(place, &shown, extents) {
            return None;
        }
        shown[place] = true;
    }
    Some(shown)
}

fn is_free(place: usize, shown: &[bool], extents: &[(f64, f64)]) -> bool {
    let (from, to) = extents[place];
    shown
        .iter()
        .zip(extents)
        .all(|(&taken, &(other_from, other_to))| {
            !taken || from >= other_to + GAP_PX || other_from >= to + GAP_PX
        })
}

/// The smallest 1, 2 or 5 times a power of ten that is at least `step`.
fn round_step(step: f64) -> f64 {
    round_log(step.max(LEAST), true)
}

/// The nearest 1, 2 or 5 times a power of ten above or below; `value` itself if it is one.
fn round_log(value: f64, up: bool) -> f64 {
    let decade = value.log10().floor();
    let rest = value.log10() - decade;
    let marks = [0.0, LOG10_2, 1.0 - LOG10_2, 1.0];
    let power = power_of_ten(decade as i32);
    let factors = [1.0, 2.0, 5.0, 10.0];
    let place = if up {
        marks.iter().position(|mark| rest <= mark + 1e-9)
    } else {
        marks.iter().rposition(|mark| rest >= mark - 1e-9)
    };
    factors[place.unwrap_or(0)] * power
}

/// A power of ten, parsed from text because repeated multiplication is inexact.
fn power_of_ten(exponent: i32) -> f64 {
    if exponent < 0 {
        1.0 / 10_f64.powi(-exponent)
    } else {
        10_f64.powi(exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn label(value: f64) -> String {
        format!("{value}")
    }

    #[test]
    fn a_log_axis_has_ticks_at_one_two_and_five() {
        let values = |scale: Scale| {
            let mut values: Vec<f64> = scale.ticks().iter().map(|tick| tick.0).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        assert_eq!(
            values(Scale::around(3.0, 70.0)),
            [2.0, 5.0, 10.0, 20.0, 50.0, 100.0]
        );
        assert_eq!(
            values(Scale::around(1000.0, 1000.0)),
            [500.0, 1000.0, 2000.0]
        );
        assert_eq!(
            values(Scale::from_zero(87.0)),
            [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
        );
        assert_eq!(Scale::from_zero(0.0), Scale::Linear(0.0, 1.0));
    }

    #[test]
    fn what_lies_beyond_an_end_is_at_the_end() {
        let scale = Scale::around(1.0, 100.0);
        for (value, at) in [
            (0.0, 0.0),
            (1.0, 0.0),
            (10.0, 0.5),
            (1e9, 1.0),
            (f64::NAN, 0.0),
            (f64::INFINITY, 1.0),
        ] {
            assert!((scale.at(value) - at).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn crowded_labels_are_thinned_evenly() {
        let axis = Scale::Linear(0.0, 100.0).axis(|value| format!("{value} millions"));
        let shown = shown_across(&axis.labels, 300.0);
        assert_eq!(shown, [true, false, false, true, false, false]);
        let axis = Scale::Log(1.0, 1e6).axis(label);
        let shown = shown_along(&axis.labels, 120.0);
        let kept = axis.labels.iter().zip(shown).filter(|(_, shown)| *shown);
        assert!(kept.clone().all(|(label, _)| label.rank == 0));
        assert_eq!(kept.count(), 7);
    }

    proptest! {
        #[test]
        fn ticks_are_round_inside_and_not_too_many(low in 1e-3..1e12_f64, factor in 1.0..1e9_f64) {
            for scale in [Scale::around(low, low * factor), Scale::from_zero(low)] {
                let ticks = scale.ticks();
                prop_assert!((2..=50).contains(&ticks.len()), "{:?} {:?}", scale, ticks);
                for &(value, _) in &ticks {
                    let at = scale.at(value);
                    prop_assert!((0.0..=1.0).contains(&at));
                    if value > 0.0 && matches!(scale, Scale::Log(..)) {
                        let first = value / 10_f64.powf((value.log10() + 1e-9).floor());
                        let round = [1.0, 2.0, 5.0];
                        prop_assert!(round.iter().any(|mark| (first - mark).abs() < 1e-6), "{}", value);
                    }
                }
            }
            let scale = Scale::around(low, low * factor);
            prop_assert!(scale.at(low) >= 0.0 && scale.at(low * factor) <= 1.0);
            prop_assert!(scale.high() >= low * factor * (1.0 - 1e-9));
            prop_assert!(Scale::from_zero(low).high() >= low * (1.0 - 1e-9));
        }

        #[test]
        fn places_grow_with_values(low in 1e-3..1e6_f64, a in 0.0..1e9_f64, b in 0.0..1e9_f64) {
            let (less, more) = (a.min(b), a.max(b));
            for scale in [Scale::around(low, low + more), Scale::from_zero(more)] {
                prop_assert!(scale.at(less) <= scale.at(more));
            }
        }

        #[test]
        fn shown_labels_never_overlap(
            low in 1e-3..1e12_f64, factor in 1.0..1e9_f64, length_px in 200.0..1200.0_f64,
        ) {
            for scale in [Scale::around(low, low * factor), Scale::from_zero(low)] {
                let axis = scale.axis(label);
                let shown = shown_across(&axis.labels, length_px);
                prop_assert!(shown.contains(&true));
                let mut extents: Vec<_> = axis.labels.iter().zip(&shown)
                    .filter(|(_, shown)| **shown)
                    .map(|(label, _)| label.extent_px(length_px))
                    .collect();
                extents.sort_by(|a, b| a.0.total_cmp(&b.0));
                for pair in extents.windows(2) {
                    prop_assert!(pair[0].1 + GAP_PX <= pair[1].0 + 1e-9, "{:?}", extents);
                }
            }
        }
    }
}
