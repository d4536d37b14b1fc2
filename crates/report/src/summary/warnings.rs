//! Warnings about a run and its figures.

use std::time::Duration;

use canvass_model::{Cause, LatenessHistogram, ShardReport};

use super::{SummaryInput, limits};
use crate::Tally;
use crate::human::{count, seconds};
use crate::tally::{CERTIFICATE_DAYS_FEW, EndingCertificates, LATE_START_MIN};

/// The CPU usage of shorter runs is not judged.
const BUSY_WALL_MIN: Duration = Duration::from_secs(1);
/// From this share of the available CPU time on, this machine was the limit.
const BUSY_SHARE: f64 = 0.9;

/// A warning is given if the 99th percentile of how late the loop woke is larger than this.
pub(crate) const LATE_WAKE_P99_MAX: Duration = Duration::from_millis(5);
/// A warning is given if the 99th percentile of the length of a turn is larger than this.
pub(crate) const TURN_P99_MAX: Duration = Duration::from_millis(10);
/// A 99th percentile needs at least as many wakes or turns.
const LAGS_MIN: u64 = 100;

/// The warnings about a run, each a sentence without a full stop.
pub fn warnings(input: &SummaryInput<'_>) -> Vec<String> {
    let shards = input.shards;
    let tally = input.tally;
    let of_run = [given_up(shards), held_up(tally, shards), late_loop(shards)];
    let of_limits = [
        kernel_drops(shards),
        limits::slow_outputs(shards, input.wall),
        local_failures(tally),
        denied(tally),
    ];
    let of_load = [
        late_starts(tally),
        failed_under_load(input),
        busy(input),
        ending_certificates(tally.ending_certificates()),
    ];
    (of_run.into_iter().chain(of_limits).flatten())
        .chain(limits::refusals(shards))
        .chain(of_load.into_iter().flatten())
        .collect()
}

fn sum(shards: &[ShardReport], pick: fn(&ShardReport) -> u64) -> u64 {
    shards.iter().map(pick).sum()
}

fn given_up(shards: &[ShardReport]) -> Option<String> {
    if let Some(errno) = shards.iter().find_map(|shard| shard.blocked_by) {
        return Some(format!(
            "stopped early, because this machine's system refused to send any query ({errno})"
        ));
    }
    shards.iter().any(|shard| shard.gave_up).then(|| {
        "stopped early, because no resolver answered any more; check the network of this machine first"
            .to_owned()
    })
}

fn held_up(tally: &Tally, shards: &[ShardReport]) -> Option<String> {
    let stalls = sum(shards, |shard| shard.stalls);
    let touched = count(tally.stalled(), "target", "targets");
    let held_up = match shards.iter().map(|shard| shard.stall_max).max() {
        Some(longest) if stalls > 0 => format!(
            "{}, at most {}",
            count(stalls, "time", "times"),
            seconds(longest)
        ),
        // The lines of a run say which targets were affected, but not how long the stalls were.
        _ if tally.stalled() > 0 => "during the run".to_owned(),
        _ => return None,
    };
    Some(format!(
        "this process was held up {held_up}; the times of {touched} say more about this machine \
         than about the peers"
    ))
}

fn late_loop(shards: &[ShardReport]) -> Option<String> {
    let (mut late_wakes, mut turns) = (LatenessHistogram::default(), LatenessHistogram::default());
    for shard in shards {
        late_wakes.add(&shard.late_wakes);
        turns.add(&shard.turns);
    }
    let p99_over = |lags: &LatenessHistogram, limit: Duration| {
        let p99 = lags.quantile(0.99)?;
        (lags.total() >= LAGS_MIN && p99 > limit).then(|| (seconds(p99), seconds(lags.max())))
    };
    let woke = p99_over(&late_wakes, LATE_WAKE_P99_MAX)
        .map(|(p99, max)| format!("it woke {p99} late (99th percentile; at most {max})"));
    let away = p99_over(&turns, TURN_P99_MAX).map(|(p99, max)| {
        format!("it was away from its sockets for {p99} at a time (99th percentile; at most {max})")
    });
    let how: Vec<String> = woke.into_iter().chain(away).collect();
    (!how.is_empty()).then(|| {
        format!(
            "the event loop was late: {}; times of that order say more about this machine than \
             about the peers",
            how.join(", and ")
        )
    })
}

