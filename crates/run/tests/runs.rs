//! Runs against the lab: complete ones, stopped ones, and several at once.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use canvass_model::Health;
use canvass_report::Measure;
use canvass_run::{
    Answer, Durable, Job, Outcome, Plan, Position, Run, ShardReport, Shared, Sink, SinkError,
    Snapshot, Source, SourceError, Tally, TargetKind, Targets, Verdict, arguments,
};
use common::{Calling, Waiting, lab, ptr, targets, until};
use crossbeam_channel::{Receiver, bounded};

/// Keeps every outcome.
#[derive(Clone, Default)]
struct Kept(Vec<Outcome>);

impl Sink for Kept {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        self.0.extend_from_slice(outcomes);
        Ok(())
    }
}

/// The number of targets under way in the event loops.
fn under_way(snapshot: &Snapshot) -> u64 {
    snapshot.loops.iter().map(|sample| sample.in_flight).sum()
}

#[test]
fn a_run_goes_to_its_end_and_every_target_has_one_outcome() {
    let lab = lab(&[]);
    let plan = ptr(&lab).build().unwrap();
    let kept = Shared::new(Kept::default());
    let source = targets(&plan, "10.1.0.0/20");
    let run = Run::start(plan, source, vec![Box::new(kept.clone())]).unwrap();
    let report = run.join();
    assert!(report.error.is_none());
    assert_eq!((report.admitted(), report.tally.total()), (4096, 4096));
    assert_eq!(report.completed.watermark, 4096);
    assert!(report.completed.above.is_empty());
    assert_eq!((report.remaining, report.shards.len()), (None, 2));
    let mut outcomes = kept.get().0.clone();
    outcomes.sort_by_key(|outcome| outcome.job.seq);
    for (seq, outcome) in (0..).zip(&outcomes) {
        assert_eq!(outcome.job.seq, seq);
        let address = outcome.job.target.reverse_address().unwrap();
        if outcome.verdict == Verdict::Answered {
            let Answer::Ptr(answer) = &outcome.answer else {
                panic!("{outcome:?}")
            };
            assert!(!answer.names.is_empty(), "{address}");
        }
    }
    assert_eq!(outcomes.len(), 4096);
}

#[test]
fn a_plan_needs_no_resolver_if_its_targets_name_theirs() {
    let lab = lab(&[]);
    let plan = Plan::builder(TargetKind::Ptr {
        forward_confirm: true,
    })
    .no_resolver(Some("there is none".into()))
    .build()
    .unwrap();
    let kept = Shared::new(Kept::default());
    let list = [
        format!("10.1.0.0/28 @{}", lab.address()),
        "10.2.0.1".to_owned(),
    ];
    let source = arguments(list, &plan.target_options()).unwrap();
    let run = Run::start(plan, source, vec![Box::new(kept.clone())]).unwrap();
    let report = run.join();
    assert!(report.error.is_none());
    assert_eq!((report.admitted(), report.tally.total()), (17, 17));
    for outcome in &kept.get().0 {
        match &outcome.job.resolver {
            Some(resolver) => {
                assert_eq!(
                    (outcome.resolver, **resolver),
                    (Some(lab.address()), lab.address())
                );
                assert_ne!(outcome.verdict, Verdict::Failed);
            }
            None => {
                assert_eq!(outcome.verdict, Verdict::Failed);
                let fault = outcome.fault.as_ref().unwrap();
                assert_eq!(&*fault.message, "there is none");
            }
        }
    }
}

#[test]
fn a_run_goes_on_where_its_source_was_skipped_to() {
    let lab = lab(&[]);
    let plan = ptr(&lab).build().unwrap();
    let mut source = targets(&plan, "10.1.0.0/24");
    source.skip_to(Position::before(200)).unwrap();
    let report = Run::start(plan, source, vec![]).unwrap().join();
    assert!(report.error.is_none());
    assert_eq!(
        (report.tally.total(), report.completed.watermark),
        (56, 256)
    );
}

#[test]
fn a_drain_ends_a_run_once_what_is_under_way_has_its_outcomes() {
    let lab = lab(&[]);
    let plan = ptr(&lab).build().unwrap();
    let source = targets(&plan, "10.0.0.0/8");
    let mut run = Run::start(plan, source, vec![]).unwrap();
    until(&mut run, |snapshot| snapshot.tally.total() > 1000);
    run.drain();
    let report = run.join();
    assert!(report.error.is_none());
    assert!(report.tally.total() > 1000);
    assert_eq!(report.tally.total(), report.admitted());
    assert_eq!(report.remaining, Some((1 << 24) - report.admitted()));
}

