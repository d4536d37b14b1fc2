//! Latency over a whole run, in histograms of a fixed size.
//!
//! All outcomes count, including timeouts and other failures: without the slow ones a bad run would
//! look fast. Invalid targets do not count. If nothing was sent, there is a response time but no
//! service time.
//!
//! A histogram ranges from 1 ns to an hour with three significant digits: 33 buckets of 1,024 counts,
//! 264 KiB with `u64` counts, and 132 KiB more with an interval log, which has `u32` counts. There is
//! one for each measure of a probe that has values, at most eight per probe: 3.1 MiB. None of them
//! grows.

mod merge;
mod saved;

use std::borrow::Cow;
use std::time::Duration;

use canvass_model::{Outcome, Phase, ProbeSpec, Status};
use hdrhistogram::Histogram;

use crate::write::nanos;

pub(crate) use merge::add_steps;

/// The maximum latency in nanoseconds: an hour. Longer ones count as an hour.
pub const LATENCY_MAX_NS: u64 = 3_600_000_000_000;
/// Significant decimal digits of a value.
const SIGNIFICANT_DIGITS: u8 = 3;

/// What is measured of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// From the first send to the end.
    Service,
    /// From when the target was due to the end.
    Response,
    /// The phase `wait`.
    Wait,
    /// The phase `dns`.
    Dns,
    /// The phase `resolve`.
    Resolve,
    /// The phase `connect`.
    Connect,
    /// The phase `tls`.
    Tls,
    /// The phase `first_byte`.
    FirstByte,
    /// The phase `transfer`.
    Transfer,
}

impl Measure {
    /// The phases of `http`, `tcp` and `udp`.
    pub const HOST_PHASES: [Self; 6] = [
        Self::Wait,
        Self::Resolve,
        Self::Connect,
        Self::Tls,
        Self::FirstByte,
        Self::Transfer,
    ];
    /// All phases, in the order of a run that has probes of every kind.
    pub const PHASES: [Self; 7] = [
        Self::Wait,
        Self::Dns,
        Self::Resolve,
        Self::Connect,
        Self::Tls,
        Self::FirstByte,
        Self::Transfer,
    ];
    pub(crate) const ALL: [Self; MEASURES] = [
        Self::Service,
        Self::Response,
        Self::Wait,
        Self::Dns,
        Self::Resolve,
        Self::Connect,
        Self::Tls,
        Self::FirstByte,
        Self::Transfer,
    ];

    /// Its name in tags and in the summary.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Response => "response",
            Self::Wait => Phase::Wait.as_str(),
            Self::Dns => Phase::Dns.as_str(),
            Self::Resolve => Phase::Resolve.as_str(),
            Self::Connect => Phase::Connect.as_str(),
            Self::Tls => Phase::Tls.as_str(),
            Self::FirstByte => Phase::FirstByte.as_str(),
            Self::Transfer => Phase::Transfer.as_str(),
        }
    }

    fn of(self, outcome: &Outcome) -> Option<Duration> {
        let phase = match self {
            Self::Service => return outcome.latency(),
            Self::Response => return Some(outcome.response()),
            Self::Wait => Phase::Wait,
            Self::Dns => Phase::Dns,
            Self::Resolve => Phase::Resolve,
            Self::Connect => Phase::Connect,
            Self::Tls => Phase::Tls,
            Self::FirstByte => Phase::FirstByte,
            Self::Transfer => Phase::Transfer,
        };
        outcome.phases.span(phase)
    }
}

/// The number of measures.
pub(crate) const MEASURES: usize = 9;
/// The number of probes.
pub(crate) const PROBES: usize = 5;

macro_rules! tags {
    ($($probe:literal)*) => {
        [$([
            concat!($probe, ".service"),
            concat!($probe, ".response"),
            concat!($probe, ".wait"),
            concat!($probe, ".dns"),
            concat!($probe, ".resolve"),
            concat!($probe, ".connect"),
            concat!($probe, ".tls"),
            concat!($probe, ".first_byte"),
            concat!($probe, ".transfer"),
        ]),*]
    };
}

/// The tags of an interval log, by probe and measure.
pub(crate) const TAGS: [[&str; MEASURES]; PROBES] = tags!["ptr" "dns" "http" "tcp" "udp"];

/// A histogram for each probe and measure that has values.
pub(crate) type Histograms<C> = [[Option<Histogram<C>>; MEASURES]; PROBES];

/// The spans of an outcome in nanoseconds, by measure.
pub(crate) type Spans = [Option<u64>; MEASURES];

/// The percentiles in the summary, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// The median.
    pub p50_ns: u64,
    /// The 90th percentile.
    pub p90_ns: u64,
    /// The 95th percentile.
    pub p95_ns: u64,
    /// The 99th percentile.
    pub p99_ns: u64,
    /// The 99.9th percentile.
    pub p99_9_ns: u64,
    /// The maximum.
    pub max_ns: u64,
}

