//! Schedules over time.

use super::*;

const INTERVAL: Duration = Duration::from_secs(10);
const TIMING: Timing = Timing {
    interval: INTERVAL,
    jitter: Duration::ZERO,
};
const INTERVAL_NS: u64 = INTERVAL.as_nanos() as u64;
const BEGAN_UNIX_NS: u64 = 1_800_000_000_123_456_789;

fn at_ms(ms: u64) -> Time {
    Time::from_nanos(ms * 1_000_000)
}

fn key(number: u32) -> String {
    format!("https://host-{number}.example.net/")
}

fn schedule(targets: u32) -> Schedule {
    let mut schedule = Schedule::new(BEGAN_UNIX_NS);
    for number in 0..targets {
        schedule.insert(TargetId(number), &key(number), TIMING, Time::ZERO);
    }
    schedule
}

/// Runs the schedule, looking every millisecond, with probes that end at once.
fn rounds(schedule: &mut Schedule, from_ms: u64, to_ms: u64) -> Vec<Round> {
    let mut all = Vec::new();
    for ms in from_ms..to_ms {
        for round in schedule.take(at_ms(ms), usize::MAX) {
            schedule.ended(round.target);
            all.push(round);
        }
    }
    all
}

#[test]
fn each_target_has_one_round_in_each_interval_at_the_same_distance() {
    let mut schedule = schedule(50);
    let rounds = rounds(&mut schedule, 0, 30_000);
    for number in 0..50 {
        let of_target = rounds.iter().filter(|round| round.target.0 == number);
        let due: Vec<u64> = of_target.map(|round| round.due.as_nanos()).collect();
        assert_eq!(due.len(), 3);
        assert!(due.windows(2).all(|two| two[1] - two[0] == INTERVAL_NS));
    }
    assert!(rounds.iter().all(|round| round.fate == RoundFate::Begun));
    assert!(rounds.iter().all(|round| round.missed_before == 0));
}

#[test]
fn rounds_are_spread_over_the_interval() {
    let mut schedule = schedule(20_000);
    let rounds = rounds(&mut schedule, 0, 10_001);
    assert_eq!(rounds.len(), 20_000);
    let mut by_100_ms = [0; 100];
    for round in rounds {
        by_100_ms[(round.due.as_nanos() / 100_000_000).min(99) as usize] += 1;
    }
    // 200 on average; five standard deviations are 71.
    assert!(
        by_100_ms.iter().all(|count| (130..=270).contains(count)),
        "{by_100_ms:?}"
    );
}

#[test]
fn a_restart_and_a_changed_list_move_no_other_target() {
    let unix_due = |schedule: &mut Schedule, began: u64, target| {
        let rounds = schedule.take(at_ms(10_000), usize::MAX);
        let round = rounds.iter().find(|round| round.target == target).unwrap();
        began + round.due.as_nanos()
    };
    let before = unix_due(&mut schedule(10), BEGAN_UNIX_NS, TargetId(3));
    // 12.7 s later, as the only target, with another number.
    let began = BEGAN_UNIX_NS + 12_700_000_000;
    let mut other = Schedule::new(began);
    other.insert(TargetId(0), &key(3), TIMING, Time::ZERO);
    let after = unix_due(&mut other, began, TargetId(0));
    assert_eq!((after - before) % INTERVAL_NS, 0);
}

#[test]
fn a_round_is_skipped_while_the_probe_before_it_runs() {
    let mut schedule = schedule(1);
    let due = schedule.next_due().unwrap();
    let fates: Vec<_> = (0..4)
        .map(|round| {
            if round == 2 {
                schedule.ended(TargetId(0));
            }
            let now = due.plus_nanos(round * INTERVAL_NS);
            schedule.take(now, usize::MAX)[0].fate
        })
        .collect();
    use RoundFate::{Begun, Skipped};
    assert_eq!(fates, [Begun, Skipped, Begun, Skipped]);
}

