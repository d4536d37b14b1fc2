//! Outcomes out: line formats, latency histograms, the summary of a run.
//!
//! This crate turns [`Outcome`](canvass_model::Outcome)s into bytes and figures. It asks nobody
//! anything: no socket, no clock, no thread. When a run began by the calendar is an argument
//! ([`Epoch`]), and so is every span of time the summary shows.
//!
//! | to | use |
//! |---|---|
//! | write a line for each target | [`LineSink`] with a [`Format`] |
//! | keep latency, with an interval log | [`LatencyRecorder`], [`IntervalLog`], [`write_percentile_tables`] |
//! | count | [`Tally`], [`balance`] |
//! | read a run's output back | [`read_run`] |
//! | tell a person how it went | [`summary`], [`warnings`] |
//! | tell a person what an error means | [`explain`], [`faults_markdown`] |
//! | show one probe's life | [`trace`] |

mod balance;
mod compare;
mod csv;
mod epoch;
mod explain;
mod fields;
#[cfg(test)]
mod fixture;
mod format;
#[cfg(test)]
mod golden;
mod hgrm;
mod hlog;
mod human;
mod json;
mod latency;
mod ndjson;
mod page;
mod read;
mod resolver_counts;
mod resolvers;
mod run_report;
mod selftest;
mod sink;
mod summary;
mod tally;
mod text;
mod timeline;
mod trace;
mod write;

pub use balance::{BalanceError, balance};
pub use compare::{
    Against, Answers, Block, Comparison, Difference, Ratio, Side, Throughput, comparison_csv,
    comparison_ndjson, comparison_text,
};
pub use csv::{Columns, Csv};
pub use epoch::Epoch;
pub use explain::{Explanation, Kind, explain, faults_markdown, suggestions};
pub use fields::formats_markdown;
pub use format::{Format, FormatError, LineFormat};
pub use hgrm::{path_beside, response_path, write_percentile_table, write_percentile_tables};
pub use hlog::IntervalLog;
pub use latency::{LATENCY_MAX_NS, LatencyRecorder, Measure, Percentiles};
pub use ndjson::Ndjson;
pub use page::{comparison_page, run_page};
pub use read::{BadLines, ReadError, ReadRun, read_run};
pub use resolver_counts::{ResolverCount, ResolverCounts};
pub use run_report::{Origin, RunReport};
pub use selftest::{DelayError, SelfTest, SystemLimits, TimedDelay};
pub use sink::{LineSink, Sink, SinkError};
pub use summary::{SummaryInput, summary, warnings};
pub use tally::{
    CERTIFICATE_DAYS_FEW, Confirmations, EndingCertificates, FaultCount, LATE_START_MIN, Tally,
};
pub use text::Text;
pub use timeline::{Bin, Timeline};
pub use trace::trace;
