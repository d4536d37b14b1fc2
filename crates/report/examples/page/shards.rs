//! What shards say at the end of a run, made up.

use std::net::SocketAddr;
use std::time::Duration;

use canvass_model::{
    ConnectionReport, Health, LoopSample, Losses, ShardReport, Time, UpstreamReport, WindowReport,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{RESOLVERS, SEED, spread};

fn upstream(address: &str, share: u64) -> UpstreamReport {
    let address: SocketAddr = address.parse().expect("a constant address");
    UpstreamReport {
        health: Health::Good,
        sent: 16_000 * share,
        answered: 15_700 * share,
        timeouts: 300 * share,
        late: 41 * share,
        udp: Some(WindowReport {
            rate_per_second: 2_900.0 * share as f64,
            delivered_per_second: 2_700.0 * share as f64,
            in_flight_max: 96 * share as u32,
            plateau: share == 1,
            in_flight_limit: None,
            rtt_p50: Duration::from_micros(910 * share),
            rtt_p99: Duration::from_millis(71 * share),
        }),
        ..UpstreamReport::new(address)
    }
}

/// A window that doubles, finds a plateau, and looks again now and then.
pub(crate) fn ptr_shard(shard: u64) -> ShardReport {
    let mut rng = StdRng::seed_from_u64(SEED + shard);
    let samples = (0..200).map(|place: u64| {
        let rising = 500.0 * 2_f64.powi((place / 3).min(40) as i32);
        let look = if place % 40 < 3 { 1.2 } else { 1.0 };
        let rate_per_second = rising.min(10_200.0 * look);
        LoopSample {
            at: Time::from_nanos((place * 30 + shard * 7) * 1_000_000),
            rate_per_second,
            window: (rate_per_second / 18.0) as u64 + 8,
            in_flight: (rate_per_second / 30.0) as u64 + rng.random_range(0..40),
        }
    });
    let mut dead = upstream(RESOLVERS[3], 1);
    dead.health = Health::Dead;
    dead.benched = 3;
    let mut report = ShardReport {
        admitted: 60_000,
        finished: 60_000,
        in_flight_max: 612,
        losses: Losses {
            kernel_drops: 6,
            silence: 360,
            late_replies: 164,
            ..Losses::default()
        },
        samples: samples.collect(),
        upstreams: vec![
            upstream(RESOLVERS[0], 2),
            upstream(RESOLVERS[1], 1),
            upstream(RESOLVERS[2], 1),
            dead,
        ],
        ..ShardReport::default()
    };
    record_lag(&mut report, &mut rng);
    report
}

pub(crate) fn http_shard() -> ShardReport {
    let mut rng = StdRng::seed_from_u64(SEED);
    let samples = (0..150).map(|place: u64| LoopSample {
        at: Time::from_nanos(place * 300_000_000),
        in_flight: 40 + rng.random_range(0..25),
        ..LoopSample::default()
    });
    let mut report = ShardReport {
        admitted: 20_000,
        finished: 20_000,
        in_flight_max: 71,
        samples: samples.collect(),
        connections: ConnectionReport {
            opened: 20_000,
            open_max: 71,
            open_limit: 4_096,
            waited_for_descriptor: 0,
            names_needed: 20_000,
            names_looked_up: 6_667,
        },
        ..ShardReport::default()
    };
    record_lag(&mut report, &mut StdRng::seed_from_u64(SEED));
    report
}

fn record_lag(report: &mut ShardReport, rng: &mut StdRng) {
    for _ in 0..4_000 {
        report.late_wakes.record(spread(rng, 60.0, 1.0));
        report.turns.record(spread(rng, 130.0, 1.0));
    }
}
