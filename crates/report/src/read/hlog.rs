//! Reads an interval log.
//!
//! Only logs with the tags of this program can be read: without tags the meaning of the values is
//! unknown. Larger values than the maximum count as the maximum.

use std::collections::BTreeSet;
use std::io::{BufRead, Read};
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use canvass_model::{Phase, Time};
use flate2::read::ZlibDecoder;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{
    IntervalLogHistogram, IntervalLogIterator, LogEntry,
};
use hdrhistogram::serialization::{DeserializeError, Deserializer};

use super::{Counts, LineError, ReadError, Source};
use crate::hlog::SCHEDULED;
use crate::latency::TAGS;
use crate::timeline::Bin;
use crate::write::nanos;
use crate::{LatencyRecorder, Measure, ResolverCounts, Timeline};

/// The first word of a compressed payload (HdrHistogram's V2 encoding).
const COMPRESSED_COOKIE: u32 = 0x1c84_9314;
/// Octets of the header of a compressed payload: cookie and length.
const COMPRESSED_HEAD_BYTES: usize = 8;
/// Octets of the header of a payload.
const HEAD_BYTES: usize = 40;
/// The maximum size of a payload in octets. Ours have at most 9 for each of 33,792 counts.
const PAYLOAD_BYTES_MAX: u64 = 4 << 20;
/// The maximum number of values in an interval. Ours are counted in 32 bits.
const VALUES_MAX: u64 = 1 << 40;
/// The maximum number of pieces that the outcomes of an interval are spread over.
const PIECES_MAX: u64 = 240;

/// Reads all intervals; `None` if none can be read.
pub(super) fn read<R: BufRead>(source: &mut Source<'_, R>) -> Result<Option<Counts>, ReadError> {
    let mut log = Log::default();
    let mut sums: Option<Sums> = None;
    source.each(|text| {
        log.scheduled |= text.strip_prefix(b"#").is_some_and(is_scheduled_comment);
        let Some(entry) = IntervalLogIterator::new(text).next() else {
            return Ok(());
        };
        let entry = entry.map_err(|_| bad("it is neither an interval nor a comment"))?;
        match entry {
            LogEntry::StartTime(since_1970) => log.start = Some(since_1970),
            LogEntry::BaseTime(since_1970) => log.base = Some(since_1970),
            LogEntry::Interval(line) => {
                let interval = log.interval(&line)?;
                let began = if log.zero().is_some() {
                    Time::ZERO
                } else {
                    interval.start
                };
                sums.get_or_insert_with(|| Sums::new(began)).add(&interval);
            }
        }
        Ok(())
    })?;
    Ok(sums.map(|sums| sums.into_counts(&log)))
}

/// The header of a log, and a reader for its payloads.
#[derive(Default)]
struct Log {
    start: Option<Duration>,
    base: Option<Duration>,
    /// Whether response times count from a schedule.
    scheduled: bool,
    payload: Vec<u8>,
}

/// The values of a tag in an interval.
struct Interval {
    probe: usize,
    measure: usize,
    start: Time,
    length_ns: u64,
    values: Histogram<u64>,
}

impl Log {
    /// The base time of the log, since 1970; `None` if it has none.
    fn zero(&self) -> Option<Duration> {
        self.base.or(self.start)
    }

    fn interval(&mut self, line: &IntervalLogHistogram<'_>) -> Result<Interval, LineError> {
        let tag = line.tag().map(|tag| tag.as_str());
        let (probe, measure) = place(tag.unwrap_or_default()).ok_or_else(|| {
            bad(match tag {
                Some(tag) => format!(
                    "its tag {:?} is none of canvass's (ptr.service, http.connect, ...)",
                    tag.chars().take(TAG_CHARS_MAX).collect::<String>()
                ),
                None => "it has no tag; canvass's have one (ptr.service, http.connect, ...)".into(),
            })
        })?;
        let values = self.histogram(line.encoded_histogram()).map_err(bad)?;
        if values.len() > VALUES_MAX {
            return Err(bad("its histogram counts more than a run can"));
        }
        Ok(Interval {
            probe,
            measure,
            start: Time::ZERO + line.start_timestamp(),
            length_ns: nanos(line.duration()),
            values,
        })
    }

