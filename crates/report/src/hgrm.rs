//! Percentile tables in the text format of HdrHistogram, which its plotters read.
//!
//! A file has a single table. Values are nanoseconds.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hdrhistogram::Histogram;

/// Steps per halving of the distance to 100 %, as in the tools of HdrHistogram.
const TICKS_PER_HALF_DISTANCE: u32 = 5;

/// The path of a file that belongs to `path`: `run.response.hgrm` for `run.hgrm` and `response`.
pub fn path_beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(".");
    name.push(what);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Writes a percentile table.
///
/// # Errors
/// Those of `out`.
pub fn write_percentile_table(histogram: &Histogram<u64>, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    )?;
    let mut count = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        count += step.count_since_last_iteration();
        let value = step.value_iterated_to() as f64;
        let quantile = step.quantile_iterated_to();
        write!(out, "{value:12.3} {quantile:2.12} {count:10}")?;
        // At 100 % the last column would be infinite; readers expect it to be missing.
        if quantile < 1.0 {
            write!(out, " {:14.2}", 1.0 / (1.0 - quantile))?;
        }
        writeln!(out)?;
    }
    let max = if histogram.is_empty() {
        0
    } else {
        histogram.max()
    };
    writeln!(
        out,
        "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]",
        histogram.mean(),
        histogram.stdev()
    )?;
    writeln!(
        out,
        "#[Max     = {:12.3}, Total count    = {:12}]",
        max as f64,
        histogram.len()
    )?;
    writeln!(
        out,
        "#[Buckets = {:12}, SubBuckets     = {:12}]",
        histogram.buckets(),
        sub_buckets(histogram.sigfig())
    )
}

/// The number of values that the first bucket distinguishes: the power of two for two units of the
/// last significant digit.
fn sub_buckets(significant_digits: u8) -> u64 {
    (2 * 10_u64.pow(significant_digits.into())).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::histogram;

    fn table(histogram: &Histogram<u64>) -> String {
        let mut out = Vec::new();
        write_percentile_table(histogram, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_table_is_as_plotters_read_it() {
        let mut values = histogram();
        for value in [100, 200, 300, 400] {
            values.record(value).unwrap();
        }
        let text = table(&values);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "       Value     Percentile TotalCount 1/(1-Percentile)"
        );
        assert_eq!(lines[1], "");
        assert_eq!(
            lines[2],
            "     100.000 0.000000000000          1           1.00"
        );
        let rows: Vec<Vec<f64>> = lines[2..]
            .iter()
            .take_while(|line| !line.starts_with('#'))
            .map(|line| {
                line.split_whitespace()
                    .map(|cell| cell.parse().unwrap())
                    .collect()
            })
            .collect();
        assert!(
            rows.windows(2)
                .all(|pair| pair[0][0] <= pair[1][0] && pair[0][1] <= pair[1][1])
        );
        assert_eq!(rows.last().unwrap(), &[400.0, 1.0, 4.0]);
        assert_eq!(
            lines[lines.len() - 3..],
            [
                "#[Mean    =      250.000, StdDeviation   =      111.803]",
                "#[Max     =      400.000, Total count    =            4]",
                "#[Buckets =           32, SubBuckets     =         2048]",
            ]
        );
    }

    #[test]
    fn an_empty_table_has_its_footer() {
        let text = table(&histogram());
        assert!(
            text.contains("#[Max     =        0.000, Total count    =            0]"),
            "{text}"
        );
    }

    #[test]
    fn a_second_file_stands_beside_the_first() {
        for (path, beside) in [
            ("out/run.hgrm", "out/run.response.hgrm"),
            ("a/b", "a/b.response"),
        ] {
            assert_eq!(path_beside(Path::new(path), "response"), Path::new(beside));
        }
    }
}
