//! What a shard notices of itself and its surroundings: stalls, outages, the stop signal.

use std::time::Duration;

use canvass_model::{ShardReport, Time, Transport};
use canvass_proto::{LostCause, UpstreamId};

use super::Shard;
use super::admit::is_probe;
use super::query_task::QueryTask;
use crate::net::Net;

/// A turn that is late by this much was stalled.
const STALL_MIN: Duration = Duration::from_millis(50);
/// How long no timer fires after a stall: what was sent just before it, or during it by a clock
/// read earlier, must have time to be answered and to be read.
const STALL_GRACE: Duration = Duration::from_millis(100);
/// How often in a row that is granted, so that jobs still end on a machine that is always late.
const STALL_GRACES_MAX: u32 = 8;
/// Turns in a row in which no timer fires because there is more to read: what was received is
/// read before it is given up, but a flood cannot delay timers for long.
const PUT_OFF_MAX: u32 = 8;
/// How long every resolver may be gone before the run is given up: if one has answered before, if
/// none has, and if the system says of all of them that they cannot be reached. The latter is time
/// for three attempts.
const GIVE_UP_PROVEN: Duration = Duration::from_secs(60);
const GIVE_UP_UNPROVEN: Duration = Duration::from_secs(10);
const GIVE_UP_UNREACHABLE: Duration = Duration::from_millis(800);
/// The same if the system of this machine refuses to send any query, and no resolver has answered
/// before. That is time for dozens of attempts.
const GIVE_UP_BLOCKED: Duration = Duration::from_secs(3);

/// Times at which this process was held up, and how long timers wait for it.
#[derive(Debug, Default)]
pub(super) struct Stalls {
    /// When the last stall began and ended.
    began: Time,
    ended: Time,
    /// When the one before it ended.
    ended_before: Time,
    /// Until when no timer fires.
    grace_end: Time,
    /// How often that was granted since timers last fired.
    graces: u32,
    put_off: u32,
}

impl Stalls {
    /// Notices that this process was held up from `expected` to `now`.
    pub(super) fn watch(&mut self, expected: Time, now: Time, report: &mut ShardReport) {
        let late = now.since(expected);
        if late < STALL_MIN {
            return;
        }
        report.stalls += 1;
        report.stall_max = report.stall_max.max(late);
        self.ended_before = self.ended;
        self.began = expected;
        self.ended = now;
        if self.graces < STALL_GRACES_MAX {
            self.graces += 1;
            self.grace_end = now + STALL_GRACE;
        }
    }

    /// Whether there was a stall after `since` and before `until`. An answer is dated by its arrival,
    /// which may be before a stall in which it was not read.
    pub(super) fn was_stalled(&self, since: Time, until: Time) -> bool {
        let last = if until > self.began {
            self.ended
        } else {
            self.ended_before
        };
        since < last
    }

    /// When timers fire that are due at `due`.
    pub(super) fn timers_at(&self, due: Time) -> Time {
        due.max(self.grace_end)
    }

    /// Whether timers may fire now. They wait while there is `more_to_read`.
    pub(super) fn may_fire(&mut self, now: Time, more_to_read: bool) -> bool {
        if more_to_read && self.put_off < PUT_OFF_MAX {
            self.put_off += 1;
            return false;
        }
        if now < self.grace_end {
            return false;
        }
        self.graces = 0;
        self.put_off = 0;
        true
    }
}

/// Since when every resolver is gone, or none can be asked.
#[derive(Debug, Default)]
pub(super) struct Outage {
    since: Option<Time>,
    /// What the system of this machine answered to the last attempt to send a query of the run, if
    /// it refused.
    blocked: Option<LostCause>,
    /// When a probe was last answered.
    host_answered: Time,
}

impl Outage {
    /// A query was sent.
    #[inline]
    pub(super) fn on_sent(&mut self) {
        self.blocked = None;
    }

    /// The system of this machine refused to send a query.
    pub(super) fn on_blocked(&mut self, fault: LostCause) {
        self.blocked = Some(fault);
    }

    /// A host answered a probe.
    pub(super) fn host_answered(&mut self, now: Time) {
        self.host_answered = now;
    }

