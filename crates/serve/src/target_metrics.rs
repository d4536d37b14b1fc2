//! The metrics of targets: `/metrics/targets`.

use std::fmt;
use std::sync::Arc;

use canvass_model::Phase;
use canvass_sweep::{GroupLatencies, LastResult, State, Watch};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue};

use crate::exposition::{Families, Labels};
use crate::target_row::TargetRow;

/// The metrics of targets. A value that the last round of a target did not find is absent.
///
/// The number of series is bounded by that of the targets: at most 7 each, and one for each phase of
/// its last probe; and for each group one histogram, and one for each phase.
#[derive(Debug)]
pub(crate) struct TargetMetrics {
    rows: Vec<TargetRow>,
    groups: Vec<(Arc<str>, GroupLatencies)>,
}

impl TargetMetrics {
    /// Copies what is needed of the targets in `group`, or of all.
    pub(crate) fn of(watch: &Watch, group: Option<&str>) -> Self {
        let is_asked_for = |name: &str| group.is_none_or(|group| group == name);
        let targets = watch.targets().map(|(_, watched)| watched);
        let groups = watch.latencies().groups();
        Self {
            rows: targets
                .filter(|watched| is_asked_for(&watched.target.group))
                .map(TargetRow::of)
                .collect(),
            groups: groups
                .filter(|(name, _)| is_asked_for(name))
                .map(|(name, latencies)| (Arc::clone(name), latencies.clone()))
                .collect(),
        }
    }

    /// Writes a gauge for each target whose last round has this value.
    fn write_last<V: EncodeGaugeValue>(
        &self,
        families: &mut Families<'_>,
        name: &str,
        help: &str,
        value: impl Fn(&LastResult) -> Option<V>,
    ) -> fmt::Result {
        let series = self
            .rows
            .iter()
            .filter_map(|row| Some((labels(row), value(row.last.as_ref()?)?)));
        families.gauges(name, help, series)
    }
}

fn labels(row: &TargetRow) -> Labels<'_, 3> {
    [
        ("target", &row.key),
        ("group", &row.group),
        ("module", &row.module),
    ]
}

impl Collector for TargetMetrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families(encoder);
        self.write_last(
            &mut families,
            "probe_success",
            "Whether the last probe of the target was a success.",
            |last| Some(u32::from(last.is_success)),
        )?;
        self.write_last(
            &mut families,
            "probe_duration_seconds",
            "How long the last probe took, from its first packet to its end.",
            |last| last.latency.map(|latency| latency.as_secs_f64()),
        )?;
        let spans = self.rows.iter().flat_map(|row| {
            let spans = Phase::TIMED.into_iter().filter_map(|phase| {
                let span = row.last.as_ref()?.phases.span(phase)?;
                Some((phase, span.as_secs_f64()))
            });
            spans.map(|(phase, span_s)| ((labels(row), [("phase", phase.as_str())]), span_s))
        });
        families.gauges(
            "canvass_target_phase_duration_seconds",
            "How long each phase of the last probe took. A phase that was not reached is absent.",
            spans,
        )?;
        self.write_last(
            &mut families,
            "canvass_target_certificate_expiry_timestamp_seconds",
            "When the certificate of the target expires, in seconds since 1970.",
            |last| last.certificate.map(|end| end.not_after_s),
        )?;
        let states = self.rows.iter().flat_map(|row| {
            State::ALL.into_iter().map(|state| {
                let is_in = u32::from(row.state == state);
                ((labels(row), [("state", state.as_str())]), is_in)
            })
        });
        families.gauges(
            "canvass_target_state",
            "The state of the target: 1 for the one that it is in, 0 for the others.",
            states,
        )?;
        let maintained = self.rows.iter().filter(|row| row.in_maintenance);
        families.gauges(
            "canvass_target_in_maintenance",
            "1 for each target whose changes cause no alerts now. Absent for the others.",
            maintained.map(|row| (labels(row), 1_u32)),
        )?;
        families.histograms(
            "canvass_group_probe_duration_seconds",
            "How long the probes of the group took, from the first packet to the end.",
            self.groups
                .iter()
                .map(|(group, latencies)| ([("group", &**group)], latencies.total())),
        )?;
        let phases = self.groups.iter().flat_map(|(group, latencies)| {
            latencies.phases().map(move |(phase, histogram)| {
                ([("group", &**group), ("phase", phase.as_str())], histogram)
            })
        });
        families.histograms(
            "canvass_group_phase_duration_seconds",
            "How long each phase of the probes of the group took, where it was reached.",
            phases,
        )
    }
}
