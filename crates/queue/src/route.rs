//! Assigns jobs to the shards of the engine.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::num::NonZeroUsize;

use canvass_model::{Host, Job, Target};

/// Assigns jobs to the shards of the engine. All jobs of a host go to the same shard, which then
/// keeps the limits and the name lookups of the host; jobs without a host go to the shards in turn.
///
/// The shard of a host is random per router, so that it is impossible to prepare a list of hosts that all go
/// to one shard.
#[derive(Debug)]
pub struct Router {
    shards: NonZeroUsize,
    hasher: RandomState,
    /// The shard of the last jobs without a host.
    turn: usize,
    /// The jobs of the current batch per shard. Empty between batches.
    parts: Vec<Vec<Job>>,
}

impl Router {
    /// A router for this many shards.
    pub fn new(shards: NonZeroUsize) -> Self {
        Self {
            shards,
            hasher: RandomState::new(),
            turn: 0,
            parts: Vec::new(),
        }
    }

    /// The shard of the target's host, from 0. `None` if it has no host: any shard can take it.
    pub fn host_shard(&self, target: &Target) -> Option<usize> {
        let mut hasher = self.hasher.build_hasher();
        match target.host()? {
            Host::Address(address) => address.hash(&mut hasher),
            Host::Scoped(scoped) => (scoped.address, scoped.scope_id).hash(&mut hasher),
            // The trailing dot does not change the name.
            Host::Name(name) => name.strip_suffix('.').unwrap_or(&name).hash(&mut hasher),
        }
        // The upper half of the product: every shard gets an equal part of all hashes.
        Some(((u128::from(hasher.finish()) * self.shards.get() as u128) >> 64) as usize)
    }

    /// Delivers all jobs of a batch: those of a shard together, in the order of the batch.
    ///
    /// # Errors
    ///
    /// If `deliver` returns jobs because their receiver is gone: these jobs and those not delivered
    /// yet.
    pub fn route(
        &mut self,
        jobs: Vec<Job>,
        deliver: &mut dyn FnMut(usize, Vec<Job>) -> Result<(), Vec<Job>>,
    ) -> Result<(), Vec<Job>> {
        if self.shards == NonZeroUsize::MIN {
            return deliver(0, jobs);
        }
        // A batch without hosts is not split.
        let with_host = |job: &Job| matches!(job.target, Target::Url(_) | Target::Endpoint { .. });
        if !jobs.iter().any(with_host) {
            let shard = self.take_turn();
            return deliver(shard, jobs);
        }
        self.split(jobs);
        let mut parts = self.parts.drain(..).enumerate();
        while let Some((shard, part)) = parts.next() {
            if part.is_empty() {
                continue;
            }
            if let Err(mut untaken) = deliver(shard, part) {
                untaken.extend(parts.flat_map(|(_, part)| part));
                return Err(untaken);
            }
        }
        Ok(())
    }

    /// Splits a batch by shard. Jobs without a host stay together.
    fn split(&mut self, jobs: Vec<Job>) {
        self.parts.resize_with(self.shards.get(), Vec::new);
        let mut turn = None;
        for job in jobs {
            let shard = match self.host_shard(&job.target) {
                Some(shard) => shard,
                None => *turn.get_or_insert_with(|| self.take_turn()),
            };
            self.parts[shard].push(job);
        }
    }

    fn take_turn(&mut self) -> usize {
        self.turn = (self.turn + 1) % self.shards.get();
        self.turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, TargetKind, TargetOptions, stream};
    use canvass_model::ModuleId;
    use proptest::prelude::*;
    use std::num::NonZeroU32;

    fn jobs(kind: TargetKind, list: &str) -> Vec<Job> {
        let mut source = stream(
            std::io::Cursor::new(list.to_owned()),
            "list",
            &TargetOptions::new(kind),
        );
        let mut jobs = Vec::new();
        while source.next(usize::MAX, &mut jobs).unwrap() {}
        jobs
    }

    fn tcp() -> TargetKind {
        TargetKind::Tcp {
            module: ModuleId(0),
            ports: None,
            default_port: None,
        }
    }

    fn http() -> TargetKind {
        TargetKind::Http {
            module: ModuleId(0),
            requests: NonZeroU32::MIN,
            ports: None,
            path_as_is: false,
        }
    }

    fn router(shards: usize) -> Router {
        Router::new(NonZeroUsize::new(shards).unwrap())
    }

    /// The batches of one call, with their shards.
    fn routed(router: &mut Router, jobs: &[Job]) -> Vec<(usize, Vec<Job>)> {
        let mut batches = Vec::new();
        let result = router.route(jobs.to_vec(), &mut |shard, jobs| {
            batches.push((shard, jobs));
            Ok(())
        });
        assert_eq!(result, Ok(()));
        batches
    }

