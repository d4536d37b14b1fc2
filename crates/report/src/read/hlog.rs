//! An interval log, added up.
//!
//! Only logs with this program's tags can be read: without them nobody knows what the values
//! are. Values beyond what is kept here count as the longest that is kept.

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

use super::{Figures, Objection, ReadError, Source};
use crate::latency::TAGS;
use crate::timeline::Bin;
use crate::write::nanos;
use crate::{LatencyRecorder, Measure, ResolverCounts, Timeline};

/// The first word of a compressed payload (HdrHistogram's V2 encoding).
const COMPRESSED_COOKIE: u32 = 0x1c84_9314;
/// Octets of a compressed payload before what is compressed: its cookie and its length.
const COMPRESSED_HEAD_BYTES: usize = 8;
/// Octets of a payload before its counts.
const HEAD_BYTES: usize = 40;
/// Octets a payload may have. Ours have at most 9 for each of 33,792 counts.
const PAYLOAD_BYTES_MAX: u64 = 4 << 20;
/// Values an interval may have. Ours count in 32 bits.
const VALUES_MAX: u64 = 1 << 40;
/// Pieces of an interval that its outcomes are spread over, at most.
const PIECES_MAX: u64 = 240;

/// Reads every interval; `None` where none can be read.
pub(super) fn read<R: BufRead>(source: &mut Source<'_, R>) -> Result<Option<Figures>, ReadError> {
    let mut log = Log::default();
    let mut sums: Option<Sums> = None;
    source.each(|text| {
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
    Ok(sums.map(|sums| sums.into_figures(log.zero())))
}

/// What the head of a log says, and what reads its payloads.
#[derive(Default)]
struct Log {
    start: Option<Duration>,
    base: Option<Duration>,
    payload: Vec<u8>,
}

/// The values of one tag in one span of time.
struct Interval {
    probe: usize,
    measure: usize,
    start: Time,
    length_ns: u64,
    values: Histogram<u64>,
}

impl Log {
    /// When, since 1970, the time of the log was zero; `None` where it does not say.
    fn zero(&self) -> Option<Duration> {
        self.base.or(self.start)
    }

    fn interval(&mut self, line: &IntervalLogHistogram<'_>) -> Result<Interval, Objection> {
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
            // A few octets can become very many.
            ZlibDecoder::new(compressed)
                .take(PAYLOAD_BYTES_MAX)
                .read_to_end(&mut self.payload)
                .map_err(|error| format!("its histogram cannot be decompressed: {error}"))?;
        } else {
            self.payload.extend_from_slice(&octets);
        }
        // The reader makes room for as much as is announced.
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

/// Characters of a tag that are told.
const TAG_CHARS_MAX: usize = 40;

/// The probe and the measure that a tag is for, by place.
fn place(tag: &str) -> Option<(usize, usize)> {
    TAGS.iter().enumerate().find_map(|(probe, tags)| {
        let measure = tags.iter().position(|known| *known == tag)?;
        Some((probe, measure))
    })
}

fn bad(reason: impl Into<String>) -> Objection {
    Objection::Bad(reason.into())
}

/// What the intervals so far come to.
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

    /// Counts what ended in an interval evenly over it: what is not known should not look like
    /// a burst.
    ///
    /// `phase` is the place of the phase that was measured, if it was one; else every value is
    /// an outcome's.
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

    fn into_figures(self, zero: Option<Duration>) -> Figures {
        Figures {
            tally: None,
            latency: self.latency,
            timeline: self.timeline,
            resolvers: ResolverCounts::default(),
            probes: self.probes,
            began: zero.and_then(|since_1970| UNIX_EPOCH.checked_add(since_1970)),
            wall: self.ended - self.began,
        }
    }
}

/// What the pieces before this one have of `all`.
fn share_before(all: u64, piece: u64, pieces: u64) -> u64 {
    (u128::from(all) * u128::from(piece) / u128::from(pieces)) as u64
}

/// What this piece has of `all`.
fn share(all: u64, piece: u64, pieces: u64) -> u64 {
    share_before(all, piece + 1, pieces) - share_before(all, piece, pieces)
}
