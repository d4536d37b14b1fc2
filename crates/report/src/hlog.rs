//! HdrHistogram interval logs: latency per second.
//!
//! The format is HdrHistogram's log version 1.3 with V2 compressed payloads, which the readers of
//! other languages and plotters support. All values, including `Interval_Max`, are nanoseconds. An
//! interval has a line for each tag with values, and none if no outcome ended in it. Shards deliver
//! outcomes in batches, so a few may arrive after their interval has been written; they are counted
//! in the open one.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use canvass_model::{Outcome, Time};
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{
    IntervalLogWriterBuilder, IntervalLogWriterError, Tag,
};

use crate::latency::{Histograms, Spans, TAGS, add_steps, count, histogram, measured};
use crate::write::nanos;
use crate::{Durable, Epoch, Part, Sink, SinkError};

/// The names of the columns, after the header comments. Programs skip this line.
const LEGEND: &str =
    "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"";

/// The comment in the header of a log whose response times are those of a schedule.
pub(crate) const SCHEDULED: &str = "[response times count from the schedule of --rate]";

/// Writes an interval log.
pub struct IntervalLog {
    writer: Box<dyn Write + Send>,
    path: Box<str>,
    serializer: V2DeflateSerializer,
    interval_ns: u64,
    /// The latest interval. An outcome that ended earlier counts in it or in a later one.
    latest: u64,
    /// The open interval, and the end of the last outcome in it.
    open: Option<(u64, Time)>,
    /// 32 bits are enough to count the outcomes of a second.
    probes: Histograms<u32>,
}

impl IntervalLog {
    /// Creates the file `path` and writes the header. `interval` is usually one second; under a
    /// millisecond, which the log's timestamps do not show, it is one millisecond. `scheduled` is
    /// whether targets have times on a schedule, which the log then says.
    ///
    /// # Errors
    /// The file could not be created or written.
    pub fn create(
        path: &Path,
        epoch: Epoch,
        interval: Duration,
        scheduled: bool,
    ) -> Result<Self, SinkError> {
        let name = path.display().to_string();
        let file = File::create(path).map_err(|error| SinkError::new(&name, error))?;
        let writer = Box::new(BufWriter::new(file));
        Self::new(writer, name, epoch, interval, scheduled)
    }

    /// Like [`create`](Self::create), to any writer. `path` is its name in errors.
    ///
    /// # Errors
    /// The header could not be written.
    pub fn new(
        writer: Box<dyn Write + Send>,
        path: impl Into<Box<str>>,
        epoch: Epoch,
        interval: Duration,
        scheduled: bool,
    ) -> Result<Self, SinkError> {
        let mut log = Self::continued(writer, path, interval);
        match log.write_header(epoch, scheduled) {
            Ok(()) => Ok(log),
            Err(error) => Err(SinkError::new(&log.path, error)),
        }
    }

    /// Goes on with the log of an earlier run, which has the header.
    pub fn continued(
        writer: Box<dyn Write + Send>,
        path: impl Into<Box<str>>,
        interval: Duration,
    ) -> Self {
        Self {
            writer,
            path: path.into(),
            serializer: V2DeflateSerializer::new(),
            interval_ns: nanos(interval).max(1_000_000),
            latest: 0,
            open: None,
            probes: Histograms::default(),
        }
    }

    /// Writes the open interval, as long as it is, so that the log has every outcome. What follows in the
    /// same interval has a line of its own, with the same start.
    ///
    /// # Errors
    /// As for [`Sink::flush`].
    pub fn checkpoint(&mut self) -> Result<(), SinkError> {
        if let Some((open, last)) = self.open.take() {
            let start_ns = open * self.interval_ns;
            let length_ns = last.nanos_since(Time::from_nanos(start_ns));
            self.write_interval(start_ns, length_ns.max(1_000_000))?;
        }
        self.flush().map(drop)
    }

    fn write_header(&mut self, epoch: Epoch, scheduled: bool) -> io::Result<()> {
        let mut header = IntervalLogWriterBuilder::new();
        header
            .add_comment("[Histogram log format version 1.3]")
            .add_comment("[values are nanoseconds, tags are probe.measure]");
        if scheduled {
            header.add_comment(SCHEDULED);
        }
        header
            .with_start_time(epoch.wall)
            .with_base_time(epoch.wall)
            .begin_log_with(&mut self.writer, &mut self.serializer)?;
        writeln!(self.writer, "{LEGEND}")
    }