    /// Reads a payload, plain or compressed.
    fn histogram(&mut self, encoded: &str) -> Result<Histogram<u64>, String> {
        self.payload.clear();
        let octets = BASE64
            .decode(encoded)
            .map_err(|error| format!("its histogram is no base64: {error}"))?;
        let cookie = octets.first_chunk().copied().map(u32::from_be_bytes);
        if cookie == Some(COMPRESSED_COOKIE) {
            let compressed = octets.get(COMPRESSED_HEAD_BYTES..).unwrap_or_default();
            // Limits decompression bombs.
            ZlibDecoder::new(compressed)
                .take(PAYLOAD_BYTES_MAX)
                .read_to_end(&mut self.payload)
                .map_err(|error| format!("its histogram cannot be decompressed: {error}"))?;
        } else {
            self.payload.extend_from_slice(&octets);
        }
        // The reader allocates what the header announces.
        let announced = self
            .payload
            .get(4..8)
            .and_then(|length| length.try_into().ok());
        let announced = announced.map_or(0, u32::from_be_bytes) as usize;
        if self.payload.len() < HEAD_BYTES + announced {
            return Err("its histogram is cut off, or too large".to_owned());
        }
        Deserializer::new()
            .deserialize(&mut &self.payload[..])
            .map_err(|error: DeserializeError| format!("its histogram cannot be read: {error}"))
    }
}

fn is_scheduled_comment(comment: &[u8]) -> bool {
    comment.trim_ascii() == SCHEDULED.as_bytes()
}

/// The maximum number of characters shown of a tag.
const TAG_CHARS_MAX: usize = 40;

/// The indices of the probe and the measure of a tag.
fn place(tag: &str) -> Option<(usize, usize)> {
    TAGS.iter().enumerate().find_map(|(probe, tags)| {
        let measure = tags.iter().position(|known| *known == tag)?;
        Some((probe, measure))
    })
}

fn bad(reason: impl Into<String>) -> LineError {
    LineError::Bad(reason.into())
}

/// The counts of the intervals so far.
struct Sums {
    latency: LatencyRecorder,
    timeline: Timeline,
    probes: BTreeSet<&'static str>,
    began: Time,
    ended: Time,
}

impl Sums {
    fn new(began: Time) -> Self {
        Self {
            latency: LatencyRecorder::new(),
            timeline: Timeline::new(began),
            probes: BTreeSet::new(),
            began,
            ended: began,
        }
    }

    fn add(&mut self, interval: &Interval) {
        self.latency
            .add(interval.probe, interval.measure, &interval.values);
        let tag = TAGS[interval.probe][interval.measure];
        let (probe, measure) = tag.split_once('.').unwrap_or_default();
        self.probes.insert(probe);
        self.ended = self
            .ended
            .max(interval.start.plus_nanos(interval.length_ns));
        let phase = measure.parse::<Phase>().ok().and_then(Phase::index);
        if phase.is_some() || interval.measure == Measure::Response as usize {
            self.spread(interval, phase);
        }
    }

    /// Spreads the outcomes of an interval evenly over it, so that they do not look like a burst.
    ///
    /// `phase` is the index of the phase that was measured, if it was one; otherwise each value is
    /// an outcome.
    fn spread(&mut self, interval: &Interval, phase: Option<usize>) {
        let count = interval.values.len();
        let sum_ns = (interval.values.mean() * count as f64) as u64;
        let width_ns = nanos(self.timeline.width());
        let pieces = interval.length_ns.div_ceil(width_ns).clamp(1, PIECES_MAX);
        for piece in 0..pieces {
            let mut bin = Bin::default();
            let counted = share(count, piece, pieces);
            match phase {
                Some(phase) => bin.phases_ns[phase] = (share(sum_ns, piece, pieces), counted),
                None => bin.ended = counted,
            }
            let offset_ns = share_before(interval.length_ns, piece, pieces);
            self.timeline
                .add(interval.start.plus_nanos(offset_ns), &bin);
        }
    }

    fn into_counts(mut self, log: &Log) -> Counts {
        if log.scheduled {
            self.latency.set_scheduled();
        }
        Counts {
            tally: None,
            latency: self.latency,
            timeline: self.timeline,
            resolvers: ResolverCounts::default(),
            notable: None,
            probes: self.probes,
            began: log
                .zero()
                .and_then(|since_1970| UNIX_EPOCH.checked_add(since_1970)),
            wall: self.ended - self.began,
        }
    }
}

/// The share of `all` in the pieces before this one.
fn share_before(all: u64, piece: u64, pieces: u64) -> u64 {
    (u128::from(all) * u128::from(piece) / u128::from(pieces)) as u64
}

/// The share of `all` in this piece.
fn share(all: u64, piece: u64, pieces: u64) -> u64 {
    share_before(all, piece + 1, pieces) - share_before(all, piece, pieces)
}
