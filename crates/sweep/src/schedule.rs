//! When each target is probed.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::hash::Hasher;
use std::time::Duration;

use canvass_model::Time;
use siphasher::sip::SipHasher13;

use crate::TargetId;

/// The maximum lateness of a round that is still begun. A later one is missed, so that after a stop
/// of this process the rounds of all targets do not begin at once.
const LATENESS_MAX: Duration = Duration::from_millis(500);
/// The same for short intervals, as a share of the interval.
const LATENESS_SHARE_MAX: u32 = 4;

/// When each target is probed: at fixed points in time that are one interval apart.
///
/// The points follow from the wall clock at the start, the interval and the key of the target. They
/// depend neither on other targets, nor on how long probes take, nor on when the process started. With
/// jitter a round is due up to that much after its point, by a hash of the key and the point: what is
/// drawn for one round moves no other, and is the same after a restart.
#[derive(Debug)]
pub struct Schedule {
    /// Nanoseconds from 1970 (UTC) to [`Time::ZERO`].
    unix_ns_at_zero: u64,
    queue: BTreeSet<(Time, TargetId)>,
    /// By the number of the target.
    slots: Vec<Option<Slot>>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    interval_ns: u64,
    jitter_ns: u64,
    /// The hash of the key.
    hash: u64,
    /// The fixed point of the next round, in nanoseconds since 1970 (UTC).
    point_unix_ns: u64,
    /// When the next round is due.
    next: Time,
    is_running: bool,
}

/// How often a target is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The time from one point to the next.
    pub interval: Duration,
    /// The longest time by which a round is later than its point, at most the interval.
    pub jitter: Duration,
}

/// A round of a target whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// The target.
    pub target: TargetId,
    /// When the round was due.
    pub due: Time,
    /// What becomes of it.
    pub fate: RoundFate,
    /// The number of rounds before it that nothing was done for.
    pub missed_before: u64,
}

/// What becomes of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundFate {
    /// The target is probed now.
    Begun,
    /// The probe of an earlier round is still running.
    Skipped,
    /// The process noticed it too late.
    Missed,
}

impl Schedule {
    /// A schedule without targets. `unix_ns_at_zero` is the wall clock at [`Time::ZERO`].
    pub fn new(unix_ns_at_zero: u64) -> Self {
        Self {
            unix_ns_at_zero,
            queue: BTreeSet::new(),
            slots: Vec::new(),
        }
    }

    /// Adds a target, or replaces it. Its first round is the first that is due from `now` on.
    pub fn insert(&mut self, target: TargetId, key: &str, timing: Timing, now: Time) {
        self.remove(target);
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let interval_ns = nanos(timing.interval).max(1);
        let hash = hash(key.as_bytes(), 0);
        let phase_ns = scaled(hash, interval_ns);
        let now_ns = self.unix_ns_at_zero.saturating_add(now.as_nanos());
        let into_ns = now_ns % interval_ns;
        let ahead_ns = if phase_ns >= into_ns {
            phase_ns - into_ns
        } else {
            interval_ns - (into_ns - phase_ns)
        };
        let mut slot = Slot {
            interval_ns,
            jitter_ns: nanos(timing.jitter).min(interval_ns),
            hash,
            // The point before: its round may still be due.
            point_unix_ns: now_ns.saturating_add(ahead_ns).saturating_sub(interval_ns),
            next: now,
            is_running: false,
        };
        while slot.due_unix_ns() < now_ns {
            slot.point_unix_ns = slot.point_unix_ns.saturating_add(interval_ns);
        }
        let wait_ns = slot.due_unix_ns() - now_ns;
        slot.next = now.plus_nanos(wait_ns);
        let next = slot.next;
        let at = target.0 as usize;
        if self.slots.len() <= at {
            self.slots.resize(at + 1, None);
        }
        self.slots[at] = Some(slot);
        self.queue.insert((next, target));
    }

    /// Removes a target, if it is there.
    pub fn remove(&mut self, target: TargetId) {
        if let Some(slot) = self.slots.get_mut(target.0 as usize).and_then(Option::take) {
            self.queue.remove(&(slot.next, target));
        }
    }

    /// When the next round is due.
    pub fn next_due(&self) -> Option<Time> {
        self.queue.first().map(|(due, _)| *due)
    }

    /// Takes the rounds that are due by `now`, at most `max`, in the order of their times.
    pub fn take(&mut self, now: Time, max: usize) -> Vec<Round> {
        let mut rounds = Vec::new();
        let zero = self.unix_ns_at_zero;
        let now_unix_ns = zero.saturating_add(now.as_nanos());
        let time = |unix_ns: u64| Time::from_nanos(unix_ns.saturating_sub(zero));
        while let Some((due, target)) = self.queue.first().copied()
            && due <= now
            && rounds.len() < max
        {
            self.queue.pop_first();
            let Some(Some(slot)) = self.slots.get_mut(target.0 as usize) else {
                continue;
            };
            let missed_before = slot.pass(now_unix_ns);
            let due = time(slot.due_unix_ns());
            let fate = if now.nanos_since(due) > slot.lateness_max_ns() {
                RoundFate::Missed
            } else if slot.is_running {
                RoundFate::Skipped
            } else {
                slot.is_running = true;
                RoundFate::Begun
            };
            slot.point_unix_ns = slot.point_unix_ns.saturating_add(slot.interval_ns);
            slot.next = time(slot.due_unix_ns());
            self.queue.insert((slot.next, target));
            rounds.push(Round {
                target,
                due,
                fate,
                missed_before,
            });
        }
        rounds
    }

    /// The probe of a target has ended.
    pub fn ended(&mut self, target: TargetId) {
        if let Some(Some(slot)) = self.slots.get_mut(target.0 as usize) {
            slot.is_running = false;
        }
    }
}

impl Slot {
    fn lateness_max_ns(&self) -> u64 {
        let usual = LATENESS_MAX.as_nanos() as u64;
        usual.min(self.interval_ns / u64::from(LATENESS_SHARE_MAX))
    }

    /// When the round of the point is due.
    fn due_unix_ns(&self) -> u64 {
        if self.jitter_ns == 0 {
            return self.point_unix_ns;
        }
        let drawn = hash(&self.hash.to_ne_bytes(), self.point_unix_ns);
        let jitter_ns = scaled(drawn, self.jitter_ns);
        self.point_unix_ns.saturating_add(jitter_ns)
    }

    /// Goes on to the last round that is due by a time, which its next one is. Returns the number of
    /// rounds before that.
    fn pass(&mut self, now_unix_ns: u64) -> u64 {
        let first = self.point_unix_ns;
        let passed = now_unix_ns.saturating_sub(first) / self.interval_ns;
        self.point_unix_ns += passed * self.interval_ns;
        if passed > 0 && self.due_unix_ns() > now_unix_ns {
            self.point_unix_ns -= self.interval_ns;
        }
        (self.point_unix_ns - first) / self.interval_ns
    }
}

/// A hash that is the same after a restart and in another version.
fn hash(octets: &[u8], seed: u64) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(seed, 0);
    hasher.write(octets);
    hasher.finish()
}

/// A hash as a part of a span of time.
fn scaled(hash: u64, span_ns: u64) -> u64 {
    ((u128::from(hash) * u128::from(span_ns)) >> 64) as u64
}
