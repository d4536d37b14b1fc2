//! The workers of a campaign, as a submitter sees them.

use std::collections::{BTreeMap, HashMap};

use canvass_model::{LoopSample, ShardReport};

use crate::broker::{WorkerName, WorkerState};
use crate::worker::WorkerReport;

/// The workers of a campaign with their last reports.
#[derive(Default)]
pub(super) struct Fleet {
    workers: BTreeMap<WorkerName, Member>,
    /// The reason that was given last: a worker that tries again and again has the same.
    last_failure: Option<String>,
}

struct Member {
    is_alive: bool,
    report: WorkerReport,
}

impl Fleet {
    /// Learns what the broker knows. The last reports of workers that it has forgotten are kept. Returns
    /// who could not go on and has left since the last time, and why.
    pub(super) fn learn(&mut self, states: Vec<WorkerState>) -> Vec<(WorkerName, String)> {
        let mut failures = Vec::new();
        for member in self.workers.values_mut() {
            member.is_alive = false;
        }
        for WorkerState {
            name,
            is_alive,
            report,
        } in states
        {
            let report = WorkerReport::decode(&report);
            let before = self.workers.get(&name);
            let is_known = before.is_some_and(|member| member.report.failed.is_some());
            let failed = report.as_ref().and_then(|report| report.failed.clone());
            if let Some(failed) = failed
                && !is_known
                && self.last_failure.as_ref() != Some(&failed)
            {
                self.last_failure = Some(failed.clone());
                failures.push((name.clone(), failed));
            }
            match (self.workers.get_mut(&name), report) {
                (Some(member), report) => {
                    member.is_alive = is_alive;
                    if let Some(report) = report {
                        member.report = report;
                    }
                }
                (None, report) => {
                    let report = report.unwrap_or_default();
                    self.workers.insert(name, Member { is_alive, report });
                }
            }
        }
        failures
    }

    /// The number of live workers.
    pub(super) fn live(&self) -> usize {
        let workers = self.workers.values();
        workers.filter(|member| member.is_alive).count()
    }

    pub(super) fn is_alive(&self, worker: &WorkerName) -> bool {
        self.workers
            .get(worker)
            .is_some_and(|member| member.is_alive)
    }

    /// Whether the reports of all live workers have the outcomes that were received from them.
    pub(super) fn has_reported(&self, received_from: &HashMap<WorkerName, u64>) -> bool {
        let live = self.workers.iter().filter(|(_, member)| member.is_alive);
        live.into_iter().all(|(name, member)| {
            let received = received_from.get(name).copied().unwrap_or_default();
            member.report.committed >= received
        })
    }

    /// A sample of the event loops of each live worker.
    pub(super) fn loops(&self) -> Vec<LoopSample> {
        let live = self.workers.values().filter(|member| member.is_alive);
        live.map(|member| member.report.sample).collect()
    }

    /// The reports of all workers, one for each, so that they have `outcomes` in sum: what a worker did of
    /// chunks that another one completed counts once.
    pub(super) fn shards(&self, outcomes: u64) -> Vec<ShardReport> {
        let mut shards: Vec<ShardReport> = self
            .workers
            .values()
            .map(|member| member.report.shard.clone())
            .collect();
        if shards.is_empty() {
            shards.push(ShardReport::default());
        }
        for (at, shard) in shards.iter_mut().enumerate() {
            let all = if at == 0 { outcomes } else { 0 };
            (shard.admitted, shard.finished) = (all, all);
        }
        shards
    }
}
