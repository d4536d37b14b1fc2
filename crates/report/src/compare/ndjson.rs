//! One JSON object per line for each pair of sides.

use std::time::Duration;

use super::{Comparison, Side};
use crate::json::{push_or_null, push_string, put};
use crate::write::{push_display, push_ms, push_number};

/// One object per line for each pair, in the order of `others`. Unknown values are null; control
/// characters in names are escaped.
pub fn comparison_ndjson(comparison: &Comparison) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, against) in comparison.others.iter().enumerate() {
        let ratio = comparison.ratio(index);
        put(&mut out, "{\"a\":");
        push_side(&mut out, &comparison.a);
        put(&mut out, ",\"b\":");
        push_side(&mut out, &against.side);
        push_float_key(&mut out, ",\"ratio\":", ratio.value);
        push_float_key(&mut out, ",\"ratio_low\":", ratio.low);
        push_float_key(&mut out, ",\"ratio_high\":", ratio.high);
        let answers = &against.answers;
        for (key, number) in [
            (",\"answers\":{\"same\":", answers.same),
            (",\"different\":", answers.different),
            (",\"only_a\":", answers.only_a),
            (",\"only_b\":", answers.only_b),
        ] {
            put(&mut out, key);
            push_number(&mut out, number);
        }
        put(&mut out, "}}\n");
    }
    out
}

fn push_side(out: &mut Vec<u8>, side: &Side) {
    put(out, "{\"name\":");
    push_string(out, &side.name);
    put(out, ",\"targets\":");
    push_number(out, side.targets());
    push_float_key(out, ",\"per_second\":", side.per_second());
    let cpu_us = side.cpu_per_target_ns().map(|nanos| nanos / 1000.0);
    push_float_key(out, ",\"cpu_us_per_target\":", cpu_us);
    let read = side.percentiles();
    for (key, value_ns) in [
        (",\"latency_ms\":{\"p50\":", read.map(|read| read.p50_ns)),
        (",\"p90\":", read.map(|read| read.p90_ns)),
        (",\"p99\":", read.map(|read| read.p99_ns)),
        (",\"max\":", read.map(|read| read.max_ns)),
    ] {
        put(out, key);
        push_or_null(out, value_ns.map(Duration::from_nanos), push_ms);
    }
    put(out, "}}");
}

/// Appends `key` and the shortest number that parses to the same value, or null.
fn push_float_key(out: &mut Vec<u8>, key: &str, number: Option<f64>) {
    put(out, key);
    push_or_null(out, number, push_display);
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{block, blocks, comparison, side};
    use super::super::{Answers, OtherSide};
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn lines(comparison: &Comparison) -> Vec<String> {
        let text = String::from_utf8(comparison_ndjson(comparison)).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_pair_is_one_object_with_the_promised_keys() {
        let mut pair = comparison(&[2000; 4], &[10; 4]);
        pair.others[0].side.latency.clear();
        pair.others[0].side.latency.record(1_024_001).unwrap();
        pair.others[0].answers = Answers {
            same: 36,
            different: 2,
            only_a: 1,
            only_b: 1,
            ..Answers::default()
        };
        assert_eq!(
            lines(&pair),
            [concat!(
                r#"{"a":{"name":"canvass (udp, window 412)","targets":8000,"per_second":2000,"#,
                r#""cpu_us_per_target":100,"#,
                r#""latency_ms":{"p50":1.000447,"p90":1.000447,"p99":1.000447,"max":1.000447}},"#,
                r#""b":{"name":"getnameinfo, one at a time","targets":40,"per_second":10,"#,
                r#""cpu_us_per_target":100,"#,
                r#""latency_ms":{"p50":1.024511,"p90":1.024511,"p99":1.024511,"max":1.024511}},"#,
                r#""ratio":200,"ratio_low":200,"ratio_high":200,"#,
                r#""answers":{"same":36,"different":2,"only_a":1,"only_b":1}}"#,
            )]
        );
    }

    #[test]
    fn what_is_not_known_is_null() {
        let line: Value = serde_json::from_str(&lines(&comparison(&[5], &[0]))[0]).unwrap();
        let b = &line["b"];
        assert_eq!(b["targets"], 0);
        for unknown in [
            &b["per_second"],
            &b["cpu_us_per_target"],
            &b["latency_ms"]["p50"],
            &b["latency_ms"]["max"],
            &line["ratio"],
            &line["ratio_low"],
            &line["ratio_high"],
        ] {
            assert!(unknown.is_null(), "{line}");
        }
        assert_eq!(b["latency_ms"].as_object().unwrap().len(), 4);
    }

    #[test]
    fn every_pair_has_its_line_in_order() {
        let mut sides = comparison(&[2000; 4], &[10; 4]);
        sides.others.push(OtherSide {
            side: side("getnameinfo, 32 threads", &blocks(&[320; 4])),
            answers: Answers::default(),
        });
        let read: Vec<Value> = lines(&sides)
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0]["b"]["name"], "getnameinfo, one at a time");
        assert_eq!(read[1]["b"]["name"], "getnameinfo, 32 threads");
        assert_eq!(read[1]["ratio"], 6.25);
        sides.others.clear();
        assert!(lines(&sides).is_empty());
    }

    proptest! {
        #[test]
        fn numbers_and_names_read_back(
            name in "\\PC*|[\\x00-\\x7f\"\\\\\u{85}\u{2028}é]*",
            targets in 1..u64::from(u32::MAX),
            wall_ms in 1..u64::from(u32::MAX),
        ) {
            let mut pair = comparison(&[1; 4], &[1; 4]);
            let side = &mut pair.others[0].side;
            side.name = name.clone();
            side.blocks = vec![block(targets, wall_ms)];
            let rate = side.per_second();
            let lines = lines(&pair);
            prop_assert_eq!(lines.len(), 1);
            let line: Value = serde_json::from_str(&lines[0]).unwrap();
            prop_assert_eq!(line["b"]["name"].as_str(), Some(&*name));
            let read = line["b"]["per_second"].as_f64().unwrap();
            prop_assert!((read / rate.unwrap() - 1.0).abs() < 1e-12);
        }
    }
}