    /// Counts the spans of an outcome of `probe` that ended at `finished`.
    fn count(&mut self, probe: usize, spans: &Spans, finished: Time) -> Result<(), SinkError> {
        self.open_at(finished)?;
        count(&mut self.probes[probe], spans);
        Ok(())
    }

    /// Opens the interval of `finished`, or leaves the open one if that is later.
    fn open_at(&mut self, finished: Time) -> Result<(), SinkError> {
        let interval = self.latest.max(finished.as_nanos() / self.interval_ns);
        self.latest = interval;
        match &mut self.open {
            Some((open, last)) if interval <= *open => *last = finished.max(*last),
            Some((open, _)) => {
                let length_ns = self.interval_ns;
                let start_ns = *open * length_ns;
                self.write_interval(start_ns, length_ns)?;
                self.open = Some((interval, finished));
            }
            None => self.open = Some((interval, finished)),
        }
        Ok(())
    }

    /// Writes a line for each tag that has values, and clears the histograms.
    fn write_interval(&mut self, start_ns: u64, length_ns: u64) -> Result<(), SinkError> {
        // This writer writes no header of its own.
        let mut lines = IntervalLogWriterBuilder::new()
            .begin_log_with(&mut self.writer, &mut self.serializer)
            .map_err(|error| SinkError::new(&self.path, error))?;
        for (histograms, tags) in self.probes.iter_mut().zip(TAGS) {
            for (histogram, tag) in histograms.iter_mut().zip(tags) {
                let Some(histogram) = histogram.as_mut().filter(|counted| !counted.is_empty())
                else {
                    continue;
                };
                lines
                    .write_histogram(
                        histogram,
                        Duration::from_nanos(start_ns),
                        Duration::from_nanos(length_ns),
                        Tag::new(tag),
                    )
                    .map_err(|error| SinkError::new(&self.path, into_io(error)))?;
                histogram.reset();
            }
        }
        Ok(())
    }
}

impl Sink for IntervalLog {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        outcomes
            .iter()
            .filter_map(|outcome| Some((measured(outcome)?, outcome.finished)))
            .try_for_each(|((probe, spans), finished)| self.count(probe, &spans, finished))
    }

    /// What the part has counts as ended when it was received.
    fn merge(&mut self, part: &Part) -> Result<(), SinkError> {
        self.open_at(part.at)?;
        for (kept, added) in self.probes.iter_mut().zip(part.counts.latency.histograms()) {
            for (kept, added) in kept.iter_mut().zip(added) {
                if let Some(added) = added {
                    add_steps(kept.get_or_insert_with(histogram), added);
                }
            }
        }
        Ok(())
    }

    /// Passes on the intervals that are over. The open one is still in memory, but no run can take
    /// its histograms up again, so none has to wait for them.
    fn flush(&mut self) -> Result<Durable, SinkError> {
        self.writer
            .flush()
            .map_err(|error| SinkError::new(&self.path, error))?;
        Ok(Durable::All)
    }

    /// Writes the open interval, as long as it was, and passes everything on.
    fn finish(&mut self) -> Result<(), SinkError> {
        self.checkpoint()
    }
}

