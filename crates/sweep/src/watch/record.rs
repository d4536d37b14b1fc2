//! What follows from outcomes: changes of state, second opinions, alerts.

use std::time::Duration;

use canvass_model::{Outcome, Time};
use canvass_run::soa;

use super::{Event, Watch, Watched};
use crate::TargetId;
use crate::evidence::{Blame, Evidence};
use crate::last_result::LastResult;
use crate::state::{State, Step, Tracker};

impl Watch {
    /// Takes the outcome of a probe, which was judged ([`judge`](Self::judge)). Returns the target that
    /// it was of and what follows.
    pub fn record(&mut self, now: Time, outcome: &Outcome) -> (Option<TargetId>, Vec<Event>) {
        let Some(id) = self.probes.remove(&outcome.job.seq) else {
            return (None, Vec::new());
        };
        self.schedule.ended(id);
        let now_unix_ns = self.unix_ns(now);
        let is_held = self.is_held(id);
        let Some(watched) = self.targets[id.0 as usize].as_mut() else {
            return (None, Vec::new());
        };
        let before = Standing::of(watched);
        watched.last = Some(LastResult::of(outcome));
        watched.soa = soa(outcome).or(watched.soa);
        self.latencies.record(&watched.target.group, outcome);
        let thresholds = watched.target.thresholds;
        let evidence = Evidence::of(outcome);
        let step = watched
            .tracker
            .round(now_unix_ns, evidence, &thresholds, is_held);
        let events = self.follow(now, id, before, step);
        (Some(id), events)
    }

    /// Takes a second opinion, which was judged ([`judge_opinion`](Self::judge_opinion)). Returns what
    /// follows.
    pub fn record_opinion(&mut self, now: Time, outcome: &Outcome) -> Vec<Event> {
        let Some(id) = self.opinions.remove(&outcome.job.seq) else {
            return Vec::new();
        };
        let (is_held, now_unix_ns) = (self.is_held(id), self.unix_ns(now));
        let Some(watched) = self.targets[id.0 as usize].as_mut() else {
            return Vec::new();
        };
        let before = Standing::of(watched);
        let evidence = match Evidence::of(outcome) {
            // Then the opinion is of the same network that fails the rounds.
            Evidence::Bad(reason) if is_held => Evidence::None(Blame::Network, reason),
            evidence => evidence,
        };
        let thresholds = watched.target.thresholds;
        let step = watched.tracker.opinion(now_unix_ns, evidence, &thresholds);
        self.follow(now, id, before, step)
    }

    /// Draws the consequences of a step of a target.
    fn follow(&mut self, now: Time, id: TargetId, before: Standing, step: Step) -> Vec<Event> {
        let (is_silent, now_unix_ns) = (self.is_silent(id), self.unix_ns(now));
        let Some(watched) = self.targets[id.0 as usize].as_mut() else {
            return Vec::new();
        };
        let mut events = Vec::new();
        match step {
            Step::Confirm => self.to_confirm.push_back(id),
            Step::Change(change) => {
                let alerts = match change.to {
                    State::Down => !is_silent,
                    State::Up => watched.is_announced,
                    State::Unknown | State::Flapping => false,
                };
                match change.to {
                    State::Down => watched.is_announced |= alerts,
                    State::Up => watched.is_announced = false,
                    State::Unknown | State::Flapping => {}
                }
                events.push(Event::Changed {
                    target: id,
                    at: now,
                    change,
                    lasted: before
                        .since_unix_ns
                        .map(|since| Duration::from_nanos(now_unix_ns.saturating_sub(since))),
                    alerts,
                });
            }
            Step::Stay => {
                let is_due = watched.tracker.state() == State::Down && !watched.is_announced;
                if is_due && !is_silent {
                    watched.is_announced = true;
                    events.push(Event::StillDown {
                        target: id,
                        at: now,
                    });
                }
            }
        }
        let after = Standing::of(watched);
        self.in_use = self.in_use + u64::from(after.in_use) - u64::from(before.in_use);
        self.failing = self.failing + u64::from(after.failing) - u64::from(before.failing);
        if let Some(change) = self.cut_off.look(self.in_use, self.failing) {
            events.push(Event::CutOff {
                change,
                at: now,
                failing: self.failing,
                in_use: self.in_use,
            });
        }
        events
    }

    /// Whether a failure of the target may well be that of this machine's network, or of the gateway
    /// to the target.
    fn is_held(&self, id: TargetId) -> bool {
        self.is_cut_off() || self.gateway(id).is_some_and(Tracker::is_suspect)
    }

    fn is_silent(&self, id: TargetId) -> bool {
        let in_maintenance = self.get(id).is_some_and(|one| one.target.in_maintenance);
        in_maintenance
            || self
                .gateway(id)
                .is_some_and(|one| one.state() == State::Down)
    }

    /// The target that this one depends on.
    fn gateway(&self, id: TargetId) -> Option<&Tracker> {
        let key = self.get(id)?.target.depends_on.as_ref()?;
        Some(&self.get(*self.by_key.get(key)?)?.tracker)
    }
}

/// How a target stands before or after a step.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    /// Since when it is in its state.
    since_unix_ns: Option<u64>,
    pub(super) in_use: bool,
    pub(super) failing: bool,
}

impl Standing {
    pub(super) fn of(watched: &Watched) -> Self {
        Self {
            since_unix_ns: watched.tracker.since_unix_ns(),
            in_use: watched.tracker.state() != State::Down,
            failing: watched.tracker.is_suspect(),
        }
    }
}