    /// How long every resolver has been gone, if `all_gone`. While hosts answer, the network is
    /// not gone.
    fn watch(&mut self, now: Time, all_gone: bool) -> Duration {
        if !all_gone {
            self.since = None;
            return Duration::ZERO;
        }
        let since = *self.since.get_or_insert(now);
        if self.host_answered > since {
            self.since = None;
        }
        self.since.map_or(Duration::ZERO, |since| now.since(since))
    }
}

impl<N: Net> Shard<N> {
    /// Counts what the system of this machine refused.
    pub(super) fn count_local_fault(&mut self, fault: LostCause) {
        self.report.losses.local_send_errors += 1;
        if let Some(errno) = fault.errno {
            self.report.local_faults.count(errno);
        }
    }

    /// The system of this machine refused to send to a resolver. Returns when to try again.
    pub(super) fn on_local_fault(
        &mut self,
        now: Time,
        upstream: UpstreamId,
        transport: Transport,
        fault: LostCause,
    ) -> Time {
        self.count_local_fault(fault);
        if self.upstreams.is_shared(upstream) {
            self.outage.on_blocked(fault);
        }
        self.upstreams
            .on_local_fault(now, upstream, transport, fault)
    }

    /// Notices that every resolver is gone, or that none can be asked, and gives up if that lasts.
    pub(super) fn watch_outage(&mut self, now: Time) {
        if !self.config.ends_without_resolvers {
            return;
        }
        let transport = self.config.limits.transport.first();
        // Without queries it cannot be tested whether they are back. Probes of addresses need none.
        let next_asks = self.intake.next().is_some_and(|job| !is_probe(job.spec));
        let asks = self.tasks.any_query() || next_asks;
        let blocked = self.outage.blocked;
        let all_gone = asks && (blocked.is_some() || self.upstreams.all_benched(transport));
        let gone = self.outage.watch(now, all_gone);
        if gone < GIVE_UP_UNREACHABLE {
            return;
        }
        let proven = self.upstreams.any_answered();
        let unreachable = !proven && self.upstreams.all_unreachable(transport);
        let patience = match (proven, unreachable, blocked) {
            (true, _, _) => GIVE_UP_PROVEN,
            (false, true, _) => GIVE_UP_UNREACHABLE,
            (false, false, Some(_)) => GIVE_UP_BLOCKED,
            (false, false, None) => GIVE_UP_UNPROVEN,
        };
        if gone < patience {
            return;
        }
        if !self.intake.is_empty() || !self.intake.has_ended() {
            self.report.gave_up = true;
            self.report.blocked_by = blocked.and_then(|fault| fault.errno);
            self.channels.stop.drain();
        }
        if unreachable || blocked.is_some() {
            self.end_queries(now, QueryTask::end);
        }
    }

    fn end_queries(&mut self, now: Time, end: impl Fn(&mut QueryTask, Time)) {
        for key in self.tasks.query_keys() {
            if let Some(query) = self.tasks.query(key) {
                end(query, now);
            }
            self.drive(now, key);
        }
    }

    /// Obeys the run's stop signal.
    pub(super) fn watch_control(&mut self, now: Time) {
        if !self.channels.stop.is_draining() {
            return;
        }
        self.intake.end();
        self.probes.hosts.clear_jobs();
        self.stop_probes(now);
        if self.channels.stop.is_aborting() {
            self.end_queries(now, QueryTask::cancel);
            self.cancel_probes(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_arrived_before_a_stall_was_not_stalled_by_it() {
        let at_ms = |ms: u64| Time::from_nanos(ms * 1_000_000);
        let mut stalls = Stalls::default();
        let mut report = ShardReport::default();
        stalls.watch(at_ms(100), at_ms(200), &mut report);
        stalls.watch(at_ms(500), at_ms(600), &mut report);
        assert!(stalls.was_stalled(at_ms(400), at_ms(601)));
        assert!(!stalls.was_stalled(at_ms(400), at_ms(499)));
        assert!(stalls.was_stalled(at_ms(150), at_ms(499)));
        assert!(!stalls.was_stalled(at_ms(600), at_ms(700)));
    }
}
