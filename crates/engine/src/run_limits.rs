//! The limits of a run, which all its shards share.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cap_share::{CapShare, ShareView};
use crate::caps::Caps;
use crate::config::Config;
use crate::known_windows::{KnownView, KnownWindows};
use crate::pacer::{Pacer, RateLimit};
use crate::slots::{SlotPool, Slots};

/// The limits of a run, one for all its shards.
#[derive(Clone, Debug)]
pub struct RunLimits {
    rate: Option<Arc<RateLimit>>,
    per_resolver: Option<Arc<ResolverRateLimits>>,
    slots: Option<Arc<SlotPool>>,
    share: CapShare,
    known: KnownWindows,
}

/// The limit on the rate of each resolver.
#[derive(Debug)]
struct ResolverRateLimits {
    rate_per_second: f64,
    shards: usize,
    by_address: Mutex<HashMap<SocketAddr, Arc<RateLimit>>>,
}

impl RunLimits {
    /// The limits of a run of this configuration.
    pub fn new(config: &Config) -> Self {
        let shards = config.shards.get();
        let share = CapShare::new(Caps::of(config));
        let rate = config
            .rate_max_per_second
            .map(|rate| Arc::new(RateLimit::new(rate, shards, config.is_scheduled, &share)));
        let per_resolver = config
            .rate_per_resolver_max_per_second
            .map(|rate_per_second| {
                Arc::new(ResolverRateLimits {
                    rate_per_second,
                    shards,
                    by_address: Mutex::default(),
                })
            });
        Self {
            rate,
            per_resolver,
            slots: config.concurrency_cap.map(|_| Arc::default()),
            share,
            known: KnownWindows::new(shards, config.known.iter().copied()),
        }
    }

    /// What is known of resolvers.
    pub fn known(&self) -> KnownWindows {
        self.known.clone()
    }

    /// What is known of resolvers, as one shard sees it.
    pub(crate) fn known_view(&self) -> KnownView {
        KnownView::new(self.known.clone())
    }

    /// The part of its caps that the run may use.
    pub fn share(&self) -> CapShare {
        self.share.clone()
    }

    /// The share as one shard sees it.
    pub(crate) fn share_view(&self) -> ShareView {
        ShareView::new(self.share.clone())
    }

    /// The slots of one shard, if the user has limited them.
    pub(crate) fn slots(&self) -> Option<Slots> {
        self.slots.clone().map(Slots::new)
    }

    /// Paces the queries of one shard.
    pub(crate) fn pacer(&self) -> Pacer {
        Pacer::new(self.rate.clone())
    }

    /// Whether there is a limit for each resolver.
    pub(crate) fn limits_resolvers(&self) -> bool {
        self.per_resolver.is_some()
    }

    /// Paces the queries of one shard to the resolver at `address`.
    pub(crate) fn pacer_of(&self, address: SocketAddr) -> Pacer {
        Pacer::new(self.per_resolver.as_ref().map(|limits| {
            let mut by_address = limits
                .by_address
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let limit = by_address.entry(address).or_insert_with(|| {
                let (rate, shards) = (limits.rate_per_second, limits.shards);
                Arc::new(RateLimit::new(rate, shards, false, &self.share))
            });
            Arc::clone(limit)
        }))
    }
}