fn into_io<E: std::error::Error + Send + Sync + 'static>(
    error: IntervalLogWriterError<E>,
) -> io::Error {
    match error {
        IntervalLogWriterError::IoError(error) => error,
        IntervalLogWriterError::SerializeError(error) => io::Error::other(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LatencyRecorder, Measure, fixture};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use canvass_model::Outcome;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    fn ended_at(mut outcome: Outcome, finished_ms: u64) -> Outcome {
        outcome.finished = Time::from_nanos(finished_ms * 1_000_000);
        outcome
    }

    fn log_of(outcomes: &[Outcome]) -> (String, LatencyRecorder) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.hlog");
        let mut log =
            IntervalLog::create(&path, fixture::epoch(), Duration::from_secs(1), false).unwrap();
        log.record(outcomes).unwrap();
        log.finish().unwrap();
        let mut latency = LatencyRecorder::new();
        outcomes.iter().for_each(|outcome| latency.record(outcome));
        (std::fs::read_to_string(path).unwrap(), latency)
    }

    /// Tag, start and length in milliseconds, histogram.
    fn intervals(text: &str) -> Vec<(String, u128, u128, Histogram<u64>)> {
        IntervalLogIterator::new(text.as_bytes())
            .filter_map(|entry| match entry.unwrap() {
                LogEntry::Interval(line) => {
                    let payload = BASE64.decode(line.encoded_histogram()).unwrap();
                    Some((
                        line.tag().unwrap().as_str().to_owned(),
                        line.start_timestamp().as_millis(),
                        line.duration().as_millis(),
                        Deserializer::new().deserialize(&mut &payload[..]).unwrap(),
                    ))
                }
                LogEntry::StartTime(_) | LogEntry::BaseTime(_) => None,
            })
            .collect()
    }

    #[test]
    fn the_header_has_what_readers_look_for() {
        let (text, _) = log_of(&[]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "#[Histogram log format version 1.3]");
        assert_eq!(
            lines[2],
            "#[StartTime: 1767323045.123 (seconds since epoch)]"
        );
        assert_eq!(
            lines[3],
            "#[BaseTime: 1767323045.123 (seconds since epoch)]"
        );
        assert_eq!(lines[4], LEGEND);
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn a_line_for_each_tag_and_interval_reads_back() {
        let (text, latency) = log_of(&[
            ended_at(fixture::ptr_answered(), 400),
            ended_at(fixture::ptr_answered(), 999),
            ended_at(fixture::ptr_answered(), 1000),
            // Late by a moment: the first interval is written already.
            ended_at(fixture::ptr_answered(), 998),
            ended_at(fixture::dns_answered(), 5250),
        ]);
        assert!(text.contains("Tag=ptr.service,0.000,1.000,"), "{text}");
        assert!(text.contains(",HISTFAAAA"), "{text}");
        let read = intervals(&text);
        let actual: Vec<(&str, u128, u128, u64)> = read
            .iter()
            .map(|(tag, start, length, histogram)| (&**tag, *start, *length, histogram.len()))
            .collect();
        let mut expected = Vec::new();
        for (tags, start, length, count) in [
            (TAGS[0], 0, 1000, 2),
            (TAGS[0], 1000, 1000, 2),
            (TAGS[1], 5000, 250, 1),
        ] {
            // What these two probes have of the measures.
            expected.extend(tags[..4].iter().map(|tag| (*tag, start, length, count)));
        }
        assert_eq!(actual, expected);
        let mut sum = histogram::<u64>();
        for (_, _, _, histogram) in read.iter().filter(|line| line.0.ends_with(".response")) {
            sum.add(histogram).unwrap();
        }
        assert_eq!(sum, *latency.distribution(Measure::Response));
    }

    #[test]
    fn a_phase_that_was_not_reached_has_no_line() {
        let (text, _) = log_of(&[fixture::local_failure()]);
        let tags: Vec<String> = intervals(&text).into_iter().map(|line| line.0).collect();
        assert_eq!(tags, ["ptr.response"]);
    }

    #[test]
    fn probes_of_hosts_have_tags_for_their_phases() {
        let (text, _) = log_of(&[fixture::http_answered()]);
        let tags: Vec<String> = intervals(&text).into_iter().map(|line| line.0).collect();
        assert_eq!(
            tags,
            [
                "http.service",
                "http.response",
                "http.wait",
                "http.connect",
                "http.first_byte",
                "http.transfer"
            ]
        );
    }

    #[test]
    fn a_long_gap_costs_nothing() {
        let (text, _) = log_of(&[
            ended_at(fixture::ptr_answered(), 1),
            ended_at(fixture::ptr_answered(), 30 * 86_400_000),
        ]);
        assert_eq!(intervals(&text).len(), 2 * 4);
    }

    #[test]
    fn a_file_that_cannot_be_made_is_named() {
        let path = Path::new("/nowhere/run.hlog");
        let error = IntervalLog::create(path, fixture::epoch(), Duration::from_secs(1), false)
            .err()
            .unwrap();
        assert!(
            error
                .to_string()
                .starts_with("cannot write /nowhere/run.hlog"),
            "{error}"
        );
    }
}
