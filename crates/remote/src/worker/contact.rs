//! How long a process has been in contact with its broker.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest time between two replies of a broker within one contact.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// Since when a process has been in contact with its broker without a break.
///
/// Before a worker claims the chunks of silent workers, it must have been in contact for a lease: the
/// others may have been cut off as it was. A process has one contact for all campaigns that it takes part
/// in, since it may stay in none of them for so long. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Contact(Arc<Mutex<Option<Span>>>);

#[derive(Clone, Copy, Debug)]
struct Span {
    since: Instant,
    heard: Instant,
}

impl Contact {
    /// Notes that the broker replies.
    pub fn heard(&self, now: Instant) {
        let mut span = self.lock();
        let unbroken = span.filter(|span| now - span.heard <= SILENCE_MAX);
        let since = unbroken.map_or(now, |span| span.since);
        *span = Some(Span { since, heard: now });
    }

    /// Notes that the broker does not reply.
    pub fn lost(&self) {
        *self.lock() = None;
    }

    /// How much of `time` is missing until there was contact for so long.
    pub(super) fn missing(&self, time: Duration, now: Instant) -> Duration {
        let unbroken = self.lock().filter(|span| now - span.heard <= SILENCE_MAX);
        unbroken.map_or(time, |span| time.saturating_sub(now - span.since))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Span>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_begins_again_after_a_break() {
        let second = Duration::from_secs(1);
        let began = Instant::now();
        let contact = Contact::default();
        assert_eq!(contact.missing(10 * second, began), 10 * second);
        for at in 0..=4 {
            contact.heard(began + at * second);
        }
        assert_eq!(contact.missing(10 * second, began + 4 * second), 6 * second);
        assert_eq!(
            contact.missing(3 * second, began + 4 * second),
            Duration::ZERO
        );
        // Silence, as while the process was stopped.
        assert_eq!(
            contact.missing(10 * second, began + 30 * second),
            10 * second
        );
        contact.heard(began + 30 * second);
        assert_eq!(
            contact.missing(10 * second, began + 31 * second),
            9 * second
        );
        contact.lost();
        contact.heard(began + 32 * second);
        assert_eq!(
            contact.missing(10 * second, began + 32 * second),
            10 * second
        );
    }
}
