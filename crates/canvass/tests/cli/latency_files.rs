//! The files that hold latencies, as HdrHistogram's tools read them.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use serde_json::Value;

use crate::common::canvass;
use crate::http_rig::deps_dir;

/// Tag, start and length in milliseconds, values.
type Interval = (String, u64, u64, Histogram<u64>);

/// What an interval log holds.
fn intervals(log: &[u8]) -> Vec<Interval> {
    let whole_ms = |span: Duration| u64::try_from(span.as_millis()).unwrap();
    IntervalLogIterator::new(log)
        .filter_map(|entry| match entry.unwrap() {
            LogEntry::Interval(interval) => {
                let tag = interval.tag().expect("a line has its tag").as_str();
                let payload = BASE64.decode(interval.encoded_histogram()).unwrap();
                Some((
                    tag.to_owned(),
                    whole_ms(interval.start_timestamp()),
                    whole_ms(interval.duration()),
                    Deserializer::new()
                        .deserialize(&mut Cursor::new(payload))
                        .unwrap(),
                ))
            }
            LogEntry::StartTime(_) | LogEntry::BaseTime(_) => None,
        })
        .collect()
}

/// All values under a tag.
fn summed(intervals: &[Interval], tag: &str) -> Histogram<u64> {
    let mut sum = Histogram::new(3).unwrap();
    for (_, _, _, histogram) in intervals.iter().filter(|interval| interval.0 == tag) {
        sum.add(histogram).unwrap();
    }
    sum
}

/// The rows of a percentile table: value, percentile, how many are no greater.
fn rows(table: &str) -> Vec<[f64; 3]> {
    table
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let cells: Vec<f64> = line
                .split_whitespace()
                .map(|word| word.parse().unwrap())
                .collect();
            [cells[0], cells[1], cells[2]]
        })
        .collect()
}

#[test]
fn an_interval_log_holds_every_target_under_each_measure() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.hlog");
    canvass(&[
        "ptr",
        "10.0.0.0/24",
        "--lab=delay=5ms",
        "--hlog",
        path.to_str().unwrap(),
    ])
    .exits(0);
    let intervals = intervals(&fs::read(path).unwrap());
    assert!(
        intervals
            .iter()
            .any(|interval| interval.0 == "ptr.response")
    );
    let service = summed(&intervals, "ptr.service");
    assert_eq!(service.len(), 256);
    // Nanoseconds, and the lab held each answer back for 5 ms.
    assert!(service.min() > 4_500_000, "{}", service.min());
}

#[test]
fn percentile_tables_climb_to_every_target() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.hgrm");
    canvass(&[
        "ptr",
        "10.0.0.0/24",
        "bogus",
        "--lab=delay=5ms",
        "--hgrm",
        path.to_str().unwrap(),
        "--fail-below",
        "50",
    ])
    .exits(0);
    for name in ["run.hgrm", "run.response.hgrm"] {
        let table = fs::read_to_string(directory.path().join(name)).unwrap();
        let heading: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
        assert_eq!(
            heading,
            ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
        );
        let rows = rows(&table);
        for pair in rows.windows(2) {
            assert!(
                pair[0][0] <= pair[1][0] && pair[0][2] <= pair[1][2],
                "{table}"
            );
        }
        let last = rows.last().unwrap();
        // What was never asked has no latency.
        assert_eq!((last[1], last[2]), (1.0, 256.0), "{name}");
        assert!(last[0] > 4_500_000.0, "{name} is in nanoseconds");
    }
}

/// A run whose latency is spread, with some that take a second: its lines, its log and its
/// tables of service and response time.
struct Spread {
    directory: tempfile::TempDir,
    lines: Vec<Value>,
    summary: String,
}

