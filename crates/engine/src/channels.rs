//! The channels that connect a shard with the other threads of a run: jobs, outcomes, name lookups,
//! the stop signal.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use canvass_model::{Job, LoopSample, Outcome, Time};
use canvass_proto::ResolveFault;
use crossbeam_channel::{Receiver, SendError, Sender};

use crate::live_report::LiveReport;

/// Wakes a parked shard. Channels do not wake a poll, and waking costs a system call, so a shard
/// marks itself as parked, and is woken only then.
#[derive(Debug, Default)]
pub struct Waker {
    waker: Option<Arc<mio::Waker>>,
    parked: AtomicBool,
}

impl Waker {
    /// Creates a waker for the poll behind `waker`; `None` for a simulated world that never sleeps.
    pub fn new(waker: Option<Arc<mio::Waker>>) -> Self {
        Self {
            waker,
            parked: AtomicBool::new(false),
        }
    }

    /// Wakes the shard if it is parked. Call it after the change that the shard should see.
    pub fn wake_if_parked(&self) {
        if self.parked.load(Ordering::SeqCst) && self.parked.swap(false, Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Wakes the shard whether it is parked or not.
    pub fn wake(&self) {
        if let Some(waker) = &self.waker {
            // Fails only when the poll is gone, and then no thread is blocked in it.
            let _ = waker.wake();
        }
    }

    /// Marks the shard as parked. The shard must check its channels once more before it blocks.
    pub(crate) fn park(&self) {
        self.parked.store(true, Ordering::SeqCst);
    }

    pub(crate) fn unpark(&self) {
        self.parked.store(false, Ordering::SeqCst);
    }
}

/// Whether the run should drain or abort. Shared by all shards.
#[derive(Debug, Default)]
pub struct StopSignal(AtomicU8);

impl StopSignal {
    /// Takes no more jobs; those under way are completed.
    pub fn drain(&self) {
        self.0.fetch_max(1, Ordering::SeqCst);
    }

    /// Ends the jobs under way at once, each with an outcome.
    pub fn abort(&self) {
        self.0.fetch_max(2, Ordering::SeqCst);
    }

    /// Whether the shards take no more jobs.
    pub fn is_draining(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= 1
    }

    /// Whether jobs under way end at once.
    pub fn is_aborting(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= 2
    }
}

/// The sending end of a shard's inbox. Dropping it closes the inbox.
#[derive(Debug)]
pub struct InboxSender {
    sender: Option<Sender<Vec<Job>>>,
    waker: Arc<Waker>,
}

impl InboxSender {
    /// Creates the sending end of the inbox of the shard that `waker` wakes.
    pub fn new(sender: Sender<Vec<Job>>, waker: Arc<Waker>) -> Self {
        Self {
            sender: Some(sender),
            waker,
        }
    }

    /// Sends a batch of jobs. Blocks while the inbox is full.
    ///
    /// # Errors
    /// The batch itself, if the shard has ended.
    pub fn put(&self, jobs: Vec<Job>) -> Result<(), Vec<Job>> {
        let sender = self.sender.as_ref().expect("the inbox is open");
        sender.send(jobs).map_err(|SendError(jobs)| jobs)?;
        self.waker.wake_if_parked();
        Ok(())
    }
}

impl Drop for InboxSender {
    fn drop(&mut self) {
        // A parked shard must notice that the inbox was closed.
        self.sender = None;
        self.waker.wake_if_parked();
    }
}

/// A name service outside the shard: the system's resolver, which blocks.
#[derive(Debug)]
pub struct NameService {
    /// Names to be looked up.
    pub requests: Sender<NameRequest>,
    /// The results. The sender wakes the shard ([`Waker::wake`]) after each.
    pub answers: Receiver<NameAnswer>,
}

/// A name that a [`NameService`] looks up.
#[derive(Clone, Debug)]
pub struct NameRequest {
    /// The name.
    pub name: Box<str>,
    /// When the shard stops waiting for the result. The request must be answered even after that.
    pub give_up: Time,
}

/// The result of a [`NameRequest`].
#[derive(Clone, Debug)]
pub struct NameAnswer {
    /// The name, as in the request.
    pub name: Box<str>,
    /// Its addresses, of both families.
    pub addresses: Result<Vec<IpAddr>, ResolveFault>,
}

/// The latest sample of a shard's state, for monitoring during the run.
#[derive(Debug, Default)]
pub struct LatestSample(Mutex<LoopSample>);

impl LatestSample {
    /// The sample.
    pub fn get(&self) -> LoopSample {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, sample: LoopSample) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = sample;
    }
}

/// A shard's ends of its channels.
#[derive(Debug)]
pub struct Channels {
    /// Receives jobs.
    pub jobs: Receiver<Vec<Job>>,
    /// Sends outcomes.
    pub outcomes: Sender<Vec<Outcome>>,
    /// Wakes the shard after jobs were sent.
    pub inbox_waker: Arc<Waker>,
    /// Wakes the shard after outcomes were received.
    pub outbox_waker: Arc<Waker>,
    /// Tells the shard to drain or abort.
    pub stop: Arc<StopSignal>,
    /// Looks up the names of hosts. Without it the upstreams are asked.
    pub names: Option<NameService>,
    /// The latest sample of the shard's state.
    pub latest: Arc<LatestSample>,
    /// The shard's report, if somebody wants it.
    pub live: Arc<LiveReport>,
}
