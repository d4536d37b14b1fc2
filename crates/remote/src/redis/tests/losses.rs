//! Owners, answers and servers that are lost.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;
use crate::{Commit, Delivery};

/// A way to a server on which answers can be lost. Its threads end with the process.
struct LossyPath {
    options: RedisOptions,
    loses: Arc<AtomicBool>,
}

impl LossyPath {
    fn to(peer: &RedisPeer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let loses = Arc::new(AtomicBool::new(false));
        let (socket, flag) = (peer.socket(), loses.clone());
        thread::spawn(move || accept(&listener, &socket, &flag));
        Self {
            options: RedisOptions {
                url,
                ..RedisOptions::default()
            },
            loses,
        }
    }
}

fn accept(listener: &TcpListener, socket: &PathBuf, loses: &Arc<AtomicBool>) {
    for client in listener.incoming().map_while(Result::ok) {
        let server = UnixStream::connect(socket).unwrap();
        let (mut requests, mut to_server) =
            (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || io::copy(&mut requests, &mut to_server));
        let loses = loses.clone();
        thread::spawn(move || answer(server, client, &loses));
    }
}

fn answer(mut server: UnixStream, mut client: TcpStream, loses: &AtomicBool) {
    let mut octets = [0; 4096];
    while let Ok(length @ 1..) = server.read(&mut octets) {
        if loses.load(Ordering::SeqCst) || client.write_all(&octets[..length]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
}

#[test]
fn a_commit_whose_answer_was_lost_is_recognised() {
    let peer = RedisPeer::start();
    let mut submitter = begun(&peer, 2);
    let path = LossyPath::to(&peer);
    let mut broker = broker(&path.options);
    // The server has the script afterwards, so it does not ask for it in the answer that is lost.
    let first = claim(&mut broker, "a");
    broker.commit(GENERATION, &worker("a"), first, b"").unwrap();
    let claim = claim(&mut broker, "a");
    path.loses.store(true, Ordering::SeqCst);
    away(broker.commit(GENERATION, &worker("a"), claim, b"result"));
    path.loses.store(false, Ordering::SeqCst);
    let commit = broker
        .commit(GENERATION, &worker("a"), claim, b"result")
        .unwrap();
    assert_eq!(commit, Commit::AlreadyYours);
    let deliveries = submitter.deliveries(GENERATION, None, 100).unwrap();
    assert_eq!(deliveries.len(), 2);
    // Neither another claim nor another worker has stored it.
    let other = Claim { epoch: 2, ..claim };
    let commit = broker
        .commit(GENERATION, &worker("a"), other, b"result")
        .unwrap();
    assert_eq!(commit, Commit::NotYours);
    let commit = broker
        .commit(GENERATION, &worker("b"), claim, b"result")
        .unwrap();
    assert_eq!(commit, Commit::NotYours);
    submitter
        .acknowledge(GENERATION, &[deliveries[1].0.clone()])
        .unwrap();
    let commit = broker
        .commit(GENERATION, &worker("a"), claim, b"result")
        .unwrap();
    assert_eq!(commit, Commit::NotYours);
}

#[test]
fn a_claim_whose_answer_was_lost_is_held() {
    let peer = RedisPeer::start();
    begun(&peer, 2);
    let path = LossyPath::to(&peer);
    let mut broker = broker(&path.options);
    claim(&mut broker, "b");
    path.loses.store(true, Ordering::SeqCst);
    away(broker.claim(GENERATION, &worker("a"), false, ENDLESS));
    path.loses.store(false, Ordering::SeqCst);
    let held = broker.held(GENERATION, &worker("a")).unwrap();
    let claim = Claim {
        chunk: ChunkId(1),
        epoch: 1,
    };
    assert_eq!(held, [(claim, vec![1])]);
}

#[test]
fn what_a_zombie_holds_is_not_its_own() {
    let peer = RedisPeer::start();
    let mut broker = begun(&peer, 1);
    let zombie = claim(&mut broker, "zombie");
    let stolen = broker.claim(GENERATION, &worker("b"), true, NONE).unwrap();
    let Claimed::Chunk { claim, .. } = stolen else {
        panic!("{stolen:?}");
    };
    assert_eq!((claim.chunk, claim.epoch), (zombie.chunk, zombie.epoch + 1));
    let name = worker("zombie");
    assert_eq!(
        broker.heartbeat(GENERATION, &name, &[zombie]).unwrap(),
        [zombie]
    );
    let commit = broker.commit(GENERATION, &name, zombie, b"zombie").unwrap();
    assert_eq!(commit, Commit::NotYours);
    // Not even with the epoch of the new owner.
    let commit = broker.commit(GENERATION, &name, claim, b"zombie").unwrap();
    assert_eq!(commit, Commit::NotYours);
    broker.release(GENERATION, &name, zombie).unwrap();
    assert_eq!(
        broker
            .heartbeat(GENERATION, &worker("b"), &[claim])
            .unwrap(),
        []
    );
    let commit = broker
        .commit(GENERATION, &worker("b"), claim, b"result")
        .unwrap();
    assert_eq!(commit, Commit::Stored);
    // What the zombie sent does not stay.
    assert_eq!(peer.command::<u64>("HLEN canvass:{test}:results"), 1);
    peer.command::<()>("FLUSHALL");
    let commit = broker.commit(GENERATION, &name, zombie, b"zombie");
    assert!(matches!(commit, Err(BrokerError::Gone)), "{commit:?}");
    assert_eq!(peer.command::<Vec<String>>("KEYS *"), [""; 0]);
}

#[test]
fn a_chunk_that_loses_its_owners_is_poison() {
    let peer = RedisPeer::start();
    let mut broker = begun(&peer, 1);
    let mut owners = 0;
    while let Claimed::Chunk { claim, .. } =
        broker.claim(GENERATION, &worker("a"), true, NONE).unwrap()
    {
        owners += 1;
        assert_eq!(claim.epoch, owners);
    }
    assert_eq!(owners, crate::LOSSES_MAX);
    let deliveries = broker.deliveries(GENERATION, None, 100).unwrap();
    let [(id, Delivery::Poison { chunk: ChunkId(0) })] = deliveries.as_slice() else {
        panic!("{deliveries:?}");
    };
    assert_eq!(broker.open_chunks(GENERATION).unwrap(), [ChunkId(0)]);
    broker
        .acknowledge(GENERATION, std::slice::from_ref(id))
        .unwrap();
    assert_eq!(broker.open_chunks(GENERATION).unwrap(), []);
}

#[test]
fn without_memory_a_commit_changes_nothing() {
    let peer = RedisPeer::start();
    let mut broker = begun(&peer, 3);
    let [first, second] = [(); 2].map(|()| claim(&mut broker, "a"));
    broker
        .commit(GENERATION, &worker("a"), first, b"result")
        .unwrap();
    let before = broker.campaign().unwrap();
    peer.command::<()>("CONFIG SET maxmemory 1");
    let reason = unwilling(broker.commit(GENERATION, &worker("a"), second, b"result"));
    assert!(
        reason.contains("the server has no memory left: OOM "),
        "{reason}"
    );
    unwilling(broker.claim(GENERATION, &worker("a"), true, NONE));
    unwilling(broker.publish(GENERATION, ChunkId(3), b""));
    unwilling(broker.begin(Generation(1), b"", Budget::default()));
    assert_eq!(broker.campaign().unwrap(), before);
    assert_eq!(
        broker
            .heartbeat(GENERATION, &worker("a"), &[second])
            .unwrap(),
        []
    );
    broker
        .renew(GENERATION, &worker("a"), b"", ENDLESS)
        .unwrap();
    let deliveries = broker.deliveries(GENERATION, None, 100).unwrap();
    assert_eq!(deliveries.len(), 1);
    broker
        .acknowledge(GENERATION, &[deliveries[0].0.clone()])
        .unwrap();
    peer.command::<()>("CONFIG SET maxmemory 0");
    let commit = broker
        .commit(GENERATION, &worker("a"), second, b"result")
        .unwrap();
    assert_eq!(commit, Commit::Stored);
}

#[test]
fn a_replica_changes_nothing() {
    let peer = RedisPeer::start();
    let mut broker = begun(&peer, 1);
    let claim = claim(&mut broker, "a");
    peer.command::<()>("REPLICAOF 127.0.0.1 1");
    let reason = unwilling(broker.commit(GENERATION, &worker("a"), claim, b"result"));
    assert!(reason.contains("read-only replica: READONLY "), "{reason}");
    unwilling(broker.heartbeat(GENERATION, &worker("a"), &[claim]));
    assert_eq!(broker.open_chunks(GENERATION).unwrap(), [ChunkId(0)]);
    peer.command::<()>("REPLICAOF NO ONE");
    let commit = broker
        .commit(GENERATION, &worker("a"), claim, b"result")
        .unwrap();
    assert_eq!(commit, Commit::Stored);
}

#[test]
fn a_restart_from_the_file_keeps_claims() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["--appendonly", "yes", "--appendfsync", "always"];
    let mut peer = RedisPeer::start_with(directory, &arguments);
    assert_eq!(server(&peer.options()).connect().unwrap().warnings(), []);
    let mut broker = begun(&peer, 2);
    let claim = claim(&mut broker, "a");
    let instance = broker.instance().unwrap();
    let renew = |broker: &mut RedisBroker, name: &str, share_for| {
        let renewal = broker.renew(GENERATION, &worker(name), b"", share_for);
        renewal.unwrap().share
    };
    assert_eq!(renew(&mut broker, "b", ENDLESS), 1.0);
    peer.crash();
    let reason = away(broker.campaign());
    assert!(
        reason.contains(&peer.socket().display().to_string()),
        "{reason}"
    );
    away(broker.campaign());
    peer.crash_and_restart();
    assert_ne!(broker.instance().unwrap(), instance);
    // There may have been grants that are not in the file.
    assert_eq!(renew(&mut broker, "a", ENDLESS), 0.0);
    let workers = broker.workers(GENERATION).unwrap();
    let alive: Vec<bool> = workers.iter().map(|worker| worker.is_alive).collect();
    assert_eq!(alive, [true, false]);
    assert_eq!(
        broker
            .heartbeat(GENERATION, &worker("a"), &[claim])
            .unwrap(),
        []
    );
    let commit = broker
        .commit(GENERATION, &worker("a"), claim, b"result")
        .unwrap();
    assert_eq!(commit, Commit::Stored);
}

#[test]
fn a_server_that_lost_the_campaign_or_a_part_of_it_says_so() {
    let peer = RedisPeer::start();
    let mut broker = begun(&peer, 1);
    peer.command::<()>("DEL canvass:{test}:queue");
    let claimed = broker.claim(GENERATION, &worker("a"), true, NONE);
    assert!(matches!(claimed, Err(BrokerError::Gone)), "{claimed:?}");
    peer.command::<()>("FLUSHALL");
    let claimed = broker.claim(GENERATION, &worker("a"), true, NONE);
    assert!(matches!(claimed, Err(BrokerError::Gone)), "{claimed:?}");
    assert_eq!(broker.campaign().unwrap(), None);
}

#[test]
fn a_new_chunk_is_given_only_within_the_budget() {
    let peer = RedisPeer::start();
    let mut broker = broker(&peer.options());
    let budget = Budget {
        octets: 25,
        per_chunk: 10,
        shares_max: 3,
    };
    broker.begin(GENERATION, b"", budget).unwrap();
    for id in 0..4 {
        broker.publish(GENERATION, ChunkId(id), b"x").unwrap();
    }
    let next = |broker: &mut RedisBroker| {
        broker
            .claim(GENERATION, &worker("a"), false, ENDLESS)
            .unwrap()
    };
    let first = claim(&mut broker, "a");
    let second = claim(&mut broker, "a");
    assert_eq!(next(&mut broker), Claimed::Full);
    // One in work can be given to another, and a smaller result than expected makes room.
    broker.release(GENERATION, &worker("a"), first).unwrap();
    let first = claim(&mut broker, "a");
    broker
        .commit(GENERATION, &worker("a"), second, b"r")
        .unwrap();
    let third = claim(&mut broker, "a");
    assert_eq!(next(&mut broker), Claimed::Full);
    for claim in [first, third] {
        broker
            .commit(GENERATION, &worker("a"), claim, b"0123456789")
            .unwrap();
    }
    assert_eq!(next(&mut broker), Claimed::Full);
    let deliveries = broker.deliveries(GENERATION, None, 100).unwrap();
    let ids: Vec<_> = deliveries.into_iter().map(|(id, _)| id).collect();
    broker.acknowledge(GENERATION, &ids).unwrap();
    claim(&mut broker, "a");
    assert_eq!(next(&mut broker), Claimed::Nothing);
}

#[test]
fn owners_have_a_lease_of_grace_when_another_process_takes_over() {
    let peer = RedisPeer::start();
    let mut broker = begun(&peer, 1);
    claim(&mut broker, "a");
    let half_an_hour = Duration::from_secs(1800);
    let steal = |broker: &mut RedisBroker| {
        // As if the owner had been silent for an hour.
        let () = peer.command("XCLAIM canvass:{test}:queue workers a 0 1-0 IDLE 3600000 JUSTID");
        broker
            .claim(GENERATION, &worker("b"), true, half_an_hour)
            .unwrap()
    };
    peer.command::<()>("HSET canvass:{test}:state lease_instance another");
    assert_eq!(steal(&mut broker), Claimed::Nothing);
    assert!(matches!(steal(&mut broker), Claimed::Chunk { .. }));
}
