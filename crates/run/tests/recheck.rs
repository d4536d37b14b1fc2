//! Asking again what failed, at the end of a run.

mod common;

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use canvass_run::{
    Continuation, Outcome, Plan, Recheck, Report, Run, Sink, SinkError, Source, Spill, SpillState,
    Verdict,
};
use common::{Waiting, lab, ptr, targets, until};

/// Keeps what is parked and what is recorded.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<[Vec<Outcome>; 2]>>);

impl Kept {
    fn parked(&self) -> BTreeMap<u64, Outcome> {
        by_seq(&self.0.lock().unwrap()[0])
    }

    fn recorded(&self) -> BTreeMap<u64, Outcome> {
        by_seq(&self.0.lock().unwrap()[1])
    }
}

impl Sink for Kept {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        self.0.lock().unwrap()[1].extend_from_slice(outcomes);
        Ok(())
    }

    fn park(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        self.0.lock().unwrap()[0].extend_from_slice(outcomes);
        Ok(())
    }
}

fn by_seq(outcomes: &[Outcome]) -> BTreeMap<u64, Outcome> {
    let outcomes_by_seq: BTreeMap<_, _> = outcomes
        .iter()
        .map(|outcome| (outcome.job.seq, outcome.clone()))
        .collect();
    assert_eq!(
        outcomes_by_seq.len(),
        outcomes.len(),
        "a target has several"
    );
    outcomes_by_seq
}

fn spill() -> (Spill, File) {
    let file = tempfile::tempfile().unwrap();
    (Spill::new(file.try_clone().unwrap(), "parked"), file)
}

fn start(plan: &Plan, source: impl Source + 'static, recheck: Recheck) -> (Run, Kept) {
    let kept = Kept::default();
    let sinks: Vec<Box<dyn Sink>> = vec![Box::new(recheck.spill.clone()), Box::new(kept.clone())];
    let before = Continuation::default();
    let run = Run::go_on(plan.clone(), source, sinks, before, Some(recheck)).unwrap();
    (run, kept)
}

/// Checks that the report counts what was recorded, and returns how many were asked and answered.
#[track_caller]
fn asked_and_answered(report: &Report, kept: &Kept) -> (u64, u64) {
    assert!(report.error.is_none(), "{:?}", report.error);
    let recorded = kept.recorded();
    let rechecked = recorded.values().filter(|outcome| outcome.recheck).count();
    assert_eq!(report.tally.total(), recorded.len() as u64);
    assert_eq!(report.tally.rechecked(), rechecked as u64);
    for outcome in recorded.values().filter(|outcome| outcome.recheck) {
        assert_ne!(outcome.verdict, Verdict::Failed);
    }
    (report.recheck.unwrap().asked, rechecked as u64)
}

#[test]
fn what_failed_is_asked_again_and_recorded_once() {
    let lab = lab(&[("servfail", "50%")]);
    let plan = ptr(&lab).retries(Some(0)).build().unwrap();
    let (spill, _file) = spill();
    let source = targets(&plan, "10.1.0.0/24");
    let (run, kept) = start(&plan, source, Recheck::new(spill.clone()));
    let report = run.join();
    let (asked, answered) = asked_and_answered(&report, &kept);
    let (parked, recorded) = (kept.parked(), kept.recorded());
    assert_eq!((report.admitted(), recorded.len()), (256, 256));
    assert_eq!(asked, parked.len() as u64);
    assert!(answered > 20 && answered < asked, "{answered} of {asked}");
    for (seq, outcome) in &recorded {
        match parked.get(seq) {
            None => assert!(!outcome.recheck && outcome.verdict != Verdict::Failed),
            Some(failed) if outcome.recheck => {
                assert_eq!(outcome.job, failed.job);
                assert!(outcome.due >= failed.finished);
            }
            Some(failed) => assert_eq!(outcome, failed),
        }
    }
    assert_eq!(spill.parked(), 0);
    assert_eq!(spill.octets().load(Ordering::Relaxed), 0);
}

#[test]
fn the_pass_ends_in_time_and_the_rest_is_recorded_as_it_failed() {
    let lab = lab(&[("never", "100%")]);
    let plan = ptr(&lab).deadline(Duration::from_millis(50));
    let plan = plan.build().unwrap();
    let recheck = Recheck {
        time_max: Duration::ZERO,
        ..Recheck::new(spill().0)
    };
    let (run, kept) = start(&plan, targets(&plan, "10.1.0.0/26"), recheck);
    let report = run.join();
    assert!(report.recheck.unwrap().asked < 64);
    assert_eq!(report.tally.verdict(Verdict::Failed), 64);
    assert_eq!(kept.recorded(), kept.parked());
}

#[test]
fn a_run_that_is_stopped_records_what_is_parked_at_once() {
    let lab = lab(&[("servfail", "100%")]);
    let plan = ptr(&lab).retries(Some(0)).build().unwrap();
    let (source, guard) = Waiting::new(targets(&plan, "10.1.0.0/26"));
    let (mut run, kept) = start(&plan, source, Recheck::new(spill().0));
    let snapshot = until(&mut run, |snapshot| snapshot.parked == 64);
    assert_eq!((snapshot.tally.total(), snapshot.in_flight), (0, 0));
    assert_eq!(kept.recorded().len(), 0);
    run.drain();
    drop(guard);
    let report = run.join();
    assert_eq!(asked_and_answered(&report, &kept), (0, 0));
    assert_eq!(report.recheck.unwrap().failed, 64);
    assert_eq!(kept.recorded(), kept.parked());
}

