//! Draws the scenario of a seed.

mod peers;

use std::time::Duration;

use canvass_model::{Job, Time};
use canvass_proto::TransportPolicy;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::jobs::{self, Mix};
use super::{ChannelSettings, Host, Interrupt, Path, Peer, Scenario, probes};
use peers::{draw_limited, draw_peers, draw_referring};

/// Which seeds of DNS jobs have, besides their resolvers, one that does not recurse.
const REFERRING_EVERY: u64 = 10;
const REFERRING_AT: u64 = 4;
/// Which seeds of DNS jobs have, besides their resolvers, one with the limits of a server that
/// people have.
const LIMITED_EVERY: u64 = 5;
const LIMITED_AT: u64 = 1;

/// How the resolvers of a run are impaired.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Profile {
    /// No impairments.
    Clean,
    /// Only stalls of this process.
    Stalled,
    /// Each resolver has its own impairments or none.
    Mixed,
    /// All resolvers have the same impairments.
    Uniform,
}

/// The scenario of a seed. One in three has probes of hosts.
pub(crate) fn draw(seed: u64) -> Scenario {
    if seed % 3 == 2 {
        draw_probes(seed)
    } else {
        draw_questions(seed)
    }
}

/// Draws a scenario of DNS jobs.
fn draw_questions(seed: u64) -> Scenario {
    let mut rng = SmallRng::seed_from_u64(seed);
    let rng = &mut rng;
    let profile = one_of(
        rng,
        &[
            Profile::Clean,
            Profile::Stalled,
            Profile::Mixed,
            Profile::Mixed,
            Profile::Mixed,
            Profile::Mixed,
            Profile::Uniform,
        ],
    );
    let mut peers = draw_peers(rng, profile);
    // Jobs that need a second query may time out during a stall.
    if seed % REFERRING_EVERY == REFERRING_AT && profile != Profile::Stalled {
        peers.push(draw_referring(seed, peers.len() as u16));
    }
    if seed % LIMITED_EVERY == LIMITED_AT && profile != Profile::Stalled {
        peers.push(draw_limited(seed, peers.len() as u16));
    }
    let count = one_of(rng, &[200, 500, 1_000, 3_000]);
    let mut mix = Mix {
        forward_percent: one_of(rng, &[0, 0, 20, 100]),
        names_percent: one_of(rng, &[0, 10, 50]),
        invalid_percent: one_of(rng, &[0, 0, 2]),
        v6_percent: one_of(rng, &[0, 20, 100]),
        due_interval_ns: one_of(rng, &[None, None, None, Some(100_000), Some(2_000_000)]),
    };
    if profile == Profile::Stalled {
        // Jobs that need a second query may time out during a stall.
        (mix.forward_percent, mix.names_percent) = (0, 0);
    }
    let clean = matches!(profile, Profile::Clean | Profile::Stalled);
    let mut scenario = Scenario::plain(seed, jobs::mixed(rng, count, &mix), peers);
    let limits = &mut scenario.limits;
    limits.transport = one_of(
        rng,
        &[
            TransportPolicy::Auto,
            TransportPolicy::Auto,
            TransportPolicy::Udp,
            TransportPolicy::Tcp,
        ],
    );
    limits.retries = one_of(rng, &[0, 1, 3, 7, 7, 7]);
    limits.deadline = Duration::from_millis(one_of(rng, &[300, 2_000, 10_000, 10_000]));
    limits.timeout = Duration::from_millis(one_of(rng, &[200, 1_000, 2_000, 2_000]));
    scenario.rate_max_per_second = one_of(rng, &[None, None, None, Some(200.0), Some(5_000.0)]);
    scenario.rate_per_resolver_max_per_second =
        one_of(rng, &[None, None, None, Some(50.0), Some(1_000.0)]);
    scenario.jobs_max = one_of(rng, &[1, 16, 500, 32_768, 32_768]);
    scenario.path = draw_path(rng, clean);
    scenario.host = draw_host(rng, clean);
    if profile != Profile::Clean {
        draw_stalls(rng, profile, &mut scenario.host);
    }
    scenario.channels = draw_channels(rng);
    if !clean && rng.random_bool(0.1) {
        let at = Time::from_nanos(rng.random_range(0..3_000_000_000));
        scenario.interrupt = Some(one_of(rng, &[Interrupt::Drain(at), Interrupt::Abort(at)]));
    }
    scenario.fair = is_fair(&scenario, profile);
    scenario
}

