//! Gauges in Prometheus's text format 0.0.4, as client_golang writes them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The content type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Gauges, by name.
#[derive(Clone, Debug, Default)]
pub struct Exposition {
    families: BTreeMap<&'static str, Family>,
}

/// Labels with their values, sorted.
pub type Labels = Box<[(Box<str>, Box<str>)]>;

/// The gauges of one name.
#[derive(Clone, Debug)]
pub struct Family {
    /// What the gauges are.
    pub help: &'static str,
    /// Their values, by their labels.
    pub series: BTreeMap<Labels, f64>,
}

impl Exposition {
    /// The gauges, sorted by their names.
    pub fn families(&self) -> impl Iterator<Item = (&'static str, &Family)> {
        self.families.iter().map(|(name, family)| (*name, family))
    }

    /// Sets a gauge without labels.
    pub(crate) fn set(&mut self, name: &'static str, help: &'static str, value: impl Into<f64>) {
        self.set_labelled(name, help, &[], value);
    }

    /// Sets a gauge with labels.
    pub(crate) fn set_labelled(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        value: impl Into<f64>,
    ) {
        let owned = |(label, value): &(&str, &str)| (Box::from(*label), Box::from(*value));
        let mut labels: Labels = labels.iter().map(owned).collect();
        labels.sort_unstable();
        let family = self.families.entry(name).or_insert_with(|| Family {
            help,
            series: BTreeMap::new(),
        });
        family.series.insert(labels, value.into());
    }

    /// The gauges in Prometheus's text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, family) in &self.families {
            let _ = writeln!(text, "# HELP {name} {}", family.help);
            let _ = writeln!(text, "# TYPE {name} gauge");
            for (labels, value) in &family.series {
                text.push_str(name);
                for (at, (label, value)) in labels.iter().enumerate() {
                    let before = if at == 0 { '{' } else { ',' };
                    let _ = write!(text, "{before}{label}=\"{}\"", escaped(value));
                }
                let after = if labels.is_empty() { "" } else { "}" };
                let _ = writeln!(text, "{after} {}", number(*value));
            }
        }
        text
    }
}

/// The exponent from which on Go writes one.
const DIGITS: i32 = 6;

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('"', "\\\"")
}

/// A number as Go's `strconv.FormatFloat(value, 'g', -1, 64)` writes it.
fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return match value {
            f64::INFINITY => "+Inf".to_owned(),
            f64::NEG_INFINITY => "-Inf".to_owned(),
            value => value.to_string(),
        };
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..DIGITS).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_by_go() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (-1.0, "-1"),
            (200.0, "200"),
            (1.1, "1.1"),
            (0.000_123, "0.000123"),
            (0.000_012_3, "1.23e-05"),
            (1e6, "1e+06"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.234567e+06"),
            (3_831_431_737.0, "3.831431737e+09"),
            (-62_135_596_800.0, "-6.21355968e+10"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn families_labels_and_series_are_sorted() {
        let mut all = Exposition::default();
        all.set_labelled("b", "B.", &[("z", "1"), ("a", "x\"\\\n")], 1);
        all.set_labelled("b", "B.", &[("z", "0"), ("a", "x")], 2);
        all.set("a", "A.", 0.5);
        assert_eq!(
            all.text(),
            "# HELP a A.\n# TYPE a gauge\na 0.5\n# HELP b B.\n# TYPE b gauge\n\
             b{a=\"x\",z=\"0\"} 2\nb{a=\"x\\\"\\\\\\n\",z=\"1\"} 1\n"
        );
    }
}
