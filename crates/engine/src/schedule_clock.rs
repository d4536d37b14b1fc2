//! The time of a schedule, which passes the slower the smaller the share of the rate is.

use std::collections::VecDeque;

use canvass_model::Time;

/// Changes of the speed that are remembered. A job that was due before all of them was due at the first.
const PIECES_MAX: usize = 16;

/// Tells the time of a schedule from that of the run, and the reverse. At first they are the same.
///
/// A schedule says when each job is due at the whole rate. With a share of the rate its time passes more
/// slowly, and with none it stands still. So the jobs keep their times, and none are in arrears after a
/// pause.
#[derive(Clone, Debug)]
pub(crate) struct ScheduleClock {
    /// The oldest first; at least one.
    pieces: VecDeque<Piece>,
}

/// A span of constant speed, up to the next one.
#[derive(Clone, Copy, Debug)]
struct Piece {
    began: Time,
    /// The time of the schedule when it began.
    schedule: Time,
    speed: f64,
}

impl Default for ScheduleClock {
    fn default() -> Self {
        let whole = Piece {
            began: Time::ZERO,
            schedule: Time::ZERO,
            speed: 1.0,
        };
        Self {
            pieces: [whole].into(),
        }
    }
}

impl ScheduleClock {
    /// Passes at another speed from `now` on.
    pub(crate) fn set_speed(&mut self, now: Time, speed: f64) {
        let began = self.pieces.back().map_or(now, |last| now.max(last.began));
        let piece = Piece {
            began,
            schedule: self.schedule_at(began),
            speed,
        };
        if self.pieces.len() >= PIECES_MAX {
            self.pieces.pop_front();
        }
        self.pieces.push_back(piece);
    }

    /// The time of the schedule at a time of the run.
    pub(crate) fn schedule_at(&self, now: Time) -> Time {
        let piece = self.pieces.iter().rev().find(|piece| piece.began <= now);
        match piece.or(self.pieces.front()) {
            Some(piece) => piece
                .schedule
                .plus_nanos(scaled(now.nanos_since(piece.began), piece.speed)),
            None => now,
        }
    }

    /// When the schedule reaches a time, or reached it last; [`Time::MAX`] if it stands still before it.
    pub(crate) fn time_of(&self, schedule: Time) -> Time {
        let piece = self
            .pieces
            .iter()
            .rev()
            .find(|piece| piece.schedule <= schedule);
        let Some(piece) = piece.or(self.pieces.front()) else {
            return schedule;
        };
        match schedule.nanos_since(piece.schedule) {
            0 => piece.began,
            _ if piece.speed == 0.0 => Time::MAX,
            nanos => piece.began.plus_nanos(scaled(nanos, 1.0 / piece.speed)),
        }
    }
}

fn scaled(nanos: u64, factor: f64) -> u64 {
    // Not every number of nanoseconds is one of floating point.
    if factor == 1.0 {
        nanos
    } else {
        (nanos as f64 * factor).ceil() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(at_ms: u64) -> Time {
        Time::from_nanos(at_ms * 1_000_000)
    }

    #[test]
    fn at_first_both_times_are_the_same() {
        let clock = ScheduleClock::default();
        let time = Time::from_nanos((1 << 60) + 1);
        assert_eq!((clock.schedule_at(time), clock.time_of(time)), (time, time));
    }

    #[test]
    fn a_share_slows_it_down_and_nothing_is_in_arrears_after_a_pause() {
        let mut clock = ScheduleClock::default();
        clock.set_speed(at_ms(1_000), 0.5);
        assert_eq!(clock.schedule_at(at_ms(1_200)), at_ms(1_100));
        assert_eq!(clock.time_of(at_ms(1_100)), at_ms(1_200));
        clock.set_speed(at_ms(2_000), 0.0);
        assert_eq!(clock.schedule_at(at_ms(9_000)), at_ms(1_500));
        assert_eq!(clock.time_of(at_ms(1_501)), Time::MAX);
        clock.set_speed(at_ms(9_000), 1.0);
        assert_eq!(clock.time_of(at_ms(1_500)), at_ms(9_000));
        assert_eq!(clock.time_of(at_ms(1_501)), at_ms(9_001));
        // What was due before is dated by the speed of then.
        assert_eq!(clock.time_of(at_ms(1_400)), at_ms(1_800));
        assert_eq!(clock.time_of(at_ms(500)), at_ms(500));
    }

    #[test]
    fn old_changes_are_forgotten() {
        let mut clock = ScheduleClock::default();
        for second in 1..=100 {
            clock.set_speed(at_ms(second * 1_000), [0.25, 0.75][second as usize % 2]);
        }
        assert_eq!(clock.pieces.len(), PIECES_MAX);
        assert_eq!(clock.time_of(Time::ZERO), clock.pieces[0].began);
        assert_eq!(
            clock.schedule_at(at_ms(100_000)),
            at_ms(1_000 + 99 * 500 + 250)
        );
    }
}
