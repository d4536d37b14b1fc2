//! The jobs of a run.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use canvass_model::{Job, ProbeSpec, RecordType, Target, Time, reverse_name};
use rand::RngExt;
use rand::rngs::SmallRng;

/// Names of the lab's zone, outside it, and of its reverse zones.
const NAMES: &[&str] = &[
    "example.net",
    "www.example.net",
    "dangling.example.net",
    "big.example.net",
    "mail.example.net",
    "_http._tcp.example.net",
    "host-10-9-8-13.example.net",
    "gone.example.net",
    "in-addr.arpa",
    "elsewhere.example.org",
];
/// The record types of jobs.
const TYPES: &[RecordType] = &[
    RecordType(1),
    RecordType(2),
    RecordType(5),
    RecordType(6),
    RecordType(12),
    RecordType(15),
    RecordType(16),
    RecordType(28),
    RecordType(33),
    RecordType(65),
    RecordType(257),
    RecordType(65_280),
    RecordType::ANY,
];

/// The kinds of jobs of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mix {
    /// The percentage of jobs with forward confirmation.
    pub forward_percent: u32,
    /// The percentage of jobs about names.
    pub names_percent: u32,
    /// The percentage of invalid targets.
    pub invalid_percent: u32,
    /// The percentage of IPv6 addresses.
    pub v6_percent: u32,
    /// The time between the due times of two jobs, in nanoseconds.
    pub due_interval_ns: Option<u64>,
}

/// Reverse lookups of `count` addresses, all due at once.
pub fn addresses(count: u32) -> Vec<Job> {
    (0..count)
        .map(|index| Job {
            seq: u64::from(index),
            line: None,
            target: Target::Address {
                address: v4(index),
                given: None,
            },
            spec: ProbeSpec::Ptr {
                forward_confirm: false,
            },
            due: None,
            resolver: None,
        })
        .collect()
}

/// `count` jobs of the kinds in `mix`.
pub(super) fn mixed(rng: &mut SmallRng, count: u32, mix: &Mix) -> Vec<Job> {
    let ptr = ProbeSpec::Ptr {
        forward_confirm: false,
    };
    let percent = |rng: &mut SmallRng, share| rng.random_range(0..100) < share;
    (0..count)
        .map(|index| {
            let (target, spec) = if percent(rng, mix.invalid_percent) {
                invalid(rng, index)
            } else if percent(rng, mix.names_percent) {
                named(rng)
            } else {
                let address = if percent(rng, mix.v6_percent) {
                    v6(index)
                } else {
                    v4(index)
                };
                let target = if percent(rng, 5) {
                    arpa(address)
                } else {
                    Target::Address {
                        address,
                        given: None,
                    }
                };
                let forward_confirm = percent(rng, mix.forward_percent);
                (
                    target,
                    if forward_confirm {
                        ProbeSpec::Ptr { forward_confirm }
                    } else {
                        ptr
                    },
                )
            };
            Job {
                seq: u64::from(index),
                line: None,
                target,
                spec,
                due: mix
                    .due_interval_ns
                    .map(|interval_ns| Time::from_nanos(u64::from(index) * interval_ns)),
                resolver: None,
            }
        })
        .collect()
}

fn v4(index: u32) -> IpAddr {
    // Distinct addresses that cover the cases of the zone.
    Ipv4Addr::from(0x0a00_0000 | index.wrapping_mul(0x9e37) & 0x00ff_ffff).into()
}

fn v6(index: u32) -> IpAddr {
    Ipv6Addr::from((0x2001_0db8 << 96) | (u128::from(index) * 0x1_0001)).into()
}

fn arpa(address: IpAddr) -> Target {
    let mut wire = [0; 74];
    let octets = reverse_name(address, &mut wire);
    let name = canvass_model::DnsName::from_wire(&wire[..octets]).expect("a reverse name");
    Target::Name {
        given: name.to_string().into(),
        name,
    }
}

fn named(rng: &mut SmallRng) -> (Target, ProbeSpec) {
    let given = NAMES[rng.random_range(0..NAMES.len())];
    let target = Target::Name {
        name: given.parse().expect("a name"),
        given: given.into(),
    };
    let record_type = TYPES[rng.random_range(0..TYPES.len())];
    (target, ProbeSpec::Dns { record_type })
}

fn invalid(rng: &mut SmallRng, index: u32) -> (Target, ProbeSpec) {
    if rng.random_bool(0.5) {
        let target = Target::Invalid {
            given: "10.0.0.0/7x".into(),
            reason: "no address, range or name".into(),
        };
        let spec = ProbeSpec::Ptr {
            forward_confirm: true,
        };
        return (target, spec);
    }
    // An address has no records of its own.
    let target = Target::Address {
        address: v4(index),
        given: None,
    };
    let spec = ProbeSpec::Dns {
        record_type: RecordType::A,
    };
    (target, spec)
}
