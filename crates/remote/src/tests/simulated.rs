//! A campaign in a virtual world: a submitter and workers that crash, pause and lose replies, and a broker
//! that fails over to an older state, runs out of memory, or loses everything. The same seed gives the same
//! run.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::time::Duration;
use std::{panic, thread};

use canvass_model::{Cause, Fault, Job, Outcome, Phase, Status, Time};
use canvass_queue::{Completed, Resumed, Source, TargetKind, TargetOptions, arguments};
use canvass_report::{PartCounts, Tally};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use crate::broker::{Broker, BrokerError, Budget, Generation, WorkerName, WorkerState};
use crate::campaign::CampaignPlan;
use crate::chunk::{ChunkHeader, ChunkJobs};
use crate::chunker::Chunker;
use crate::model::{FaultRates, FaultyBroker, ModelServer};
use crate::result::{ChunkResult, LinePacker, Packing};
use crate::submitter::{Dispatch, Receiver};
use crate::worker::{Contact, Executor, Holder, Next, Timing};

const JOBS: u64 = 3_000;
const WORKERS: usize = 4;
/// Seeds that run at once.
const THREADS: usize = 2;
const TURN: Duration = Duration::from_millis(100);
/// How long things go wrong, and how long the campaign may take from then on.
const CHAOS: Duration = Duration::from_secs(120);
const CALM: Duration = Duration::from_secs(300);
const OPEN_CHUNKS_MAX: usize = 12;

/// What is wrong with each operation, while things go wrong.
const FAULTS: FaultRates = FaultRates {
    request_lost: 0.004,
    reply_lost: 0.004,
    repeated: 0.004,
    away: 0.001,
    unwilling: 0.004,
    restart: 0.000_5,
    failover: 0.000_5,
    flush: 0.000_2,
    away_for: Duration::ZERO,
    failover_max: 12,
};

/// The output of a run, which loses what is not durable when its process dies.
#[derive(Default)]
struct Output {
    lines: Vec<Line>,
    durable: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Line {
    Answered(u64),
    Quarantined(u64),
}

impl Line {
    fn seq(self) -> u64 {
        match self {
            Self::Answered(seq) | Self::Quarantined(seq) => seq,
        }
    }
}

impl Receiver for Output {
    fn result(
        &mut self,
        header: ChunkHeader,
        _worker: &WorkerName,
        octets: &[u8],
    ) -> Result<(), String> {
        let (result, lines) = ChunkResult::decode(octets).map_err(|error| error.to_string())?;
        assert_eq!(result.header, header);
        let seqs = lines
            .chunks_exact(8)
            .map(|octets| u64::from_le_bytes(octets.try_into().unwrap()));
        assert!(seqs.clone().eq(header.range()));
        self.lines.extend(seqs.map(Line::Answered));
        Ok(())
    }

    fn quarantined(&mut self, job: Job) {
        self.lines.push(Line::Quarantined(job.seq));
    }

    fn received(&self) -> u64 {
        self.lines.len() as u64
    }

    fn note(&mut self, _text: String) {}
}

/// Executes a chunk in a time that depends on its size. Its process dies of a poisonous job.
struct Machine {
    running: BTreeMap<u64, Running>,
    poison: Option<u64>,
    is_dead: bool,
    now: Duration,
    share: f64,
}

struct Running {
    header: ChunkHeader,
    ends: Duration,
    is_discarded: bool,
}

impl Executor for Machine {
    fn has_room(&self) -> bool {
        self.running.len() < 2
    }

    fn is_busy_with(&self, jobs: Range<u64>) -> bool {
        self.running.values().any(|running| {
            let range = running.header.range();
            range.start < jobs.end && jobs.start < range.end
        })
    }

    fn begin(&mut self, jobs: ChunkJobs) {
        let header = jobs.header();
        assert!(!self.is_busy_with(header.range()));
        assert!(header.range().eq(jobs.map(|job| job.seq)));
        self.is_dead |= self
            .poison
            .is_some_and(|poison| header.range().contains(&poison));
        let ends = self.now + Duration::from_millis(5) * header.jobs;
        let running = Running {
            header,
            ends,
            is_discarded: false,
        };
        self.running.insert(header.first, running);
    }

    fn discard(&mut self, first: u64) {
        if let Some(running) = self.running.get_mut(&first) {
            running.is_discarded = true;
        }
    }

    fn finished(&mut self) -> Vec<(u64, Vec<u8>)> {
        let ended = self
            .running
            .extract_if(.., |_, running| running.ends <= self.now);
        ended
            .filter(|(_, running)| !running.is_discarded)
            .map(|(first, running)| (first, result(running.header)))
            .collect()
    }

