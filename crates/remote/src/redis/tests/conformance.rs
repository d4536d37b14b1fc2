//! The model answers as the real broker does.
//!
//! Leases are over at once or never, so that it does not matter how long an operation takes.

use std::collections::HashMap;
use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::model::{ModelBroker, ModelServer};
use crate::{Commit, DeliveryId, Phase};

const CASES: u32 = 128;
const STEPS_MAX: usize = 60;

/// An operation. What it refers to is chosen among what earlier ones have returned.
#[derive(Clone, Debug)]
enum Step {
    Begin {
        generation: u64,
        budget: u64,
    },
    Remove,
    Cancel,
    Resume,
    /// The next chunk, one that was published, or one further on.
    Publish {
        ahead: u64,
        octets: usize,
    },
    Withdraw(Index),
    Claim {
        worker: u8,
        steals: bool,
        is_over: bool,
    },
    Heartbeat {
        worker: u8,
        claims: Vec<Index>,
    },
    Held(u8),
    Commit {
        worker: u8,
        claim: Index,
        octets: usize,
    },
    Release {
        worker: u8,
        claim: Index,
    },
    Deliveries {
        after: Option<Index>,
        octets_max: usize,
    },
    Acknowledge(Vec<Index>),
    Look,
    Renew {
        worker: u8,
        is_over: bool,
    },
    Leave(u8),
    Stale,
}

fn step() -> impl Strategy<Value = Step> {
    let worker = || 0..3_u8;
    let index = any::<Index>;
    let octets = || 0..40_usize;
    prop_oneof![
        1 => (0..3_u64, prop_oneof![Just(60), Just(200), Just(1 << 28)])
            .prop_map(|(generation, budget)| Step::Begin { generation, budget }),
        1 => Just(Step::Remove),
        1 => Just(Step::Cancel),
        2 => Just(Step::Resume),
        15 => (0..4_u64, octets()).prop_map(|(ahead, octets)| Step::Publish { ahead, octets }),
        3 => index().prop_map(Step::Withdraw),
        25 => (worker(), any::<bool>(), any::<bool>())
            .prop_map(|(worker, steals, is_over)| Step::Claim { worker, steals, is_over }),
        5 => (worker(), prop::collection::vec(index(), 0..4))
            .prop_map(|(worker, claims)| Step::Heartbeat { worker, claims }),
        3 => worker().prop_map(Step::Held),
        20 => (worker(), index(), octets())
            .prop_map(|(worker, claim, octets)| Step::Commit { worker, claim, octets }),
        8 => (worker(), index()).prop_map(|(worker, claim)| Step::Release { worker, claim }),
        5 => (prop::option::of(index()), 0..80_usize)
            .prop_map(|(after, octets_max)| Step::Deliveries { after, octets_max }),
        5 => prop::collection::vec(index(), 0..3).prop_map(Step::Acknowledge),
        5 => Just(Step::Look),
        5 => (worker(), any::<bool>()).prop_map(|(worker, is_over)| Step::Renew { worker, is_over }),
        2 => worker().prop_map(Step::Leave),
        1 => Just(Step::Stale),
    ]
}

/// The same campaign twice, with what was learnt of it.
struct Pair {
    real: RedisBroker,
    model: ModelBroker,
    generation: Generation,
    claims: Vec<(u8, Claim)>,
    /// The places of deliveries in the model, and the same ones in the other broker.
    places: Vec<(DeliveryId, DeliveryId)>,
}

impl Pair {
    /// Does the same to both, and compares the answers.
    fn both<T: PartialEq + Debug>(
        &mut self,
        operation: impl Fn(&mut dyn Broker) -> Result<T, BrokerError>,
    ) -> Option<T> {
        let answer = |result: Result<T, BrokerError>| match result {
            Ok(answer) => Some(answer),
            Err(BrokerError::Gone) => None,
            Err(error) => panic!("{error:?}"),
        };
        let expected = answer(operation(&mut self.model));
        assert_eq!(answer(operation(&mut self.real)), expected);
        expected
    }