fn kernel_drops(shards: &[ShardReport]) -> Option<String> {
    let drops = sum(shards, |shard| shard.losses.kernel_drops);
    (drops > 0).then(|| {
        format!(
            "the kernel dropped {} because a socket buffer was full; raise net.core.rmem_max or \
             lower --concurrency",
            count(drops, "reply", "replies"),
        )
    })
}

fn local_failures(tally: &Tally) -> Option<String> {
    let local = [Cause::Descriptors, Cause::Ports, Cause::System];
    let failed = local.map(|cause| tally.cause(cause)).iter().sum();
    (failed > 0).then(|| {
        format!(
            "{} failed on this side (no descriptor or port left, or a system error): this machine \
             was the limit, not the peers",
            count(failed, "target", "targets"),
        )
    })
}

fn denied(tally: &Tally) -> Option<String> {
    let denied = tally.cause(Cause::Denied);
    (denied > 0).then(|| {
        format!(
            "the addresses of {} may not be sent to (--allow), and nothing was sent there",
            count(denied, "target", "targets"),
        )
    })
}

fn late_starts(tally: &Tally) -> Option<String> {
    (tally.late_starts() > 0).then(|| {
        format!(
            "{} started {} or more after the scheduled time, at most {}: the run fell behind its \
             schedule, and the response times include this delay",
            count(tally.late_starts(), "target", "targets"),
            seconds(LATE_START_MIN),
            seconds(tally.late_start_max()),
        )
    })
}

fn failed_under_load(input: &SummaryInput<'_>) -> Option<String> {
    let answered = input.tally.rechecked();
    let unasked = input
        .recheck
        .filter(|counts| counts.asked > 0)
        .map(|counts| {
            let unasked = counts.failed.saturating_sub(counts.asked);
            (unasked as f64 * answered as f64 / counts.asked as f64).round() as u64
        });
    let also = match unasked {
        Some(about) if about > 0 => format!(", and so had about {about} that were not asked again"),
        _ => String::new(),
    };
    (answered > 0).then(|| {
        format!(
            "{} had failed only under the load of this run{also}; lower --rate, --rate-per-resolver \
             or --concurrency",
            count(answered, "target", "targets"),
        )
    })
}

fn busy(input: &SummaryInput<'_>) -> Option<String> {
    let (cpu, shards) = (input.cpu?, input.shards.len());
    let available = input.wall.as_secs_f64() * shards as f64;
    let busy =
        shards > 0 && input.wall >= BUSY_WALL_MIN && cpu.as_secs_f64() >= BUSY_SHARE * available;
    busy.then(|| {
        format!(
            "{} of CPU time in {} with {}: this machine was the limit, not the peers",
            seconds(cpu),
            seconds(input.wall),
            count(shards as u64, "shard", "shards"),
        )
    })
}

