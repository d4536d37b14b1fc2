//! Output of outcomes: line formats, latency histograms, summaries and pages.
//!
//! This crate formats and counts [`Outcome`](canvass_model::Outcome)s. It has no sockets, clocks or
//! threads: the start of the run ([`Epoch`]) and every time span in the summary are arguments.
//!
//! | to | use |
//! |---|---|
//! | write a line for each target, or for some | [`LineSink`] with a [`Format`], [`LineFilter`] |
//! | record latency | [`LatencyRecorder`], [`IntervalLog`], [`write_percentile_table`] |
//! | count | [`Tally`], [`balance`] |
//! | name targets on a page | [`NotableTargets`] |
//! | read the output of a run | [`read_run`] |
//! | summarize a run | [`summary`], [`warnings`], [`run_page`] |
//! | explain errors | [`explain`], [`faults_markdown`] |
//! | document the fields of lines | [`formats_markdown`] |
//! | show the timeline of a probe | [`trace`] |

mod balance;
mod compare;
mod csv;
mod epoch;
mod explain;
mod fields;
mod filter;
#[cfg(test)]
mod fixture;
mod format;
#[cfg(test)]
mod golden;
mod hgrm;
mod hlog;
mod http_class;
mod human;
mod json;
mod latency;
mod layout;
mod line_sink;
mod losses;
mod ndjson;
mod notable;
mod page;
mod part;
mod read;
mod resolver_counts;
mod resolvers;
mod run_report;
#[cfg(test)]
mod saved_outcomes;
mod selftest;
mod sink;
mod summary;
mod table;
mod tally;
mod text;
mod theme;
mod timeline;
mod trace;
mod write;

pub use balance::{BalanceError, balance};
pub use compare::{
    Answers, Block, Comparison, Difference, OtherSide, Ratio, Side, Throughput, comparison_csv,
    comparison_ndjson, comparison_text,
};
pub use csv::{Columns, Csv};
pub use epoch::Epoch;
pub use explain::{Explanation, Kind, explain, faults_markdown, suggestions};
pub use fields::formats_markdown;
pub use filter::{LineFilter, StatusPattern, StatusPatternError};
pub use format::{Format, FormatError, LineFormat};
pub use hgrm::{path_beside, write_percentile_table};
pub use hlog::IntervalLog;
pub use latency::{LATENCY_MAX_NS, LatencyRecorder, Measure, Percentiles};
pub use layout::Layout;
pub use line_sink::{LineCount, LineSink};
pub use ndjson::Ndjson;
pub use notable::NotableTargets;
pub use page::{comparison_page, run_page};
pub use part::{Part, PartCounts};
pub use read::{BadLines, ReadError, ReadRun, read_run};
pub use resolver_counts::{ResolverCount, ResolverCounts};
pub use run_report::{Origin, RunReport};
pub use selftest::{DelayError, SelfTest, SystemLimits, TimedDelay};
pub use sink::{Durable, Sink, SinkError};
pub use summary::{RecheckCounts, SummaryInput, summary, warnings};
pub use tally::{
    CERTIFICATE_DAYS_FEW, Confirmations, EndingCertificates, FaultCount, LATE_START_MIN, SeenCount,
    Tally, UnmetCount,
};
pub use text::Text;
pub use timeline::{Bin, Timeline};
pub use trace::trace;
pub use write::target_name;

/// The example of the README is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