#[test]
fn an_abort_ends_targets_that_are_never_answered_and_a_source_that_waits() {
    let lab = lab(&[("never", "100%")]);
    let plan = ptr(&lab).build().unwrap();
    let (source, _let_go) = Waiting::new(targets(&plan, "10.0.0.0/28"));
    let mut run = Run::start(plan, source, vec![]).unwrap();
    until(&mut run, |snapshot| under_way(snapshot) == 16);
    let stop = run.stop_handle();
    std::thread::spawn(move || stop.abort()).join().unwrap();
    let report = run.join();
    assert!(report.error.is_none());
    assert_eq!(report.tally.verdict(Verdict::Failed), 16);
    assert_eq!(report.completed.watermark, 16);
}

#[test]
fn a_snapshot_says_how_a_run_stands() {
    let lab = lab(&[]);
    let plan = ptr(&lab).build().unwrap();
    let source = targets(&plan, "10.1.0.0/20");
    // After one batch the sinks block, so the run does not end during the checks.
    let (let_go, held) = crossbeam_channel::bounded::<()>(0);
    let mut batches = 0;
    let gate = Calling(move |_: &[Outcome]| {
        batches += 1;
        if batches == 2 {
            let _ = held.recv();
        }
        Ok(())
    });
    let mut run = Run::start(plan, source, vec![Box::new(gate)]).unwrap();
    let snapshot = until(&mut run, |snapshot| {
        snapshot.tally.total() > 0 && snapshot.window() > 0 && snapshot.in_flight > 256
    });
    assert_eq!((snapshot.total, snapshot.loops.len()), (Some(4096), 2));
    assert!(snapshot.allowed_per_second() > 0.0);
    let counted = snapshot.tally.total();
    let latency = snapshot.latency.percentiles(Measure::Service);
    drop(let_go);
    assert_eq!(run.join().tally.total(), 4096);
    // The first snapshot has not changed.
    assert_eq!(snapshot.tally.total(), counted);
    assert_eq!(snapshot.latency.percentiles(Measure::Service), latency);
    assert!(latency.is_some());
}

#[test]
fn event_loops_report_while_the_run_goes_on_and_after_its_end() {
    let lab = lab(&[]);
    let plan = ptr(&lab).build().unwrap();
    let (source, guard) = Waiting::new(targets(&plan, "10.1.0.0/22"));
    let mut run = Run::start(plan, source, Vec::new()).unwrap();
    let reader = run.reader();
    until(&mut run, |snapshot| snapshot.tally.total() == 1_024);
    let reports = run.reports();
    let mut all = ShardReport::default();
    for report in &reports {
        all.merge(report);
    }
    assert_eq!(
        (reports.len(), all.admitted, all.finished),
        (2, 1_024, 1_024)
    );
    assert!(all.in_flight_max > 0 && all.turns.total() > 0);
    let resolver = &all.upstreams[..];
    assert_eq!(resolver.len(), 1);
    assert_eq!(
        (resolver[0].address, resolver[0].health),
        (lab.address(), Health::Good)
    );
    assert!(resolver[0].answered >= 1_024 && resolver[0].udp.is_some());
    drop(guard);
    let report = run.join().into_result().unwrap();
    // The last ones are those of the end.
    let ends = reader.reports();
    assert!(ends.iter().all(|end| !end.samples.is_empty()));
    let sent = |reports: &[ShardReport]| -> u64 {
        let upstreams = reports.iter().flat_map(|report| &report.upstreams);
        upstreams.map(|upstream| upstream.sent).sum()
    };
    assert_eq!(sent(&ends), sent(&report.shards));
}

/// A source that gives its jobs once it is released.
struct Held {
    targets: Targets,
    release: Option<Receiver<()>>,
}

impl Source for Held {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        if let Some(release) = self.release.take() {
            release.recv().unwrap();
        }
        self.targets.next(max, out)
    }

    fn remaining(&self) -> Option<u64> {
        self.targets.remaining()
    }

    fn position(&self) -> Position {
        self.targets.position()
    }
}