    fn set_share(&mut self, share: f64) -> bool {
        self.share = share;
        share > 0.0
    }

    fn meet(&mut self, _workers: &[WorkerState]) {}

    fn report(&mut self, committed: u64) -> Vec<u8> {
        committed.to_le_bytes().to_vec()
    }
}

fn result(header: ChunkHeader) -> Vec<u8> {
    let lines: Vec<u8> = header.range().flat_map(u64::to_le_bytes).collect();
    let mut tally = Tally::default();
    let outcome = failed();
    header.range().for_each(|_| tally.record(&outcome));
    let result = ChunkResult {
        header,
        counts: PartCounts {
            tally,
            ..PartCounts::default()
        },
        written: header.outcomes,
        jobs_per_second: 200.0,
        lines_octets: lines.len() as u64,
        packing: Packing::Plain,
    };
    result.encode(&lines, &mut LinePacker::new(result.packing))
}

/// Any outcome.
fn failed() -> Outcome {
    let mut jobs = Vec::new();
    source().next(1, &mut jobs).unwrap();
    let fault = Fault {
        phase: Phase::Dns,
        cause: Cause::Timeout,
        message: "".into(),
        errno: None,
    };
    Outcome::unbegun(jobs.remove(0), Time::ZERO, Status::Timeout, fault)
}

fn source() -> impl Source + use<> {
    let options = TargetOptions {
        limit: Some(JOBS),
        ..TargetOptions::new(TargetKind::Ptr {
            forward_confirm: false,
        })
    };
    arguments(["10.0.0.0/8".to_owned()], &options).unwrap()
}

struct Submitter {
    dispatch: Dispatch,
    chunker: Option<Chunker<Box<dyn Source>>>,
    broker: FaultyBroker,
}

struct Worker {
    holder: Holder,
    machine: Machine,
    broker: FaultyBroker,
    /// Its own clock began at any time.
    clock_offset: Duration,
    paused_until: Duration,
}

struct World {
    rng: StdRng,
    server: ModelServer,
    now: Duration,
    output: Output,
    submitter: Option<Submitter>,
    workers: Vec<Option<Worker>>,
    names: u64,
    poison: Option<u64>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let poison = rng.random_bool(0.3).then(|| rng.random_range(0..JOBS));
        Self {
            server: ModelServer::new(),
            rng,
            now: Duration::ZERO,
            output: Output::default(),
            submitter: None,
            workers: (0..WORKERS).map(|_| None).collect(),
            names: 0,
            poison,
        }
    }

    /// Runs until everything is done. Panics if that takes too long.
    fn run(&mut self) {
        while !self.turn() {
            assert!(
                self.now < CHAOS + CALM,
                "{} of {JOBS} lines",
                self.output.lines.len()
            );
        }
        let mut lines = self.output.lines.clone();
        lines.sort_unstable();
        let mut expected: Vec<Line> = (0..JOBS).map(Line::Answered).collect();
        if let Some(poison) = self.poison {
            expected.remove(poison as usize);
            expected.push(Line::Quarantined(poison));
        }
        assert_eq!(lines, expected);
    }

    fn is_chaos(&self) -> bool {
        self.now < CHAOS
    }

    fn turn(&mut self) -> bool {
        self.now += TURN;
        self.server.set_now(self.now);
        if self.is_chaos() {
            self.break_something();
        } else {
            self.mend();
        }
        for place in 0..WORKERS {
            self.work(place);
        }
        let running = self.workers.iter().flatten();
        let shares = running
            .filter(|worker| worker.paused_until <= self.now)
            .map(|worker| worker.machine.share);
        assert!(shares.sum::<f64>() < 1.000_1, "the caps are exceeded");
        self.submit()
    }

    /// A connection to the broker, with the faults of this time.
    fn client(&mut self) -> FaultyBroker {
        let rates = match self.is_chaos() {
            true => FaultRates {
                away_for: Duration::from_secs(self.rng.random_range(1..60)),
                ..FAULTS
            },
            false => FaultRates::default(),
        };
        FaultyBroker::new(&self.server, rates, self.rng.next_u64())
    }

    fn mend(&mut self) {
        for worker in self.workers.iter_mut().flatten() {
            worker.broker.set_rates(FaultRates::default());
        }
        if let Some(submitter) = &mut self.submitter {
            submitter.broker.set_rates(FaultRates::default());
        }
    }

    fn break_something(&mut self) {
        let place = self.rng.random_range(0..WORKERS);
        match self.rng.random_range(0..1_000) {
            0..10 => self.workers[place] = None,
            10..16 => {
                let pause = Duration::from_secs(self.rng.random_range(1..45));
                if let Some(worker) = &mut self.workers[place] {
                    worker.paused_until = self.now + pause;
                }
            }
            16..20 => {
                self.submitter = None;
                self.output.lines.truncate(self.output.durable);
            }
            _ => {}
        }
    }