    #[test]
    fn one_host_goes_one_way_however_it_is_written() {
        let mut list = jobs(
            http(),
            "http://example.net/a\nExample.NET:8443/b\nhttps://u:p@example.net.:1/\n",
        );
        list.extend(jobs(tcp(), "example.net:25\n"));
        for _ in 0..20 {
            let batches = routed(&mut router(7), &list);
            assert_eq!(batches.len(), 1);
            assert_eq!(batches[0].1, list);
        }
        let mut list = jobs(http(), "http://[2001:db8::1]/\n");
        list.extend(jobs(tcp(), "[2001:DB8:0::1]:25\n"));
        for _ in 0..20 {
            assert_eq!(routed(&mut router(7), &list).len(), 1);
        }
    }

    #[test]
    fn hosts_are_spread_and_all_goes_at_once() {
        let list: String = (0..4000)
            .map(|host| format!("h{host}.example:80\n"))
            .collect();
        let list = jobs(tcp(), &list);
        let mut router = router(4);
        let first = routed(&mut router, &list);
        assert_eq!(first.len(), 4);
        for (shard, jobs) in &first {
            // 1000 are expected; 27 is the standard deviation.
            assert!((800..1200).contains(&jobs.len()), "{}", jobs.len());
            assert!(jobs.is_sorted_by_key(|job| job.seq));
            assert!(
                jobs.iter()
                    .all(|job| router.host_shard(&job.target) == Some(*shard))
            );
        }
        assert_eq!(routed(&mut router, &list), first);
    }

    #[test]
    fn what_has_no_host_goes_in_turn_and_stays_together() {
        let list = jobs(
            TargetKind::Ptr {
                forward_confirm: false,
            },
            "10.0.0.0/24\n",
        );
        let mut partitioner = router(3);
        let turns: Vec<usize> = (0..6)
            .map(|_| {
                let batches = routed(&mut partitioner, &list);
                assert_eq!(batches.len(), 1);
                assert_eq!(batches[0].1, list);
                batches[0].0
            })
            .collect();
        assert_eq!(turns, [1, 2, 0, 1, 2, 0]);
        let mixed = jobs(tcp(), "a.example:1\nbad\nunix:/run/x\nworse\n");
        let batches = routed(&mut partitioner, &mixed);
        let of_turn = &batches.iter().find(|(shard, _)| *shard == 1).unwrap().1;
        let without: Vec<_> = of_turn
            .iter()
            .filter(|job| job.target.host().is_none())
            .collect();
        assert_eq!(without.len(), 3);
    }

    #[test]
    fn one_shard_takes_batches_as_they_are() {
        let list = jobs(tcp(), "a.example:1\nb.example:1\nbad\n");
        let batches = routed(&mut router(1), &list);
        assert_eq!(batches, [(0, list)]);
    }

    #[test]
    fn what_is_not_taken_comes_back_with_all_that_follows() {
        let list: String = (0..600)
            .map(|host| format!("h{host}.example:80\n"))
            .collect();
        let list = jobs(tcp(), &list);
        let mut router = router(3);
        let mut taken = Vec::new();
        let untaken = router
            .route(list.clone(), &mut |shard, mut jobs| {
                if shard == 1 {
                    let untaken = jobs.split_off(2);
                    taken.extend(jobs);
                    return Err(untaken);
                }
                taken.extend(jobs);
                Ok(())
            })
            .unwrap_err();
        assert_eq!(taken.len() + untaken.len(), list.len());
        assert!(taken.iter().all(|job| !untaken.contains(job)));
        assert!(
            untaken
                .iter()
                .any(|job| router.host_shard(&job.target) == Some(2))
        );
        // Nothing of it is left for the next batch.
        let next: usize = routed(&mut router, &list)
            .iter()
            .map(|(_, jobs)| jobs.len())
            .sum();
        assert_eq!(next, list.len());
    }

    proptest! {
        #[test]
        fn every_job_goes_to_one_shard(
            shards in 1usize..9,
            lines in prop::collection::vec("[ab]\\.example:[12]|bad|unix:/[xy]", 0..60),
        ) {
            let list = jobs(tcp(), &lines.join("\n"));
            let mut router = router(shards);
            let mut all = Vec::new();
            for (shard, jobs) in routed(&mut router, &list) {
                prop_assert!(shard < shards && !jobs.is_empty() || list.is_empty());
                all.extend(jobs);
            }
            all.sort_by_key(|job| job.seq);
            prop_assert_eq!(all, list);
        }
    }
}
