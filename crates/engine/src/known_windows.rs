//! What others have found of the limits of resolvers, which a run need not find out anew.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use canvass_model::Transport;
use hashbrown::HashMap;

/// What a run may ask of one resolver over one transport, as far as it is known: its part of the limits
/// that the resolver has shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnownWindow {
    /// The resolver.
    pub resolver: SocketAddr,
    /// The transport.
    pub transport: Transport,
    /// The most queries in flight.
    pub in_flight: Option<u32>,
    /// The queries per second that it sustains.
    pub rate_per_second: Option<f64>,
}

/// The [`KnownWindow`]s of a run, which can change while it goes on.
///
/// A window starts from what is known. Later a rate that is not the one before lowers a window that is
/// faster, once: the window may then find that the resolver bears more. A limit in flight holds for 30 s
/// since it was last set, and then what is found counts again.
#[derive(Clone, Debug)]
pub struct KnownWindows(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    shards: usize,
    version: AtomicU64,
    by_lane: Mutex<Lanes>,
}

type Lanes = HashMap<(SocketAddr, Transport), Known>;

/// What is known of one lane, for one shard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) in_flight: Option<u32>,
    pub(crate) rate_per_second: Option<f64>,
}

impl KnownWindows {
    pub(crate) fn new(shards: usize, known: impl IntoIterator<Item = KnownWindow>) -> Self {
        let windows = Self(Arc::new(Shared {
            shards,
            version: AtomicU64::new(0),
            by_lane: Mutex::default(),
        }));
        windows.set(known);
        windows
    }

    /// Sets what is known, in place of all before.
    pub fn set(&self, known: impl IntoIterator<Item = KnownWindow>) {
        let shards = self.0.shards;
        let lanes: Lanes = known
            .into_iter()
            .map(|one| {
                let known = Known {
                    in_flight: one.in_flight.map(|most| (most / shards as u32).max(1)),
                    rate_per_second: one.rate_per_second.map(|rate| rate / shards as f64),
                };
                ((one.resolver, one.transport), known)
            })
            .collect();
        let mut by_lane = self.lanes();
        if lanes.is_empty() && by_lane.is_empty() {
            return;
        }
        *by_lane = lanes;
        self.0.version.fetch_add(1, Ordering::Release);
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.0
            .by_lane
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known, as a shard has seen it last.
#[derive(Debug)]
pub(crate) struct KnownView {
    shared: KnownWindows,
    version: u64,
    lanes: Lanes,
}

impl KnownView {
    pub(crate) fn new(shared: KnownWindows) -> Self {
        Self {
            shared,
            version: 0,
            lanes: Lanes::new(),
        }
    }

    /// Looks whether it has changed, and returns that.
    #[inline]
    pub(crate) fn refresh(&mut self) -> bool {
        let version = self.shared.0.version.load(Ordering::Acquire);
        if version == self.version {
            return false;
        }
        self.version = version;
        self.lanes = self.shared.lanes().clone();
        true
    }

    /// What is known of a lane.
    pub(crate) fn get(&self, resolver: SocketAddr, transport: Transport) -> Option<Known> {
        self.lanes.get(&(resolver, transport)).copied()
    }
}