impl Spread {
    fn run() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let run = canvass(&[
            "ptr",
            "10.0.0.0/16",
            "--limit",
            "2000",
            "--lab=delay=3ms,jitter=2ms,loss=1%",
            "--rate",
            "1500",
            "-f",
            "ndjson",
            "--hlog",
            &path("run.hlog"),
            "--hgrm",
            &path("run.hgrm"),
        ])
        .exits(0);
        Self {
            lines: run.whole(2000),
            summary: run.err,
            directory,
        }
    }

    fn path(&self, name: &str) -> String {
        self.directory
            .path()
            .join(name)
            .to_str()
            .unwrap()
            .to_owned()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.directory.path().join(name)).unwrap()
    }

    fn table(&self, name: &str) -> Vec<[f64; 3]> {
        rows(&String::from_utf8(self.read(name)).unwrap())
    }

    /// Every value of a key, in nanoseconds, sorted.
    fn sorted_ns(&self, key: &str) -> Vec<u64> {
        let spans_ms = self.lines.iter().map(|line| line[key].as_f64().unwrap());
        let mut spans_ns: Vec<u64> = spans_ms.map(|span| (span * 1e6).round() as u64).collect();
        spans_ns.sort_unstable();
        spans_ns
    }
}

/// Nanoseconds of a span as the summary shows it.
#[track_caller]
fn span_ns(number: &str, unit: &str) -> f64 {
    let unit_ns = match unit {
        "ns" => 1.0,
        "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => panic!("{unit:?} is no unit"),
    };
    number.parse::<f64>().unwrap() * unit_ns
}

/// Checks a percentile against the exact one: within 0.1 % or 1 µs, whichever is larger.
#[track_caller]
fn agrees(read_ns: u64, exact_ns: u64, what: &str) {
    let allowed_ns = (exact_ns / 1000).max(1000);
    assert!(
        read_ns.abs_diff(exact_ns) <= allowed_ns,
        "{what}: {read_ns} ns for {exact_ns} ns"
    );
}

/// The rank of a percentile, from 1. A table's percentiles are rounded, so where one gives a whole
/// rank it may mean the next.
fn ranks(percentile: f64, count: usize) -> [usize; 2] {
    let rank = percentile * count as f64;
    let at_least = (rank - 1e-6).ceil().max(1.0) as usize;
    let at_most = (rank + 1e-6).floor() as usize + 1;
    [at_least, at_most.min(count)]
}

#[test]
fn percentiles_agree_with_a_sort_of_the_lines() {
    const QUANTILES: [f64; 6] = [0.5, 0.9, 0.95, 0.99, 0.999, 1.0];
    let spread = Spread::run();
    let log = intervals(&spread.read("run.hlog"));
    // On a schedule the bars are those of response time, and plain where no terminal reads them.
    assert!(spread.summary.contains("\nresponse time up to\n"));
    assert!(!spread.summary.contains('\x1b'));
    for (key, measure, table) in [
        ("latency_ms", "service", "run.hgrm"),
        ("response_ms", "response", "run.response.hgrm"),
    ] {
        let exact_ns = spread.sorted_ns(key);
        let exact_at = |quantile: f64| exact_ns[ranks(quantile, exact_ns.len())[0] - 1];
        let logged = summed(&log, &format!("ptr.{measure}"));
        assert_eq!(logged.len(), exact_ns.len() as u64);
        for quantile in QUANTILES {
            let read_ns = logged.value_at_quantile(quantile);
            agrees(
                read_ns,
                exact_at(quantile),
                &format!("{measure} {quantile}"),
            );
        }
        for [value_ns, percentile, count] in spread.table(table) {
            let what = format!("row {percentile} of {table}");
            let [rank, next] = ranks(percentile, exact_ns.len());
            let near_ns = (value_ns as u64).clamp(exact_ns[rank - 1], exact_ns[next - 1]);
            agrees(value_ns as u64, near_ns, &what);
            agrees(value_ns as u64, exact_ns[count as usize - 1], &what);
        }
        // The summary shows three digits of each.
        let row = spread
            .summary
            .lines()
            .find_map(|line| line.trim_start().strip_prefix(measure))
            .unwrap_or_else(|| panic!("no {measure} in {}", spread.summary));
        let cells: Vec<&str> = row.split_whitespace().collect();
        for (cell, quantile) in cells.chunks(2).zip(QUANTILES) {
            let shown_ns = span_ns(cell[0], cell[1]);
            let exact_ns = exact_at(quantile) as f64;
            assert!(
                (shown_ns - exact_ns).abs() <= exact_ns * 0.006 + 1000.0,
                "{measure} {quantile}: {cell:?} for {exact_ns} ns"
            );
        }
        assert_eq!(cells.len(), 2 * QUANTILES.len(), "{row}");
    }
}