/// Draws a scenario of probes of hosts, with DNS jobs in one of four.
fn draw_probes(seed: u64) -> Scenario {
    let mut rng = SmallRng::seed_from_u64(seed);
    let rng = &mut rng;
    let clean = rng.random_bool(0.3);
    let generous = clean && rng.random_bool(0.7);
    let profile = probes::Profile {
        clean,
        generous,
        count: one_of(rng, &[100, 300, 600]),
        talk_percent: one_of(rng, &[0, 30, 100]),
        broken_percent: one_of(rng, &[0, 10, 60]),
        names: one_of(rng, &[1, 5, 200]),
        requests: one_of(rng, &[1, 2, 5]),
        due_interval_ns: one_of(rng, &[None, None, Some(2_000_000)]),
    };
    let drawn = probes::draw(rng, &profile);
    let resolvers = draw_peers(
        rng,
        if clean {
            Profile::Clean
        } else {
            Profile::Mixed
        },
    );
    let mut scenario = Scenario::plain(seed, drawn.jobs, resolvers);
    scenario.sites = drawn.sites;
    scenario.probing = drawn.probing;
    if rng.random_bool(0.25) {
        mix_in_questions(rng, &mut scenario);
    }
    scenario.limits.retries = one_of(rng, &[1, 3, 7]);
    let timeout_ms = one_of(rng, &[300, 1_000]);
    scenario.limits.timeout = Duration::from_millis(if generous { 1_000 } else { timeout_ms });
    scenario.rate_max_per_second = one_of(rng, &[None, None, None, Some(200.0)]);
    scenario.jobs_max = one_of(rng, &[1, 16, 500, 32_768]);
    scenario.path = draw_path(rng, clean);
    scenario.host = draw_host(rng, clean);
    if !clean {
        draw_stalls(rng, Profile::Mixed, &mut scenario.host);
        if rng.random_bool(0.1) {
            let from = Time::from_nanos(rng.random_range(0..1_000_000_000));
            let span = Duration::from_millis(one_of(rng, &[100, 20_000]));
            scenario.host.ports_gone = Some((from, from + span));
        }
    }
    scenario.channels = draw_channels(rng);
    if !clean && rng.random_bool(0.15) {
        let at = Time::from_nanos(rng.random_range(0..3_000_000_000));
        scenario.interrupt = Some(one_of(rng, &[Interrupt::Drain(at), Interrupt::Abort(at)]));
    }
    scenario.fair = clean && has_fair_probes(&scenario);
    scenario
}

/// Adds as many DNS jobs.
fn mix_in_questions(rng: &mut SmallRng, scenario: &mut Scenario) {
    let mix = Mix {
        forward_percent: 20,
        names_percent: 0,
        invalid_percent: 0,
        v6_percent: 20,
        due_interval_ns: None,
    };
    let count = scenario.jobs.len() as u32;
    let questions = jobs::mixed(rng, count, &mix);
    let both = scenario.jobs.drain(..).zip(questions);
    let mut all: Vec<Job> = both
        .flat_map(|(probe, question)| [probe, question])
        .collect();
    for (seq, job) in all.iter_mut().enumerate() {
        job.seq = seq as u64;
    }
    scenario.jobs = all;
}

/// Whether every probe must have its answer.
fn has_fair_probes(scenario: &Scenario) -> bool {
    let path = &scenario.path;
    let quick = path.delay_ns + path.jitter_ns <= 5_000_000
        && (scenario.host.stream_buffer_octets >= 4_096 || path.delay_ns <= 100_000);
    let patient = scenario.limits.timeout >= Duration::from_secs(1);
    let modules = &scenario.probing.modules;
    let patient = patient
        && modules.iter().all(|module| {
            let timeouts = &module.timeouts;
            timeouts.deadline >= Duration::from_secs(10)
                && timeouts.first_byte >= Duration::from_secs(2)
        });
    // Waiting for a socket or for the limit of a host counts towards the deadline.
    quick
        && patient
        && scenario.probing.sockets_max >= 1_000
        && scenario.probing.rate_per_host_max_per_second.is_none()
        && scenario.probing.per_host_max >= 6
}

