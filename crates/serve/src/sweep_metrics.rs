//! The metrics of the process and of the sweep as a whole: `/metrics`.

use std::fmt;

use canvass_model::Verdict;
use canvass_run::Snapshot;
use canvass_sweep::{RoundCounts, State, SweepReader};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::histogram::Histogram;

use crate::exposition::Families;
use crate::probe::Exporter;
use crate::process_metrics;
use crate::reload::Reloader;

/// The metrics of the process and of the sweep as a whole.
#[derive(Debug)]
pub(crate) struct SweepMetrics {
    connections: usize,
    targets: [u32; State::ALL.len()],
    in_maintenance: u32,
    is_cut_off: bool,
    rounds: RoundCounts,
    rounds_under_way: usize,
    opinions_pending: (usize, usize),
    lag: Histogram,
    runs: [RunFigures; 2],
    exporter: Option<Exporter>,
    reloader: Reloader,
}

/// What is shown of one of the two runs of a sweep.
#[derive(Debug)]
struct RunFigures {
    name: &'static str,
    by_verdict: [u64; Verdict::ALL.len()],
    in_flight: u64,
    per_second: f64,
    window: u64,
    allowed_per_second: f64,
}

impl RunFigures {
    fn of(name: &'static str, snapshot: &Snapshot) -> Self {
        Self {
            name,
            by_verdict: Verdict::ALL.map(|verdict| snapshot.tally.verdict(verdict)),
            in_flight: snapshot.in_flight,
            per_second: snapshot.rate_per_second,
            window: snapshot.window(),
            allowed_per_second: snapshot.allowed_per_second(),
        }
    }
}

impl SweepMetrics {
    /// Copies what is needed. `connections` is the number of open connections of the listener.
    pub(crate) fn of(
        sweep: &SweepReader,
        connections: usize,
        exporter: Option<Exporter>,
        reloader: Reloader,
    ) -> Self {
        let runs = [
            RunFigures::of("rounds", &sweep.rounds()),
            RunFigures::of("second_opinions", &sweep.opinions()),
        ];
        sweep.look(|watch| {
            let (mut targets, mut in_maintenance) = ([0; State::ALL.len()], 0);
            for (_, watched) in watch.targets() {
                let state = watched.tracker.state();
                for (count, one) in targets.iter_mut().zip(State::ALL) {
                    *count += u32::from(one == state);
                }
                in_maintenance += u32::from(watched.target.in_maintenance);
            }
            Self {
                connections,
                targets,
                in_maintenance,
                is_cut_off: watch.is_cut_off(),
                rounds: watch.rounds(),
                rounds_under_way: watch.rounds_under_way(),
                opinions_pending: watch.opinions_pending(),
                lag: watch.latencies().lag().clone(),
                runs,
                exporter,
                reloader,
            }
        })
    }

    fn write_rounds(&self, families: &mut Families<'_>) -> fmt::Result {
        families.counters(
            "canvass_rounds",
            "Rounds of targets: begun, skipped since the probe before was still running, or missed \
             since the process was late.",
            [
                ("begun", self.rounds.begun),
                ("skipped", self.rounds.skipped),
                ("missed", self.rounds.missed),
            ]
            .map(|(fate, count)| ([("fate", fate)], count as f64)),
        )?;
        families.gauge(
            "canvass_rounds_under_way",
            "Rounds whose probe has not ended.",
            self.rounds_under_way as f64,
        )?;
        families.histograms(
            "canvass_round_lag_seconds",
            "The time from when a round was due to the first packet of its probe.",
            [([("run", "rounds")], &self.lag)],
        )?;
        let (waiting, under_way) = self.opinions_pending;
        families.gauges(
            "canvass_second_opinions",
            "Second opinions that wait to be taken, and those under way.",
            [("waiting", waiting), ("under_way", under_way)]
                .map(|(stage, count)| ([("stage", stage)], count as f64)),
        )
    }

    fn write_runs(&self, families: &mut Families<'_>) -> fmt::Result {
        let by_verdict = self.runs.iter().flat_map(|run| {
            let counts = Verdict::ALL.into_iter().zip(run.by_verdict);
            counts.map(|(verdict, count)| {
                let labels = [("run", run.name), ("verdict", verdict.as_str())];
                (labels, count as f64)
            })
        });
        families.counters("canvass_probes", "Probes that have ended.", by_verdict)?;
        let mut of_runs = |name: &str, help: &str, value: fn(&RunFigures) -> f64| {
            let series = self
                .runs
                .iter()
                .map(|run| ([("run", run.name)], value(run)));
            families.gauges(name, help, series)
        };
        of_runs(
            "canvass_probes_in_flight",
            "Probes that have not ended.",
            |run| run.in_flight as f64,
        )?;
        of_runs(
            "canvass_probes_per_second",
            "Probes that ended per second of late.",
            |run| run.per_second,
        )?;
        of_runs(
            "canvass_resolver_window",
            "Queries that the windows of the resolvers allow in flight.",
            |run| run.window as f64,
        )?;
        of_runs(
            "canvass_resolver_window_queries_per_second",
            "Queries per second that the windows of the resolvers allow.",
            |run| run.allowed_per_second,
        )
    }
}

impl Collector for SweepMetrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families(encoder);
        families.gauges(
            "canvass_build_info",
            "1, with the version as a label.",
            [([("version", env!("CARGO_PKG_VERSION"))], 1_u32)],
        )?;
        process_metrics::write(&mut families)?;
        families.gauge(
            "canvass_listener_connections",
            "Open connections of the listener.",
            self.connections as f64,
        )?;
        let states = State::ALL.into_iter().zip(self.targets);
        families.gauges(
            "canvass_targets",
            "Targets by state.",
            states.map(|(state, count)| ([("state", state.as_str())], count)),
        )?;
        families.gauge(
            "canvass_targets_in_maintenance",
            "Targets whose changes cause no alerts now.",
            f64::from(self.in_maintenance),
        )?;
        families.gauge(
            "canvass_cut_off",
            "1 while most targets fail at once and none goes down.",
            f64::from(u8::from(self.is_cut_off)),
        )?;
        self.write_rounds(&mut families)?;
        self.write_runs(&mut families)?;
        if let Some(exporter) = &self.exporter {
            exporter.write(&mut families)?;
        }
        self.reloader.write(&mut families)
    }
}