    /// One of the chunks there may be, or one that there is not.
    fn chunk(&self, index: Index) -> ChunkId {
        ChunkId(index.index(12) as u64)
    }

    fn claim(&self, index: Index) -> Option<(u8, Claim)> {
        (!self.claims.is_empty()).then(|| self.claims[index.index(self.claims.len())])
    }

    /// All deliveries, whose places are noted.
    fn read_deliveries(&mut self) {
        let generation = self.generation;
        let read = |broker: &mut dyn Broker| broker.deliveries(generation, None, usize::MAX);
        let (model, real) = (read(&mut self.model), read(&mut self.real));
        let (Ok(model), Ok(real)) = (model, real) else {
            return;
        };
        assert_eq!(model.len(), real.len());
        let mut known: HashMap<DeliveryId, DeliveryId> = HashMap::new();
        for ((place, expected), (other, found)) in model.into_iter().zip(real) {
            assert_eq!(found, expected);
            known.insert(place.clone(), other.clone());
            if !self.places.iter().any(|(noted, _)| *noted == place) {
                self.places.push((place, other));
            }
        }
        for (place, other) in &self.places {
            assert!(known.get(place).is_none_or(|now| now == other));
        }
    }

    fn place(&self, index: Index) -> Option<(DeliveryId, DeliveryId)> {
        (!self.places.is_empty()).then(|| self.places[index.index(self.places.len())].clone())
    }

    fn play(&mut self, step: Step) {
        let generation = self.generation;
        let name = |number: u8| worker(&format!("worker {number}"));
        match step {
            Step::Begin { generation, budget } => {
                let generation = Generation(u64::MAX - generation);
                let budget = Budget {
                    octets: budget,
                    per_chunk: 20,
                    shares_max: 3,
                };
                self.both(|broker| broker.begin(generation, b"plan", budget));
                if generation != self.generation {
                    self.places.clear();
                }
                self.generation = generation;
            }
            Step::Remove => {
                self.both(|broker| broker.remove(generation));
                self.places.clear();
            }
            Step::Cancel => {
                self.both(|broker| broker.set_phase(generation, Phase::Cancelled));
            }
            Step::Resume => {
                self.both(|broker| broker.set_phase(generation, Phase::Running));
            }
            Step::Publish { ahead, octets } => {
                let state = self.both(|broker| broker.campaign()).flatten();
                let next = state.map_or(0, |state| state.next_chunk.0);
                let id = ChunkId((next + ahead).saturating_sub(1));
                self.both(|broker| broker.publish(generation, id, &vec![0xff; octets]));
            }
            Step::Withdraw(index) => {
                let id = self.chunk(index);
                self.both(|broker| broker.withdraw(generation, id));
            }
            Step::Claim {
                worker,
                steals,
                is_over,
            } => {
                let lease = if is_over { NONE } else { ENDLESS };
                let claimed =
                    self.both(|broker| broker.claim(generation, &name(worker), steals, lease));
                if let Some(Claimed::Chunk { claim, .. }) = claimed {
                    self.claims.push((worker, claim));
                }
            }
            Step::Heartbeat { worker, claims } => {
                let held: Vec<Claim> = (claims.into_iter())
                    .filter_map(|index| self.claim(index))
                    .map(|(_, claim)| claim)
                    .collect();
                self.both(|broker| broker.heartbeat(generation, &name(worker), &held));
            }
            Step::Held(worker) => {
                self.both(|broker| broker.held(generation, &name(worker)));
            }
            Step::Commit {
                worker,
                claim,
                octets,
            } => {
                // Mostly by its owner.
                if let Some((owner, claim)) = self.claim(claim) {
                    let worker = if worker == 0 { owner } else { worker };
                    let result = vec![0; octets];
                    self.both(|broker| broker.commit(generation, &name(worker), claim, &result));
                }
            }
            Step::Release { worker, claim } => {
                if let Some((owner, claim)) = self.claim(claim) {
                    let worker = if worker == 0 { owner } else { worker };
                    self.both(|broker| broker.release(generation, &name(worker), claim));
                }
            }
            Step::Deliveries { after, octets_max } => {
                self.read_deliveries();
                let places = after.and_then(|index| self.place(index));
                let (place, other) = places.unzip();
                let deliveries = |found: Result<Vec<_>, BrokerError>| -> Vec<_> {
                    let found: Vec<(DeliveryId, _)> = found.unwrap_or_default();
                    found.into_iter().map(|(_, delivery)| delivery).collect()
                };
                let expected = self
                    .model
                    .deliveries(generation, place.as_ref(), octets_max);
                let found = self.real.deliveries(generation, other.as_ref(), octets_max);
                assert_eq!(deliveries(found), deliveries(expected));
            }
            Step::Acknowledge(indices) => {
                self.read_deliveries();
                let (places, others): (Vec<_>, Vec<_>) = indices
                    .into_iter()
                    .filter_map(|index| self.place(index))
                    .unzip();
                let expected = self.model.acknowledge(generation, &places);
                let found = self.real.acknowledge(generation, &others);
                assert_eq!(found.is_ok(), expected.is_ok());
            }
            Step::Look => {
                self.both(|broker| broker.open_chunks(generation));
                self.both(|broker| broker.published(generation));
                self.both(|broker| broker.workers(generation));
                self.both(|broker| broker.plan(generation));
            }
            Step::Renew { worker, is_over } => {
                let share_for = if is_over { NONE } else { ENDLESS };
                let report = [worker];
                self.both(|broker| broker.renew(generation, &name(worker), &report, share_for));
            }
            Step::Leave(worker) => {
                self.both(|broker| broker.leave(generation, &name(worker), b"left"));
            }
            Step::Stale => {
                let stale = Generation(7);
                let claimed = self.both(|broker| broker.claim(stale, &name(0), true, NONE));
                assert_eq!(claimed, None);
            }
        }
        self.both(|broker| broker.campaign());
    }
}

