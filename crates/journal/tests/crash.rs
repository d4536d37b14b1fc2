//! A run on a simulated disk that fails after any operation, and then loses, reorders and tears what
//! was not synchronised. Whatever is left, the run is resumed, and at its end every line is in the
//! output once.

mod simulated_disk;

use std::collections::BTreeSet;

use canvass_journal::{
    Binding, BoundValue, Disk, Done, Output, Place, Progress, Record, Shard, Store,
};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use simulated_disk::{Crashed, SimulatedDisk};

/// The targets of the run.
const TARGETS: u64 = 40;
/// The octets of a line.
const LINE_OCTETS: u64 = 9;

fn record() -> Record {
    Record {
        generation: 0,
        version: String::new(),
        began_ns: 0,
        binding: Binding::new(String::new(), [BoundValue::new("list", "l", "l")]),
        seed: None,
        shard: Shard { index: 1, count: 1 },
        progress: progress(&BTreeSet::new(), 0),
        finished: None,
    }
}

fn progress(done: &BTreeSet<u64>, octets: u64) -> Progress {
    let watermark = (0..).find(|seq| !done.contains(seq)).unwrap();
    let above = done.range(watermark..).map(|seq| *seq..*seq + 1).collect();
    Progress {
        done: Done {
            watermark,
            above,
            partial: Vec::new(),
        },
        outputs: vec![Output {
            flag: "--output".into(),
            path: "lines".into(),
            octets,
        }],
        ..Progress::default()
    }
}

fn line(seq: u64) -> String {
    format!("{seq:08}\n")
}

fn done_of(record: &Record) -> BTreeSet<u64> {
    let done = &record.progress.done;
    let above = done.above.iter().cloned().flatten();
    (0..done.watermark).chain(above).collect()
}

/// Runs until the end, or until the disk fails.
fn run(disk: SimulatedDisk, rng: &mut StdRng) -> Result<(), Crashed> {
    let (mut store, loaded) = match Store::load(disk.clone()) {
        Ok(loaded) => loaded,
        Err(error) if disk.has_failed() => return Err(Crashed::from(error)),
        Err(error) => panic!("no record can be read: {error}"),
    };
    let mut record = match loaded.record {
        Some(record) if record.finished.is_some() => return Ok(()),
        Some(record) => record,
        None => {
            assert!(!disk.has_begun(), "the journal is lost");
            let mut first = record();
            store.begin(&mut first)?;
            disk.note_begun();
            first
        }
    };
    assert!(
        disk.clone()
            .read(Place::Current)
            .is_ok_and(|file| file.is_some())
    );
    // What the journal counts on is there: the lines that are done, and no others.
    let mut done = done_of(&record);
    let octets = record.progress.outputs[0].octets;
    let kept = disk.cut_output(octets)?;
    let lines: Vec<u64> = kept
        .split_inclusive(|octet| *octet == b'\n')
        .map(|line| str::from_utf8(line).unwrap().trim_end().parse().unwrap())
        .collect();
    assert_eq!(octets, LINE_OCTETS * lines.len() as u64);
    assert_eq!(lines.len(), done.len());
    assert_eq!(lines.into_iter().collect::<BTreeSet<_>>(), done);
    let mut octets = octets;
    while done.len() < TARGETS as usize {
        // The outcomes arrive in any order.
        let left: Vec<u64> = (0..TARGETS).filter(|seq| !done.contains(seq)).collect();
        let seq = left[rng.random_range(0..left.len().min(9))];
        disk.append_output(line(seq).as_bytes())?;
        octets += LINE_OCTETS;
        done.insert(seq);
        if rng.random_range(0..4) == 0 {
            record.progress = progress(&done, octets);
            store.commit(&mut record)?;
        }
    }
    record.progress = progress(&done, octets);
    store.commit(&mut record)?;
    record.finished = Some(0);
    store.commit(&mut record)?;
    Ok(())
}

/// Runs with crashes, each after some more operations, and checks what is left at the end. Returns the
/// number of operations up to the first crash or the end.
fn run_with_crashes(seed: u64, operations: impl Iterator<Item = u64>) -> u64 {
    let mut rng = StdRng::seed_from_u64(seed);
    let disk = SimulatedDisk::default();
    let mut first = None;
    for allowed in operations {
        disk.fail_after(allowed);
        let ended = run(disk.clone(), &mut rng);
        first.get_or_insert(disk.operations());
        match ended {
            Ok(()) => break,
            Err(Crashed) => disk.crash(&mut rng),
        }
    }
    disk.fail_after(u64::MAX);
    // A last crash shows what is durable of an end.
    if run(disk.clone(), &mut rng).is_ok() {
        disk.crash(&mut rng);
    }
    let (_, loaded) = Store::load(disk.clone()).unwrap();
    let record = loaded.record.unwrap();
    assert_eq!(record.finished, Some(0));
    let output = disk.cut_output(record.progress.outputs[0].octets).unwrap();
    let mut lines: Vec<&str> = str::from_utf8(&output).unwrap().lines().collect();
    lines.sort_unstable();
    let expected: Vec<String> = (0..TARGETS).map(|seq| format!("{seq:08}")).collect();
    assert_eq!(lines, expected);
    first.unwrap_or_default()
}

#[test]
fn a_crash_after_any_operation_loses_and_doubles_nothing() {
    for seed in 0..40 {
        let all = run_with_crashes(seed, std::iter::once(u64::MAX));
        for allowed in 0..all {
            run_with_crashes(seed, std::iter::once(allowed));
        }
    }
}

proptest! {
    #[test]
    fn crashes_of_every_resumption_lose_and_double_nothing(
        seed in any::<u64>(),
        crashes in prop::collection::vec(0..60_u64, 0..20),
    ) {
        run_with_crashes(seed, crashes.into_iter());
    }
}

#[test]
fn a_damaged_record_is_noticed_and_the_one_before_it_holds() {
    let disk = SimulatedDisk::default();
    disk.fail_after(u64::MAX);
    let (mut store, _) = Store::load(disk.clone()).unwrap();
    let mut first = record();
    store.begin(&mut first).unwrap();
    store.commit(&mut first).unwrap();
    disk.damage(Place::Current);
    let (mut store, loaded) = Store::load(disk.clone()).unwrap();
    assert!(loaded.damage.is_some());
    let mut record = loaded.record.unwrap();
    assert_eq!(record.generation, 1);
    // The damaged one does not replace it.
    store.commit(&mut record).unwrap();
    let (_, loaded) = Store::load(disk.clone()).unwrap();
    assert_eq!(loaded.record.unwrap().generation, 2);
    assert!(disk.clone().read(Place::Previous).unwrap().is_some());
}