/// What HdrHistogram's Python reader makes of a log and of percentile tables.
fn read_by_python(log: &str, tables: &[String]) -> Vec<Value> {
    let python = deps_dir().join("hdrhistogram/bin/python");
    assert!(
        python.is_file(),
        "HdrHistogram's Python reader is missing at {}: scripts/test-deps installs it there, or \
         wherever CANVASS_TEST_DEPS points",
        python.display()
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/hdr_reader.py");
    let output = Command::new(python)
        .arg(script)
        .arg(log)
        .args(tables)
        .output()
        .expect("python can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn the_python_reader_finds_the_same_in_both_files() {
    let spread = Spread::run();
    let log = intervals(&spread.read("run.hlog"));
    let tables = [
        ("ptr.service", "run.hgrm"),
        ("ptr.response", "run.response.hgrm"),
    ];
    let arguments = tables.map(|(tag, table)| format!("{tag}={}", spread.path(table)));
    let read = read_by_python(&spread.path("run.hlog"), &arguments);
    let (read_intervals, read_tables) = read.split_at(log.len());
    for ((tag, _, length_ms, values), read) in log.iter().zip(read_intervals) {
        assert_eq!(read["tag"], **tag);
        // The reader adds the time when the log began, which has a fraction.
        assert!(read["length_ms"].as_u64().unwrap().abs_diff(*length_ms) <= 1);
        assert_eq!(read["count"], values.len());
        assert_eq!(
            (&read["min"], &read["max"]),
            (&values.min().into(), &values.max().into())
        );
        let percentiles = [0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0]
            .map(|quantile| values.value_at_quantile(quantile));
        assert_eq!(
            read["percentiles"],
            Value::from(percentiles.to_vec()),
            "{tag}"
        );
        let recorded: Vec<Value> = values
            .iter_recorded()
            .map(|step| vec![step.value_iterated_to(), step.count_at_value()].into())
            .collect();
        assert_eq!(read["recorded"], Value::from(recorded), "{tag}");
    }
    assert_eq!(read_tables.len(), tables.len());
    for ((tag, table), read) in tables.iter().zip(read_tables) {
        assert_eq!(read["table_of"], **tag);
        let read = read["rows"].as_array().unwrap();
        let rows = spread.table(table);
        assert_eq!(read.len(), rows.len());
        for ([value, percentile, count], read) in rows.into_iter().zip(read) {
            assert_eq!(read[0].as_f64(), Some(value), "{table} at {percentile}");
            // The least value that reaches the percentile.
            let less = read[1].as_f64().unwrap();
            let rank = percentile * 2000.0;
            assert!(
                less <= rank + 1e-6 && rank - 1e-6 <= count,
                "{table} at {percentile}: {less} are less, {count} are not greater"
            );
        }
    }
}

#[test]
fn a_file_that_cannot_be_written_is_named_before_anything_is_asked() {
    for flag in ["--hlog", "--hgrm"] {
        let run = canvass(&["ptr", "10.0.0.1", "--lab", flag, "/nonexistent/run"])
            .exits(3)
            .says("cannot write /nonexistent/run");
        assert_eq!(run.out, "");
    }
}

#[test]
fn a_file_that_is_full_is_named_and_the_balance_is_still_told() {
    let run = canvass(&["ptr", "10.0.0.1", "--lab", "--hgrm", "/dev/full"])
        .exits(3)
        .says("no space is left to write /dev/full");
    assert_eq!(run.out, "10.0.0.1\tNOERROR\thost-10-0-0-1.example.net.\n");
    assert_eq!(run.balance(), [1, 1, 0, 0]);
}
