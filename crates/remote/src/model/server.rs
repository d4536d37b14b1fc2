//! The server that all handles share.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::ModelBroker;
use super::campaign::Campaign;

/// A broker in memory. A clone is the same server.
#[derive(Clone, Debug, Default)]
pub struct ModelServer(Arc<Mutex<Contents>>);

/// What a server held at some time. A copy is cheap: payloads and results are shared.
#[derive(Clone, Debug, Default)]
pub struct Snapshot(Option<Campaign>);

/// What the server holds, under its lock.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) campaign: Option<Campaign>,
    /// Time since some beginning.
    pub(super) now: Duration,
    pub(super) instance: u64,
    /// The contents before each of the last operations, the oldest first.
    history: VecDeque<Snapshot>,
    history_max: usize,
}

impl Contents {
    /// Notes what there is before an operation.
    pub(super) fn note(&mut self) {
        if self.history_max == 0 {
            return;
        }
        if self.history.len() == self.history_max {
            self.history.pop_front();
        }
        self.history.push_back(Snapshot(self.campaign.clone()));
    }
}

impl ModelServer {
    /// A server without a campaign, at time 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle, as of one client.
    pub fn broker(&self) -> ModelBroker {
        ModelBroker::new(self.clone())
    }

    /// The time of the server.
    pub fn now(&self) -> Duration {
        self.lock().now
    }

    /// Sets the time of the server. Its clock may be set back, as that of any machine.
    pub fn set_now(&self, now: Duration) {
        self.lock().now = now;
    }

    /// Lets time pass.
    pub fn advance(&self, time: Duration) {
        self.lock().now += time;
    }

    /// What the server holds.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.lock().campaign.clone())
    }

    /// Remembers what it held before each of the last `operations`, or of more if it was told so before.
    pub fn keep_history(&self, operations: usize) {
        let mut contents = self.lock();
        contents.history_max = contents.history_max.max(operations);
    }

    /// Starts another process with the same contents.
    pub fn restart(&self) {
        self.restore(&self.snapshot());
    }

    /// Starts another process that has only what there was then.
    pub fn restore(&self, snapshot: &Snapshot) {
        let mut contents = self.lock();
        contents.campaign = snapshot.0.clone();
        if let Some(campaign) = &mut contents.campaign {
            campaign.take_over();
        }
        contents.instance += 1;
        contents.history.clear();
    }

    /// Starts another process that lacks the last `operations`, or as many as are remembered.
    pub fn fail_over(&self, operations: usize) {
        let snapshot = {
            let contents = self.lock();
            let at = contents.history.len().saturating_sub(operations);
            contents.history.get(at).cloned()
        };
        self.restore(&snapshot.unwrap_or_else(|| self.snapshot()));
    }

    /// Removes all that it has, as `FLUSHALL`.
    pub fn flush(&self) {
        self.lock().campaign = None;
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
