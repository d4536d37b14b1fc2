//! Runs a shard through a scenario.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use canvass_engine::{Census, Channels, Config, RunLimits, Shard, StopSignal, Turn, Waker};
use canvass_model::{Outcome, ShardReport, Time, Verdict};
use canvass_proto::TransportPolicy;
use crossbeam_channel::bounded;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::digest;
use crate::feeder::Feeder;
use crate::net::SimNet;
use crate::outcomes;
use crate::scenario::Scenario;
use crate::trace::Telling;
use crate::world::{ChannelEnds, LiveFeed, World};

/// Turns per packet, outcome and millisecond. A shard with more turns spins.
const TURNS_PER_STEP_MAX: u64 = 8;

/// The result of a run.
#[derive(Debug)]
pub struct RunResult {
    /// The hash of all events with their times.
    pub trace_hash: u64,
    /// The hash of the results of all jobs, without order and times.
    pub ends_hash: u64,
    /// The outcomes in the order of delivery.
    pub outcomes: Vec<Outcome>,
    /// Violations of invariants.
    pub violations: Vec<String>,
    /// The report of the shard.
    pub report: ShardReport,
    /// The duration in virtual time.
    pub elapsed: Duration,
    /// The number of turns of the shard.
    pub turns: u64,
    /// Datagrams sent to resolvers.
    pub queries_udp: u64,
    /// Queries that resolvers received over TCP.
    pub queries_tcp: u64,
}

/// Runs the scenario of a seed.
pub fn run(seed: u64) -> RunResult {
    run_scenario(&Scenario::from_seed(seed), Telling::Nothing)
}

/// Runs a scenario.
pub fn run_scenario(scenario: &Scenario, telling: Telling) -> RunResult {
    run_with(scenario, None, telling)
}

/// Runs a scenario whose jobs a feeder gives. Those of the scenario are examples: one of each kind
/// and host.
pub fn run_fed(scenario: &Scenario, feeder: Box<dyn Feeder>) -> RunResult {
    run_with(scenario, Some(LiveFeed::new(feeder)), Telling::Nothing)
}

fn run_with(scenario: &Scenario, live: Option<LiveFeed>, telling: Telling) -> RunResult {
    let (jobs_in, jobs_out) = bounded(scenario.channels.inbox_batches);
    let (outcomes_in, outcomes_out) = bounded(scenario.channels.outbox_batches);
    let inbox_waker = Arc::new(Waker::new(None));
    let outbox_waker = Arc::new(Waker::new(None));
    let control = Arc::new(StopSignal::default());
    let is_fed = live.is_some();
    let known = if is_fed { &[][..] } else { &scenario.jobs };
    let batches = known.chunks(scenario.channels.batch_jobs);
    let config = config_of(scenario);
    let limits = RunLimits::new(&config);
    let far = ChannelEnds {
        pace: scenario.channels,
        shares: scenario.shares.clone(),
        share: limits.share(),
        interrupt: scenario.interrupt,
        batches: batches.rev().map(<[_]>::to_vec).collect(),
        live,
        jobs: Some(jobs_in),
        outcomes: outcomes_out,
        inbox_waker: inbox_waker.clone(),
        outbox_waker: outbox_waker.clone(),
        control: control.clone(),
        drain_is_set: false,
        feed_waits: false,
        taken: Vec::new(),
    };
    let near = Channels {
        jobs: jobs_out,
        outcomes: outcomes_in,
        inbox_waker,
        outbox_waker,
        stop: control,
        names: None,
        latest: Arc::default(),
        live: Arc::default(),
    };
    let world = Rc::new(RefCell::new(World::new(scenario, far, telling)));
    let mut seed = [0; 32];
    SmallRng::seed_from_u64(scenario.seed).fill_bytes(&mut seed);
    let mut shard = Shard::new(SimNet(world.clone()), config, near, &limits, seed);
    let turns = turn_to_the_end(&mut shard, scenario, &world);
    if is_fed {
        let scenario = Scenario {
            jobs: world.borrow_mut().take_given(),
            ..scenario.clone()
        };
        return check_end(shard, &scenario, &world, turns);
    }
    check_end(shard, scenario, &world, turns)
}

fn config_of(scenario: &Scenario) -> Config {
    let shared = scenario.peers.len() - scenario.peers_by_name;
    let shared = scenario.peers[..shared].iter();
    Config {
        upstreams: shared.map(|peer| peer.address).collect(),
        limits: scenario.limits,
        allowed: scenario.allowed.clone(),
        known: scenario.known.clone(),
        shards: NonZeroUsize::MIN,
        is_scheduled: scenario.jobs.iter().any(|job| job.due.is_some()),
        rate_max_per_second: scenario.rate_max_per_second,
        query_source: None,
        rate_per_resolver_max_per_second: scenario.rate_per_resolver_max_per_second,
        // As for a list of mixed endpoints.
        ends_without_resolvers: !(scenario.has_probes() && scenario.has_questions()),
        in_flight_per_resolver_max: None,
        jobs_max: scenario.jobs_max,
        concurrency_cap: scenario.concurrency_cap,
        probing: scenario.probing.clone(),
    }
}

