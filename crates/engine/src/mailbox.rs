//! The two channels of a shard: jobs in, outcomes out.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use canvass_model::{Job, Outcome, Time};
use canvass_proto::ResolveFault;
use crossbeam_channel::{Receiver, SendError, Sender};

/// Wakes a parked shard. Channels do not wake a poll, and waking costs a system call, so a shard
/// says when it parks, and only then is it woken.
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

    /// Wakes the shard, if it is parked. Call it after what there is to see can be seen.
    pub fn wake_if_parked(&self) {
        if self.parked.load(Ordering::SeqCst) && self.parked.swap(false, Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Wakes the shard whether it is parked or not.
    pub fn wake(&self) {
        if let Some(waker) = &self.waker {
            // It fails only when the poll is gone, and then nobody sleeps there.
            let _ = waker.wake();
        }
    }

    /// Says that the shard will sleep unless it is woken. Look at the channels once more after it.
    pub(crate) fn park(&self) {
        self.parked.store(true, Ordering::SeqCst);
    }

    pub(crate) fn unpark(&self) {
        self.parked.store(false, Ordering::SeqCst);
    }
}

/// How the run is to end, shared by all shards.
#[derive(Debug, Default)]
pub struct StopSignal(AtomicU8);

impl StopSignal {
    /// Take no more jobs, and finish those under way.
    pub fn drain(&self) {
        self.0.fetch_max(1, Ordering::SeqCst);
    }

    /// Finish at once, with what is known.
    pub fn abort(&self) {
        self.0.fetch_max(2, Ordering::SeqCst);
    }

    /// Whether no more jobs are to be taken.
    pub fn is_draining(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= 1
    }

    pub(crate) fn is_aborting(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= 2
    }
}

/// Where a shard's jobs are put in. Dropping it says that there are no more.
#[derive(Debug)]
pub struct Inbox {
    sender: Option<Sender<Vec<Job>>>,
    waker: Arc<Waker>,
}

impl Inbox {
    /// The door to the shard that `waker` wakes.
    pub fn new(sender: Sender<Vec<Job>>, waker: Arc<Waker>) -> Self {
        Self {
            sender: Some(sender),
            waker,
        }
    }

    /// Puts a batch in, waiting while there is no room.
    ///
    /// # Errors
    /// Gives the batch back when the shard is gone.
    pub fn put(&self, jobs: Vec<Job>) -> Result<(), Vec<Job>> {
        let sender = self.sender.as_ref().expect("the inbox is open");
        sender.send(jobs).map_err(|SendError(jobs)| jobs)?;
        self.waker.wake_if_parked();
        Ok(())
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        // The shard must see the end, not sleep through it.
        self.sender = None;
        self.waker.wake_if_parked();
    }
}

/// Where names are looked up by somebody else: by the system's resolver, which blocks.
#[derive(Debug)]
pub struct NameService {
    /// Names to be looked up.
    pub requests: Sender<NameRequest>,
    /// What was found. The shard is to be woken ([`Waker::wake`]) after each.
    pub answers: Receiver<NameAnswer>,
}

/// A name to be looked up by somebody else.
#[derive(Clone, Debug)]
pub struct NameRequest {
    /// Which.
    pub name: Box<str>,
    /// From when on nobody waits for it. It is to be answered all the same.
    pub give_up: Time,
}

/// What somebody else found.
#[derive(Clone, Debug)]
pub struct NameAnswer {
    /// The name, as it was asked for.
    pub name: Box<str>,
    /// Its addresses, of both kinds.
    pub addresses: Result<Vec<IpAddr>, ResolveFault>,
}

/// A shard's side of its channels.
#[derive(Debug)]
pub struct Channels {
    /// Where jobs come from.
    pub jobs: Receiver<Vec<Job>>,
    /// Where outcomes go.
    pub outcomes: Sender<Vec<Outcome>>,
    /// Rung when jobs have come.
    pub inbox_waker: Arc<Waker>,
    /// Rung when outcomes have been taken.
    pub outbox_waker: Arc<Waker>,
    /// How the run is to end.
    pub stop: Arc<StopSignal>,
    /// Who looks up the names of hosts, if it is not the upstreams.
    pub names: Option<NameService>,
}
