//! A timer for each task: set, moved and cleared in constant time.

use canvass_model::Time;

/// The resolution of the wheel. Timers here are for spans of a hundred milliseconds and more, and
/// none may fire early.
const TICK_NS: u64 = 1_000_000;
/// Ticks in one round. A timer farther off than that is examined once per round.
const TICKS: usize = 4096;
const NONE: u32 = u32::MAX;

/// One timer per slot number of the slab.
///
/// Timers are linked through their slots, so a bucket needs no memory of its own and any timer
/// can be cleared in constant time.
#[derive(Debug)]
pub(crate) struct Wheel {
    heads: Box<[u32; TICKS]>,
    occupied: Box<[u64; TICKS / 64]>,
    links: Vec<Link>,
    /// The tick that is examined next.
    tick: u64,
    armed: usize,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    next: u32,
    prev: u32,
    /// When it fires, in ticks; `u64::MAX` when it is not set.
    due: u64,
}

const UNSET: Link = Link {
    next: NONE,
    prev: NONE,
    due: u64::MAX,
};

impl Wheel {
    pub(crate) fn new() -> Self {
        Self {
            heads: Box::new([NONE; TICKS]),
            occupied: Box::new([0; TICKS / 64]),
            links: Vec::new(),
            tick: 0,
            armed: 0,
        }
    }

    /// The number of timers set.
    pub(crate) fn armed(&self) -> usize {
        self.armed
    }

    /// Sets the timer of `slot`, or moves it.
    pub(crate) fn set(&mut self, slot: u32, at: Time) {
        if self.links.len() <= slot as usize {
            self.links.resize(slot as usize + 1, UNSET);
        }
        let due = at.as_nanos().div_ceil(TICK_NS).max(self.tick);
        if self.links[slot as usize].due == due {
            return;
        }
        self.clear(slot);
        let bucket = due as usize % TICKS;
        let next = self.heads[bucket];
        self.links[slot as usize] = Link {
            next,
            prev: NONE,
            due,
        };
        if next != NONE {
            self.links[next as usize].prev = slot;
        }
        self.heads[bucket] = slot;
        self.occupied[bucket / 64] |= 1 << (bucket % 64);
        self.armed += 1;
    }

    /// Clears the timer of `slot`, if it is set.
    pub(crate) fn clear(&mut self, slot: u32) {
        let Some(&link) = self.links.get(slot as usize) else {
            return;
        };
        if link.due == u64::MAX {
            return;
        }
        if link.prev != NONE {
            self.links[link.prev as usize].next = link.next;
        } else {
            let bucket = link.due as usize % TICKS;
            self.heads[bucket] = link.next;
            if link.next == NONE {
                self.occupied[bucket / 64] &= !(1 << (bucket % 64));
            }
        }
        if link.next != NONE {
            self.links[link.next as usize].prev = link.prev;
        }
        self.links[slot as usize] = UNSET;
        self.armed -= 1;
    }

    /// Clears the timers that are due by `now` and appends their slots to `fired`.
    pub(crate) fn advance(&mut self, now: Time, fired: &mut Vec<u32>) {
        let end = now.as_nanos() / TICK_NS;
        if end < self.tick {
            return;
        }
        // After a long sleep one round visits every bucket.
        let first = self.tick.max((end + 1).saturating_sub(TICKS as u64));
        for tick in first..=end {
            let bucket = tick as usize % TICKS;
            if self.occupied[bucket / 64] & 1 << (bucket % 64) == 0 {
                continue;
            }
            let mut at = self.heads[bucket];
            while at != NONE {
                let link = self.links[at as usize];
                if link.due <= end {
                    self.clear(at);
                    fired.push(at);
                }
                at = link.next;
            }
        }
        self.tick = end + 1;
    }

    /// When to call [`Self::advance`] next: not after the earliest timer.
    pub(crate) fn next(&self) -> Time {
        if self.armed == 0 {
            return Time::MAX;
        }
        let start = self.tick as usize % TICKS;
        let mut word = start / 64;
        let mut bits = self.occupied[word] & u64::MAX << (start % 64);
        for _ in 0..=TICKS / 64 {
            if bits != 0 {
                let bucket = word * 64 + bits.trailing_zeros() as usize;
                let ahead = (bucket + TICKS - start) % TICKS;
                return Time::from_nanos((self.tick + ahead as u64) * TICK_NS);
            }
            word = (word + 1) % (TICKS / 64);
            bits = self.occupied[word];
        }
        Time::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(ms: u64) -> Time {
        Time::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn a_timer_farther_off_than_a_round_fires_in_its_own() {
        let mut wheel = Wheel::new();
        let mut fired = Vec::new();
        wheel.set(3, ms(10_000));
        for now in (0..10_000).step_by(7) {
            wheel.advance(ms(now), &mut fired);
            assert!(fired.is_empty(), "fired at {now} ms");
            assert!(wheel.next() <= ms(10_000));
        }
        wheel.advance(ms(10_000), &mut fired);
        assert_eq!((fired, wheel.armed()), (vec![3], 0));
    }

    proptest! {
        #[test]
        fn each_timer_fires_once_and_on_time(
            steps in prop::collection::vec((0u32..40, 0u64..9_000_000_000, 0u64..300_000_000, any::<bool>()), 1..300)
        ) {
            let mut wheel = Wheel::new();
            let mut model = std::collections::BTreeMap::new();
            let mut now = Time::ZERO;
            let mut fired = Vec::new();
            for (slot, span, pass, drop) in steps {
                if drop {
                    wheel.clear(slot);
                    model.remove(&slot);
                } else {
                    wheel.set(slot, now.plus_nanos(span));
                    model.insert(slot, now.plus_nanos(span));
                }
                prop_assert_eq!(wheel.armed(), model.len());
                if let Some(first) = model.values().min() {
                    prop_assert!(wheel.next() <= first.plus_nanos(TICK_NS));
                }
                now = now.plus_nanos(pass);
                fired.clear();
                wheel.advance(now, &mut fired);
                for slot in &fired {
                    let due = model.remove(slot);
                    prop_assert!(due.is_some_and(|due| due <= now), "early or twice");
                }
                prop_assert!(model.values().all(|due| due.plus_nanos(TICK_NS) > now), "late");
            }
        }
    }
}
