//! Whether an upstream is alive and honest on one transport.

use std::time::Duration;

use canvass_model::{Health, Time};

/// First queries sent after the last one that was answered, and none of them answered: so many
/// are no chance. A name that never answers is asked first only once, so it cannot add up.
const SILENT_MAX: u32 = 8;
/// The same while none was ever answered.
const SILENT_UNPROVEN_MAX: u32 = 4;
/// Error answers in a row, and nothing else: so many are no chance either.
const ERRORS_MAX: u32 = 16;
/// How long an upstream is left alone, at first and at most.
const BENCH_FIRST: Duration = Duration::from_millis(250);
const BENCH_MAX: Duration = Duration::from_secs(8);
/// The most while there is no other to turn to.
const BENCH_ALONE_MAX: Duration = Duration::from_millis(500);

/// The watch over one upstream on one transport.
#[derive(Debug, Default)]
pub(crate) struct HealthMonitor {
    /// The latest time at which a query left that has been answered.
    answered_sent: Time,
    silent: u32,
    errors: u32,
    answered: bool,
    bench: Option<Bench>,
    span: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Bench {
    until: Time,
    why: Health,
    /// A query is out to see whether it is back.
    probing: bool,
}

impl HealthMonitor {
    /// Whether it is left alone.
    pub(crate) fn is_benched(&self) -> bool {
        self.bench.is_some()
    }

    /// Why it is left alone, if it is.
    pub(crate) fn bench_reason(&self) -> Option<Health> {
        self.bench.map(|bench| bench.why)
    }

    /// Whether it ever gave an answer.
    pub(crate) fn has_answered(&self) -> bool {
        self.answered
    }

    /// `None` when it may be asked: it is well, or its time on the bench is over and nobody
    /// has gone to see yet. Else when to look again.
    pub(crate) fn hold(&self) -> Option<Time> {
        self.bench.map(|bench| {
            if bench.probing {
                Time::MAX
            } else {
                bench.until
            }
        })
    }

    /// A query goes out while it is benched: to see whether it is back.
    pub(crate) fn on_sent(&mut self) {
        if let Some(bench) = &mut self.bench {
            bench.probing = true;
        }
    }

    /// An answer came to a query that left at `sent`. Returns whether that ends its time on the
    /// bench.
    pub(crate) fn on_answered(&mut self, sent: Time) -> bool {
        self.answered_sent = self.answered_sent.max(sent);
        self.silent = 0;
        self.errors = 0;
        self.answered = true;
        self.span = Duration::ZERO;
        self.bench.take().is_some()
    }

    /// An error answer came. Returns whether it should be benched for it.
    pub(crate) fn on_error(&mut self, sent: Time) -> bool {
        self.answered_sent = self.answered_sent.max(sent);
        self.silent = 0;
        self.errors += 1;
        self.errors >= ERRORS_MAX || self.is_benched()
    }

    /// An attempt ran out of time. Returns whether it should be benched for it.
    pub(crate) fn on_silence(&mut self, sent: Time, first: bool) -> bool {
        if let Some(bench) = &self.bench {
            // Only the query that went to see says anything now.
            return bench.probing && sent >= bench.until;
        }
        if first && sent > self.answered_sent {
            self.silent += 1;
        }
        self.silent
            >= if self.answered {
                SILENT_MAX
            } else {
                SILENT_UNPROVEN_MAX
            }
    }

    /// A query was taken back: if it was the one that went to see, another may go.
    pub(crate) fn on_dropped(&mut self) {
        if let Some(bench) = &mut self.bench {
            bench.probing = false;
        }
    }

    /// Leaves it alone for a while, longer each time. Returns until when.
    pub(crate) fn bench(&mut self, now: Time, why: Health, alone: bool) -> Time {
        let cap = if alone { BENCH_ALONE_MAX } else { BENCH_MAX };
        self.span = (self.span * 2).clamp(BENCH_FIRST, BENCH_MAX).min(cap);
        let until = now + self.span;
        self.bench = Some(Bench {
            until,
            why,
            probing: false,
        });
        self.silent = 0;
        until
    }
}
