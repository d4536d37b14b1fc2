//! What makes a run's own figures weak.

use std::fmt::Write;
use std::time::Duration;

use canvass_model::{Cause, ShardReport};

use super::{SummaryInput, hosts};
use crate::human::{count, seconds};
use crate::tally::{CERTIFICATE_DAYS_FEW, EndingCertificates, LATE_START_MIN};

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
    let local: u64 = [Cause::Descriptors, Cause::Ports, Cause::System]
        .map(|cause| input.tally.cause(cause))
        .iter()
        .sum();
    if local > 0 {
        writeln!(
            out,
            "warning: {} failed on this side (no descriptors or ports, or the system would not \
             send): the machine was the limit, not the peers",
            count(local, "target", "targets"),
        )?;
    }
    let waits = hosts::summed(shards).waited_for_descriptor;
    if waits > 0 {
        writeln!(
            out,
            "warning: probes waited {} for a descriptor or a local port of this machine (ulimit \
             -n, net.ipv4.ip_local_port_range): the run was slower for it; that is ours, never the \
             peer's",
            count(waits, "time", "times"),
        )?;
    }
    if input.tally.late_starts() > 0 {
        writeln!(
            out,
            "warning: {} began {} or more after when due, at worst {}: the run fell behind \
             its schedule, and response times show it",
            count(input.tally.late_starts(), "target", "targets"),
            seconds(LATE_START_MIN),
            seconds(input.tally.late_start_max()),
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
    write_certificates(input.tally.ending_certificates(), out)
}

fn write_certificates(ending: &EndingCertificates, out: &mut String) -> std::fmt::Result {
    let Some((target, days_left)) = &ending.first else {
        return Ok(());
    };
    let days = count(days_left.unsigned_abs(), "day", "days");
    let when = match days_left {
        0 => "today".to_owned(),
        1.. => format!("in {days}"),
        _ => format!("{days} ago"),
    };
    let targets = ending.targets;
    match targets {
        1 => write!(out, "warning: the certificate of 1 target ends")?,
        _ => write!(out, "warning: the certificates of {targets} targets end")?,
    }
    writeln!(
        out,
        " within {CERTIFICATE_DAYS_FEW} days, the first that of {target} {when}"
    )
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

    #[test]
    fn a_run_behind_its_schedule_says_so() {
        let mut outcome = fixture::ptr_answered();
        outcome.job.due = Some(outcome.due);
        outcome.first_send = Some(outcome.due.plus_nanos(2_100_000_000));
        let mut tally = Tally::default();
        tally.record(&outcome);
        let text = warnings(&tally, &[ShardReport::default()], Duration::ZERO);
        assert_eq!(
            text,
            "warning: 1 target began 100 ms or more after when due, at worst 2.10 s: the run \
             fell behind its schedule, and response times show it\n"
        );
    }

    #[test]
    fn the_first_certificate_to_end_is_named() {
        for (days_left, when) in [
            (2, "in 2 days"),
            (1, "in 1 day"),
            (0, "today"),
            (-3, "3 days ago"),
        ] {
            let mut tally = Tally::default();
            tally.record_all(&[
                fixture::http_redirected(days_left),
                fixture::http_redirected(12),
            ]);
            let text = warnings(&tally, &[ShardReport::default()], Duration::ZERO);
            assert_eq!(
                text,
                format!(
                    "warning: the certificates of 2 targets end within 14 days, the first that of \
                     http://example.net/ {when}\n"
                )
            );
        }
    }
}
