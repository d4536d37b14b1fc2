//! Counts the outcomes in lines of ndjson.

use std::collections::BTreeSet;
use std::io::BufRead;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use canvass_model::{Outcome, Time};

use super::line::{self, Clock};
use super::{Counts, LineError, ReadError, Source};
use crate::{LatencyRecorder, NotableTargets, ResolverCounts, Tally, Timeline};

const NANOS_PER_S: u128 = 1_000_000_000;

/// Reads all lines; `None` if none can be read.
pub(super) fn read<R: BufRead>(source: &mut Source<'_, R>) -> Result<Option<Counts>, ReadError> {
    let mut counts: Option<LineCounts> = None;
    source.each(|text| {
        let line = line::parse(text).map_err(|reason| {
            if line::is_comparison(text) {
                LineError::Comparison
            } else {
                LineError::Bad(reason)
            }
        })?;
        match &mut counts {
            Some(counts) => counts.record(&line.into_outcome(counts.clock)),
            None => {
                let clock = Clock::starting_with(&line);
                let outcome = line.into_outcome(clock);
                counts
                    .insert(LineCounts::new(clock, outcome.due))
                    .record(&outcome);
            }
        }
        Ok(())
    })?;
    Ok(counts.map(LineCounts::into_counts))
}

/// The counts of the lines so far.
struct LineCounts {
    clock: Clock,
    tally: Tally,
    latency: LatencyRecorder,
    timeline: Timeline,
    resolvers: ResolverCounts,
    notable: NotableTargets,
    probes: BTreeSet<&'static str>,
    /// When the first job was due.
    began: Time,
    /// When the last one ended.
    ended: Time,
}

impl LineCounts {
    fn new(clock: Clock, first_due: Time) -> Self {
        Self {
            clock,
            tally: Tally::default(),
            latency: LatencyRecorder::new(),
            timeline: Timeline::new(first_due),
            resolvers: ResolverCounts::default(),
            notable: NotableTargets::default(),
            probes: BTreeSet::new(),
            began: first_due,
            ended: first_due,
        }
    }

    fn record(&mut self, outcome: &Outcome) {
        self.tally.record(outcome);
        self.latency.record(outcome);
        self.timeline.record(outcome);
        self.resolvers.record(outcome);
        self.notable.record(outcome);
        self.probes.insert(outcome.job.spec.probe());
        self.began = self.began.min(outcome.due);
        self.ended = self.ended.max(outcome.finished);
    }

    fn into_counts(self) -> Counts {
        Counts {
            began: calendar(self.clock.since_1970_ns(self.began)),
            wall: self.ended - self.began,
            tally: Some(self.tally),
            latency: self.latency,
            timeline: self.timeline,
            resolvers: self.resolvers,
            notable: Some(self.notable),
            probes: self.probes,
        }
    }
}

fn calendar(since_1970_ns: i128) -> Option<SystemTime> {
    let span_ns = since_1970_ns.unsigned_abs();
    let seconds = u64::try_from(span_ns / NANOS_PER_S).ok()?;
    let span = Duration::new(seconds, (span_ns % NANOS_PER_S) as u32);
    if since_1970_ns < 0 {
        UNIX_EPOCH.checked_sub(span)
    } else {
        UNIX_EPOCH.checked_add(span)
    }
}