#[test]
fn a_target_that_is_not_valid_is_not_parked() {
    let lab = lab(&[]);
    let plan = ptr(&lab).build().unwrap();
    let source = targets(&plan, "not an address");
    let (run, kept) = start(&plan, source, Recheck::new(spill().0));
    let report = run.join();
    assert_eq!(asked_and_answered(&report, &kept), (0, 0));
    assert_eq!((kept.parked().len(), kept.recorded().len()), (0, 1));
}

/// Outcomes that have failed.
fn failed(count: usize) -> Vec<Outcome> {
    let lab = lab(&[("refused", "100%")]);
    let plan = ptr(&lab).retries(Some(0)).build().unwrap();
    let kept = Kept::default();
    let source = targets(&plan, &format!("10.1.0.0-10.1.0.{}", count - 1));
    Run::start(plan, source, vec![Box::new(kept.clone())])
        .unwrap()
        .join();
    kept.recorded().into_values().collect()
}

/// A file with parked outcomes, and its length before them and after each ten of them.
fn parked(outcomes: &[Outcome]) -> (File, Vec<u64>) {
    let (mut spill, file) = spill();
    spill.flush().unwrap();
    let mut lengths = vec![spill.octets().load(Ordering::Relaxed)];
    for batch in outcomes.chunks(10) {
        spill.park(batch).unwrap();
        spill.flush().unwrap();
        lengths.push(spill.octets().load(Ordering::Relaxed));
    }
    (file, lengths)
}

/// Goes on with the first `octets` of a file.
fn go_on(file: &File, octets: u64, recorded_octets: u64) -> Spill {
    let file = file.try_clone().unwrap();
    file.set_len(octets).unwrap();
    let before = SpillState {
        recorded_octets,
        ..SpillState::default()
    };
    Spill::continued(file, "parked", octets, before).unwrap()
}

#[test]
fn what_an_earlier_part_has_parked_is_neither_lost_nor_doubled() {
    let outcomes = failed(40);
    let lab = lab(&[]);
    let plan = ptr(&lab).build().unwrap();
    // Cut off after each batch, with none or some of them recorded.
    for parked_batches in 1..=4 {
        for recorded_batches in 0..=parked_batches {
            let (file, lengths) = parked(&outcomes);
            let spill = go_on(&file, lengths[parked_batches], lengths[recorded_batches]);
            let left = 10 * (parked_batches - recorded_batches) as u64;
            assert_eq!(spill.parked(), left);
            let none = targets(&plan, "10.1.0.0/32");
            let (run, kept) = start(&plan, none, Recheck::new(spill.clone()));
            let report = run.join();
            // The one target of this part has the number 0 too.
            let recorded = kept.0.lock().unwrap()[1].clone();
            let rechecked = recorded.iter().filter(|outcome| outcome.recheck);
            let seqs: Vec<u64> = rechecked.map(|outcome| outcome.job.seq).collect();
            let expected = 10 * recorded_batches as u64..10 * parked_batches as u64;
            assert_eq!(seqs, expected.collect::<Vec<_>>());
            assert!(report.error.is_none(), "{:?}", report.error);
            assert_eq!(report.tally.total(), left + 1);
            assert_eq!(spill.octets().load(Ordering::Relaxed), 0);
        }
    }
}

#[test]
fn answers_of_an_earlier_part_are_not_asked_for_again() {
    let outcomes = failed(40);
    let (file, lengths) = parked(&outcomes);
    let honest = lab(&[]);
    let plan = ptr(&honest).build().unwrap();
    let spill = go_on(&file, lengths[4], lengths[0]);
    let none = targets(&plan, "10.1.0.0/32");
    start(&plan, none, Recheck::new(spill)).0.join();
    // The part was cut off before it recorded any of them.
    let octets = file.metadata().unwrap().len();
    let spill = go_on(&file, octets, lengths[0]);
    let silent = lab(&[("never", "100%")]);
    let plan = ptr(&silent).deadline(Duration::from_millis(50));
    let plan = plan.build().unwrap();
    let none = targets(&plan, "10.1.0.0/32");
    let (run, kept) = start(&plan, none, Recheck::new(spill));
    let report = run.join();
    let counts = report.recheck.unwrap();
    // The new target failed, so there was another pass, for it alone.
    assert_eq!((counts.asked, report.tally.rechecked()), (41, 40));
    let recorded = kept.0.lock().unwrap()[1].clone();
    assert_eq!(recorded.len(), 41);
}

#[test]
fn the_file_of_another_version_is_refused() {
    let (file, lengths) = parked(&failed(10));
    std::os::unix::fs::FileExt::write_all_at(&file, b"canvass 9", 0).unwrap();
    let refused = Spill::continued(file, "lines.parked", lengths[1], SpillState::default());
    let error = refused.err().unwrap().to_string();
    assert!(
        error.contains("lines.parked: it was not written by this version"),
        "{error}"
    );
}