impl Percentiles {
    /// The names of the percentiles, in the order of [`values_ns`](Self::values_ns).
    pub(crate) const NAMES: [&str; 6] = ["p50", "p90", "p95", "p99", "p99.9", "max"];

    /// The percentiles of `distribution`, which has nanoseconds; `None` if it is empty.
    pub fn of(distribution: &Histogram<u64>) -> Option<Self> {
        (!distribution.is_empty()).then(|| Self {
            p50_ns: distribution.value_at_quantile(0.5),
            p90_ns: distribution.value_at_quantile(0.9),
            p95_ns: distribution.value_at_quantile(0.95),
            p99_ns: distribution.value_at_quantile(0.99),
            p99_9_ns: distribution.value_at_quantile(0.999),
            max_ns: distribution.max(),
        })
    }

    /// All values, in ascending order.
    pub(crate) fn values_ns(&self) -> [u64; 6] {
        [
            self.p50_ns,
            self.p90_ns,
            self.p95_ns,
            self.p99_ns,
            self.p99_9_ns,
            self.max_ns,
        ]
    }
}

/// Records the latency of outcomes.
#[derive(Clone, Default)]
pub struct LatencyRecorder {
    probes: Histograms<u64>,
    scheduled: bool,
}

impl LatencyRecorder {
    /// A recorder that has counted nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one outcome.
    pub fn record(&mut self, outcome: &Outcome) {
        if let Some((probe, spans)) = measured(outcome) {
            self.scheduled |= outcome.job.due.is_some();
            count(&mut self.probes[probe], &spans);
        }
    }

    /// Forgets what was counted, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.scheduled = false;
        let histograms = self.probes.iter_mut().flatten().flatten();
        histograms.for_each(Histogram::reset);
    }

    /// The histograms that have values.
    pub(crate) fn histograms(&self) -> &Histograms<u64> {
        &self.probes
    }

    /// Whether any outcome had a time on a schedule, so that its response time says whether the
    /// schedule was kept.
    pub(crate) fn is_scheduled(&self) -> bool {
        self.scheduled
    }

    /// Takes note that outcomes that were counted elsewhere had times on a schedule.
    pub(crate) fn set_scheduled(&mut self) {
        self.scheduled = true;
    }

    /// The measures of whole outcomes that say something: response time only if there was a schedule, or
    /// if nothing was sent.
    pub(crate) fn whole_measures(&self) -> &'static [Measure] {
        match (
            self.scheduled,
            self.distribution(Measure::Service).is_empty(),
        ) {
            (true, _) => &[Measure::Service, Measure::Response],
            (false, false) => &[Measure::Service],
            (false, true) => &[Measure::Response],
        }
    }

    /// The distribution of `measure` over all probes.
    pub fn distribution(&self, measure: Measure) -> Cow<'_, Histogram<u64>> {
        let mut kept = self
            .probes
            .iter()
            .filter_map(|measures| measures[measure as usize].as_ref());
        let Some(first) = kept.next() else {
            return Cow::Owned(histogram());
        };
        kept.fold(Cow::Borrowed(first), |mut sum, other| {
            sum.to_mut().add(other).expect("both have the same bounds");
            sum
        })
    }

    /// The percentiles of `measure` over all probes; `None` where nothing was counted.
    pub fn percentiles(&self, measure: Measure) -> Option<Percentiles> {
        Percentiles::of(&self.distribution(measure))
    }
}

/// An empty histogram with the bounds every one here has.
pub(crate) fn histogram<C: hdrhistogram::Counter>() -> Histogram<C> {
    Histogram::new_with_bounds(1, LATENCY_MAX_NS, SIGNIFICANT_DIGITS)
        .expect("the bounds are constant and valid")
}

/// Counts the spans of one outcome.
pub(crate) fn count<C: hdrhistogram::Counter>(
    measures: &mut [Option<Histogram<C>>; MEASURES],
    spans: &Spans,
) {
    for (measure, span) in measures.iter_mut().zip(spans) {
        if let Some(span) = *span {
            measure
                .get_or_insert_with(histogram)
                .saturating_record(span);
        }
    }
}

/// The probe of an outcome and how long it took, by measure; `None` for a target that was never
/// asked.
pub(crate) fn measured(outcome: &Outcome) -> Option<(usize, Spans)> {
    (outcome.status != Status::Invalid).then(|| (probe_index(outcome.job.spec), spans(outcome)))
}

fn probe_index(spec: ProbeSpec) -> usize {
    match spec {
        ProbeSpec::Ptr { .. } => 0,
        ProbeSpec::Dns { .. } => 1,
        ProbeSpec::Http { .. } => 2,
        ProbeSpec::Tcp { .. } => 3,
        ProbeSpec::Udp { .. } => 4,
    }
}

