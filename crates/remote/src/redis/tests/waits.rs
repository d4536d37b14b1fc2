//! Waiting ends when there is something, and not when its time is over, which is longer than any test.

use std::thread;

use super::*;

const LONG: Duration = Duration::from_secs(3600);

#[test]
fn a_chunk_wakes_who_waits() {
    let peer = RedisPeer::start();
    let mut submitter = begun(&peer, 0);
    let mut broker = broker(&peer.options());
    let name = worker("a");
    let waiter = thread::spawn(move || {
        loop {
            match broker.claim(GENERATION, &name, false, ENDLESS).unwrap() {
                Claimed::Nothing => broker.wait_for_chunk(GENERATION, LONG).unwrap(),
                claimed => return claimed,
            }
        }
    });
    submitter.publish(GENERATION, ChunkId(0), b"x").unwrap();
    assert!(matches!(waiter.join().unwrap(), Claimed::Chunk { .. }));
}

#[test]
fn what_happens_between_a_claim_and_the_wait_is_not_missed() {
    let peer = RedisPeer::start();
    let mut submitter = begun(&peer, 1);
    let mut broker = broker(&peer.options());
    let held = claim(&mut broker, "a");
    let mut claim_in_vain = || {
        let claimed = broker
            .claim(GENERATION, &worker("b"), false, ENDLESS)
            .unwrap();
        assert_eq!(claimed, Claimed::Nothing);
    };
    claim_in_vain();
    submitter.release(GENERATION, &worker("a"), held).unwrap();
    broker.wait_for_chunk(GENERATION, LONG).unwrap();
    claim(&mut broker, "b");
}

#[test]
fn a_delivery_wakes_who_waits() {
    let peer = RedisPeer::start();
    let mut submitter = begun(&peer, 2);
    let mut broker = broker(&peer.options());
    let claims = [(); 2].map(|()| claim(&mut broker, "a"));
    let waiter = thread::spawn(move || {
        let mut last = None;
        for _ in 0..2 {
            submitter
                .wait_for_delivery(GENERATION, last.as_ref(), LONG)
                .unwrap();
            let mut deliveries = submitter
                .deliveries(GENERATION, last.as_ref(), 100)
                .unwrap();
            if deliveries.len() == 2 {
                break;
            }
            last = deliveries.pop().map(|(id, _)| id);
        }
    });
    for claim in claims {
        broker
            .commit(GENERATION, &worker("a"), claim, b"result")
            .unwrap();
    }
    waiter.join().unwrap();
}

#[test]
fn nobody_waits_for_a_campaign_that_is_gone() {
    let peer = RedisPeer::start();
    let mut broker = begun(&peer, 0);
    let waited = broker.wait_for_chunk(Generation(0), LONG);
    assert!(matches!(waited, Err(BrokerError::Gone)), "{waited:?}");
    broker
        .wait_for_delivery(GENERATION, None, Duration::from_micros(1))
        .unwrap();
}
