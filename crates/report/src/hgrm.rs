//! Percentile tables in the text format of HdrHistogram, which its plotters read.
//!
//! A file has a single table, so service time and response time are in two files. Values are
//! nanoseconds.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use hdrhistogram::Histogram;

use crate::{LatencyRecorder, Measure, SinkError};

/// Steps per halving of the distance to 100 %, as in the tools of HdrHistogram.
const TICKS_PER_HALF_DISTANCE: u32 = 5;

/// Writes the table of service times to `path` and that of response times to
/// [`response_path`]`(path)`.
///
/// # Errors
/// A file could not be created or written.
pub fn write_percentile_tables(path: &Path, latency: &LatencyRecorder) -> Result<(), SinkError> {
    for (path, measure) in [
        (path.to_owned(), Measure::Service),
        (response_path(path), Measure::Response),
    ] {
        let write = || {
            let mut file = BufWriter::new(File::create(&path)?);
            write_percentile_table(&latency.distribution(measure), &mut file)?;
            file.flush()
        };
        write().map_err(|error| SinkError::new(&path.display().to_string(), error))?;
    }
    Ok(())
}

/// The path of the table of response times: `run.response.hgrm` for `run.hgrm`.
pub fn response_path(path: &Path) -> PathBuf {
    path_beside(path, "response")
}

/// The path of a file that belongs to `path`: `run.1.hgrm` for `run.hgrm` and `1`.
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
    use crate::fixture;
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
    fn service_and_response_go_to_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.hgrm");
        let mut latency = LatencyRecorder::new();
        latency.record(&fixture::ptr_answered());
        latency.record(&fixture::local_failure());
        write_percentile_tables(&path, &latency).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(read("run.hgrm").contains("Total count    =            1]"));
        assert!(read("run.response.hgrm").contains("Total count    =            2]"));
        assert_eq!(response_path(Path::new("a/b")), Path::new("a/b.response"));
        let error =
            write_percentile_tables(&folder.path().join("no/x.hgrm"), &latency).unwrap_err();
        assert!(error.to_string().contains("no/x.hgrm"), "{error}");
    }
}
