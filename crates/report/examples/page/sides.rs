//! A comparison, made up.

use std::num::NonZeroUsize;
use std::time::Duration;

use canvass_model::Time;
use canvass_report::{Answers, Block, Comparison, Difference, LATENCY_MAX_NS, OtherSide, Side};
use hdrhistogram::Histogram;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{SEED, spread};

/// canvass against `getnameinfo`, one at a time and with 32 threads, with a peer 20 ms away.
pub(crate) fn comparison() -> Comparison {
    let mut rng = StdRng::seed_from_u64(SEED);
    let mut at = Time::ZERO;
    let mut a = side("canvass (udp, window 2841)");
    let mut one = side("getnameinfo, one at a time");
    let mut many = side("getnameinfo, 32 threads");
    for place in 0..8 {
        // A B B A, so that both meet the same weather.
        let turned = place % 2 == 1;
        for part in 0..3 {
            let asked_first = (part == 0) != turned;
            match if turned { 2 - part } else { part } {
                0 => block(
                    &mut a,
                    &mut at,
                    &mut rng,
                    12_500,
                    52_000.0,
                    22_000.0,
                    asked_first,
                ),
                1 => block(&mut one, &mut at, &mut rng, 90, 47.0, 21_000.0, asked_first),
                _ => block(
                    &mut many,
                    &mut at,
                    &mut rng,
                    1_500,
                    1_400.0,
                    21_800.0,
                    asked_first,
                ),
            }
        }
    }
    let answers = |different| Answers {
        same: 700,
        different,
        only_a: 3,
        only_b: 1,
        explained: vec![("/etc/hosts has the address".to_owned(), 1)],
        examples: vec![
            Difference {
                target: "127.0.0.1".to_owned(),
                a: "no answer: NXDOMAIN".to_owned(),
                b: "localhost".to_owned(),
                reason: Some("/etc/hosts has the address".to_owned()),
            },
            Difference {
                target: "2001:db8:85a3::8a2e:370:7334".to_owned(),
                a: "a-very-long-host-name.of-a-data-centre.somewhere.example.net., b.example.net."
                    .to_owned(),
                b: "אבג.<script>alert(1)</script>.example.net".to_owned(),
                reason: None,
            },
        ],
    };
    Comparison {
        a,
        others: vec![
            OtherSide {
                side: one,
                answers: answers(2),
            },
            OtherSide {
                side: many,
                answers: answers(0),
            },
        ],
        listed: 100_000,
        seed: SEED,
        processors: NonZeroUsize::new(4),
        warnings: vec!["nscd is running, and may have answered from its cache".to_owned()],
    }
}

fn side(name: &str) -> Side {
    Side {
        name: name.to_owned(),
        latency: histogram(),
        latency_asked_second: histogram(),
        blocks: Vec::new(),
        ..Side::default()
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3).expect("the bounds are constant and valid")
}

/// Runs a block of a side whose targets take about `median_us`, `per_second` of them.
fn block(
    side: &mut Side,
    at: &mut Time,
    rng: &mut StdRng,
    targets: u64,
    per_second: f64,
    median_us: f64,
    asked_first: bool,
) {
    for _ in 0..targets {
        let took_ns = spread(rng, median_us, 0.12).as_nanos() as u64;
        side.latency.saturating_record(took_ns);
        if !asked_first {
            side.latency_asked_second.saturating_record(took_ns);
        }
    }
    let weather = rng.random_range(0.93..1.07);
    let wall = Duration::from_secs_f64(targets as f64 / (per_second * weather));
    side.blocks.push(Block {
        began: *at,
        wall,
        cpu: Duration::from_nanos(targets * (4_000 + median_us as u64 / 3)),
        targets,
        asked_first,
    });
    *at = *at + wall + Duration::from_millis(20);
}
