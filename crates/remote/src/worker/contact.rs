//! How long a process has been in contact with its broker.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Since when a process has been in contact with its broker without a break.
///
/// Before a worker claims the chunks of silent workers, it must have been in contact for a lease: the
/// others may have been cut off as it was. A process has one contact for all campaigns that it takes part
/// in, since it may stay in none of them for so long. Clones are the same.
#[derive(Clone, Debug)]
pub struct Contact(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    began: Instant,
    lease: Duration,
    span: Mutex<Option<Span>>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    since: Duration,
    heard: Duration,
}

impl Contact {
    /// A process that has not heard of its broker yet.
    pub fn new(lease: Duration) -> Self {
        Self(Arc::new(Inner {
            began: Instant::now(),
            lease,
            span: Mutex::default(),
        }))
    }

    /// The time of this process.
    pub fn now(&self) -> Duration {
        self.0.began.elapsed()
    }

    /// Notes that the broker replies.
    pub fn heard(&self, now: Duration) {
        let since = self.unbroken(now).map_or(now, |span| span.since);
        *self.lock() = Some(Span { since, heard: now });
    }

    /// Notes that the broker does not reply.
    pub fn lost(&self) {
        *self.lock() = None;
    }

    /// Whether the last reply, if any, was so long ago that leases may have run out in between.
    pub(super) fn is_broken(&self, now: Duration) -> bool {
        self.unbroken(now).is_none()
    }

    /// Whether there was contact for a lease.
    pub(super) fn has_lasted(&self, now: Duration) -> bool {
        let span = self.unbroken(now);
        span.is_some_and(|span| now.saturating_sub(span.since) >= self.0.lease)
    }

    fn unbroken(&self, now: Duration) -> Option<Span> {
        let silence_max = self.0.lease / 2;
        self.lock()
            .filter(|span| now.saturating_sub(span.heard) <= silence_max)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Span>> {
        self.0.span.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_begins_again_after_a_break() {
        let second = Duration::from_secs(1);
        let contact = Contact::new(10 * second);
        assert!(contact.is_broken(Duration::ZERO));
        for at in 0..=12 {
            contact.heard(at * second);
            assert_eq!(contact.has_lasted(at * second), at >= 10);
        }
        // Silence, as while the process was stopped.
        assert!(!contact.is_broken(17 * second));
        assert!(contact.is_broken(18 * second));
        contact.heard(18 * second);
        contact.heard(22 * second);
        contact.heard(27 * second);
        assert!(!contact.has_lasted(27 * second));
        assert!(contact.has_lasted(28 * second));
        contact.lost();
        contact.heard(28 * second);
        assert!(!contact.has_lasted(28 * second));
    }
}
