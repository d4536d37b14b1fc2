//! Comma-separated values (RFC 4180 §2): a header, and a row for each pair of sides.

use std::time::Duration;

use super::{Comparison, Side};
use crate::write::{push_display, push_ms};

const HEADER: &[u8] = b"a,a_targets,a_per_second,a_cpu_us_per_target,\
a_p50_ms,a_p90_ms,a_p99_ms,a_max_ms,\
b,b_targets,b_per_second,b_cpu_us_per_target,\
b_p50_ms,b_p90_ms,b_p99_ms,b_max_ms,\
ratio,ratio_low,ratio_high,same,different,only_a,only_b\n";

/// The fields of [`comparison_ndjson`](super::comparison_ndjson) as a table. Unknown values are empty;
/// names are always quoted. Rows end with a line feed alone.
pub fn comparison_csv(comparison: &Comparison) -> Vec<u8> {
    let mut out = HEADER.to_vec();
    for (index, against) in comparison.others.iter().enumerate() {
        push_side(&mut out, &comparison.a);
        out.push(b',');
        push_side(&mut out, &against.side);
        let ratio = comparison.ratio(index);
        for figure in [ratio.value, ratio.low, ratio.high] {
            push_field(&mut out, figure);
        }
        let answers = &against.answers;
        for number in [
            answers.same,
            answers.different,
            answers.only_a,
            answers.only_b,
        ] {
            push_field(&mut out, Some(number));
        }
        out.push(b'\n');
    }
    out
}

fn push_side(out: &mut Vec<u8>, side: &Side) {
    push_display(out, format_args!("\"{}\"", side.name.replace('"', "\"\"")));
    push_field(out, Some(side.targets()));
    push_field(out, side.per_second());
    push_field(out, side.cpu_per_target_ns().map(|nanos| nanos / 1000.0));
    let points = side
        .percentiles()
        .map(|read| [read.p50_ns, read.p90_ns, read.p99_ns, read.max_ns].map(Some));
    for value_ns in points.unwrap_or_default() {
        out.push(b',');
        if let Some(value_ns) = value_ns {
            push_ms(out, Duration::from_nanos(value_ns));
        }
    }
}

/// Appends a comma, and a number if there is one.
fn push_field(out: &mut Vec<u8>, number: Option<impl std::fmt::Display>) {
    out.push(b',');
    if let Some(number) = number {
        push_display(out, number);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::comparison;
    use super::*;

    fn text(comparison: &Comparison) -> String {
        String::from_utf8(comparison_csv(comparison)).unwrap()
    }

    #[test]
    fn a_pair_is_a_row_under_the_header() {
        let mut pair = comparison(&[2000; 4], &[10; 4]);
        pair.others[0].answers.only_a = 3;
        pair.a.name = "a \"b\"".to_owned();
        let text = text(&pair);
        let (header, row) = text.split_once('\n').unwrap();
        assert_eq!(format!("{header}\n").as_bytes(), HEADER);
        assert_eq!(
            row,
            "\"a \"\"b\"\"\",8000,2000,100,1.000447,1.000447,1.000447,1.000447,\
             \"getnameinfo, one at a time\",40,10,100,1.000447,1.000447,1.000447,1.000447,\
             200,200,200,0,0,3,0\n"
        );
    }

    #[test]
    fn what_is_not_known_is_empty() {
        let mut pair = comparison(&[5], &[0]);
        pair.others[0].side.name = "b".to_owned();
        let text = text(&pair);
        let row = text.lines().nth(1).unwrap();
        assert!(row.ends_with(",\"b\",0,,,,,,,,,,0,0,0,0"), "{row}");
        let commas = HEADER.iter().filter(|&&byte| byte == b',').count();
        // The name of the first side has one of its own.
        assert_eq!(row.matches(',').count(), commas + 1);
    }
}