#[test]
fn rounds_that_were_missed_are_counted_and_do_not_begin_together() {
    let targets = 2_000;
    let mut schedule = schedule(targets);
    rounds(&mut schedule, 0, 10_000);
    // The process stands still for 35 s.
    let late = schedule.take(at_ms(45_000), usize::MAX);
    let begun = late.iter().filter(|round| round.fate == RoundFate::Begun);
    // The rounds of half a second.
    assert!((60..=140).contains(&begun.count()));
    let missed: u64 = late
        .iter()
        .map(|round| round.missed_before + u64::from(round.fate == RoundFate::Missed))
        .sum();
    let begun = late.iter().filter(|round| round.fate == RoundFate::Begun);
    let due = late
        .iter()
        .map(|round| round.missed_before + 1)
        .sum::<u64>();
    assert_eq!(missed + begun.count() as u64, due);
    assert!((u64::from(targets) * 7 / 2).abs_diff(due) < 200, "{due}");
    for round in &late {
        schedule.ended(round.target);
    }
    // Then all goes on as before.
    let rounds = rounds(&mut schedule, 45_000, 55_000);
    assert_eq!(rounds.len(), targets as usize);
    assert!(rounds.iter().all(|round| round.missed_before == 0));
    assert!(rounds.iter().all(|round| round.fate == RoundFate::Begun));
}

#[test]
fn jitter_moves_each_round_by_itself_and_none_drifts() {
    let jitter = Duration::from_secs(4);
    let timing = Timing { jitter, ..TIMING };
    let unix_dues = |began: u64| {
        let mut schedule = Schedule::new(began);
        schedule.insert(TargetId(0), &key(3), timing, Time::ZERO);
        let rounds = rounds(&mut schedule, 0, 200_000);
        let due = rounds.iter().map(|round| began + round.due.as_nanos());
        due.collect::<Vec<u64>>()
    };
    let mut plain = Schedule::new(BEGAN_UNIX_NS);
    plain.insert(TargetId(0), &key(3), TIMING, Time::ZERO);
    let point = BEGAN_UNIX_NS + plain.next_due().unwrap().as_nanos();
    let dues = unix_dues(BEGAN_UNIX_NS);
    assert!((20..=21).contains(&dues.len()), "{dues:?}");
    let late = |due: &u64| (due + INTERVAL_NS - point % INTERVAL_NS) % INTERVAL_NS;
    let lates: Vec<u64> = dues.iter().map(late).collect();
    assert!(lates.iter().all(|late| *late < jitter.as_nanos() as u64));
    let (min, max) = (lates.iter().min().unwrap(), lates.iter().max().unwrap());
    assert!(max - min > 1_000_000_000, "{lates:?}");
    // A process that starts later has the same rounds.
    let later = unix_dues(BEGAN_UNIX_NS + 57_300_000_000);
    let from = dues.iter().position(|due| *due == later[0]).unwrap();
    assert_eq!(dues[from..], later[..dues.len() - from]);
}

#[test]
fn rounds_with_jitter_are_begun_or_missed_each_once() {
    let timing = Timing {
        jitter: INTERVAL,
        ..TIMING
    };
    let mut schedule = Schedule::new(BEGAN_UNIX_NS);
    schedule.insert(TargetId(0), &key(1), timing, Time::ZERO);
    let (mut counted, mut at) = (0, 0);
    for step in 0..400 {
        at += [37, 12_000, 900, 61_000][step % 4];
        for round in schedule.take(at_ms(at), usize::MAX) {
            schedule.ended(round.target);
            assert!(round.due <= at_ms(at));
            counted += round.missed_before + 1;
        }
    }
    assert!((at / 10_000).abs_diff(counted) <= 2, "{counted} in {at} ms");
}

#[test]
fn a_target_that_is_removed_has_no_more_rounds() {
    let mut schedule = schedule(3);
    schedule.remove(TargetId(1));
    let rounds = rounds(&mut schedule, 0, 20_000);
    assert_eq!(rounds.len(), 4);
    assert!(rounds.iter().all(|round| round.target != TargetId(1)));
    schedule.remove(TargetId(0));
    schedule.remove(TargetId(2));
    assert_eq!(schedule.next_due(), None);
}

#[test]
fn an_interval_longer_than_the_clock_has_no_round_and_no_overflow() {
    let timing = Timing {
        interval: Duration::MAX,
        jitter: Duration::MAX,
    };
    let mut schedule = Schedule::new(BEGAN_UNIX_NS);
    for number in 0..100 {
        schedule.insert(TargetId(number), &key(number), timing, Time::ZERO);
    }
    assert!(rounds(&mut schedule, 0, 1_000).is_empty());
}
