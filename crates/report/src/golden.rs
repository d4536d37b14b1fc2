//! Every byte of the line formats, over many arbitrary outcomes.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::fixture::{any_outcome, epoch};
use crate::{Columns, Csv, LineFormat, Ndjson, Text};

const OUTCOMES: usize = 4096;

/// FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The hashes change with the formats, which are frozen, and with the version of proptest, which
/// draws the outcomes. After an update of proptest, take them from a revision of the writers that
/// passed before the update.
#[test]
fn formats_are_frozen_to_the_byte() {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]),
    );
    let outcome = any_outcome();
    let outcomes: Vec<_> = (0..OUTCOMES)
        .map(|_| outcome.new_tree(&mut runner).unwrap().current())
        .collect();
    let csv = |columns| {
        (
            Some(columns),
            Box::new(Csv::new(columns, epoch())) as Box<dyn LineFormat>,
        )
    };
    let formats = [
        (
            "text",
            (None, Box::new(Text::default()) as Box<dyn LineFormat>),
            "0fdd94013a771bc3",
        ),
        (
            "ndjson",
            (None, Box::new(Ndjson::new(epoch()))),
            "8549ae6077fc192d",
        ),
        ("csv of ptr and dns", csv(Columns::Dns), "94218eee9c4c9506"),
        ("csv of http", csv(Columns::Http), "a33a75771fdced1f"),
        ("csv of tcp and udp", csv(Columns::Talk), "72f7b0163aa30574"),
        ("csv of check", csv(Columns::Endpoints), "002b5773f4c868e2"),
    ];
    let mut changed = Vec::new();
    for (name, (columns, mut format), expected) in formats {
        let mut out = Vec::new();
        format.header(&mut out);
        for outcome in &outcomes {
            let is_of_family = match columns {
                None | Some(Columns::Endpoints) => true,
                Some(columns) => columns == Columns::of(&outcome.job.spec),
            };
            if is_of_family {
                format.line(outcome, &mut out);
            }
        }
        let actual = format!("{:016x}", hash(&out));
        if actual != expected {
            changed.push(format!("{name}: {actual}, not {expected}"));
        }
    }
    assert!(changed.is_empty(), "{changed:#?}");
}
