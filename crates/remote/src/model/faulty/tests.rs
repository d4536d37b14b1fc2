use super::*;

const GENERATION: Generation = Generation(1);
const LEASE: Duration = Duration::from_secs(10);

fn worker(name: &str) -> WorkerName {
    WorkerName(name.into())
}

/// A server with one chunk, claimed by "a".
fn claimed() -> (ModelServer, Claim) {
    let server = ModelServer::new();
    let mut broker = server.broker();
    broker
        .begin(GENERATION, b"plan", Budget::default())
        .unwrap();
    broker.publish(GENERATION, ChunkId(0), b"chunk").unwrap();
    let claimed = broker
        .claim(GENERATION, &worker("a"), false, LEASE)
        .unwrap();
    let Claimed::Chunk { claim, .. } = claimed else {
        panic!("{claimed:?}");
    };
    (server, claim)
}

fn faulty(server: &ModelServer, set: impl FnOnce(&mut FaultRates)) -> FaultyBroker {
    let mut rates = FaultRates::default();
    set(&mut rates);
    FaultyBroker::new(server, rates, 1)
}

#[test]
fn a_lost_reply_leaves_its_effect_and_a_lost_request_none() {
    let (server, claim) = claimed();
    let mut requests = faulty(&server, |rates| rates.request_lost = 1.0);
    let mut replies = faulty(&server, |rates| rates.reply_lost = 1.0);
    let mut broker = server.broker();
    let commit = |broker: &mut dyn Broker| broker.commit(GENERATION, &worker("a"), claim, b"r");
    assert!(matches!(commit(&mut requests), Err(BrokerError::Away(_))));
    assert!(broker.deliveries(GENERATION, None, 1).unwrap().is_empty());
    assert!(matches!(commit(&mut replies), Err(BrokerError::Away(_))));
    assert_eq!(commit(&mut broker).unwrap(), Commit::AlreadyYours);
    assert_eq!(broker.deliveries(GENERATION, None, 1).unwrap().len(), 1);
}

#[test]
fn a_repeated_commit_is_stored_once() {
    let (server, claim) = claimed();
    let mut broker = faulty(&server, |rates| rates.repeated = 1.0);
    let commit = broker
        .commit(GENERATION, &worker("a"), claim, b"r")
        .unwrap();
    assert_eq!(commit, Commit::AlreadyYours);
    assert_eq!(
        server
            .broker()
            .deliveries(GENERATION, None, 1)
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_failover_forgets_the_last_operations() {
    let (server, claim) = claimed();
    let mut broker = faulty(&server, |rates| rates.failover_max = 1);
    let before = broker.instance().unwrap();
    broker
        .commit(GENERATION, &worker("a"), claim, b"r")
        .unwrap();
    server.fail_over(1);
    assert_ne!(broker.instance().unwrap(), before);
    let held = broker.held(GENERATION, &worker("a")).unwrap();
    assert_eq!(held, [(claim, b"chunk".to_vec())]);
}

#[test]
fn owners_have_a_lease_of_grace_when_another_process_takes_over() {
    let (server, _) = claimed();
    let mut broker = server.broker();
    let mut steal = || broker.claim(GENERATION, &worker("b"), true, LEASE).unwrap();
    server.advance(LEASE);
    server.restart();
    assert_eq!(steal(), Claimed::Nothing);
    server.advance(LEASE);
    assert!(matches!(steal(), Claimed::Chunk { .. }));
}

#[test]
fn without_memory_a_lease_can_be_kept_but_nothing_stored() {
    let (server, claim) = claimed();
    let mut broker = faulty(&server, |rates| rates.unwilling = 1.0);
    let commit = broker.commit(GENERATION, &worker("a"), claim, b"r");
    assert!(matches!(commit, Err(BrokerError::Unwilling(_))));
    assert_eq!(
        broker
            .heartbeat(GENERATION, &worker("a"), &[claim])
            .unwrap(),
        []
    );
}

#[test]
fn a_client_is_away_for_its_time() {
    let (server, _) = claimed();
    let mut broker = faulty(&server, |rates| {
        rates.away = 1.0;
        rates.away_for = LEASE;
    });
    assert!(broker.campaign().is_err());
    broker.rates = FaultRates::default();
    server.advance(LEASE - Duration::from_nanos(1));
    assert!(broker.campaign().is_err());
    server.advance(Duration::from_nanos(1));
    assert!(broker.campaign().is_ok());
}
