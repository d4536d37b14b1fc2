//! What makes a run's own figures weak.

use std::fmt::Write;
use std::time::Duration;

use canvass_model::{Cause, ShardReport};

use super::SummaryInput;
use super::human::{count, seconds};

/// A run shorter than this says nothing about how busy the CPU was.
const BUSY_WALL_MIN: Duration = Duration::from_secs(1);
/// Shards busier than this share of the time were the limit themselves.
const BUSY_SHARE: f64 = 0.9;

/// Appends a line for each reason to doubt the figures.
pub(super) fn write(input: &SummaryInput<'_>, out: &mut String) -> std::fmt::Result {
    let shards = input.shards;
    let sum = |pick: fn(&ShardReport) -> u64| shards.iter().map(pick).sum::<u64>();
    if shards.iter().any(|shard| shard.gave_up) {
        writeln!(
            out,
            "warning: given up, since no resolver answered any more; look at the network of this \
             machine first"
        )?;
    }
    let stalls = sum(|shard| shard.stalls);
    if stalls > 0 || input.tally.stalled() > 0 {
        let longest = shards.iter().map(|shard| shard.stall_max).max();
        writeln!(
            out,
            "warning: this process was held up {}, at worst {}; the times of {} say more about \
             this machine than about the peers",
            count(stalls, "time", "times"),
            seconds(longest.unwrap_or_default()),
            count(input.tally.stalled(), "target", "targets"),
        )?;
    }
    let kernel_drops = sum(|shard| shard.losses.kernel_drops);
    if kernel_drops > 0 {
        writeln!(
            out,
            "warning: the kernel dropped {} for want of room in socket buffers; raise \
             net.core.rmem_max or lower --concurrency",
            count(kernel_drops, "reply", "replies"),
        )?;
    }
    let send_errors = sum(|shard| shard.losses.local_send_errors);
    if send_errors > 0 {
        writeln!(
            out,
            "warning: the system would not send {}: part of the loss is this machine's",
            count(send_errors, "query", "queries"),
        )?;
    }
    let local = input.tally.cause(Cause::Descriptors) + input.tally.cause(Cause::System);
    if local > 0 {
        writeln!(
            out,
            "warning: {} failed on this side (no descriptors, or the system would not send): the \
             machine was the limit, not the peers",
            count(local, "target", "targets"),
        )?;
    }
    if let Some(cpu) = input.cpu {
        let available = input.wall.as_secs_f64() * shards.len() as f64;
        if input.wall >= BUSY_WALL_MIN && cpu.as_secs_f64() >= BUSY_SHARE * available {
            writeln!(
                out,
                "warning: {} of CPU in {} with {}: this machine was the limit, not the peers",
                seconds(cpu),
                seconds(input.wall),
                count(shards.len() as u64, "shard", "shards"),
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LatencyRecorder, Tally, fixture};
    use canvass_model::Losses;

    fn warnings(tally: &Tally, shards: &[ShardReport], cpu: Duration) -> String {
        let mut out = String::new();
        let input = SummaryInput {
            tally,
            latency: &LatencyRecorder::new(),
            shards,
            wall: Duration::from_secs(10),
            cpu: Some(cpu),
            remaining: None,
            interrupted: false,
        };
        write(&input, &mut out).unwrap();
        out
    }

    #[test]
    fn a_sound_run_has_none() {
        let mut tally = Tally::default();
        tally.record(&fixture::ptr_answered());
        let shards = [ShardReport::default(), ShardReport::default()];
        assert_eq!(warnings(&tally, &shards, Duration::from_secs(17)), "");
    }

    #[test]
    fn each_weakness_is_told_with_its_figure() {
        let mut tally = Tally::default();
        tally.record_all(&[fixture::ptr_timeout(), fixture::local_failure()]);
        let shards = [
            ShardReport {
                stalls: 2,
                stall_max: Duration::from_millis(412),
                losses: Losses {
                    kernel_drops: 5,
                    local_send_errors: 1,
                    ..Losses::default()
                },
                ..ShardReport::default()
            },
            ShardReport {
                stalls: 1,
                gave_up: true,
                ..ShardReport::default()
            },
        ];
        let text = warnings(&tally, &shards, Duration::from_secs(19));
        for part in [
            "given up, since no resolver answered",
            "held up 3 times, at worst 412 ms; the times of 1 target say",
            "dropped 5 replies",
            "would not send 1 query:",
            "1 target failed on this side",
            "19.0 s of CPU in 10.0 s with 2 shards",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(text.lines().count(), 6);
        assert!(text.lines().all(|line| line.starts_with("warning: ")));
    }
}
