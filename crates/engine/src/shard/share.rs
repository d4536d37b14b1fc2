//! What a shard may begin with its run's share of the caps.

use canvass_model::Time;

use super::Shard;
use crate::caps::slots;
use crate::net::Net;

impl<N: Net> Shard<N> {
    /// Follows changes from outside: of the share, and of what is known of resolvers.
    pub(super) fn follow_run(&mut self, now: Time) {
        self.upstreams.look_at_known(now);
        if self.share.refresh() {
            let of_caps = self.share.part().of_caps;
            self.probes.follow_share(&self.config.probing, of_caps);
        }
    }

    /// Whether another job can be admitted.
    pub(super) fn has_room(&mut self) -> bool {
        let part = self.share.part();
        if !part.admits || !self.has_outbox_room() {
            return false;
        }
        let Some(own) = &mut self.slots else {
            return true;
        };
        let cap = self.config.concurrency_cap.unwrap_or(usize::MAX);
        own.has_room(self.tasks.jobs(), slots(cap, part.of_caps))
    }

    /// Leaves the slots that no job needs to other shards.
    pub(super) fn give_slots_back(&mut self) {
        if let Some(own) = &mut self.slots {
            own.give_back(self.tasks.jobs());
        }
    }
}
