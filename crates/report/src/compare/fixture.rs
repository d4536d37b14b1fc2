//! Comparisons made up for tests.

use std::num::NonZeroUsize;
use std::time::Duration;

use canvass_model::Time;

use super::{Answers, Block, Comparison, OtherSide, Side};
use crate::latency::histogram;

/// A block of `targets` in `wall_ms`, without CPU time.
pub(super) fn block(targets: u64, wall_ms: u64) -> Block {
    Block {
        began: Time::ZERO,
        wall: Duration::from_millis(wall_ms),
        cpu: Duration::ZERO,
        targets,
        asked_first: true,
    }
}

/// A block of one second for each number of targets.
pub(super) fn blocks(targets: &[u64]) -> Vec<Block> {
    targets
        .iter()
        .map(|&targets| block(targets, 1000))
        .collect()
}

/// A side whose targets all took 1 ms and a tenth of that in CPU.
pub(super) fn side(name: &str, blocks: &[Block]) -> Side {
    let mut latency = histogram();
    let mut blocks = blocks.to_vec();
    for block in &mut blocks {
        latency
            .record_n(1_000_000, block.targets)
            .expect("a millisecond is within the bounds");
        block.cpu = Duration::from_micros(100) * u32::try_from(block.targets).unwrap();
    }
    Side {
        name: name.to_owned(),
        latency,
        latency_asked_second: histogram(),
        blocks,
        ..Side::default()
    }
}

/// canvass and libc with blocks of one second, on 64 processors.
pub(super) fn comparison(a: &[u64], b: &[u64]) -> Comparison {
    Comparison {
        a: side("canvass (udp, window 412)", &blocks(a)),
        others: vec![OtherSide {
            side: side("getnameinfo, one at a time", &blocks(b)),
            answers: Answers::default(),
        }],
        listed: 100_000,
        seed: 7,
        processors: NonZeroUsize::new(64),
        warnings: Vec::new(),
    }
}