/// In the order of [`Measure`] and [`TAGS`].
fn spans(outcome: &Outcome) -> Spans {
    Measure::ALL.map(|measure| measure.of(outcome).map(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use canvass_model::Time;
    use proptest::prelude::*;

    #[test]
    fn every_probe_counts_for_the_distribution() {
        let mut latency = LatencyRecorder::new();
        let outcome = fixture::ptr_negative();
        latency.record(&outcome);
        latency.record(&fixture::dns_answered());
        for (measure, longest_ns) in [
            (Measure::Service, 200_000_001),
            (Measure::Response, 200_000_001),
            (Measure::Wait, 100_000_000),
            (Measure::Dns, 100_000_001),
        ] {
            let distribution = latency.distribution(measure);
            assert_eq!(distribution.len(), 2);
            assert!(
                distribution.equivalent(distribution.max(), longest_ns),
                "{measure:?}"
            );
        }
        assert!(latency.distribution(Measure::Connect).is_empty());
    }

    #[test]
    fn tags_and_places_are_those_of_probes_and_measures() {
        for (outcome, probe) in [
            (fixture::ptr_answered(), 0),
            (fixture::dns_answered(), 1),
            (fixture::http_answered(), 2),
            (fixture::tcp_matched(), 3),
            (fixture::udp_replies(), 4),
        ] {
            let spec = outcome.job.spec;
            assert_eq!(probe_index(spec), probe);
            let tags = Measure::ALL.map(|measure| format!("{}.{}", spec.probe(), measure.as_str()));
            assert_eq!(TAGS[probe].to_vec(), tags);
        }
        for (index, measure) in Measure::ALL.into_iter().enumerate() {
            assert_eq!(measure as usize, index);
        }
    }

    #[test]
    fn the_phases_of_a_probe_of_hosts_are_kept_apart() {
        let mut latency = LatencyRecorder::new();
        for outcome in [
            fixture::http_redirected(90),
            fixture::tcp_matched(),
            fixture::udp_replies(),
        ] {
            latency.record(&outcome);
        }
        let counts = Measure::ALL.map(|measure| latency.distribution(measure).len());
        assert_eq!(counts, [3, 3, 3, 0, 1, 2, 1, 3, 3]);
        let tls = latency.percentiles(Measure::Tls).unwrap();
        assert!(tls.max_ns.abs_diff(3_000_000) <= 3_000);
    }

    #[test]
    fn failures_count_and_what_was_never_asked_does_not() {
        let mut latency = LatencyRecorder::new();
        assert_eq!(latency.percentiles(Measure::Service), None);
        for outcome in [
            fixture::ptr_timeout(),
            fixture::local_failure(),
            fixture::invalid(ProbeSpec::Ptr {
                forward_confirm: false,
            }),
        ] {
            latency.record(&outcome);
        }
        let counts = Measure::ALL.map(|measure| latency.distribution(measure).len());
        assert_eq!(counts, [1, 2, 1, 1, 0, 0, 0, 0, 0]);
        let service = latency.percentiles(Measure::Service).unwrap();
        assert!(service.p50_ns.abs_diff(10_000_000_000) <= 10_000_000);
    }

    #[test]
    fn what_takes_longer_than_an_hour_counts_as_an_hour_or_the_end_of_its_bucket() {
        let mut latency = LatencyRecorder::new();
        let mut outcome = fixture::ptr_answered();
        outcome.finished = Time::MAX;
        latency.record(&outcome);
        let max_ns = latency.percentiles(Measure::Response).unwrap().max_ns;
        assert!((LATENCY_MAX_NS..LATENCY_MAX_NS + LATENCY_MAX_NS / 500).contains(&max_ns));
    }

    #[test]
    fn the_histograms_of_one_probe_stay_under_four_mebibytes() {
        let mut latency = LatencyRecorder::new();
        latency.record(&fixture::http_redirected(90));
        let kept = latency.probes.iter().flatten().flatten().count();
        assert_eq!(kept, 8);
        let counts = histogram::<u64>().distinct_values();
        assert_eq!(counts, 33 * 1024);
        let bytes = kept * counts * (size_of::<u64>() + size_of::<u32>());
        assert!(bytes < 4 << 20, "{bytes}");
    }

    proptest! {
        #[test]
        fn percentiles_agree_with_a_sort(mut spans_ns in prop::collection::vec(
            prop_oneof![0..1_000_000_u64, 0..20_000_000_000_u64], 1..300))
        {
            let mut latency = LatencyRecorder::new();
            for &span_ns in &spans_ns {
                let mut outcome = fixture::ptr_answered();
                outcome.finished = outcome.due.plus_nanos(span_ns);
                latency.record(&outcome);
            }
            spans_ns.sort_unstable();
            let read = latency.percentiles(Measure::Response).unwrap();
            for (per_mille, value_ns) in [
                (500, read.p50_ns), (900, read.p90_ns), (950, read.p95_ns),
                (990, read.p99_ns), (999, read.p99_9_ns), (1000, read.max_ns),
            ] {
                let rank = (spans_ns.len() * per_mille).div_ceil(1000);
                let exact_ns = spans_ns[rank - 1];
                prop_assert!(
                    value_ns.abs_diff(exact_ns) <= exact_ns / 1000 + 1,
                    "{} per mille: {} for {}", per_mille, value_ns, exact_ns
                );
            }
        }
    }
}
