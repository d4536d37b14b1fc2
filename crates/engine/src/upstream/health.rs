//! Whether an upstream is alive and honest on one transport.

use std::time::Duration;

use canvass_model::{Health, Time};

/// First queries without an answer, all sent after the last one that was answered: so many are no
/// coincidence. A name that is never answered has only one first query, so it cannot add up.
const SILENT_MAX: u32 = 8;
/// The same if none was ever answered.
const SILENT_UNPROVEN_MAX: u32 = 4;
/// Replies of no use in a row: so many are no coincidence either.
const ERRORS_MAX: u32 = 16;
/// The same if it has a limit on what is in flight: it refuses all that exceeds it.
const ERRORS_MAX_LIMITED: u32 = 64;
/// How long an upstream is benched, at first and at most.
const BENCH_FIRST: Duration = Duration::from_millis(250);
const BENCH_MAX: Duration = Duration::from_secs(8);
/// The most if there is no other upstream.
const BENCH_ALONE_MAX: Duration = Duration::from_millis(500);

/// The health of one upstream on one transport.
#[derive(Debug, Default)]
pub(crate) struct HealthMonitor {
    /// When the latest query was sent that has been answered.
    answered_sent: Time,
    /// When the last reply was received.
    heard: Time,
    silent: u32,
    errors: u32,
    answered: bool,
    lame: bool,
    unreachable: bool,
    bench: Option<Bench>,
    span: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Bench {
    until: Time,
    why: Health,
    /// A query is out that tests whether it is back.
    probing: bool,
}

impl HealthMonitor {
    /// Whether it is benched.
    pub(crate) fn is_benched(&self) -> bool {
        self.bench.is_some()
    }

    /// Why it is benched, if it is.
    pub(crate) fn bench_reason(&self) -> Option<Health> {
        self.bench.map(|bench| bench.why)
    }

    /// Whether a query that was sent after `sent` has been answered.
    pub(crate) fn any_answered_since(&self, sent: Time) -> bool {
        self.answered_sent > sent
    }

    /// Whether it has ever answered.
    pub(crate) fn has_answered(&self) -> bool {
        self.answered
    }

    /// Whether it was found not to recurse. It may still answer for its own zones.
    pub(crate) fn is_lame(&self) -> bool {
        self.lame
    }

    /// A reply says that it does not recurse.
    pub(crate) fn on_lame(&mut self) {
        self.lame = true;
    }

    /// Whether the system's last word of it was that it cannot be reached, such as that its port is
    /// closed.
    pub(crate) fn is_unreachable(&self) -> bool {
        self.unreachable
    }

    /// The system says that it cannot be reached.
    pub(crate) fn on_unreachable(&mut self) {
        self.unreachable = true;
    }

    /// When it may be asked again; `None` if it is not benched. [`Time::MAX`] while a query is out
    /// that tests whether it is back.
    pub(crate) fn hold(&self) -> Option<Time> {
        self.bench.map(|bench| {
            if bench.probing {
                Time::MAX
            } else {
                bench.until
            }
        })
    }

    /// A query was sent. If it is benched, that query tests whether it is back.
    pub(crate) fn on_sent(&mut self) {
        if let Some(bench) = &mut self.bench {
            bench.probing = true;
        }
    }

    /// A query sent at `sent` was answered. Returns whether it was benched until now.
    pub(crate) fn on_answered(&mut self, now: Time, sent: Time) -> bool {
        self.heard = now;
        self.answered_sent = self.answered_sent.max(sent);
        self.silent = 0;
        self.errors = 0;
        self.answered = true;
        self.unreachable = false;
        self.span = Duration::ZERO;
        self.bench.take().is_some()
    }

    /// A reply of no use was received. Returns whether to bench it for that. `is_limited` says
    /// whether it has a limit on what is in flight.
    pub(crate) fn on_error(&mut self, now: Time, sent: Time, is_limited: bool) -> bool {
        self.heard = now;
        self.answered_sent = self.answered_sent.max(sent);
        self.silent = 0;
        self.errors += 1;
        self.unreachable = false;
        let errors_max = if is_limited {
            ERRORS_MAX_LIMITED
        } else {
            ERRORS_MAX
        };
        self.errors >= errors_max || self.is_benched()
    }

    /// An attempt has expired. Returns whether to bench it for that.
    pub(crate) fn on_silence(&mut self, sent: Time, first: bool) -> bool {
        if let Some(bench) = &self.bench {
            // Only the query that tests whether it is back counts now.
            return bench.probing && sent >= bench.until;
        }
        // A server that answers one query after the other is slow, and not dead.
        if first && sent > self.answered_sent && sent > self.heard {
            self.silent += 1;
        }
        self.silent
            >= if self.answered {
                SILENT_MAX
            } else {
                SILENT_UNPROVEN_MAX
            }
    }

    /// A query has ended without a result. If it was the one that tests whether the upstream is back,
    /// another may be sent.
    pub(crate) fn on_dropped(&mut self) {
        if let Some(bench) = &mut self.bench {
            bench.probing = false;
        }
    }

    /// Benches it for a while, longer each time. Returns until when.
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