#[test]
fn the_model_answers_as_redis_does() {
    let peer = RedisPeer::start();
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(CASES)
    };
    let steps = prop::collection::vec(step(), 1..STEPS_MAX);
    let mut runner = TestRunner::new(config);
    let played = runner.run(&steps, |steps| {
        peer.command::<()>("FLUSHALL");
        let mut pair = Pair {
            real: broker(&peer.options()),
            model: ModelServer::new().broker(),
            generation: GENERATION,
            claims: Vec::new(),
            places: Vec::new(),
        };
        pair.both(|broker| broker.begin(GENERATION, b"plan", Budget::default()));
        for step in steps {
            pair.play(step);
        }
        Ok(())
    });
    played.unwrap();
}

/// That the steps above reach what they are for.
#[test]
fn the_model_steals_commits_and_poisons() {
    let mut broker = ModelServer::new().broker();
    broker.begin(GENERATION, b"", Budget::default()).unwrap();
    broker.publish(GENERATION, ChunkId(0), b"x").unwrap();
    let claim = |broker: &mut ModelBroker, lease| {
        broker.claim(GENERATION, &worker("a"), true, lease).unwrap()
    };
    for _ in 0..crate::LOSSES_MAX {
        assert!(matches!(claim(&mut broker, NONE), Claimed::Chunk { .. }));
        assert_eq!(claim(&mut broker, ENDLESS), Claimed::Nothing);
    }
    assert_eq!(claim(&mut broker, NONE), Claimed::Nothing);
    assert_eq!(broker.deliveries(GENERATION, None, 1).unwrap().len(), 1);
    broker.publish(GENERATION, ChunkId(1), b"x").unwrap();
    let Claimed::Chunk { claim, .. } = claim(&mut broker, NONE) else {
        panic!("no chunk");
    };
    let commit = broker
        .commit(GENERATION, &worker("a"), claim, b"r")
        .unwrap();
    assert_eq!(commit, Commit::Stored);
}