fn turn_to_the_end(shard: &mut Shard<SimNet>, scenario: &Scenario, world: &RefCell<World>) -> u64 {
    let mut turns = 0;
    let has_probes = scenario.has_probes();
    loop {
        turns += 1;
        match shard.turn() {
            Ok(Turn::More) => {}
            Ok(Turn::Done) => return turns,
            Err(error) => {
                let mut world = world.borrow_mut();
                let now = world.now();
                world
                    .watch
                    .violation(now, &format!("the run broke off: {error}"));
                return turns;
            }
        }
        let census = shard.census();
        let open = world.borrow().host_sockets();
        // Lookups for probes and jobs that wait for their host have no slot of their own.
        let own = has_probes || census.jobs <= scenario.jobs_max && census.timers == census.jobs;
        let sound = own
            && census.timers <= census.jobs
            && census.in_flight <= census.attempts
            && census.sockets == open
            && (census.jobs > 0 || census.attempts == 0);
        if !sound {
            let mut world = world.borrow_mut();
            let now = world.now();
            let limit = scenario.jobs_max;
            let text = format!(
                "with {limit} jobs at once at the most and {open} sockets, the shard holds {census:?}"
            );
            world.watch.violation(now, &text);
        }
        if turns % 1_024 == 0 && world.borrow().watch.violations().len() > 8 {
            return turns;
        }
    }
}

fn check_end(
    shard: Shard<SimNet>,
    scenario: &Scenario,
    world: &RefCell<World>,
    turns: u64,
) -> RunResult {
    let census = shard.census();
    let report = shard.into_report();
    let mut world = world.borrow_mut();
    let outcomes = world.take_outcomes();
    let now = world.now();
    let broken_off = !world.watch.violations().is_empty();
    let mut say = |holds: bool, what: String| {
        if !holds {
            world.watch.violation(now, &what);
        }
    };
    if !broken_off {
        say(
            census == Census::default() && report.leaked == 0,
            format!(
                "at the end the shard holds {census:?}, and {} leaked",
                report.leaked
            ),
        );
        say(
            report.finished == report.admitted && report.finished == outcomes.len() as u64,
            format!(
                "admitted {}, finished {}, handed over {}",
                report.admitted,
                report.finished,
                outcomes.len()
            ),
        );
        let due: u64 = scenario.jobs.iter().map(|job| job.spec.outcomes()).sum();
        let all = outcomes.len() as u64 == due;
        say(
            all || report.gave_up || scenario.interrupt.is_some(),
            format!("{} outcomes of {due}", outcomes.len()),
        );
        say(
            !scenario.fair || !report.gave_up,
            "it gave up, with resolvers that answer".to_owned(),
        );
    }
    if !broken_off {
        check_report(scenario, &report, &mut world);
        world.end_turn();
        for wrong in world.delays.check(&report, now, turns) {
            world.watch.violation(now, &wrong);
        }
    }
    let admitted = report.admitted;
    if !broken_off {
        let cut_short = report.gave_up || scenario.interrupt.is_some();
        outcomes::check(scenario, &outcomes, admitted, cut_short, &mut world.watch);
    }
    let (queries_udp, queries_tcp) = (world.watch.queries_udp, world.watch.queries_tcp);
    let elapsed = now.since(Time::ZERO);
    let steps = queries_udp
        + queries_tcp
        + world.transfers()
        + outcomes.len() as u64
        + elapsed.as_millis() as u64
        + 100;
    if turns > steps * TURNS_PER_STEP_MAX {
        world
            .watch
            .violation(now, &format!("{turns} turns for {steps} steps"));
    }
    let trace_hash = world.trace.hash();
    let violations = world.watch.take_violations();
    RunResult {
        trace_hash,
        ends_hash: digest::of_ends(&outcomes),
        outcomes,
        violations,
        report,
        elapsed,
        turns,
        queries_udp,
        queries_tcp,
    }
}

/// The report of the shard must match the events of the world.
fn check_report(scenario: &Scenario, report: &ShardReport, world: &mut World) {
    let now = world.now();
    let sent: u64 = report.upstreams.iter().map(|upstream| upstream.sent).sum();
    let seen = world.watch.queries_udp;
    if scenario.limits.transport == TransportPolicy::Udp && sent != seen {
        let text = format!("the shard says that it sent {sent} queries, and the world saw {seen}");
        world.watch.violation(now, &text);
    }
    let unasked = scenario.path.duplicate > 0.0
        || scenario
            .peers
            .iter()
            .any(|peer| !peer.impairments.duplicate.is_zero() || !peer.impairments.forge.is_zero());
    let drops = report.losses.kernel_drops;
    if drops > 0 && !unasked {
        let text = format!("{drops} answers did not fit the buffers, and all were asked for");
        world.watch.violation(now, &text);
    }
}

impl RunResult {
    /// The number of outcomes with a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        let same = |outcome: &&Outcome| outcome.verdict == verdict;
        self.outcomes.iter().filter(same).count()
    }

    /// Queries per job.
    pub fn attempts_per_job(&self) -> f64 {
        let attempts: u64 = self
            .outcomes
            .iter()
            .map(|outcome| u64::from(outcome.attempts))
            .sum();
        attempts as f64 / self.outcomes.len().max(1) as f64
    }
}