/// Whether every job must have its answer.
fn is_fair(scenario: &Scenario, profile: Profile) -> bool {
    let limits = &scenario.limits;
    let patient = limits.deadline >= Duration::from_secs(10)
        && limits.timeout >= Duration::from_secs(1)
        && scenario.path.delay_ns + scenario.path.jitter_ns <= 50_000_000;
    // A truncated answer needs a second attempt over TCP.
    let second = limits.retries >= 1 && limits.transport != TransportPolicy::Udp;
    match profile {
        Profile::Clean => patient && second,
        // Answers to queries sent before a stall must arrive in the grace period of the timers.
        Profile::Stalled => {
            limits.deadline >= Duration::from_secs(2)
                && limits.timeout >= Duration::from_secs(1)
                && scenario.path.delay_ns + scenario.path.jitter_ns <= 15_000_000
        }
        Profile::Mixed | Profile::Uniform => {
            let plain = |peer: &&Peer| peer.is_plain();
            let host = &scenario.host;
            patient
                && second
                && limits.retries >= 7
                && 2 * scenario.peers.iter().filter(plain).count() >= scenario.peers.len()
                && scenario.path.loss <= 0.01
                && scenario.interrupt.is_none()
                && host.stalls.is_empty()
                && host.no_room < 0.1
                && host.descriptors_gone.is_none()
                && host.descriptors_max >= 1_000
                && scenario.rate_max_per_second.is_none()
                && scenario.rate_per_resolver_max_per_second.is_none()
        }
    }
}

pub(super) fn one_of<T: Copy>(rng: &mut SmallRng, choices: &[T]) -> T {
    choices[rng.random_range(0..choices.len())]
}

fn draw_path(rng: &mut SmallRng, clean: bool) -> Path {
    let delay_ns = one_of(rng, &[5_000, 50_000, 1_000_000, 30_000_000]);
    let harm = |rng: &mut SmallRng| {
        if clean {
            0.0
        } else {
            one_of(rng, &[0.0, 0.0, 0.0, 0.01, 0.1])
        }
    };
    Path {
        delay_ns,
        jitter_ns: one_of(rng, &[0, delay_ns / 10, delay_ns, delay_ns * 3]),
        loss: harm(rng),
        duplicate: harm(rng),
    }
}

fn draw_host(rng: &mut SmallRng, clean: bool) -> Host {
    let mut host = Host {
        call_cost_ns: one_of(rng, &[0, 500, 3_000]),
        choppy: rng.random_bool(0.3),
        stream_buffer_octets: one_of(rng, &[200, 4_096, 1 << 20]),
        receive_buffer_octets: one_of(rng, &[425_984, 8 << 20]),
        ..Host::default()
    };
    if clean {
        return host;
    }
    host.no_room = one_of(rng, &[0.0, 0.0, 0.0, 0.02, 0.3]);
    if rng.random_bool(0.1) {
        host.descriptors_max = rng.random_range(1..8);
    }
    if rng.random_bool(0.1) {
        let from = Time::from_nanos(rng.random_range(0..1_000_000_000));
        let to = from + Duration::from_millis(one_of(rng, &[100, 2_000, 8_000]));
        host.descriptors_gone = Some((one_of(rng, &[from, Time::ZERO]), to));
    }
    host
}

fn draw_stalls(rng: &mut SmallRng, profile: Profile, host: &mut Host) {
    let (count, within_ns) = if profile == Profile::Stalled {
        (
            rng.random_range(1..6),
            one_of(rng, &[30_000_000, 1_000_000_000]),
        )
    } else {
        (one_of(rng, &[0, 0, 0, 1, 4]), 4_000_000_000)
    };
    for _ in 0..count {
        let at = Time::from_nanos(rng.random_range(0..within_ns));
        let span = Duration::from_millis(one_of(rng, &[60, 400, 3_000, 15_000]));
        host.stalls.push((at, span));
    }
    host.stalls.sort_unstable();
}

fn draw_channels(rng: &mut SmallRng) -> ChannelSettings {
    ChannelSettings {
        batch_jobs: one_of(rng, &[1, 7, 256]),
        feed_interval_ns: one_of(rng, &[1_000, 100_000, 3_000_000]),
        inbox_batches: one_of(rng, &[1, 8]),
        drain_interval_ns: one_of(rng, &[10_000, 1_000_000, 50_000_000, 400_000_000]),
        outbox_batches: one_of(rng, &[1, 2, 8]),
    }
}
