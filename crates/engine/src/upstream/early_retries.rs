//! How many queries may be sent again before it is known how long answers take.
//!
//! The first answers of a resolver are its fast ones. A query that takes longer than they did is
//! lost, or its name is a slow one: whether it was lost shows when it is sent again and that is
//! answered. So a few are sent again early; each that is answered permits more, and the others wait.

/// How many may be sent again before any of them is answered.
const FIRST: f32 = 16.0;
/// How many more each that is answered permits: fewer than a third of them must be.
const PER_SUCCESS: f32 = 3.0;
/// How many more each other answer permits.
const PER_ANSWER: f32 = 1.0 / 32.0;

/// The queries of one lane that may be sent again early.
#[derive(Debug)]
pub(super) struct EarlyRetries {
    left: f32,
}

impl Default for EarlyRetries {
    fn default() -> Self {
        Self { left: FIRST }
    }
}

impl EarlyRetries {
    /// Whether one more is permitted.
    pub(super) fn is_permitted(&self) -> bool {
        self.left >= 1.0
    }

    /// A query will be sent again.
    pub(super) fn on_retry(&mut self) {
        self.left = (self.left - 1.0).max(0.0);
    }

    /// A query was answered in time, while so many are in flight.
    pub(super) fn on_answered(&mut self, is_first: bool, in_flight: u32) {
        let more = if is_first { PER_ANSWER } else { PER_SUCCESS };
        let most = FIRST.max(in_flight as f32);
        self.left = self.left.max((self.left + more).min(most));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_that_are_answered_permit_more_and_others_run_out() {
        let mut retries = EarlyRetries::default();
        let mut count = 0;
        while retries.is_permitted() {
            retries.on_retry();
            count += 1;
        }
        assert_eq!(count, 16);
        for _ in 0..320 {
            retries.on_answered(true, 1_000);
        }
        // Four in ten are answered: that is loss, and not the names.
        for number in 0..1_000 {
            assert!(retries.is_permitted(), "retry {number}");
            retries.on_retry();
            if number % 10 < 4 {
                retries.on_answered(false, 1_000);
            }
        }
    }

    #[test]
    fn no_more_are_saved_than_are_in_flight() {
        let mut retries = EarlyRetries::default();
        for _ in 0..1_000 {
            retries.on_answered(false, 100);
        }
        let mut count = 0;
        while retries.is_permitted() {
            retries.on_retry();
            count += 1;
        }
        assert_eq!(count, 100);
    }
}
