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
//! | tell a person how it went | [`summary`] |

mod balance;
mod csv;
mod epoch;
#[cfg(test)]
mod fixture;
mod format;
mod hgrm;
mod hlog;
mod latency;
mod ndjson;
mod sink;
mod summary;
mod tally;
mod text;
mod write;

pub use balance::{BalanceError, balance};
pub use csv::Csv;
pub use epoch::Epoch;
pub use format::{Format, FormatError, LineFormat};
pub use hgrm::{response_path, write_percentile_table, write_percentile_tables};
pub use hlog::IntervalLog;
pub use latency::{LATENCY_MAX_NS, LatencyRecorder, Measure, Percentiles};
pub use ndjson::Ndjson;
pub use sink::{LineSink, Sink, SinkError};
pub use summary::{SummaryInput, summary};
pub use tally::{Confirmations, Tally};
pub use text::Text;
