//! Draws resolvers.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::{Profile, one_of};
use crate::scenario::{Peer, Reach};

/// The resolvers of a run.
pub(super) fn draw_peers(rng: &mut SmallRng, profile: Profile) -> Vec<Peer> {
    let count = one_of(rng, &[1, 1, 2, 3, 5, 20]);
    let common = rng.random();
    (0..count)
        .map(|index| match profile {
            Profile::Clean | Profile::Stalled => Peer::new(index),
            Profile::Mixed if rng.random_bool(0.4) => Peer::new(index),
            Profile::Mixed => draw_character(rng, index),
            Profile::Uniform => draw_character(&mut SmallRng::seed_from_u64(common), index),
        })
        .collect()
}

/// A resolver with one or two impairments.
fn draw_character(rng: &mut SmallRng, index: u16) -> Peer {
    let mut text = String::new();
    let mut peer = Peer::new(index);
    for _ in 0..rng.random_range(1..=2) {
        match rng.random_range(0..25) {
            0 => peer.reach = Reach::Closed,
            1 => peer.reach = Reach::Unroutable,
            2 => peer.reach = Reach::Blackhole,
            3 => peer.reset_after = Some(rng.random_range(1..200)),
            4 => peer.idle_close = Some(Duration::from_millis(rng.random_range(5..500))),
            character => add(&mut text, &draw_impairment(rng, character)),
        }
    }
    let reach = (peer.reach, peer.reset_after, peer.idle_close);
    let mut peer = Peer::impaired(index, &text);
    (peer.reach, peer.reset_after, peer.idle_close) = reach;
    peer.impairments.seed = rng.random();
    peer
}

/// A resolver that does not recurse, and serves some of the names or none. It is drawn apart, so
/// that all else is as it is without it.
pub(super) fn draw_referring(seed: u64, index: u16) -> Peer {
    let rng = &mut SmallRng::seed_from_u64(!seed);
    let percent = one_of(rng, &[30, 90, 100]);
    Peer::impaired(index, &format!("referral={percent}%"))
}

/// A resolver that holds few queries at once, that is stopped now and then, that has a small queue,
/// or that recurses. It is drawn apart, so that all else is as it is without it.
pub(super) fn draw_limited(seed: u64, index: u16) -> Peer {
    let rng = &mut SmallRng::seed_from_u64(!seed);
    let over = one_of(rng, &["silent", "refused", "slip"]);
    let text = match rng.random_range(0..5) {
        0 => {
            let cap = one_of(rng, &[5, 50, 500]);
            format!("delay=20ms,inflight-cap={cap},over={over}")
        }
        1 => {
            let hold_ms = one_of(rng, &[500, 10_000]);
            format!("delay=5ms,never=10%,inflight-cap=20,inflight-hold={hold_ms}ms,over={over}")
        }
        2 => {
            let every_ms = one_of(rng, &[200, 1_000]);
            format!("delay=1ms,freeze=100ms,freeze-every={every_ms}ms,queue=100")
        }
        3 => {
            let service_us = one_of(rng, &[5, 200, 2_000]);
            format!("service-time={service_us}us,queue=50")
        }
        _ => "delay=20500us,jitter=19500us,nxdomain=20%,lame=12%,never=8%".to_owned(),
    };
    Peer::impaired(index, &text)
}

fn draw_impairment(rng: &mut SmallRng, character: u32) -> String {
    let percent = one_of(rng, &[1, 10, 30, 100]);
    let some = one_of(rng, &[1, 5, 20]);
    let delay_ms = one_of(rng, &[1, 20, 150, 700]);
    match character {
        5 => format!("delay={delay_ms}ms,jitter={delay_ms}ms"),
        6 => format!("delay={delay_ms}ms"),
        7 => format!("loss={}%", one_of(rng, &[1, 10, 50])),
        8 => format!("rate-cap={},over=silent", one_of(rng, &[50, 500, 5_000])),
        9 => format!("rate-cap={},over=refused", one_of(rng, &[50, 500, 5_000])),
        10 => "servfail=100%".into(),
        11 => "outage-after=0s".into(),
        12 => format!("slow=9%,never=1%,slow-by={}ms", one_of(rng, &[300, 800])),
        13 => format!("truncate={percent}%"),
        14 => format!("tcp-close-after={}", one_of(rng, &[1, 3, 100])),
        15 => format!("tcp-serial,delay={}ms", one_of(rng, &[0, 1, 10])),
        16 => format!("tcp-silent,truncate={percent}%"),
        17 => format!("tcp-refuse,truncate={percent}%"),
        18 => format!("forge={percent}%"),
        19 => format!("duplicate={percent}%"),
        20 => format!("corrupt={percent}%"),
        21 => format!("late={some}%,late-by={}ms", one_of(rng, &[300, 3_000])),
        22 => format!(
            "outage-after={}ms,outage={}ms",
            one_of(rng, &[50, 500]),
            one_of(rng, &[300, 3_000, 30_000])
        ),
        23 => format!("tcp-misframe={some}%,truncate={percent}%"),
        _ => format!("no-edns,servfail={some}%,refused={some}%"),
    }
}

fn add(text: &mut String, item: &str) {
    if !text.is_empty() {
        text.push(',');
    }
    text.push_str(item);
}
