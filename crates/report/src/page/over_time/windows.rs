//! What the windows of all shards allowed and what was in flight, over time.

use std::fmt;

use canvass_model::{LoopSample, ShardReport, Time};

use super::super::chart::{LegendEntry, Step};
use super::super::scale::{Axis, Scale};
use super::super::table::{Column, Table};
use super::super::text::{count_tick, grouped, per_second, since_start};

/// The maximum number of points in time.
const MOMENTS_MAX: usize = 256;

/// The sums over all shards at points in time.
pub(in crate::page) struct WindowSteps {
    moments: Vec<LoopSample>,
    origin: Time,
}

/// A chart.
pub(super) struct Panel<'a> {
    /// Its name.
    pub(super) name: &'static str,
    /// Its vertical axis.
    pub(super) y: Axis,
    /// Its lines.
    pub(super) lines: Vec<Line<'a>>,
}

/// A line of a chart.
pub(super) struct Line<'a> {
    name: &'static str,
    /// Its classes in `page.css`.
    pub(super) class: &'static str,
    windows: &'a WindowSteps,
    value: fn(&LoopSample) -> f64,
}

impl WindowSteps {
    /// Adds up the samples of `shards`. Each sample holds until the next one of its shard.
    pub(in crate::page) fn of(shards: &[ShardReport], origin: Time) -> Self {
        let mut times: Vec<Time> = shards
            .iter()
            .flat_map(|shard| &shard.samples)
            .map(|sample| sample.at)
            .collect();
        times.sort_unstable();
        times.dedup();
        let every = times.len().div_ceil(MOMENTS_MAX).max(1);
        let moments = times
            .into_iter()
            .step_by(every)
            .map(|at| sum_at(shards, at))
            .collect();
        Self { moments, origin }
    }

    /// Whether there are no samples.
    pub(in crate::page) fn is_empty(&self) -> bool {
        self.moments.is_empty()
    }

    /// Whether there was a window: without resolvers there is none.
    pub(in crate::page) fn has_windows(&self) -> bool {
        self.moments.iter().any(|moment| moment.window > 0)
    }

    /// The time of the last sample, in nanoseconds.
    pub(super) fn end_ns(&self) -> f64 {
        let last = self.moments.last().map(|moment| moment.at);
        last.map_or(0.0, |at| at.nanos_since(self.origin) as f64)
    }

    /// The charts that have values.
    pub(super) fn panels(&self) -> Vec<Panel<'_>> {
        if self.is_empty() {
            return Vec::new();
        }
        let line = |name, class, value| Line {
            name,
            class,
            windows: self,
            value,
        };
        let in_flight_line = line("jobs in flight", "s0", |moment| moment.in_flight as f64);
        if !self.has_windows() {
            return vec![Panel::new("jobs in flight", vec![in_flight_line])];
        }
        let allowed = line("allowed by the windows", "s1", |moment| {
            moment.window as f64
        });
        let rate = line("queries per second", "s2", |moment| moment.rate_per_second);
        vec![
            Panel::new("in flight", vec![allowed, in_flight_line]),
            Panel::new("queries per second allowed by the windows", vec![rate]),
        ]
    }

    /// Appends the data of the charts as a collapsed table.
    pub(super) fn write_table(&self, out: &mut String) -> fmt::Result {
        if self.is_empty() {
            return Ok(());
        }
        let columns = ["at", "allowed in flight", "in flight", "allowed rate"];
        let mut table = Table::new(columns.map(|name| (name, Column::Number)));
        for moment in &self.moments {
            table.row([
                since_start(moment.at.nanos_since(self.origin)),
                grouped(moment.window),
                grouped(moment.in_flight),
                per_second(moment.rate_per_second),
            ]);
        }
        table.write_folded("Data: windows over time", out)
    }
}

impl<'a> Panel<'a> {
    fn new(name: &'static str, lines: Vec<Line<'a>>) -> Self {
        let highest = lines
            .iter()
            .flat_map(|line| line.windows.moments.iter().map(line.value))
            .fold(0.0, f64::max);
        Self {
            name,
            y: Scale::from_zero(highest).axis(count_tick),
            lines,
        }
    }

    /// Its legend.
    pub(super) fn legend(&self) -> Vec<LegendEntry> {
        self.lines
            .iter()
            .map(|line| LegendEntry {
                class: format!("only {}", line.class),
                name: line.name.to_owned(),
            })
            .collect()
    }
}

impl Line<'_> {
    /// The steps on these axes, up to `end_ns`.
    pub(super) fn steps(&self, x: &Axis, y: &Axis, end_ns: f64) -> Vec<Step> {
        let moments = &self.windows.moments;
        let at = |sample: &LoopSample| sample.at.nanos_since(self.windows.origin) as f64;
        let ends = moments.iter().skip(1).map(at).chain([end_ns]);
        moments
            .iter()
            .zip(ends)
            .map(|(moment, end)| Step {
                from: x.scale.at(at(moment)),
                to: x.scale.at(end),
                height: y.scale.at((self.value)(moment)),
            })
            .collect()
    }
}

fn sum_at(shards: &[ShardReport], at: Time) -> LoopSample {
    let mut sum = LoopSample {
        at,
        ..LoopSample::default()
    };
    for shard in shards {
        let past = shard.samples.partition_point(|sample| sample.at <= at);
        if let Some(sample) = shard.samples[..past].last() {
            sum.rate_per_second += sample.rate_per_second;
            sum.window += sample.window;
            sum.in_flight += sample.in_flight;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(samples: &[(u64, u64)]) -> ShardReport {
        let samples = samples.iter().map(|&(at_ms, window)| LoopSample {
            at: Time::from_nanos(at_ms * 1_000_000),
            rate_per_second: window as f64 * 10.0,
            window,
            in_flight: window / 2,
        });
        ShardReport {
            samples: samples.collect(),
            ..ShardReport::default()
        }
    }

    #[test]
    fn shards_are_added_up_as_steps() {
        let shards = [shard(&[(0, 4), (10, 8)]), shard(&[(5, 100)])];
        let windows = WindowSteps::of(&shards, Time::ZERO);
        let sums: Vec<u64> = windows.moments.iter().map(|moment| moment.window).collect();
        assert_eq!(sums, [4, 104, 108]);
        assert_eq!(windows.end_ns(), 1e7);
    }

    #[test]
    fn many_shards_take_no_more_room_than_a_few() {
        let shards: Vec<ShardReport> = (0..40)
            .map(|shift| {
                let samples: Vec<_> = (0..250).map(|at| (at * 100 + shift, 1 + at)).collect();
                shard(&samples)
            })
            .collect();
        let windows = WindowSteps::of(&shards, Time::ZERO);
        assert!(windows.moments.len() <= MOMENTS_MAX);
        assert!(
            windows
                .moments
                .windows(2)
                .all(|pair| pair[0].at < pair[1].at)
        );
        assert_eq!(WindowSteps::of(&[], Time::ZERO).panels().len(), 0);
    }
}
