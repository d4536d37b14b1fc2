//! Users, passwords and rights.

use super::*;
use crate::redis::{SUBMITTER_RIGHTS, WORKER_RIGHTS};
use crate::{Commit, Delivery};

const PASSWORD: &str = "s3cret%pass";

/// Sets a user with these rules.
fn set_user(peer: &RedisPeer, user: &str, rules: &str) {
    peer.command::<()>(&format!("ACL SETUSER {user} reset on >{PASSWORD} {rules}"));
}

/// To another database than the first one, so that it must be selected.
fn options(peer: &RedisPeer, user: &str, password: &str) -> RedisOptions {
    let mut options = peer.options();
    options.url.push_str("?db=1");
    options.user = Some(user.into());
    options.password = Some(password.into());
    options
}

#[test]
fn a_password_is_needed_and_never_shown() {
    let directory = tempfile::tempdir().unwrap();
    let peer = RedisPeer::start_with(directory, &["--appendonly", "no"]);
    set_user(&peer, "alice", "~* +@all");
    let reason = refused(broker(&options(&peer, "alice", "wr0ng%pass")).campaign());
    assert!(
        reason.contains("wrong user or password: WRONGPASS "),
        "{reason}"
    );
    assert!(!reason.contains("wr0ng"), "{reason}");
    assert_eq!(
        broker(&options(&peer, "alice", PASSWORD))
            .campaign()
            .unwrap(),
        None
    );
    peer.command::<()>(&format!("ACL SETUSER bob on >{PASSWORD} ~* +@all"));
    peer.command::<()>("ACL SETUSER default off");
    let reason = refused(broker(&peer.options()).campaign());
    assert!(
        reason.contains("the server wants a password: NOAUTH "),
        "{reason}"
    );
    let shown = format!("{:?} {0:#?}", server(&options(&peer, "alice", PASSWORD)));
    let shown = format!("{shown} {:?}", options(&peer, "alice", PASSWORD));
    assert!(!shown.contains(PASSWORD), "{shown}");
}

#[test]
fn user_and_password_of_the_url_are_decoded() {
    let options = RedisOptions {
        url: "redis://alice:s3cret%25pass@redis.example:6380/2".into(),
        ..RedisOptions::default()
    };
    let server = server(&options);
    assert_eq!(server.to_string(), "redis.example:6380");
    let login = &server.login;
    let user = (login.user.as_deref(), login.password.as_deref(), login.db);
    assert_eq!(user, (Some("alice"), Some(PASSWORD), 2));
}

/// A connection of its administrator to the same database.
fn connection(peer: &RedisPeer) -> redis::Connection {
    let url = format!("{}?db=1", peer.options().url);
    let client = redis::Client::open(url).unwrap();
    client.get_connection().unwrap()
}

/// Adds as many workers as are remembered, which are gone.
fn add_gone_workers(peer: &RedisPeer) {
    let mut command = redis::cmd("ZADD");
    command.arg("canvass:{test}:lives");
    for number in 0..crate::WORKERS_MAX {
        command.arg(0).arg(format!("gone-{number}"));
    }
    command.exec(&mut connection(peer)).unwrap();
}

/// Makes it look as if another process had begun the campaign.
fn take_over(peer: &RedisPeer) {
    let mut command = redis::cmd("HSET");
    command
        .arg("canvass:{test}:state")
        .arg("share_instance")
        .arg("");
    command.exec(&mut connection(peer)).unwrap();
}

