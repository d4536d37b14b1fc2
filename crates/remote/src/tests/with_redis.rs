//! Submitter and workers with a real server, and a resolver that answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use canvass_lab::{Lab, LabConfig};
use canvass_report::{Columns, Format, LineSink, Sink};
use canvass_run::{Continuation, Plan, Report, TargetKind, arguments};

use crate::redis::tests::peer::RedisPeer;
use crate::redis::{RedisBroker, RedisServer};
use crate::{
    Broker, BrokerError, Budget, CampaignPlan, Claimed, Contact, LOSSES_MAX, LineSettings, Packing,
    Submission, SubmissionSettings, Timing, WorkEnd, Worker, WorkerName, WorkerSettings,
};

/// Short, so that tests do not wait long for what is lost.
const TIMING: Timing = Timing {
    lease: Duration::from_millis(600),
    heartbeat: Duration::from_millis(100),
    share: Duration::from_millis(400),
};
const NAME: &str = "test";
const WAIT: Duration = Duration::from_millis(20);

/// The lines of a run, readable while it runs.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// The target and the status of each line, by sequence number.
    fn by_seq(&self) -> BTreeMap<u64, (String, String)> {
        let octets = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut lines = BTreeMap::new();
        for line in String::from_utf8(octets).unwrap().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            let seq = line["seq"].as_u64().unwrap();
            let before = lines.insert(seq, (text("target"), text("status")));
            assert_eq!(before, None, "two lines of {seq}");
        }
        lines
    }
}

struct World {
    peer: RedisPeer,
    lab: Lab,
    lines: Lines,
    workers: u64,
}

impl World {
    fn new() -> Self {
        Self {
            peer: RedisPeer::start(),
            lab: Lab::start(LabConfig::default()).unwrap(),
            lines: Lines::default(),
            workers: 0,
        }
    }

    fn plan(&self) -> Plan {
        let kind = TargetKind::Ptr {
            forward_confirm: false,
        };
        Plan::builder(kind)
            .resolvers([self.lab.address()])
            .event_loops(1)
            .build()
            .unwrap()
    }

    fn broker(&self) -> RedisBroker {
        let server = RedisServer::new(&self.peer.options()).unwrap();
        server.connect().unwrap().open(&NAME.parse().unwrap())
    }

    /// Submits the first addresses of a network.
    fn submit(&self, targets: u64) -> Submission {
        let plan = self.plan();
        let options = canvass_run::TargetOptions {
            limit: Some(targets),
            ..plan.target_options()
        };
        let source = arguments(["10.0.0.0/8".to_owned()], &options).unwrap();
        let lines = LineSink::new(
            self.lines.clone(),
            "lines",
            Format::Ndjson,
            Columns::Dns,
            plan.epoch(),
        );
        let sinks: Vec<Box<dyn Sink>> = vec![Box::new(lines)];
        let settings = SubmissionSettings {
            campaign: CampaignPlan {
                identity: "this one".into(),
                plan: Vec::new(),
            },
            budget: Budget::default(),
            notes: Box::new(|note| eprintln!("{note}")),
        };
        let before = Continuation::default();
        Submission::start(
            plan,
            source,
            sinks,
            before,
            Box::new(self.broker()),
            settings,
        )
        .unwrap()
    }

    /// A worker, once there is the campaign.
    fn work(&mut self) -> Worker {
        let mut broker = self.broker();
        let state = loop {
            if let Some(state) = broker.campaign().unwrap() {
                break state;
            }
            std::thread::sleep(WAIT);
        };
        self.workers += 1;
        let plan = self.plan();
        let settings = WorkerSettings {
            name: WorkerName(format!("worker-{}", self.workers).into()),
            timing: TIMING,
            contact: Contact::new(TIMING.lease),
            lines: LineSettings {
                format: Format::Ndjson,
                columns: Columns::Dns,
                filter: None,
                keep: None,
                packing: Packing::Zstd,
            },
            share: Box::new(|granted| granted),
            idle_max: None,
            drain_max: Duration::from_secs(10),
            notes: Box::new(|note| eprintln!("{note}")),
        };
        Worker::start(plan, Box::new(broker), state.generation, settings).unwrap()
    }

    /// Claims a chunk as a worker that is lost then. Returns whether there was one.
    fn lose(&mut self) -> bool {
        let mut broker = self.broker();
        self.workers += 1;
        let name = WorkerName(format!("lost-{}", self.workers).into());
        let Some(state) = broker.campaign().unwrap() else {
            return false;
        };
        let claimed = broker.claim(state.generation, &name, true, TIMING.lease);
        matches!(claimed, Ok(Claimed::Chunk { .. }))
    }
}

fn complete(report: Report, error: Option<BrokerError>, targets: u64) {
    assert!(error.is_none(), "{error:?}");
    let report = report.into_result().unwrap();
    assert_eq!(report.tally.total(), targets);
    assert_eq!(report.admitted(), targets);
}

#[test]
fn every_target_of_a_campaign_has_its_line() {
    let mut world = World::new();
    let submission = world.submit(20_000);
    let workers: Vec<Worker> = (0..2).map(|_| world.work()).collect();
    let (report, error) = submission.join();
    let sent: u64 = report
        .shards
        .iter()
        .flat_map(|shard| &shard.upstreams)
        .map(|upstream| upstream.sent)
        .sum();
    assert!(sent >= 20_000, "the last reports of the workers: {sent}");
    complete(report, error, 20_000);
    assert!(world.lines.by_seq().keys().copied().eq(0..20_000));
    for worker in workers {
        assert!(matches!(worker.join(), WorkEnd::Gone));
    }
}

#[test]
fn a_worker_that_drains_completes_what_it_holds_and_one_that_aborts_gives_it_back() {
    let mut world = World::new();
    let submission = world.submit(5_000);
    let (first, second) = (world.work(), world.work());
    first.stop_handle().drain();
    second.stop_handle().abort();
    assert!(matches!(first.join(), WorkEnd::Ended));
    assert!(matches!(second.join(), WorkEnd::Ended));
    let last = world.work();
    let (report, error) = submission.join();
    complete(report, error, 5_000);
    assert!(world.lines.by_seq().keys().copied().eq(0..5_000));
    assert!(matches!(last.join(), WorkEnd::Gone));
}

#[test]
fn a_target_whose_workers_are_lost_again_and_again_is_given_up() {
    let mut world = World::new();
    let submission = world.submit(1);
    let mut losses = 0;
    while losses < LOSSES_MAX {
        losses += u64::from(world.lose());
        std::thread::sleep(TIMING.lease / 8);
    }
    let worker = world.work();
    let (report, error) = submission.join();
    complete(report, error, 1);
    assert_eq!(world.lines.by_seq()[&0].1, "LOCAL");
    drop(worker);
}

#[test]
fn what_a_flush_takes_is_published_again() {
    let mut world = World::new();
    let submission = world.submit(60_000);
    let worker = world.work();
    std::thread::sleep(Duration::from_millis(300));
    world.peer.command::<String>("FLUSHALL");
    // The campaign is gone for the worker, and another one begins.
    assert!(matches!(worker.join(), WorkEnd::Gone));
    let next = world.work();
    let (report, error) = submission.join();
    complete(report, error, 60_000);
    assert!(world.lines.by_seq().keys().copied().eq(0..60_000));
    drop(next);
}
