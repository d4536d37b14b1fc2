//! Against a real server.

mod access;
mod conformance;
mod lifecycle;
mod losses;
pub(crate) mod peer;
mod tls;
mod waits;

use std::time::Duration;

use self::peer::RedisPeer;
use super::{RedisBroker, RedisOptions, RedisServer};
use crate::{
    Broker, BrokerError, Budget, CampaignName, ChunkId, Claim, Claimed, Generation, WorkerName,
};

const GENERATION: Generation = Generation(0xfedc_ba98_7654_3210);
/// A lease that is over at once, and one that does not end.
const NONE: Duration = Duration::ZERO;
const ENDLESS: Duration = Duration::from_secs(1_000_000_000);

fn worker(name: &str) -> WorkerName {
    WorkerName(name.into())
}

fn name() -> CampaignName {
    "test".parse().unwrap()
}

fn server(options: &RedisOptions) -> RedisServer {
    RedisServer::new(options).unwrap()
}

/// A connection that is not checked, to the same campaign.
fn broker(options: &RedisOptions) -> RedisBroker {
    RedisBroker::new(server(options), &name())
}

/// A connection to a new campaign with some chunks of one octet.
fn begun(peer: &RedisPeer, chunks: u64) -> RedisBroker {
    let mut broker = broker(&peer.options());
    broker
        .begin(GENERATION, b"plan", Budget::default())
        .unwrap();
    for id in 0..chunks {
        broker
            .publish(GENERATION, ChunkId(id), &[id as u8])
            .unwrap();
    }
    broker
}

/// Claims a chunk that there is.
#[track_caller]
fn claim(broker: &mut RedisBroker, name: &str) -> Claim {
    let claimed = broker
        .claim(GENERATION, &worker(name), false, ENDLESS)
        .unwrap();
    match claimed {
        Claimed::Chunk { claim, .. } => claim,
        _ => panic!("{claimed:?}"),
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, BrokerError>) -> String {
    match result {
        Err(BrokerError::Refused(reason)) => reason,
        _ => panic!("{result:?}"),
    }
}

#[track_caller]
fn unwilling<T: std::fmt::Debug>(result: Result<T, BrokerError>) -> String {
    match result {
        Err(BrokerError::Unwilling(reason)) => reason,
        _ => panic!("{result:?}"),
    }
}

#[track_caller]
fn away<T: std::fmt::Debug>(result: Result<T, BrokerError>) -> String {
    match result {
        Err(BrokerError::Away(reason)) => reason,
        _ => panic!("{result:?}"),
    }
}
