//! What a shard notices of itself and its surroundings: hold-ups, outages, orders to stop.

use std::time::Duration;

use canvass_model::Time;

use super::Shard;
use super::transmit::is_probe;
use crate::net::Net;

/// A turn that comes this much late was held up: timers do not bear it.
const STALL_MIN: Duration = Duration::from_millis(50);
/// How long the timers stand still after that: what was sent just before the hold-up, or in the
/// middle of it by a clock read before, must have time to be answered and to be read.
const STALL_GRACE: Duration = Duration::from_millis(100);
/// How often in a row that is given, so that a machine that is always late still ends every job.
const STALL_GRACES_MAX: u32 = 8;
/// How long every resolver may be gone before the run is given up: when none ever answered, and
/// when one did.
const GIVE_UP_UNPROVEN: Duration = Duration::from_secs(10);
const GIVE_UP_PROVEN: Duration = Duration::from_secs(60);

impl<N: Net> Shard<N> {
    /// Notices that this process was held up from `expected` to `now`.
    pub(super) fn watch_stall(&mut self, expected: Time, now: Time) {
        let late = now.since(expected);
        if late >= STALL_MIN {
            self.report.stalls += 1;
            self.report.stall_max = self.report.stall_max.max(late);
            self.stall_end = now;
            if self.graces < STALL_GRACES_MAX {
                self.graces += 1;
                self.grace_end = now + STALL_GRACE;
            }
        }
    }

    /// Notices that every resolver is gone, and gives up when that lasts.
    pub(super) fn watch_outage(&mut self, now: Time) {
        let transport = self.config.limits.transport.first();
        // Without a job nobody goes to see whether they are back.
        // Probes of addresses need no resolver.
        let asks =
            self.slots.len() > 0 || self.staged.front().is_some_and(|job| !is_probe(job.spec));
        let none = self.config.upstreams.is_empty();
        if none || !asks || !self.upstreams.all_benched(transport) {
            self.down_since = None;
            return;
        }
        let since = *self.down_since.get_or_insert(now);
        // While hosts answer, it is not the network that is gone.
        if self.probes.answered_at > since {
            self.down_since = None;
            return;
        }
        let patience = if self.upstreams.any_answered() {
            GIVE_UP_PROVEN
        } else {
            GIVE_UP_UNPROVEN
        };
        let more = !self.staged.is_empty() || !self.jobs_ended;
        if now.since(since) >= patience && more {
            self.report.gave_up = true;
            self.channels.stop.drain();
        }
    }

    /// Obeys the run's stop signal.
    pub(super) fn watch_control(&mut self, now: Time) {
        if !self.channels.stop.is_draining() {
            return;
        }
        // What was fed and never admitted is the feeder's to count.
        self.staged.clear();
        self.probes.hosts.clear_jobs();
        self.jobs_ended = true;
        self.stop_probes(now);
        if self.channels.stop.is_aborting() {
            for key in self.slots.keys() {
                if let Some(slot) = self.slots.by_key(key) {
                    slot.session.cancel(now);
                }
                self.drive(now, key);
            }
            self.cancel_probes(now);
        }
    }
}
