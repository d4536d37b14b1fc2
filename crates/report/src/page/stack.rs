//! Stacked step areas.

use std::fmt::{self, Write};

use super::chart::{LegendEntry, Step, area, percent};
use super::scale::TEXT_PX;
use super::text::escaped;

/// The minimum thickness of a layer with its name in it, in CSS pixels.
const NAMED_PX_MIN: f64 = 17.0;
/// The minimum distance of names from the ends, as a share of the width.
const MARGIN: f64 = 0.15;

/// A layer of a stack.
pub(super) struct StackLayer {
    /// Its class in `page.css`.
    pub(super) class: String,
    /// The name, in plain text.
    pub(super) name: &'static str,
    /// The upper edge. The lower edge is that of the layer before. All layers have the same steps.
    pub(super) tops: Vec<Step>,
}

/// Returns the shapes of the layers, the lowest first, and the names over them.
pub(super) fn stack(layers: &[StackLayer], height_px: f64) -> (String, String) {
    let mut shapes = String::new();
    for (place, layer) in layers.iter().enumerate() {
        let class = format!("stack {}", layer.class);
        shapes.push_str(&area(
            &layer.tops,
            &floors(layers, place),
            height_px,
            &class,
        ));
    }
    (shapes, names(layers, height_px))
}

/// Appends the legend of a stack.
pub(super) fn write_stack_legend(entries: &[LegendEntry], out: &mut String) -> fmt::Result {
    out.push_str("<ul class=\"legend\"><li>from the bottom:</li>");
    for entry in entries {
        write!(
            out,
            "<li><span class=\"dot {}\"></span>{}</li>",
            entry.class, entry.name
        )?;
    }
    out.push_str("</ul>\n");
    Ok(())
}

fn floors(layers: &[StackLayer], place: usize) -> Vec<f64> {
    match place.checked_sub(1) {
        Some(below) => layers[below].tops.iter().map(|step| step.height).collect(),
        None => vec![0.0; layers[place].tops.len()],
    }
}

/// The names of the layers that are thick enough, all at the position where most of them are, as near
/// to the middle as possible.
fn names(layers: &[StackLayer], height_px: f64) -> String {
    let Some(first) = layers.first().filter(|_| layers.len() > 1) else {
        return String::new();
    };
    let at = |step: usize| (first.tops[step].from + first.tops[step].to) / 2.0;
    let bands = |step: usize| -> Vec<(&StackLayer, f64, f64)> {
        (0..layers.len())
            .map(|place| {
                let floor = floors(layers, place)[step];
                (&layers[place], floor, layers[place].tops[step].height)
            })
            .filter(|(_, floor, top)| (top - floor) * height_px >= NAMED_PX_MIN)
            .collect()
    };
    let inside = (0..first.tops.len()).filter(|&step| (MARGIN..=1.0 - MARGIN).contains(&at(step)));
    let best = inside.max_by(|&one, &other| {
        let nearness = |step: usize| -(at(step) - 0.5).abs();
        let more = bands(one).len().cmp(&bands(other).len());
        more.then(nearness(one).total_cmp(&nearness(other)))
    });
    let Some(best) = best else {
        return String::new();
    };
    let named = bands(best).into_iter().map(|(layer, floor, top)| {
        let middle_px = (1.0 - (floor + top) / 2.0) * height_px;
        format!(
            "<text class=\"m on\" x=\"{}\" y=\"{:.1}\">{}</text>\n",
            percent(at(best)),
            middle_px + TEXT_PX / 3.0,
            escaped(layer.name)
        )
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: &'static str, heights: &[f64]) -> StackLayer {
        let width = 1.0 / heights.len() as f64;
        let tops = heights.iter().enumerate().map(|(place, &height)| Step {
            from: place as f64 * width,
            to: (place + 1) as f64 * width,
            height,
        });
        StackLayer {
            class: "s0".to_owned(),
            name,
            tops: tops.collect(),
        }
    }

    #[test]
    fn names_stand_where_most_layers_are_thick() {
        let layers = [
            layer("lower", &[0.5, 0.5, 0.5, 0.4, 0.5]),
            layer("upper", &[0.6, 0.6, 0.55, 0.8, 0.6]),
        ];
        let (shapes, names) = stack(&layers, 100.0);
        assert_eq!(shapes.matches("area").count(), 2);
        // The fourth of five steps.
        assert!(names.contains("x=\"70%\" y=\"84.0\">lower<"), "{names}");
        assert!(names.contains("x=\"70%\" y=\"44.0\">upper<"), "{names}");
    }

    #[test]
    fn thin_layers_and_single_ones_have_no_name() {
        let thin = [layer("lower", &[0.9; 3]), layer("upper", &[0.95; 3])];
        assert!(!stack(&thin, 100.0).1.contains("upper"));
        assert_eq!(stack(&[layer("all", &[1.0; 3])], 100.0).1, "");
        assert_eq!(
            stack(&[layer("none", &[]), layer("at all", &[])], 100.0).1,
            ""
        );
    }
}