    fn submit(&mut self) -> bool {
        let Some(submitter) = &mut self.submitter else {
            self.begin_submitter();
            return false;
        };
        while let Some(chunker) = &mut submitter.chunker
            && submitter.dispatch.open() < OPEN_CHUNKS_MAX
        {
            match chunker.next(self.rng.random_range(1..200)).unwrap() {
                Some(jobs) => submitter.dispatch.add(&jobs),
                None => submitter.chunker = None,
            }
        }
        // Outputs become durable some time after they are written.
        if self.rng.random_bool(0.3) {
            self.output.durable = self.output.lines.len();
        }
        let durable = self.output.durable as u64;
        let stepped =
            submitter
                .dispatch
                .step(self.now, &mut submitter.broker, durable, &mut self.output);
        stepped.is_ok() && submitter.chunker.is_none() && submitter.dispatch.is_done()
    }

    fn begin_submitter(&mut self) {
        let done: HashSet<u64> = self.output.lines.iter().map(|line| line.seq()).collect();
        let mut completed = Completed::default();
        for seq in 0..JOBS {
            if done.contains(&seq) {
                completed.above.push(seq..seq + 1);
            }
        }
        let mut generations = StdRng::seed_from_u64(self.rng.next_u64());
        let plan = CampaignPlan {
            identity: "this one".into(),
            plan: b"plan".to_vec(),
        };
        let mut dispatch = Dispatch::new(
            plan,
            Budget {
                shares_max: 3,
                ..Budget::default()
            },
            Box::new(move || Generation(generations.random())),
        );
        let mut broker = self.client();
        let before = self.output.lines.len();
        let taken_up = dispatch.take_up(&mut broker, &|seq| done.contains(&seq), &mut self.output);
        let Ok(out) = taken_up else {
            // It gives up, and is begun anew.
            self.output.lines.truncate(before);
            return;
        };
        let source = Resumed::new(source(), completed).unwrap();
        let out = Completed {
            watermark: source.position().seq(),
            above: out,
            partial: Vec::new(),
        };
        let rest: Box<dyn Source> = Box::new(Resumed::new(source, out).unwrap());
        self.submitter = Some(Submitter {
            dispatch,
            chunker: Some(Chunker::new(rest)),
            broker,
        });
    }

    fn work(&mut self, place: usize) {
        let Some(worker) = &mut self.workers[place] else {
            if self.rng.random_bool(0.1) {
                self.workers[place] = self.join();
            }
            return;
        };
        if self.now < worker.paused_until {
            return;
        }
        worker.machine.now = self.now;
        let now = self.now + worker.clock_offset;
        let stepped = worker
            .holder
            .step(now, &mut worker.broker, &mut worker.machine);
        let is_gone = matches!(
            stepped,
            Ok(Next::Ended) | Err(BrokerError::Gone | BrokerError::Refused(_))
        );
        if is_gone || worker.machine.is_dead {
            self.workers[place] = None;
        }
    }

    fn join(&mut self) -> Option<Worker> {
        let mut broker = self.client();
        let state = broker.campaign().ok()??;
        self.names += 1;
        let name = WorkerName(format!("worker-{}", self.names).into());
        let clock_offset = Duration::from_secs(self.rng.random_range(0..1_000));
        let timing = Timing::default();
        let contact = Contact::new(timing.lease);
        Some(Worker {
            holder: Holder::new(state.generation, name, timing, contact),
            machine: Machine {
                running: BTreeMap::new(),
                poison: self.poison,
                is_dead: false,
                now: self.now,
                share: 0.0,
            },
            broker,
            clock_offset,
            paused_until: Duration::ZERO,
        })
    }
}

/// The seeds of a run of the tests. `CANVASS_SIM_SEEDS` asks for more or others: `FROM..TO`.
fn seeds() -> Range<u64> {
    let given = std::env::var("CANVASS_SIM_SEEDS").ok();
    let range = given.as_deref().and_then(|text| {
        let (from, to) = text.split_once("..")?;
        Some(from.parse().ok()?..to.parse().ok()?)
    });
    range.unwrap_or(0..1_000)
}

#[test]
fn every_job_has_one_line_whatever_breaks() {
    let runners: Vec<_> = (0..THREADS)
        .map(|first| {
            thread::spawn(move || {
                for seed in seeds().skip(first).step_by(THREADS) {
                    let ended = panic::catch_unwind(|| World::new(seed).run());
                    assert!(ended.is_ok(), "seed {seed}");
                }
            })
        })
        .collect();
    for runner in runners {
        runner.join().expect("no seed fails");
    }
}