fn ending_certificates(ending: &EndingCertificates) -> Option<String> {
    let (target, days_left) = ending.first.as_ref()?;
    let days = count(days_left.unsigned_abs(), "day", "days");
    let when = match days_left {
        0 => "today".to_owned(),
        1.. => format!("in {days}"),
        _ => format!("{days} ago"),
    };
    let whose = match ending.targets {
        1 => "the certificate of 1 target expires".to_owned(),
        targets => format!("the certificates of {targets} targets expire"),
    };
    Some(format!(
        "{whose} within {CERTIFICATE_DAYS_FEW} days; the first is that of {target}, {when}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LatencyRecorder, fixture};
    use canvass_model::{Errno, Losses};

    fn warned(tally: &Tally, shards: &[ShardReport], cpu: Duration) -> Vec<String> {
        warnings(&SummaryInput {
            tally,
            latency: &LatencyRecorder::new(),
            shards,
            wall: Duration::from_secs(10),
            cpu: Some(cpu),
            remaining: None,
            interrupted: false,
            recheck: None,
        })
    }

    /// `number` lags of `millis` milliseconds, and as many times 99 that are short.
    fn lags(number: usize, millis: u64) -> LatenessHistogram {
        let mut lags = LatenessHistogram::default();
        for _ in 0..number {
            lags.record(Duration::from_millis(millis));
            (0..99).for_each(|_| lags.record(Duration::from_micros(50)));
        }
        lags.record(Duration::from_millis(millis));
        lags
    }

    #[test]
    fn a_sound_run_has_none() {
        let mut tally = Tally::default();
        tally.record(&fixture::ptr_answered());
        let shards = [ShardReport::default(), ShardReport::default()];
        assert!(warned(&tally, &shards, Duration::from_secs(17)).is_empty());
    }

    #[test]
    fn each_warning_contains_its_figure() {
        let mut tally = Tally::default();
        tally.record_all(&[fixture::ptr_timeout(), fixture::local_failure()]);
        let shards = [
            ShardReport {
                stalls: 2,
                stall_max: Duration::from_millis(412),
                losses: Losses {
                    kernel_drops: 5,
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
        let all = warned(&tally, &shards, Duration::from_secs(19));
        for part in [
            "stopped early, because no resolver answered",
            "held up 3 times, at most 412 ms; the times of 1 target say",
            "dropped 5 replies",
            "1 target failed on this side",
            "19.0 s of CPU time in 10.0 s with 2 shards",
        ] {
            let once = all.iter().filter(|warning| warning.contains(part));
            assert_eq!(once.count(), 1, "{part} in {all:?}");
        }
        assert_eq!(all.len(), 5);
    }

    #[test]
    fn a_run_that_could_not_send_does_not_blame_resolvers() {
        let shard = ShardReport {
            gave_up: true,
            blocked_by: Some(Errno(1)),
            ..ShardReport::default()
        };
        assert_eq!(
            warned(&Tally::default(), &[shard], Duration::ZERO),
            ["stopped early, because this machine's system refused to send any query (EPERM)"]
        );
    }

    #[test]
    fn targets_that_were_denied_are_counted() {
        let mut outcome = fixture::local_failure();
        if let Some(fault) = &mut outcome.fault {
            fault.cause = Cause::Denied;
        }
        let mut tally = Tally::default();
        tally.record(&outcome);
        assert_eq!(
            warned(&tally, &[ShardReport::default()], Duration::ZERO),
            ["the addresses of 1 target may not be sent to (--allow), and nothing was sent there"]
        );
    }

    #[test]
    fn a_run_behind_its_schedule_says_so() {
        let mut outcome = fixture::ptr_answered();
        outcome.job.due = Some(outcome.due);
        outcome.first_send = Some(outcome.due.plus_nanos(2_100_000_000));
        let mut tally = Tally::default();
        tally.record(&outcome);
        assert_eq!(
            warned(&tally, &[ShardReport::default()], Duration::ZERO),
            [
                "1 target started 100 ms or more after the scheduled time, at most 2.10 s: the \
                 run fell behind its schedule, and the response times include this delay"
            ]
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
            assert_eq!(
                warned(&tally, &[ShardReport::default()], Duration::ZERO),
                [format!(
                    "the certificates of 2 targets expire within 14 days; the first is that of \
                     http://example.net/, {when}"
                )]
            );
        }
    }

    #[test]
    fn lateness_is_summed_over_all_shards() {
        let tally = Tally::default();
        let warned_for = |late_wakes, turns| {
            let shard = ShardReport {
                late_wakes,
                turns,
                ..ShardReport::default()
            };
            warned(&tally, &[shard.clone(), shard], Duration::ZERO).join("\n")
        };
        let none = LatenessHistogram::default();
        assert_eq!(warned_for(lags(1, 4), lags(1, 8)), "");
        assert_eq!(
            warned_for(lags(1, 7), none),
            "the event loop was late: it woke 7.00 ms late (99th percentile; at most 7.00 ms); \
             times of that order say more about this machine than about the peers"
        );
        assert!(warned_for(none, lags(1, 20)).contains(
            "was late: it was away from its sockets for 20.0 ms at a time (99th percentile"
        ));
        assert!(warned_for(lags(1, 7), lags(1, 20)).contains("7.00 ms), and it was away"));
        // Each of two shards has 49.
        let mut few = LatenessHistogram::default();
        (0..49).for_each(|_| few.record(Duration::from_secs(1)));
        assert_eq!(warned_for(few, few), "");
    }

    #[test]
    fn a_stall_that_no_shard_reported_is_shown_without_its_length() {
        let mut tally = Tally::default();
        tally.record(&fixture::ptr_timeout());
        assert_eq!(
            warned(&tally, &[], Duration::ZERO),
            [
                "this process was held up during the run; the times of 1 target say more about this \
                 machine than about the peers"
            ]
        );
    }
}