/// All that a submitter does, with a worker that does what its part is.
fn play(
    peer: &RedisPeer,
    submitter: &RedisServer,
    worker_server: &RedisServer,
) -> Result<(), BrokerError> {
    let a = worker("a");
    let mut directory = submitter.connect()?;
    let mut submitter = directory.open(&name());
    let budget = Budget {
        octets: 40,
        per_chunk: 10,
        shares_max: 3,
    };
    submitter.begin(GENERATION, b"plan", budget)?;
    for id in 0..4 {
        submitter.publish(GENERATION, ChunkId(id), b"x")?;
    }
    directory.campaigns()?;
    submitter.campaign()?;
    submitter.published(GENERATION)?;
    submitter.open_chunks(GENERATION)?;

    let mut directory = worker_server.connect()?;
    directory.campaigns()?;
    let mut work = directory.open(&name());
    work.campaign()?;
    work.plan(GENERATION)?;
    work.instance()?;
    let mut claims = Vec::new();
    while let Claimed::Chunk { claim, .. } = work.claim(GENERATION, &a, false, ENDLESS)? {
        claims.push(claim);
    }
    work.wait_for_chunk(GENERATION, Duration::from_millis(1))?;
    work.held(GENERATION, &a)?;
    work.heartbeat(GENERATION, &a, &claims)?;
    work.release(GENERATION, &a, claims[0])?;
    let commit = work.commit(GENERATION, &a, claims[1], b"result")?;
    assert_eq!(commit, Commit::Stored);
    while work.claim(GENERATION, &a, true, NONE)? != Claimed::Nothing {}
    add_gone_workers(peer);
    take_over(peer);
    work.renew(GENERATION, &a, b"", NONE)?;
    work.renew(GENERATION, &worker("b"), b"", NONE)?;
    work.leave(GENERATION, &a, b"")?;

    submitter.wait_for_delivery(GENERATION, None, ENDLESS)?;
    let deliveries = submitter.deliveries(GENERATION, None, 1000)?;
    let is_poison = |(_, delivery): &&(_, Delivery)| matches!(delivery, Delivery::Poison { .. });
    assert!(deliveries.iter().filter(is_poison).count() > 0);
    let ids: Vec<_> = deliveries.into_iter().map(|(id, _)| id).collect();
    submitter.acknowledge(GENERATION, &ids)?;
    submitter.publish(GENERATION, ChunkId(4), b"x")?;
    work.claim(GENERATION, &a, false, ENDLESS)?;
    submitter.withdraw(GENERATION, ChunkId(4))?;
    submitter.workers(GENERATION)?;
    submitter.set_phase(GENERATION, crate::Phase::Cancelled)?;
    submitter.remove(GENERATION)
}

#[test]
fn the_rights_that_are_written_down_are_enough() {
    let peer = RedisPeer::start();
    set_user(&peer, "worker", WORKER_RIGHTS);
    set_user(&peer, "submitter", SUBMITTER_RIGHTS);
    let [submitter, worker] =
        ["submitter", "worker"].map(|user| server(&options(&peer, user, PASSWORD)));
    play(&peer, &submitter, &worker).unwrap();
}

#[test]
fn none_of_the_rights_is_needless() {
    let peer = RedisPeer::start();
    for (user, rights) in [("worker", WORKER_RIGHTS), ("submitter", SUBMITTER_RIGHTS)] {
        set_user(&peer, "worker", WORKER_RIGHTS);
        set_user(&peer, "submitter", SUBMITTER_RIGHTS);
        for right in rights
            .split_whitespace()
            .filter(|right| !right.starts_with('-'))
        {
            if right.starts_with("reset") {
                continue;
            }
            let rest: Vec<&str> = rights
                .split_whitespace()
                .filter(|other| *other != right)
                .collect();
            set_user(&peer, user, &rest.join(" "));
            peer.command::<()>("FLUSHALL");
            peer.command::<()>("SCRIPT FLUSH");
            let [submitter, worker] =
                ["submitter", "worker"].map(|user| server(&options(&peer, user, PASSWORD)));
            let played = play(&peer, &submitter, &worker);
            assert!(
                matches!(played, Err(BrokerError::Refused(_))),
                "{right}: {played:?}"
            );
        }
    }
}

#[test]
fn a_worker_cannot_change_the_plan() {
    let peer = RedisPeer::start();
    set_user(&peer, "worker", WORKER_RIGHTS);
    let mut broker = broker(&options(&peer, "worker", PASSWORD));
    let reason = refused(broker.begin(GENERATION, b"plan", Budget::default()));
    assert!(
        reason.contains("the user lacks a right in the server's ACL: NOPERM "),
        "{reason}"
    );
}
