//! Runs that fail, and invalid plans.

mod common;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use canvass_model::ModuleId;
use canvass_run::{
    Job, Optional, Outcome, Plan, PlanError, Position, Report, Run, RunError, Sink, SinkError,
    Source, SourceError, TargetKind, stream,
};
use common::{Calling, PTR, lab, ptr, targets};

/// Fails or panics after a few batches.
struct Failing {
    after: usize,
    panics: bool,
    recorded: usize,
    /// The sum of what the sinks had recorded when they were finished, and their number.
    finished: Arc<(AtomicUsize, AtomicUsize)>,
}

impl Sink for Failing {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        self.after -= 1;
        self.recorded += outcomes.len();
        match (self.after, self.panics) {
            (0, true) => panic!("a sink has a fault"),
            (0, false) => Err(SinkError::new(
                "list.csv",
                io::ErrorKind::StorageFull.into(),
            )),
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.finished.0.fetch_add(self.recorded, Ordering::SeqCst);
        self.finished.1.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

fn failing(after: usize, panics: bool, finished: &Arc<(AtomicUsize, AtomicUsize)>) -> Failing {
    Failing {
        after,
        panics,
        recorded: 0,
        finished: Arc::clone(finished),
    }
}

/// Runs an endless list through three sinks, of which the second fails or panics.
#[track_caller]
fn run_with_a_fault(panics: bool) -> Report {
    let lab = lab(&[]);
    let plan = ptr(&lab).build().unwrap();
    let finished = Arc::default();
    let sinks = [usize::MAX, 3, usize::MAX]
        .map(|after| Box::new(failing(after, panics, &finished)) as Box<dyn Sink>);
    let source = targets(&plan, "::/0");
    let report = Run::start(plan, source, sinks.into()).unwrap().join();
    assert_eq!(finished.1.load(Ordering::SeqCst), 2);
    // The others miss nothing, also of the batch in which it failed and of what came after.
    let total = report.tally.total();
    assert_eq!(finished.0.load(Ordering::SeqCst) as u64, 2 * total);
    assert_eq!(report.admitted(), total);
    assert!(report.completed.watermark < total);
    report
}

#[test]
fn a_sink_that_fails_ends_the_run_with_its_error_and_the_others_are_finished() {
    let Err(RunError::Sink(error)) = run_with_a_fault(false).into_result() else {
        panic!("no error of a sink")
    };
    assert!(error.to_string().contains("list.csv"), "{error}");
}

#[test]
fn a_sink_that_panics_ends_the_run_with_an_error_and_the_others_are_finished() {
    let error = run_with_a_fault(true).error.unwrap();
    assert_eq!(
        error.to_string(),
        "the thread \"collector\" panicked: a sink has a fault"
    );
}

#[test]
fn an_optional_sink_that_fails_does_not_end_the_run() {
    let lab = lab(&[]);
    let plan = ptr(&lab).build().unwrap();
    let source = targets(&plan, "10.1.0.0/20");
    let finished = Arc::default();
    let optional = Optional::new(failing(2, false, &finished));
    let error = optional.error();
    let report = Run::start(plan, source, vec![Box::new(optional)])
        .unwrap()
        .join();
    assert!(report.error.is_none());
    assert_eq!(report.tally.total(), 4096);
    assert_eq!(report.completed.watermark, 4096);
    assert!(error.take().unwrap().to_string().contains("list.csv"));
    assert_eq!(finished.1.load(Ordering::SeqCst), 0);
}

/// Gives the jobs of another source, and then panics.
struct Panicking<S>(S);

impl<S: Source> Source for Panicking<S> {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        let more = self.0.next(max, out)?;
        assert!(more, "a source has a {}", "fault");
        Ok(more)
    }

    fn remaining(&self) -> Option<u64> {
        None
    }

    fn position(&self) -> Position {
        self.0.position()
    }
}

#[test]
fn a_source_that_panics_ends_the_run_with_an_error() {
    let lab = lab(&[("never", "100%")]);
    let plan = ptr(&lab).build().unwrap();
    let source = Panicking(targets(&plan, "10.0.0.0/20"));
    let report = Run::start(plan, source, vec![]).unwrap().join();
    let error = report.error.unwrap();
    assert_eq!(
        error.to_string(),
        "the thread \"feeder\" panicked: a source has a fault"
    );
}

#[test]
fn what_came_before_a_bad_line_is_asked() {
    let lab = lab(&[]);
    let plan = ptr(&lab).build().unwrap();
    let mut options = plan.target_options();
    options.strict = true;
    let source = stream(&b"10.1.0.0/28\nbad\n10.1.1.1\n"[..], "list", &options);
    let report = Run::start(plan, source, vec![]).unwrap().join();
    assert_eq!(report.tally.total(), 16);
    let error = report.error.unwrap();
    assert!(error.to_string().starts_with("list:2: "), "{error}");
}

#[test]
fn a_dropped_run_stops_to_ask() {
    let lab = lab(&[]);
    let plan = ptr(&lab).build().unwrap();
    let source = targets(&plan, "::/0");
    let (dropped, is_dropped) = crossbeam_channel::bounded::<()>(0);
    let sink = Calling(move |_: &[Outcome]| {
        let _alive = &dropped;
        Ok(())
    });
    drop(Run::start(plan, source, vec![Box::new(sink)]).unwrap());
    // The sink is dropped when the run ends.
    assert!(is_dropped.recv().is_err());
}

#[test]
fn a_plan_that_cannot_be_names_the_input() {
    let resolver = "127.0.0.1:53".parse().unwrap();
    let with = || Plan::builder(PTR).resolvers([resolver]);
    let http = TargetKind::Http {
        module: ModuleId(0),
        requests: std::num::NonZeroU32::MIN,
        ports: None,
        path_as_is: false,
    };
    for (builder, text) in [
        (Plan::builder(PTR), "there is no resolver"),
        (
            with().resolvers(["192.0.2.1:0".parse().unwrap()]),
            "the resolver 192.0.2.1:0 has no port",
        ),
        (
            with().rate(Some(0.0)),
            "rate is 0, which is not a number above 0",
        ),
        (
            with().rate_per_resolver(Some(f64::NAN)),
            "rate_per_resolver is NaN, which is not a number above 0",
        ),
        (
            with().concurrency(Some(0)),
            "concurrency is 0; it must be at least 1",
        ),
        (
            with().event_loops(0),
            "event_loops is 0; it must be at least 1",
        ),
        (
            with().allow(["192.0.2.0/24".parse().unwrap()]),
            "the resolver 127.0.0.1:53 is not among the addresses that may be sent to",
        ),
        (
            Plan::builder(http.clone())
                .allow(["127.0.0.0/8".parse().unwrap()])
                .system_names(true),
            "the system may not look up names where only some addresses may be sent to",
        ),
        (
            Plan::builder(http),
            "module 0 is missing, or is for another protocol than the targets",
        ),
    ] {
        let error: PlanError = builder.build().unwrap_err();
        assert_eq!(error.to_string(), text);
    }
    let plan = with().event_loops(8).concurrency(Some(3)).build().unwrap();
    assert_eq!((plan.event_loops(), plan.concurrency()), (3, 3));
    assert_eq!(
        (plan.caps().concurrency, plan.caps().per_host),
        (Some(3), None)
    );
}