#[test]
fn a_run_without_a_share_of_its_caps_begins_no_target() {
    let lab = lab(&[]);
    let plan = ptr(&lab).rate(Some(100_000.0)).build().unwrap();
    assert_eq!(plan.caps().rate_per_second, Some(100_000.0));
    let (begin, release) = bounded(0);
    let source = Held {
        targets: targets(&plan, "10.1.0.0/22"),
        release: Some(release),
    };
    let run = Run::start(plan, source, Vec::new()).unwrap();
    let share = run.share_handle();
    share.set(0.0);
    begin.send(()).unwrap();
    for _ in 0..3 {
        // Each report is made in a turn.
        let admitted: u64 = run.reports().iter().map(|report| report.admitted).sum();
        assert_eq!(admitted, 0);
    }
    share.set(1.0);
    let report = run.join().into_result().unwrap();
    assert_eq!(report.tally.total(), 1_024);
}

#[test]
fn two_runs_in_one_process_do_not_know_of_each_other() {
    let (silent, talking) = (lab(&[("never", "100%")]), lab(&[]));
    let plan = ptr(&silent).build().unwrap();
    let (source, _let_go) = Waiting::new(targets(&plan, "10.0.0.0/28"));
    let mut waiting = Run::start(plan, source, vec![]).unwrap();
    let plan = ptr(&talking).build().unwrap();
    let source = targets(&plan, "10.1.0.0/24");
    let report = Run::start(plan, source, vec![]).unwrap().join();
    assert_eq!(report.tally.total(), 256);
    assert_eq!(report.tally.verdict(Verdict::Failed), 0);
    let snapshot = until(&mut waiting, |snapshot| under_way(snapshot) == 16);
    assert_eq!(snapshot.tally.total(), 0);
    waiting.abort();
    assert_eq!(waiting.join().tally.total(), 16);
}

/// A sink that reports this many outcomes as durable.
struct Slow {
    durable: Arc<AtomicU64>,
    fails_at_end: bool,
}

impl Sink for Slow {
    fn record(&mut self, _outcomes: &[Outcome]) -> Result<(), SinkError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::First(self.durable.load(Ordering::SeqCst)))
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        if self.fails_at_end {
            let error = std::io::ErrorKind::StorageFull.into();
            return Err(SinkError::new("slow", error));
        }
        Ok(())
    }
}

#[test]
fn targets_are_done_once_every_sink_has_made_them_durable() {
    let lab = lab(&[]);
    for fails_at_end in [false, true] {
        let plan = ptr(&lab).build().unwrap();
        let (source, let_go) = Waiting::new(targets(&plan, "10.1.0.0/25"));
        let durable = Arc::new(AtomicU64::new(0));
        let slow = Slow {
            durable: Arc::clone(&durable),
            fails_at_end,
        };
        let order = Shared::new(Kept::default());
        let sinks: Vec<Box<dyn Sink>> = vec![Box::new(order.clone()), Box::new(slow)];
        let mut run = Run::start(plan, source, sinks).unwrap();
        let all_recorded = until(&mut run, |snapshot| snapshot.tally.total() == 128);
        assert_eq!((all_recorded.durable, all_recorded.in_flight), (0, 0));
        durable.store(40, Ordering::SeqCst);
        until(&mut run, |snapshot| snapshot.durable == 40);
        drop(let_go);
        let report = run.join();
        let mut done: Vec<u64> = order.get().0.iter().map(|one| one.job.seq).collect();
        done.truncate(if fails_at_end { 40 } else { 128 });
        done.sort_unstable();
        let completed: Vec<u64> = (0..report.completed.watermark)
            .chain(report.completed.above.iter().cloned().flatten())
            .collect();
        assert_eq!(completed, done);
        assert_eq!(report.error.is_some(), fails_at_end);
    }
}

#[test]
fn a_sink_that_calls_back_sees_every_outcome_before_the_counts_do() {
    let lab = lab(&[]);
    let plan = ptr(&lab).build().unwrap();
    let source = targets(&plan, "10.1.0.0/24");
    let tally = Shared::new(Tally::default());
    let mut seen = 0;
    let (before, counted) = (tally.clone(), tally.clone());
    let calling = Calling(move |outcomes: &[Outcome]| {
        assert_eq!(before.get().total(), seen);
        seen += outcomes.len() as u64;
        Ok(())
    });
    let sinks: Vec<Box<dyn Sink>> = vec![Box::new(calling), Box::new(counted)];
    let report = Run::start(plan, source, sinks).unwrap().join();
    assert!(report.error.is_none());
    assert_eq!(*tally.get(), *report.tally);
}
