//! Whether a query that was waited for long enough is waited for longer.

use std::time::Duration;

use canvass_model::{Time, Transport};
use canvass_proto::UpstreamId;

use super::rtt::PATIENCE_FIRST;
use super::{Attempt, AttemptKey, Upstreams};

/// Queries in flight, none answered since this one was sent: so many are not lost by chance. The
/// upstream, or the path, stands still for a moment.
const HUSHED_MIN: u32 = 8;
/// How long that moment may be, as a multiple of the usual wait, and at least and at most.
const HUSH_WAITS: u32 = 4;
const HUSH_MIN: Duration = Duration::from_millis(250);
const HUSH_MAX: Duration = Duration::from_secs(1);

impl Upstreams {
    /// The attempt at `at` was waited for as long as was to be. Returns until when to wait before
    /// it is sent again, if not at once: never for longer than `timeout` altogether.
    ///
    /// It has expired then and no longer counts as in flight, unless the upstream stands still. See
    /// [`Self::expire`] for `drops`.
    pub(crate) fn overdue(
        &mut self,
        now: Time,
        transport: Transport,
        at: AttemptKey,
        attempt: &Attempt,
        timeout: Duration,
        drops: u64,
    ) -> Option<Time> {
        let parts = self.lane(at.upstream, transport);
        let patience = parts.trips.patience();
        if !attempt.expired {
            let is_hushed = parts.window.in_flight() >= HUSHED_MIN
                && parts.health.has_answered()
                && !parts.health.any_answered_since(attempt.sent);
            let hush = (patience * HUSH_WAITS)
                .clamp(HUSH_MIN, HUSH_MAX)
                .min(timeout);
            if is_hushed && attempt.sent + hush > now {
                return Some(attempt.sent + hush);
            }
            self.expire(now, transport, at, attempt, drops);
        }
        let parts = self.lane(at.upstream, transport);
        let end = attempt.sent + PATIENCE_FIRST.min(timeout);
        if parts.trips.is_known() || end <= now {
            return None;
        }
        if parts.early_retries.is_permitted() {
            parts.early_retries.on_retry();
            return None;
        }
        Some((now + patience).min(end))
    }

    /// The queries in flight to an upstream.
    pub(crate) fn in_flight_to(&self, id: UpstreamId, transport: Transport) -> Vec<Attempt> {
        self.list[usize::from(id.0)].in_flight_by(transport)
    }
}
