//! A campaign from its beginning to its end.

use super::*;
use crate::redis::{Directory, ServerWarning};
use crate::{Commit, Delivery, Phase};

#[test]
fn a_chunk_goes_to_a_worker_and_its_result_comes_back() {
    let peer = RedisPeer::start();
    let mut broker = begun(&peer, 2);
    assert_eq!(broker.plan(GENERATION).unwrap(), b"plan");
    let first = claim(&mut broker, "a");
    assert_eq!(first.chunk, ChunkId(0));
    let held = broker.held(GENERATION, &worker("a")).unwrap();
    assert_eq!(held, [(first, vec![0])]);
    let result: Vec<u8> = (0..=255).collect();
    let commit = broker
        .commit(GENERATION, &worker("a"), first, &result)
        .unwrap();
    assert_eq!(commit, Commit::Stored);
    let deliveries = broker.deliveries(GENERATION, None, 1).unwrap();
    let [(id, delivery)] = deliveries.as_slice() else {
        panic!("{deliveries:?}");
    };
    let expected = Delivery::Result {
        claim: first,
        worker: worker("a"),
        result,
    };
    assert_eq!(*delivery, expected);
    let open = [ChunkId(0), ChunkId(1)];
    assert_eq!(broker.open_chunks(GENERATION).unwrap(), open);
    assert_eq!(broker.deliveries(GENERATION, Some(id), 1).unwrap(), []);
    broker
        .acknowledge(GENERATION, std::slice::from_ref(id))
        .unwrap();
    assert_eq!(broker.open_chunks(GENERATION).unwrap(), open[1..]);
    assert_eq!(
        broker.published(GENERATION).unwrap(),
        [(ChunkId(1), vec![1])]
    );
}

#[test]
fn all_chunks_are_read_however_many_there_are() {
    let peer = RedisPeer::start();
    let mut broker = begun(&peer, 100);
    let published = broker.published(GENERATION).unwrap();
    let expected: Vec<_> = (0..100).map(|id| (ChunkId(id), vec![id as u8])).collect();
    assert_eq!(published, expected);
}

#[test]
fn nothing_grows_with_what_is_done() {
    let peer = RedisPeer::start();
    let mut broker = begun(&peer, 60);
    for round in 0_u64.. {
        let name = format!("worker-{round}");
        let Claimed::Chunk { claim, .. } = broker
            .claim(GENERATION, &worker(&name), true, NONE)
            .unwrap()
        else {
            break;
        };
        match round % 3 {
            0 => broker.release(GENERATION, &worker(&name), claim).unwrap(),
            1 => broker.withdraw(GENERATION, claim.chunk).unwrap(),
            _ => {
                broker
                    .commit(GENERATION, &worker(&name), claim, b"result")
                    .unwrap();
            }
        }
        let deliveries = broker.deliveries(GENERATION, None, usize::MAX).unwrap();
        let ids: Vec<_> = deliveries.into_iter().map(|(id, _)| id).collect();
        broker.acknowledge(GENERATION, &ids).unwrap();
    }
    assert_eq!(broker.open_chunks(GENERATION).unwrap(), []);
    let state = broker.campaign().unwrap().unwrap();
    assert_eq!((state.chunk_octets, state.result_octets), (0, 0));
    for key in ["queue", "deliveries"] {
        assert_eq!(
            peer.command::<u64>(&format!("XLEN canvass:{{test}}:{key}")),
            0
        );
    }
    let keys: Vec<String> = peer.command("KEYS *");
    let mut keys: Vec<&str> = keys
        .iter()
        .filter_map(|key| key.rsplit(':').next())
        .collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        ["campaigns", "deliveries", "plan", "queue", "state", "wake"]
    );
    let consumers: Vec<redis::Value> = peer.command("XINFO CONSUMERS canvass:{test}:queue workers");
    assert!(consumers.len() <= 1, "{consumers:?}");
}

#[test]
fn a_campaign_that_begins_anew_takes_the_place_of_the_old_one() {
    let peer = RedisPeer::start();
    let mut broker = begun(&peer, 1);
    let next = Generation(1);
    let old = claim(&mut broker, "a");
    // As for a lost answer.
    broker
        .begin(GENERATION, b"plan", Budget::default())
        .unwrap();
    assert_eq!(broker.held(GENERATION, &worker("a")).unwrap().len(), 1);
    broker
        .begin(next, b"other plan", Budget::default())
        .unwrap();
    let commit = broker.commit(GENERATION, &worker("a"), old, b"");
    assert!(matches!(commit, Err(BrokerError::Gone)), "{commit:?}");
    assert!(matches!(broker.plan(GENERATION), Err(BrokerError::Gone)));
    assert_eq!(broker.plan(next).unwrap(), b"other plan");
    assert_eq!(broker.open_chunks(next).unwrap(), []);
    broker.publish(next, ChunkId(0), b"x").unwrap();
    assert_eq!(broker.open_chunks(next).unwrap(), [ChunkId(0)]);
}

#[test]
fn campaigns_are_listed_while_there_are_any() {
    let peer = RedisPeer::start();
    let mut directory = server(&peer.options()).connect().unwrap();
    assert_eq!(directory.warnings(), [ServerWarning::NoAof]);
    let names = |directory: &mut Directory| -> Vec<String> {
        let names = directory.campaigns().unwrap();
        names.iter().map(ToString::to_string).collect()
    };
    let mut other = directory.open(&"other".parse().unwrap());
    other.begin(GENERATION, b"", Budget::default()).unwrap();
    let mut broker = begun(&peer, 0);
    assert_eq!(names(&mut directory), ["other", "test"]);
    broker.remove(GENERATION).unwrap();
    assert!(matches!(broker.remove(GENERATION), Err(BrokerError::Gone)));
    assert!(matches!(
        other.remove(Generation(0)),
        Err(BrokerError::Gone)
    ));
    assert_eq!(names(&mut directory), ["other"]);
    other.remove(GENERATION).unwrap();
    assert_eq!(peer.command::<Vec<String>>("KEYS *"), [""; 0]);
    assert_eq!(broker.campaign().unwrap(), None);
}

#[test]
fn a_cancelled_campaign_gives_no_chunks() {
    let peer = RedisPeer::start();
    let mut broker = begun(&peer, 1);
    broker.set_phase(GENERATION, Phase::Cancelled).unwrap();
    let claimed = broker.claim(GENERATION, &worker("a"), true, NONE).unwrap();
    assert_eq!(claimed, Claimed::Cancelled);
    let renewal = broker
        .renew(GENERATION, &worker("a"), b"", ENDLESS)
        .unwrap();
    assert_eq!(renewal.phase, Phase::Cancelled);
}

#[test]
fn a_policy_that_evicts_is_named() {
    let peer = RedisPeer::start();
    peer.command::<()>("CONFIG SET maxmemory-policy allkeys-lru");
    peer.command::<()>("CONFIG SET appendonly yes");
    let directory = server(&peer.options()).connect().unwrap();
    assert_eq!(
        directory.warnings(),
        [ServerWarning::Evicts("allkeys-lru".into())]
    );
}
